//! What should become of a thing: said in one value, kept in one transaction, with one line in the trail.

use crate::model::ids::OrgSlug;
use crate::tenant::binding::Channel;
use crate::tenant::event::Deed;
use crate::tenant::item::{Item, Kept, Kind};
use crate::tenant::organization::{OrgState, Organization, Refusal};
use crate::tenant::owner::Owner;
use crate::tenant::plan::Capability;

/// A change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What should be kept.
    pub what: What,
    /// What it is called in the trail.
    pub deed: Deed,
    /// More about it for people; never a secret.
    pub detail: String,
}

/// What should be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A thing that was not there.
    New(Item),
    /// A thing in its new form; the version is the one that was read.
    Changed(Kept<Item>),
    /// A thing no more; the version is the one that was read.
    Removed(Kept<Item>),
    /// Only the line in the trail.
    Noted(Owner),
}

impl Change {
    /// Keeps a thing that was not there.
    pub fn new(item: Item, deed: Deed, detail: impl Into<String>) -> Self {
        Self { what: What::New(item), deed, detail: detail.into() }
    }

    /// Keeps a thing in its new form, if nobody has changed it since `version`.
    pub fn changed(item: Item, version: u64, deed: Deed, detail: impl Into<String>) -> Self {
        Self { what: What::Changed(Kept { item, version }), deed, detail: detail.into() }
    }

    /// Keeps a thing no more, if nobody has changed it since `version`.
    pub fn removed(item: Item, version: u64, deed: Deed, detail: impl Into<String>) -> Self {
        Self { what: What::Removed(Kept { item, version }), deed, detail: detail.into() }
    }

    /// Writes a line in somebody's trail.
    pub fn noted(owner: Owner, deed: Deed, detail: impl Into<String>) -> Self {
        Self { what: What::Noted(owner), deed, detail: detail.into() }
    }

    /// Whose thing it is about.
    pub fn owner(&self) -> Owner {
        match &self.what {
            What::New(item) => item.owner(),
            What::Changed(kept) | What::Removed(kept) => kept.item.owner(),
            What::Noted(owner) => owner.clone(),
        }
    }

    /// The thing.
    pub const fn item(&self) -> Option<&Item> {
        match &self.what {
            What::New(item) => Some(item),
            What::Changed(kept) | What::Removed(kept) => Some(&kept.item),
            What::Noted(_) => None,
        }
    }

    /// Whether whoever acts for `scope` may ask for this at all. An organization is founded by the platform only,
    /// and nothing may lead from one organization to the things of another.
    pub fn is_within(&self, scope: &Owner) -> bool {
        let founded = matches!(self.what, What::New(Item::Organization(_)));
        let leads_out = |item: &Item| item.parent().is_some_and(|parent| !parent.may_be_used_by(&item.owner()));
        scope.reaches(&self.owner()) && (!founded || *scope == Owner::Platform) && !self.item().is_some_and(leads_out)
    }

    /// The organization that must be there and may have a say, as it is kept.
    pub fn organization(&self) -> Option<OrgSlug> {
        match (&self.what, self.item().map(Item::kind)) {
            (What::New(_), Some(Kind::Organization)) => None,
            _ => self.owner().org().cloned(),
        }
    }

    /// Whether the organization may have this, by its plan, its opt-ins and its state. What it has already, it may
    /// change and remove under every plan; only what is done *for* it while it is suspended is turning it on again.
    pub fn is_allowed_by(&self, org: &Organization) -> Result<(), Refusal> {
        let about_itself = self.item().is_some_and(|item| item.kind() == Kind::Organization);
        let shrinks = matches!(self.what, What::Removed(_) | What::Noted(_)) || self.deed.is_upkeep();
        if org.state == OrgState::Suspended && !about_itself && !shrinks {
            return Err(Refusal::Suspended(org.slug.clone()));
        }
        match &self.what {
            What::New(item) => needed(item).map_or(Ok(()), |wanted| org.may_use(wanted)),
            What::Changed(_) | What::Removed(_) | What::Noted(_) => Ok(()),
        }
    }
}

/// What an organization needs before it may have the thing.
fn needed(item: &Item) -> Option<Capability> {
    match item {
        Item::Profile(it) => Some(it.provider.own_account()),
        Item::Installation(it) => Some(it.provider.own_account()),
        Item::Binding(it) if it.installation.owner == Owner::Platform => Some(Channel::platform_account(it.channel)),
        Item::Domain(_) => Some(Capability::CustomDomain),
        Item::Binding(_)
        | Item::Organization(_)
        | Item::Switch(_)
        | Item::Revision(_)
        | Item::RuleFiles(_)
        | Item::Token(_)
        | Item::Rollout(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::tenant::owner::{Id, Reference};
    use crate::tenant::plan::Plan;
    use crate::tenant::profile::{AppProfile, Provider};
    use crate::tenant::stamp::{Actor, Stamp};

    fn stamp() -> Stamp {
        Stamp::new(&Actor::new("cli:ana"), Timestamp::UNIX_EPOCH)
    }

    fn slug(text: &str) -> OrgSlug {
        OrgSlug::parse(text).unwrap()
    }

    fn organization(plan: Plan) -> Organization {
        Organization::new(slug("acme"), "Acme".into(), plan, stamp())
    }

    fn profile(owner: &str) -> Item {
        Item::Profile(AppProfile {
            id: Id::parse("app_1").unwrap(),
            provider: Provider::Twilio,
            owner: Owner::parse(owner).unwrap(),
            name: "Own".into(),
            created: stamp(),
        })
    }

    fn binding(org: &str, installation: &str) -> Item {
        Item::Binding(crate::tenant::binding::Binding {
            id: Id::parse("bi_1").unwrap(),
            org: slug(org),
            channel: Channel::Voice,
            selector: "+16195550100".into(),
            installation: Reference { owner: Owner::parse(installation).unwrap(), id: Id::parse("in_1").unwrap() },
            line: "main".into(),
            priority: 0,
            created: stamp(),
        })
    }

    #[test]
    fn nobody_reaches_or_leads_to_the_things_of_another() {
        let acme = Owner::Org(slug("acme"));
        let makes = |item| Change::new(item, Deed::Noted, "");
        assert!(makes(profile("acme")).is_within(&acme));
        assert!(!makes(profile("bravo")).is_within(&acme));
        assert!(!makes(profile("@platform")).is_within(&acme));
        assert!(makes(binding("acme", "acme")).is_within(&acme));
        assert!(makes(binding("acme", "@platform")).is_within(&acme));
        assert!(!makes(binding("acme", "bravo")).is_within(&acme));
        assert!(!makes(binding("acme", "bravo")).is_within(&Owner::Platform));
        assert!(!Change::noted(Owner::Org(slug("bravo")), Deed::Noted, "").is_within(&acme));
    }

    #[test]
    fn only_the_platform_founds_organizations() {
        let founded = Change::new(Item::Organization(organization(Plan::Basic)), Deed::OrganizationFounded, "");
        assert!(founded.is_within(&Owner::Platform));
        assert!(!founded.is_within(&Owner::Org(slug("acme"))));
    }

    #[test]
    fn a_plan_decides_what_is_new_and_not_what_is_there() {
        let basic = organization(Plan::Basic);
        let new = Change::new(profile("acme"), Deed::ProfileMade, "");
        assert!(matches!(new.is_allowed_by(&basic), Err(Refusal::Plan(_))));
        assert_eq!(new.is_allowed_by(&organization(Plan::Premium)), Ok(()));
        let old = Change::changed(profile("acme"), 1, Deed::ProfileChanged, "");
        assert_eq!(old.is_allowed_by(&basic), Ok(()));
    }

    #[test]
    fn the_platforms_account_is_bound_only_after_an_opt_in() {
        let mut acme = organization(Plan::Basic);
        let bound = Change::new(binding("acme", "@platform"), Deed::BindingMade, "");
        assert!(matches!(bound.is_allowed_by(&acme), Err(Refusal::NotOptedIn { .. })));
        acme.opt_in(Capability::PlatformVoice).unwrap();
        assert_eq!(bound.is_allowed_by(&acme), Ok(()));
    }

    #[test]
    fn the_suspended_are_taken_up_again_before_anything_else() {
        let mut acme = organization(Plan::Partner);
        acme.state = OrgState::Suspended;
        let change = |item| Change::changed(item, 1, Deed::Noted, "");
        assert!(matches!(change(profile("acme")).is_allowed_by(&acme), Err(Refusal::Suspended(_))));
        assert_eq!(change(Item::Organization(acme.clone())).is_allowed_by(&acme), Ok(()));
    }

    #[test]
    fn every_kind_reads_what_it_wrote_and_refuses_the_rest() {
        for item in [profile("@platform"), binding("acme", "@platform"), Item::Organization(organization(Plan::Basic))]
        {
            let text = item.write().unwrap();
            assert_eq!(Item::read(item.kind(), &text), Ok(item));
        }
        for kind in Kind::ALL {
            assert!(Item::read(*kind, "{}").is_err(), "{kind}");
        }
    }
}
