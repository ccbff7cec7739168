//! The `tests` of a file.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::model::call::Attestation;
use crate::model::ids::{ContactId, FlowId, LineId, MenuId, SwitchId};
use crate::model::leg::Leg;
use crate::model::moment::{Moment, Zone};
use crate::model::near::nearest;
use crate::model::phone::{Caller, E164};
use crate::model::position::RuleRef;
use crate::rules::case::{Case, Expect};
use crate::rules::compile::Desk;
use crate::rules::compile::callers::attestation_of;
use crate::rules::compile::names::Section;
use crate::rules::grammar;
use crate::rules::place::At;
use crate::rules::ruleset::{Flow, Line};
use crate::rules::shape::shorten;
use crate::rules::written::{self, Named, OneOrMany, SwitchWord, WordsOr};

/// Who calls in a test that does not say: a number reserved for fiction, in no list by accident.
const SOMEBODY: &str = "+12025550100";

impl<'a> Desk<'a> {
    pub(super) fn cases(&mut self, lines: &[Line], flows: &[Flow]) -> Vec<Case> {
        let mut cases = Vec::new();
        let mut names: BTreeMap<&str, At<'a>> = BTreeMap::new();
        let parts = self.parts;
        for part in parts {
            let list = At::root(part).field("tests");
            for (index, written) in part.file.tests.iter().enumerate() {
                let at = list.item(index);
                self.case_name(&at.field("name"), &written.name, &mut names);
                cases.extend(self.case(&at, written, lines, flows));
            }
        }
        cases
    }

    fn case_name(&mut self, at: &At<'a>, name: &'a str, names: &mut BTreeMap<&'a str, At<'a>>) {
        if name.trim().is_empty() {
            self.error(at, "empty-text", "the test has an empty name", "write a sentence that says what holds");
        } else if let Some(first) = names.get(name) {
            let clash = at.error("duplicate-name", "two tests have the same name");
            let clash = clash.also(first.source(), first.span(), "first written here");
            self.report(at, clash.help("say in the name what differs"));
        } else {
            names.insert(name, *at);
        }
    }

    fn case(&mut self, at: &At<'a>, written: &'a written::Case, lines: &[Line], flows: &[Flow]) -> Option<Case> {
        let name_at = at.field("name");
        let call_at = at.field("call");
        let call = &written.call;
        let to = match &call.to {
            Some(to) => self.line_called(&call_at.field("to"), to, lines),
            None => Some(LineId(0)),
        };
        let zone = to.and_then(|to| lines.get(to.index())).map_or_else(|| self.zone.clone(), |line| line.zone.clone());
        let moment = self.moment(&call_at.field("at"), &call.at, &zone);
        let from = match call.from.as_deref() {
            Some(from) => self.caller(&call_at.field("from"), from),
            None => Some(Caller::parse(SOMEBODY)),
        };
        let switches =
            call.switches.as_ref().map_or_else(Vec::new, |set| self.switches_set(&call_at.field("switches"), set));
        let legs = self.legs(&at.field("legs"), &written.legs);
        let expect = self.expect(&at.field("expect"), &written.expect, flows);
        Some(Case {
            name: written.name.trim().into(),
            source: Arc::clone(at.source()),
            span: name_at.span(),
            line: at.line(),
            to: to?,
            from: from?,
            at: moment?,
            switches: switches.into_boxed_slice(),
            attempt: call.attempt.unwrap_or(1),
            attestation: call.attestation.map_or(Attestation::Unsigned, attestation_of),
            legs: legs.into_boxed_slice(),
            keys: written.keys.0.iter().map(|key| key.as_str().into()).collect(),
            expect,
        })
    }

    /// A line by its name or its number.
    fn line_called(&mut self, at: &At<'_>, to: &str, lines: &[Line]) -> Option<LineId> {
        let by_number = || lines.iter().position(|line| line.number.as_str() == to);
        if to.starts_with('+') {
            self.number(at, to)?;
            if let Some(index) = by_number() {
                return u16::try_from(index).ok().map(LineId);
            }
        }
        self.find(Section::Lines, to, at).map(LineId)
    }

    fn moment(&mut self, at: &At<'_>, text: &str, zone: &Zone) -> Option<Moment> {
        let written = self.read(at, grammar::moment(text))?;
        match written.within(zone) {
            Ok(moment) => Some(moment),
            Err(error) => {
                self.error(at, "no-such-time", error.to_string(), "choose a time that the clocks show");
                None
            }
        }
    }

    fn caller(&mut self, at: &At<'_>, text: &str) -> Option<Caller> {
        if text.starts_with('+') && E164::parse(text).is_ok() && Caller::parse(text) != Caller::Withheld {
            return self.number(at, text).map(Caller::Number);
        }
        let caller = if text == "withheld" { Caller::Withheld } else { Caller::parse(text) };
        if let Caller::Malformed(_) = caller {
            self.number(at, text);
            return None;
        }
        Some(caller)
    }

    fn switches_set(&mut self, at: &At<'a>, set: &WordsOr<Named<SwitchWord>>) -> Vec<(SwitchId, bool)> {
        let mut switches = Vec::new();
        match set {
            WordsOr::Words(names) => {
                for (index, name) in names.iter().enumerate() {
                    let place = at.one_of(index);
                    switches.extend(self.find(Section::Switches, name, &place).map(|id| (SwitchId(id), true)));
                }
            }
            WordsOr::Full(positions) => {
                for (index, (name, word)) in positions.0.iter().enumerate() {
                    let place = at.item(index);
                    let on = *word == SwitchWord::On;
                    switches.extend(self.find(Section::Switches, name, &place).map(|id| (SwitchId(id), on)));
                }
            }
        }
        switches
    }

    fn legs(&mut self, at: &At<'a>, legs: &Named<OneOrMany<String>>) -> Vec<(ContactId, Box<[Leg]>)> {
        let mut compiled = Vec::with_capacity(legs.0.len());
        for (index, (name, words)) in legs.0.iter().enumerate() {
            let place = at.item(index);
            let Some(contact) = self.find_key(Section::Contacts, name, &place).map(ContactId) else { continue };
            let mut outcomes = Vec::with_capacity(words.0.len());
            for (index, word) in words.0.iter().enumerate() {
                outcomes.extend(self.leg(&place.one_of(index), word));
            }
            compiled.push((contact, outcomes.into_boxed_slice()));
        }
        compiled
    }

    fn leg(&mut self, at: &At<'_>, word: &str) -> Option<Leg> {
        match Leg::parse(word) {
            Ok(leg) => Some(leg),
            Err(error) => {
                let help = match error.nearest {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("known are {}", Leg::choices()),
                };
                self.error(at, "unknown-word", format!("nobody does `{}` when rung", shorten(word)), help);
                None
            }
        }
    }

    /// The same as finding, for a name that stands as a key.
    fn find_key(&mut self, section: Section, name: &str, at: &At<'_>) -> Option<u16> {
        match self.names.find(section, name, at) {
            Ok(index) => Some(index),
            Err(problem) => {
                let at_key = at.key_error(problem.code, problem.message.clone());
                self.report_unknown(section, at, Diagnostic { primary: at_key.primary, ..*problem });
                None
            }
        }
    }

    fn expect(&mut self, at: &At<'a>, written: &'a written::Expect, flows: &[Flow]) -> Expect {
        let rule = written.rule.as_ref().and_then(|name| self.rules_named(&at.field("rule"), name, flows));
        let flow =
            written.flow.as_ref().and_then(|name| self.find(Section::Flows, name, &at.field("flow")).map(FlowId));
        let ends = written.ends.as_ref().and_then(|word| self.end_kind(&at.field("ends"), word));
        let rings = written.rings.as_ref().map(|names| {
            let list = at.field("rings");
            let found = names
                .iter()
                .enumerate()
                .filter_map(|(index, name)| self.find(Section::Contacts, name, &list.item(index)));
            found.map(ContactId).collect()
        });
        let sms = written.sms.as_ref().map(|names| {
            let list = at.field("sms");
            let mut found = Vec::with_capacity(names.len());
            for (index, name) in names.iter().enumerate() {
                let contact = (name != "caller").then(|| self.find(Section::Contacts, name, &list.item(index)));
                found.extend(match contact {
                    None => Some(None),
                    Some(id) => id.map(|id| Some(ContactId(id))),
                });
            }
            found.into_boxed_slice()
        });
        let waits =
            written.waits.as_deref().and_then(|waits| self.read(&at.field("waits"), grammar::wait_limit(waits)));
        let mailbox = written
            .mailbox
            .as_ref()
            .and_then(|name| self.find(Section::Mailboxes, name, &at.field("mailbox")).map(|_| name.as_str().into()));
        let menu =
            written.menu.as_ref().and_then(|name| self.find(Section::Menus, name, &at.field("menu")).map(MenuId));
        Expect { rule, flow, ends, rings, sms, waits, mailbox, menu }
    }

    fn rules_named(&mut self, at: &At<'_>, name: &str, flows: &[Flow]) -> Option<Box<[RuleRef]>> {
        let mut found = Vec::new();
        for (flow, rules) in flows.iter().enumerate() {
            for (index, rule) in rules.rules.iter().enumerate() {
                if rule.name.as_deref() == Some(name) {
                    let flow = FlowId(u16::try_from(flow).unwrap_or(u16::MAX));
                    found.push(RuleRef { flow, index: u16::try_from(index).unwrap_or(u16::MAX) });
                }
            }
        }
        if found.is_empty() {
            let known = || flows.iter().flat_map(|flow| flow.rules.iter().filter_map(|rule| rule.name.as_deref()));
            let near = if self.problems.len() < 100 { nearest(name, known()) } else { None };
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "give the rule that name with `name:`".to_owned(),
            };
            self.error(at, "unknown-name", format!("there is no rule `{}`", shorten(name)), help);
            return None;
        }
        Some(found.into_boxed_slice())
    }
}
