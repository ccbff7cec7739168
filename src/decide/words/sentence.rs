//! One call in one sentence, for an owner who asks what became of it.

use crate::decide::trace::{Considered, StepOutcome, Trace, Why};
use crate::decide::words::places;
use crate::model::call::LegOutcome;
use crate::model::ids::{ContactId, HoursId};
use crate::model::moment::Moment;
use crate::model::phone::Caller;
use crate::rules::ruleset::{EndKind, RuleSet};

/// One answer of a call: its reasons, and the seconds since the answer before, when known.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// The reasons.
    pub trace: &'a Trace,
    /// Seconds since the answer before.
    pub after: Option<u32>,
}

/// Tells a call: "Mon 8:03: outside office hours, rang dana (picked up, no key), rang lee (took it after 9 s)".
pub fn sentence<'a>(
    rules: &RuleSet,
    now: &Moment,
    caller: &Caller,
    answers: impl IntoIterator<Item = Answered<'a>>,
    end: Option<EndKind>,
) -> String {
    let mut told = Told { rules, parts: Vec::new(), rung: Vec::new(), hours: Vec::new() };
    if caller.number().is_none() {
        told.parts.push("number withheld".into());
    }
    for answer in answers {
        for considered in answer.trace {
            told.hear(considered, answer.after);
        }
    }
    let last = match end {
        Some(EndKind::Connected) | None => None,
        Some(EndKind::Voicemail) => Some("went to voicemail"),
        Some(EndKind::Texted) => Some("asked for a text instead"),
        Some(EndKind::Rejected) => Some("was refused"),
        Some(EndKind::HungUp) => Some("was hung up on"),
        Some(EndKind::HandedOff) => Some("was handed off"),
        Some(EndKind::CallerGone) => Some("the caller hung up"),
    };
    told.parts.extend(last.map(str::to_owned));
    let moment = now.zoned().strftime("%a %-H:%M");
    format!("{moment}: {}", told.parts.join(", "))
}

struct Told<'a> {
    rules: &'a RuleSet,
    parts: Vec<String>,
    rung: Vec<ContactId>,
    hours: Vec<HoursId>,
}

impl Told<'_> {
    fn hear(&mut self, considered: &Considered, after: Option<u32>) {
        if let Considered::Held { why, .. } | Considered::Passed { why, .. } = considered {
            self.fact(why);
        } else if let Considered::Rung { contact, .. } = considered {
            self.rung.push(*contact);
        } else if let Considered::Skipped { contact, .. } = considered {
            self.parts.push(format!("left out {}", places::contact_name(self.rules, *contact)));
        } else if let Considered::Outcome { at, what } = considered {
            self.outcome(*at, *what, after);
        } else if let Considered::Circling(_) = considered {
            self.parts.push("going in circles".into());
        } else if let Considered::UnknownLine = considered {
            self.parts.push("to a number that is none of our lines".into());
        }
    }

    fn fact(&mut self, why: &Why) {
        if let Why::Hours { hours, fact } = why {
            if !self.hours.contains(hours) {
                self.hours.push(*hours);
                let name = self.rules.hours(*hours).map_or("?", |hours| &hours.name);
                let hours = if name.contains("hours") { "" } else { " hours" };
                self.parts.push(format!("{} {name}{hours}", if fact.holds() { "in" } else { "outside" }));
            }
        } else if let Why::Caller { class, within: true } = why {
            let name = self.rules.caller_class(*class).map_or("?", |class| &class.name);
            self.parts.push(format!("caller is one of {name}"));
        } else if let Why::Switch { switch, on: true } = why {
            let name = self.rules.switch(*switch).map_or("?", |switch| &switch.name);
            self.parts.push(format!("{name} is on"));
        } else if let Why::Stale { switch, on } = why {
            let name = self.rules.switch(*switch).map_or("?", |switch| &switch.name);
            self.parts.push(format!("{name} is {} (its source is silent)", if *on { "on" } else { "off" }));
        }
    }

    fn outcome(&mut self, at: crate::model::position::StepRef, what: StepOutcome, after: Option<u32>) {
        let StepOutcome::Rang(leg) = what else {
            self.chose(at, what);
            return;
        };
        let rung = std::mem::take(&mut self.rung);
        let names = if let LegOutcome::Connected(Some(who)) = leg {
            places::contact_name(self.rules, who).to_owned()
        } else {
            places::contact_names(self.rules, &rung)
        };
        let came = match leg {
            LegOutcome::Connected(_) => {
                after.map_or_else(|| "took it".to_owned(), |seconds| format!("took it after {seconds} s"))
            }
            LegOutcome::NoKey => "picked up, no key".into(),
            LegOutcome::Declined => "declined".into(),
            LegOutcome::Busy => "busy".into(),
            LegOutcome::NoAnswer => "no answer".into(),
            LegOutcome::Failed => "not reachable".into(),
            LegOutcome::Canceled => "canceled".into(),
        };
        self.parts.push(format!("rang {names} ({came})"));
    }

    fn chose(&mut self, at: crate::model::position::StepRef, what: StepOutcome) {
        if let StepOutcome::Key(place) = what {
            let key = match self.rules.step(at).map(|step| &step.verb) {
                Some(crate::rules::ruleset::Verb::Menu(menu)) => self.rules.menu(*menu),
                _ => None,
            };
            let key = key.and_then(|menu| menu.keys.get(usize::from(place))).map_or("a key", |key| &key.digits);
            self.parts.push(format!("chose {key}"));
        }
    }
}
