//! The way to Twilio: one pool of connections for all, one client for each account.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::{Method, Response, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use crate::model::ids::AccountSid;
use crate::model::secret::{ApiKey, Secret};
use crate::twilio::breaker::{Breaker, Standing};
use crate::twilio::error::Error;
use crate::twilio::exchange::{self, Ask, Reply, Twice, Way};

/// Where Twilio's REST interface is, unless a setting says otherwise.
pub const TWILIO: &str = "https://api.twilio.com";

/// The version of the interface that is spoken.
const VERSION: &str = "2010-04-01";

/// How long things may take.
#[derive(Debug, Clone)]
pub struct Patience {
    /// To connect.
    pub connect: Duration,
    /// For one answer.
    pub answer: Duration,
    /// With all repeats.
    pub whole: Duration,
    /// Pause before the first repeat.
    pub first_pause: Duration,
    /// Longest pause, unless Twilio asks for a longer one.
    pub longest_pause: Duration,
    /// Repeats at most.
    pub repeats: usize,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(15),
            whole: Duration::from_secs(40),
            first_pause: Duration::from_millis(250),
            longest_pause: Duration::from_secs(5),
            repeats: 3,
        }
    }
}

/// Why the way to Twilio cannot be laid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The base address is none.
    #[error("`{0}` is not an address such as `https://api.twilio.com`")]
    Address(String),
    /// The secret would travel in the open.
    #[error("`{0}` would send the key in the open: use https, or http to this very machine")]
    Open(String),
    /// The HTTP client cannot be made.
    #[error("cannot set up requests: {0}")]
    Client(String),
}

/// The pool of connections, and how each installation's requests fared.
pub struct Gate {
    http: reqwest::Client,
    base: Url,
    patience: Patience,
    start: Instant,
    lanes: Mutex<BTreeMap<String, Arc<Lane>>>,
}

/// Requests of one installation at once: one that asks for much does not keep the others waiting.
const AT_ONCE: usize = 64;

/// What the requests of one installation go through, apart from those of every other.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) breaker: Breaker,
    pub(crate) room: Semaphore,
}

impl Default for Lane {
    fn default() -> Self {
        Self { breaker: Breaker::default(), room: Semaphore::new(AT_ONCE) }
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Gate({})", self.base)
    }
}

impl Gate {
    /// A way to the interface at this address.
    pub fn new(base: &str, patience: Patience) -> Result<Self, SetupError> {
        let url = Url::parse(base).map_err(|_reason| SetupError::Address(base.to_owned()))?;
        let local = url.host_str().is_some_and(|host| matches!(host, "127.0.0.1" | "localhost" | "[::1]"));
        let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
        match url.scheme() {
            "http" | "https" if !plain || !url.has_host() => return Err(SetupError::Address(base.to_owned())),
            "https" => {}
            "http" if local => {}
            "http" => return Err(SetupError::Open(base.to_owned())),
            _ => return Err(SetupError::Address(base.to_owned())),
        }
        let mut client = reqwest::Client::builder()
            .user_agent(concat!("ringfall/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(patience.connect)
            .pool_idle_timeout(Duration::from_secs(30));
        if local {
            client = client.no_proxy();
        }
        let http = client.build().map_err(|error| SetupError::Client(error.to_string()))?;
        Ok(Self { http, base: url, patience, start: exchange::now(), lanes: Mutex::default() })
    }

    /// The account, called with an API key. `installation` is the name under which its requests are counted.
    pub fn client(self: &Arc<Self>, installation: &str, account: &AccountSid, key: &ApiKey) -> Client {
        self.with(installation, account, key.sid.to_string(), key.secret.clone())
    }

    /// The account, called with its own token: only to see that a token given to us is the account's.
    pub fn with_token(self: &Arc<Self>, account: &AccountSid, token: &Secret) -> Client {
        self.with(account.as_str(), account, account.to_string(), token.clone())
    }

    fn with(self: &Arc<Self>, installation: &str, account: &AccountSid, user: String, password: Secret) -> Client {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = Arc::clone(lanes.entry(installation.to_owned()).or_default());
        Client { gate: Arc::clone(self), account: account.clone(), user, password, lane }
    }

    /// How the requests of each installation fare.
    pub fn standings(&self) -> Vec<(String, Standing)> {
        let now = exchange::since(self.start);
        let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.iter().map(|(installation, lane)| (installation.clone(), lane.breaker.standing(now))).collect()
    }
}

/// One account's REST interface.
#[derive(Debug, Clone)]
pub struct Client {
    gate: Arc<Gate>,
    account: AccountSid,
    user: String,
    password: Secret,
    lane: Arc<Lane>,
}

/// An account as Twilio describes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Account {
    /// Its name there.
    pub sid: String,
    /// What its owner calls it.
    #[serde(default)]
    pub friendly_name: String,
    /// `active`, `suspended` or `closed`.
    #[serde(default)]
    pub status: String,
}

impl Client {
    /// Whose interface it is.
    pub const fn account(&self) -> &AccountSid {
        &self.account
    }

    /// The account itself. API keys of the usual kind may not ask for it; the account's token may.
    pub async fn describe(&self) -> Result<Account, Error> {
        let url = self.url(&format!("/{VERSION}/Accounts/{}.json", self.account));
        self.document(Method::GET, url?, &[], Twice::Harmless).await
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, below: &str, query: &[(&str, &str)]) -> Result<T, Error> {
        let mut url = self.below(below)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.document(Method::GET, url, &[], Twice::Harmless).await
    }

    /// A further page of a list, by the path that Twilio names; it stays within the account.
    pub(crate) async fn get_page<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        let own = format!("/{VERSION}/Accounts/{}/", self.account);
        if !path.starts_with(&own) {
            return Err(Error::Strange("the next page is at another account".to_owned()));
        }
        let url = self.url(path)?;
        self.document(Method::GET, url, &[], Twice::Harmless).await
    }

    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        below: &str,
        form: &[(&str, &str)],
        twice: Twice,
    ) -> Result<T, Error> {
        let url = self.below(below)?;
        self.document(Method::POST, url, form, twice).await
    }

    /// Deletes a thing; to do it twice is harmless.
    pub(crate) async fn delete(&self, below: &str) -> Result<(), Error> {
        let login = (self.user.as_str(), self.password.expose());
        let url = self.below(below)?;
        let ask = Ask { method: Method::DELETE, url, form: &[], twice: Twice::Harmless, login, whole: true };
        self.ask(&ask).await.map(drop)
    }

    /// An answer that is read as it comes.
    pub(crate) async fn fetch(&self, below: &str) -> Result<Response, Error> {
        let url = self.below(below)?;
        let login = (self.user.as_str(), self.password.expose());
        let ask = Ask { method: Method::GET, url, form: &[], twice: Twice::Harmless, login, whole: false };
        match self.ask(&ask).await? {
            Reply::Begun(response) => Ok(response),
            Reply::Whole(_) => Err(Error::Strange("it was read already".to_owned())),
        }
    }

    /// The answer's document. What was done and told in a broken way was done all the same.
    async fn document<T: DeserializeOwned>(
        &self,
        method: Method,
        url: Url,
        form: &[(&str, &str)],
        twice: Twice,
    ) -> Result<T, Error> {
        let login = (self.user.as_str(), self.password.expose());
        let ask = Ask { method, url, form, twice, login, whole: true };
        match self.ask(&ask).await? {
            Reply::Whole(body) => serde_json::from_slice(&body).map_err(|error| Error::Strange(error.to_string())),
            Reply::Begun(_) => Err(Error::Strange("it was not read".to_owned())),
        }
    }

    async fn ask(&self, ask: &Ask<'_>) -> Result<Reply, Error> {
        let Gate { http, patience, start, .. } = &*self.gate;
        exchange::ask(&Way { http, patience, lane: &self.lane, start: *start }, ask).await
    }

    fn below(&self, below: &str) -> Result<Url, Error> {
        self.url(&format!("/{VERSION}/Accounts/{}/{below}", self.account))
    }

    fn url(&self, path: &str) -> Result<Url, Error> {
        let base = self.gate.base.as_str().trim_end_matches('/');
        Url::parse(&format!("{base}{path}")).map_err(|error| Error::Strange(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_never_travels_in_the_open() {
        let refused = |base: &str| Gate::new(base, Patience::default()).unwrap_err();
        assert_eq!(refused("http://api.example.com"), SetupError::Open("http://api.example.com".into()));
        for bad in ["", "api.twilio.com", "ftp://api.twilio.com", "https://user:word@api.twilio.com"] {
            assert_eq!(refused(bad), SetupError::Address(bad.to_owned()));
        }
        for good in [TWILIO, "http://127.0.0.1:4010", "http://localhost:1/base/"] {
            assert!(Gate::new(good, Patience::default()).is_ok(), "{good}");
        }
    }

    #[test]
    fn no_print_shows_the_secret() {
        let gate = Arc::new(Gate::new(TWILIO, Patience::default()).unwrap());
        let account = AccountSid::imagined();
        let client = gate.with_token(&account, &Secret::new("hunter2hunter2".into()));
        assert!(!format!("{client:?}").contains("hunter2"));
    }
}
