//! Whom texts may go to: countries that the rules list, no numbers that cost extra, no numbers of our own.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberType};

use crate::model::phone::{Caller, E164};
use crate::rules::ruleset::RuleSet;

/// Why nothing goes to this number; nothing for a number that texts may go to.
pub fn refusal(rules: &RuleSet, to: &E164) -> Option<String> {
    if rules.lines.iter().any(|line| line.number == *to) {
        return Some("it is a number of our own: two machines would write to each other".to_owned());
    }
    let Ok(parsed) = PHONE_NUMBER_UTIL.parse(to.as_str(), None) else {
        return Some("it is not a number that can be reached".to_owned());
    };
    match PHONE_NUMBER_UTIL.get_number_type(&parsed) {
        PhoneNumberType::PremiumRate | PhoneNumberType::SharedCost => return Some("it costs extra".to_owned()),
        PhoneNumberType::FixedLine => return Some("it is a landline".to_owned()),
        PhoneNumberType::TollFree => return Some("it is a toll-free number, which reads no texts".to_owned()),
        PhoneNumberType::Mobile
        | PhoneNumberType::FixedLineOrMobile
        | PhoneNumberType::VoIP
        | PhoneNumberType::PersonalNumber
        | PhoneNumberType::Pager
        | PhoneNumberType::UAN
        | PhoneNumberType::VoiceMail
        | PhoneNumberType::Unknown => {}
    }
    let region = PHONE_NUMBER_UTIL.get_region_for_number(&parsed);
    let region = region.or_else(|| PHONE_NUMBER_UTIL.get_region_for_country_code(parsed.country_code));
    let country = region.map(|region| format!("{region:?}")).unwrap_or_default();
    let listed = rules.countries.iter().any(|listed| **listed == *country);
    (!listed).then(|| format!("its country {country} is not listed under `countries`"))
}

/// The caller's number, when the caller has one that can be texted.
pub(crate) fn caller(caller: &Caller) -> Result<&E164, String> {
    match caller {
        Caller::Number(number) => Ok(number),
        Caller::Withheld => Err("the caller withheld the number".to_owned()),
        Caller::Sip(_) | Caller::Client(_) | Caller::Malformed(_) => Err("the caller has no phone number".to_owned()),
    }
}
