//! Organizations and what is theirs, ready made.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use ringfall::app::tenancy::{Changed, Page, Portion, TenantError, Tenants};
use ringfall::model::digest::Digest;
use ringfall::model::ids::OrgSlug;
use ringfall::tenant::binding::{Binding, Channel};
use ringfall::tenant::change::Change;
use ringfall::tenant::domain::{Domain, Host};
use ringfall::tenant::event::Deed;
use ringfall::tenant::installation::{ApiKey, Installation, InstallationState, SignatureMode, Watch};
use ringfall::tenant::item::Item;
use ringfall::tenant::organization::Organization;
use ringfall::tenant::owner::{Id, Owner, Platform, Reference};
use ringfall::tenant::plan::Plan;
use ringfall::tenant::profile::{AppProfile, Provider};
use ringfall::tenant::revision::{RevisionState, RuleFile, RuleFiles, RuleRevision};
use ringfall::tenant::role::{Action, Role};
use ringfall::tenant::rollout::Rollout;
use ringfall::tenant::sealed::Sealed;
use ringfall::tenant::stamp::{Actor, At, Stamp};
use ringfall::tenant::switch::{Setting, SwitchState};
use ringfall::tenant::token::{ApiToken, TokenHash};

pub(crate) fn slug(text: &str) -> OrgSlug {
    OrgSlug::parse(text).unwrap()
}

pub(crate) fn org(text: &str) -> Owner {
    Owner::Org(slug(text))
}

pub(crate) fn id(text: &str) -> Id {
    Id::parse(text).unwrap()
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

pub(crate) fn by() -> Stamp {
    Stamp::new(&Actor::new("cli:ana"), at(1_795_456_800))
}

pub(crate) fn organization(text: &str, plan: Plan) -> Organization {
    Organization::new(slug(text), format!("{text} & sons"), plan, by())
}

pub(crate) fn profile(owner: &Owner) -> AppProfile {
    let name = "Our own app".to_owned();
    AppProfile { id: id("app_twilio"), provider: Provider::Twilio, owner: owner.clone(), name, created: by() }
}

pub(crate) fn sealed(byte: u8) -> Sealed {
    Sealed { key_id: "k1".into(), nonce: vec![byte; 12], bytes: vec![byte; 56] }
}

pub(crate) fn installation(owner: &Owner, account: &str) -> Installation {
    Installation {
        id: id("in_1"),
        owner: owner.clone(),
        profile: Reference { owner: owner.clone(), id: id("app_twilio") },
        provider: Provider::Twilio,
        account: account.to_owned(),
        state: InstallationState::Active,
        signature: SignatureMode::Observe(Watch { until: At::new(at(1_800_000_000)), needed: 5, good: 1, bad: 2 }),
        primary: Some(sealed(1)),
        next: Some(sealed(2)),
        next_seen: None,
        api_key: Some(ApiKey { sid: "SK0123456789abcdef0123456789abcdef".into(), secret: sealed(3) }),
        created: by(),
        rotated: None,
        revoked: None,
    }
}

pub(crate) fn binding(from: &str, over: &Owner, number: &str) -> Binding {
    Binding {
        id: id("bi_1"),
        org: slug(from),
        channel: Channel::Voice,
        selector: number.to_owned(),
        installation: Reference { owner: over.clone(), id: id("in_1") },
        line: "main".into(),
        priority: 10,
        created: by(),
    }
}

pub(crate) fn domain(of: &str, host: &str) -> Domain {
    Domain::request(Host::parse(host).unwrap(), slug(of), "w0rd".into(), by())
}

pub(crate) fn switch(of: &str) -> SwitchState {
    let mut switch = SwitchState::new(slug(of), "away".into());
    switch.turn(Setting { on: true, until: Some(At::new(at(1_795_460_000))), set: by(), from: "sms".into() });
    switch
}

pub(crate) fn digest(text: &str) -> Digest {
    Digest::of([text.as_bytes()])
}

pub(crate) fn revision(of: &str, text: &str, state: RevisionState) -> RuleRevision {
    RuleRevision {
        org: slug(of),
        digest: digest(text),
        state,
        pushed: by(),
        taken: by(),
        note: "winter".into(),
        returned: None,
    }
}

pub(crate) fn rule_files(of: &str, text: &str) -> RuleFiles {
    let file = RuleFile { path: format!("{of}.yaml"), text: text.to_owned() };
    RuleFiles { org: slug(of), digest: digest(text), files: vec![file] }
}

pub(crate) fn token(owner: &Owner, name: &str, secret: &str) -> ApiToken {
    ApiToken {
        id: id(name),
        owner: owner.clone(),
        name: "night shift".into(),
        role: Role::Operator,
        scopes: BTreeSet::from([Action::Read, Action::Switch]),
        hash: TokenHash::of(secret),
        expires: Some(At::new(at(1_800_000_000))),
        created: by(),
        revoked: None,
    }
}

pub(crate) fn rollout() -> Rollout {
    Rollout { stages: BTreeMap::new(), updated: Some(by()), ..Rollout::default() }
}

pub(crate) fn makes(item: Item) -> Change {
    Change::new(item, Deed::Noted, "made")
}

/// Everything that an organization can have, with its slug in all that no two may share.
pub(crate) fn household(of: &str) -> Vec<Item> {
    let owner = org(of);
    let mut proved = domain(of, &format!("{of}.example.com"));
    proved.verify(["ringfall-verify=w0rd"], by()).unwrap();
    vec![
        Item::Organization(organization(of, Plan::Partner)),
        Item::Profile(profile(&owner)),
        Item::Installation(Box::new(installation(&owner, &format!("AC-{of}")))),
        Item::Binding(binding(of, &owner, "+16195550100")),
        Item::Domain(proved),
        Item::Switch(switch(of)),
        Item::Revision(revision(of, "version: 1", RevisionState::Current)),
        Item::RuleFiles(rule_files(of, "version: 1")),
        Item::Token(token(&owner, "tok_1", &format!("secret of {of}"))),
    ]
}

/// Founds organizations that have everything.
pub(crate) async fn found(store: &dyn Tenants, slugs: &[&str]) {
    for of in slugs {
        let changes = household(of).into_iter().map(makes).collect();
        store.change(&Owner::Platform, changes, &by()).await.unwrap();
    }
}

/// Keeps one new thing.
pub(crate) async fn make(store: &dyn Tenants, scope: &Owner, item: Item) -> Result<Changed, TenantError> {
    store.change(scope, vec![makes(item)], &by()).await
}

/// What a newer program wrote, which this one cannot read: everything else is had all the same.
pub(crate) async fn of_a_newer_program(store: &dyn Tenants, write: impl Fn(&str)) {
    found(store, &["acme", "bravo", "charlie"]).await;
    let before = store.events(&Owner::Platform, Page::newest(100)).await.unwrap().len();
    write("UPDATE bindings SET body = '{\"newer\": true}' WHERE org = 'acme'");
    write(
        "INSERT INTO events (org, kind, id, deed, detail, actor, at) \
         VALUES ('acme', 'wish', 'wi_1', 'wish-made', 'two of them', 'cli:test', 5)",
    );
    let acme = store.tenant(&slug("acme")).await.unwrap();
    assert!(acme.bindings.is_empty() && acme.installations.len() == 1 && acme.rules.is_some());
    let events = store.events(&Owner::Platform, Page::newest(100)).await.unwrap();
    assert_eq!(events.len(), before + 1);
    let latest = events.iter().max_by_key(|event| event.seq).unwrap();
    assert_eq!((latest.deed, latest.kind, &*latest.detail), (Deed::Noted, None, "wish-made: two of them"));
    write("UPDATE organizations SET body = '{\"newer\": true}' WHERE org = 'bravo'");
    assert!(matches!(store.tenant(&slug("bravo")).await, Err(TenantError::Unreadable(_))), "nothing says who that is");
    let mut loading = store.load(Platform);
    let mut organizations = BTreeSet::new();
    let mut bindings = 0;
    while let Some(portion) = loading.recv().await {
        let Portion::Items(items) = portion.unwrap() else { break };
        for kept in items {
            bindings += usize::from(matches!(kept.item, Item::Binding(_)));
            if let Item::Organization(organization) = kept.item {
                organizations.insert(organization.slug.to_string());
            }
        }
    }
    assert_eq!((organizations, bindings), (BTreeSet::from(["acme".to_owned(), "charlie".to_owned()]), 2));
}
