//! How many mails may be under way at once: a few over each account, and not too many in all.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Over one account. Mail servers let one client have few connections.
const EACH: usize = 4;

/// Of all.
const ALL: usize = 16;

/// Those under way.
#[derive(Debug, Clone, Default)]
pub(in crate::notices::mail) struct Crowd(Arc<Mutex<BTreeMap<String, usize>>>);

/// A place in the crowd, until it is dropped.
#[derive(Debug)]
pub(in crate::notices::mail) struct Place(Crowd, String);

impl Crowd {
    /// A place; none when there is none left.
    pub(in crate::notices::mail) fn enter(&self, account: &str) -> Option<Place> {
        let mut going = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if going.values().sum::<usize>() >= ALL || going.get(account).is_some_and(|own| *own >= EACH) {
            return None;
        }
        *going.entry(account.to_owned()).or_default() += 1;
        Some(Place(self.clone(), account.to_owned()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Self(Crowd(going), account) = self;
        let mut going = going.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = going.get_mut(account) {
            *own -= 1;
            if *own == 0 {
                going.remove(account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_account_fills_its_own_places_and_all_together_no_more_than_there_are() {
        let account = |name: usize| format!("email-{name}");
        let crowd = Crowd::default();
        let mut own: Vec<_> = (0..EACH).map(|_| crowd.enter(&account(0)).unwrap()).collect();
        assert!(crowd.enter(&account(0)).is_none());
        let others: Vec<_> = (EACH..ALL).map(|number| crowd.enter(&account(number)).unwrap()).collect();
        assert!(crowd.enter(&account(ALL)).is_none());
        own.pop();
        assert!(crowd.enter(&account(ALL)).is_some());
        drop((own, others));
        assert!(crowd.0.lock().unwrap().is_empty());
    }
}
