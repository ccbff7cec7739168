//! What texts cost, and how much of it an organization may spend in a day.

use std::collections::BTreeMap;

use crate::model::ids::OrgSlug;
use crate::model::money::{Currency, Money};
use crate::outreach::spend::{Prices, Spend};
use crate::rules::bar;
use crate::settings::Reader;
use crate::settings::keys;

/// The names that stand beside countries in the list of prices.
const OTHER: &str = "other";
const WHATSAPP: &str = "whatsapp";

impl Reader<'_> {
    /// None only when a fault was kept.
    pub(in crate::settings) fn spend(&mut self) -> Option<Spend> {
        let wanted = "an amount with its currency, such as `10.00 USD`";
        let a_day = self.read("spend_a_day", wanted, |text| {
            let (amount, currency) = text.split_once(' ')?;
            Some((Money::parse(amount)?, Currency::parse(currency.trim())?))
        });
        let prices = self.prices();
        let of = self.spend_of(a_day.map(|(_, currency)| currency));
        let (a_day, currency) = a_day?;
        Some(Spend { currency, a_day, of, prices: prices? })
    }

    /// Organizations with their ceilings; the currency is the one of all.
    fn spend_of(&mut self, currency: Option<Currency>) -> BTreeMap<OrgSlug, Money> {
        let mut found = BTreeMap::new();
        for part in parts(&self.text("spend_a_day_of")) {
            let read = part.split_once('=').and_then(|(org, amount)| {
                let amount = amount.trim();
                let amount = match (amount.split_once(' '), currency) {
                    (Some((amount, written)), Some(currency)) if Currency::parse(written.trim())? == currency => amount,
                    (Some(_), Some(_)) => return None,
                    (Some((amount, _)), None) => amount,
                    (None, _) => amount,
                };
                Some((OrgSlug::parse(org.trim()).ok()?, Money::parse(amount)?))
            });
            match read {
                Some((org, amount)) if !found.contains_key(&org) => drop(found.insert(org, amount)),
                Some((org, _)) => self.fault("spend_a_day_of", format!("`{org}` stands there twice: keep one")),
                None => {
                    let wanted = "an organization with its amount in the currency of `spend_a_day`";
                    self.fault("spend_a_day_of", format!("`{part}` is not {wanted}, such as `acme=20.00`"));
                }
            }
        }
        found
    }

    /// What is not named keeps the price that it has without the setting.
    fn prices(&mut self) -> Option<Prices> {
        let built_in = keys::named("text_prices").map_or("", |key| key.default);
        let mut all: BTreeMap<String, Money> = parts(built_in).iter().filter_map(|part| price(part).ok()).collect();
        let mut named = Vec::new();
        let mut faults = Vec::new();
        for part in parts(&self.text("text_prices")) {
            match price(&part) {
                Ok((country, _)) if named.contains(&country) => {
                    faults.push(format!("`{country}` stands there twice: keep one"));
                }
                Ok((country, price)) => {
                    all.insert(country.clone(), price);
                    named.push(country);
                }
                Err(why) => faults.push(why),
            }
        }
        for fault in faults {
            self.fault("text_prices", fault);
        }
        let (other, whatsapp) = (all.remove(OTHER)?, all.remove(WHATSAPP)?);
        let countries = all.into_iter().map(|(country, price)| (country.into(), price)).collect();
        Some(Prices { countries, other, whatsapp })
    }
}

fn parts(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// Reads `US=0.02`; why it cannot be read.
fn price(part: &str) -> Result<(String, Money), String> {
    let (country, amount) =
        part.split_once('=').map_or((part, ""), |(country, amount)| (country.trim(), amount.trim()));
    if ![OTHER, WHATSAPP].contains(&country) {
        bar::known(country).map_err(|hint| format!("there is no country `{country}` in `{part}`: {hint}"))?;
    }
    let amount = Money::parse(amount)
        .ok_or_else(|| format!("`{part}` has no price for one part of a text, such as `{country}=0.02`"))?;
    Ok((country.to_owned(), amount))
}
