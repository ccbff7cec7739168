//! Somebody of one organization tries every method of the port on the things of another: nothing is seen, nothing
//! is changed, and what is refused looks like what never was.

use ringfall::app::tenancy::{Page, Portion, TenantError, Tenants};
use ringfall::tenant::change::Change;
use ringfall::tenant::event::Deed;
use ringfall::tenant::item::{Item, Kept, Kind};
use ringfall::tenant::owner::{Owner, Platform};
use ringfall::tenant::plan::Plan;

use crate::tenants::things::{
    at, binding, by, digest, found, household, installation, makes, org, organization, rollout, slug,
};

/// Every method of the port. One that is new must be tried here: the page of the port is read to see to that.
const TRIED: [&str; 17] = [
    "change",
    "tenant",
    "platform",
    "organizations",
    "load",
    "item",
    "token",
    "has_tokens",
    "tokens",
    "token_used",
    "revisions",
    "rule_files",
    "events",
    "watch",
    "tell",
    "heard",
    "health",
];

#[test]
fn every_method_of_the_port_is_tried() {
    let page = include_str!("../../../src/app/tenancy.rs");
    let port = page.split("pub trait Tenants").nth(1).unwrap().split("\n}\n").next().unwrap();
    let methods = port.split("    fn ").skip(1).map(|rest| rest.split(['<', '(']).next().unwrap());
    assert_eq!(methods.collect::<Vec<_>>(), TRIED);
}

/// Everything that is kept, as the platform sees it.
async fn everything(store: &dyn Tenants) -> Vec<Kept<Item>> {
    let mut found = Vec::new();
    let mut portions = store.load(Platform);
    while let Some(portion) = portions.recv().await {
        if let Portion::Items(items) = portion.unwrap() {
            found.extend(items);
        }
    }
    for of in ["acme", "bravo"] {
        for kind in [Kind::RuleFiles, Kind::Token] {
            let items = household(of).into_iter().filter(|item| item.kind() == kind);
            for item in items {
                found.push(store.item(&org(of), kind, &item.id()).await.unwrap());
            }
        }
    }
    found.sort_by_key(|kept| (kept.item.kind(), kept.item.owner(), kept.item.id()));
    found
}

pub(crate) async fn nobody_crosses_over(store: &dyn Tenants) {
    found(store, &["acme", "bravo"]).await;
    let platforms = [
        makes(Item::Profile(crate::tenants::things::profile(&Owner::Platform))),
        makes(Item::Installation(Box::new(installation(&Owner::Platform, "AC-platform")))),
        makes(Item::Rollout(rollout())),
    ];
    store.change(&Owner::Platform, platforms.to_vec(), &by()).await.unwrap();
    let before = everything(store).await;
    let trail = store.events(&Owner::Platform, Page::newest(1000)).await.unwrap();

    reading_shows_only_ones_own(store).await;
    for (what, change) in attempts(&before) {
        let done = store.change(&org("acme"), vec![change.clone()], &by()).await;
        let kind = change.item().map_or(Kind::Organization, Item::kind);
        assert_eq!(done, Err(TenantError::NotFound(kind)), "{what}");
        // An honest change does not carry it through either.
        let honest = Change::noted(org("acme"), Deed::Noted, "honest");
        assert!(store.change(&org("acme"), vec![honest, change], &by()).await.is_err(), "{what}");
    }

    assert_eq!(everything(store).await, before);
    assert_eq!(store.events(&Owner::Platform, Page::newest(1000)).await.unwrap(), trail);
    assert_eq!(store.tokens(&org("bravo")).await.unwrap()[0].last_used, None);
}

/// What somebody of `acme` might ask for that is not theirs.
fn attempts(kept: &[Kept<Item>]) -> Vec<(String, Change)> {
    let mut attempts = Vec::new();
    for Kept { item, version } in kept.iter().filter(|kept| kept.item.owner() != org("acme")) {
        let what = format!("{} of {}", item.kind(), item.owner());
        let (deed, version) = (Deed::Noted, *version);
        attempts.push((format!("making {what} anew"), Change::new(item.clone(), deed, "")));
        attempts.push((format!("changing {what}"), Change::changed(item.clone(), version, deed, "")));
        attempts.push((format!("removing {what}"), Change::removed(item.clone(), version, deed, "")));
    }
    let noted = |owner| Change::noted(owner, Deed::Noted, "");
    attempts.push(("a line in the trail of another".into(), noted(org("bravo"))));
    attempts.push(("a line in the trail of the platform".into(), noted(Owner::Platform)));
    let founded = Item::Organization(organization("charlie", Plan::Partner));
    attempts.push(("founding an organization".into(), makes(founded)));
    let foreign = Item::Binding(binding("acme", &org("bravo"), "+16195550155"));
    attempts.push(("a number on another's account".into(), makes(foreign.clone())));
    let moved = kept.iter().find(|kept| kept.item.kind() == Kind::Binding && kept.item.owner() == org("acme"));
    let moved = Change::changed(foreign, moved.unwrap().version, Deed::BindingChanged, "");
    attempts.push(("moving a number to another's account".into(), moved));
    let mut led = installation(&org("acme"), "AC-other");
    led.id = crate::tenants::things::id("in_9");
    led.profile.owner = org("bravo");
    attempts.push(("an account in another's app".into(), makes(Item::Installation(Box::new(led)))));
    attempts
}

async fn reading_shows_only_ones_own(store: &dyn Tenants) {
    let acme = org("acme");
    let tenant = store.tenant(&slug("acme")).await.unwrap();
    assert_eq!((tenant.profiles.len(), tenant.installations.len(), tenant.bindings.len()), (1, 1, 1));
    assert_eq!(tenant.installations[0].item.owner, acme);
    for other in household("bravo") {
        let own = household("acme").iter().any(|item| item.kind() == other.kind() && item.id() == other.id());
        match store.item(&acme, other.kind(), &other.id()).await {
            Ok(kept) => assert!(own && kept.item.owner() == acme, "{other:?}"),
            Err(error) => assert!(!own && error == TenantError::NotFound(other.kind()), "{error}"),
        }
    }
    assert!(store.item(&acme, Kind::Rollout, "rollout").await.is_err());
    assert!(store.tokens(&acme).await.unwrap().iter().all(|token| token.token.item.owner == acme));
    assert!(store.revisions(&slug("acme")).await.unwrap().iter().all(|kept| kept.item.org == slug("acme")));
    assert!(store.rule_files(&slug("nobody"), &digest("version: 1")).await.is_err());
    assert_eq!(store.rule_files(&slug("acme"), &digest("version: 1")).await.unwrap().org, slug("acme"));
    assert!(store.events(&acme, Page::newest(1000)).await.unwrap().iter().all(|event| event.owner == acme));
    assert!(store.token_used(&acme, "tok_of_nobody", at(1)).await.is_err());
    store.token_used(&acme, "tok_1", at(1)).await.unwrap();
    // What needs the platform cannot be asked without saying so; the rest tells nothing of anybody.
    assert_eq!(store.platform(Platform).await.unwrap().installations.len(), 1);
    assert_eq!(store.organizations(Platform, None, 10).await.unwrap().len(), 2);
    assert!(store.has_tokens(Platform).await.unwrap());
    assert!(*store.watch().borrow() > 0);
    assert_eq!(store.health().failing, None);
}
