//! Stand-ins for whatever names a person: the same thing has the same stand-in under one key, and nobody who lacks the
//! key can tell which thing that is.

use std::collections::{BTreeMap, BTreeSet};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::model::phone::{Caller, E164};
use crate::replay::{ACCOUNT, fields};
use crate::rules::ruleset::{CallerClass, RuleSet, Show};

/// What stand-ins are derived from.
#[derive(Clone)]
pub struct Key(Zeroizing<Vec<u8>>);

impl std::fmt::Debug for Key {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Key(***)")
    }
}

impl Key {
    /// Bytes below which a key could be guessed.
    pub const SHORTEST: usize = 16;

    /// A key of these bytes; none when they are too few.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (bytes.len() >= Self::SHORTEST).then(|| Self(Zeroizing::new(bytes.to_vec())))
    }

    fn sum(&self, kind: &str, text: &str) -> [u8; 32] {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return [0; 32] };
        for part in [kind, "\0", text] {
            mac.update(part.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }

    fn number(&self, kind: &str, text: &str) -> u64 {
        self.sum(kind, text).iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    }

    /// A carrier's identifier with its two letters and other digits.
    pub fn sid(&self, sid: &str) -> String {
        let letters: String = sid.chars().take(2).collect();
        if letters == "AC" {
            return ACCOUNT.to_owned();
        }
        let digits = self.sum("sid", sid).iter().take(16).fold(String::new(), |mut text, byte| {
            use std::fmt::Write as _;
            // Writing to a string cannot fail.
            let _infallible = write!(text, "{byte:02x}");
            text
        });
        format!("{letters}{digits}")
    }

    /// As many words that say nothing.
    fn words(&self, text: &str) -> String {
        let mut number = self.number("words", text);
        let word = |_| {
            let place = usize::try_from(number % WORDS.len() as u64).unwrap_or_default();
            number = number.rotate_right(7).wrapping_mul(31).wrapping_add(17);
            WORDS.get(place).copied().unwrap_or("word")
        };
        text.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
    }
}

/// Words that no menu is likely to listen for.
const WORDS: [&str; 16] = [
    "amber", "basalt", "cedar", "dune", "ember", "fjord", "garnet", "heather", "indigo", "juniper", "krill", "lichen",
    "marble", "nectar", "opal", "pebble",
];

/// Area codes whose `555-01XX` belongs to fiction.
const AREAS: [u16; 48] = [
    201, 202, 203, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 301, 302, 303, 304, 305, 307, 308,
    309, 310, 312, 313, 314, 315, 316, 401, 402, 404, 405, 406, 407, 408, 409, 410, 412, 413, 414, 415, 417, 501, 502,
    503, 504,
];

/// So many numbers are tried before the opening of the true one is kept.
const TRIES: u32 = 400;

/// Whether the numbers of the rules get stand-ins too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Own {
    /// They stay: whoever has the recording has the rules beside it.
    Stay,
    /// They get stand-ins, in the recording and in its copy of the rules.
    Replaced,
}

/// Stand-ins under one key, for calls under one set of rules.
#[derive(Debug)]
pub struct StandIns<'a> {
    key: &'a Key,
    classes: &'a [CallerClass],
    own: BTreeMap<String, String>,
    taken: BTreeSet<String>,
    /// What was kept, in words.
    pub kept: BTreeSet<String>,
}

impl<'a> StandIns<'a> {
    /// Stand-ins that change nothing of what these rules tell apart.
    pub fn new(key: &'a Key, rules: &'a RuleSet, own: Own) -> Self {
        let mut all =
            Self { key, classes: &rules.callers, own: BTreeMap::new(), taken: BTreeSet::new(), kept: BTreeSet::new() };
        for number in numbers_of(rules) {
            let stand_in = match own {
                Own::Stay => number.to_owned(),
                Own::Replaced => all.made_up(number),
            };
            all.taken.insert(stand_in.clone());
            all.own.insert(number.to_owned(), stand_in);
        }
        all
    }

    /// The stand-in of a number.
    pub fn number(&mut self, number: &str) -> String {
        if let Some(known) = self.own.get(number) {
            let listed = |class: &&CallerClass| class.numbers.iter().any(|one| one.as_str() == number);
            if let Some(class) = self.classes.iter().find(listed).filter(|_| known == number) {
                self.kept.insert(format!("a number that the rules list among the callers `{}`", class.name));
            }
            return known.clone();
        }
        self.made_up(number)
    }

    fn made_up(&mut self, number: &str) -> String {
        for attempt in 0..TRIES {
            let drawn = self.key.number("number", &format!("{attempt} {number}"));
            let area = usize::try_from(drawn % AREAS.len() as u64).ok().and_then(|place| AREAS.get(place));
            let own_area = number.strip_prefix("+1").filter(|rest| rest.len() == 10).and_then(|rest| rest.get(..3));
            // A class of callers may be told by its area code.
            let area = match own_area {
                Some(own) if attempt % 2 == 1 => own.to_owned(),
                Some(_) | None => area.copied().unwrap_or(202).to_string(),
            };
            let made = format!("+1{area}55501{:02}", drawn / 64 % 100);
            if self.fits(number, &made) {
                return made;
            }
        }
        self.opening(number)
    }

    /// Whether no class of callers takes the one for the other.
    fn fits(&self, number: &str, made: &str) -> bool {
        let opens = |text: &str| {
            let openings = self.classes.iter().flat_map(|class| &class.prefixes);
            openings.map(|opening| text.starts_with(&**opening)).collect::<Vec<_>>()
        };
        !self.taken.contains(made) && Caller::parse(made) != Caller::Withheld && opens(number) == opens(made)
    }

    /// The opening by which the number is told, with other digits behind it.
    fn opening(&mut self, number: &str) -> String {
        let openings = self.classes.iter().flat_map(|class| class.prefixes.iter().map(move |it| (it, &class.name)));
        let longest = openings.filter(|(opening, _)| number.starts_with(&***opening)).max_by_key(|(it, _)| it.len());
        if let Some((opening, class)) = longest {
            let drawn = format!("55501{:010}", self.key.number("rest", number) % 10_000_000_000);
            let length = number.len().saturating_sub(opening.len());
            let made = format!("{opening}{}", drawn.chars().take(length).collect::<String>());
            if E164::parse(&made).is_ok() && made != number && self.fits(number, &made) {
                self.kept
                    .insert(format!("the opening `{opening}` of a number, by which the callers `{class}` are told"));
                return made;
            }
        }
        self.kept.insert("a whole number, because the rules tell it from every stand-in".to_owned());
        number.to_owned()
    }

    /// A text with stand-ins for all numbers of the rules, as the copy of a rule file has it.
    pub fn rule_text(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('+') {
            let (before, number) = rest.split_at(at);
            out.push_str(before);
            let digits = number.bytes().skip(1).take_while(u8::is_ascii_digit).count();
            let (number, after) = number.split_at(digits + 1);
            out.push_str(self.own.get(number).map_or(number, String::as_str));
            rest = after;
        }
        out.push_str(rest);
        out
    }

    /// The stand-in of a field's value; none when the field is left out.
    pub fn field(&mut self, name: &str, value: &str, words: Words) -> Option<String> {
        if value.is_empty() {
            return (!is_dropped(name)).then(String::new);
        }
        if NUMBERS.contains(&name) {
            return Some(self.party(value));
        }
        if let Some(sid) = sids(value).next().filter(|sid| sid.len() == value.len()) {
            return Some(self.key.sid(sid));
        }
        match name {
            "RecordingUrl" | "TranscriptionUrl" => Some(self.with_sids(value)),
            "SpeechResult" | "TranscriptionText" | "CallerName" if words == Words::Replaced => {
                Some(self.key.words(value))
            }
            "Digits" if value.len() > LONG_DIGITS && words == Words::Replaced && value != "hangup" => {
                let drawn = format!("{:020}", self.key.number("digits", value));
                Some(drawn.chars().rev().take(value.len()).collect())
            }
            "SpeechResult" | "TranscriptionText" | "CallerName" | "Digits" => Some(value.to_owned()),
            _ => PLAIN.contains(&name).then(|| value.to_owned()),
        }
    }

    /// The stand-in of whoever calls or is called.
    fn party(&mut self, text: &str) -> String {
        match Caller::parse(text) {
            Caller::Withheld => text.to_owned(),
            Caller::Number(number) => self.number(number.as_str()),
            Caller::Sip(_) => format!("sip:caller-{:04x}@sip.example.com", self.key.number("sip", text) & 0xffff),
            Caller::Client(_) => format!("client:caller-{:04x}", self.key.number("client", text) & 0xffff),
            Caller::Malformed(plain) => match E164::parse(&format!("+{plain}")) {
                Ok(number) => self.number(number.as_str()).trim_start_matches('+').to_owned(),
                Err(_) => plain.chars().map(|sign| if sign.is_ascii_digit() { '0' } else { sign }).collect(),
            },
        }
    }

    fn with_sids(&self, text: &str) -> String {
        let found: Vec<&str> = sids(text).collect();
        found.iter().fold(text.to_owned(), |text, sid| text.replace(sid, &self.key.sid(sid)))
    }

    /// The target with stand-ins; `rules` is the digest that it names now.
    pub fn target(&mut self, target: &str, rules: &str, words: Words) -> String {
        fields::changed_query(target, |name, value| match name {
            "f" => Some(self.number(&format!("+{value}")).trim_start_matches('+').to_owned()),
            "rules" => Some(rules.to_owned()),
            _ if fields::OURS.contains(&name) => Some(value.to_owned()),
            _ => self.field(name, value, words),
        })
    }

    /// A text of an answer with stand-ins for the numbers and identifiers in `known`, which came with the request.
    pub fn answer_text(&mut self, text: &str, known: &BTreeSet<String>) -> String {
        let mut text = self.rule_text(text);
        for number in known {
            let made = self.number(number);
            if let (Ok(true_one), Ok(made)) = (E164::parse(number), E164::parse(&made)) {
                // Callees hear who calls, digit by digit.
                text = text.replace(&crate::twiml::spoken(&true_one), &crate::twiml::spoken(&made));
            }
            let (plain, made_plain) = (number.trim_start_matches('+'), made.trim_start_matches('+'));
            text = text.replace(plain, made_plain);
        }
        self.with_sids(&text)
    }
}

/// Whether what people say and type gets stand-ins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Words {
    /// It does.
    Replaced,
    /// It stays, because the call goes by it.
    Kept,
}

/// Keys pressed for a menu are no secret; longer ones may be.
const LONG_DIGITS: usize = 3;

/// Fields that hold whoever calls or is called.
pub(crate) const NUMBERS: [&str; 7] =
    ["From", "To", "Caller", "Called", "ForwardedFrom", "CalledVia", "OutgoingCallerId"];

/// Fields that tell nothing of a person. Whatever is not named here or above is left out.
const PLAIN: [&str; 30] = [
    "AnsweredBy",
    "ApiVersion",
    "CallDuration",
    "CallStatus",
    "CallbackSource",
    "CallerCountry",
    "CalledCountry",
    "Confidence",
    "DialBridged",
    "DialCallDuration",
    "DialCallStatus",
    "Direction",
    "Duration",
    "ErrorCode",
    "FinishedOnKey",
    "FromCountry",
    "Language",
    "RecordingChannels",
    "RecordingDuration",
    "RecordingSource",
    "RecordingStatus",
    "RecordingTrack",
    "SequenceNumber",
    "SipResponseCode",
    "StirVerstat",
    "Timestamp",
    "ToCountry",
    "TranscriptionStatus",
    "TranscriptionType",
    "msg",
];

fn is_dropped(name: &str) -> bool {
    let known = ["Digits", "SpeechResult", "TranscriptionText", "RecordingUrl", "TranscriptionUrl"];
    !(PLAIN.contains(&name) || NUMBERS.contains(&name) || known.contains(&name) || name.ends_with("Sid"))
}

/// The carrier's identifiers in a text.
fn sids(text: &str) -> impl Iterator<Item = &str> {
    let opens = |at: usize| {
        let sid = text.get(at..at + 34)?;
        let (letters, digits) = sid.split_at_checked(2)?;
        let fits = letters.bytes().all(|byte| byte.is_ascii_uppercase())
            && digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        fits.then_some(sid)
    };
    (0..text.len().saturating_sub(33)).filter_map(opens)
}

/// Every number that the rules name, each once.
fn numbers_of(rules: &RuleSet) -> BTreeSet<&str> {
    let lines = rules.lines.iter().map(|line| &line.number);
    let contacts = rules.contacts.iter().map(|contact| &contact.number);
    let shown = rules.contacts.iter().filter_map(|contact| match &contact.show {
        Show::Number(number) => Some(number),
        Show::Caller | Show::Line => None,
    });
    let listed = rules.callers.iter().flat_map(|class| &class.numbers);
    lines.chain(contacts).chain(shown).chain(listed).map(E164::as_str).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rules::{NoFiles, load};

    const RULES: &str = r#"
version: 1
timezone: America/Chicago
numbers: ["+13125550100"]
contacts: { dana: "+13125550111" }
callers:
  vip: { numbers: ["+16195550123"] }
  local: { prefixes: ["+1312"] }
  abroad: { prefixes: ["+44"] }
routes:
  - { when: { caller: [vip, local, abroad] }, cascade: [{ ring: dana }] }
  - { cascade: [{ ring: dana }] }
finally: { voicemail: Please leave a message. }
"#;

    fn rules() -> RuleSet {
        let loaded = load("standins.yaml", RULES.as_bytes(), &NoFiles, jiff::civil::date(2026, 3, 1));
        loaded.rules.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics))
    }

    fn key() -> Key {
        Key::new(b"0123456789abcdef").unwrap()
    }

    #[test]
    fn the_same_number_has_the_same_stand_in_under_one_key() {
        let (rules, key) = (rules(), key());
        let first = StandIns::new(&key, &rules, Own::Stay).number("+14155550177");
        let second = StandIns::new(&key, &rules, Own::Stay).number("+14155550177");
        assert_eq!(first, second);
        let other = Key::new(b"fedcba9876543210").unwrap();
        assert_ne!(first, StandIns::new(&other, &rules, Own::Stay).number("+14155550177"));
        assert!(Key::new(b"short").is_none());
    }

    #[test]
    fn what_the_rules_list_stays_where_the_rules_stay() {
        let (rules, key) = (rules(), key());
        let mut all = StandIns::new(&key, &rules, Own::Stay);
        assert_eq!(all.number("+13125550111"), "+13125550111");
        assert_eq!(all.kept.len(), 0);
        assert_eq!(all.number("+16195550123"), "+16195550123");
        assert!(all.kept.first().is_some_and(|kept| kept.contains("`vip`")), "{:?}", all.kept);
        let mut all = StandIns::new(&key, &rules, Own::Replaced);
        assert_ne!(all.number("+16195550123"), "+16195550123");
        let copy = all.rule_text(RULES);
        assert!(!copy.contains("6195550123") && !copy.contains("3125550111") && copy.contains("\"+1312\""), "{copy}");
    }

    #[test]
    fn the_opening_of_a_class_is_kept_and_said() {
        let (rules, key) = (rules(), key());
        let mut all = StandIns::new(&key, &rules, Own::Stay);
        let made = all.number("+442079460123");
        assert!(made.starts_with("+44") && made != "+442079460123" && made.len() == 13, "{made}");
        assert!(all.kept.iter().any(|kept| kept.contains("`abroad`")), "{:?}", all.kept);
    }

    #[test]
    fn fields_that_are_not_known_are_left_out() {
        let (rules, key) = (rules(), key());
        let mut all = StandIns::new(&key, &rules, Own::Stay);
        let mut field = |name, value| all.field(name, value, Words::Replaced);
        assert_eq!(field("CallToken", "%7B%22parentCallInfoToken%22"), None);
        assert_eq!(field("FromCity", "SAN DIEGO"), None);
        assert_eq!(field("CallStatus", "ringing").as_deref(), Some("ringing"));
        assert_eq!(field("From", "anonymous").as_deref(), Some("anonymous"));
        assert_eq!(field("AccountSid", "AC0123456789abcdef0123456789abcdef").as_deref(), Some(ACCOUNT));
        assert_eq!(field("Digits", "1").as_deref(), Some("1"));
        assert_ne!(field("Digits", "4111111111").as_deref(), Some("4111111111"));
        let said = field("SpeechResult", "my name is Dana").unwrap();
        assert!(said.split(' ').count() == 4 && !said.contains("Dana"), "{said}");
        let url = "https://api.twilio.com/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Recordings/RE0123456789abcdef0123456789abcdef";
        let made = field("RecordingUrl", url).unwrap();
        assert!(made.contains(ACCOUNT) && !made.contains("0123456789abcdef") && made.contains("/RE"), "{made}");
    }

    #[test]
    fn an_answer_that_cannot_be_had_again_names_nobody_either() {
        let (rules, key) = (rules(), key());
        let mut all = StandIns::new(&key, &rules, Own::Stay);
        let known = BTreeSet::from(["+14155550177".to_owned()]);
        let heard = "<Say>Call from 4 1 5, 5 5 5, 0 1 7 7.</Say> callerId=+14155550177 f=14155550177";
        let made = all.answer_text(heard, &known);
        for part in ["4 1 5, 5 5 5, 0 1 7 7", "4155550177"] {
            assert!(!made.contains(part), "{made}");
        }
    }

    proptest! {
        #[test]
        fn no_stand_in_changes_a_class(number in "\\+(1312|1|44|4420|52)[2-9][0-9]{9}") {
            let (rules, key) = (rules(), key());
            let mut all = StandIns::new(&key, &rules, Own::Stay);
            let made = all.number(&number);
            for class in &rules.callers {
                let opens = |text: &str| class.prefixes.iter().any(|opening| text.starts_with(&**opening));
                prop_assert_eq!(opens(&number), opens(&made));
            }
            prop_assert!(made != number);
            prop_assert!(E164::parse(&made).is_ok());
        }
    }
}
