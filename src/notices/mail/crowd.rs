//! How many mails may be under way at once: a few for each organization, and not too many in all.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::ids::OrgSlug;

/// Of one organization. Mail servers let one client have few connections.
const EACH: usize = 4;

/// Of all.
const ALL: usize = 16;

/// Those under way.
#[derive(Debug, Clone, Default)]
pub(in crate::notices::mail) struct Crowd(Arc<Mutex<BTreeMap<OrgSlug, usize>>>);

/// A place in the crowd, until it is dropped.
#[derive(Debug)]
pub(in crate::notices::mail) struct Place(Crowd, OrgSlug);

impl Crowd {
    /// A place; none when there is none left.
    pub(in crate::notices::mail) fn enter(&self, org: &OrgSlug) -> Option<Place> {
        let mut going = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if going.values().sum::<usize>() >= ALL || going.get(org).is_some_and(|own| *own >= EACH) {
            return None;
        }
        *going.entry(org.clone()).or_default() += 1;
        Some(Place(self.clone(), org.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Self(Crowd(going), org) = self;
        let mut going = going.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = going.get_mut(org) {
            *own -= 1;
            if *own == 0 {
                going.remove(org);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_organization_fills_its_own_places_and_all_together_no_more_than_there_are() {
        let org = |name: usize| OrgSlug::parse(&format!("org-{name}")).unwrap();
        let crowd = Crowd::default();
        let mut own: Vec<_> = (0..EACH).map(|_| crowd.enter(&org(0)).unwrap()).collect();
        assert!(crowd.enter(&org(0)).is_none());
        let others: Vec<_> = (EACH..ALL).map(|number| crowd.enter(&org(number)).unwrap()).collect();
        assert!(crowd.enter(&org(ALL)).is_none());
        own.pop();
        assert!(crowd.enter(&org(ALL)).is_some());
        drop((own, others));
        assert!(crowd.0.lock().unwrap().is_empty());
    }
}
