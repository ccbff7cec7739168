//! Rules and calls of chance: what is proved of the rules must hold for every one of the calls.

use std::fmt::Write as _;

use jiff::civil::date;

use super::limits;
use crate::journey::people::{Reply, Script};
use crate::journey::{Call, travel};
use crate::model::call::{Attestation, State};
use crate::model::ids::{ContactId, LineId};
use crate::model::leg::Leg;
use crate::model::phone::{Caller, E164};
use crate::prove::claim::breaks;
use crate::prove::{Outcome, promises};
use crate::rules::ruleset::{Claim, RuleSet};
use crate::rules::{NoFiles, load};

/// Numbers that look random and are the same in every run.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }
}

const WHEN: [&str; 12] = [
    "{ hours: day }",
    "{ hours: night }",
    "{ not: { hours: day } }",
    "{ hours: noon, not: { switch: s1 } }",
    "{ switch: s1 }",
    "{ not: { switch: s2 } }",
    "{ caller: k1 }",
    "{ caller: k2, hours: [noon, night] }",
    "{ not: { caller: [k1, k2] } }",
    "{ attempt: { at_least: 2, within: 10m } }",
    "{ attempt: { at_least: 3, within: 1h }, switch: [s1, s2] }",
    "{ caller: k1, not: { hours: night, switch: s2 } }",
];
const STEPS: [&str; 9] = [
    "{ ring: ann, for: 10s }",
    "{ ring: bo, for: 25s }",
    "{ ring: [cy, di], for: 15s }",
    "{ say: Thank you for calling us today. }",
    "{ menu: m1 }",
    "{ menu: m2 }",
    "{ voicemail: box }",
    "{ ring: di, for: 40s }",
    "{ ring: ann, for: 5s }",
];
const KEYS: [&str; 6] = [
    "[{ flow: f1 }]",
    "[{ flow: f2 }]",
    "[{ ring: bo, for: 15s }, { hangup: Bye. }]",
    "[{ menu: m2 }]",
    "[{ voicemail: box }]",
    "[{ say: Please hold. }, { ring: cy, for: 20s }]",
];

pub(crate) fn random_file(chance: &mut Chance) -> String {
    let mut flows = String::new();
    for flow in 0..3 {
        writeln!(flows, "  f{flow}:").unwrap();
        for _ in 0..1 + chance.below(4) {
            let steps: Vec<&str> = (0..1 + chance.below(3)).map(|_| chance.pick(&STEPS)).collect();
            let (when, steps) = (chance.pick(&WHEN), steps.join(", "));
            writeln!(flows, "    - when: {when}\n      cascade: [{steps}]").unwrap();
        }
    }
    let mut keys = || format!("{{ \"1\": {}, \"2\": {} }}", chance.pick(&KEYS), chance.pick(&KEYS));
    let (first, second) = (keys(), keys());
    format!(
        r#"
version: 1
timezone: America/Denver
lines:
  a: {{ number: "+17205550100", start: f0 }}
  b: {{ number: "+17205550101", start: f1, timezone: America/New_York }}
contacts:
  ann: {{ number: "+17205550111", away: s1 }}
  bo: {{ number: "+17205550112", max_calls: 1 }}
  cy: {{ number: "+17205550113", confirm: none, away: s2 }}
  di: {{ number: "+17205550114", confirm: none }}
switches: {{ s1: {{ expires: 4h }}, s2: {{ expires: 4h, default: on }} }}
hours: {{ day: mon-fri 08:00-18:00, night: daily 20:00-06:00, noon: daily 12:00-13:00 }}
callers:
  k1: {{ numbers: ["+17205550111", "+12125550101"], withheld: true }}
  k2: {{ prefixes: ["+1212"], attestation: [failed] }}
flows:
{flows}
menus:
  m1: {{ say: Press 1 or 2., keys: {first}, wait: 5s, tries: 2 }}
  m2: {{ say: Press 1 or 2 now., keys: {second}, wait: 4s }}
mailboxes:
  box:
    greeting: Hello.
    greetings: [{{ when: night, say: We are closed and shall call you back tomorrow in the morning. }}]
finally: {{ voicemail: box }}
promises:
  - every_call_ends: [{}]
  - caller_waits_at_most: {}s
  - never_rings: {{ contact: {}, during: {} }}
  - never_rings: {{ contact: {}, during: {}, except_flow: f2 }}
"#,
        chance.pick(&["connected, voicemail", "voicemail, hung_up", "connected, voicemail, hung_up"]),
        20 + chance.below(120),
        chance.pick(&["ann", "bo", "cy", "di"]),
        chance.pick(&["day", "night", "noon"]),
        chance.pick(&["ann", "bo", "cy", "di"]),
        chance.pick(&["day", "night", "noon"]),
    )
}

/// A call of which everything is left to chance, and everybody in it.
pub(crate) fn random_call(chance: &mut Chance, rules: &RuleSet) -> (Call, Script) {
    let from = ["+12125550188", "+12125550101", "+17205550111", "+17205550113", "anonymous", "+13035550177"];
    let forwarded = ["", "", "", "+17205550112", "+17205550114"];
    let earlier = chance.below(4);
    let call = Call {
        line: [Some(LineId(0)), Some(LineId(1)), None][usize::try_from(chance.below(3)).unwrap()],
        caller: Caller::parse(chance.pick(&from)),
        forwarded_from: E164::parse(chance.pick(&forwarded)).ok(),
        attestation: Attestation::ALL[usize::try_from(chance.below(5)).unwrap()],
        at: limits().from.as_second() + i64::try_from(chance.below(30 * 86_400)).unwrap(),
        state: State {
            switches: (0..2)
                .map(|_| [Some(true), Some(false), None][usize::try_from(chance.below(3)).unwrap()])
                .collect(),
            stale: Vec::new(),
            active_calls: rules.contacts.iter().map(|_| u8::try_from(chance.below(2)).unwrap()).collect(),
            earlier_calls: (0..earlier).map(|_| u32::try_from(chance.below(4_000)).unwrap()).collect(),
        },
    };
    let legs = [Leg::NoAnswer, Leg::AnsweredNoKey, Leg::Busy, Leg::Declined, Leg::Unreachable, Leg::Answered];
    let mut script = Script::new();
    for contact in 0..4 {
        let does: Vec<Leg> = (0..4).map(|_| legs[usize::try_from(chance.below(6)).unwrap()]).collect();
        script = script.leg(ContactId(contact), does);
    }
    for _ in 0..chance.below(6) {
        script = script.key(Reply::read(chance.pick(&["1", "2", "3", "", "silence"])));
    }
    (call, script)
}

#[test]
fn no_call_of_chance_breaks_what_was_proved() {
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let (mut proved, mut broken, mut tried) = (0, 0, 0);
    for _ in 0..60 {
        let text = random_file(&mut chance);
        let loaded = load("test.yaml", text.as_bytes(), &NoFiles, date(2026, 3, 2));
        let Some(rules) = loaded.rules else { continue };
        let verdicts = promises(&rules, limits());
        let held: Vec<&Claim> = verdicts
            .iter()
            .filter(|verdict| {
                broken += u32::from(matches!(verdict.outcome, Outcome::Broken(_)));
                assert!(!matches!(verdict.outcome, Outcome::Unfinished(_)), "{verdict:?}\n{text}");
                matches!(verdict.outcome, Outcome::Proved(_))
            })
            .map(|verdict| &rules.promises[verdict.promise].claim)
            .collect();
        proved += held.len();
        for _ in 0..150 {
            let (call, mut script) = random_call(&mut chance, &rules);
            let journey = travel(&rules, &call, &mut script);
            tried += 1;
            for claim in &held {
                assert!(!breaks(&rules, claim, &journey), "{claim:?}\n{call:?}\n{journey:#?}\n{text}");
            }
        }
    }
    assert!(proved > 60 && broken > 60 && tried > 5_000, "{proved} {broken} {tried}");
}
