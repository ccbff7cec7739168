//! The numbering plans of the world: of which country a number is, and of which kind.
//!
//! They take some megabytes, and are asked while rules are read and texts are written, never while a caller waits. So
//! they are made when somebody asks, and let go when nobody has asked for a while.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

pub use rlibphonenumber::PhoneNumberType;
use rlibphonenumber::{PhoneNumberUtil, Region};

use crate::model::phone::E164;

static PLANS: RwLock<Option<Arc<PhoneNumberUtil>>> = RwLock::new(None);

/// Whether somebody asked since the last look.
static ASKED: AtomicBool = AtomicBool::new(false);

fn plans() -> Option<Arc<PhoneNumberUtil>> {
    ASKED.store(true, Ordering::Relaxed);
    if let Some(plans) = &*PLANS.read().unwrap_or_else(PoisonError::into_inner) {
        return Some(Arc::clone(plans));
    }
    let mut plans = PLANS.write().unwrap_or_else(PoisonError::into_inner);
    if plans.is_none() {
        // They are compiled in: whether they can be read is seen by every test.
        *plans = PhoneNumberUtil::new().ok().map(Arc::new);
    }
    plans.clone()
}

/// Lets the plans go, if nobody has asked since this was said last.
pub fn let_go_if_idle() {
    if !ASKED.swap(false, Ordering::Relaxed) {
        let_go();
    }
}

/// Lets the plans go until somebody asks.
pub fn let_go() {
    PLANS.write().unwrap_or_else(PoisonError::into_inner).take();
}

/// Of which kind a number is; nothing for one that cannot be reached.
pub fn kind(number: &E164) -> Option<PhoneNumberType> {
    let plans = plans()?;
    let parsed = plans.parse(number.as_str(), None).ok()?;
    Some(plans.get_number_type(&parsed))
}

/// The two letters of a number's country, when it has one.
pub fn country(number: &E164) -> Option<Box<str>> {
    let plans = plans()?;
    let parsed = plans.parse(number.as_str(), None).ok()?;
    let region = plans.get_region_for_number(&parsed);
    let region = region.or_else(|| plans.get_region_for_country_code(parsed.country_code));
    region.map(|region| letters(region).into())
}

/// Whether these two letters are those of a country.
pub fn is_country(country: &str) -> bool {
    plans().is_some_and(|plans| plans.get_supported_regions().any(|region| letters(region) == *country))
}

/// The two letters of a country.
fn letters(region: Region) -> String {
    format!("{region:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_let_go_is_there_when_somebody_asks() {
        let number = E164::parse("+16195550111").unwrap();
        for _ in 0..3 {
            assert_eq!(country(&number).as_deref(), Some("US"));
            assert!(kind(&number).is_some() && is_country("GB") && !is_country("UK"));
            let_go_if_idle();
            let_go_if_idle();
        }
    }
}
