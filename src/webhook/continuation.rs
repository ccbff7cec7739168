//! Where a call stands, written into the URLs that the carrier calls next, and read back from them.
//!
//! The carrier signs the whole URL, so nothing here is secret or needs a seal of its own. Only
//! characters that no proxy and no library rewrites are used.

use std::fmt::Write as _;

use crate::model::digest::RulesKey;
use crate::model::ids::{CascadeId, ContactId, EscalationId, FlowId, LineId, MailboxId, OrgSlug};
use crate::model::phone::E164;
use crate::model::position::{Position, RuleRef, StepRef};
use crate::webhook::endpoint::Endpoint;
use crate::webhook::form::Form;

/// The end of the year 9999: no call begins later.
const LAST_SECOND: i64 = 253_402_300_799;

/// A URL of ours that the carrier calls in the course of a call.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Continuation {
    /// Whose call it is.
    pub org: OrgSlug,
    /// The rules that the call began under.
    pub rules: RulesKey,
    /// Which part of the call.
    pub leg: Leg,
}

/// Which part of a call a URL belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Leg {
    /// The caller's: a step ended.
    Caller(Position),
    /// A callee's: somebody picked up, or was asked for a key.
    Callee {
        /// Who was rung.
        contact: ContactId,
        /// The line that the caller dialed; none for a number in no rule.
        line: Option<LineId>,
        /// The caller's number, to be announced: this leg's own `From` is whatever the callee sees.
        caller: Option<E164>,
        /// How often the callee has been asked: 0 when somebody or something has just picked up.
        asked: u8,
    },
    /// Any leg's state; who was rung when it is a callee's.
    Status(Option<ContactId>),
    /// A message's recording.
    Recording(Message),
    /// A message written down.
    Transcription(Message),
}

/// A message left for somebody.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Message {
    /// When the call arrived, in seconds since 1970.
    pub began: i64,
    /// The mailbox.
    pub mailbox: MailboxId,
}

/// Why a query is none that we wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContinuationError {
    /// A part is missing.
    #[error("the URL lacks `{0}`")]
    Missing(&'static str),
    /// A part stands there twice.
    #[error("the URL has `{0}` more than once")]
    Repeated(&'static str),
    /// A part is not as we write it.
    #[error("`{key}={}` in the URL is not as Ringfall writes it", value.escape_debug())]
    Malformed {
        /// The part.
        key: &'static str,
        /// What stands there.
        value: String,
    },
    /// This address carries no place in a call.
    #[error("the address `{0}` carries no place in a call")]
    Endpoint(&'static str),
}

impl Continuation {
    /// Reads the query of a request to `endpoint`; none when the URL is one that people configure,
    /// which names no rules.
    pub fn parse(endpoint: Endpoint, query: &Form) -> Result<Option<Self>, ContinuationError> {
        let fields = Fields(query);
        let Some(rules) = fields.optional("rules", RulesKey::parse)? else { return Ok(None) };
        let org = organization(query)?.ok_or(ContinuationError::Missing("org"))?;
        let leg = match endpoint {
            Endpoint::Continue => Leg::Caller(fields.position()?),
            Endpoint::Screen => Leg::Callee {
                contact: ContactId(fields.required("c", number)?),
                line: fields.optional("n", number)?.map(LineId),
                caller: fields.optional("f", |text| E164::parse(&format!("+{text}")).ok())?,
                asked: fields.optional("a", number)?.unwrap_or(0),
            },
            Endpoint::CallStatus => Leg::Status(fields.optional("c", number)?.map(ContactId)),
            Endpoint::Recording => Leg::Recording(fields.message()?),
            Endpoint::Transcription => Leg::Transcription(fields.message()?),
            Endpoint::InboundCall | Endpoint::InboundSms | Endpoint::MessageStatus => {
                return Err(ContinuationError::Endpoint(endpoint.path()));
            }
        };
        Ok(Some(Self { org, rules, leg }))
    }

    /// The address it is sent to.
    pub const fn endpoint(&self) -> Endpoint {
        match self.leg {
            Leg::Caller(_) => Endpoint::Continue,
            Leg::Callee { .. } => Endpoint::Screen,
            Leg::Status(_) => Endpoint::CallStatus,
            Leg::Recording(_) => Endpoint::Recording,
            Leg::Transcription(_) => Endpoint::Transcription,
        }
    }

    /// Path and query below `prefix`, the path of the public origin.
    pub fn target(&self, prefix: &str) -> String {
        let mut url = Target(String::with_capacity(USUAL));
        url.0.push_str(prefix);
        url.0.push_str(self.endpoint().path());
        url.0.push_str("?org=");
        url.0.push_str(self.org.as_str());
        url.0.push_str("&rules=");
        self.rules.push_to(&mut url.0);
        match &self.leg {
            Leg::Caller(position) => url.position(position),
            Leg::Callee { contact, line, caller, asked } => {
                url.number("c", contact.0.into());
                if let Some(line) = line {
                    url.number("n", line.0.into());
                }
                if let Some(caller) = caller {
                    url.key("f");
                    url.0.push_str(caller.as_str().trim_start_matches('+'));
                }
                if *asked > 0 {
                    url.number("a", (*asked).into());
                }
            }
            Leg::Status(contact) => {
                if let Some(contact) = contact {
                    url.number("c", contact.0.into());
                }
            }
            Leg::Recording(message) | Leg::Transcription(message) => {
                url.number("at", message.began);
                url.number("b", message.mailbox.0.into());
            }
        }
        url.0
    }
}

/// Bytes of an ordinary target, so that writing it asks for memory once.
const USUAL: usize = 128;

/// A target in the making. It is written by hand, because every answer has some of them.
struct Target(String);

impl Target {
    fn key(&mut self, key: &str) {
        self.0.push('&');
        self.0.push_str(key);
        self.0.push('=');
    }

    fn number(&mut self, key: &str, number: i64) {
        self.key(key);
        self.digits(number);
    }

    fn pair(&mut self, key: &str, first: u16, second: u16) {
        self.number(key, first.into());
        self.0.push('.');
        self.digits(second.into());
    }

    fn digits(&mut self, number: i64) {
        if let Ok(digit @ 0..=9) = u8::try_from(number) {
            self.0.push(char::from(b'0' + digit));
        } else {
            // Writing to a string cannot fail.
            let _infallible = write!(self.0, "{number}");
        }
    }

    fn position(&mut self, position: &Position) {
        let Position { step, stage, hop, began, language, missed, rule } = position;
        self.number("at", *began);
        if let Some(step) = step {
            self.pair("s", step.cascade.0, step.index);
        }
        self.number("g", (*stage).into());
        self.number("h", (*hop).into());
        if let Some(language) = language {
            self.number("l", (*language).into());
        }
        if let Some(missed) = missed {
            self.number("m", missed.0.into());
        }
        if let Some(rule) = rule {
            self.pair("r", rule.flow.0, rule.index);
        }
    }
}

/// Which organization a URL names, be it one of ours or one that people configure.
pub fn organization(query: &Form) -> Result<Option<OrgSlug>, ContinuationError> {
    Fields(query).optional("org", |text| OrgSlug::parse(text).ok())
}

/// The fields of a query, each of which may stand there once.
struct Fields<'a>(&'a Form);

impl Fields<'_> {
    fn optional<T>(&self, key: &'static str, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, ContinuationError> {
        let mut values = self.0.iter().filter_map(|(name, value)| (name == key).then_some(value));
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(ContinuationError::Repeated(key));
        }
        let malformed = || ContinuationError::Malformed { key, value: value.chars().take(40).collect() };
        read(value).map(Some).ok_or_else(malformed)
    }

    fn required<T>(&self, key: &'static str, read: impl Fn(&str) -> Option<T>) -> Result<T, ContinuationError> {
        self.optional(key, read)?.ok_or(ContinuationError::Missing(key))
    }

    fn position(&self) -> Result<Position, ContinuationError> {
        let step = self.optional("s", pair)?;
        let rule = self.optional("r", pair)?;
        Ok(Position {
            step: step.map(|(cascade, index)| StepRef { cascade: CascadeId(cascade), index }),
            stage: self.required("g", number)?,
            hop: self.required("h", number)?,
            began: self.required("at", second)?,
            language: self.optional("l", number)?,
            missed: self.optional("m", number)?.map(EscalationId),
            rule: rule.map(|(flow, index)| RuleRef { flow: FlowId(flow), index }),
        })
    }

    fn message(&self) -> Result<Message, ContinuationError> {
        Ok(Message { began: self.required("at", second)?, mailbox: MailboxId(self.required("b", number)?) })
    }
}

/// A number as we write it: digits, without a sign or leading zeros.
fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    let canonical = text == "0" || !text.starts_with(['0', '+', '-']);
    if canonical { text.parse().ok() } else { None }
}

fn pair(text: &str) -> Option<(u16, u16)> {
    let (first, second) = text.split_once('.')?;
    Some((number(first)?, number(second)?))
}

fn second(text: &str) -> Option<i64> {
    number(text).filter(|second| *second <= LAST_SECOND)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::webhook::form::Charset;
    use crate::webhook::raw::Limits;

    fn read(target: &str) -> Result<Option<Continuation>, ContinuationError> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query = Form::parse(query.as_bytes(), Charset::Utf8, &Limits::default()).unwrap();
        Continuation::parse(Endpoint::from_path(path).unwrap(), &query)
    }

    fn position() -> impl Strategy<Value = Position> {
        let place = || proptest::option::of(any::<(u16, u16)>());
        let head = (place(), any::<u8>(), any::<u8>(), 0..=LAST_SECOND);
        let tail = (proptest::option::of(any::<u8>()), proptest::option::of(any::<u16>()), place());
        (head, tail).prop_map(|((step, stage, hop, began), (language, missed, rule))| Position {
            step: step.map(|(cascade, index)| StepRef { cascade: CascadeId(cascade), index }),
            stage,
            hop,
            began,
            language,
            missed: missed.map(EscalationId),
            rule: rule.map(|(flow, index)| RuleRef { flow: FlowId(flow), index }),
        })
    }

    fn callee() -> impl Strategy<Value = Leg> {
        let caller = proptest::option::of("[1-9][0-9]{6,14}");
        let parts = (any::<u16>(), proptest::option::of(any::<u16>()), caller, any::<u8>());
        parts.prop_map(|(contact, line, caller, asked)| Leg::Callee {
            contact: ContactId(contact),
            line: line.map(LineId),
            caller: caller.map(|digits| E164::parse(&format!("+{digits}")).unwrap()),
            asked,
        })
    }

    fn leg() -> impl Strategy<Value = Leg> {
        let message =
            || (0..=LAST_SECOND, any::<u16>()).prop_map(|(began, id)| Message { began, mailbox: MailboxId(id) });
        prop_oneof![
            position().prop_map(Leg::Caller),
            callee(),
            proptest::option::of(any::<u16>()).prop_map(|contact| Leg::Status(contact.map(ContactId))),
            message().prop_map(Leg::Recording),
            message().prop_map(Leg::Transcription),
        ]
    }

    proptest! {
        #[test]
        fn every_place_reads_back(leg in leg(), slug in "[a-z0-9][a-z0-9_-]{0,62}", key in "[0-9a-f]{16}") {
            let org = OrgSlug::parse(&slug).unwrap();
            let written = Continuation { org, rules: RulesKey::parse(&key).unwrap(), leg };
            let target = written.target("");
            prop_assert!(target.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~/?&=".contains(&byte)));
            prop_assert_eq!(read(&target), Ok(Some(written)));
        }

        #[test]
        fn no_query_panics(query in ".{0,200}", keyed in "((org|rules|s|g|h|at|l|m|r|c|n|a|b)=[0-9a-f.+-]{0,18}&){0,12}") {
            for endpoint in Endpoint::ALL {
                for query in [&query, &keyed] {
                    let form = Form::parse(query.as_bytes(), Charset::Utf8, &Limits::default());
                    let _any = form.map(|form| Continuation::parse(endpoint, &form));
                }
            }
        }
    }

    #[test]
    fn the_url_is_the_agreed_one() {
        let position = Position {
            step: Some(StepRef { cascade: CascadeId(3), index: 1 }),
            stage: 2,
            hop: 4,
            missed: Some(EscalationId(0)),
            language: Some(1),
            rule: Some(RuleRef { flow: FlowId(0), index: 5 }),
            ..Position::start(1_790_000_000)
        };
        let rules = RulesKey::parse("0123456789abcdef").unwrap();
        let place = Continuation { org: OrgSlug::parse("acme").unwrap(), rules, leg: Leg::Caller(position) };
        assert_eq!(
            place.target("/phone"),
            "/phone/twilio/continue?org=acme&rules=0123456789abcdef&at=1790000000&s=3.1&g=2&h=4&l=1&m=0&r=0.5"
        );
    }

    #[test]
    fn a_configured_url_is_no_place() {
        assert_eq!(read("/twilio/call-status?org=acme"), Ok(None));
        assert_eq!(read("/twilio/continue"), Ok(None));
    }

    #[test]
    fn what_we_do_not_write_is_refused() {
        const GOOD: &str = "/twilio/continue?org=acme&rules=0123456789abcdef&at=1&g=0&h=0";
        assert!(read(GOOD).unwrap().is_some());
        assert!(read(&format!("{GOOD}&CallSid=CA1&unknown=1")).unwrap().is_some(), "by GET the carrier adds its own");
        for (from, to) in [
            ("at=1", "at=01"),
            ("at=1", "at=-1"),
            ("at=1", "at=253402300800"),
            ("at=1", ""),
            ("g=0", "g=256"),
            ("g=0", "g=0&g=0"),
            ("h=0", "h=%2B0"),
            ("h=0", "h=0&s=1"),
            ("h=0", "h=0&s=1.2.3"),
            ("h=0", "h=0&s=65536.0"),
            ("org=acme", "org=Acme"),
            ("org=acme", "org=acme&org=evil"),
            ("0123456789abcdef", "0123456789ABCDEF"),
        ] {
            assert!(read(&GOOD.replacen(from, to, 1)).is_err(), "{to}");
        }
        assert!(read("/twilio/inbound-call?org=acme&rules=0123456789abcdef").is_err());
    }
}
