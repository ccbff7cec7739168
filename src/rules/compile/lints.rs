//! Warnings: what can never happen, and what its author will hardly want. Only for files without errors.

use jiff::civil::Date;

use crate::model::numbering::{self, PhoneNumberType, country};
use crate::rules::bar::Bar;
use crate::rules::compile::{Desk, Sections};
use crate::rules::place::At;
use crate::rules::ruleset::{Condition, Confirm, Contact, Flow, Rule, RuleSet, Span, Test, Verb};

/// Longest ring that a mobile's mailbox is unlikely to cut into, in seconds.
///
/// Carriers' mailboxes mostly answer between the 20th and the 30th second.
const BEFORE_THE_MAILBOX: u16 = 25;

/// Longest ringing that a caller bears, in seconds: over it, most have hung up.
const BEARABLE: u32 = 180;

/// A list of holidays that ends within so many days is worth a word.
const SOON: i64 = 45;

/// Minutes of a day.
const DAY: u16 = 1440;

/// Hours that run over midnight and are longer than this, in minutes, are mostly five o'clock for seventeen.
const LONGEST_NIGHT: u16 = 14 * 60;

/// How many rules of a flow are compared with those before them: the work grows with the square.
const MOST_COMPARED: usize = 2000;

impl<'a> Desk<'a> {
    /// Warns of everything that is odd in a sound rule set.
    pub(super) fn lints(&mut self, rules: &RuleSet, sections: &Sections<'a>, today: Date) {
        for (flow, entry) in rules.flows.iter().zip(&sections.flows) {
            self.unreachable_rules(flow, &entry.at);
            for (index, rule) in flow.rules.iter().enumerate() {
                self.long_wait(rules, rule, &entry.at.item(index));
            }
        }
        for (hours, entry) in rules.hours.iter().zip(&sections.hours) {
            let opens =
                !hours.week.is_empty() || hours.dates.iter().any(|dated| dated.day >= today && !dated.open.is_empty());
            if !opens {
                let warning = entry.at.key_warning("never-open", format!("the hours `{}` never open", entry.name));
                self.report(&entry.at, warning.help("add an interval, such as `mon-fri 09:00-17:00`"));
            }
            let night = |span: &Span| span.to > DAY && span.to - span.from > LONGEST_NIGHT;
            if let Some(span) = hours.week.iter().map(|weekly| weekly.span).find(night) {
                self.long_night(span, entry.name, &entry.at);
            }
        }
        for (holidays, entry) in rules.holidays.iter().zip(&sections.holidays) {
            self.holidays_end(holidays.ends, holidays.must_cover, entry.name, &entry.at, today);
        }
        for (contact, entry) in rules.contacts.iter().zip(&sections.contacts) {
            self.odd_number(rules, contact, &entry.at);
        }
        self.long_rings(rules, sections);
    }

    fn long_night(&mut self, span: Span, name: &str, at: &At<'a>) {
        let clock = |minute: u16| format!("{:02}:{:02}", minute / 60 % 24, minute % 60);
        let (from, to) = (clock(span.from), clock(span.to));
        let message = format!("the hours `{name}` go through the night: {from} to {to} of the next day");
        let help = if span.to % DAY <= DAY / 2 {
            format!("if the afternoon is meant, write `{from}-{}`", clock(span.to % DAY + DAY / 2))
        } else {
            "see whether the two times are the right way round".to_owned()
        };
        self.report(at, at.key_warning("long-night", message).help(help));
    }

    fn unreachable_rules(&mut self, flow: &Flow, at: &At<'a>) {
        for (index, rule) in flow.rules.iter().enumerate().take(MOST_COMPARED) {
            let place = at.item(index);
            let earlier = flow.rules.iter().take(index).position(|earlier| covers(earlier, rule));
            if let Some(earlier) = earlier {
                let warning = place.warning("unreachable-rule", "this rule is never reached");
                let first = at.item(earlier);
                let warning =
                    warning.also(first.source(), first.span(), "this one takes every call that it would take");
                self.report(&place, warning.help("move it up, or delete it"));
            } else if contradicts(rule) {
                let when = place.field("when");
                let warning = when.warning("unreachable-rule", "the condition asks for something and for its opposite");
                self.report(&when, warning.help("take one of the two out"));
            }
        }
    }

    fn long_wait(&mut self, rules: &RuleSet, rule: &Rule, at: &At<'a>) {
        let Some(cascade) = rules.cascade(rule.cascade) else { return };
        let rings = cascade.steps.iter().map(|step| match &step.verb {
            Verb::Ring(ring) => u32::from(ring.seconds),
            Verb::Speak(_) | Verb::Menu(_) | Verb::Flow { .. } | Verb::Voicemail(_) | Verb::Reject(_) => 0,
            Verb::Hangup(_) | Verb::Text(_) | Verb::Notice(_) | Verb::Handoff(_) => 0,
        });
        let seconds: u32 = rings.sum();
        if seconds > BEARABLE {
            let place = at.field("cascade");
            let message = format!("a caller whom nobody takes hears {seconds} seconds of ringing here");
            let warning = place.key_warning("long-wait", message);
            self.problems.push(
                warning.help(format!("ring fewer people or for shorter: few callers wait over {BEARABLE} seconds")),
            );
        }
    }

    fn holidays_end(&mut self, ends: Option<Date>, must_cover: Option<u16>, name: &str, at: &At<'a>, today: Date) {
        let Some(ends) = ends else { return };
        let needed = must_cover.map_or(SOON, i64::from);
        let left = today.until(ends).map_or(0, |span| i64::from(span.get_days()));
        if left < needed {
            let message = match left {
                ..0 => format!("the holiday list `{name}` ended on {ends}"),
                _ => format!("the holiday list `{name}` knows nothing after {ends}, {left} days from now"),
            };
            let warning = at.key_warning("holidays-end", message);
            self.problems.push(
                warning.help("add next year's days, or write days that come back every year, such as `date: 12-25`"),
            );
        }
    }

    fn odd_number(&mut self, rules: &RuleSet, contact: &Contact, at: &At<'a>) {
        let there = at.field("number");
        let place = if there.is_there() { there } else { *at };
        if let Some(line) = rules.lines.iter().find(|line| line.number == contact.number) {
            let message = format!("`{}` has the number of our own line `{}`", contact.name, line.name);
            let warning = place.warning("own-number", message);
            self.problems
                .push(warning.help("such a call comes back to these rules, round and round: ring a number of its own"));
            return;
        }
        match contact.barred {
            None => {}
            Some(Bar::Premium) => {
                let message = format!("`{}` has a number that costs extra", contact.name);
                let help = "ring an ordinary number: this one is passed over in every call";
                self.report(&place, place.warning("premium-number", message).help(help));
            }
            Some(Bar::Country) => {
                let Some(country) = country(&contact.number) else { return };
                let listed = rules.countries.join(", ");
                let message = format!("`{}` has a number in {country}, and only {listed} may be rung", contact.name);
                let warning = place.warning("unlisted-country", message);
                self.problems.push(
                    warning.help(format!("list all countries that you ring: `countries: [{listed}, {country}]`")),
                );
            }
        }
    }

    /// Rings so long that a mailbox would pick up for somebody who need not press a key.
    fn long_rings(&mut self, rules: &RuleSet, sections: &Sections<'a>) {
        let mut told: Vec<u32> = Vec::new();
        for step in rules.cascades.iter().flat_map(|cascade| &cascade.steps) {
            let Verb::Ring(ring) = &step.verb else { continue };
            if ring.seconds <= BEFORE_THE_MAILBOX {
                continue;
            }
            for id in &ring.contacts {
                let Some((contact, entry)) = rules.contact(*id).zip(sections.contacts.get(id.index())) else {
                    continue;
                };
                if contact.confirm == Confirm::None && may_be_mobile(contact) && !told.contains(&contact.at) {
                    told.push(contact.at);
                    let message = format!(
                        "`{}` is rung for {} seconds on line {}, and takes calls without a key",
                        contact.name, ring.seconds, step.at
                    );
                    let warning = entry.at.key_warning("mailbox-may-answer", message);
                    let help = "a mobile's mailbox would pick up and count as a person: write `confirm: key`, or ring for at most 25s";
                    self.report(&entry.at, warning.help(help));
                }
            }
        }
    }
}

fn may_be_mobile(contact: &Contact) -> bool {
    !matches!(
        numbering::kind(&contact.number),
        Some(PhoneNumberType::TollFree | PhoneNumberType::FixedLine | PhoneNumberType::VoIP | PhoneNumberType::UAN)
    )
}

/// Whether every call that the later rule would take is taken by the earlier one.
fn covers(earlier: &Rule, later: &Rule) -> bool {
    earlier.when.iter().all(|wanted| later.when.iter().any(|given| implies(given, wanted)))
}

/// Whether whenever `given` holds, `wanted` holds too.
fn implies(given: &Condition, wanted: &Condition) -> bool {
    if given.negated != wanted.negated {
        return false;
    }
    let (inner, outer) = if given.negated { (wanted, given) } else { (given, wanted) };
    within(&inner.test, &outer.test)
}

/// Whether a rule asks for something that it also rules out.
fn contradicts(rule: &Rule) -> bool {
    let positive = rule.when.iter().filter(|condition| !condition.negated);
    positive.into_iter().any(|asked| {
        rule.when.iter().filter(|condition| condition.negated).any(|ruled_out| within(&asked.test, &ruled_out.test))
    })
}

/// Whether whenever the first test holds, the second holds too.
fn within(inner: &Test, outer: &Test) -> bool {
    fn all<T: PartialEq>(inner: &[T], outer: &[T]) -> bool {
        inner.iter().all(|item| outer.contains(item))
    }
    match (inner, outer) {
        (Test::Hours(inner), Test::Hours(outer)) => all(inner, outer),
        (Test::Caller(inner), Test::Caller(outer)) => all(inner, outer),
        (Test::Switch(inner), Test::Switch(outer)) => all(inner, outer),
        (Test::Line(inner), Test::Line(outer)) => all(inner, outer),
        (Test::Language(inner), Test::Language(outer)) => all(inner, outer),
        (Test::Attempt { at_least, within }, Test::Attempt { at_least: fewer, within: longer }) => {
            at_least >= fewer && within <= longer
        }
        _ => false,
    }
}
