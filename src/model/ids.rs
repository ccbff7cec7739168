//! Names of things: organizations, carrier identifiers, and the indexes of a compiled rule set.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a text is not the identifier it claims to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// An organization's slug breaks its form.
    #[error("`{0}` is not an organization slug: use 1 to 63 lowercase letters, digits, `-` or `_`")]
    Slug(String),
    /// A carrier identifier breaks its form.
    #[error("`{text}` is not a {kind} identifier: it must be `{prefix}` and 32 hex digits")]
    Sid {
        /// What it should have been.
        kind: &'static str,
        /// The two letters it must open with.
        prefix: &'static str,
        /// What was given.
        text: String,
    },
}

/// An organization's short name: the stem of its rule file and the `org` of its URLs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrgSlug(Box<str>);

impl OrgSlug {
    /// Reads a slug: 1 to 63 lowercase letters, digits, `-` or `_`, opening with a letter or digit.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let opens = text.bytes().next().is_some_and(fits);
        if opens && text.len() <= 63 && text.bytes().all(|byte| fits(byte) || byte == b'-' || byte == b'_') {
            Ok(Self(text.into()))
        } else {
            Err(IdError::Slug(text.chars().take(80).collect()))
        }
    }

    /// The slug as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrgSlug {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl TryFrom<String> for OrgSlug {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        Self::parse(&text)
    }
}

impl From<OrgSlug> for String {
    fn from(slug: OrgSlug) -> Self {
        slug.0.into()
    }
}

macro_rules! sid {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Box<str>);

        impl $name {
            /// Reads the identifier; anything of another form is refused.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let body = text.strip_prefix($prefix).unwrap_or_default();
                if body.len() == 32 && body.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    Ok(Self(text.into()))
                } else {
                    Err(IdError::Sid { kind: $kind, prefix: $prefix, text: text.chars().take(40).collect() })
                }
            }

            /// The identifier of what never was: all zeros, for imagined calls.
            pub fn imagined() -> Self {
                Self(concat!($prefix, "00000000000000000000000000000000").into())
            }

            /// The identifier as the carrier wrote it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

sid! {
    /// One leg of a call, as the carrier names it.
    CallSid, "CA", "call"
}
sid! {
    /// A carrier account.
    AccountSid, "AC", "account"
}
sid! {
    /// The name of an API key; it is no secret.
    ApiKeySid, "SK", "API key"
}
sid! {
    /// A number that an account owns, as the carrier names it.
    NumberSid, "PN", "phone number"
}
sid! {
    /// A recording, as the carrier names it.
    RecordingSid, "RE", "recording"
}

macro_rules! index {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub u16);

        impl $name {
            /// The place in its list.
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    )* };
}

index! {
    /// One of our numbers in a rule set.
    LineId,
    /// Somebody who can be rung or told.
    ContactId,
    /// A named set of opening hours.
    HoursId,
    /// A named list of holidays.
    HolidaysId,
    /// A named class of callers.
    CallerClassId,
    /// A piece of state kept outside the rule file.
    SwitchId,
    /// A named list of rules.
    FlowId,
    /// A keypad menu.
    MenuId,
    /// A list of steps: a rule's, a menu key's, a menu's `otherwise`, or `finally`.
    CascadeId,
    /// Where messages are left.
    MailboxId,
    /// Who is told of a missed call, and when.
    EscalationId,
    /// Where notices go.
    ChannelId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_file_stems() {
        assert!(OrgSlug::parse("bright-tours_2").is_ok());
        for bad in ["", "-x", "Acme", "a b", "a/b", "..", &"x".repeat(64)] {
            assert!(OrgSlug::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sids_have_their_prefix_and_hex() {
        assert!(CallSid::parse("CA0123456789abcdef0123456789abcdef").is_ok());
        for bad in ["", "CA", "AC0123456789abcdef0123456789abcdef", "CA0123456789abcdef0123456789abcdeg"] {
            assert!(CallSid::parse(bad).is_err(), "{bad}");
        }
    }
}
