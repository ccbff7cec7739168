//! Two rule sets side by side: what differs is found, what does not differ is proved, and chance finds no third.

use jiff::civil::date;
use proptest::prelude::*;

use super::{Class, Pair, pair, report};
use crate::decide::tests::generate::{Dice, rule_set};
use crate::journey::observe::{Aspect, Aspects, differences, place};
use crate::journey::people::{Handed, People, Question, Reply};
use crate::journey::{Call, travel};
use crate::model::call::{Attestation, State};
use crate::model::ids::{ContactId, LineId, MailboxId};
use crate::model::leg::Leg;
use crate::model::phone::{Caller, E164};
use crate::model::position::{RuleRef, StepRef};
use crate::prove::Limits;
use crate::prove::tests::chance::{Chance, random_call, random_file};
use crate::prove::tests::{limits, rules};
use crate::rules::ruleset::RuleSet;
use crate::rules::{NoFiles, load};

const SMALL: &str = r#"
version: 1
timezone: America/Denver
numbers: ["+17205550100"]
contacts:
  ann: { number: "+17205550111" }
  bo: { number: "+17205550112", confirm: none }
hours: { day: mon-fri 08:00-17:00 }
routes:
  - name: open
    when: day
    cascade: [{ ring: ann, for: 20s }, { ring: bo, for: 15s }]
finally: { voicemail: Please leave a message. }
"#;

fn found(old: &str, new: &str) -> (Pair, RuleSet, RuleSet) {
    let (old, new) = (rules(old), rules(new));
    (pair(&old, &new, limits()), old, new)
}

/// The plainest class of the change, by its aspect, when it comes, and what both do.
fn only(new: &str) -> (Aspect, String, String, String) {
    let (found, old, new) = found(SMALL, new);
    assert_eq!(found.unfinished, None);
    let aspect = found.classes.first().map(Class::aspect);
    assert!(found.classes.iter().all(|class| Some(class.aspect()) == aspect), "{}", drawn(&found, &old, &new));
    let class = &found.classes[0];
    assert!(report::shown(class, &old, &new).iter().any(|shown| shown.aspects == class.aspects));
    (class.aspect(), class.when.clone(), class.old.what.clone(), class.new.what.clone())
}

fn drawn(found: &Pair, old: &RuleSet, new: &RuleSet) -> String {
    report::text(
        found,
        report::Named { name: "old", rules: old },
        report::Named { name: "new", rules: new },
        report::Detail::All,
    )
}

#[test]
fn a_file_is_the_same_as_itself_with_other_names_and_another_order() {
    let renamed = SMALL
        .replace("  ann: { number: \"+17205550111\" }\n", "")
        .replace("confirm: none }\n", "confirm: none }\n  zoe: { number: \"+17205550111\" }\n")
        .replace("ring: ann", "ring: zoe")
        .replace("day", "work");
    let (found, ..) = found(SMALL, &renamed);
    assert!(found.proved_equal(), "{found:?}");
}

#[test]
fn a_changed_hour_moves_the_calls_of_that_hour_and_no_others() {
    let (aspect, when, old, new) = only(&SMALL.replace("17:00", "18:00"));
    assert_eq!(aspect, Aspect::Course);
    assert!(when.starts_with("mon-fri 17:00-18:00; first "), "{when}");
    assert!(old.starts_with("takes a message") && new.starts_with("rings ann (+17205550111"), "{old} {new}");
}

#[test]
fn a_changed_number_is_another_person_and_a_changed_time_another_wait() {
    let (found, old, new) = found(SMALL, &SMALL.replace("+17205550112", "+17205550113"));
    // Those two people themselves are not rung by their own calls.
    assert_eq!(found.classes.len(), 5, "{}", drawn(&found, &old, &new));
    let class = &found.classes[0];
    let new = "rings bo (+17205550113, takes it by picking up) for 15 s";
    assert_eq!(
        (class.aspect(), class.when.as_str(), class.new.what.as_str()),
        (Aspect::Rung, "mon-fri 08:00-17:00; first Mon 2026-03-02 08:00 to 17:00", new)
    );
    assert_eq!(only(&SMALL.replace("for: 15s", "for: 25s")).0, Aspect::Seconds);
    assert_eq!(only(&SMALL.replace("Please leave a", "Leave your")).0, Aspect::Wording);
    assert_eq!(only(&SMALL.replace(", confirm: none", "")).0, Aspect::Confirm);
}

#[test]
fn lines_that_come_and_go_are_told_by_their_numbers() {
    let (found, old, new) = found(SMALL, &SMALL.replace("+17205550100", "+17205550101"));
    assert_eq!(
        (&found.lines_gone[..], &found.lines_new[..]),
        (&["+17205550100".to_owned()][..], &["+17205550101".to_owned()][..])
    );
    assert!(found.differs() && found.classes.is_empty(), "{}", drawn(&found, &old, &new));
}

#[test]
fn a_switch_that_begins_to_count_is_part_of_the_class() {
    let with = SMALL
        .replace("routes:\n", "switches: { storm: { expires: 4h } }\nroutes:\n  - { name: storm, when: { switch: storm }, cascade: [{ hangup: We are closed. }] }\n");
    let (found, old, new) = found(SMALL, &with);
    assert!(
        found.classes.iter().all(|class| class.known.iter().any(|known| known == "switch storm is on")),
        "{}",
        drawn(&found, &old, &new)
    );
    assert!(!found.classes.is_empty());
}

#[test]
fn too_much_work_is_said_and_nothing_is_claimed() {
    let few = Limits { questions: 3, ..limits() };
    let (old, new) = (rules(SMALL), rules(&SMALL.replace("17:00", "18:00")));
    let found = pair(&old, &new, few);
    assert!(found.unfinished.is_some() && !found.proved_equal());
    assert!(drawn(&found, &old, &new).contains("not finished: it takes more than 3 questions"));
}

/// The rule or step that an answer comes of.
fn cause(journey: &crate::journey::Journey, stop: usize) -> (Option<RuleRef>, Option<StepRef>) {
    let (rule, step) = place(&journey.stops[stop].decision);
    (rule, step.filter(|_| rule.is_none()))
}

fn known(
    found: &Pair,
    aspects: Aspects,
    old: (Option<RuleRef>, Option<StepRef>),
    new: (Option<RuleRef>, Option<StepRef>),
) -> bool {
    let of = |turn: &super::Turn| (turn.rule, turn.step.filter(|_| turn.rule.is_none()));
    found.classes.iter().any(|class| class.aspects == aspects && of(&class.old) == old && of(&class.new) == new)
}

fn agree(
    found: &Pair,
    (old, call): (&RuleSet, &Call),
    new: &RuleSet,
    people: [&mut dyn People; 2],
    text: &str,
) -> bool {
    let [first, second] = people;
    let (before, after) = (travel(old, call, first), travel(new, call, second));
    let all: Vec<_> = differences((old, call.line, &before), (new, call.line, &after)).collect();
    for difference in &all {
        let causes = (cause(&before, difference.stop), cause(&after, difference.stop));
        assert!(
            found.unfinished.is_some() || known(found, difference.aspects, causes.0, causes.1),
            "{difference:?} {causes:?}\n{:?}\n{before:#?}\n{after:#?}\n{}\n{text}",
            call,
            drawn(found, old, new)
        );
    }
    all.is_empty()
}

fn examples_hold(found: &Pair, old: &RuleSet, new: &RuleSet) {
    for class in &found.classes {
        let shown = report::shown(class, old, new);
        let holds = shown.iter().any(|shown| shown.aspects == class.aspects);
        assert!(holds, "{:?} {:?}\n{:#?}\n{}", class.aspects, shown, class.example, drawn(found, old, new));
    }
}

#[test]
fn no_call_of_chance_meets_what_is_in_no_class() {
    let mut chance = Chance(0x2545_f491_4f6c_dd1d);
    let (mut differing, mut same, mut proved) = (0, 0, 0);
    for round in 0..40 {
        let one = random_file(&mut chance);
        // Every third pair differs in little, so that much is alike and must not be overlooked.
        let two = match round % 3 {
            0 => random_file(&mut chance),
            1 => one.replacen("for: 25s", "for: 20s", 1).replacen("{ hours: day }", "{ hours: noon }", 1),
            _ => one.replace("s2: { expires: 4h, default: on }", "s2: { expires: 4h }"),
        };
        let read = |text: &str| load("test.yaml", text.as_bytes(), &NoFiles, date(2026, 3, 2)).rules;
        let (Some(old), Some(new)) = (read(&one), read(&two)) else { continue };
        let found = pair(&old, &new, limits());
        assert_eq!(found.unfinished, None);
        examples_hold(&found, &old, &new);
        proved += u32::from(found.proved_equal());
        for _ in 0..120 {
            let (call, script) = random_call(&mut chance, &old);
            let (mut first, mut second) = (script.clone(), script);
            let equal = agree(&found, (&old, &call), &new, [&mut first, &mut second], &format!("{one}\n{two}"));
            if equal { same += 1 } else { differing += 1 }
        }
    }
    assert!(differing > 500 && same > 500, "{differing} {same} {proved}");
}

/// People who do what dice say, the same for everybody of the same number.
#[derive(Debug, Clone)]
struct Whims {
    dice: Vec<u8>,
    asked: usize,
    rung: [usize; 4],
}

impl Whims {
    fn next(&mut self, sides: usize) -> usize {
        self.asked += 1;
        usize::from(self.dice.get(self.asked % self.dice.len().max(1)).copied().unwrap_or(0)) % sides
    }
}

impl People for Whims {
    fn rung(&mut self, contact: ContactId) -> Leg {
        let rung = &mut self.rung[contact.index() % 4];
        *rung += 1;
        let place = contact.index() * 5 + *rung * 3;
        let byte = self.dice.get(place % self.dice.len().max(1)).copied().unwrap_or(0);
        Leg::ALL[usize::from(byte) % Leg::ALL.len()]
    }

    fn asked(&mut self, _: Question) -> Reply {
        match self.next(6) {
            0 => Reply::Silence,
            1 => Reply::Pressed("1".into()),
            2 => Reply::Pressed("2".into()),
            3 => Reply::Said("word 2 or word 1".into()),
            4 => Reply::Pressed("9".into()),
            _ => Reply::HangsUp,
        }
    }

    fn tone(&mut self, _: MailboxId) -> Option<u32> {
        [Some(9), None, Some(0)][self.next(3)]
    }

    fn handed_off(&mut self) -> Handed {
        [Handed::Kept, Handed::Returned, Handed::HangsUp][self.next(3)]
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_two_generated_rule_sets_differ_in_is_in_a_class(
        one in prop::collection::vec(any::<u8>(), 40..240),
        change in prop::collection::vec((0_usize..240, any::<u8>()), 0..4),
        calls in prop::collection::vec((any::<[u8; 12]>(), prop::collection::vec(any::<u8>(), 12..40)), 24),
    ) {
        let mut two = one.clone();
        for (place, byte) in change {
            let count = two.len();
            two[place % count] = byte;
        }
        let (old, new) = (rule_set(&mut Dice(one.iter())), rule_set(&mut Dice(two.iter())));
        let found = pair(&old, &new, Limits { questions: 3_000_000, ..limits() });
        examples_hold(&found, &old, &new);
        for (facts, whims) in calls {
            let lines = old.lines.len().min(new.lines.len());
            let line = usize::from(facts[0]) % (lines + 1);
            let line = (line < lines).then(|| LineId(u16::try_from(line).unwrap()));
            let callers = ["+12125550188", "+13125550120", "anonymous", "+19005550100", "+13125550111", "client:x"];
            let call = Call {
                line,
                caller: Caller::parse(callers[usize::from(facts[1]) % callers.len()]),
                forwarded_from: (facts[2] % 3 == 0).then(|| E164::parse("+13125550112").unwrap()),
                attestation: Attestation::ALL[usize::from(facts[3]) % 5],
                at: limits().from.as_second() + i64::from(facts[4]) * 3_600 + i64::from(facts[5]) * 700,
                state: State {
                    switches: facts[6..9].iter().map(|byte| [None, Some(true), Some(false)][usize::from(*byte) % 3]).collect(),
                    stale: Vec::new(),
                    active_calls: vec![facts[9] % 2, facts[9] / 2 % 2, facts[9] / 4 % 2, facts[9] / 8 % 2],
                    earlier_calls: vec![500; usize::from(facts[10]) % 3],
                },
            };
            let whims = Whims { dice: whims, asked: 0, rung: [0; 4] };
            let (mut first, mut second) = (whims.clone(), whims);
            agree(&found, (&old, &call), &new, [&mut first, &mut second], "");
        }
    }
}
