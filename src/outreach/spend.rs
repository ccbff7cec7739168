//! What texts cost, as far as that is known before they go out, and how much of it an organization may spend in a day.

use std::collections::BTreeMap;

use crate::model::ids::OrgSlug;
use crate::model::money::{Currency, Money};
use crate::model::numbering::country;
use crate::model::phone::E164;
use crate::outreach::segments::segments;

/// Prices and ceilings, all in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spend {
    /// What the amounts are amounts of.
    pub currency: Currency,
    /// What an organization may spend in a day.
    pub a_day: Money,
    /// The same for organizations that may spend more, or less.
    pub of: BTreeMap<OrgSlug, Money>,
    /// What is paid for each part of a text.
    pub prices: Prices,
}

/// What is paid for each part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prices {
    /// By the two letters of the receiver's country.
    pub countries: BTreeMap<Box<str>, Money>,
    /// To every other country.
    pub other: Money,
    /// For a message over WhatsApp, which is one part.
    pub whatsapp: Money,
}

/// What something is taken to cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Estimate {
    /// For how many parts.
    pub segments: u32,
    /// All of them together.
    pub cost: Money,
}

impl Spend {
    /// What this organization may spend in a day.
    pub fn ceiling(&self, org: &str) -> Money {
        self.of.iter().find(|(slug, _)| slug.as_str() == org).map_or(self.a_day, |(_, ceiling)| *ceiling)
    }

    /// What these words to that number are taken to cost.
    pub fn text(&self, to: &str, body: &str) -> Estimate {
        let country = E164::parse(to).ok().as_ref().and_then(country);
        let price = country.and_then(|country| self.prices.countries.get(&country)).unwrap_or(&self.prices.other);
        let segments = segments(body);
        Estimate { segments, cost: price.times(segments) }
    }

    /// What a message over WhatsApp is taken to cost.
    pub const fn whatsapp(&self) -> Estimate {
        Estimate { segments: 1, cost: self.prices.whatsapp }
    }

    /// How what was spent stands to the ceiling.
    pub fn standing(&self, org: &str, spent: Money) -> Standing {
        standing(spent, self.ceiling(org))
    }
}

/// How what was spent stands to the ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Well below.
    Fine,
    /// Four fifths of it are spent.
    Near,
    /// All of it is.
    Reached,
}

/// The same for a ceiling that is known.
pub fn standing(spent: Money, ceiling: Money) -> Standing {
    if spent >= ceiling {
        Standing::Reached
    } else if spent.times(5) >= ceiling.times(4) {
        Standing::Near
    } else {
        Standing::Fine
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    fn spend() -> Spend {
        Spend {
            currency: Currency::parse("USD").unwrap(),
            a_day: money("5.00"),
            of: BTreeMap::from([(OrgSlug::parse("bravo").unwrap(), money("0.50"))]),
            prices: Prices {
                countries: BTreeMap::from([("US".into(), money("0.02")), ("DE".into(), money("0.11"))]),
                other: money("0.25"),
                whatsapp: money("0.10"),
            },
        }
    }

    #[test]
    fn a_text_costs_by_country_and_by_part() {
        let cost = |to: &str, words: &str| spend().text(to, words);
        assert_eq!(cost("+16195550111", "Hello."), Estimate { segments: 1, cost: money("0.02") });
        assert_eq!(cost("+16195550111", &"a".repeat(161)), Estimate { segments: 2, cost: money("0.04") });
        assert_eq!(cost("+4915112345678", "Hallo.").cost, money("0.11"));
        // Countries that share a code are told apart, and whoever is not listed costs what others do.
        for other in ["+16045550111", "+18765550111", "+447911123456", "nobody"] {
            assert_eq!(cost(other, "Hello.").cost, money("0.25"), "{other}");
        }
        assert_eq!(spend().whatsapp(), Estimate { segments: 1, cost: money("0.10") });
    }

    #[test]
    fn each_organization_has_a_ceiling_and_four_fifths_of_it_are_near() {
        let spend = spend();
        assert_eq!((spend.ceiling("acme"), spend.ceiling("bravo")), (money("5.00"), money("0.50")));
        let stands = |spent: &str| spend.standing("bravo", money(spent));
        assert_eq!(stands("0.39"), Standing::Fine);
        assert_eq!(stands("0.40"), Standing::Near);
        assert_eq!(stands("0.50"), Standing::Reached);
        assert_eq!(standing(Money::default(), Money::default()), Standing::Reached, "nothing may be spent");
    }
}
