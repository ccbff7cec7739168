//! Whose a thing is: one organization's, or the platform's.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::ids::{IdError, OrgSlug};

/// The platform itself: whoever acts for it says so by naming this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Platform;

/// Whose a thing is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Owner {
    /// Nobody's in particular: of the installation that serves them all.
    Platform,
    /// One organization's.
    Org(OrgSlug),
}

impl Owner {
    /// The platform in tables and files; no slug can be this.
    pub const PLATFORM: &'static str = "@platform";

    /// Reads a slug, or `@platform`.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        if text == Self::PLATFORM { Ok(Self::Platform) } else { OrgSlug::parse(text).map(Self::Org) }
    }

    /// As in tables and files.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Platform => Self::PLATFORM,
            Self::Org(slug) => slug.as_str(),
        }
    }

    /// The organization, when it is one.
    pub const fn org(&self) -> Option<&OrgSlug> {
        match self {
            Self::Platform => None,
            Self::Org(slug) => Some(slug),
        }
    }

    /// Whether whoever acts for this one may touch what belongs to the other.
    pub fn reaches(&self, other: &Self) -> bool {
        matches!(self, Self::Platform) || self == other
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl TryFrom<String> for Owner {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        Self::parse(&text)
    }
}

impl From<Owner> for String {
    fn from(owner: Owner) -> Self {
        owner.as_str().to_owned()
    }
}

/// Why a text is not the name of a stored thing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no identifier: use 1 to 80 letters, digits, `-`, `_` or `.`")]
pub struct NameError(String);

/// The identifier of a profile, an installation, a binding or a token; unique among its kind and owner.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Id(Box<str>);

impl Id {
    /// Reads 1 to 80 letters, digits, `-`, `_` or `.`.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if (1..=80).contains(&text.len()) && text.bytes().all(fits) {
            Ok(Self(text.into()))
        } else {
            Err(NameError(text.chars().take(100).collect()))
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl TryFrom<String> for Id {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(&text)
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.0.into()
    }
}

/// A profile or an installation by its owner and identifier.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reference {
    /// Whose it is.
    pub owner: Owner,
    /// Which.
    pub id: Id,
}

impl Reference {
    /// Whether something of `from` may lead there: to its own, or to the platform's, and to nobody else's.
    pub fn may_be_used_by(&self, from: &Owner) -> bool {
        self.owner == Owner::Platform || self.owner == *from
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_platform_reaches_all_and_an_organization_only_itself() {
        let org = |slug| Owner::Org(OrgSlug::parse(slug).unwrap());
        assert!(Owner::Platform.reaches(&org("acme")));
        assert!(org("acme").reaches(&org("acme")));
        assert!(!org("acme").reaches(&org("bravo")));
        assert!(!org("acme").reaches(&Owner::Platform));
    }

    #[test]
    fn no_slug_is_taken_for_the_platform() {
        assert!(OrgSlug::parse(Owner::PLATFORM).is_err());
        assert_eq!(Owner::parse("@platform"), Ok(Owner::Platform));
        assert_eq!(serde_json::to_string(&Owner::parse("acme").unwrap()).unwrap(), "\"acme\"");
    }

    #[test]
    fn a_binding_leads_to_its_own_or_the_platforms_installation_only() {
        let org = |slug| Owner::Org(OrgSlug::parse(slug).unwrap());
        let of = |owner| Reference { owner, id: Id::parse("in_1").unwrap() };
        assert!(of(org("acme")).may_be_used_by(&org("acme")));
        assert!(of(Owner::Platform).may_be_used_by(&org("acme")));
        assert!(!of(org("bravo")).may_be_used_by(&org("acme")));
    }

    #[test]
    fn identifiers_have_no_room_for_tricks() {
        for bad in ["", "a b", "a/b", "a\0", "é", &"x".repeat(81)] {
            assert!(Id::parse(bad).is_err(), "{bad}");
        }
    }
}
