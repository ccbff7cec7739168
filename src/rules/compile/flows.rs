//! Flows, their rules and the conditions of rules.

use std::collections::BTreeMap;

use crate::model::ids::{CallerClassId, EscalationId, FlowId, HoursId, LineId, SwitchId};
use crate::model::position::RuleRef;
use crate::rules::compile::names::Section;
use crate::rules::compile::steps::Setting;
use crate::rules::compile::{Desk, Entry};
use crate::rules::place::At;
use crate::rules::ruleset::{Condition, Flow, Owner, Rule, Test};
use crate::rules::shape::shorten;
use crate::rules::written::{self, Attempt, CountOr, NegatedCondition, OneOrMany, WordsOr};

impl<'a> Desk<'a> {
    pub(super) fn flow(&mut self, index: usize, entry: &Entry<'a, Vec<written::Rule>>) -> Flow {
        let at = &entry.at;
        if entry.value.is_empty() {
            let help = "add a rule, such as `- cascade: [{ ring: primary }]`";
            self.report(at, at.key_error("empty-list", "there are no rules here").help(help));
        }
        let flow = FlowId(u16::try_from(index).unwrap_or(u16::MAX));
        let mut rules: Vec<Rule> = Vec::with_capacity(entry.value.len());
        let mut names: BTreeMap<&str, At<'a>> = BTreeMap::new();
        for (index, written) in entry.value.iter().enumerate() {
            let at = at.item(index);
            let place = RuleRef { flow, index: u16::try_from(index).unwrap_or(u16::MAX) };
            self.rule_name(&at, entry.name, written, &mut names);
            rules.push(self.rule(&at, place, written));
        }
        Flow { name: entry.name.into(), rules: rules.into_boxed_slice(), at: at.line() }
    }

    fn rule_name(&mut self, at: &At<'a>, flow: &str, rule: &'a written::Rule, names: &mut BTreeMap<&'a str, At<'a>>) {
        let Some(name) = rule.name.as_deref() else { return };
        let at = at.field("name");
        if name.trim().is_empty() {
            self.error(&at, "empty-text", "the rule has an empty name", "write a name, or delete the key");
        } else if let Some(first) = names.get(name) {
            let message = format!("two rules of the flow `{flow}` are named `{}`", shorten(name));
            let clash = at.error("duplicate-name", message).also(first.source(), first.span(), "first written here");
            self.report(&at, clash.help("rename one of the two"));
        } else {
            names.insert(name, at);
        }
    }

    fn rule(&mut self, at: &At<'a>, place: RuleRef, written: &'a written::Rule) -> Rule {
        let when = written.when.as_ref().map_or_else(Vec::new, |when| self.when(&at.field("when"), when));
        let positive_caller = |condition: &Condition| !condition.negated && matches!(condition.test, Test::Caller(_));
        let setting =
            Setting::Rule { conditional: written.when.is_some(), by_caller: when.iter().any(positive_caller) };
        let steps = self.steps(&at.field("cascade"), &written.cascade, setting);
        let cascade = self.add_cascade(Owner::Rule(place), steps);
        let missed = match &written.missed {
            Some(name) => self.find(Section::Escalations, name, &at.field("missed")).map(EscalationId),
            None => None,
        };
        Rule {
            name: written.name.as_deref().map(Into::into),
            when: when.into_boxed_slice(),
            cascade,
            missed,
            at: at.line(),
        }
    }

    /// The tests of a `when`, in the order in which they are cheapest to tell apart: as documented.
    pub(super) fn when(&mut self, at: &At<'a>, when: &'a WordsOr<written::Condition>) -> Vec<Condition> {
        let mut conditions = Vec::new();
        match when {
            WordsOr::Words(hours) => {
                if hours.is_empty() {
                    self.empty_when(at);
                }
                let test = self.ids(Section::Hours, at, hours, HoursId).map(Test::Hours);
                conditions.extend(test.map(|test| Condition { negated: false, test, at: at.line() }));
            }
            WordsOr::Full(written) => {
                let positive = Keys {
                    hours: &written.hours,
                    caller: &written.caller,
                    switch: &written.switch,
                    line: &written.line,
                    language: &written.language,
                    attempt: written.attempt.as_ref(),
                };
                self.tests(at, &positive, false, &mut conditions);
                if let Some(not) = &written.not {
                    self.negated(&at.field("not"), not, &mut conditions);
                } else if positive.is_empty() {
                    self.empty_when(at);
                }
            }
        }
        conditions
    }

    fn empty_when(&mut self, at: &At<'a>) {
        if !at.is_broken() && at.is_there() {
            let help = "delete `when:` for a rule that always holds, or name hours, a caller class, a switch…";
            self.report(at, at.key_error("empty-condition", "the condition says nothing").help(help));
        }
    }

    fn negated(&mut self, at: &At<'a>, not: &'a NegatedCondition, conditions: &mut Vec<Condition>) {
        let keys = Keys {
            hours: &not.hours,
            caller: &not.caller,
            switch: &not.switch,
            line: &not.line,
            language: &not.language,
            attempt: not.attempt.as_ref(),
        };
        if keys.is_empty() {
            self.empty_when(at);
        }
        self.tests(at, &keys, true, conditions);
    }

    fn tests(&mut self, at: &At<'a>, keys: &Keys<'a>, negated: bool, conditions: &mut Vec<Condition>) {
        let mut add = |at: At<'a>, test: Option<Test>| {
            conditions.extend(test.map(|test| Condition { negated, test, at: at.line() }));
        };
        let place = at.field("hours");
        add(place, self.ids(Section::Hours, &place, &keys.hours.0, HoursId).map(Test::Hours));
        let place = at.field("caller");
        add(place, self.ids(Section::Callers, &place, &keys.caller.0, CallerClassId).map(Test::Caller));
        let place = at.field("switch");
        add(place, self.ids(Section::Switches, &place, &keys.switch.0, SwitchId).map(Test::Switch));
        let place = at.field("line");
        add(place, self.ids(Section::Lines, &place, &keys.line.0, LineId).map(Test::Line));
        let place = at.field("language");
        let languages: Vec<u8> = keys
            .language
            .0
            .iter()
            .enumerate()
            .filter_map(|(index, tag)| self.asked_language(place.one_of(index), tag))
            .collect();
        add(place, (!languages.is_empty()).then(|| Test::Language(languages.into_boxed_slice())));
        let place = at.field("attempt");
        let attempt = keys.attempt.and_then(|attempt| self.attempt(&place, attempt));
        add(place, attempt);
    }

    /// The names under one key; none when there are none.
    fn ids<T>(&mut self, section: Section, at: &At<'a>, names: &[String], id: fn(u16) -> T) -> Option<Box<[T]>> {
        let mut seen: Vec<u16> = Vec::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            let place = at.one_of(index);
            let Some(found) = self.find(section, name, &place) else { continue };
            if seen.contains(&found) {
                self.error(&place, "duplicate-name", format!("`{name}` is named twice"), "name it once");
            } else {
                seen.push(found);
            }
        }
        (!seen.is_empty()).then(|| seen.into_iter().map(id).collect())
    }

    fn attempt(&mut self, at: &At<'_>, attempt: &CountOr<Attempt>) -> Option<Test> {
        let (at_least, within) = match attempt {
            CountOr::Count(count) => (u8::try_from(*count).unwrap_or(u8::MAX), 600),
            CountOr::Full(attempt) => {
                let within = match attempt.within.as_deref() {
                    Some(text) => self.seconds(&at.field("within"), text, 60, 86_400)?,
                    None => 600,
                };
                (attempt.at_least, within)
            }
        };
        if at_least < 2 {
            let help = "write at least 2: the first call counts as one, so 1 always holds";
            self.error(at, "out-of-range", "every call is at least the first", help);
            return None;
        }
        Some(Test::Attempt { at_least, within })
    }
}

/// The keys that a condition and its `not` share.
struct Keys<'a> {
    hours: &'a OneOrMany<String>,
    caller: &'a OneOrMany<String>,
    switch: &'a OneOrMany<String>,
    line: &'a OneOrMany<String>,
    language: &'a OneOrMany<String>,
    attempt: Option<&'a CountOr<Attempt>>,
}

impl Keys<'_> {
    fn is_empty(&self) -> bool {
        let lists = [self.hours, self.caller, self.switch, self.line, self.language];
        lists.iter().all(|list| list.0.is_empty()) && self.attempt.is_none()
    }
}
