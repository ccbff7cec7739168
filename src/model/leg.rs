//! What a person who is rung does, in the words of tests and of imagined calls.

use crate::model::near;

/// What somebody who is rung does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Leg {
    /// Picks up and takes the call.
    Answered,
    /// Is busy, or refuses on the handset.
    Busy,
    /// Lets it ring.
    #[default]
    NoAnswer,
    /// Picks up and presses nothing, as a carrier's mailbox does; who need not confirm has the call.
    AnsweredNoKey,
    /// Picks up and refuses by key.
    Declined,
    /// Cannot be reached.
    Unreachable,
    /// Is canceled from outside.
    Canceled,
    /// Is still being rung when the caller hangs up.
    CallerHangsUp,
}

/// A word for none of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not what a person who is rung can do: use {}{}", Leg::choices(), hint(*.nearest))]
pub struct LegError {
    /// The word.
    pub word: String,
    /// The word that was likely meant.
    pub nearest: Option<&'static str>,
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |word| format!("; did you mean `{word}`?"))
}

/// Every word, the usual one for each first.
const WORDS: [(&str, Leg); 11] = [
    ("answered", Leg::Answered),
    ("busy", Leg::Busy),
    ("no_answer", Leg::NoAnswer),
    ("answered_no_key", Leg::AnsweredNoKey),
    ("mailbox", Leg::AnsweredNoKey),
    ("declined", Leg::Declined),
    ("unreachable", Leg::Unreachable),
    ("failed", Leg::Unreachable),
    ("canceled", Leg::Canceled),
    ("cancelled", Leg::Canceled),
    ("caller_hangs_up", Leg::CallerHangsUp),
];

impl Leg {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 8] = [
        Self::Answered,
        Self::Busy,
        Self::NoAnswer,
        Self::AnsweredNoKey,
        Self::Declined,
        Self::Unreachable,
        Self::Canceled,
        Self::CallerHangsUp,
    ];

    /// Reads the word, with `-` or `_` between its parts.
    pub fn parse(text: &str) -> Result<Self, LegError> {
        let word = text.trim().to_ascii_lowercase().replace('-', "_");
        match WORDS.iter().find(|(known, _)| *known == word) {
            Some((_, leg)) => Ok(*leg),
            None => Err(LegError {
                nearest: near::nearest(&word, WORDS.iter().map(|(known, _)| *known)),
                word: text.chars().take(40).collect(),
            }),
        }
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        WORDS.iter().find(|(_, leg)| *leg == self).map_or("no_answer", |(word, _)| *word)
    }

    /// The words, for a sentence.
    pub fn choices() -> String {
        Self::ALL.map(|leg| format!("`{}`", leg.word())).join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back_with_either_hyphen() {
        for leg in Leg::ALL {
            assert_eq!(Leg::parse(leg.word()), Ok(leg));
            assert_eq!(Leg::parse(&leg.word().replace('_', "-")), Ok(leg));
        }
        assert_eq!(Leg::parse("Mailbox"), Ok(Leg::AnsweredNoKey));
        assert_eq!(Leg::parse("failed"), Ok(Leg::Unreachable));
    }

    #[test]
    fn a_slip_is_answered_with_the_word_that_was_meant() {
        let error = Leg::parse("no_anwser").unwrap_err().to_string();
        assert!(error.ends_with("did you mean `no_answer`?"), "{error}");
        assert!(Leg::parse("elephant").unwrap_err().to_string().ends_with("`caller_hangs_up`"));
    }
}
