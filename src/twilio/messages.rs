//! Text messages: sending one, and finding out whether one was sent.

use jiff::Timestamp;
use serde::Deserialize;

use crate::model::money::{Currency, Money};
use crate::model::phone::E164;
use crate::twilio::client::Client;
use crate::twilio::error::Error;
use crate::twilio::exchange::Twice;

/// A text to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<'a> {
    /// The account's number that it comes from.
    pub from: &'a E164,
    /// Who gets it.
    pub to: &'a E164,
    /// The words.
    pub body: &'a str,
    /// Where Twilio tells what became of it.
    pub status_callback: Option<&'a str>,
    /// Seconds after which it is no longer worth delivering.
    pub valid_for: u32,
}

/// A message as Twilio has it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Message {
    /// Twilio's name for it.
    pub sid: String,
    /// `queued`, `sent`, `delivered`, `failed` and others.
    pub status: String,
    /// The words.
    #[serde(default)]
    pub body: String,
    /// Why it failed, when it did.
    #[serde(default)]
    pub error_code: Option<u32>,
    /// When it was made, in RFC 2822.
    #[serde(default)]
    date_created: Option<String>,
    /// How many parts it makes, in digits; `0` while that is not known.
    #[serde(default)]
    num_segments: Option<String>,
    /// What it costs, below zero; known only some time after it went out.
    #[serde(default)]
    price: Option<String>,
    /// Of which currency that is.
    #[serde(default)]
    price_unit: Option<String>,
}

impl Message {
    /// How many parts it makes, once that is known.
    pub fn segments(&self) -> Option<u32> {
        self.num_segments.as_deref()?.parse().ok().filter(|segments| *segments > 0)
    }

    /// What it costs, once that is known.
    pub fn price(&self) -> Option<(Money, Currency)> {
        let amount = Money::parse(self.price.as_deref()?.trim_start_matches('-'))?;
        Some((amount, Currency::parse(self.price_unit.as_deref()?)?))
    }

    /// When it was made.
    pub fn made(&self) -> Option<Timestamp> {
        let text = self.date_created.as_deref()?;
        jiff::fmt::rfc2822::parse(text).ok().map(|at| at.timestamp())
    }
}

#[derive(Deserialize)]
struct Messages {
    messages: Vec<Message>,
}

/// Messages between two numbers that are looked through, newest first.
const LOOK_THROUGH: &str = "100";

impl Client {
    /// Sends a text, once: an unknown outcome is not asked again, see [`Client::texts_since`].
    pub async fn send_text(&self, text: &Text<'_>) -> Result<Message, Error> {
        let valid = text.valid_for.clamp(1, 36_000).to_string();
        let mut form = vec![("To", text.to.as_str()), ("From", text.from.as_str()), ("Body", text.body)];
        form.push(("ValidityPeriod", &valid));
        form.extend(text.status_callback.map(|url| ("StatusCallback", url)));
        self.post("Messages.json", &form, Twice::Harmful).await
    }

    /// Sends something over another channel than text, such as `whatsapp:+1…`, once.
    pub async fn send_message(&self, from: &str, to: &str, content: &[(&str, &str)]) -> Result<Message, Error> {
        let form = [&[("To", to), ("From", from)], content].concat();
        self.post("Messages.json", &form, Twice::Harmful).await
    }

    /// The texts from one number to another with exactly these words, made at that moment or later.
    ///
    /// The day that a message was *sent* is no help here: one that still waits has none.
    pub async fn texts_since(
        &self,
        from: &E164,
        to: &E164,
        body: &str,
        since: Timestamp,
    ) -> Result<Vec<Message>, Error> {
        self.messages_since(from.as_str(), to.as_str(), |known| known == body, since).await
    }

    /// The same over any channel, with words that fit.
    pub async fn messages_since(
        &self,
        from: &str,
        to: &str,
        fits: impl Fn(&str) -> bool,
        since: Timestamp,
    ) -> Result<Vec<Message>, Error> {
        let query = [("From", from), ("To", to), ("PageSize", LOOK_THROUGH)];
        let mut found: Messages = self.get("Messages.json", &query).await?;
        found.messages.retain(|message| fits(&message.body) && message.made().is_some_and(|made| made >= since));
        Ok(found.messages)
    }
}
