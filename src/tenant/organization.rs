//! An organization: its name, plan and state, and where it may use the platform's account.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::model::ids::OrgSlug;
use crate::tenant::plan::{self, Capability, NeedsPlan, Plan};
use crate::tenant::stamp::Stamp;

words! {
    /// Whether an organization is served.
    OrgState {
        /// It is.
        Active = "active",
        /// It is not for now: its callers hear the safe ending, and nothing of it may be changed but this.
        Suspended = "suspended",
    }
}

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// Its short name in files and URLs; never changes.
    pub slug: OrgSlug,
    /// Its name for people.
    pub name: String,
    /// What it pays for.
    pub plan: Plan,
    /// Whether it is served.
    pub state: OrgState,
    /// For what it may use the platform's account: nothing, unless it said so.
    #[serde(default)]
    pub opt_ins: BTreeSet<Capability>,
    /// By whom it was founded, and when.
    pub created: Stamp,
}

/// Why an organization may not do a thing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Its plan lacks it.
    #[error(transparent)]
    Plan(#[from] NeedsPlan),
    /// It did not opt in.
    #[error("`{org}` is not opted in to `{wanted}`: its owner must do that first")]
    NotOptedIn {
        /// Who.
        org: OrgSlug,
        /// To what.
        wanted: Capability,
    },
    /// It is suspended.
    #[error("`{0}` is suspended")]
    Suspended(OrgSlug),
    /// Only an account of the platform needs an opt-in.
    #[error("`{0}` needs no opt-in: only `platform-voice` and `platform-messaging` do")]
    NoOptIn(Capability),
}

impl Organization {
    /// A new organization, active and opted in to nothing.
    pub const fn new(slug: OrgSlug, name: String, plan: Plan, created: Stamp) -> Self {
        Self { slug, name, plan, state: OrgState::Active, opt_ins: BTreeSet::new(), created }
    }

    /// Whether its plan allows it and, for the platform's accounts, it has opted in.
    pub fn may_use(&self, wanted: Capability) -> Result<(), Refusal> {
        plan::allows(self.plan, wanted)?;
        if is_opt_in(wanted) && !self.opt_ins.contains(&wanted) {
            return Err(Refusal::NotOptedIn { org: self.slug.clone(), wanted });
        }
        Ok(())
    }

    /// Opts in to the platform's account, if the plan allows that.
    pub fn opt_in(&mut self, wanted: Capability) -> Result<(), Refusal> {
        if !is_opt_in(wanted) {
            return Err(Refusal::NoOptIn(wanted));
        }
        plan::allows(self.plan, wanted)?;
        self.opt_ins.insert(wanted);
        Ok(())
    }

    /// Opts out again.
    pub fn opt_out(&mut self, wanted: Capability) {
        self.opt_ins.remove(&wanted);
    }
}

const fn is_opt_in(capability: Capability) -> bool {
    matches!(capability, Capability::PlatformVoice | Capability::PlatformMessaging)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::tenant::stamp::Actor;

    fn acme(plan: Plan) -> Organization {
        let created = Stamp::new(&Actor::new("cli:ana"), Timestamp::UNIX_EPOCH);
        Organization::new(OrgSlug::parse("acme").unwrap(), "Acme Tours".into(), plan, created)
    }

    #[test]
    fn the_platforms_account_needs_an_opt_in_of_each_kind() {
        let mut acme = acme(Plan::Basic);
        assert!(matches!(acme.may_use(Capability::PlatformVoice), Err(Refusal::NotOptedIn { .. })));
        acme.opt_in(Capability::PlatformVoice).unwrap();
        assert_eq!(acme.may_use(Capability::PlatformVoice), Ok(()));
        assert!(acme.may_use(Capability::PlatformMessaging).is_err());
        acme.opt_out(Capability::PlatformVoice);
        assert!(acme.may_use(Capability::PlatformVoice).is_err());
    }

    #[test]
    fn a_plan_is_not_widened_by_an_opt_in() {
        let mut acme = acme(Plan::Basic);
        assert_eq!(acme.opt_in(Capability::OwnTwilio), Err(Refusal::NoOptIn(Capability::OwnTwilio)));
        assert!(matches!(acme.may_use(Capability::OwnTwilio), Err(Refusal::Plan(_))));
    }

    #[test]
    fn a_downgraded_plan_takes_effect_at_once() {
        let mut acme = acme(Plan::Premium);
        assert_eq!(acme.may_use(Capability::OwnTwilio), Ok(()));
        acme.plan = Plan::Basic;
        assert!(acme.may_use(Capability::OwnTwilio).is_err());
    }

    #[test]
    fn an_organization_reads_back() {
        let mut acme = acme(Plan::Partner);
        acme.opt_in(Capability::PlatformMessaging).unwrap();
        let text = serde_json::to_string(&acme).unwrap();
        assert_eq!(serde_json::from_str::<Organization>(&text).unwrap(), acme);
    }
}
