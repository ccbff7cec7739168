//! The form fields that Twilio sends with each kind of request.

use jiff::Timestamp;

use crate::model::call::Attestation;
use crate::model::digest::Digest;

/// Form fields in the order sent.
pub type Fields = Vec<(String, String)>;

/// Where a leg stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// About to ring; only in callbacks of dialed legs.
    Initiated,
    /// Rings, or is not answered yet.
    Ringing,
    /// Answered.
    InProgress,
    /// Over after having been answered.
    Completed,
    /// Busy.
    Busy,
    /// Could not be reached.
    Failed,
    /// Rang out, or was given up while it rang.
    NoAnswer,
    /// Was canceled before it was answered.
    Canceled,
}

impl Status {
    /// Twilio's word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Initiated => "initiated",
            Self::Ringing => "ringing",
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::Failed => "failed",
            Self::NoAnswer => "no-answer",
            Self::Canceled => "canceled",
        }
    }
}

/// One leg of a call as the carrier knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    /// Its identifier.
    pub sid: String,
    /// The leg that it was dialed for.
    pub parent: Option<String>,
    /// Whose number is shown.
    pub from: String,
    /// Who is called.
    pub to: String,
    /// Where it stands.
    pub status: Status,
    /// When it was answered, in milliseconds of the call.
    pub answered: Option<u64>,
}

/// What is the same on every request of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Common {
    /// The account.
    pub account: String,
    /// What the networks say of the caller's number.
    pub attestation: Attestation,
    /// The number that forwarded the call, when the network tells.
    pub forwarded_from: Option<String>,
    /// The caller's name, when looked up.
    pub caller_name: Option<String>,
}

impl Leg {
    /// The standard fields, with which every request opens.
    pub fn fields(&self, common: &Common) -> Fields {
        let inbound = self.parent.is_none();
        let mut fields = vec![
            field("AccountSid", &common.account),
            field("ApiVersion", "2010-04-01"),
            field("CallSid", &self.sid),
            field("CallStatus", self.status.word()),
        ];
        if inbound && self.status == Status::Ringing {
            // Itself percent-encoded JSON: whoever decodes the form twice breaks the signature.
            let token = format!("%7B%22parentCallInfoToken%22%3A%22{}%2B%22%7D", self.sid);
            fields.push(field("CallToken", &token));
        }
        for (name, number) in [("Called", &self.to), ("Caller", &self.from), ("From", &self.from), ("To", &self.to)] {
            fields.push(field(name, number));
            for part in ["City", "State", "Zip"] {
                fields.push((format!("{name}{part}"), String::new()));
            }
            fields.push((format!("{name}Country"), country(number).to_owned()));
        }
        fields.push(field("Direction", if inbound { "inbound" } else { "outbound-dial" }));
        if let Some(parent) = &self.parent {
            fields.push(field("ParentCallSid", parent));
        }
        if inbound {
            self.networks(common, &mut fields);
        }
        fields
    }

    fn networks(&self, common: &Common, fields: &mut Fields) {
        if let Some(number) = &common.forwarded_from {
            fields.push(field("ForwardedFrom", number));
        }
        if let Some(name) = &common.caller_name {
            fields.push(field("CallerName", name));
        }
        if let Some(word) = verstat(common.attestation) {
            fields.push(field("StirVerstat", word));
        }
    }

    /// Whole seconds since the leg was answered; 0 when it never was.
    pub fn duration(&self, now: u64) -> u64 {
        self.answered.map_or(0, |answered| now.saturating_sub(answered).div_ceil(1000))
    }
}

/// The fields that only callbacks about a leg's progress carry.
pub fn progress(leg: &Leg, sequence: u32, at: Timestamp, now: u64) -> Fields {
    let mut fields = vec![
        field("Timestamp", &rfc2822(at)),
        field("CallbackSource", "call-progress-events"),
        field("SequenceNumber", &sequence.to_string()),
    ];
    let over = !matches!(leg.status, Status::Initiated | Status::Ringing | Status::InProgress);
    if over {
        let seconds = leg.duration(now);
        fields.push(field("CallDuration", &seconds.to_string()));
        fields.push(field("Duration", &seconds.div_ceil(60).to_string()));
    }
    fields
}

/// One field.
pub fn field(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// An identifier of the carrier's form that is the same for the same call, purpose and number.
pub fn sid(prefix: &str, call: &str, purpose: &str, number: u32) -> String {
    let digest = Digest::of([call.as_bytes(), purpose.as_bytes(), &number.to_be_bytes()]).to_string();
    let body: String = digest.chars().take(32).collect();
    format!("{prefix}{body}")
}

/// A date as callbacks carry it: always in GMT.
pub fn rfc2822(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

fn verstat(attestation: Attestation) -> Option<&'static str> {
    match attestation {
        Attestation::PassedA => Some("TN-Validation-Passed-A"),
        Attestation::PassedB => Some("TN-Validation-Passed-B"),
        Attestation::PassedC => Some("TN-Validation-Passed-C"),
        Attestation::Failed => Some("TN-Validation-Failed-A"),
        Attestation::Unsigned => None,
    }
}

/// The country of a number as far as its opening tells; empty for what is no number.
fn country(number: &str) -> &'static str {
    const OPENINGS: [(&str, &str); 10] = [
        ("+1", "US"),
        ("+33", "FR"),
        ("+34", "ES"),
        ("+41", "CH"),
        ("+43", "AT"),
        ("+44", "GB"),
        ("+49", "DE"),
        ("+52", "MX"),
        ("+61", "AU"),
        // What old accounts make of a withheld number.
        ("+266", "LS"),
    ];
    OPENINGS.iter().find(|(opening, _)| number.starts_with(opening)).map_or("", |(_, country)| *country)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn common() -> Common {
        Common {
            account: "AC0123456789abcdef0123456789abcdef".to_owned(),
            attestation: Attestation::PassedA,
            forwarded_from: None,
            caller_name: None,
        }
    }

    fn leg() -> Leg {
        Leg {
            sid: sid("CA", "seed", "call", 0),
            parent: None,
            from: "+13125550123".to_owned(),
            to: "+16195550100".to_owned(),
            status: Status::Ringing,
            answered: None,
        }
    }

    fn value<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
        fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn the_first_request_has_the_shape_of_captured_ones() {
        let fields = leg().fields(&common());
        let mut names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let captured = "AccountSid ApiVersion CallSid CallStatus CallToken Called CalledCity CalledCountry CalledState \
                        CalledZip Caller CallerCity CallerCountry CallerState CallerZip Direction From FromCity \
                        FromCountry FromState FromZip StirVerstat To ToCity ToCountry ToState ToZip";
        assert_eq!(names, captured.split_whitespace().collect::<Vec<_>>());
        assert_eq!(value(&fields, "Direction"), Some("inbound"));
        assert!(value(&fields, "CallToken").unwrap().starts_with("%7B%22"));
    }

    #[test]
    fn a_dialed_leg_names_its_parent() {
        let child = Leg { parent: Some(leg().sid), status: Status::InProgress, ..leg() };
        let fields = child.fields(&common());
        assert_eq!(value(&fields, "ParentCallSid"), Some(leg().sid.as_str()));
        assert_eq!(value(&fields, "Direction"), Some("outbound-dial"));
        assert_eq!(value(&fields, "CallToken"), None);
    }

    #[test]
    fn a_finished_leg_tells_how_long_it_was() {
        let leg = Leg { status: Status::Completed, answered: Some(7_000), ..leg() };
        let at: Timestamp = "2026-11-21T03:04:05Z".parse().unwrap();
        let fields = progress(&leg, 3, at, 37_000);
        assert_eq!(value(&fields, "CallDuration"), Some("30"));
        assert_eq!(value(&fields, "SequenceNumber"), Some("3"));
        assert_eq!(value(&fields, "Timestamp"), Some("Sat, 21 Nov 2026 03:04:05 +0000"));
    }
}
