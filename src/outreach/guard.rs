//! Whom texts may go to: countries that the rules list, no numbers that cost extra, no numbers of our own.

use crate::model::numbering::{self, PhoneNumberType};
use crate::model::phone::{Caller, E164};
use crate::rules::bar::barred;
use crate::rules::ruleset::{Channel, ChannelKind, RuleSet};

/// Why nothing goes to this number; nothing for a number that texts may go to.
pub fn refusal(rules: &RuleSet, to: &E164) -> Option<String> {
    if rules.lines.iter().any(|line| line.number == *to) {
        return Some("it is a number of our own: two machines would write to each other".to_owned());
    }
    let Some(kind) = numbering::kind(to) else {
        return Some("it is not a number that can be reached".to_owned());
    };
    match kind {
        PhoneNumberType::FixedLine => return Some("it is a landline".to_owned()),
        PhoneNumberType::TollFree => return Some("it is a toll-free number, which reads no texts".to_owned()),
        PhoneNumberType::Mobile
        | PhoneNumberType::FixedLineOrMobile
        | PhoneNumberType::VoIP
        | PhoneNumberType::PersonalNumber
        | PhoneNumberType::Pager
        | PhoneNumberType::UAN
        | PhoneNumberType::VoiceMail
        | PhoneNumberType::PremiumRate
        | PhoneNumberType::SharedCost
        | PhoneNumberType::Unknown => {}
    }
    barred(rules, to).map(|bar| bar.words().to_owned())
}

/// Why nothing goes to this channel; nothing for one that notices may go to.
pub fn channel_refusal(rules: &RuleSet, channel: &Channel) -> Option<String> {
    match channel.kind {
        ChannelKind::Whatsapp => {
            let to = E164::parse(&channel.to).ok()?;
            barred(rules, &to).map(|bar| bar.words().to_owned())
        }
        ChannelKind::Slack | ChannelKind::Telegram | ChannelKind::Webhook | ChannelKind::Email => None,
    }
}

/// The caller's number, when the caller has one that can be texted.
pub(crate) fn caller(caller: &Caller) -> Result<&E164, String> {
    match caller {
        Caller::Number(number) => Ok(number),
        Caller::Withheld => Err("the caller withheld the number".to_owned()),
        Caller::Sip(_) | Caller::Client(_) | Caller::Malformed(_) => Err("the caller has no phone number".to_owned()),
    }
}
