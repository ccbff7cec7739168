//! The way to the carrier's REST interface, for each organization over the account that it may use.

use std::sync::Arc;

use anyhow::Context as _;

use crate::admin::{AccountCheck, CheckError};
use crate::app::directory::outlet::{Closed, Outlet, Wanted, Way};
use crate::app::directory::{Directory, Snapshot};
use crate::app::ports::Later;
use crate::model::ids::{AccountSid, ApiKeySid, OrgSlug};
use crate::model::phone::E164;
use crate::model::secret::{ApiKey, Secret};
use crate::settings::{Settings, TwilioAccount};
use crate::startup::organizations;
use crate::tenant::installation;
use crate::twilio::client::{Client, Gate, Patience};
use crate::twilio::error::Error;
use crate::vault::{Place, Ring};

/// The way to the interface that the settings name.
pub fn gate(settings: &Settings) -> anyhow::Result<Arc<Gate>> {
    let gate = Gate::new(&settings.twilio_api_url, Patience::default());
    Ok(Arc::new(gate.context("cannot use `twilio_api_url`")?))
}

/// Why an account's interface cannot be called.
#[derive(Debug, thiserror::Error)]
pub enum NoClient {
    /// The organization has no way out.
    #[error(transparent)]
    Closed(#[from] Closed),
    /// The settings name no account.
    #[error("there is no carrier account: set `TWILIO_ACCOUNT_SID` and `TWILIO_AUTH_TOKEN`")]
    NoAccount,
    /// The settings name another account.
    #[error(
        "its number is in the platform's account {0}, which is not the one of the settings and has no API key stored"
    )]
    Another(AccountSid),
    /// The settings have no key.
    #[error("there is no API key: set `TWILIO_API_KEY` and `TWILIO_API_SECRET` (or `…_FILE`)")]
    NoKey,
    /// A stored account has no key.
    #[error(
        "there is no API key for the account {account} of `{owner}`: give one with `ringfall connect twilio … --api-key`"
    )]
    NoneStored {
        /// The account.
        account: AccountSid,
        /// Whose.
        owner: String,
    },
    /// A stored key cannot be opened.
    #[error("the API key of the account {account} of `{owner}` cannot be used: {why}")]
    Sealed {
        /// The account.
        account: AccountSid,
        /// Whose.
        owner: String,
        /// Why not.
        why: String,
    },
}

/// Every account that may be called. Keys stay sealed until a request is made, so that whatever is rotated or revoked
/// counts as soon as the directory knows of it.
#[derive(Debug)]
pub struct Accounts {
    gate: Arc<Gate>,
    given: Option<TwilioAccount>,
    ring: Option<Arc<Ring>>,
}

/// The name under which requests over the account of the settings are counted.
const GIVEN: &str = "settings";

impl Accounts {
    /// The accounts of the settings, and those whose keys this ring opens.
    pub fn new(settings: &Settings, gate: Arc<Gate>, ring: Option<Arc<Ring>>) -> Self {
        Self { gate, given: settings.twilio.clone(), ring }
    }

    /// The accounts of an organization, in the order in which they are to be used.
    pub fn clients(
        &self,
        now: &Snapshot,
        org: &OrgSlug,
        from: Option<&E164>,
        wanted: Wanted,
    ) -> Result<Vec<Client>, NoClient> {
        now.ways(org, from, wanted)?.iter().map(|way| self.client(way)).collect()
    }

    /// The account itself.
    pub fn client_of(&self, now: &Snapshot, account: &AccountSid) -> Result<Client, NoClient> {
        self.client(&now.way_to(account))
    }

    fn client(&self, way: &Way) -> Result<Client, NoClient> {
        match way {
            Way::Stored(outlet) => self.stored(outlet),
            Way::Settings(wanted) => {
                let given = self.given.as_ref().ok_or(NoClient::NoAccount)?;
                match wanted {
                    Some(wanted) if *wanted != given.account => Err(NoClient::Another(wanted.clone())),
                    Some(_) | None => self.given(),
                }
            }
        }
    }

    /// The account of the settings.
    pub fn given(&self) -> Result<Client, NoClient> {
        let given = self.given.as_ref().ok_or(NoClient::NoAccount)?;
        let key = given.key.as_ref().ok_or(NoClient::NoKey)?;
        Ok(self.gate.client(GIVEN, &given.account, key))
    }

    fn stored(&self, outlet: &Outlet) -> Result<Client, NoClient> {
        let (account, owner) = (|| outlet.account.clone(), || outlet.at.owner.to_string());
        let sealed = outlet.key.as_ref();
        let sealed = sealed.ok_or_else(|| NoClient::NoneStored { account: account(), owner: owner() })?;
        let opened = self.opened(outlet, sealed);
        let key = opened.map_err(|why| NoClient::Sealed { account: account(), owner: owner(), why })?;
        Ok(self.gate.client(&format!("{}/{}", outlet.at.owner, outlet.at.id), &outlet.account, &key))
    }

    fn opened(&self, outlet: &Outlet, sealed: &installation::ApiKey) -> Result<ApiKey, String> {
        let ring = self.ring.as_ref().ok_or("there is no `ENCRYPTION_KEY`")?;
        let place = Place::api_secret_at(&outlet.at);
        let secret = ring.open(place, &sealed.secret).map_err(|error| error.to_string())?;
        let secret = std::str::from_utf8(&secret).map_err(|_not_text| "it is no text")?;
        let sid = ApiKeySid::parse(&sealed.sid).map_err(|error| error.to_string())?;
        Ok(ApiKey { sid, secret: Secret::new(secret.to_owned()) })
    }
}

/// For a command: the directory of everybody who is stored, and every account that may be called.
#[derive(Debug)]
pub struct Standing {
    /// Who may use what.
    pub directory: Directory,
    /// The accounts.
    pub accounts: Accounts,
}

impl Standing {
    /// Reads what is stored.
    pub async fn read(settings: &Settings) -> anyhow::Result<Self> {
        let directory = Directory::new(Vec::new());
        let gate = gate(settings)?;
        // Who has no store has nobody in it, and a look should not make one.
        let stored = settings.database_url.is_some() || settings.data.join(crate::tenants::FILE).exists();
        let ring = if stored {
            let store = organizations::open(settings)?;
            let (feed, _, _) = organizations::load(settings, &store, &directory).await?;
            feed.ring()
        } else {
            None
        };
        Ok(Self { directory, accounts: Accounts::new(settings, gate, ring) })
    }

    /// The accounts of an organization; without one, that of the settings.
    pub fn clients(&self, org: Option<&OrgSlug>) -> Result<Vec<Client>, NoClient> {
        match org {
            Some(org) => self.accounts.clients(&self.directory.now(), org, None, Wanted::Calls),
            None => Ok(vec![self.accounts.given()?]),
        }
    }
}

/// Asks the carrier whether a token is the account's.
#[derive(Debug)]
pub struct Check(Arc<Gate>);

impl Check {
    /// Asks at the address that the settings name.
    pub fn new(settings: &Settings) -> anyhow::Result<Self> {
        gate(settings).map(Self)
    }
}

impl AccountCheck for Check {
    fn check<'a>(&'a self, account: &'a AccountSid, token: &'a Secret) -> Later<'a, Result<(), CheckError>> {
        Box::pin(async move {
            match self.0.with_token(account, token).describe().await {
                Ok(found) if found.sid != account.as_str() => Err(CheckError::Wrong(account.clone())),
                Ok(found) if found.status.is_empty() || found.status == "active" => Ok(()),
                Ok(found) => Err(CheckError::NotInUse { account: account.clone(), status: found.status }),
                Err(Error::Refused(refusal)) if matches!(refusal.status, 401 | 403 | 404) => {
                    Err(CheckError::Wrong(account.clone()))
                }
                Err(error) => Err(CheckError::NotAsked(error.to_string())),
            }
        })
    }
}
