//! Adds calls up, one after the other, in memory that does not grow with their number.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::moment::{Moment, Zone};
use crate::report::call::Call;
use crate::report::figures::{Cell, Contact, Figures, Waits};

/// What is added up.
#[derive(Debug)]
pub struct Tally {
    whole: Figures,
    lines: BTreeMap<String, Figures>,
    zones: BTreeMap<String, Zone>,
    fixed: Option<Zone>,
}

impl Tally {
    /// Nothing yet. Hours and weekdays are those of each call's line, or of `zone` when it is given.
    pub fn new(zone: Option<Zone>) -> Self {
        Self { whole: Figures::default(), lines: BTreeMap::new(), zones: BTreeMap::new(), fixed: zone }
    }

    /// One more call.
    pub fn add(&mut self, call: &Call<'_>) {
        let place = self.place(call);
        if !self.lines.contains_key(call.line.as_ref()) {
            self.lines.insert(call.line.clone().into_owned(), Figures::default());
        }
        if let Some(line) = self.lines.get_mut(call.line.as_ref()) {
            line.add(call, place);
        }
    }

    /// Weekday from Monday and hour, in the line's zone.
    fn place(&mut self, call: &Call<'_>) -> (usize, usize) {
        let at = Timestamp::from_microsecond(call.began_us).unwrap_or(Timestamp::UNIX_EPOCH);
        let zone = match &self.fixed {
            Some(zone) => zone,
            None => {
                if !self.zones.contains_key(call.zone.as_ref()) {
                    let zone = Zone::named(&call.zone).unwrap_or_else(Zone::utc);
                    self.zones.insert(call.zone.clone().into_owned(), zone);
                }
                match self.zones.get(call.zone.as_ref()) {
                    Some(zone) => zone,
                    None => &Zone::utc(),
                }
            }
        };
        let moment = Moment::new(at, zone);
        let day = usize::try_from(moment.weekday().to_monday_zero_offset()).unwrap_or(0);
        (day, usize::try_from(moment.time().hour()).unwrap_or(0))
    }

    /// Takes in what another one added up, so that several can work side by side.
    pub fn merge(&mut self, other: Self) {
        for (line, figures) in other.lines {
            self.lines.entry(line).or_default().merge(figures);
        }
    }

    /// All of it, and each line by its name.
    pub fn finish(mut self) -> (Figures, BTreeMap<String, Figures>) {
        for line in self.lines.values() {
            self.whole.merge(line.clone());
        }
        (self.whole, self.lines)
    }
}

impl Figures {
    fn add(&mut self, call: &Call<'_>, (day, hour): (usize, usize)) {
        self.calls += 1;
        self.first_us = if self.calls == 1 { call.began_us } else { self.first_us.min(call.began_us) };
        self.last_us = self.last_us.max(call.began_us);
        let taken = call.answered.is_some();
        let end = call.end.as_deref().unwrap_or("open");
        let missed = !taken && matches!(end, "voicemail" | "caller_gone" | "hung_up" | "unknown" | "texted");
        if taken {
            *self.tiers.entry(call.tier().unwrap_or(0)).or_default() += 1;
        }
        self.missed += u64::from(missed);
        self.messages += u64::from(!taken && call.message);
        count(&mut self.ends, if taken { "connected" } else { end });
        if let Some(waited) = call.waited {
            self.waits.add(waited);
            if taken {
                self.waits_taken.add(waited);
            }
        }
        if let Some(cell) = self.week.get_mut(day).and_then(|hours| hours.get_mut(hour)) {
            cell.add(&Cell {
                calls: 1,
                taken: u64::from(taken),
                missed: u64::from(missed),
                waited: call.waited.map_or(0, u64::from),
                waits: u64::from(call.waited.is_some()),
            });
        }
        self.rings(call);
    }

    fn rings(&mut self, call: &Call<'_>) {
        for (place, ring) in call.rung.iter().enumerate() {
            let next = call.rung.iter().skip(place + 1).find(|next| next.hop > ring.hop).map(|next| next.at_us);
            let seconds = next.map(|next| u64::try_from((next - ring.at_us) / 1_000_000).unwrap_or(0));
            let contact = match self.contacts.get_mut(ring.contact.as_ref()) {
                Some(contact) => contact,
                None => self.contacts.entry(ring.contact.clone().into_owned()).or_default(),
            };
            let tier = call.rung.iter().take(place).filter(|before| before.hop < ring.hop).count();
            contact.rings += 1;
            contact.places += tier as u64;
            match ring.outcome.as_deref() {
                Some("connected") => contact.taken += 1,
                Some("answered_no_key") => contact.no_key += 1,
                Some("declined") => contact.declined += 1,
                Some("busy") => contact.busy += 1,
                Some("no_answer") => contact.no_answer += 1,
                Some("failed") => contact.failed += 1,
                _ => contact.other += 1,
            }
            if let Some(seconds) = seconds {
                contact.lost_seconds += seconds;
                contact.lost_rings += 1;
            }
        }
        if let Some(Some(by)) = &call.answered
            && !call.rung.iter().any(|ring| ring.outcome.as_deref() == Some("connected"))
            && let Some(contact) = self.contacts.get_mut(by.as_ref())
        {
            // The leg's last word has not come, or came as something else; who talked is known all the same.
            contact.taken += 1;
            contact.other = contact.other.saturating_sub(1);
        }
    }

    fn merge(&mut self, other: Self) {
        if other.calls == 0 {
            return;
        }
        self.first_us = if self.calls == 0 { other.first_us } else { self.first_us.min(other.first_us) };
        self.last_us = self.last_us.max(other.last_us);
        self.calls += other.calls;
        self.missed += other.missed;
        self.messages += other.messages;
        for (tier, calls) in other.tiers {
            *self.tiers.entry(tier).or_default() += calls;
        }
        for (end, calls) in other.ends {
            *self.ends.entry(end).or_default() += calls;
        }
        self.waits.merge(other.waits);
        self.waits_taken.merge(other.waits_taken);
        for (own, theirs) in self.week.iter_mut().flatten().zip(other.week.iter().flatten()) {
            own.add(theirs);
        }
        for (name, contact) in other.contacts {
            self.contacts.entry(name).or_default().merge(&contact);
        }
    }
}

fn count(counts: &mut BTreeMap<String, u64>, name: &str) {
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => drop(counts.insert(name.to_owned(), 1)),
    }
}

impl Waits {
    fn add(&mut self, seconds: u32) {
        *self.0.entry(seconds.min(Self::LONGEST)).or_default() += 1;
    }

    fn merge(&mut self, other: Self) {
        for (seconds, calls) in other.0 {
            *self.0.entry(seconds).or_default() += calls;
        }
    }
}

impl Cell {
    fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.taken += other.taken;
        self.missed += other.missed;
        self.waited += other.waited;
        self.waits += other.waits;
    }
}

impl Contact {
    fn merge(&mut self, other: &Self) {
        self.rings += other.rings;
        self.taken += other.taken;
        self.no_key += other.no_key;
        self.declined += other.declined;
        self.busy += other.busy;
        self.no_answer += other.no_answer;
        self.failed += other.failed;
        self.other += other.other;
        self.places += other.places;
        self.lost_seconds += other.lost_seconds;
        self.lost_rings += other.lost_rings;
    }
}
