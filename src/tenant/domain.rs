//! An organization's own host name, from asked for over proved to answering.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::ids::OrgSlug;
use crate::tenant::stamp::Stamp;

words! {
    /// How far a domain has come.
    DomainState {
        /// It is asked for; anybody may ask for any.
        Pending = "pending",
        /// Its holder has put our word into DNS, so it is this organization's and nobody else's.
        Verified = "verified",
        /// Requests to it are answered.
        Active = "active",
    }
}

/// A host name: lowercase, at least two labels, no port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Host(Box<str>);

/// Why a text is no host name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no host name: write it without scheme, port or path, such as `phones.example.com`")]
pub struct HostError(String);

impl Host {
    /// Reads a host name; large letters are made small, and a dot at the end is left out.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        let wrong = || HostError(text.chars().take(100).collect());
        let host = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let fits = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let last_is_a_name =
            host.rsplit('.').next().is_some_and(|last| last.bytes().any(|byte| !byte.is_ascii_digit()));
        let whole = host.len() <= 253 && host.contains('.') && host.split('.').all(fits) && last_is_a_name;
        if whole { Ok(Self(host.into())) } else { Err(wrong()) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Host {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl TryFrom<String> for Host {
    type Error = HostError;

    fn try_from(text: String) -> Result<Self, HostError> {
        Self::parse(&text)
    }
}

impl From<Host> for String {
    fn from(host: Host) -> Self {
        host.0.into()
    }
}

/// A host name of an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Domain {
    /// The name.
    pub host: Host,
    /// Whose.
    pub org: OrgSlug,
    /// How far it has come.
    pub state: DomainState,
    /// What its holder must put into DNS; nobody can guess it.
    pub challenge: String,
    /// Who asked for it, and when.
    pub requested: Stamp,
    /// When it was proved.
    #[serde(default)]
    pub verified: Option<Stamp>,
    /// When it was taken up.
    #[serde(default)]
    pub activated: Option<Stamp>,
}

/// Why a domain does not go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DomainError {
    /// The word is not in DNS.
    #[error("`{name}` has no TXT record `{value}`: add it, wait until it is seen, and try again")]
    NotProved {
        /// Where it should stand.
        name: String,
        /// What should stand there.
        value: String,
    },
    /// It must be proved first.
    #[error("`{0}` is not verified yet")]
    NotVerified(Host),
}

impl Domain {
    /// Asks for a host name; `challenge` is a word that nobody can guess.
    pub const fn request(host: Host, org: OrgSlug, challenge: String, by: Stamp) -> Self {
        let (verified, activated) = (None, None);
        Self { host, org, state: DomainState::Pending, challenge, requested: by, verified, activated }
    }

    /// The name of the TXT record.
    pub fn record_name(&self) -> String {
        format!("_ringfall.{}", self.host)
    }

    /// The value of the TXT record.
    pub fn record_value(&self) -> String {
        format!("ringfall-verify={}", self.challenge)
    }

    /// Whether it is this organization's and nobody else's.
    pub const fn is_proved(&self) -> bool {
        matches!(self.state, DomainState::Verified | DomainState::Active)
    }

    /// Takes the texts found at [`record_name`](Self::record_name) as proof, or not.
    pub fn verify<'a>(&mut self, found: impl IntoIterator<Item = &'a str>, by: Stamp) -> Result<(), DomainError> {
        let value = self.record_value();
        if !found.into_iter().any(|text| text.trim() == value) {
            return Err(DomainError::NotProved { name: self.record_name(), value });
        }
        if self.state == DomainState::Pending {
            self.state = DomainState::Verified;
            self.verified = Some(by);
        }
        Ok(())
    }

    /// Answers requests to it from now on.
    pub fn activate(&mut self, by: Stamp) -> Result<(), DomainError> {
        match self.state {
            DomainState::Pending => return Err(DomainError::NotVerified(self.host.clone())),
            DomainState::Verified => {
                self.state = DomainState::Active;
                self.activated = Some(by);
            }
            DomainState::Active => {}
        }
        Ok(())
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

    fn domain() -> Domain {
        let host = Host::parse("Phones.Example.COM.").unwrap();
        Domain::request(host, OrgSlug::parse("acme").unwrap(), "w0rd".into(), stamp())
    }

    #[test]
    fn a_domain_answers_only_after_it_was_proved() {
        let mut domain = domain();
        assert_eq!(domain.activate(stamp()), Err(DomainError::NotVerified(domain.host.clone())));
        let missing = domain.verify(["v=spf1 -all", "ringfall-verify=other"], stamp()).unwrap_err().to_string();
        assert!(missing.contains("`_ringfall.phones.example.com` has no TXT record `ringfall-verify=w0rd`"));
        domain.verify(["v=spf1 -all", "ringfall-verify=w0rd"], stamp()).unwrap();
        assert_eq!(domain.state, DomainState::Verified);
        domain.activate(stamp()).unwrap();
        assert_eq!(domain.state, DomainState::Active);
    }

    #[test]
    fn proof_seen_again_changes_nothing() {
        let mut domain = domain();
        domain.verify(["ringfall-verify=w0rd"], stamp()).unwrap();
        domain.activate(stamp()).unwrap();
        domain.verify(["ringfall-verify=w0rd"], stamp()).unwrap();
        assert_eq!(domain.state, DomainState::Active);
    }

    #[test]
    fn hosts_are_names_and_nothing_else() {
        for bad in [
            "",
            "localhost",
            "a..b",
            "-a.example.com",
            "a.example.com:8080",
            "https://a.example.com",
            "a b.c",
            "192.0.2.1",
            "a.example.com/x",
        ] {
            assert!(Host::parse(bad).is_err(), "{bad}");
        }
    }
}
