//! The account of the phone for trials: a made-up account whose requests are believed from this machine alone.

use crate::model::ids::{AccountSid, IdError};
use crate::model::secret::Secret;

/// The name of its file in the data folder.
pub const FILE: &str = "simulator.token";

/// The field in which the phone for trials tells the time of its imagined call, in milliseconds since 1970.
///
/// It is believed from the simulator's own account alone, so that hours and holidays can be tried out today.
pub const TIME: &str = "RingfallTime";

/// A made-up account with its auth token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulator {
    /// The account.
    pub account: AccountSid,
    /// What its requests are signed with.
    pub token: Secret,
}

/// Why a text is no simulator account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SimulatorError {
    /// A line is missing.
    #[error("the line `{0}=…` is missing: delete the file, and `ringfall serve` writes a new one")]
    Missing(&'static str),
    /// The account's identifier breaks its form.
    #[error(transparent)]
    Account(#[from] IdError),
}

impl Simulator {
    /// Reads the file's text: a line `account_sid=AC…` and a line `token=…`.
    pub fn parse(text: &str) -> Result<Self, SimulatorError> {
        let value = |key: &'static str| {
            let lines = text.lines().filter_map(|line| line.split_once('='));
            let found = lines.filter(|(name, _)| name.trim() == key).map(|(_, value)| value.trim()).next();
            found.filter(|value| !value.is_empty()).ok_or(SimulatorError::Missing(key))
        };
        let account = AccountSid::parse(value("account_sid")?)?;
        Ok(Self { account, token: Secret::new(value("token")?.to_owned()) })
    }

    /// The file's text.
    pub fn text(&self) -> Secret {
        Secret::new(format!(
            "# The phone for trials signs with this; requests are believed from this machine alone.\n\
             account_sid={}\ntoken={}\n",
            self.account,
            self.token.expose()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_reads_back() {
        let account = AccountSid::parse("AC0123456789abcdef0123456789abcdef").unwrap();
        let simulator = Simulator { account, token: Secret::new("0123456789abcdef".to_owned()) };
        assert_eq!(Simulator::parse(simulator.text().expose()), Ok(simulator));
    }

    #[test]
    fn a_broken_file_says_what_is_missing() {
        assert_eq!(Simulator::parse(""), Err(SimulatorError::Missing("account_sid")));
        let no_token = "account_sid=AC0123456789abcdef0123456789abcdef\ntoken=\n";
        assert_eq!(Simulator::parse(no_token), Err(SimulatorError::Missing("token")));
        assert!(matches!(Simulator::parse("account_sid=x\ntoken=y"), Err(SimulatorError::Account(_))));
    }
}
