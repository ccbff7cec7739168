//! Who is believed, for whom, and who is not: every way in is tried with every wrong claim.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::app::directory::resolve::{Believed, Disbelief, Peer, Reach, Refusal};
use crate::app::directory::trial::{Explained, Trial};
use crate::webhook::form::Form;
use crate::webhook::origin::Origin;
use crate::webhook::raw::{Limits, RawWebhook, Wire};
use crate::webhook::signature::{Failure, Signer};

const ACME: &str = "AC00000000000000000000000000000aaa";
const BRAVO: &str = "AC00000000000000000000000000000bbb";
const PLATFORM: &str = "AC00000000000000000000000000000fff";
const PUBLIC: &str = "https://calls.example.com";
const ACME_LINE: &str = "+16195550100";
const BRAVO_LINE: &str = "+13035550100";
const CHARLIE_LINE: &str = "+12125550100";
const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn slug(text: &str) -> OrgSlug {
    OrgSlug::parse(text).unwrap()
}

fn account(text: &str) -> AccountSid {
    AccountSid::parse(text).unwrap()
}

fn bound(of: &str, number: &str) -> Bound {
    Bound { account: account(of), number: E164::parse(number).unwrap(), line: None }
}

fn keys(token: &str) -> VerifierSet {
    VerifierSet::one(Verifier::from_token(token))
}

fn own(org: &str, of: &str, token: &str) -> Profile {
    let installation = Some("in_1".into());
    Profile { installation, ..Profile::given(Owner::Organization(slug(org)), account(of), keys(token)) }
}

fn tenant(org: &str, profiles: Vec<Profile>, numbers: Vec<Bound>) -> Tenant {
    Tenant {
        slug: slug(org),
        own: Grant::Full,
        platform: Grant::Ending(Withheld::NotOptedIn),
        platform_texts: Grant::Ending(Withheld::NotOptedIn),
        outlets: Vec::new(),
        profiles: profiles.into_iter().map(Arc::new).collect(),
        revoked: Vec::new(),
        numbers,
        hosts: Vec::new(),
    }
}

fn acme() -> Tenant {
    tenant("acme", vec![own("acme", ACME, "acme-token")], vec![bound(ACME, ACME_LINE)])
}

/// Acme and bravo have their own accounts, charlie uses the platform's, and delta is known by a rule file alone.
fn directory() -> Directory {
    let directory = Directory::new(vec![Profile::given(Owner::Platform, account(PLATFORM), keys("platform-token"))]);
    directory.change(|now| {
        assert_eq!(now.put(acme()), []);
        let bravo = tenant("bravo", vec![own("bravo", BRAVO, "bravo-token")], vec![bound(BRAVO, BRAVO_LINE)]);
        assert_eq!(now.put(Tenant { hosts: vec!["phones.bravo.example".into()], ..bravo }), []);
        let charlie = tenant("charlie", vec![], vec![bound(PLATFORM, CHARLIE_LINE)]);
        assert_eq!(now.put(Tenant { platform: Grant::Full, ..charlie }), []);
    });
    directory
}

/// A request with everything that can be wrong about it.
#[derive(Clone, Copy)]
struct Ask<'a> {
    token: &'a str,
    account: &'a str,
    to: &'a str,
    target: &'a str,
    signed_at: &'a str,
    came_in_at: &'a str,
}

const ASK: Ask<'static> = Ask {
    token: "acme-token",
    account: ACME,
    to: ACME_LINE,
    target: "/twilio/inbound-call",
    signed_at: PUBLIC,
    came_in_at: PUBLIC,
};

fn ask(directory: &Directory, ask: Ask<'_>) -> Result<Believed, Box<Refusal>> {
    let form = Form::of([("AccountSid", ask.account), ("To", ask.to)]);
    let signature = Signer::new(ask.token).sign(&format!("{}{}", ask.signed_at, ask.target), &form);
    let body = form.encode();
    let wire = Wire {
        method: "POST",
        target: ask.target,
        content_type: Some("application/x-www-form-urlencoded"),
        signature: (!ask.token.is_empty()).then_some(signature.as_str()),
        body: body.as_bytes(),
    };
    let raw = RawWebhook::read(wire, &Limits::default()).unwrap();
    let told = vec![Origin::parse(ask.came_in_at).unwrap()];
    let reach = Reach { public: Some(Origin::parse(PUBLIC).unwrap()), told, peer: Peer::Remote };
    directory.verify(raw, &reach, NOW)
}

fn owner(asked: Result<Believed, Box<Refusal>>) -> Owner {
    asked.unwrap().profile.owner.clone()
}

fn refused(asked: Result<Believed, Box<Refusal>>) -> Disbelief {
    let refusal = asked.unwrap_err();
    assert_eq!(refusal.observed, None);
    refusal.why
}

const MISMATCH: Disbelief = Disbelief::Signature(Failure::Mismatch);

#[test]
fn an_account_is_found_by_the_url_by_the_host_and_by_the_number() {
    let directory = directory();
    let of_acme = Owner::Organization(slug("acme"));
    assert_eq!(owner(ask(&directory, ASK)), of_acme);
    let named = Ask { target: "/twilio/inbound-call?org=acme", ..ASK };
    assert_eq!(owner(ask(&directory, named)), of_acme);
    assert_eq!(ask(&directory, named).unwrap().named, Some(slug("acme")));
    let at = "https://phones.bravo.example";
    let hosted = Ask { token: "bravo-token", account: BRAVO, to: BRAVO_LINE, signed_at: at, came_in_at: at, ..ASK };
    assert_eq!(ask(&directory, hosted).unwrap().named, Some(slug("bravo")));
    let port =
        Ask { came_in_at: "https://Phones.Bravo.example:443", signed_at: "https://Phones.Bravo.example:443", ..hosted };
    assert_eq!(ask(&directory, port).unwrap().named, Some(slug("bravo")));
    let shared = Ask { token: "platform-token", account: PLATFORM, to: CHARLIE_LINE, ..ASK };
    assert_eq!(owner(ask(&directory, shared)), Owner::Platform);
    assert_eq!(owner(ask(&directory, Ask { target: "/twilio/inbound-call?org=charlie", ..shared })), Owner::Platform);
    assert_eq!(owner(ask(&directory, Ask { target: "/twilio/inbound-call?org=delta", ..shared })), Owner::Platform);
}

#[test]
fn a_key_opens_its_own_account_and_no_other() {
    let directory = directory();
    assert_eq!(refused(ask(&directory, Ask { token: "bravo-token", ..ASK })), MISMATCH);
    assert_eq!(refused(ask(&directory, Ask { token: "platform-token", ..ASK })), MISMATCH);
    assert_eq!(refused(ask(&directory, Ask { token: "", ..ASK })), Disbelief::Signature(Failure::Missing));
    let unknown = Ask { account: "AC00000000000000000000000000000123", ..ASK };
    assert_eq!(refused(ask(&directory, unknown)), Disbelief::UnknownAccount);
    assert_eq!(refused(ask(&directory, Ask { account: "x", ..ASK })), Disbelief::NoAccount);
}

#[test]
fn an_organization_is_reached_over_its_own_account_only() {
    let directory = directory();
    let to_acme = "/twilio/inbound-call?org=acme";
    let bravo = Ask { token: "bravo-token", account: BRAVO, target: to_acme, ..ASK };
    assert_eq!(refused(ask(&directory, bravo)), Disbelief::ForeignOrganization);
    let platform = Ask { token: "platform-token", account: PLATFORM, target: to_acme, ..ASK };
    assert_eq!(refused(ask(&directory, platform)), Disbelief::ForeignOrganization, "its own never falls back");
    let acme = Ask { target: "/twilio/inbound-call?org=charlie", ..ASK };
    assert_eq!(refused(ask(&directory, acme)), Disbelief::ForeignOrganization);
    assert_eq!(
        refused(ask(&directory, Ask { target: "/twilio/inbound-call?org=delta", ..ASK })),
        Disbelief::ForeignOrganization
    );
}

#[test]
fn the_right_key_with_another_account_is_not_believed() {
    let directory = directory();
    let claimed = Ask { account: BRAVO, target: "/twilio/inbound-call?org=acme", ..ASK };
    assert_eq!(refused(ask(&directory, claimed)), Disbelief::WrongAccount);
}

#[test]
fn a_host_answers_for_its_organization_alone() {
    let directory = directory();
    let at = "https://phones.bravo.example";
    let foreign = Ask { target: "/twilio/inbound-call?org=acme", signed_at: at, came_in_at: at, ..ASK };
    assert_eq!(refused(ask(&directory, foreign)), Disbelief::ForeignHost);
    let unnamed = Ask { signed_at: at, came_in_at: at, ..ASK };
    assert_eq!(refused(ask(&directory, unnamed)), Disbelief::ForeignOrganization);
    let unknown = "https://phones.acme.example";
    assert_eq!(refused(ask(&directory, Ask { signed_at: unknown, came_in_at: unknown, ..ASK })), MISMATCH);
}

#[test]
fn what_is_revoked_is_not_believed_and_the_refusal_says_so() {
    let directory = directory();
    directory.change(|now| now.put(Tenant { profiles: vec![], revoked: vec![account(ACME)], ..acme() }));
    assert_eq!(refused(ask(&directory, ASK)), Disbelief::Revoked);
    assert_eq!(refused(ask(&directory, Ask { target: "/twilio/inbound-call?org=acme", ..ASK })), Disbelief::Revoked);
    directory.change(|now| now.remove(&slug("acme")));
    assert_eq!(refused(ask(&directory, ASK)), Disbelief::UnknownAccount);
}

#[test]
fn two_organizations_of_one_account_keep_their_numbers_apart() {
    let directory = directory();
    let other = tenant("echo", vec![own("echo", ACME, "acme-token")], vec![bound(ACME, BRAVO_LINE)]);
    assert_eq!(directory.change(|now| now.put(other)), []);
    assert_eq!(owner(ask(&directory, ASK)), Owner::Organization(slug("acme")));
    let echo = Ask { to: BRAVO_LINE, ..ASK };
    assert_eq!(owner(ask(&directory, echo)), Owner::Organization(slug("echo")));
    let now = directory.now();
    assert_eq!(now.number(&account(ACME), &E164::parse(ACME_LINE).unwrap()).unwrap().slug, slug("acme"));
}

#[test]
fn a_number_that_two_claim_in_one_account_stays_with_the_first() {
    let directory = directory();
    let thief = tenant("thief", vec![], vec![bound(PLATFORM, CHARLIE_LINE)]);
    let conflicts = directory.change(|now| now.put(Tenant { hosts: vec!["phones.bravo.example".into()], ..thief }));
    let told: Vec<_> = conflicts.iter().map(|conflict| (conflict.keeps.as_str(), conflict.loses.as_str())).collect();
    assert_eq!(told, [("charlie", "thief"), ("bravo", "thief")]);
    assert!(conflicts.iter().all(|conflict| !conflict.what.contains("5550100")));
    directory.change(|now| now.remove(&slug("thief")));
    assert!(directory.now().number(&account(PLATFORM), &E164::parse(CHARLIE_LINE).unwrap()).is_some());
    assert!(directory.now().hosts.get("phones.bravo.example").is_some());
}

fn on_trial(wanted: u32) -> Directory {
    let directory = directory();
    let trial = Some(Arc::new(Trial::new(wanted, 0, NOW + SignedDuration::from_secs(60))));
    let profile = Profile { trial, retired: Some(keys("old-token")), ..own("acme", ACME, "acme-token") };
    directory.change(|now| now.put(Tenant { profiles: vec![Arc::new(profile)], ..acme() }));
    directory
}

fn explained(asked: Result<Believed, Box<Refusal>>) -> Explained {
    let refusal = asked.unwrap_err();
    assert_eq!(refusal.observed, Some(slug("acme")));
    let Disbelief::Observed(explained) = refusal.why else { panic!("{:?}", refusal.why) };
    explained
}

#[test]
fn on_trial_a_wrong_signature_is_explained() {
    let directory = on_trial(3);
    let http = "http://calls.example.com";
    assert_eq!(explained(ask(&directory, Ask { signed_at: http, ..ASK })), Explained::WrongScheme);
    let other = "https://other.example.com";
    assert_eq!(explained(ask(&directory, Ask { signed_at: other, came_in_at: other, ..ASK })), Explained::WrongHost);
    assert_eq!(explained(ask(&directory, Ask { token: "old-token", ..ASK })), Explained::OldToken);
    assert_eq!(explained(ask(&directory, Ask { token: "", ..ASK })), Explained::Missing);
    assert_eq!(explained(ask(&directory, Ask { token: "bravo-token", ..ASK })), Explained::Unknown);
    let claimed = Ask { account: BRAVO, target: "/twilio/inbound-call?org=acme", ..ASK };
    assert_eq!(explained(ask(&directory, claimed)), Explained::WrongAccount);
    let guessed = Ask { token: "bravo-token", ..claimed };
    assert_eq!(refused(ask(&directory, guessed)), Disbelief::ForeignOrganization, "who knows no account hears nothing");
    let seen =
        Observation { org: Some(slug("acme")), installation: "in_1".into(), good: 0, bad: 6, over: false, next: None };
    assert_eq!(directory.take_observations(), [seen]);
    assert_eq!(directory.take_observations(), []);
}

#[test]
fn the_first_request_of_a_next_key_is_told_once() {
    let directory = directory();
    let next = || VerifierSet { next: Some(Verifier::from_token("next-token")), ..keys("acme-token") };
    let waiting = Next { mark: (*b"two").into(), seen: AtomicBool::new(false) };
    let profile = Profile { keys: next(), next: Some(Arc::new(waiting)), ..own("acme", ACME, "acme-token") };
    directory.change(|now| now.put(Tenant { profiles: vec![Arc::new(profile)], ..acme() }));
    ask(&directory, ASK).unwrap();
    assert_eq!(directory.take_observations(), []);
    for _ in 0..2 {
        ask(&directory, Ask { token: "next-token", ..ASK }).unwrap();
    }
    let org = Some(slug("acme"));
    let seen =
        Observation { org, installation: "in_1".into(), good: 0, bad: 0, over: false, next: Some((*b"two").into()) };
    assert_eq!(directory.take_observations(), [seen]);
    ask(&directory, Ask { token: "next-token", ..ASK }).unwrap();
    assert_eq!(directory.take_observations(), []);
}

#[test]
fn a_trial_ends_by_itself_and_then_refuses() {
    let directory = on_trial(2);
    assert!(ask(&directory, Ask { token: "bravo-token", ..ASK }).unwrap_err().observed.is_some());
    for _ in 0..2 {
        assert_eq!(owner(ask(&directory, ASK)), Owner::Organization(slug("acme")));
    }
    assert_eq!(refused(ask(&directory, Ask { token: "bravo-token", ..ASK })), MISMATCH);
}

#[test]
fn how_far_an_organization_is_served_depends_on_the_account() {
    let directory = directory();
    let now = directory.now();
    let platform = Profile::given(Owner::Platform, account(PLATFORM), keys("platform-token"));
    assert_eq!(now.grant(&platform, &slug("charlie")), Some(Grant::Full));
    assert_eq!(now.grant(&platform, &slug("acme")), None);
    assert_eq!(now.grant(&platform, &slug("delta")), Some(Grant::Full));
    assert_eq!(now.grant(&own("acme", ACME, "x"), &slug("acme")), Some(Grant::Full));
    assert_eq!(now.grant(&own("acme", ACME, "x"), &slug("bravo")), None);
    assert_eq!(now.grant(&own("gone", ACME, "x"), &slug("gone")), None);
}

#[test]
fn the_kill_switch_leaves_own_accounts_their_static_ending() {
    let directory = directory();
    let acme = own("acme", ACME, "x");
    let mut rollout = Rollout { enabled: false, ..Rollout::default() };
    directory.change(|now| now.roll_out(rollout.clone()));
    let killed = Some(Grant::Ending(Withheld::Rollout(Held::Killed)));
    assert_eq!(directory.now().grant(&acme, &slug("acme")), killed);
    let platform = Profile::given(Owner::Platform, account(PLATFORM), keys("platform-token"));
    assert_eq!(directory.now().grant(&platform, &slug("charlie")), Some(Grant::Full));
    rollout.allow_platform_fallback = false;
    directory.change(|now| now.roll_out(rollout));
    let held = Some(Grant::Ending(Withheld::Rollout(Held::NoFallback)));
    assert_eq!(directory.now().grant(&platform, &slug("charlie")), held);
    assert_eq!(directory.now().grant(&platform, &slug("delta")), Some(Grant::Full), "known by a rule file alone");
}

#[test]
fn a_canary_lets_nobody_else_in() {
    use crate::tenant::rollout::{ProviderRollout, Stage};
    let directory = directory();
    let canary = ProviderRollout { stage: Stage::Canary, canary: [slug("bravo")].into(), matrix: None };
    let rollout = Rollout { stages: [(Provider::Twilio, canary)].into(), ..Rollout::default() };
    directory.change(|now| now.roll_out(rollout));
    let held = Some(Grant::Ending(Withheld::Rollout(Held::NotInCanary)));
    assert_eq!(directory.now().grant(&own("acme", ACME, "x"), &slug("acme")), held);
    assert_eq!(directory.now().grant(&own("bravo", BRAVO, "x"), &slug("bravo")), Some(Grant::Full));
}

#[test]
fn every_refusal_has_a_way_out() {
    use crate::webhook::signature::Failure;

    let all = [
        (Disbelief::UnknownAccount, "ringfall connect twilio"),
        (Disbelief::ForeignOrganization, "ringfall connect list"),
        (Disbelief::ForeignHost, "ringfall domain list"),
        (Disbelief::Revoked, "connect it anew"),
        (Disbelief::WrongAccount, "connect that one"),
        (Disbelief::SimulatorFromOutside, "run it here"),
        (Disbelief::NoAccount, "on the way"),
        (Disbelief::Signature(Failure::Missing), "test tool"),
        (Disbelief::Signature(Failure::Malformed), "X-Twilio-Signature"),
        (Disbelief::Signature(Failure::BodyChanged), "proxy"),
        (Disbelief::Signature(Failure::BodyUnsigned), "proxy"),
        (Disbelief::Signature(Failure::Mismatch), "public_url"),
    ];
    for (why, part) in all {
        assert!(why.way_out().contains(part), "{why:?}: {}", why.way_out());
    }
}
