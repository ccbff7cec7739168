//! Whether an imagined call of a rule file comes out as the file says.

use std::fmt::Write as _;

use crate::decide::words::{effects, places, sentence};
use crate::journey::people::{Reply, Script};
use crate::journey::{Call, Journey, travel};
use crate::model::call::{Attestation, State};
use crate::model::ids::ContactId;
use crate::model::moment::Moment;
use crate::rules::case::{Case, Expect};
use crate::rules::ruleset::RuleSet;

/// What came of one case.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The case's own sentence.
    pub name: Box<str>,
    /// Line of the file it stands in.
    pub line: u32,
    /// What came out otherwise; empty when all is as expected.
    pub failures: Vec<Failure>,
    /// The whole call.
    pub journey: Journey,
    /// The call in one sentence.
    pub told: String,
    /// What to ask `ringfall explain` for the same call, the file apart.
    pub again: String,
}

/// One expectation that was not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The key of the expectation, such as `rings`.
    pub what: &'static str,
    /// What was expected.
    pub expected: String,
    /// What came instead.
    pub got: String,
}

impl Verdict {
    /// Whether all is as expected.
    pub const fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// Follows the call of a case, and compares.
pub fn judge(rules: &RuleSet, case: &Case) -> Verdict {
    let call = call(rules, case);
    let mut script = script(case);
    let journey = travel(rules, &call, &mut script);
    let mut failures = compare(rules, &case.expect, &journey);
    let unasked: Vec<String> = script.unasked().map(reply_words).collect();
    if !unasked.is_empty() {
        let expected = "every one of them asked for".to_owned();
        failures.push(Failure { what: "keys", expected, got: format!("nobody asked for {}", unasked.join(", ")) });
    }
    let answers = journey.stops.iter().map(|stop| &stop.decision.trace);
    let answers = answers.map(|trace| sentence::Answered { trace, after: None });
    let told = sentence::sentence(rules, &journey.began, &call.caller, answers, Some(journey.end));
    let again = again(rules, case);
    Verdict { name: case.name.clone(), line: case.line, failures, journey, told, again }
}

/// The call of a case.
pub fn call(rules: &RuleSet, case: &Case) -> Call {
    let mut switches = vec![None; rules.switches.len()];
    for (switch, on) in &case.switches {
        if let Some(place) = switches.get_mut(switch.index()) {
            *place = Some(*on);
        }
    }
    // The earlier calls of a caller who tries again came just now, within every stretch that a rule may ask for.
    let earlier = usize::from(case.attempt.saturating_sub(1));
    Call {
        line: Some(case.to),
        caller: case.from.clone(),
        forwarded_from: None,
        attestation: case.attestation,
        at: case.at.seconds(),
        state: State { switches, stale: Vec::new(), active_calls: Vec::new(), earlier_calls: vec![0; earlier] },
    }
}

/// What the people of a case do.
pub fn script(case: &Case) -> Script {
    let legs =
        case.legs.iter().fold(Script::new(), |script, (contact, does)| script.leg(*contact, does.iter().copied()));
    case.keys.iter().fold(legs, |script, key| script.key(Reply::read(key)))
}

/// The options of `ringfall explain` that make the call of a case.
fn again(rules: &RuleSet, case: &Case) -> String {
    let mut options = String::new();
    let mut add = |option: &str, value: &str| {
        let _ = write!(options, " --{option} {}", quoted(value));
    };
    add("to", rules.line(case.to).map_or("", |line| line.number.as_str()));
    add("from", &case.from.to_string());
    add("at", &local(&case.at));
    for (switch, on) in &case.switches {
        let name = rules.switch(*switch).map_or("", |switch| &switch.name);
        add("switch", &format!("{name}={}", if *on { "on" } else { "off" }));
    }
    for (contact, does) in &case.legs {
        let words: Vec<&str> = does.iter().map(|leg| leg.word()).collect();
        add("leg", &format!("{}={}", places::contact_name(rules, *contact), words.join(",")));
    }
    for key in &case.keys {
        add("key", key);
    }
    if case.attempt > 1 {
        add("attempt", &case.attempt.to_string());
    }
    if case.attestation != Attestation::Unsigned {
        add("attestation", case.attestation.word());
    }
    options.trim_start().to_owned()
}

/// A local time that reads back as the same instant.
pub fn local(moment: &Moment) -> String {
    let zoned = moment.zoned();
    let ambiguous = zoned.time_zone().to_ambiguous_timestamp(zoned.datetime()).is_ambiguous();
    let form = if ambiguous { "%Y-%m-%d %H:%M:%S%:z" } else { "%Y-%m-%d %H:%M:%S" };
    let text = zoned.strftime(form).to_string();
    text.strip_suffix(":00").filter(|_| !ambiguous).unwrap_or(&text).to_owned()
}

/// A word as a shell takes it.
fn quoted(value: &str) -> String {
    let plain = |sign: char| sign.is_ascii_alphanumeric() || "+-_.,=:/@%".contains(sign);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', "'\\''"))
}

fn reply_words(reply: &Reply) -> String {
    match reply {
        Reply::Pressed(digits) => format!("`{digits}`"),
        Reply::Said(speech) => format!("`{speech}`"),
        Reply::Silence => "silence".into(),
        Reply::HangsUp => "the caller to hang up".into(),
    }
}

/// Collects what is not as it should be.
struct Compared<'a> {
    rules: &'a RuleSet,
    journey: &'a Journey,
    failures: Vec<Failure>,
}

impl Compared<'_> {
    fn check(&mut self, what: &'static str, holds: bool, expected: String, got: String) {
        if !holds {
            self.failures.push(Failure { what, expected, got });
        }
    }

    fn names(&self, ids: &[ContactId]) -> String {
        if ids.is_empty() { "nobody".into() } else { places::contact_names(self.rules, ids) }
    }
}

fn compare(rules: &RuleSet, expect: &Expect, journey: &Journey) -> Vec<Failure> {
    let mut compared = Compared { rules, journey, failures: Vec::new() };
    way(&mut compared, expect);
    people(&mut compared, expect);
    if let Some(ends) = expect.ends {
        compared.check("ends", journey.end == ends, ends.word().into(), journey.end.word().into());
    }
    if let Some(most) = expect.waits {
        let waited = journey.waited;
        compared.check("waits", waited <= most, format!("at most {most} s"), format!("{waited} s"));
    }
    if let Some(name) = &expect.mailbox {
        let got = journey.mailbox().map_or("no mailbox", |mailbox| places::mailbox_name(rules, mailbox));
        compared.check("mailbox", got == &**name, name.to_string(), got.into());
    }
    compared.failures
}

/// The rule, the flow and the menu.
fn way(compared: &mut Compared<'_>, expect: &Expect) {
    let Compared { rules, journey, .. } = *compared;
    let taken: Vec<_> = journey.rules().collect();
    if let Some(wanted) = &expect.rule {
        let last = taken.last();
        let name = |rule: Option<&_>| rule.map_or_else(|| "no rule".into(), |rule| places::rule_name(rules, *rule));
        compared.check("rule", last.is_some_and(|rule| wanted.contains(rule)), name(wanted.first()), name(last));
    }
    if let Some(flow) = expect.flow {
        let holds = taken.iter().any(|rule| rule.flow == flow);
        let mut went: Vec<&str> = taken.iter().map(|rule| places::flow_name(rules, rule.flow)).collect();
        went.dedup();
        compared.check("flow", holds, places::flow_name(rules, flow).into(), went.join(", "));
    }
    if let Some(menu) = expect.menu {
        let heard: Vec<_> = journey.menus().collect();
        let names: Vec<&str> = heard.iter().map(|menu| places::menu_name(rules, *menu)).collect();
        let got = if names.is_empty() { "no menu".into() } else { names.join(", ") };
        compared.check("menu", heard.contains(&menu), places::menu_name(rules, menu).into(), got);
    }
}

/// Who is rung and who gets a text.
fn people(compared: &mut Compared<'_>, expect: &Expect) {
    let Compared { rules, journey, .. } = *compared;
    if let Some(wanted) = &expect.rings {
        let every: Vec<ContactId> = journey.rung().map(|rung| rung.contact).collect();
        let mut once = every.clone();
        let mut seen = Vec::new();
        once.retain(|id| {
            !seen.contains(id) && {
                seen.push(*id);
                true
            }
        });
        // Who is rung twice may be named twice, or once.
        let holds = **wanted == *every || **wanted == *once;
        let (expected, got) = (compared.names(wanted), compared.names(&every));
        compared.check("rings", holds, expected, got);
    }
    if let Some(wanted) = &expect.sms {
        let mut got: Vec<Option<ContactId>> = Vec::new();
        for effect in journey.effects() {
            got.extend(effects::texts_caller(rules, effect).then_some(None));
            got.extend(effects::texted(rules, effect).into_iter().map(Some));
        }
        let words = |list: &[Option<ContactId>]| {
            let name = |id: &Option<ContactId>| id.map_or("caller", |id| places::contact_name(rules, id));
            let names: Vec<&str> = list.iter().map(name).collect();
            if names.is_empty() { "nobody".to_owned() } else { names.join(", ") }
        };
        let sorted = |list: &[Option<ContactId>]| {
            let mut list = list.to_vec();
            list.sort_unstable();
            list.dedup();
            list
        };
        compared.check("sms", sorted(wanted) == sorted(&got), words(wanted), words(&got));
    }
}
