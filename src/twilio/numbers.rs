//! The numbers of an account: what each is set to do, setting them, finding and buying more.

use serde::{Deserialize, Deserializer};

use crate::model::ids::NumberSid;
use crate::model::phone::E164;
use crate::twilio::client::Client;
use crate::twilio::error::Error;
use crate::twilio::exchange::Twice;
use crate::twilio::page::{self, Page};

/// A number that an account owns. Empty where nothing is set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Number {
    /// Twilio's name for it.
    pub sid: String,
    /// The number in E.164.
    pub phone_number: String,
    /// What its owner calls it.
    #[serde(deserialize_with = "empty")]
    pub friendly_name: String,
    /// What is asked when a call comes in.
    #[serde(deserialize_with = "empty")]
    pub voice_url: String,
    /// With which method.
    #[serde(deserialize_with = "empty")]
    pub voice_method: String,
    /// What is asked when that fails.
    #[serde(deserialize_with = "empty")]
    pub voice_fallback_url: String,
    /// With which method.
    #[serde(deserialize_with = "empty")]
    pub voice_fallback_method: String,
    /// What is told when a call is over.
    #[serde(deserialize_with = "empty")]
    pub status_callback: String,
    /// With which method.
    #[serde(deserialize_with = "empty")]
    pub status_callback_method: String,
    /// What is asked when a text comes in.
    #[serde(deserialize_with = "empty")]
    pub sms_url: String,
    /// With which method.
    #[serde(deserialize_with = "empty")]
    pub sms_method: String,
    /// An application that overrides the voice URLs.
    #[serde(deserialize_with = "empty")]
    pub voice_application_sid: String,
    /// An application that overrides the text URLs.
    #[serde(deserialize_with = "empty")]
    pub sms_application_sid: String,
    /// A trunk that overrides the voice URLs.
    #[serde(deserialize_with = "empty")]
    pub trunk_sid: String,
    /// `voice`, or `fax` for a number that takes no calls.
    #[serde(deserialize_with = "empty")]
    pub voice_receive_mode: String,
    /// What it can do.
    pub capabilities: Capabilities,
}

/// What a number can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Capabilities {
    /// Take and place calls.
    pub voice: bool,
    /// Send and get texts.
    #[serde(alias = "SMS")]
    pub sms: bool,
}

/// Twilio writes nothing as null or as an empty text.
fn empty<'de, D: Deserializer<'de>>(source: D) -> Result<String, D::Error> {
    Option::<String>::deserialize(source).map(Option::unwrap_or_default)
}

#[derive(Deserialize)]
struct Numbers {
    incoming_phone_numbers: Vec<Number>,
    next_page_uri: Option<String>,
}

impl Page for Numbers {
    type Item = Number;
    fn items(self) -> (Vec<Number>, Option<String>) {
        (self.incoming_phone_numbers, self.next_page_uri)
    }
}

/// A number that can be bought.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Available {
    /// The number in E.164.
    pub phone_number: String,
    /// The town.
    #[serde(default, deserialize_with = "empty")]
    pub locality: String,
    /// The state.
    #[serde(default, deserialize_with = "empty")]
    pub region: String,
    /// What it can do.
    #[serde(default)]
    pub capabilities: Capabilities,
}

#[derive(Deserialize)]
struct Offers {
    available_phone_numbers: Vec<Available>,
}

/// Which numbers to look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Search<'a> {
    /// ISO 3166 code of the country, two capital letters.
    pub country: &'a str,
    /// `Local`, `TollFree` or `Mobile`.
    pub kind: Kind,
    /// Digits of the area.
    pub area_code: Option<&'a str>,
    /// Digits or letters in the number, `*` for any.
    pub contains: Option<&'a str>,
    /// How many at most.
    pub limit: u8,
}

/// The kinds of numbers on offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Of a place.
    Local,
    /// Free for callers.
    TollFree,
    /// Of mobiles.
    Mobile,
}

impl Kind {
    const fn path(self) -> &'static str {
        match self {
            Self::Local => "Local",
            Self::TollFree => "TollFree",
            Self::Mobile => "Mobile",
        }
    }
}

impl Client {
    /// All numbers of the account.
    pub async fn numbers(&self) -> Result<Vec<Number>, Error> {
        page::all::<Numbers>(self, "IncomingPhoneNumbers.json", &[("PageSize", "1000")]).await
    }

    /// Sets what a number does; settings that are not named stay.
    pub async fn set_number(&self, sid: &NumberSid, settings: &[(&str, &str)]) -> Result<Number, Error> {
        self.post(&format!("IncomingPhoneNumbers/{sid}.json"), settings, Twice::Harmless).await
    }

    /// Numbers that can be bought.
    pub async fn search_numbers(&self, search: &Search<'_>) -> Result<Vec<Available>, Error> {
        let limit = search.limit.to_string();
        let mut query = vec![("PageSize", limit.as_str()), ("VoiceEnabled", "true")];
        query.extend(search.area_code.map(|code| ("AreaCode", code)));
        query.extend(search.contains.map(|digits| ("Contains", digits)));
        let path = format!("AvailablePhoneNumbers/{}/{}.json", search.country, search.kind.path());
        let mut found = self.get::<Offers>(&path, &query).await?.available_phone_numbers;
        found.truncate(usize::from(search.limit));
        Ok(found)
    }

    /// Buys a number. It costs money: an unknown outcome is not asked again.
    pub async fn buy_number(&self, number: &E164) -> Result<Number, Error> {
        self.post("IncomingPhoneNumbers.json", &[("PhoneNumber", number.as_str())], Twice::Harmful).await
    }
}
