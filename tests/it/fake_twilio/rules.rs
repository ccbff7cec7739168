//! What may be asked of the interface, by its published description: facts, put down here as a table in our own words.
//!
//! Twilio passes over names that it does not know, with a warning of code 20001; here they are refused with that code,
//! because nobody sends them on purpose.

use crate::fake_twilio::Answer;

/// What a value must look like.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    /// Any words, so many at most.
    Words(usize),
    /// A whole number within these bounds.
    Whole(u64, u64),
    /// A number.
    Decimal,
    /// `true` or `false`.
    YesOrNo,
    /// An address that Twilio can ask.
    Url,
    /// `GET` or `POST`.
    Method,
    /// A number in E.164, or an address of a channel such as `whatsapp:+1…`.
    Receiver,
    /// The same, or a short code, or a name of up to eleven letters and digits.
    Sender,
    /// A number in E.164.
    Number,
    /// An identifier with these two letters before 32 hex digits.
    Sid(&'static str),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A day, or a moment.
    Day,
    /// A JSON object.
    Json,
}

use Form::{Day, Decimal, Json, Method, Number, OneOf, Receiver, Sender, Sid, Url, Whole, Words, YesOrNo};

/// A field, and whether an empty text takes back what it was.
type Field = (&'static str, Form);

/// Longest words of no special kind.
const LONG: usize = 65_536;

/// What lists take.
const PAGE: &[Field] = &[("PageSize", Whole(1, 1000)), ("Page", Whole(0, u64::MAX)), ("PageToken", Words(LONG))];

/// What a number is told; an empty text takes any of it back.
const NUMBER: &[Field] = &[
    ("ApiVersion", Words(LONG)),
    ("FriendlyName", Words(64)),
    ("SmsApplicationSid", Sid("AP")),
    ("SmsFallbackMethod", Method),
    ("SmsFallbackUrl", Url),
    ("SmsMethod", Method),
    ("SmsUrl", Url),
    ("StatusCallback", Url),
    ("StatusCallbackMethod", Method),
    ("VoiceApplicationSid", Sid("AP")),
    ("VoiceCallerIdLookup", YesOrNo),
    ("VoiceFallbackMethod", Method),
    ("VoiceFallbackUrl", Url),
    ("VoiceMethod", Method),
    ("VoiceUrl", Url),
    ("EmergencyStatus", OneOf(&["Active", "Inactive"])),
    ("EmergencyAddressSid", Sid("AD")),
    ("TrunkSid", Sid("TK")),
    ("VoiceReceiveMode", OneOf(&["voice", "fax"])),
    ("IdentitySid", Sid("RI")),
    ("AddressSid", Sid("AD")),
    ("BundleSid", Sid("BU")),
];

const BUY: &[Field] = &[("PhoneNumber", Number), ("AreaCode", Words(3))];
const MOVE: &[Field] = &[("AccountSid", Sid("AC"))];
const NUMBERS: &[Field] =
    &[("Beta", YesOrNo), ("FriendlyName", Words(LONG)), ("PhoneNumber", Words(20)), ("Origin", Words(LONG))];

const SEARCH: &[Field] = &[
    ("AreaCode", Whole(100, 999)),
    ("Contains", Words(LONG)),
    ("SmsEnabled", YesOrNo),
    ("MmsEnabled", YesOrNo),
    ("VoiceEnabled", YesOrNo),
    ("FaxEnabled", YesOrNo),
    ("ExcludeAllAddressRequired", YesOrNo),
    ("ExcludeLocalAddressRequired", YesOrNo),
    ("ExcludeForeignAddressRequired", YesOrNo),
    ("Beta", YesOrNo),
    ("NearNumber", Number),
    ("NearLatLong", Words(LONG)),
    ("Distance", Whole(0, 500)),
    ("InPostalCode", Words(LONG)),
    ("InRegion", Words(LONG)),
    ("InRateCenter", Words(LONG)),
    ("InLata", Words(LONG)),
    ("InLocality", Words(LONG)),
];

const MESSAGE: &[Field] = &[
    ("To", Receiver),
    ("From", Sender),
    ("MessagingServiceSid", Sid("MG")),
    ("Body", Words(1_600)),
    ("MediaUrl", Url),
    ("ContentSid", Sid("HX")),
    ("ContentVariables", Json),
    ("StatusCallback", Url),
    ("ApplicationSid", Sid("AP")),
    ("MaxPrice", Decimal),
    ("ProvideFeedback", YesOrNo),
    ("Attempt", Whole(1, 100)),
    ("ValidityPeriod", Whole(1, 36_000)),
    ("ForceDelivery", YesOrNo),
    ("ContentRetention", OneOf(&["retain", "discard"])),
    ("AddressRetention", OneOf(&["retain", "obfuscate"])),
    ("SmartEncoded", YesOrNo),
    ("PersistentAction", Words(LONG)),
    ("ShortenUrls", YesOrNo),
    ("ScheduleType", OneOf(&["fixed"])),
    ("SendAt", Day),
    ("SendAsMms", YesOrNo),
    ("RiskCheck", OneOf(&["enable", "disable"])),
];

const MESSAGES: &[Field] =
    &[("To", Receiver), ("From", Sender), ("DateSent", Day), ("DateSent<", Day), ("DateSent>", Day)];

const CALL: &[Field] = &[
    ("Url", Url),
    ("Method", Method),
    ("Status", OneOf(&["canceled", "completed"])),
    ("FallbackUrl", Url),
    ("FallbackMethod", Method),
    ("StatusCallback", Url),
    ("StatusCallbackMethod", Method),
    ("Twiml", Words(4_000)),
    ("TimeLimit", Whole(1, 86_400)),
];

const RECORDING: &[Field] = &[("IncludeSoftDeleted", YesOrNo)];

/// Something that can be asked.
struct Operation {
    method: &'static str,
    /// Below the accounts: `{PN}` stands for an identifier of that kind, `{country}` for two capital letters.
    path: &'static str,
    fields: &'static [&'static [Field]],
    /// Of each of these groups one is needed, or else this is the code.
    needed: &'static [(&'static [&'static str], u32)],
}

const fn ask(method: &'static str, path: &'static str, fields: &'static [&'static [Field]]) -> Operation {
    Operation { method, path, fields, needed: &[] }
}

/// Everything that is asked here.
const OPERATIONS: &[Operation] = &[
    ask("GET", "{AC}.json", &[]),
    ask("GET", "{AC}/IncomingPhoneNumbers.json", &[NUMBERS, PAGE]),
    Operation {
        needed: &[(&["PhoneNumber", "AreaCode"], 21421)],
        ..ask("POST", "{AC}/IncomingPhoneNumbers.json", &[NUMBER, BUY])
    },
    ask("POST", "{AC}/IncomingPhoneNumbers/{PN}.json", &[NUMBER, MOVE]),
    ask("GET", "{AC}/AvailablePhoneNumbers/{country}/Local.json", &[SEARCH, PAGE]),
    ask("GET", "{AC}/AvailablePhoneNumbers/{country}/TollFree.json", &[SEARCH, PAGE]),
    ask("GET", "{AC}/AvailablePhoneNumbers/{country}/Mobile.json", &[SEARCH, PAGE]),
    Operation {
        needed: &[
            (&["To"], 21604),
            (&["From", "MessagingServiceSid"], 21603),
            (&["Body", "MediaUrl", "ContentSid"], 21602),
        ],
        ..ask("POST", "{AC}/Messages.json", &[MESSAGE])
    },
    ask("GET", "{AC}/Messages.json", &[MESSAGES, PAGE]),
    ask("GET", "{AC}/Calls/{CA}.json", &[]),
    ask("POST", "{AC}/Calls/{CA}.json", &[CALL]),
    ask("GET", "{AC}/Recordings/{RE}.json", &[RECORDING]),
    ask("DELETE", "{AC}/Recordings/{RE}.json", &[]),
    // The sound itself: what is documented beside the description.
    ask("GET", "{AC}/Recordings/{RE}.mp3", &[]),
];

/// The refusal of a request that the description does not allow, which is complained of; nothing for one that it does.
pub(super) fn refusal(
    (method, path): (&str, &str),
    fields: &[(String, String)],
    complaints: &mut Vec<String>,
) -> Option<Answer> {
    let mut refuse = |status: u16, code: u32, why: String| {
        complaints.push(why.clone());
        Some(Answer::fault(status, code, &why))
    };
    let here: Vec<_> = OPERATIONS.iter().filter(|operation| fits(operation.path, path)).collect();
    if here.is_empty() {
        return refuse(404, 20404, format!("The requested resource {path} was not found"));
    }
    let Some(operation) = here.into_iter().find(|operation| operation.method == method) else {
        return refuse(405, 20004, format!("Method not allowed: {method} {path}"));
    };
    for (name, value) in fields {
        let known = operation.fields.iter().flat_map(|list| list.iter()).find(|(known, _)| known == name);
        let Some((_, form)) = known else {
            return refuse(400, 20001, format!("no field `{name}`: unknown parameters"));
        };
        // What a number was told is taken back with an empty text.
        let taken_back = value.is_empty() && operation.path.contains("IncomingPhoneNumbers/");
        if !taken_back && !form.fits(value) {
            return refuse(400, code(name, *form, operation.path), format!("{name} is not valid: `{value}`"));
        }
    }
    for (group, code) in operation.needed {
        if !fields.iter().any(|(name, value)| group.contains(&name.as_str()) && !value.is_empty()) {
            return refuse(400, *code, format!("{} is required", group.join(" or ")));
        }
    }
    None
}

fn fits(pattern: &str, path: &str) -> bool {
    let (patterns, parts): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
    let part_fits = |(pattern, part): (&&str, &&str)| {
        let (Some(opening), Some((_, ending))) = (pattern.strip_prefix('{'), pattern.split_once('}')) else {
            return pattern == part;
        };
        let Some(value) = part.strip_suffix(ending) else { return false };
        match opening.split_once('}') {
            Some(("country", _)) => value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_uppercase()),
            Some((kind, _)) => Sid(prefix(kind)).fits(value),
            None => false,
        }
    };
    patterns.len() == parts.len() && patterns.iter().zip(&parts).all(part_fits)
}

/// The kinds of identifiers that stand in paths.
fn prefix(kind: &str) -> &'static str {
    ["AC", "PN", "CA", "RE"].into_iter().find(|known| *known == kind).expect("a kind that the table knows")
}

/// The code of a value that is not valid.
fn code(name: &str, form: Form, path: &str) -> u32 {
    match (name, form) {
        ("To", _) => 21211,
        ("From", _) => 21212,
        ("Body", _) => 21617,
        ("PageSize", _) => 20007,
        ("PhoneNumber", _) => 21421,
        ("ContentVariables", _) => 21656,
        ("StatusCallback", _) if path.ends_with("Messages.json") => 21609,
        (_, Url) => 21402,
        (_, Method) => 21403,
        _ => 20001,
    }
}

impl Form {
    fn fits(self, text: &str) -> bool {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match self {
            Words(most) => text.chars().count() <= most,
            Whole(least, most) => digits(text) && text.parse().is_ok_and(|number| (least..=most).contains(&number)),
            Decimal => text.parse::<f64>().is_ok_and(f64::is_finite),
            YesOrNo => text == "true" || text == "false",
            Url => is_url(text),
            Method => text == "GET" || text == "POST",
            Number => is_number(text),
            Receiver => is_number(text.split_once(':').map_or(text, |(channel, number)| match channel {
                "whatsapp" | "messenger" => number,
                _ => "",
            })),
            Sender => {
                let short = (3..=6).contains(&text.len()) && digits(text);
                let name = (1..=11).contains(&text.len())
                    && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b' ')
                    && text.bytes().any(|byte| byte.is_ascii_alphabetic());
                short || name || Receiver.fits(text)
            }
            Sid(prefix) => text
                .strip_prefix(prefix)
                .is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_hexdigit())),
            OneOf(words) => words.contains(&text),
            Day => text.parse::<jiff::civil::Date>().is_ok() || text.parse::<jiff::Timestamp>().is_ok(),
            Json => serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).is_ok(),
        }
    }
}

/// Whether the text is a number in E.164.
pub(super) fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or("x");
    (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0')
}

/// Whether the text is an address with a host in which no underscore stands.
fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    host.is_some_and(|host| !host.is_empty() && !host.contains(['_', ' '])) && !text.contains([' ', '\n'])
}
