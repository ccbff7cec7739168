//! What Twilio's error codes mean, and the way out of each.

/// A code that users meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// The number.
    pub number: u32,
    /// What it means.
    pub meaning: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
    /// Whether asking again, unchanged, can ever help.
    pub lasting: Lasting,
}

/// Whether a refusal stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// The same request will be refused for ever.
    ForThisRequest,
    /// It will be refused until somebody changes something at the account.
    UntilMended,
    /// It may work in a moment.
    Passing,
}

const fn code(number: u32, lasting: Lasting, meaning: &'static str, remedy: &'static str) -> Code {
    Code { number, meaning, remedy, lasting }
}

use Lasting::{ForThisRequest, Passing, UntilMended};

/// The codes, in their order.
const CODES: [Code; 32] = [
    code(10004, Passing, "the account has too many calls at once", "wait, or ask Twilio for more calls at once"),
    code(
        20003,
        UntilMended,
        "the account does not accept these credentials",
        "check the account, the API key and its secret; a key belongs to one account and one region, and may be deleted",
    ),
    code(20404, ForThisRequest, "there is no such thing at this account", "check the identifier and the account"),
    code(20429, Passing, "too many requests at once", "wait; the request was not acted on"),
    code(20500, Passing, "Twilio failed inside", "wait and look whether it was done before asking again"),
    code(
        21210,
        UntilMended,
        "the number shown is not verified at this account",
        "use a number of the account, or verify this one",
    ),
    code(21211, ForThisRequest, "the number to reach is not valid", "write it in E.164, such as `+16195550100`"),
    code(21212, UntilMended, "the number to send from is not valid", "use a number that the account owns"),
    code(
        21215,
        UntilMended,
        "the account may not call that country",
        "allow the country under voice geographic permissions",
    ),
    code(21216, UntilMended, "the account may not call that number", "it is blocked, or a customer profile is missing"),
    code(21217, ForThisRequest, "the number to reach is not valid", "write it in E.164, such as `+16195550100`"),
    code(
        21219,
        UntilMended,
        "a trial account calls verified numbers only",
        "verify the number, or upgrade the account",
    ),
    code(21220, ForThisRequest, "the call is over", "nothing is to be done"),
    code(21266, ForThisRequest, "the number to reach is the number to send from", "send to somebody else"),
    code(
        21402,
        ForThisRequest,
        "a URL is not valid",
        "check `public_url`: Twilio needs a public http or https address",
    ),
    code(21405, ForThisRequest, "a fallback URL needs a URL that it stands in for", "set the voice URL too"),
    code(
        21408,
        UntilMended,
        "the account may not text that country",
        "allow the country under messaging geographic permissions",
    ),
    code(21422, ForThisRequest, "the number is no longer to be had", "somebody else may have bought it: search again"),
    code(21602, ForThisRequest, "the message has no text", "write a text"),
    code(
        21606,
        UntilMended,
        "the number to send from cannot send texts for this account",
        "use a number of the account that can send texts",
    ),
    code(
        21608,
        UntilMended,
        "a trial account texts verified numbers only",
        "verify the number, or upgrade the account",
    ),
    code(21610, ForThisRequest, "the receiver has opted out with STOP", "only the receiver can undo it, with START"),
    code(21612, ForThisRequest, "this number cannot be reached by text from there", "use another number to send from"),
    code(21614, ForThisRequest, "the number to reach is not a mobile", "use a mobile's number"),
    code(21617, ForThisRequest, "the text is longer than 1600 characters", "shorten it"),
    code(21655, UntilMended, "the account has no such template", "take the `HX…` of a template of this account"),
    code(21656, ForThisRequest, "the template does not take these words", "see what its first blank allows"),
    code(21659, UntilMended, "the number to send from is not this account's", "use a number of the account"),
    code(30006, ForThisRequest, "the number is a landline, or cannot be reached", "use a mobile's number"),
    code(30007, UntilMended, "carriers filtered the message as unwanted", "register the sender, and say who writes"),
    code(
        30034,
        UntilMended,
        "the sender is not registered for texts in the United States",
        "register a brand and campaign at Twilio (A2P 10DLC)",
    ),
    code(
        63016,
        ForThisRequest,
        "WhatsApp takes free words only within 24 hours after the receiver has written",
        "name an approved template in the channel: `template: HX…`",
    ),
];

/// What is known of a code.
pub fn known(number: u32) -> Option<&'static Code> {
    CODES.binary_search_by_key(&number, |code| code.number).ok().and_then(|place| CODES.get(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_and_they_stand_in_order() {
        assert!(CODES.is_sorted_by_key(|code| code.number));
        for code in CODES {
            assert_eq!(known(code.number), Some(&code));
            for text in [code.meaning, code.remedy] {
                assert!(!text.ends_with('.') && !text.is_empty(), "{text}");
            }
        }
        assert_eq!(known(1), None);
    }
}
