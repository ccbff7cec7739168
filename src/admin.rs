//! What may be done to organizations and their accounts, each in one place: the command line and the API ask here.
//!
//! Everything is done by somebody at some moment, which the trail keeps.

pub mod accounts;
pub mod domains;
pub mod import;
pub mod numbers;
pub mod organizations;
pub mod outlets;
pub mod reseal;

use std::fmt;
use std::sync::Arc;

use crate::app::ports::Later;
use crate::app::tenancy::{Conflict, TenantError, Tenants};
use crate::model::ids::{AccountSid, OrgSlug};
use crate::model::secret::Secret;
use crate::tenant::domain::DomainError;
use crate::tenant::installation::InstallationError;
use crate::tenant::organization::Refusal;
use crate::tenant::owner::Owner;
use crate::vault::{OpenError, RenewError, Ring, SealError};

/// Asks the carrier whether a token is the account's.
pub trait AccountCheck: fmt::Debug + Send + Sync {
    /// Asks once, and tells what is wrong.
    fn check<'a>(&'a self, account: &'a AccountSid, token: &'a Secret) -> Later<'a, Result<(), CheckError>>;
}

/// Why an account is not connected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// The carrier does not know the two together.
    #[error("the carrier does not take this token for `{0}`: copy the primary auth token of that very account")]
    Wrong(AccountSid),
    /// The account is not in use there.
    #[error("the carrier says that `{account}` is `{status}`")]
    NotInUse {
        /// The account.
        account: AccountSid,
        /// The carrier's word.
        status: String,
    },
    /// The carrier could not be asked.
    #[error("the carrier could not be asked whether the token is right, so nothing was changed: {0}")]
    NotAsked(String),
}

/// Looks names up.
pub trait Names: fmt::Debug + Send + Sync {
    /// The texts that stand at a name; none when there are none.
    fn texts<'a>(&'a self, name: &'a str) -> Later<'a, Result<Vec<String>, String>>;
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdminError {
    /// There is no such organization.
    #[error("there is no organization `{0}`: see `ringfall org list`, or make it with `ringfall org add {0}`")]
    NoOrganization(OrgSlug),
    /// It is there already.
    #[error("the organization `{0}` is there already")]
    Exists(OrgSlug),
    /// The owner has not connected that account.
    #[error("`{owner}` has no connected account{}: see `ringfall connect list`", named(.account.as_ref()))]
    NoAccount {
        /// Whose.
        owner: Owner,
        /// Which was named.
        account: Option<AccountSid>,
    },
    /// There are several, and none was named.
    #[error("`{0}` has several accounts: name one with `--account-sid`")]
    SeveralAccounts(Owner),
    /// The account is connected with another token.
    #[error(
        "`{owner}` has connected `{account}` already, with another token: to change it, use `ringfall connect rotate`"
    )]
    Connected {
        /// Whose.
        owner: Owner,
        /// The account.
        account: AccountSid,
    },
    /// The next token is the one that is in use.
    #[error(
        "this is the token that `{0}` is believed by already: give the next one, which Twilio's console shows as the secondary auth token once it is made there"
    )]
    SameToken(AccountSid),
    /// The number leads somewhere already.
    #[error(
        "the number is bound already, by another organization that has this account: let it go there first, with `ringfall connect release --org NAME NUMBER`"
    )]
    NumberTaken,
    /// The number does not lead anywhere.
    #[error("`{0}` has no such number: see `ringfall connect list`")]
    NoNumber(OrgSlug),
    /// The number leads to several accounts.
    #[error("`{0}` has this number in several accounts: name one with `--account-sid`, or `--platform`")]
    SeveralBindings(OrgSlug),
    /// The line has no name that rules could have.
    #[error("a line's name has 1 to 80 characters on one line")]
    Line,
    /// The host is another's, or was never asked for.
    #[error("`{0}` has not asked for this domain: use `ringfall domain add` first")]
    NoDomain(OrgSlug),
    /// The host is proved by another organization.
    #[error("this domain belongs to another organization")]
    DomainTaken,
    /// DNS does not answer.
    #[error("the domain's TXT record cannot be looked up: {0}")]
    Names(String),
    /// There is no key to seal with.
    #[error(
        "there is no key to keep secrets under: set `ENCRYPTION_KEY` to the 64 hex digits that `openssl rand -hex 32` prints"
    )]
    NoKey,
    /// The carrier does not agree.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// The organization may not.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The installation does not go on.
    #[error(transparent)]
    Installation(#[from] InstallationError),
    /// The domain does not go on.
    #[error(transparent)]
    Domain(#[from] DomainError),
    /// A secret cannot be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A stored secret does not open.
    #[error("a stored secret does not open: {0}")]
    Open(#[from] OpenError),
    /// A stored secret cannot be put under another key.
    #[error("a stored secret cannot be put under the new key: {0}")]
    Renew(#[from] RenewError),
    /// The store did not do it.
    #[error(transparent)]
    Store(TenantError),
}

fn named(account: Option<&AccountSid>) -> String {
    account.map(|account| format!(" `{account}`")).unwrap_or_default()
}

impl From<TenantError> for AdminError {
    fn from(error: TenantError) -> Self {
        match error {
            TenantError::Forbidden(refusal) => Self::Refused(refusal),
            TenantError::NotFound(_)
            | TenantError::Conflict(_)
            | TenantError::Unavailable(_)
            | TenantError::Unreadable(_) => Self::Store(error),
        }
    }
}

impl AdminError {
    /// Whether it was asked wrongly, rather than could not be done now.
    pub const fn is_misuse(&self) -> bool {
        !matches!(
            self,
            Self::Store(TenantError::Unavailable(_) | TenantError::Unreadable(_))
                | Self::Check(CheckError::NotAsked(_))
                | Self::Names(_)
                | Self::Seal(_)
                | Self::Open(_)
                | Self::Renew(_)
                | Self::NoKey
        )
    }
}

/// Where it is done: the store, and the keys that its secrets are kept under.
#[derive(Debug, Clone)]
pub struct Office {
    store: Arc<dyn Tenants>,
    ring: Option<Arc<Ring>>,
}

/// Tries of a change that somebody else was faster with.
const TRIES: usize = 4;

impl Office {
    /// An office over this store.
    pub const fn new(store: Arc<dyn Tenants>, ring: Option<Arc<Ring>>) -> Self {
        Self { store, ring }
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn Tenants> {
        &self.store
    }

    fn ring(&self) -> Result<&Ring, AdminError> {
        self.ring.as_deref().ok_or(AdminError::NoKey)
    }
}

/// Whether somebody else was faster, so that it should be read and tried again.
const fn is_stale(error: &TenantError) -> bool {
    matches!(error, TenantError::Conflict(Conflict::Stale(_)))
}

/// Whether something of that name is there already.
const fn is_taken(error: &TenantError) -> bool {
    matches!(error, TenantError::Conflict(Conflict::Taken(_)))
}
