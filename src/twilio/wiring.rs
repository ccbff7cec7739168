//! What each number of the rules should be set to at Twilio, what it is set to, and making them the same.

use crate::model::ids::{NumberSid, OrgSlug};
use crate::model::phone::E164;
use crate::rules::ruleset::RuleSet;
use crate::twilio::client::Client;
use crate::twilio::error::{Certainty, Error};
use crate::twilio::numbers::Number;
use crate::twiml::fallback;
use crate::webhook::endpoint::Endpoint;

/// One thing that a number is set to.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The name in requests.
    pub name: &'static str,
    /// The name for people.
    pub shown: &'static str,
    read: fn(&Number) -> &str,
}

const fn field(name: &'static str, shown: &'static str, read: fn(&Number) -> &str) -> Field {
    Field { name, shown, read }
}

const VOICE: Field = field("VoiceUrl", "voice", |it| &it.voice_url);
const VOICE_METHOD: Field = field("VoiceMethod", "voice method", |it| &it.voice_method);
const FALLBACK: Field = field("VoiceFallbackUrl", "fallback", |it| &it.voice_fallback_url);
const FALLBACK_METHOD: Field = field("VoiceFallbackMethod", "fallback method", |it| &it.voice_fallback_method);
const STATUS: Field = field("StatusCallback", "status", |it| &it.status_callback);
const STATUS_METHOD: Field = field("StatusCallbackMethod", "status method", |it| &it.status_callback_method);
const SMS: Field = field("SmsUrl", "sms", |it| &it.sms_url);
const SMS_METHOD: Field = field("SmsMethod", "sms method", |it| &it.sms_method);
const TRUNK: Field = field("TrunkSid", "trunk", |it| &it.trunk_sid);
const VOICE_APP: Field = field("VoiceApplicationSid", "voice application", |it| &it.voice_application_sid);
const SMS_APP: Field = field("SmsApplicationSid", "sms application", |it| &it.sms_application_sid);
const RECEIVES: Field = field("VoiceReceiveMode", "takes", |it| &it.voice_receive_mode);

/// Where this service and its static endings are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bases<'a> {
    /// The service, without a slash at the end.
    pub service: &'a str,
    /// The static endings; when there is none, the fallback stays as it is found.
    pub fallback: Option<&'a str>,
}

/// One setting, side by side.
#[derive(Debug, Clone)]
pub struct Row {
    /// Which.
    pub field: Field,
    /// As it should be; empty for nothing.
    pub wanted: String,
    /// As it is.
    pub found: String,
}

impl Row {
    /// Whether it has to be set.
    pub fn differs(&self) -> bool {
        self.wanted != self.found
    }
}

/// A line of the rules beside its number at Twilio.
#[derive(Debug, Clone)]
pub struct Wired {
    /// The line's name in the rules.
    pub line: String,
    /// Its number.
    pub number: E164,
    /// Twilio's name for the number; none when the account does not have it.
    pub sid: Option<NumberSid>,
    /// What it should be set to, and is.
    pub rows: Vec<Row>,
}

impl Wired {
    /// The settings that have to be made.
    pub fn changes(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.differs())
    }

    /// Whether the account has the number, set as it should be.
    pub fn is_good(&self) -> bool {
        self.sid.is_some() && self.changes().next().is_none()
    }
}

/// All lines of an organization beside their numbers.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The lines, in the order of the rules.
    pub lines: Vec<Wired>,
    /// Numbers of the account that no line of these rules has; they are left alone.
    pub others: Vec<String>,
}

impl Plan {
    /// Whether nothing has to be done.
    pub fn is_good(&self) -> bool {
        self.lines.iter().all(Wired::is_good)
    }
}

/// Compares what the rules want with what the account has.
pub fn plan(rules: &RuleSet, org: &OrgSlug, bases: Bases<'_>, numbers: &[Number]) -> Plan {
    let url = |endpoint: Endpoint| format!("{}{}?org={org}", bases.service, endpoint.path());
    let wire = |line: &crate::rules::ruleset::Line| {
        let found = numbers.iter().find(|number| number.phone_number == line.number.as_str());
        let mut wanted = vec![(VOICE, url(Endpoint::InboundCall)), (VOICE_METHOD, "POST".to_owned())];
        if let Some(base) = bases.fallback {
            wanted.push((FALLBACK, format!("{base}/{org}/{}", fallback::file(line))));
            wanted.push((FALLBACK_METHOD, "GET".to_owned()));
        }
        wanted.extend([(STATUS, url(Endpoint::CallStatus)), (STATUS_METHOD, "POST".to_owned())]);
        let texts = found.is_none_or(|number| number.capabilities.sms);
        if texts {
            wanted.extend([(SMS, url(Endpoint::InboundSms)), (SMS_METHOD, "POST".to_owned())]);
            wanted.push((SMS_APP, String::new()));
        }
        // Twilio looks at no URL while one of these is set.
        wanted.extend([(TRUNK, String::new()), (VOICE_APP, String::new()), (RECEIVES, "voice".to_owned())]);
        let row = |(field, wanted): (Field, String)| Row {
            found: found.map_or_else(String::new, |number| (field.read)(number).to_owned()),
            field,
            wanted,
        };
        Wired {
            line: line.name.to_string(),
            number: line.number.clone(),
            sid: found.and_then(|number| NumberSid::parse(&number.sid).ok()),
            rows: wanted.into_iter().map(row).collect(),
        }
    };
    let lines: Vec<_> = rules.lines.iter().map(wire).collect();
    let known = |number: &&Number| lines.iter().any(|line| line.number.as_str() == number.phone_number);
    let others = numbers.iter().filter(|number| !known(number)).map(|number| number.phone_number.clone()).collect();
    Plan { lines, others }
}

/// Why not everything is set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// One number could not be set; those set before are as they were.
    #[error("{number} could not be set, and everything is as it was before: {error}")]
    Undone {
        /// Which.
        number: E164,
        /// Why.
        error: Error,
    },
    /// One number could not be set, and some set before could not be set back.
    #[error("{number} could not be set, and these could not be set back: {}; {error}", .left.join(", "))]
    Half {
        /// Which.
        number: E164,
        /// Why.
        error: Error,
        /// The numbers that are set as wanted, or half so.
        left: Vec<String>,
    },
}

/// An account with the numbers that it has.
#[derive(Debug)]
pub struct Holding {
    /// The account.
    pub client: Client,
    /// Its numbers.
    pub numbers: Vec<Number>,
}

impl Holding {
    /// Asks an account what it has.
    pub async fn of(client: Client) -> Result<Self, Error> {
        let numbers = client.numbers().await?;
        Ok(Self { client, numbers })
    }
}

/// The numbers of all these accounts.
pub fn numbers(holdings: &[Holding]) -> Vec<Number> {
    holdings.iter().flat_map(|holding| holding.numbers.iter().cloned()).collect()
}

/// The line's number with the account that has it.
fn held<'a>(holdings: &'a [Holding], line: &'a Wired) -> Option<(&'a Client, &'a NumberSid)> {
    let sid = line.sid.as_ref()?;
    let has = |holding: &&Holding| holding.numbers.iter().any(|number| number.sid == sid.as_str());
    Some((&holdings.iter().find(has)?.client, sid))
}

/// Sets what differs, number by number. When one fails, those before are set back.
pub async fn apply(holdings: &[Holding], plan: &Plan) -> Result<usize, ApplyError> {
    let mut done: Vec<&Wired> = Vec::new();
    for line in &plan.lines {
        let Some((client, sid)) = held(holdings, line) else { continue };
        let changes: Vec<_> = line.changes().map(|row| (row.field.name, row.wanted.as_str())).collect();
        if changes.is_empty() {
            continue;
        }
        if let Err(error) = client.set_number(sid, &changes).await {
            // What is unknown may be done: it is set back with the others.
            if error.certainty() == Certainty::Unknown {
                done.push(line);
            }
            return Err(undo(holdings, &done, line.number.clone(), error).await);
        }
        done.push(line);
    }
    Ok(done.len())
}

async fn undo(holdings: &[Holding], done: &[&Wired], number: E164, error: Error) -> ApplyError {
    let mut left = Vec::new();
    for line in done {
        let Some((client, sid)) = held(holdings, line) else { continue };
        let before: Vec<_> = line.changes().map(|row| (row.field.name, row.found.as_str())).collect();
        if client.set_number(sid, &before).await.is_err() {
            left.push(line.number.to_string());
        }
    }
    if left.is_empty() { ApplyError::Undone { number, error } } else { ApplyError::Half { number, error, left } }
}
