//! What was done, by whom, when and to whom: the trail of administration, and what other nodes learn of a change by.

use serde::{Deserialize, Serialize};

use crate::tenant::item::Kind;
use crate::tenant::owner::Owner;
use crate::tenant::stamp::Stamp;

words! {
    /// What somebody did.
    Deed {
        /// An organization was founded.
        OrganizationFounded = "organization-founded",
        /// Its name or opt-ins were changed.
        OrganizationChanged = "organization-changed",
        /// Its plan was changed.
        PlanChanged = "plan-changed",
        /// It was suspended.
        OrganizationSuspended = "organization-suspended",
        /// It was taken up again.
        OrganizationResumed = "organization-resumed",
        /// An app profile was made.
        ProfileMade = "profile-made",
        /// An app profile was changed.
        ProfileChanged = "profile-changed",
        /// An app profile was removed.
        ProfileRemoved = "profile-removed",
        /// An account was connected.
        InstallationConnected = "installation-connected",
        /// It got a second verifier.
        InstallationRotated = "installation-rotated",
        /// The second verifier became the only one.
        InstallationPromoted = "installation-promoted",
        /// The second verifier was dropped.
        InstallationRolledBack = "installation-rolled-back",
        /// It got another key for the provider's API.
        InstallationApiKeySet = "installation-api-key-set",
        /// It was revoked.
        InstallationRevoked = "installation-revoked",
        /// What its signatures showed so far was written down.
        InstallationObserved = "installation-observed",
        /// Its signatures are enforced from now on.
        InstallationEnforced = "installation-enforced",
        /// Its secrets were sealed with another key.
        InstallationResealed = "installation-resealed",
        /// A number or name was bound.
        BindingMade = "binding-made",
        /// A binding was changed.
        BindingChanged = "binding-changed",
        /// A binding was removed.
        BindingRemoved = "binding-removed",
        /// A host name was asked for.
        DomainRequested = "domain-requested",
        /// It was proved.
        DomainVerified = "domain-verified",
        /// It was taken up.
        DomainActivated = "domain-activated",
        /// It was given up.
        DomainRemoved = "domain-removed",
        /// A token was issued.
        TokenIssued = "token-issued",
        /// A token was revoked.
        TokenRevoked = "token-revoked",
        /// New rules were brought.
        RulesPushed = "rules-pushed",
        /// Older rules were taken up again.
        RulesRolledBack = "rules-rolled-back",
        /// Rules on trial were taken back, because too many of their calls went unanswered.
        CanaryReturned = "canary-returned",
        /// Rules on trial were put in the place of those that answered.
        TrialPromoted = "trial-promoted",
        /// A trial of rules was ended.
        TrialAborted = "trial-aborted",
        /// A switch was turned.
        SwitchTurned = "switch-turned",
        /// A turn was undone.
        SwitchUndone = "switch-undone",
        /// A text was asked for.
        TextAsked = "text-asked",
        /// The switches of the platform were changed.
        RolloutChanged = "rollout-changed",
        /// The stage of a provider was changed.
        RolloutStaged = "rollout-staged",
        /// A provider was taken a stage back.
        RolloutRolledBack = "rollout-rolled-back",
        /// The kill switch was thrown.
        RolloutKilled = "rollout-killed",
        /// Somebody tried what they may not.
        Refused = "refused",
        /// Something was looked at or taken out that is worth a line.
        Noted = "noted",
    }
}

impl Deed {
    /// Whether it must go on while the organization is suspended: nobody gains anything by it.
    pub const fn is_upkeep(self) -> bool {
        matches!(
            self,
            Self::InstallationRevoked
                | Self::InstallationResealed
                | Self::InstallationObserved
                | Self::InstallationEnforced
        )
    }
}

/// A place in the trail: what came after it has a greater one.
pub type Cursor = u64;

/// One line of the trail. Lines are never changed or removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its place.
    pub seq: Cursor,
    /// Whose thing it was about.
    pub owner: Owner,
    /// What kind of thing was changed; none when nothing was.
    pub kind: Option<Kind>,
    /// Which thing.
    pub id: String,
    /// What was done.
    pub deed: Deed,
    /// More about it for people; never a secret.
    pub detail: String,
    /// Who did it, and when.
    pub by: Stamp,
}
