//! What the fake's account has.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::fake_twilio::{KEY, KEY_SECRET};
use crate::support::{ACCOUNT, TOKEN};

/// Everything that the fake remembers.
pub(crate) struct State {
    pub(crate) account: String,
    pub(crate) token: String,
    pub(crate) keys: BTreeMap<String, String>,
    pub(crate) numbers: Vec<Value>,
    pub(crate) for_sale: Vec<String>,
    pub(crate) messages: Vec<Value>,
    /// Who has written STOP.
    pub(crate) opted_out: BTreeSet<String>,
    /// What templates say, with `{{1}}` for their first blank.
    pub(crate) templates: BTreeMap<String, String>,
    pub(crate) calls: BTreeMap<String, String>,
    pub(crate) recordings: BTreeMap<String, Vec<u8>>,
    /// Items on a page at most.
    pub(crate) page: usize,
    /// When messages are made, in RFC 2822; now when nothing is said.
    pub(crate) now: Option<String>,
    made: u32,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            account: ACCOUNT.into(),
            token: TOKEN.into(),
            keys: BTreeMap::from([(KEY.to_owned(), KEY_SECRET.to_owned())]),
            numbers: Vec::new(),
            for_sale: Vec::new(),
            messages: Vec::new(),
            opted_out: BTreeSet::new(),
            templates: BTreeMap::new(),
            calls: BTreeMap::new(),
            recordings: BTreeMap::new(),
            page: 1000,
            now: None,
            made: 0,
        }
    }

    /// A new identifier.
    pub(crate) fn sid(&mut self, prefix: &str) -> String {
        self.made += 1;
        format!("{prefix}{:032x}", self.made)
    }

    /// Gives the account a number; where it leads is for `set`.
    pub(crate) fn own(&mut self, number: &str, set: &[(&str, &str)]) -> String {
        let sid = self.sid("PN");
        let mut value = json!({
            "sid": sid, "account_sid": self.account, "phone_number": number, "friendly_name": number,
            "voice_url": "", "voice_method": "POST", "voice_fallback_url": "", "voice_fallback_method": "POST",
            "status_callback": "", "status_callback_method": "POST", "sms_url": "", "sms_method": "POST",
            "sms_fallback_url": "", "sms_fallback_method": "POST", "voice_application_sid": null,
            "sms_application_sid": null, "trunk_sid": null, "voice_receive_mode": "voice",
            "capabilities": { "voice": true, "sms": true, "mms": true, "fax": false },
        });
        for (name, text) in set {
            value[*name] = (*text).into();
        }
        self.numbers.push(value);
        sid
    }

    /// The number as it stands.
    pub(crate) fn number(&self, number: &str) -> &Value {
        self.numbers.iter().find(|known| known["phone_number"] == number).unwrap()
    }

    /// The texts sent: to whom, and the words.
    pub(crate) fn texts(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        self.messages.iter().map(|message| (text(&message["to"]), text(&message["body"]))).collect()
    }
}
