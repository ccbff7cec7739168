//! What holds for every decision, whatever the rules, the people and the carrier do.

#![expect(clippy::wildcard_enum_match_arm, reason = "tests look for one thing among many")]

pub(crate) mod generate;
mod scenes;

use proptest::prelude::*;

use crate::decide;
use crate::decide::decision::{Act, Decision, Effect};
use crate::decide::tests::generate::{Dice, LANGUAGES, rule_set};
use crate::decide::trace::Considered;
use crate::model::call::{Attestation, CallFacts, Happened, LegOutcome, State};
use crate::model::ids::{CallSid, CascadeId, ContactId, EscalationId, LineId};
use crate::model::phone::Caller;
use crate::model::position::{MAX_HOPS, Position, StepRef};
use crate::rules::ruleset::{EndKind, RuleSet, Verb};

const LEGS: [LegOutcome; 7] = [
    LegOutcome::NoAnswer,
    LegOutcome::NoKey,
    LegOutcome::Declined,
    LegOutcome::Busy,
    LegOutcome::Failed,
    LegOutcome::Canceled,
    LegOutcome::Connected(None),
];

fn state(dice: &mut Dice<'_>) -> State {
    State {
        switches: (0..dice.below(4)).map(|_| [None, Some(true), Some(false)][dice.below(3)]).collect(),
        stale: Vec::new(),
        active_calls: (0..dice.below(5)).map(|_| u8::try_from(dice.below(3)).unwrap()).collect(),
        earlier_calls: (0..dice.below(3)).map(|_| u32::try_from(dice.below(256) * 5).unwrap()).collect(),
    }
}

fn facts(dice: &mut Dice<'_>, rules: &RuleSet) -> CallFacts {
    let callers = ["+13125550120", "anonymous", "+13125550110", "+19005550100", "+13125550199"];
    CallFacts {
        call: CallSid::imagined(),
        line: (dice.below(8) < 7).then(|| LineId(u16::try_from(dice.below(rules.lines.len())).unwrap())),
        caller: Caller::parse(callers[dice.below(callers.len())]),
        attestation: Attestation::ALL[dice.below(5)],
        forwarded_from: None,
        happened: Happened::Arrived,
    }
}

/// What the carrier reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Carrier {
    /// Mostly what fits.
    Usual,
    /// Anything.
    Odd,
}

/// Something that may come after an answer: mostly what fits it, and now and then what does not.
fn reported(dice: &mut Dice<'_>, act: &Act, carrier: Carrier) -> Happened {
    if carrier == Carrier::Usual && dice.below(8) < 7 {
        return fitting(dice, act);
    }
    [
        Happened::Arrived,
        Happened::Rang(LegOutcome::NoAnswer),
        Happened::Chose { digits: "1".into(), speech: "".into() },
        Happened::Recorded { seconds: None },
        Happened::Returned,
    ][dice.below(5)]
    .clone()
}

/// Something that comes after such an answer.
fn fitting(dice: &mut Dice<'_>, act: &Act) -> Happened {
    let chose = |dice: &mut Dice<'_>| Happened::Chose {
        digits: ["", "1", "2", "9"][dice.below(4)].into(),
        speech: ["", "WORD 1, please", "nothing"][dice.below(3)].into(),
    };
    match act {
        Act::Ring { .. } => Happened::Rang(LEGS[dice.below(7)]),
        Act::Menu { .. } | Act::OfferText { .. } => chose(dice),
        Act::Record { .. } => Happened::Recorded { seconds: Some(u32::try_from(dice.below(3)).unwrap()) },
        Act::Handoff { .. } if dice.heads() => Happened::Returned,
        _ => [Happened::Returned, Happened::Rang(LegOutcome::NoAnswer), Happened::Gone, Happened::Arrived]
            [dice.below(4)]
        .clone(),
    }
}

fn moment(dice: &mut Dice<'_>) -> i64 {
    1_772_000_000 + i64::try_from(dice.below(256) * 256 + dice.below(256)).unwrap() * 600
}

fn decided(rules: &RuleSet, facts: &CallFacts, position: &Position, state: &State) -> Decision {
    let now = decide::moment(rules, facts.line, position);
    let decision = decide::decide(rules, facts, position, state, &now);
    assert_eq!(decision, decide::decide(rules, facts, position, state, &now), "not deterministic");
    holds_together(rules, position, state, &decision);
    decision
}

/// What must be true of every single decision.
fn holds_together(rules: &RuleSet, position: &Position, state: &State, decision: &Decision) {
    if let Some(next) = &decision.next {
        assert!(next.hop > position.hop, "the hop must grow");
        assert_eq!(next.began, position.began);
        assert!(rules.step(next.step.unwrap()).is_some(), "the next position must be in the rules");
    }
    let at_tone = matches!(decision.plan.act, Act::Record { .. });
    assert_eq!(decision.end.is_some(), decision.next.is_none() || at_tone, "an end and a next are at odds");
    assert!(decision.plan.language < LANGUAGES);
    let skipped: Vec<ContactId> = decision
        .trace
        .iter()
        .filter_map(|considered| match considered {
            Considered::Skipped { contact, .. } => Some(*contact),
            _ => None,
        })
        .collect();
    if let Act::Ring { contacts, .. } = &decision.plan.act {
        assert!(!contacts.is_empty(), "a ring rings somebody");
        for contact in contacts {
            assert!(!skipped.contains(contact), "rang somebody left out");
            assert!(is_there(rules, state, *contact), "rang somebody who is not there");
        }
    }
}

fn is_there(rules: &RuleSet, state: &State, id: ContactId) -> bool {
    let contact = rules.contact(id).unwrap();
    let away = contact.away.is_some_and(|switch| {
        let set = state.switches.get(switch.index()).copied().flatten();
        set.unwrap_or(rules.switch(switch).unwrap().default)
    });
    let calls = state.active_calls.get(id.index()).copied().unwrap_or(0);
    contact.callable && !away && contact.max_calls.is_none_or(|max| calls < max)
}

/// Any position at all, of these rules or of others.
fn any_position(dice: &mut Dice<'_>) -> Position {
    Position {
        step: (dice.below(5) < 4).then(|| StepRef {
            cascade: CascadeId(u16::try_from(dice.below(12)).unwrap()),
            index: u16::try_from(dice.below(5)).unwrap(),
        }),
        stage: u8::try_from(dice.below(4)).unwrap(),
        hop: [0, 3, MAX_HOPS - 1, MAX_HOPS, u8::MAX][dice.below(5)],
        language: dice.heads().then_some(1),
        missed: dice.heads().then_some(EscalationId(0)),
        ..Position::start(moment(dice))
    }
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..300)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) })]

    #[test]
    fn every_call_ends_within_a_bound(rule_bytes in bytes(), call_bytes in bytes()) {
        let rules = rule_set(&mut Dice(rule_bytes.iter()));
        let mut dice = Dice(call_bytes.iter());
        let state = state(&mut dice);
        let mut facts = facts(&mut dice, &rules);
        let mut position = Position::start(moment(&mut dice));
        let bound = usize::from(MAX_HOPS) + 2 * rules.cascade(RuleSet::FINALLY).unwrap().steps.len() + 2;
        let carrier = [Carrier::Usual, Carrier::Usual, Carrier::Usual, Carrier::Odd][dice.below(4)];
        let mut missed = 0;
        let mut told_at_the_mailbox = false;
        let mut answers = 0;
        let end = loop {
            answers += 1;
            prop_assert!(answers <= bound, "more than {} answers", bound);
            let decision = decided(&rules, &facts, &position, &state);
            let told = decision.effects.iter().filter(|effect| matches!(effect, Effect::Missed { .. })).count();
            missed += told;
            told_at_the_mailbox |= told > 0 && matches!(decision.plan.act, Act::Record { .. } | Act::OfferText { .. });
            facts.happened = reported(&mut dice, &decision.plan.act, carrier);
            match decision.next {
                Some(next) => position = next,
                None => break decision.end.unwrap(),
            }
        };
        prop_assert!(missed <= 1, "the escalation started {} times", missed);
        let taken = matches!(end, EndKind::Connected | EndKind::Rejected | EndKind::HandedOff);
        // A mailbox that heard nothing may be followed by a ring that is answered: what was told stays told.
        prop_assert!(!taken || missed == 0 || told_at_the_mailbox, "nobody is told of a call that was taken or refused");
    }

    #[test]
    fn any_report_at_any_position_has_an_answer(rule_bytes in bytes(), call_bytes in bytes()) {
        let rules = rule_set(&mut Dice(rule_bytes.iter()));
        let mut dice = Dice(call_bytes.iter());
        let state = state(&mut dice);
        let position = any_position(&mut dice);
        let acts = [
            Act::Nothing,
            Act::Ring { at: StepRef { cascade: CascadeId(0), index: 0 }, contacts: vec![], seconds: 5 },
            Act::Handoff { at: StepRef { cascade: CascadeId(0), index: 0 } },
        ];
        let mut facts = facts(&mut dice, &rules);
        facts.happened = match dice.below(4) {
            0 => Happened::Recorded { seconds: None },
            1 if dice.heads() => Happened::Chose { digits: "1".into(), speech: "".into() },
            place => reported(&mut dice, &acts[place - 1], Carrier::Usual),
        };
        // A position at the very last hop cannot grow any more: the call must end.
        let decision = if position.hop == u8::MAX {
            let now = decide::moment(&rules, facts.line, &position);
            decide::decide(&rules, &facts, &position, &state, &now)
        } else {
            decided(&rules, &facts, &position, &state)
        };
        prop_assert!(position.hop < u8::MAX || decision.next.is_none());
    }

    #[test]
    fn nobody_is_rung_once_the_caller_has_gone(rule_bytes in bytes(), call_bytes in bytes()) {
        let rules = rule_set(&mut Dice(rule_bytes.iter()));
        let mut dice = Dice(call_bytes.iter());
        let state = state(&mut dice);
        let position = any_position(&mut dice);
        let facts = CallFacts { happened: Happened::Gone, ..facts(&mut dice, &rules) };
        let decision = decided(&rules, &facts, &position, &state);
        prop_assert_eq!(&decision.plan.act, &Act::Nothing);
        prop_assert_eq!(decision.next, None);
        let handed = position.step.and_then(|at| rules.step(at)).is_some_and(|step| matches!(step.verb, Verb::Handoff(_)));
        let missed = decision.effects.iter().any(|effect| matches!(effect, Effect::Missed { .. }));
        prop_assert!(handed || missed == position.missed.is_some(), "whoever waits for a missed call is told");
    }
}
