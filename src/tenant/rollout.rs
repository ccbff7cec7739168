//! How far organizations' own carriers are let in: by provider, in stages, and off again at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::ids::OrgSlug;
use crate::tenant::owner::Owner;
use crate::tenant::profile::Provider;
use crate::tenant::stamp::Stamp;

words! {
    /// How far a provider is let in.
    Stage {
        /// Nobody's own account is used.
        Off = "off",
        /// Those of the named organizations are.
        Canary = "canary",
        /// Everybody's are.
        On = "on",
    }
}

/// What somebody cites to let a provider further in: a state of the security matrix, and that all of it is green.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    /// Which state of it: a commit, a tag or a digest.
    pub reference: String,
    /// Whether every row of it holds.
    pub green: bool,
}

/// A citation that nobody can read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cites no state of the security matrix: write its commit, tag or digest and its color, such as `v0.1.0:green`"
)]
pub struct CitationError(String);

impl Matrix {
    /// Reads `REFERENCE:green` or `REFERENCE:red`.
    pub fn parse(text: &str) -> Result<Self, CitationError> {
        let wrong = || CitationError(text.chars().take(100).collect());
        let (reference, color) = text.rsplit_once(':').ok_or_else(wrong)?;
        let fits = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '.' | '-' | '_' | '/' | '#' | ':');
        let green = match color {
            "green" => true,
            "red" => false,
            _ => return Err(wrong()),
        };
        if reference.is_empty() || reference.len() > 80 || !reference.chars().all(fits) {
            return Err(wrong());
        }
        Ok(Self { reference: reference.to_owned(), green })
    }
}

/// How far one provider is let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderRollout {
    /// How far.
    pub stage: Stage,
    /// Whom `canary` means; kept while it is on, so that a way back is there.
    #[serde(default)]
    pub canary: BTreeSet<OrgSlug>,
    /// What was cited when it was let in last.
    #[serde(default)]
    pub matrix: Option<String>,
}

/// The switches of the whole platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    /// Whether organizations' own accounts are used at all; off is the kill switch.
    pub enabled: bool,
    /// Whether organizations that opted in may use the platform's account.
    pub allow_platform_fallback: bool,
    /// Whether a provider must pass through `canary` on its way to `on`.
    pub progressive: bool,
    /// Whether everything is taken back for now, with stages kept as they were.
    pub rollback_mode: bool,
    /// How far each provider is let in; those that are not here are off.
    pub stages: BTreeMap<Provider, ProviderRollout>,
    /// By whom it was changed last, and when.
    #[serde(default)]
    pub updated: Option<Stamp>,
}

impl Default for Rollout {
    /// An installation that nobody has rolled out yet: an organization may bring its Twilio account, as there is
    /// nobody to be protected from it. Whoever opens it to customers turns that off first.
    fn default() -> Self {
        let on = ProviderRollout { stage: Stage::On, canary: BTreeSet::new(), matrix: None };
        Self {
            enabled: true,
            allow_platform_fallback: true,
            progressive: true,
            rollback_mode: false,
            stages: BTreeMap::from([(Provider::Twilio, on)]),
            updated: None,
        }
    }
}

words! {
    /// Why an account is not used for an organization.
    Held {
        /// The kill switch is thrown.
        Killed = "killed",
        /// Everything is taken back for now.
        RolledBack = "rolled-back",
        /// The provider is off.
        StageOff = "stage-off",
        /// The organization is not among those that try it.
        NotInCanary = "not-in-canary",
        /// The platform's account serves nobody.
        NoFallback = "no-platform-fallback",
    }
}

/// Why a stage is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RolloutError {
    /// Nothing was cited.
    NoMatrix(Provider),
    /// What was cited is not green.
    Red(String),
    /// From off to on at once.
    CanaryFirst(Provider),
    /// A canary of nobody.
    NobodyNamed,
    /// Organizations are named for something else than a canary.
    NamesWithoutCanary(Stage),
    /// It is off already.
    AlreadyOff(Provider),
}

impl fmt::Display for RolloutError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMatrix(provider) => write!(
                out,
                "`{provider}` is let further in only when the security matrix is cited as green: add `--matrix REFERENCE:green`"
            ),
            Self::Red(reference) => {
                write!(out, "the security matrix at `{reference}` is not green: mend its rows first")
            }
            Self::CanaryFirst(provider) => write!(
                out,
                "`{provider}` goes through `canary` first: name organizations that try it, or turn `progressive` off"
            ),
            Self::NobodyNamed => write!(out, "a canary needs organizations: name them with `--org`"),
            Self::NamesWithoutCanary(stage) => {
                write!(out, "organizations are named for `canary` only, and not for `{stage}`")
            }
            Self::AlreadyOff(provider) => write!(out, "`{provider}` is off: there is nothing to roll back"),
        }
    }
}

impl std::error::Error for RolloutError {}

impl Rollout {
    /// How far the provider is let in.
    pub fn stage(&self, provider: Provider) -> Stage {
        self.stages.get(&provider).map_or(Stage::Off, |rollout| rollout.stage)
    }

    /// Whether an account of that owner at that provider may be used for the organization.
    pub fn lets_in(&self, provider: Provider, owner: &Owner, org: &OrgSlug) -> Result<(), Held> {
        match owner {
            Owner::Platform if self.allow_platform_fallback => Ok(()),
            Owner::Platform => Err(Held::NoFallback),
            Owner::Org(_) if !self.enabled => Err(Held::Killed),
            Owner::Org(_) if self.rollback_mode => Err(Held::RolledBack),
            Owner::Org(_) => match self.stages.get(&provider).map(|rollout| (rollout.stage, &rollout.canary)) {
                None | Some((Stage::Off, _)) => Err(Held::StageOff),
                Some((Stage::Canary, canary)) if !canary.contains(org) => Err(Held::NotInCanary),
                Some((Stage::Canary | Stage::On, _)) => Ok(()),
            },
        }
    }

    /// Sets the stage of a provider. Further in needs the matrix cited as green; back is always free.
    pub fn set_stage(
        &mut self,
        provider: Provider,
        to: Stage,
        orgs: BTreeSet<OrgSlug>,
        matrix: Option<&Matrix>,
        by: Stamp,
    ) -> Result<(), RolloutError> {
        let from = self.stage(provider);
        let known = self.stages.get(&provider).map(|rollout| rollout.canary.clone()).unwrap_or_default();
        if to != Stage::Canary && !orgs.is_empty() {
            return Err(RolloutError::NamesWithoutCanary(to));
        }
        let canary = if orgs.is_empty() { known.clone() } else { orgs };
        if to == Stage::Canary && canary.is_empty() {
            return Err(RolloutError::NobodyNamed);
        }
        let wider = to == Stage::Canary && from == Stage::Canary && !canary.is_subset(&known);
        let mut cited = self.stages.get(&provider).and_then(|rollout| rollout.matrix.clone());
        if to > from || wider {
            if from == Stage::Off && to == Stage::On && self.progressive {
                return Err(RolloutError::CanaryFirst(provider));
            }
            let matrix = matrix.ok_or(RolloutError::NoMatrix(provider))?;
            if !matrix.green {
                return Err(RolloutError::Red(matrix.reference.clone()));
            }
            cited = Some(matrix.reference.clone());
        }
        self.stages.insert(provider, ProviderRollout { stage: to, canary, matrix: cited });
        self.updated = Some(by);
        Ok(())
    }

    /// Takes the provider one stage back; from on to its canary, or off when it had none.
    pub fn roll_back(&mut self, provider: Provider, by: Stamp) -> Result<Stage, RolloutError> {
        let rollout = self.stages.get_mut(&provider).ok_or(RolloutError::AlreadyOff(provider))?;
        rollout.stage = match rollout.stage {
            Stage::Off => return Err(RolloutError::AlreadyOff(provider)),
            Stage::On if !rollout.canary.is_empty() => Stage::Canary,
            Stage::On | Stage::Canary => Stage::Off,
        };
        let stage = rollout.stage;
        self.updated = Some(by);
        Ok(stage)
    }

    /// Uses no organization's own account any more, whatever the stages say.
    pub fn kill(&mut self, by: Stamp) {
        self.enabled = false;
        self.updated = Some(by);
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::tenant::stamp::Actor;

    fn stamp() -> Stamp {
        Stamp::new(&Actor::new("cli:ana"), Timestamp::UNIX_EPOCH)
    }

    fn slug(text: &str) -> OrgSlug {
        OrgSlug::parse(text).unwrap()
    }

    fn closed() -> Rollout {
        Rollout { stages: BTreeMap::new(), ..Rollout::default() }
    }

    fn green() -> Matrix {
        Matrix::parse("v0.1.0:green").unwrap()
    }

    #[test]
    fn a_provider_goes_from_off_over_canary_to_on_and_each_step_cites_the_matrix() {
        let (acme, bravo) = (slug("acme"), slug("bravo"));
        let own = Owner::Org(acme.clone());
        let mut rollout = closed();
        assert_eq!(rollout.lets_in(Provider::Twilio, &own, &acme), Err(Held::StageOff));
        let named = BTreeSet::from([acme.clone()]);
        let uncited = rollout.set_stage(Provider::Twilio, Stage::Canary, named.clone(), None, stamp());
        assert_eq!(uncited, Err(RolloutError::NoMatrix(Provider::Twilio)));
        let red = Matrix::parse("v0.1.0:red").unwrap();
        let refused = rollout.set_stage(Provider::Twilio, Stage::Canary, named.clone(), Some(&red), stamp());
        assert_eq!(refused, Err(RolloutError::Red("v0.1.0".into())));
        rollout.set_stage(Provider::Twilio, Stage::Canary, named, Some(&green()), stamp()).unwrap();
        assert_eq!(rollout.lets_in(Provider::Twilio, &own, &acme), Ok(()));
        let other = rollout.lets_in(Provider::Twilio, &Owner::Org(bravo.clone()), &bravo);
        assert_eq!(other, Err(Held::NotInCanary));
        rollout.set_stage(Provider::Twilio, Stage::On, BTreeSet::new(), Some(&green()), stamp()).unwrap();
        assert_eq!(rollout.lets_in(Provider::Twilio, &Owner::Org(bravo.clone()), &bravo), Ok(()));
    }

    #[test]
    fn nobody_jumps_from_off_to_on_unless_progress_by_stages_is_turned_off() {
        let mut rollout = closed();
        let jump = |rollout: &mut Rollout| {
            rollout.set_stage(Provider::Slack, Stage::On, BTreeSet::new(), Some(&green()), stamp())
        };
        assert_eq!(jump(&mut rollout), Err(RolloutError::CanaryFirst(Provider::Slack)));
        rollout.progressive = false;
        assert_eq!(jump(&mut rollout), Ok(()));
    }

    #[test]
    fn a_wider_canary_cites_the_matrix_and_a_smaller_one_need_not() {
        let mut rollout = closed();
        let both = BTreeSet::from([slug("acme"), slug("bravo")]);
        let one = BTreeSet::from([slug("acme")]);
        let twilio = Provider::Twilio;
        let nobody = rollout.set_stage(twilio, Stage::Canary, BTreeSet::new(), Some(&green()), stamp());
        assert_eq!(nobody, Err(RolloutError::NobodyNamed));
        rollout.set_stage(twilio, Stage::Canary, one.clone(), Some(&green()), stamp()).unwrap();
        assert!(rollout.set_stage(twilio, Stage::Canary, both.clone(), None, stamp()).is_err());
        rollout.set_stage(twilio, Stage::Canary, both, Some(&green()), stamp()).unwrap();
        rollout.set_stage(twilio, Stage::Canary, one, None, stamp()).unwrap();
    }

    #[test]
    fn a_roll_back_goes_to_the_canary_and_then_off() {
        let mut rollout = closed();
        let named = BTreeSet::from([slug("acme")]);
        rollout.set_stage(Provider::Twilio, Stage::Canary, named, Some(&green()), stamp()).unwrap();
        rollout.set_stage(Provider::Twilio, Stage::On, BTreeSet::new(), Some(&green()), stamp()).unwrap();
        assert_eq!(rollout.roll_back(Provider::Twilio, stamp()), Ok(Stage::Canary));
        assert_eq!(rollout.roll_back(Provider::Twilio, stamp()), Ok(Stage::Off));
        let again = rollout.roll_back(Provider::Twilio, stamp());
        assert_eq!(again, Err(RolloutError::AlreadyOff(Provider::Twilio)));
    }

    #[test]
    fn the_kill_switch_and_the_rollback_mode_stop_every_own_account_and_keep_the_stages() {
        let acme = slug("acme");
        let own = Owner::Org(acme.clone());
        let mut rollout = Rollout::default();
        assert_eq!(rollout.lets_in(Provider::Twilio, &own, &acme), Ok(()));
        rollout.rollback_mode = true;
        assert_eq!(rollout.lets_in(Provider::Twilio, &own, &acme), Err(Held::RolledBack));
        rollout.kill(stamp());
        assert_eq!(rollout.lets_in(Provider::Twilio, &own, &acme), Err(Held::Killed));
        assert_eq!(rollout.lets_in(Provider::Twilio, &Owner::Platform, &acme), Ok(()));
        rollout.allow_platform_fallback = false;
        assert_eq!(rollout.lets_in(Provider::Twilio, &Owner::Platform, &acme), Err(Held::NoFallback));
        assert_eq!(rollout.stage(Provider::Twilio), Stage::On);
    }

    #[test]
    fn citations_name_a_state_and_its_color() {
        for bad in ["", "green", ":green", "v1:blue", "a b:green"] {
            assert!(Matrix::parse(bad).is_err(), "{bad}");
        }
        assert!(Matrix::parse("docs/security-matrix.md#4f2a91c:green").unwrap().green);
    }
}
