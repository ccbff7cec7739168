//! The table of settings: every name once, with its environment variables and its default.

/// One setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The name in `ringfall.yaml`; the flag is the same with dashes.
    pub name: &'static str,
    /// The environment variable.
    pub variable: &'static str,
    /// Where it may be given.
    pub place: Place,
    /// The value when nothing is given; empty for none.
    pub default: &'static str,
    /// What it is for, and what too high or too low leads to.
    pub meaning: &'static str,
}

/// Where a setting may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Anywhere.
    Open,
    /// Not in `ringfall.yaml` and never by flag; `…_FILE` names a file that holds it.
    Secret,
    /// Anywhere, and `…_FILE` names a file that holds it.
    Credential,
}

const fn open(name: &'static str, variable: &'static str, default: &'static str, meaning: &'static str) -> Key {
    Key { name, variable, place: Place::Open, default, meaning }
}

/// All settings, in the order of `--print-config`.
pub const KEYS: [Key; 51] = [
    open(
        "listen",
        "RINGFALL_LISTEN",
        "127.0.0.1:8080",
        "address and port to listen on; `PORT` alone means every address",
    ),
    open("public_url", "RINGFALL_PUBLIC_URL", "", "what the carrier calls us: an origin and perhaps a path prefix"),
    open(
        "trusted_proxies",
        "RINGFALL_TRUSTED_PROXIES",
        "",
        "networks whose forwarding headers count, with commas between",
    ),
    open("data", "RINGFALL_DATA", "data", "folder of the journal; must outlive the process"),
    open("rules", "RINGFALL_RULES", "routing-rules", "folder with one rule file for each organization"),
    open(
        "rules_from",
        "RINGFALL_RULES_FROM",
        "folder",
        "folder: the rule files above answer; store: only the revisions of `ringfall rules push` do",
    ),
    open("templates", "RINGFALL_TEMPLATES", "twiml-templates", "folder with templates that replace the built-in ones"),
    open("node", "RINGFALL_NODE", "node-1", "this machine's name in records"),
    open("environment", "RINGFALL_ENV", "development", "development or production; only development has the simulator"),
    open("log_format", "RINGFALL_LOG_FORMAT", "human", "human or json"),
    open("log", "RINGFALL_LOG", "info", "level, or directives such as `info,ringfall::app=debug`"),
    open("body_limit", "RINGFALL_BODY_LIMIT", "128kB", "largest request body; too low refuses calls with many add-ons"),
    open("deadline", "RINGFALL_DEADLINE", "8s", "time for one answer; the carrier gives up after 15 seconds"),
    open(
        "journal_deadline",
        "RINGFALL_JOURNAL_DEADLINE",
        "2s",
        "wait for the disk before a caller is answered without it",
    ),
    open("drain", "RINGFALL_DRAIN", "20s", "longest wait for open requests when stopping"),
    open("workers", "RINGFALL_WORKERS", "", "threads that answer; default one for each core"),
    open(
        "connections",
        "RINGFALL_CONNECTIONS",
        "10000",
        "open connections in all; too low turns the carrier away in a rush",
    ),
    open(
        "header_timeout",
        "RINGFALL_HEADER_TIMEOUT",
        "5s",
        "time to send a request's head; too high lets slow senders pile up",
    ),
    open("reload", "RINGFALL_RELOAD", "watch", "watch: follow the folders; signal: only on SIGHUP"),
    open(
        "metrics_org_label",
        "RINGFALL_METRICS_ORG_LABEL",
        "off",
        "on: metrics tell organizations apart (at most 100)",
    ),
    open("audit_chain", "RINGFALL_AUDIT_CHAIN", "on", "on: records are bound to each other, so that changes show"),
    open(
        "audit_ack",
        "RINGFALL_AUDIT_ACK",
        "local",
        "local: a decision is answered when this node's disk has it; shared: when the database has it, too",
    ),
    open(
        "audit_ack_wait",
        "RINGFALL_AUDIT_ACK_WAIT",
        "500ms",
        "wait for the database before a caller is answered without it; too short answers alone in a rush",
    ),
    open("retention", "RINGFALL_RETENTION", "400d", "how long calls and records are kept, in days; off: for ever"),
    open(
        "retention_of",
        "RINGFALL_RETENTION_OF",
        "",
        "organizations whose records are kept for less, with commas between: `acme=30d, globex=90d`",
    ),
    open(
        "retention_recordings",
        "RINGFALL_RETENTION_RECORDINGS",
        "keep",
        "delete: callers' messages are deleted at the carrier when their records go; keep: they stay there",
    ),
    open(
        "api_listen",
        "RINGFALL_API_LISTEN",
        "",
        "address and port of the administration API; where the rest listens when not set",
    ),
    Key {
        name: "api_jwt_secret",
        variable: "RINGFALL_API_JWT_SECRET",
        place: Place::Secret,
        default: "",
        meaning: "secret that JSON Web Tokens for the API are signed with (HS256)",
    },
    open("api_jwks", "RINGFALL_API_JWKS", "", "JSON Web Key Set that such tokens are signed by (RS256); a file"),
    open("api_jwt_audience", "RINGFALL_API_JWT_AUDIENCE", "ringfall", "what such tokens must name as their `aud`"),
    open("api_jwt_issuer", "RINGFALL_API_JWT_ISSUER", "", "what such tokens must name as their `iss`, when set"),
    Key {
        name: "twilio_account_sid",
        variable: "TWILIO_ACCOUNT_SID",
        place: Place::Credential,
        default: "",
        meaning: "the account whose webhooks are answered",
    },
    Key {
        name: "twilio_auth_token",
        variable: "TWILIO_AUTH_TOKEN",
        place: Place::Secret,
        default: "",
        meaning: "the account's primary token; it signs the webhooks",
    },
    Key {
        name: "twilio_auth_token_next",
        variable: "TWILIO_AUTH_TOKEN_NEXT",
        place: Place::Secret,
        default: "",
        meaning: "the token that will be primary soon, while a rotation runs",
    },
    Key {
        name: "encryption_key",
        variable: "ENCRYPTION_KEY",
        place: Place::Secret,
        default: "",
        meaning: "64 hex digits that the organizations' stored secrets are sealed under",
    },
    Key {
        name: "encryption_key_previous",
        variable: "ENCRYPTION_KEY_PREVIOUS",
        place: Place::Secret,
        default: "",
        meaning: "the key before, until `ringfall key rotate` has put everything under the new one",
    },
    Key {
        name: "database_url",
        variable: "RINGFALL_DATABASE_URL",
        place: Place::Secret,
        default: "",
        meaning: "PostgreSQL for the organizations and the trail of many machines; without it they stand in the data folder",
    },
    Key {
        name: "twilio_api_key",
        variable: "TWILIO_API_KEY",
        place: Place::Credential,
        default: "",
        meaning: "an API key of the account, to send texts and set numbers with; it checks no webhook",
    },
    Key {
        name: "twilio_api_secret",
        variable: "TWILIO_API_SECRET",
        place: Place::Secret,
        default: "",
        meaning: "the secret of that API key",
    },
    open("twilio_api_url", "RINGFALL_TWILIO_API_URL", "https://api.twilio.com", "where Twilio's REST interface is"),
    open(
        "dns_resolver",
        "RINGFALL_DNS_RESOLVER",
        "",
        "address of the resolver that host names are proved by; the system's when not set",
    ),
    open("texts_a_second", "RINGFALL_TEXTS_A_SECOND", "100", "texts of one organization that a node sends in a second"),
    open(
        "spend_a_day",
        "RINGFALL_SPEND_A_DAY",
        "10.00 USD",
        "what an organization's texts and notices may cost from midnight to midnight UTC; calls are answered all the same",
    ),
    open(
        "spend_a_day_of",
        "RINGFALL_SPEND_A_DAY_OF",
        "",
        "organizations that may spend more or less than that, with commas between: `acme=20.00, globex=2.50`",
    ),
    open(
        "text_prices",
        "RINGFALL_TEXT_PRICES",
        "US=0.02, CA=0.02, other=0.25, whatsapp=0.10",
        "what one part of a text is taken to cost by the receiver's country; what is not named costs as here",
    ),
    open(
        "outbound_allow",
        "RINGFALL_OUTBOUND_ALLOW",
        "",
        "networks and hosts of the inside that addresses in rule files may lead to, with commas between",
    ),
    open(
        "google_credentials_file",
        "RINGFALL_GOOGLE_CREDENTIALS_FILE",
        "",
        "key file of a service account that reads sheets for organizations known by a rule file alone",
    ),
    open(
        "google_sheets_url",
        "RINGFALL_GOOGLE_SHEETS_URL",
        "https://sheets.googleapis.com",
        "where Google's interface to sheets is",
    ),
    open("slack_url", "RINGFALL_SLACK_URL", "https://slack.com", "where Slack's interface is"),
    open("telegram_url", "RINGFALL_TELEGRAM_URL", "https://api.telegram.org", "where Telegram's interface for bots is"),
    open(
        "fallback_url",
        "RINGFALL_FALLBACK_URL",
        "",
        "where the files of `ringfall fallback export` are served, on some other machine",
    ),
];

/// The setting of that name.
pub fn named(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The known name that looks most like `name`, if any does.
pub fn nearest(name: &str) -> Option<&'static str> {
    let shared = |known: &str| {
        let opening = known.bytes().zip(name.bytes()).take_while(|(one, other)| one == other).count();
        let ending = known.bytes().rev().zip(name.bytes().rev()).take_while(|(one, other)| one == other).count();
        opening + ending
    };
    let best = KEYS.iter().max_by_key(|key| shared(key.name))?;
    (shared(best.name) * 2 > name.len()).then_some(best.name)
}
