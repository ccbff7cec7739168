//! The port to where organizations are kept: every method says for whom it is asked.
//!
//! What is asked for an organization sees and changes that organization's things only; a thing of another one is
//! `NotFound`, like one that never was. What is asked for the whole platform takes [`Platform`] or
//! [`Owner::Platform`] in so many words.
//!
//! A [`Change`] is kept whole with its line in the trail, or not at all, and every node learns of it: the trail is
//! the feed of changes too. A node remembers the [`Cursor`] up to which it has read, waits on
//! [`watch`](Tenants::watch), asks [`events`](Tenants::events) for what came after, and reads again only the
//! organizations named there.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{broadcast, mpsc, watch};

use crate::app::ports::Later;
use crate::model::digest::Digest;
use crate::model::ids::OrgSlug;
use crate::tenant::binding::Binding;
use crate::tenant::change::Change;
use crate::tenant::domain::Domain;
use crate::tenant::event::{Cursor, Event};
use crate::tenant::installation::Installation;
use crate::tenant::item::{Item, Kept, Kind, Unreadable};
use crate::tenant::organization::{Organization, Refusal};
use crate::tenant::owner::{Owner, Platform};
use crate::tenant::profile::AppProfile;
use crate::tenant::revision::{RuleFiles, RuleRevision};
use crate::tenant::rollout::Rollout;
use crate::tenant::stamp::Stamp;
use crate::tenant::switch::SwitchState;
use crate::tenant::token::{ApiToken, TokenHash};

/// Where organizations are kept.
pub trait Tenants: fmt::Debug + Send + Sync {
    /// Keeps all of these changes, each with its line in the trail, or none of them.
    fn change<'a>(
        &'a self,
        scope: &'a Owner,
        changes: Vec<Change>,
        by: &'a Stamp,
    ) -> Later<'a, Result<Changed, TenantError>>;

    /// All that a directory holds of one organization.
    fn tenant<'a>(&'a self, org: &'a OrgSlug) -> Later<'a, Result<Tenant, TenantError>>;

    /// All that a directory holds of the platform itself.
    fn platform(&self, platform: Platform) -> Later<'_, Result<PlatformThings, TenantError>>;

    /// Organizations in the order of their slugs, those behind `after`.
    fn organizations<'a>(
        &'a self,
        platform: Platform,
        after: Option<&'a OrgSlug>,
        most: u32,
    ) -> Later<'a, Result<Vec<Kept<Organization>>, TenantError>>;

    /// Everything of [`Kind::DIRECTORY`] of everybody, as of one moment, in portions while it is read.
    fn load(&self, platform: Platform) -> Loading;

    /// One thing.
    fn item<'a>(&'a self, scope: &'a Owner, kind: Kind, id: &'a str) -> Later<'a, Result<Kept<Item>, TenantError>>;

    /// The token of that hash, whosever it is; whether it counts is for [`ApiToken::may`] to say.
    fn token<'a>(
        &'a self,
        platform: Platform,
        hash: &'a TokenHash,
    ) -> Later<'a, Result<Option<Kept<ApiToken>>, TenantError>>;

    /// Whether any token was ever issued to anybody.
    fn has_tokens(&self, platform: Platform) -> Later<'_, Result<bool, TenantError>>;

    /// The tokens of an owner, with when each was used last.
    fn tokens<'a>(&'a self, owner: &'a Owner) -> Later<'a, Result<Vec<IssuedToken>, TenantError>>;

    /// Remembers that a token was used; no line in the trail.
    fn token_used<'a>(&'a self, owner: &'a Owner, id: &'a str, at: Timestamp) -> Later<'a, Result<(), TenantError>>;

    /// The revisions of an organization's rules, those taken up last first.
    fn revisions<'a>(&'a self, org: &'a OrgSlug) -> Later<'a, Result<Vec<Kept<RuleRevision>>, TenantError>>;

    /// The files of a revision.
    fn rule_files<'a>(&'a self, org: &'a OrgSlug, digest: &'a Digest) -> Later<'a, Result<RuleFiles, TenantError>>;

    /// Lines of the trail: for an organization its own, for the platform everybody's.
    fn events<'a>(&'a self, scope: &'a Owner, page: Page) -> Later<'a, Result<Vec<Event>, TenantError>>;

    /// The last place of the trail that is known here. It changes within a second of a change on any node; what was
    /// missed while the store was away shows as soon as it is back.
    fn watch(&self) -> watch::Receiver<Cursor>;

    /// Says something to all nodes, in at most 8,000 bytes; whoever is away does not hear it.
    fn tell<'a>(&'a self, platform: Platform, words: &'a str) -> Later<'a, Result<(), TenantError>>;

    /// What any node says from now on, this one too; closed where there is one node only.
    fn heard(&self, platform: Platform) -> broadcast::Receiver<Arc<str>>;

    /// How it stands.
    fn health(&self) -> TenantsHealth;
}

/// What was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The version of each thing, in the order of the changes; a removed or merely noted one has its line's place.
    pub versions: Vec<u64>,
}

impl Changed {
    /// The place of the last line that was written.
    pub fn cursor(&self) -> Cursor {
        self.versions.last().copied().unwrap_or_default()
    }
}

/// Which lines of the trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// Those after this place, oldest first, at most so many.
    After(Cursor, u32),
    /// Those before this place, newest first, at most so many.
    Before(Cursor, u32),
}

impl Page {
    /// The newest lines.
    pub const fn newest(most: u32) -> Self {
        Self::Before(Cursor::MAX, most)
    }
}

/// One organization with all that a directory holds of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Itself.
    pub organization: Kept<Organization>,
    /// Its app profiles.
    pub profiles: Vec<Kept<AppProfile>>,
    /// Its installations.
    pub installations: Vec<Kept<Installation>>,
    /// Its bindings.
    pub bindings: Vec<Kept<Binding>>,
    /// Its host names.
    pub domains: Vec<Kept<Domain>>,
    /// Its switches.
    pub switches: Vec<Kept<SwitchState>>,
    /// The revision of its rules that answers, if it has any.
    pub rules: Option<Kept<RuleRevision>>,
}

/// What belongs to the platform itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlatformThings {
    /// Its app profiles.
    pub profiles: Vec<Kept<AppProfile>>,
    /// Its installations.
    pub installations: Vec<Kept<Installation>>,
    /// The rollout; nothing when nobody has touched it, which means [`Rollout::default`].
    pub rollout: Option<Kept<Rollout>>,
}

/// A token and its use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedToken {
    /// The token.
    pub token: Kept<ApiToken>,
    /// When it was used last.
    pub last_used: Option<Timestamp>,
}

/// A load under way: portions of things, then the end; an error ends it too.
pub type Loading = mpsc::Receiver<Result<Portion, TenantError>>;

/// A part of a load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Portion {
    /// Things, one kind after the other in the order of [`Kind::DIRECTORY`].
    Items(Vec<Kept<Item>>),
    /// That was all, and it is how things stood at this place of the trail.
    End(Cursor),
}

/// Why the store did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TenantError {
    /// There is no such thing, or it is another's; nobody learns which.
    #[error("there is no such thing in `{0}`")]
    NotFound(Kind),
    /// Somebody else was faster, or has it.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The organization may not have it.
    #[error(transparent)]
    Forbidden(#[from] Refusal),
    /// The store cannot be reached now; nothing was changed, as far as is known.
    #[error("the store of organizations cannot be reached: {0}")]
    Unavailable(String),
    /// What is kept cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

/// Why a change does not fit what is kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// A thing of that name is there, or what it claims is claimed.
    #[error("this is taken already, among `{0}`")]
    Taken(Kind),
    /// It was changed since it was read.
    #[error("somebody changed this meanwhile, among `{0}`: read it again")]
    Stale(Kind),
    /// Other things hang on it, or what it hangs on is not there.
    #[error("this hangs together with other things, which must be made first and removed last, among `{0}`")]
    Bound(Kind),
}

/// How a store stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantsHealth {
    /// What it is: `sqlite` or `postgresql`.
    pub engine: &'static str,
    /// Why it cannot be reached, while it cannot.
    pub failing: Option<String>,
    /// Whether the database itself keeps organizations apart, beside the service.
    pub second_wall: bool,
}
