//! The service's settings: gathered from flags, environment and files, every fault told at once.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::app::network::Network;
use crate::feed::plan::Sink;
use crate::model::ids::{AccountSid, ApiKeySid};
use crate::model::secret::{ApiKey, Secret};
use crate::outreach::spend::Spend;
pub use crate::settings::ack::Ack;
use crate::settings::api::ApiSettings;
use crate::settings::keys::{KEYS, Key, Place};
use crate::settings::layers::{Fault, Given, Layers, Surroundings};
use crate::settings::outbound::Outbound;
pub use crate::settings::retention::Retention;
use crate::vault::Ring;
use crate::webhook::origin::Origin;

mod ack;
pub mod api;
pub mod dotenv;
pub mod keys;
pub mod layers;
pub mod outbound;
mod retention;
mod spend;
mod vault;

#[cfg(test)]
mod tests;

/// All that a running service was told; `keys` says what each is for.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// What the carrier calls us, when told.
    pub public_url: Option<Origin>,
    /// Whose forwarding headers count.
    pub trusted_proxies: Vec<Network>,
    /// Folder of the journal.
    pub data: PathBuf,
    /// Folder of the rule files.
    pub rules: PathBuf,
    /// Which rules answer.
    pub rules_from: RulesFrom,
    /// Folder of the templates.
    pub templates: PathBuf,
    /// This machine's name in records.
    pub node: String,
    /// Whether strangers depend on this one.
    pub environment: Environment,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Which log lines are kept.
    pub log: String,
    /// Largest request body in bytes.
    pub body_limit: usize,
    /// Time for one answer.
    pub deadline: Duration,
    /// Wait for the disk.
    pub journal_deadline: Duration,
    /// Longest wait for open requests when stopping.
    pub drain: Duration,
    /// Threads that answer.
    pub workers: usize,
    /// Open connections in all.
    pub connections: usize,
    /// Time to send a request's head.
    pub header_timeout: Duration,
    /// What makes the rules be read again.
    pub reload: Reload,
    /// Whether metrics tell organizations apart.
    pub metrics_org_label: bool,
    /// Whether records are bound to each other.
    pub audit_chain: bool,
    /// How long records are kept.
    pub retention: Retention,
    /// What a decision must be safe in before it is answered.
    pub ack: Ack,
    /// Where records go.
    pub sinks: Vec<Sink>,
    /// The administration API.
    pub api: ApiSettings,
    /// The keys that stored secrets are sealed under, when given.
    pub ring: Option<Arc<Ring>>,
    /// The database of the organizations; none for a file in the data folder.
    pub database_url: Option<Secret>,
    /// The carrier account, when given.
    pub twilio: Option<TwilioAccount>,
    /// Where the carrier's REST interface is.
    pub twilio_api_url: String,
    /// Who is asked for DNS records; the system's resolver when not set.
    pub dns_resolver: Option<SocketAddr>,
    /// What texts cost, and how much of it an organization may spend in a day.
    pub spend: Spend,
    /// Texts of one organization that this node sends in a second.
    pub texts_a_second: u32,
    /// What is asked and told elsewhere.
    pub outbound: Outbound,
    /// Where the static endings are served, when told.
    pub fallback_url: Option<Origin>,
}

/// The installation's account at the carrier.
#[derive(Debug, Clone)]
pub struct TwilioAccount {
    /// Its name there.
    pub account: AccountSid,
    /// The token that signs now.
    pub token: Secret,
    /// The token that will sign after a rotation.
    pub next: Option<Secret>,
    /// What its REST interface is called with, when given.
    pub key: Option<ApiKey>,
}

/// Whether strangers depend on this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// Somebody's own machine: the simulator may call.
    Development,
    /// Real callers only.
    Production,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For eyes.
    Human,
    /// For collectors: one JSON object a line.
    Json,
}

impl LogFormat {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "human" => Some(Self::Human),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// Which rules answer. It is one of the two for all organizations of a node, so that nobody has to guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RulesFrom {
    /// The files in the folder of rules.
    Folder,
    /// The current revisions in the store of organizations.
    Store,
}

impl RulesFrom {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "folder" => Some(Self::Folder),
            "store" => Some(Self::Store),
            _ => None,
        }
    }
}

/// What makes the rules be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// Changes in the folders, and SIGHUP.
    Watch,
    /// SIGHUP alone.
    Signal,
}

/// Everything wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = if self.0.len() == 1 { "setting is" } else { "settings are" };
        write!(out, "{} {noun} wrong", self.0.len())?;
        self.0.iter().try_for_each(|fault| write!(out, "\n  {fault}"))
    }
}

impl std::error::Error for Faults {}

/// Settings, and where each came from.
#[derive(Debug)]
pub struct Loaded {
    /// The settings; the faults when there are any.
    pub settings: Result<Settings, Faults>,
    layers: Layers,
}

impl Loaded {
    /// Variables that look like settings and are none.
    pub fn doubts(&self) -> &[Fault] {
        &self.layers.doubts
    }

    /// Every setting with its value and origin, secrets as `***`.
    pub fn printed(&self) -> String {
        let rows = KEYS.iter().map(|key| {
            let given = self.layers.get(key.name);
            let shown = match given {
                Some(given) => shown(key, given.text.expose()),
                None => "-".to_owned(),
            };
            let origin = given.map_or_else(|| "default".to_owned(), Given::told_by);
            format!("{:<24}{shown:<33} {origin}\n", key.name)
        });
        let sinks = self.layers.sinks.iter().flat_map(|(sinks, file)| sinks.iter().map(move |sink| (sink, file)));
        let sinks = sinks.map(|(sink, file)| {
            let name = format!("sinks: {}", sink.name);
            format!("{name:<24}{:<33} {}\n", sink.shown(), file.display())
        });
        rows.chain(sinks).collect()
    }
}

/// The value as anybody may see it.
fn shown(key: &Key, text: &str) -> String {
    let open = match key.place {
        Place::Secret => false,
        // What is no account may be the token, put in the wrong place.
        Place::Credential => AccountSid::parse(text).is_ok() || ApiKeySid::parse(text).is_ok(),
        Place::Open => true,
    };
    // The user and the password of an address are dropped in reading it.
    let address = matches!(key.name, "public_url" | "fallback_url").then(|| Origin::parse(text).ok()).flatten();
    match address {
        Some(address) => address.to_string(),
        None if open && !text.contains('@') => text.to_owned(),
        None => "***".to_owned(),
    }
}

/// Gathers and reads all settings.
pub fn load(around: &Surroundings) -> Loaded {
    let layers = Layers::gather(around);
    let mut reader = Reader { layers: &layers, faults: layers.faults.clone() };
    let settings = reader.settings();
    let settings = if reader.faults.is_empty() { settings } else { None };
    let faults = Faults(reader.faults);
    Loaded { settings: settings.ok_or(faults), layers }
}

/// Where resolvers listen.
const DNS: u16 = 53;

/// How the paths of our own addresses begin: below the same path again, nobody can tell one from the other.
const OURS: &str = "/twilio";

/// Reads the gathered texts as what they should be, and keeps the faults.
struct Reader<'a> {
    layers: &'a Layers,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    /// None only when a fault was kept.
    fn settings(&mut self) -> Option<Settings> {
        let listen = self.read("listen", "an address and a port, such as `127.0.0.1:8080`", address);
        let public_url = self.public_url();
        let trusted_proxies = self.networks();
        let environment = self.read("environment", "`development` or `production`", environment);
        let log_format = self.read("log_format", "`human` or `json`", LogFormat::parse);
        let rules_from = self.read("rules_from", "`folder` or `store`", RulesFrom::parse);
        let reload = self.read("reload", "`watch` or `signal`", reload);
        let deadline = self.seconds("deadline", 1..=14);
        let journal_deadline = self.seconds("journal_deadline", 0..=10);
        self.order("journal_deadline", journal_deadline, deadline);
        let (drain, header_timeout) = (self.seconds("drain", 0..=600), self.seconds("header_timeout", 1..=60));
        let workers = self.workers();
        let connections = self.count("connections", 8..=1_000_000);
        let body_limit = self.read("body_limit", "a size from 4kB to 4MB, such as `128kB`", size);
        let [metrics_org_label, audit_chain] =
            ["metrics_org_label", "audit_chain"].map(|name| self.read(name, "`on` or `off`", switch));
        let (retention, ack) = (self.retention(), self.ack(journal_deadline));
        let sinks = self.layers.sinks.as_ref().map(|(sinks, _)| sinks.clone()).unwrap_or_default();
        let (api, twilio, ring, fallback_url) = (self.api(), self.twilio(), self.ring(), self.address("fallback_url"));
        let outbound = self.outbound();
        let dns_resolver = self.resolver();
        let spend = self.spend();
        let texts_a_second = self.count("texts_a_second", 1..=1_000);
        self.production_needs(environment, twilio.as_ref(), public_url.as_ref());
        Some(Settings {
            listen: listen?,
            public_url,
            trusted_proxies,
            data: PathBuf::from(self.text("data")),
            rules: PathBuf::from(self.text("rules")),
            rules_from: rules_from?,
            templates: PathBuf::from(self.text("templates")),
            node: self.text("node"),
            environment: environment?,
            log_format: log_format?,
            log: self.text("log"),
            body_limit: body_limit?,
            deadline: deadline?,
            journal_deadline: journal_deadline?,
            drain: drain?,
            workers: workers?,
            connections: connections?,
            header_timeout: header_timeout?,
            reload: reload?,
            metrics_org_label: metrics_org_label?,
            audit_chain: audit_chain?,
            retention: retention?,
            ack: ack?,
            sinks,
            api: api?,
            ring,
            database_url: self.layers.get("database_url").map(|given| given.text.clone()),
            twilio,
            twilio_api_url: self.text("twilio_api_url"),
            dns_resolver: dns_resolver?,
            spend: spend?,
            texts_a_second: u32::try_from(texts_a_second?).unwrap_or(u32::MAX),
            outbound: outbound?,
            fallback_url,
        })
    }

    fn text(&self, name: &str) -> String {
        self.layers.get(name).map(|given| given.text.expose().to_owned()).unwrap_or_default()
    }

    fn fault(&mut self, name: &str, message: impl Into<String>) {
        let origin = self.layers.get(name).map(|given| format!(" ({})", given.origin)).unwrap_or_default();
        self.faults.push(Fault { name: format!("{name}{origin}"), message: message.into() });
    }

    fn read<T>(&mut self, name: &str, wanted: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let text = self.text(name);
        let value = parse(&text);
        if value.is_none() {
            self.fault(name, format!("`{text}` is not {wanted}"));
        }
        value
    }

    fn seconds(&mut self, name: &str, within: std::ops::RangeInclusive<u64>) -> Option<Duration> {
        let wanted = format!("a time from {}s to {}s, such as `2s` or `500ms`", within.start(), within.end());
        self.read(name, &wanted, |text| {
            let time = duration(text)?;
            let fits = time <= Duration::from_secs(*within.end()) && time >= Duration::from_secs(*within.start());
            fits.then_some(time)
        })
    }

    fn count(&mut self, name: &str, within: std::ops::RangeInclusive<usize>) -> Option<usize> {
        let wanted = format!("a number from {} to {}", within.start(), within.end());
        self.read(name, &wanted, |text| text.parse().ok().filter(|count| within.contains(count)))
    }

    fn workers(&mut self) -> Option<usize> {
        if self.layers.get("workers").is_none() {
            return Some(std::thread::available_parallelism().map_or(1, usize::from));
        }
        self.count("workers", 1..=1024)
    }

    fn order(&mut self, name: &str, shorter: Option<Duration>, longer: Option<Duration>) {
        if let (Some(shorter), Some(longer)) = (shorter, longer)
            && shorter >= longer
        {
            self.fault(name, format!("must be shorter than `deadline`, which is {longer:?}"));
        }
    }

    fn public_url(&mut self) -> Option<Origin> {
        let url = self.address("public_url")?;
        if url.prefix() == OURS {
            let why = "ends with `/twilio`, where the service's own addresses begin: leave that out";
            self.fault("public_url", why);
            return None;
        }
        Some(url)
    }

    fn address(&mut self, name: &str) -> Option<Origin> {
        let text = self.layers.get(name)?.text.expose().to_owned();
        Origin::parse(&text).map_err(|error| self.fault(name, error.to_string())).ok()
    }

    /// None only when a fault was kept.
    fn resolver(&mut self) -> Option<Option<SocketAddr>> {
        if self.layers.get("dns_resolver").is_none() {
            return Some(None);
        }
        let parse = |text: &str| text.parse().ok().or_else(|| Some(SocketAddr::new(text.parse().ok()?, DNS)));
        self.read("dns_resolver", "an address, such as `192.0.2.53` or `127.0.0.1:5353`", parse).map(Some)
    }

    fn networks(&mut self) -> Vec<Network> {
        let text = self.text("trusted_proxies");
        let mut networks = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match Network::parse(part) {
                Some(network) => networks.push(network),
                None => {
                    self.fault(
                        "trusted_proxies",
                        format!("`{part}` is not an address or a network such as `10.0.0.0/8`"),
                    );
                }
            }
        }
        networks
    }

    fn key(&mut self) -> Option<ApiKey> {
        let given = |name| self.layers.get(name).map(|given| given.text.clone());
        match (given("twilio_api_key"), given("twilio_api_secret")) {
            (None, None) => None,
            (Some(_), None) => {
                self.fault("twilio_api_secret", "is missing beside the API key: set `TWILIO_API_SECRET` or `…_FILE`");
                None
            }
            (None, Some(_)) => {
                self.fault("twilio_api_key", "is missing beside its secret: set `TWILIO_API_KEY`");
                None
            }
            (Some(sid), Some(secret)) => match ApiKeySid::parse(sid.expose()) {
                Ok(sid) => Some(ApiKey { sid, secret }),
                // What stands there is not shown: it may be the secret.
                Err(_) => {
                    self.fault("twilio_api_key", "is not the name of an API key: it must be `SK` and 32 hex digits");
                    None
                }
            },
        }
    }

    fn twilio(&mut self) -> Option<TwilioAccount> {
        let key = self.key();
        let secret = |name| self.layers.get(name).map(|given| given.text.clone());
        let (token, next) = (secret("twilio_auth_token"), secret("twilio_auth_token_next"));
        let account = self.layers.get("twilio_account_sid").map(|given| given.text.expose().to_owned());
        match (account, token) {
            (None, None) => {
                if next.is_some() {
                    self.fault("twilio_auth_token_next", "there is no `TWILIO_AUTH_TOKEN` that it could follow");
                }
                if key.is_some() {
                    self.fault("twilio_api_key", "there is no `TWILIO_ACCOUNT_SID` that it could belong to");
                }
                None
            }
            (Some(_), None) => {
                self.fault(
                    "twilio_auth_token",
                    "is missing beside the account: set `TWILIO_AUTH_TOKEN` or `TWILIO_AUTH_TOKEN_FILE`",
                );
                None
            }
            (None, Some(_)) => {
                self.fault("twilio_account_sid", "is missing beside the token: set `TWILIO_ACCOUNT_SID`");
                None
            }
            (Some(text), Some(token)) => match AccountSid::parse(&text) {
                Ok(account) => Some(TwilioAccount { account, token, next, key }),
                // What stands there is not shown: it may be the token.
                Err(_) => {
                    self.fault("twilio_account_sid", "is not an account identifier: it must be `AC` and 32 hex digits");
                    None
                }
            },
        }
    }

    fn production_needs(
        &mut self,
        environment: Option<Environment>,
        twilio: Option<&TwilioAccount>,
        public_url: Option<&Origin>,
    ) {
        if environment == Some(Environment::Production)
            && twilio.is_some()
            && public_url.is_none()
            && self.layers.get("public_url").is_none()
        {
            self.fault("public_url", "is needed in production: signatures are over the address that the carrier calls");
        }
    }
}

fn environment(text: &str) -> Option<Environment> {
    match text {
        "development" => Some(Environment::Development),
        "production" => Some(Environment::Production),
        _ => None,
    }
}

fn reload(text: &str) -> Option<Reload> {
    match text {
        "watch" => Some(Reload::Watch),
        "signal" => Some(Reload::Signal),
        _ => None,
    }
}

fn address(text: &str) -> Option<SocketAddr> {
    text.to_socket_addrs().ok()?.next()
}

fn switch(text: &str) -> Option<bool> {
    match text {
        "on" | "true" | "yes" => Some(true),
        "off" | "false" | "no" => Some(false),
        _ => None,
    }
}

fn duration(text: &str) -> Option<Duration> {
    let number = |digits: &str| digits.trim().parse::<u64>().ok();
    if let Some(digits) = text.strip_suffix("ms") {
        return number(digits).map(Duration::from_millis);
    }
    if let Some(digits) = text.strip_suffix('m') {
        return number(digits)?.checked_mul(60).map(Duration::from_secs);
    }
    number(text.strip_suffix('s').unwrap_or(text)).map(Duration::from_secs)
}

fn size(text: &str) -> Option<usize> {
    let lower = text.to_ascii_lowercase();
    let unit = |suffix: &str, factor: usize| {
        lower.strip_suffix(suffix).and_then(|digits| digits.trim().parse::<usize>().ok()?.checked_mul(factor))
    };
    let bytes = unit("mb", 1 << 20).or_else(|| unit("kb", 1 << 10)).or_else(|| lower.parse().ok())?;
    (4096..=4 << 20).contains(&bytes).then_some(bytes)
}
