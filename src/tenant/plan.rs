//! The plans, and what each allows: the one table that everything asks.

use std::fmt;

words! {
    /// What an organization pays for.
    Plan {
        /// The platform's accounts and names.
        Basic = "basic",
        /// Its own accounts and looks.
        Premium = "premium",
        /// Its own accounts, looks, house and people.
        Partner = "partner",
    }
}

words! {
    /// What a plan may allow.
    Capability {
        /// Calls over the platform's carrier account, once the organization is opted in.
        PlatformVoice = "platform-voice",
        /// Messages over the platform's accounts, once the organization is opted in.
        PlatformMessaging = "platform-messaging",
        /// Keys of its own for messages and mail.
        OwnMessagingKeys = "own-messaging-keys",
        /// A Twilio account of its own.
        OwnTwilio = "own-twilio",
        /// Templates, names and colors of its own.
        Branding = "branding",
        /// A host name of its own.
        CustomDomain = "custom-domain",
        /// Signing in through its own identity provider.
        SingleSignOn = "single-sign-on",
        /// Leaving out who provides the service.
        HidePoweredBy = "hide-powered-by",
    }
}

/// Which plans have what. This is the only place that says so.
const TABLE: &[(Capability, &[Plan])] = &[
    (Capability::PlatformVoice, &[Plan::Basic, Plan::Premium, Plan::Partner]),
    (Capability::PlatformMessaging, &[Plan::Basic, Plan::Premium, Plan::Partner]),
    (Capability::OwnMessagingKeys, &[Plan::Premium, Plan::Partner]),
    (Capability::OwnTwilio, &[Plan::Premium, Plan::Partner]),
    (Capability::Branding, &[Plan::Premium, Plan::Partner]),
    (Capability::CustomDomain, &[Plan::Premium, Plan::Partner]),
    (Capability::SingleSignOn, &[Plan::Partner]),
    (Capability::HidePoweredBy, &[Plan::Partner]),
];

/// The plan does not allow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeedsPlan {
    /// What was wanted.
    pub wanted: Capability,
    /// The plan that lacks it.
    pub plan: Plan,
    /// The plans that have it.
    pub has_it: &'static [Plan],
}

impl fmt::Display for NeedsPlan {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plans: Vec<String> = self.has_it.iter().map(|plan| format!("`{plan}`")).collect();
        write!(out, "the plan `{}` does not allow `{}`: {} does", self.plan, self.wanted, plans.join(" or "))
    }
}

impl std::error::Error for NeedsPlan {}

/// The plans that allow it.
pub fn plans_with(wanted: Capability) -> &'static [Plan] {
    TABLE.iter().find(|(capability, _)| *capability == wanted).map_or(&[], |(_, plans)| plans)
}

/// Whether the plan allows it; if not, which plans do.
pub fn allows(plan: Plan, wanted: Capability) -> Result<(), NeedsPlan> {
    let has_it = plans_with(wanted);
    if has_it.contains(&plan) { Ok(()) } else { Err(NeedsPlan { wanted, plan, has_it }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_capability_stands_in_the_table_once_and_somebody_has_it() {
        for capability in Capability::ALL {
            assert_eq!(TABLE.iter().filter(|(known, _)| known == capability).count(), 1, "{capability}");
            assert!(!plans_with(*capability).is_empty(), "{capability}");
        }
    }

    #[test]
    fn a_larger_plan_never_allows_less() {
        for capability in Capability::ALL {
            for pair in Plan::ALL.windows(2) {
                assert!(allows(pair[0], *capability).is_err() || allows(pair[1], *capability).is_ok(), "{capability}");
            }
        }
    }

    #[test]
    fn asking_for_more_says_which_plan_has_it() {
        let refused = allows(Plan::Basic, Capability::OwnTwilio).unwrap_err();
        assert_eq!(refused.to_string(), "the plan `basic` does not allow `own-twilio`: `premium` or `partner` does");
        assert_eq!(allows(Plan::Partner, Capability::SingleSignOn), Ok(()));
    }

    #[test]
    fn words_read_back() {
        for plan in Plan::ALL {
            assert_eq!(Plan::parse(plan.word()), Some(*plan));
            assert_eq!(serde_json::from_str::<Plan>(&serde_json::to_string(plan).unwrap()).unwrap(), *plan);
        }
        let unknown = serde_json::from_str::<Plan>("\"gold\"").unwrap_err().to_string();
        assert!(unknown.contains("`gold` is none of: basic, premium, partner"), "{unknown}");
    }
}
