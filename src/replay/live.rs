//! The requests of a recording as they are sent to a server that runs.

use crate::model::simulator;
use crate::replay::fields;
use crate::replay::recording::Webhook;
use crate::replay::standins::Key;
use crate::webhook::form::{Charset, Form};
use crate::webhook::raw::Limits;

/// Whose requests they are on this server.
#[derive(Debug)]
pub struct Guise {
    /// The account.
    pub account: String,
    /// Whether it may be told the time of the call: only the simulator is believed.
    pub tells_time: bool,
    /// Makes other calls of the recorded ones: a server answers the same step of the same call only once.
    pub fresh: Key,
}

/// A request ready to be signed and sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sending {
    /// Path and query below the server's address.
    pub target: String,
    /// The fields of the body.
    pub fields: Vec<(String, String)>,
}

impl Guise {
    /// The request of the recording; `instead` is the place that the server's own answers ask for.
    pub fn dress(&self, webhook: &Webhook, instead: Option<&str>) -> Sending {
        let change = |name: &str, value: &str| {
            let sid = name.ends_with("Sid") && value.len() == 34;
            Some(match name {
                "AccountSid" => self.account.clone(),
                _ if sid => self.fresh.sid(value),
                _ => value.to_owned(),
            })
        };
        let form = Form::parse(webhook.body().as_bytes(), Charset::Utf8, &Limits::default()).unwrap_or_default();
        let mut all: Vec<(String, String)> =
            form.iter().filter_map(|(name, value)| change(name, value).map(|value| (name.to_owned(), value))).collect();
        // By GET the carrier's own fields stand behind ours, whatever the place in the call.
        let own = webhook.target.split_once('?').map_or("", |(_, query)| query);
        let carriers = own.split('&').filter(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            webhook.method == "GET" && !fields::OURS.contains(&name)
        });
        let mut target = match instead {
            Some(target) => carriers.fold(target.to_owned(), |target, pair| format!("{target}&{pair}")),
            None => webhook.target.clone(),
        };
        target = fields::changed_query(&target, change);
        if let Some(at) = webhook.moment().filter(|_| self.tells_time) {
            let time = at.as_millisecond().to_string();
            if webhook.method == "GET" {
                let mark = if target.contains('?') { '&' } else { '?' };
                target = format!("{target}{mark}{}={time}", simulator::TIME);
            } else {
                all.push((simulator::TIME.to_owned(), time));
            }
        }
        Sending { target, fields: all }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::recording::Answer;

    fn webhook(method: &str, target: &str, form: &[&str]) -> Webhook {
        Webhook {
            at: "2026-11-23T18:00:00Z".to_owned(),
            method: method.to_owned(),
            target: target.to_owned(),
            content_type: None,
            signature: String::new(),
            form: form.iter().map(|pair| (*pair).to_owned()).collect(),
            state: crate::audit::record::StateRead::default(),
            fault: None,
            answer: Answer::default(),
        }
    }

    #[test]
    fn a_call_is_another_one_each_time_and_its_legs_stay_together() {
        let guise = |key: &[u8]| Guise {
            account: "AC0123456789abcdef0123456789abcdef".to_owned(),
            tells_time: true,
            fresh: Key::new(key).unwrap(),
        };
        let form = ["AccountSid=AC1", "CallSid=CA0123456789abcdef0123456789abcdef", "From=%2B12025550100"];
        let sent = guise(b"0123456789abcdef").dress(&webhook("POST", "/twilio/inbound-call?org=acme", &form), None);
        let names: Vec<&str> = sent.fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["AccountSid", "CallSid", "From", "RingfallTime"]);
        let leg = ["ParentCallSid=CA0123456789abcdef0123456789abcdef"];
        let same = guise(b"0123456789abcdef").dress(&webhook("POST", "/twilio/screen", &leg), None);
        assert_eq!(sent.fields[1].1, same.fields[0].1);
        let other = guise(b"fedcba9876543210").dress(&webhook("POST", "/twilio/screen", &leg), None);
        assert_ne!(sent.fields[1].1, other.fields[0].1);
    }

    #[test]
    fn by_get_the_fields_follow_the_place() {
        let guise =
            Guise { account: "AC2".to_owned(), tells_time: false, fresh: Key::new(b"0123456789abcdef").unwrap() };
        let got = webhook("GET", "/twilio/continue?org=acme&rules=1&s=1.0&AccountSid=AC1&Digits=1", &[]);
        let sent = guise.dress(&got, Some("/twilio/continue?org=acme&rules=2&s=2.0"));
        assert_eq!(sent.target, "/twilio/continue?org=acme&rules=2&s=2.0&AccountSid=AC2&Digits=1");
    }
}
