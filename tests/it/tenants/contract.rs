//! What both stores promise.

use std::time::Duration;

use futures_util::future::join_all;
use ringfall::app::tenancy::{Conflict, Page, Portion, TenantError, Tenants};
use ringfall::tenant::binding::Binding;
use ringfall::tenant::change::Change;
use ringfall::tenant::event::Deed;
use ringfall::tenant::installation::Installation;
use ringfall::tenant::item::{Item, Kept, Kind};
use ringfall::tenant::organization::Refusal;
use ringfall::tenant::owner::{Owner, Platform, Reference};
use ringfall::tenant::plan::Plan;
use ringfall::tenant::revision::RevisionState;
use ringfall::tenant::token::TokenHash;

use crate::tenants::things::{
    at, binding, by, digest, domain, found, household, id, installation, make, makes, org, organization, profile,
    revision, rollout, rule_files, slug, switch,
};

pub(crate) async fn what_is_kept_is_read_back_whole(store: &dyn Tenants) {
    found(store, &["acme"]).await;
    for item in household("acme") {
        let kept = store.item(&org("acme"), item.kind(), &item.id()).await.unwrap();
        assert_eq!(kept.item, item);
    }
    let tenant = store.tenant(&slug("acme")).await.unwrap();
    assert_eq!(tenant.organization.item, organization("acme", Plan::Partner));
    assert_eq!(tenant.installations[0].item, installation(&org("acme"), "AC-acme"));
    assert_eq!(tenant.bindings[0].item, binding("acme", &org("acme"), "+16195550100"));
    assert_eq!(tenant.switches[0].item, switch("acme"));
    assert_eq!(tenant.rules.unwrap().item, revision("acme", "version: 1", RevisionState::Current));
    assert_eq!((tenant.profiles.len(), tenant.domains.len()), (1, 1));
    let files = store.rule_files(&slug("acme"), &digest("version: 1")).await.unwrap();
    assert_eq!(files, rule_files("acme", "version: 1"));
    assert_eq!(store.tenant(&slug("nobody")).await, Err(TenantError::NotFound(Kind::Organization)));

    make(store, &Owner::Platform, Item::Profile(profile(&Owner::Platform))).await.unwrap();
    make(store, &Owner::Platform, Item::Rollout(rollout())).await.unwrap();
    let things = store.platform(Platform).await.unwrap();
    assert_eq!(things.rollout.unwrap().item, rollout());
    assert_eq!(things.profiles[0].item, profile(&Owner::Platform));
}

pub(crate) async fn all_of_a_change_is_kept_or_none(store: &dyn Tenants) {
    found(store, &["acme"]).await;
    let before = store.events(&Owner::Platform, Page::newest(100)).await.unwrap();
    let good = makes(Item::Domain(domain("acme", "new.example.com")));
    let bad = makes(Item::Switch(switch("acme")));
    let refused = store.change(&org("acme"), vec![good, bad], &by()).await;
    assert_eq!(refused, Err(TenantError::Conflict(Conflict::Taken(Kind::Switch))));
    assert_eq!(store.tenant(&slug("acme")).await.unwrap().domains.len(), 1);
    assert_eq!(store.events(&Owner::Platform, Page::newest(100)).await.unwrap(), before);
}

pub(crate) async fn of_two_who_change_a_thing_one_is_told(store: &dyn Tenants) {
    found(store, &["acme"]).await;
    let read = store.tenant(&slug("acme")).await.unwrap().organization;
    let change = |name: &str| {
        let mut item = read.item.clone();
        item.name = name.to_owned();
        Change::changed(Item::Organization(item), read.version, Deed::OrganizationChanged, "name")
    };
    store.change(&org("acme"), vec![change("first")], &by()).await.unwrap();
    let late = store.change(&org("acme"), vec![change("second")], &by()).await;
    assert_eq!(late, Err(TenantError::Conflict(Conflict::Stale(Kind::Organization))));
    let gone = Item::Domain(domain("acme", "acme.example.com"));
    let late = Change::removed(gone, 1, Deed::DomainRemoved, "");
    let late = store.change(&org("acme"), vec![late], &by()).await;
    assert_eq!(late, Err(TenantError::Conflict(Conflict::Stale(Kind::Domain))));
    let never = Item::Domain(domain("acme", "never.example.com"));
    let never = Change::changed(never, 1, Deed::DomainVerified, "");
    let never = store.change(&org("acme"), vec![never], &by()).await;
    assert_eq!(never, Err(TenantError::NotFound(Kind::Domain)));
    assert_eq!(store.tenant(&slug("acme")).await.unwrap().organization.item.name, "first");
}

pub(crate) async fn many_writers_lose_nothing(store: &dyn Tenants) {
    found(store, &["acme"]).await;
    let asked = (0..12).map(|number| async move {
        let item = Item::Domain(domain("acme", &format!("d{number}.example.com")));
        make(store, &org("acme"), item).await.unwrap().cursor()
    });
    let mut places = join_all(asked).await;
    places.sort_unstable();
    places.dedup();
    assert_eq!(places.len(), 12);
    assert_eq!(store.tenant(&slug("acme")).await.unwrap().domains.len(), 13);
}

pub(crate) async fn what_is_taken_is_taken_for_everybody(store: &dyn Tenants) {
    found(store, &["acme", "bravo"]).await;
    let taken = |kind| Err(TenantError::Conflict(Conflict::Taken(kind)));
    // Anybody may ask for a host name; one of them proves it.
    let wanted = domain("bravo", "acme.example.com");
    let asked = make(store, &org("bravo"), Item::Domain(wanted.clone())).await.unwrap();
    let mut proved = wanted;
    proved.verify(["ringfall-verify=w0rd"], by()).unwrap();
    let proved = Change::changed(Item::Domain(proved), asked.cursor(), Deed::DomainVerified, "");
    assert_eq!(store.change(&org("bravo"), vec![proved], &by()).await, taken(Kind::Domain));
    // The same number on two accounts is two numbers, and on one account it is one.
    let mut again = binding("acme", &org("acme"), "+16195550100");
    again.id = ringfall::tenant::owner::Id::parse("bi_2").unwrap();
    assert_eq!(make(store, &org("acme"), Item::Binding(again)).await, taken(Kind::Binding));
    // An owner connects an account once; what was revoked may be connected anew.
    let mut twice = installation(&org("acme"), "AC-acme");
    twice.id = ringfall::tenant::owner::Id::parse("in_2").unwrap();
    let refused = make(store, &org("acme"), Item::Installation(Box::new(twice.clone()))).await;
    assert_eq!(refused, taken(Kind::Installation));
    let Kept { mut item, version } = store.tenant(&slug("acme")).await.unwrap().installations.remove(0);
    item.revoke(by()).unwrap();
    let revoked = Change::changed(Item::Installation(Box::new(item)), version, Deed::InstallationRevoked, "");
    store.change(&org("acme"), vec![revoked], &by()).await.unwrap();
    make(store, &org("acme"), Item::Installation(Box::new(twice))).await.unwrap();
}

pub(crate) async fn a_number_of_an_account_is_one_organizations(store: &dyn Tenants) {
    found(store, &["acme", "bravo"]).await;
    let number = "+16195550177";
    let bound = |from: &'static str, over: &'static str| {
        let over = Reference { owner: org(from), id: id(over) };
        Item::Binding(Binding { id: id("bi_2"), installation: over, ..binding(from, &org(from), number) })
    };
    let connected = |from: &str| {
        let it = Installation { id: id("in_2"), ..installation(&org(from), "AC-both") };
        Item::Installation(Box::new(it))
    };
    // The same account twice: its number leads to the one who bound it first, and to nobody else at the same time.
    for from in ["acme", "bravo"] {
        make(store, &org(from), connected(from)).await.unwrap();
    }
    let (acme, bravo) = (org("acme"), org("bravo"));
    let both = tokio::join!(make(store, &acme, bound("acme", "in_2")), make(store, &bravo, bound("bravo", "in_2")));
    let (first, second) = match both {
        (Ok(_), Err(late)) => ("acme", ("bravo", late)),
        (Err(late), Ok(_)) => ("bravo", ("acme", late)),
        both => panic!("one of them has it: {both:?}"),
    };
    let (second, late) = second;
    assert_eq!(late, TenantError::Conflict(Conflict::Taken(Kind::Binding)));
    // In another account it is another number.
    make(store, &org(second), bound(second, "in_1")).await.unwrap();
    // Whoever has it in an account that is not believed any more, has it no more.
    let mut installations = store.tenant(&slug(first)).await.unwrap().installations;
    installations.retain(|kept| kept.item.account == "AC-both");
    let Kept { mut item, version } = installations.remove(0);
    item.revoke(by()).unwrap();
    let revoked = Change::changed(Item::Installation(Box::new(item)), version, Deed::InstallationRevoked, "");
    store.change(&org(first), vec![revoked], &by()).await.unwrap();
    let Item::Binding(freed) = bound(second, "in_2") else { unreachable!() };
    make(store, &org(second), Item::Binding(Binding { id: id("bi_3"), ..freed })).await.unwrap();
}

pub(crate) async fn what_hangs_together_is_made_and_removed_in_order(store: &dyn Tenants) {
    make(store, &Owner::Platform, Item::Organization(organization("acme", Plan::Partner))).await.unwrap();
    let early = Item::Installation(Box::new(installation(&org("acme"), "AC-acme")));
    let bound = |kind| Err(TenantError::Conflict(Conflict::Bound(kind)));
    assert_eq!(make(store, &org("acme"), early.clone()).await, bound(Kind::Installation));
    make(store, &org("acme"), Item::Profile(profile(&org("acme")))).await.unwrap();
    make(store, &org("acme"), early).await.unwrap();
    let kept = store.item(&org("acme"), Kind::Profile, "app_twilio").await.unwrap();
    let removed = Change::removed(kept.item, kept.version, Deed::ProfileRemoved, "");
    assert_eq!(store.change(&org("acme"), vec![removed.clone()], &by()).await, bound(Kind::Profile));
    let kept = store.item(&org("acme"), Kind::Installation, "in_1").await.unwrap();
    let first = Change::removed(kept.item, kept.version, Deed::InstallationRevoked, "");
    store.change(&org("acme"), vec![first, removed], &by()).await.unwrap();
    assert!(store.tenant(&slug("acme")).await.unwrap().profiles.is_empty());
}

pub(crate) async fn a_plan_is_asked_in_the_same_transaction(store: &dyn Tenants) {
    make(store, &Owner::Platform, Item::Organization(organization("acme", Plan::Basic))).await.unwrap();
    let refused = make(store, &org("acme"), Item::Profile(profile(&org("acme")))).await.unwrap_err();
    assert!(matches!(&refused, TenantError::Forbidden(Refusal::Plan(_))), "{refused}");
    assert!(refused.to_string().contains("`premium` or `partner`"), "{refused}");
    let kept = store.tenant(&slug("acme")).await.unwrap().organization;
    let upgraded = Item::Organization(organization("acme", Plan::Premium));
    let upgraded = Change::changed(upgraded, kept.version, Deed::PlanChanged, "basic to premium");
    let profile = makes(Item::Profile(profile(&org("acme"))));
    store.change(&Owner::Platform, vec![upgraded, profile], &by()).await.unwrap();
    let nobodys = make(store, &Owner::Platform, Item::Switch(switch("nobody"))).await;
    assert_eq!(nobodys, Err(TenantError::NotFound(Kind::Organization)));
}

pub(crate) async fn only_one_revision_is_current(store: &dyn Tenants) {
    found(store, &["acme"]).await;
    let newer = Item::Revision(revision("acme", "version: 1 # newer", RevisionState::Current));
    let second = make(store, &org("acme"), newer.clone()).await;
    assert_eq!(second, Err(TenantError::Conflict(Conflict::Taken(Kind::Revision))));
    let current = store.tenant(&slug("acme")).await.unwrap().rules.unwrap();
    let mut older = current.item.clone();
    older.state = RevisionState::Previous;
    let older = Change::changed(Item::Revision(older), current.version, Deed::RulesPushed, "");
    store.change(&org("acme"), vec![older, makes(newer)], &by()).await.unwrap();
    let all = store.revisions(&slug("acme")).await.unwrap();
    let states: Vec<_> = all.iter().map(|kept| (kept.item.digest, kept.item.state)).collect();
    let expected =
        [(digest("version: 1 # newer"), RevisionState::Current), (digest("version: 1"), RevisionState::Previous)];
    assert_eq!(states, expected);
    let answers = store.tenant(&slug("acme")).await.unwrap().rules.unwrap().item.digest;
    assert_eq!(answers, digest("version: 1 # newer"));
}

pub(crate) async fn tokens_are_found_by_their_hash(store: &dyn Tenants) {
    found(store, &["acme", "bravo"]).await;
    let found = store.token(Platform, &TokenHash::of("secret of bravo")).await.unwrap().unwrap();
    assert_eq!(found.item.owner, org("bravo"));
    assert_eq!(store.token(Platform, &TokenHash::of("guessed")).await, Ok(None));
    store.token_used(&org("bravo"), "tok_1", at(2_000)).await.unwrap();
    store.token_used(&org("bravo"), "tok_1", at(1_000)).await.unwrap();
    let tokens = store.tokens(&org("bravo")).await.unwrap();
    assert_eq!(tokens[0].last_used, Some(at(2_000)));
    assert_eq!(tokens[0].token, found);
    assert_eq!(store.tokens(&org("acme")).await.unwrap()[0].last_used, None);
    let unknown = store.token_used(&org("acme"), "tok_9", at(1)).await;
    assert_eq!(unknown, Err(TenantError::NotFound(Kind::Token)));
}

pub(crate) async fn every_change_leaves_its_line(store: &dyn Tenants) {
    found(store, &["acme", "bravo"]).await;
    let noted = Change::noted(org("acme"), Deed::Refused, "a viewer tried to turn `away`");
    let place = store.change(&org("acme"), vec![noted], &by()).await.unwrap().cursor();
    let all = store.events(&Owner::Platform, Page::newest(100)).await.unwrap();
    assert_eq!(all.len(), household("acme").len() * 2 + 1);
    assert!(all.windows(2).all(|pair| pair[0].seq > pair[1].seq));
    let last = &all[0];
    assert_eq!((last.seq, last.deed, last.kind), (place, Deed::Refused, None));
    assert_eq!((last.by.clone(), last.detail.as_str()), (by(), "a viewer tried to turn `away`"));
    let own = store.events(&org("acme"), Page::After(0, 100)).await.unwrap();
    assert_eq!(own.len(), household("acme").len() + 1);
    assert!(own.iter().all(|event| event.owner == org("acme")));
    assert!(own.windows(2).all(|pair| pair[0].seq < pair[1].seq));
    let second = &own[1];
    assert_eq!((second.kind, second.id.as_str()), (Some(Kind::Profile), "app_twilio"));
    assert_eq!(store.events(&org("acme"), Page::After(own[2].seq, 2)).await.unwrap(), own[3..5]);
    let back = store.events(&org("acme"), Page::Before(own[2].seq, 1)).await.unwrap();
    assert_eq!(back, own[1..2]);
}

pub(crate) async fn a_change_is_heard_of(store: &dyn Tenants) {
    let mut heard = store.watch();
    let founded = make(store, &Owner::Platform, Item::Organization(organization("acme", Plan::Basic))).await.unwrap();
    let told = heard.wait_for(|place| *place >= founded.cursor());
    tokio::time::timeout(Duration::from_secs(30), told).await.unwrap().unwrap();
    let news = store.events(&Owner::Platform, Page::After(founded.cursor() - 1, 10)).await.unwrap();
    assert_eq!(news.iter().map(|event| event.owner.clone()).collect::<Vec<_>>(), [org("acme")]);
}

pub(crate) async fn a_load_is_of_one_moment(store: &dyn Tenants) {
    found(store, &["acme", "bravo"]).await;
    make(store, &Owner::Platform, Item::Profile(profile(&Owner::Platform))).await.unwrap();
    let older = make(store, &org("acme"), Item::Revision(revision("acme", "old", RevisionState::Previous))).await;
    let mut portions = store.load(Platform);
    let (mut kinds, mut end) = (Vec::new(), None);
    while let Some(portion) = portions.recv().await {
        match portion.unwrap() {
            Portion::Items(items) => kinds.extend(items.iter().map(|kept| kept.item.kind())),
            Portion::End(place) => end = Some(place),
        }
    }
    let count = |kind| kinds.iter().filter(|found| **found == kind).count();
    assert_eq!(end, Some(older.unwrap().cursor()));
    assert!(kinds.is_sorted_by_key(|kind| Kind::DIRECTORY.iter().position(|known| known == kind)));
    assert_eq!((count(Kind::Organization), count(Kind::Profile), count(Kind::Binding)), (2, 3, 2));
    assert_eq!((count(Kind::Revision), count(Kind::Token), count(Kind::RuleFiles)), (2, 0, 0));
}

pub(crate) async fn organizations_are_listed_page_by_page(store: &dyn Tenants) {
    for name in ["b-2", "a_1", "b1", "c", "a1"] {
        make(store, &Owner::Platform, Item::Organization(organization(name, Plan::Basic))).await.unwrap();
    }
    let mut seen: Vec<String> = Vec::new();
    let mut after = None;
    loop {
        let page = store.organizations(Platform, after.as_ref(), 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.item.slug.clone());
        seen.extend(page.iter().map(|kept| kept.item.slug.to_string()));
    }
    assert_eq!(seen, ["a1", "a_1", "b-2", "b1", "c"]);
}
