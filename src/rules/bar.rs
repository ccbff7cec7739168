//! Numbers that are neither rung nor texted: those that cost extra, and those in countries that are not listed.

use serde::{Deserialize, Serialize};

use crate::model::numbering::{self, PhoneNumberType};
use crate::model::phone::E164;
use crate::rules::ruleset::RuleSet;

/// Why a number is neither rung nor texted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Bar {
    /// It costs extra.
    Premium,
    /// Its country is not listed under `countries`.
    Country,
}

impl Bar {
    /// The reason, in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Premium => "it costs extra",
            Self::Country => "its country is not listed under `countries`",
        }
    }
}

/// Whether something bars the number under these rules.
pub fn barred(rules: &RuleSet, number: &E164) -> Option<Bar> {
    bar(&rules.countries, number)
}

/// The same, for countries that are listed.
pub(in crate::rules) fn bar(countries: &[Box<str>], number: &E164) -> Option<Bar> {
    let kind = numbering::kind(number)?;
    if matches!(kind, PhoneNumberType::PremiumRate | PhoneNumberType::SharedCost) {
        return Some(Bar::Premium);
    }
    let country = numbering::country(number)?;
    // The numbers that are free to call belong to all countries that share a code.
    let free = kind == PhoneNumberType::TollFree;
    (!free && !countries.contains(&country)).then_some(Bar::Country)
}

/// Whether these two letters are those of a country; what was probably meant, or how to write one, if they are not.
pub fn known(country: &str) -> Result<(), String> {
    if country.len() == 2 && numbering::is_country(country) {
        return Ok(());
    }
    let upper = country.to_ascii_uppercase();
    Err(match upper.as_str() {
        "UK" => "did you mean `GB`?".to_owned(),
        "USA" => "did you mean `US`?".to_owned(),
        _ if upper != country && upper.len() == 2 => format!("did you mean `{upper}`?"),
        _ => "write the two letters of ISO 3166, such as `US` or `CA`".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_cost_extra_and_foreign_ones_are_barred() {
        let of = |number: &str| bar(&["US".into()], &E164::parse(number).unwrap());
        assert_eq!(of("+16195550111"), None);
        assert_eq!(of("+18005550111"), None, "free to call");
        assert_eq!(of("+19005550111"), Some(Bar::Premium));
        assert_eq!(of("+447911123456"), Some(Bar::Country));
        assert_eq!(of("+16045550111"), Some(Bar::Country));
        assert_eq!(bar(&["US".into(), "CA".into()], &E164::parse("+16045550111").unwrap()), None);
    }
}
