//! Form fields: their encoding, and which ones each request knows.

/// Decodes a form strictly; what a careful sender never writes is complained of.
pub(super) fn decode(text: &str, complaints: &mut Vec<String>) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let mut fields: Vec<(String, String)> = Vec::new();
    for pair in pairs {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (plain(name, complaints), plain(value, complaints));
        if fields.iter().any(|(known, _)| *known == name) {
            complaints.push(format!("`{name}` twice"));
        }
        fields.push((name, value));
    }
    fields
}

fn plain(text: &str, complaints: &mut Vec<String>) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = rest.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
                match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                    Some(byte) => {
                        bytes.push(byte);
                        rest = &rest[2..];
                    }
                    None => complaints.push(format!("a broken escape in `{text}`")),
                }
            }
            byte if byte.is_ascii_alphanumeric() || b"*-._~".contains(byte) => bytes.push(*byte),
            byte => complaints.push(format!("an unescaped `{}` in `{text}`", char::from(*byte))),
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| {
        complaints.push(format!("`{text}` is not UTF-8"));
        String::new()
    })
}

/// What a number can be told.
pub(super) const NUMBER: &[&str] = &[
    "AccountSid",
    "ApiVersion",
    "FriendlyName",
    "SmsApplicationSid",
    "SmsFallbackMethod",
    "SmsFallbackUrl",
    "SmsMethod",
    "SmsUrl",
    "StatusCallback",
    "StatusCallbackMethod",
    "VoiceApplicationSid",
    "VoiceCallerIdLookup",
    "VoiceFallbackMethod",
    "VoiceFallbackUrl",
    "VoiceMethod",
    "VoiceUrl",
    "EmergencyStatus",
    "EmergencyAddressSid",
    "TrunkSid",
    "VoiceReceiveMode",
    "IdentitySid",
    "AddressSid",
    "BundleSid",
];

/// What else the buying of one takes.
pub(super) const BUY: &[&str] = &["PhoneNumber", "AreaCode"];

/// What a list of numbers is narrowed by.
pub(super) const NUMBERS: &[&str] = &["Beta", "FriendlyName", "PhoneNumber", "Origin", "PageSize", "Page", "PageToken"];

/// What a search is narrowed by.
pub(super) const SEARCH: &[&str] = &[
    "AreaCode",
    "Contains",
    "SmsEnabled",
    "MmsEnabled",
    "VoiceEnabled",
    "InRegion",
    "InPostalCode",
    "InLocality",
    "PageSize",
    "Page",
    "PageToken",
];

/// What a message is made of.
pub(super) const MESSAGE: &[&str] = &[
    "To",
    "From",
    "MessagingServiceSid",
    "Body",
    "MediaUrl",
    "ContentSid",
    "StatusCallback",
    "ApplicationSid",
    "MaxPrice",
    "ProvideFeedback",
    "Attempt",
    "ValidityPeriod",
    "ContentRetention",
    "AddressRetention",
    "SmartEncoded",
    "PersistentAction",
    "TrafficType",
    "ShortenUrls",
    "ScheduleType",
    "SendAt",
    "SendAsMms",
    "ContentVariables",
    "RiskCheck",
];

/// What a list of messages is narrowed by.
pub(super) const MESSAGES: &[&str] =
    &["To", "From", "DateSent", "DateSent<", "DateSent>", "PageSize", "Page", "PageToken"];

/// What a call under way can be told.
pub(super) const CALL: &[&str] = &[
    "Url",
    "Method",
    "Status",
    "FallbackUrl",
    "FallbackMethod",
    "StatusCallback",
    "StatusCallbackMethod",
    "Twiml",
    "TimeLimit",
];

/// Whether the text is a number in E.164.
pub(super) fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or("x");
    (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0')
}

/// Whether the text is an address that Twilio can call.
pub(super) fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.contains([' ', '_']) || rest.contains('/'))
}

/// Whether the text is an identifier of that kind.
pub(super) fn is_sid(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
