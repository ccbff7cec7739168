//! Made-up values for every kind of answer: a plain one, and one with all that can happen to it.

use minijinja::Value;

use crate::twiml::Filled;
use crate::twiml::kinds::Kind;

type Values = Vec<(&'static str, Value)>;

const URL: &str = "/twilio/continue?org=acme&rules=0123456789abcdef&at=1767225600&s=3.1&g=0&h=2";

/// Samples of a kind, each with what it is a sample of.
pub(crate) fn of(kind: Kind) -> Vec<(&'static str, Filled)> {
    let samples = match kind {
        Kind::Ring => vec![
            ("a ring of one contact", ring(Tone::Plain)),
            ("a ring of ten contacts after speech", ring(Tone::Full)),
        ],
        Kind::Menu => vec![("a menu of keys", menu(Tone::Plain)), ("a menu of keys and words", menu(Tone::Full))],
        Kind::OfferText => {
            vec![("an offer of a text", offer(Tone::Plain)), ("an offer of a text after speech", offer(Tone::Full))]
        }
        Kind::Voicemail => {
            vec![("a voicemail", voicemail(Tone::Plain)), ("a voicemail that is written out", voicemail(Tone::Full))]
        }
        Kind::Thank | Kind::PromiseText => {
            vec![("a farewell", vec![speech(Tone::Plain)]), ("a farewell after speech", vec![speech(Tone::Full)])]
        }
        Kind::Reject => vec![("a busy line", reason("busy")), ("a refused call", reason("rejected"))],
        Kind::Hangup => vec![("a hang-up", hangup(Tone::Plain)), ("a hang-up after speech", hangup(Tone::Full))],
        Kind::Handoff => vec![
            ("a hand-off to a document", handoff("twiml", "https://agent.example.com/answer?a=1&b=2")),
            ("a hand-off to a SIP address", handoff("sip", "sip:agent@voice.example.com;transport=tls")),
            ("a hand-off to a media stream", handoff("stream", "wss://agent.example.com/media")),
        ],
        Kind::Screen => vec![
            ("an announcement", screen("dtmf", 1)),
            ("an announcement that asks again, by voice", screen("dtmf speech", 2)),
        ],
        Kind::ScreenAccepted | Kind::ScreenDeclined | Kind::Empty => vec![("every call", Vec::new())],
    };
    let tones = [Tone::Plain, Tone::Full, Tone::Plain];
    samples
        .into_iter()
        .zip(tones)
        .map(|((what, values), tone)| (what, Filled { kind, values: with_shared(values, tone) }))
        .collect()
}

/// Values that go together: what one is says what the other can be.
const TOGETHER: [&[&str]; 5] = [
    &["caller", "caller_digits"],
    &["language", "lang"],
    &["speech", "answer_on_bridge"],
    &["to", "url", "timeout", "caller_id"],
    &["input", "hints"],
];

/// All that a set is tried with before it goes live: the samples, each two of them mixed so that any two values meet
/// in all ways that they can, and texts that nobody would write but somebody might.
pub(super) fn tried(kind: Kind) -> Vec<(String, Filled)> {
    let samples = of(kind);
    let mut all: Vec<(String, Filled)> = Vec::new();
    for (what, filled) in &samples {
        for (_, other) in samples.iter().filter(|(another, _)| another != what) {
            all.extend(mixed(what, filled, other));
        }
        let hostile = filled.values.iter().map(|(name, value)| (*name, hostile(name, value))).collect();
        all.push((format!("{what} with the oddest of texts"), Filled { kind, values: hostile }));
    }
    samples.into_iter().map(|(what, filled)| (what.to_owned(), filled)).chain(all).collect()
}

/// The sample with one value, or some that go together, as in the other.
fn mixed(what: &str, filled: &Filled, other: &Filled) -> Vec<(String, Filled)> {
    let group = |name: &str| TOGETHER.into_iter().find(|group| group.contains(&name));
    let mut mixes = Vec::new();
    for (name, _) in &filled.values {
        let group = if *name == "caller_id" && filled.kind == Kind::Ring { None } else { group(name) };
        if group.is_some_and(|group| {
            group.first() != Some(name) && filled.values.iter().any(|it| group.first() == Some(&it.0))
        }) {
            continue;
        }
        let goes = |it: &str| it == *name || group.is_some_and(|group| group.contains(&it));
        let from = |it: &str| other.values.iter().find(|(known, _)| *known == it).map(|(_, value)| value.clone());
        let values = filled.values.iter().map(|(it, value)| {
            let other = goes(it).then(|| from(it)).flatten();
            (*it, other.unwrap_or_else(|| value.clone()))
        });
        mixes.push((
            format!("{what}, where `{name}` is another"),
            Filled { kind: filled.kind, values: values.collect() },
        ));
    }
    mixes
}

/// Signs that mean something in a document or in a template, that no document allows, and that take four bytes.
const ODD: &str =
    "</Say><Hangup/> ]]> <!-- --> &amp; &#0; {{ line }} {% raw %} \"'`\u{0}\u{8}\u{b}\u{fffe}\u{202e}\u{1f600} ";

/// The value with the oddest text that it can have: only what people write freely can be odd.
fn hostile(name: &str, value: &Value) -> Value {
    match name {
        "line" => Value::from(ODD.repeat(5)),
        "hints" if value.as_str().is_some_and(|hints| !hints.is_empty()) => Value::from("\"&<yes>, o'clock, ¡sí!"),
        "speech" | "greeting" | "prompt" | "offer" | "farewell" => {
            let long: String = ODD.chars().cycle().take(4_000).collect();
            Value::from_iter([part(&long, ""), part("", "https://audio.example.com/%22a%22.mp3?x='1'&y=<2>")])
        }
        // Where something is said first, the call is answered already.
        "answer_on_bridge" => Value::from(false),
        _ => value.clone(),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tone {
    Plain,
    Full,
}

fn with_shared(mut values: Values, tone: Tone) -> Values {
    let (line, caller, digits, language, lang) = match tone {
        // A withheld number, called on a number that the rules do not know.
        Tone::Plain => ("", "", "", "pt-BR", "pt"),
        Tone::Full => ("Sales & \"Support\" <main>", "+16195550123", "6 1 9, 5 5 5, 0 1 2 3", "en-US", "en"),
    };
    values.extend([
        ("organization", Value::from("acme")),
        ("line", Value::from(line)),
        ("caller", Value::from(caller)),
        ("caller_digits", Value::from(digits)),
        ("language", Value::from(language)),
        ("lang", Value::from(lang)),
    ]);
    values
}

fn part(say: &str, play: &str) -> Value {
    let language = if say.is_empty() { "" } else { "en-US" };
    Value::from_pairs([("say", say), ("play", play), ("language", language)])
}

fn parts(tone: Tone) -> Value {
    match tone {
        Tone::Plain => Value::from_iter([part("Hello.", "")]),
        Tone::Full => Value::from_iter([
            part("Fish & chips <fresh> \"daily\" 'here'\n", ""),
            part("", "https://audio.example.com/a.mp3?x=1&y=2"),
        ]),
    }
}

fn speech(tone: Tone) -> (&'static str, Value) {
    let heard = match tone {
        Tone::Plain => Value::from_iter(Vec::<Value>::new()),
        Tone::Full => parts(tone),
    };
    ("speech", heard)
}

const fn or_empty(tone: Tone, full: &str) -> &str {
    match tone {
        Tone::Plain => "",
        Tone::Full => full,
    }
}

fn ring(tone: Tone) -> Values {
    let count = if tone == Tone::Full { 10 } else { 1 };
    let number = |place: u32| {
        Value::from_pairs([
            ("name", Value::from("primary")),
            ("number", Value::from(format!("+1619555011{}", place % 10))),
            ("screen", Value::from(or_empty(tone, "/twilio/screen?org=acme&rules=0123456789abcdef&c=0&n=0"))),
            ("status", Value::from("/twilio/call-status?org=acme&rules=0123456789abcdef&c=0")),
        ])
    };
    vec![
        speech(tone),
        ("action", Value::from(URL)),
        ("timeout", Value::from(20)),
        ("caller_id", Value::from(or_empty(tone, "+16195550100"))),
        ("answer_on_bridge", Value::from(tone == Tone::Plain)),
        ("numbers", Value::from_iter((0..count).map(number))),
    ]
}

fn menu(tone: Tone) -> Values {
    vec![
        speech(tone),
        ("action", Value::from(URL)),
        ("prompt", parts(tone)),
        ("input", Value::from(if tone == Tone::Full { "dtmf speech" } else { "dtmf" })),
        ("num_digits", Value::from(if tone == Tone::Full { 3 } else { 1 })),
        ("finish_on_key", Value::from(if tone == Tone::Full { "" } else { "#" })),
        ("timeout", Value::from(5)),
        ("hints", Value::from(or_empty(tone, "reservations, booking"))),
    ]
}

fn offer(tone: Tone) -> Values {
    vec![speech(tone), ("action", Value::from(URL)), ("greeting", parts(tone)), ("offer", parts(Tone::Plain))]
}

fn voicemail(tone: Tone) -> Values {
    vec![
        speech(tone),
        ("action", Value::from(URL)),
        ("greeting", if tone == Tone::Full { parts(tone) } else { Value::from_iter(Vec::<Value>::new()) }),
        ("max_length", Value::from(120)),
        ("recording_callback", Value::from("/twilio/recording?org=acme&rules=0123456789abcdef&at=1767225600&b=0")),
        (
            "transcription_callback",
            Value::from(or_empty(tone, "/twilio/transcription?org=acme&rules=0123456789abcdef&at=1767225600&b=0")),
        ),
    ]
}

fn reason(reason: &str) -> Values {
    vec![("reason", Value::from(reason))]
}

fn hangup(tone: Tone) -> Values {
    vec![speech(tone), ("farewell", parts(tone))]
}

fn handoff(to: &str, url: &str) -> Values {
    let sip = to == "sip";
    vec![
        speech(if sip { Tone::Full } else { Tone::Plain }),
        ("action", Value::from(URL)),
        ("to", Value::from(to)),
        ("url", Value::from(url)),
        ("timeout", Value::from(if sip { 20 } else { 0 })),
        ("caller_id", Value::from(if sip { "+16195550100" } else { "" })),
        ("answer_on_bridge", Value::from(!sip)),
    ]
}

fn screen(input: &str, asked: u8) -> Values {
    vec![
        ("action", Value::from("/twilio/screen?org=acme&rules=0123456789abcdef&c=0&n=0&a=1")),
        ("contact", Value::from("primary")),
        ("input", Value::from(input)),
        ("asked", Value::from(asked)),
    ]
}
