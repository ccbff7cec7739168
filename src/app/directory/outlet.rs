//! Over which account something goes out for an organization: its own by its own binding, and the platform's by
//! opt-in alone. An organization with an account of its own never falls back to the platform's.

use std::sync::Arc;

use crate::app::directory::{Grant, Snapshot, Tenant, Withheld};
use crate::model::ids::{AccountSid, OrgSlug};
use crate::model::phone::E164;
use crate::tenant::installation::ApiKey;
use crate::tenant::owner::{Owner, Reference};

/// An account as what goes out uses it. Its key stays sealed until it is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlet {
    /// The installation, and whose it is.
    pub at: Reference,
    /// The account.
    pub account: AccountSid,
    /// What its API is called with; none when nobody has given one.
    pub key: Option<ApiKey>,
}

/// What the account is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Calls, their recordings, and the numbers they come in on.
    Calls,
    /// Texts.
    Texts,
}

/// A way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// Over an account that is stored.
    Stored(Arc<Outlet>),
    /// Over the account of the settings; it must be this one, when one is named.
    Settings(Option<AccountSid>),
}

/// Why there is no way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    /// No binding leads from this organization and number to an account.
    #[error("no number of this organization leads to an account: see `ringfall connect number`")]
    NotBound,
    /// The account is there, and the organization may not use it now.
    #[error("the organization may not use the account now: {}", .0.word())]
    Withheld(Withheld),
}

impl Snapshot {
    /// The ways out for an organization, the one of its first binding first; with a number of its, only that number's.
    pub fn ways(&self, slug: &OrgSlug, from: Option<&E164>, wanted: Wanted) -> Result<Vec<Way>, Closed> {
        // Whoever is known by a rule file alone is served by the settings' account.
        let Some(tenant) = self.tenant(slug) else { return Ok(vec![Way::Settings(None)]) };
        let mut accounts: Vec<&AccountSid> = Vec::new();
        for bound in tenant.numbers.iter().filter(|bound| from.is_none_or(|from| bound.number == *from)) {
            if !accounts.contains(&&bound.account) {
                accounts.push(&bound.account);
            }
        }
        let mut closed = Closed::NotBound;
        let mut ways = Vec::new();
        for account in accounts {
            match self.way(tenant, account, wanted) {
                Ok(way) => ways.push(way),
                Err(withheld) => closed = Closed::Withheld(withheld),
            }
        }
        if ways.is_empty() { Err(closed) } else { Ok(ways) }
    }

    /// The way to an account itself, for what it holds of calls for which no organization was known: who may call over
    /// it now does not matter to that.
    pub fn way_to(&self, account: &AccountSid) -> Way {
        let own = self.accounts.get(account).into_iter().flatten().flat_map(|tenant| &tenant.outlets);
        let mut all = self.outlets.iter().chain(own);
        match all.find(|outlet| outlet.account == *account && outlet.key.is_some()) {
            Some(outlet) => Way::Stored(Arc::clone(outlet)),
            None => Way::Settings(Some(account.clone())),
        }
    }

    fn way(&self, tenant: &Tenant, account: &AccountSid, wanted: Wanted) -> Result<Way, Withheld> {
        let own = tenant.outlets.iter().find(|outlet| outlet.account == *account);
        let (owner, granted) = match (own, wanted) {
            (Some(_), _) => (Owner::Org(tenant.slug.clone()), tenant.own),
            (None, Wanted::Calls) => (Owner::Platform, tenant.platform),
            (None, Wanted::Texts) => (Owner::Platform, tenant.platform_texts),
        };
        if let Grant::Ending(withheld) = self.held(&owner, &tenant.slug).unwrap_or(granted) {
            return Err(withheld);
        }
        let shared = || self.outlets.iter().find(|outlet| outlet.account == *account && outlet.key.is_some());
        Ok(match own.or_else(shared) {
            Some(outlet) => Way::Stored(Arc::clone(outlet)),
            None => Way::Settings(Some(account.clone())),
        })
    }
}
