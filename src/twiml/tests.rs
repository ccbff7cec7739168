//! What holds for every answer, whatever the rules, the callers and the templates' values are.

#![expect(clippy::wildcard_enum_match_arm, reason = "tests look for one thing among many")]

use proptest::prelude::*;

use super::*;
use crate::decide;
use crate::decide::decision::Act;
use crate::decide::tests::generate::{Dice, rule_set};
use crate::diagnostic::Severity;
use crate::model::call::{Attestation, Happened, LegOutcome};
use crate::model::ids::{CallSid, ContactId, LineId};
use crate::model::position::Position;
use crate::rules::ruleset::{Confirm, Handoff, Show, Speech, Texts, Verb};
use crate::twiml::document::Element;
use crate::twiml::last_resort::Known;
use crate::twiml::schema::{Context, check};

fn org() -> OrgSlug {
    OrgSlug::parse("acme").unwrap()
}

fn facts(caller: &str) -> CallFacts {
    CallFacts {
        call: CallSid::imagined(),
        line: Some(LineId(0)),
        caller: Caller::parse(caller),
        attestation: Attestation::Unsigned,
        forwarded_from: None,
        happened: Happened::Arrived,
    }
}

fn happened(dice: &mut Dice<'_>, act: &Act) -> Option<Happened> {
    let legs = [LegOutcome::NoAnswer, LegOutcome::NoKey, LegOutcome::Busy, LegOutcome::Connected(None)];
    match act {
        Act::Ring { .. } => Some(Happened::Rang(legs[dice.below(4)])),
        Act::Menu { .. } | Act::OfferText { .. } => {
            let digits = ["", "1", "2", "9"][dice.below(4)].into();
            Some(Happened::Chose { digits, speech: "".into() })
        }
        Act::Record { .. } => Some(Happened::Recorded { seconds: Some(4) }),
        Act::Handoff { .. } => Some(Happened::Returned),
        Act::Thank | Act::PromiseText | Act::Reject(_) | Act::Hangup(_) | Act::Nothing => None,
    }
}

/// All answers of one call that goes as the dice say.
fn answers(rules: &RuleSet, dice: &mut Dice<'_>, caller: &str, mut each: impl FnMut(&Decision, &Twiml)) {
    let (templates, org, state) = (Templates::built_in(), org(), crate::model::call::State::default());
    let mut facts = facts(caller);
    let mut position = Position::start(1_772_000_000);
    loop {
        let now = decide::moment(rules, facts.line, &position);
        let decision = decide::decide(rules, &facts, &position, &state, &now);
        let setting =
            Setting { org: &org, rules, facts: &facts, prefix: "/phone", audio_base: Some("https://a.example/x") };
        let twiml = render(&templates, &setting, &decision).unwrap();
        each(&decision, &twiml);
        let Some((next, what)) = decision.next.zip(happened(dice, &decision.plan.act)) else { return };
        position = next;
        facts.happened = what;
    }
}

fn said(element: &Element) -> String {
    let own = if matches!(&*element.name, "Say") { element.text() } else { String::new() };
    element.elements().map(said).fold(own, |all, more| all + &more)
}

fn set_text(speech: &mut Speech, text: &str) {
    *speech = Speech::Say(Texts([(0, text.into())].into()));
}

/// The rules with all that is said replaced by one text.
fn saying(mut rules: RuleSet, text: &str) -> RuleSet {
    for cascade in &mut rules.cascades {
        for step in &mut cascade.steps {
            match &mut step.verb {
                Verb::Speak(speech) | Verb::Hangup(Some(speech)) => set_text(speech, text),
                _ => {}
            }
        }
    }
    for menu in &mut rules.menus {
        set_text(&mut menu.prompt, text);
        for key in &mut menu.keys {
            key.words = [text.into()].into();
        }
    }
    for mailbox in &mut rules.mailboxes {
        set_text(&mut mailbox.greeting, text);
    }
    for line in &mut rules.lines {
        line.spoken = text.into();
    }
    rules
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..200)
}

/// Text as callers and authors write it, and worse.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,40}",
        any::<String>(),
        "[<>&\"'\\]\\[{}%#\t\r\n \u{0}\u{1}\u{b}\u{fffe}\u{ffff}a-c]{0,30}",
        Just("</Say><Hangup/><Say>".to_owned()),
        Just("{{ caller }}{% if %}".to_owned()),
        Just("]]>&#0;&nbsp;".to_owned()),
    ]
}

proptest! {
    #[test]
    fn every_decision_becomes_a_document_that_twilio_takes(rules in bytes(), life in bytes()) {
        let rules = rule_set(&mut Dice(rules.iter()));
        answers(&rules, &mut Dice(life.iter()), "+16195550123", |decision, twiml| {
            assert_eq!(check(twiml.as_str(), Context::Voice), [], "{:?}\n{twiml}", decision.plan.act);
            assert!(twiml.as_str().starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response"));
        });
    }

    #[test]
    fn no_text_breaks_a_document(rules in bytes(), life in bytes(), caller in text(), text in text()) {
        let rules = saying(rule_set(&mut Dice(rules.iter())), &text);
        answers(&rules, &mut Dice(life.iter()), &caller, |_, twiml| {
            document::parse(twiml.as_str()).unwrap();
        });
    }

    #[test]
    fn what_is_said_reads_back_the_same(text in text(), life in bytes()) {
        // The smallest rule set says something in its ending only.
        let rules = saying(rule_set(&mut Dice([].iter())), &text);
        let mut heard = String::new();
        answers(&rules, &mut Dice(life.iter()), "anonymous", |_, twiml| {
            heard.push_str(&said(&document::parse(twiml.as_str()).unwrap().root));
        });
        let clean = characters::legal(text.trim());
        prop_assert!(heard.starts_with(&*clean), "{heard:?} {clean:?}");
    }

    #[test]
    fn written_text_reads_back_the_same(text in text()) {
        let mut xml = "<Response a=\"".to_owned();
        let write = |xml: &mut String| characters::write_escaped(&text, &mut |part| { xml.push_str(part); Ok(()) });
        write(&mut xml).unwrap();
        xml.push_str("\">");
        write(&mut xml).unwrap();
        xml.push_str("</Response>");
        let root = document::parse(&xml).unwrap().root;
        let clean = characters::legal(&text);
        prop_assert_eq!(root.attribute("a"), Some(&*clean));
        prop_assert_eq!(root.text(), clean);
    }

    #[test]
    fn the_last_resort_never_fails(rules in bytes(), text in text(), caller in text(), at in 0u16..4, known in 0u8..4) {
        let rules = saying(rule_set(&mut Dice(rules.iter())), &text);
        let (org, facts) = (org(), facts(&caller));
        let step = crate::model::position::StepRef { cascade: RuleSet::FINALLY, index: at };
        let position = Position { step: (at > 0).then_some(step), ..Position::start(1_772_000_000) };
        let known = Known {
            org: (known & 1 == 1).then_some(&org),
            facts: (known & 2 == 2).then_some(&facts),
            position: Some(&position),
            prefix: "",
            audio_base: None,
        };
        for rules in [Some(&rules), None] {
            let twiml = last_resort(rules, &known);
            let errors = check(twiml.as_str(), Context::Voice).into_iter().filter(|found| found.severity == Severity::Error);
            prop_assert_eq!(errors.collect::<Vec<_>>(), [], "{}", twiml);
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(xml in "(<|>|/|\\?|!|=|\"|'|&|;|#|\\[|\\]|-|Response|Say|CDATA|x|\\PC| ){0,60}") {
        let _any = check(&xml, Context::Voice);
        let _any = check(&format!("<Response>{xml}</Response>"), Context::Screening);
    }
}

/// A set of rules with one ring of these contacts, in the order of their ids.
fn ring_rules(shows: &[Show], confirm: Confirm) -> RuleSet {
    let mut rules = rule_set(&mut Dice([].iter()));
    for (contact, show) in rules.contacts.iter_mut().zip(shows) {
        contact.show = show.clone();
        contact.confirm = confirm;
    }
    rules
}

fn ring(rules: &RuleSet, caller: &str, contacts: u16) -> Element {
    let (templates, org, facts) = (Templates::built_in(), org(), facts(caller));
    let setting = Setting { org: &org, rules, facts: &facts, prefix: "", audio_base: None };
    let at = crate::model::position::StepRef { cascade: RuleSet::FINALLY, index: 0 };
    let act = Act::Ring { at, contacts: (0..contacts).map(ContactId).collect(), seconds: 3 };
    let plan = decide::decision::Plan { speak: Vec::new(), act, language: 0 };
    let next = Some(Position { step: Some(at), hop: 1, ..Position::start(1_772_000_000) });
    let decision = Decision { plan, next, effects: Vec::new(), end: None, trace: Vec::new() };
    let twiml = render(&templates, &setting, &decision).unwrap();
    document::parse(twiml.as_str()).unwrap().verbs().next().unwrap().clone()
}

#[test]
fn callees_see_the_caller_when_there_is_one_to_see() {
    let rules = ring_rules(&[Show::Caller], Confirm::None);
    let own = rules.lines[0].number.as_str().to_owned();
    assert_eq!(ring(&rules, "+16195550123", 1).attribute("callerId"), Some("+16195550123"));
    for caller in ["anonymous", "", "911", "sip:bob@example.com", "client:bob", "+266696687", "+1 619 555 0123"] {
        assert_eq!(ring(&rules, caller, 1).attribute("callerId"), Some(&*own), "{caller}");
    }
}

#[test]
fn callees_of_one_ring_who_are_to_see_different_numbers_see_the_line() {
    let other = crate::model::phone::E164::parse("+16195550144").unwrap();
    let shows = [Show::Number(other.clone()), Show::Number(other), Show::Caller];
    let rules = ring_rules(&shows, Confirm::None);
    let own = rules.lines[0].number.as_str().to_owned();
    assert_eq!(ring(&rules, "+16195550123", 2).attribute("callerId"), Some("+16195550144"));
    assert_eq!(ring(&rules, "+16195550123", 3).attribute("callerId"), Some(&*own));
}

#[test]
fn only_contacts_who_confirm_are_asked_first() {
    let dial = ring(&ring_rules(&[Show::Line], Confirm::Key), "+16195550123", 1);
    let number = dial.elements().next().unwrap();
    assert!(number.attribute("url").unwrap().ends_with("&c=0&n=0&f=16195550123"), "{number:?}");
    assert_eq!(dial.attribute("timeout"), Some("5"), "Twilio takes no shorter ringing");
    let dial = ring(&ring_rules(&[Show::Line], Confirm::None), "+16195550123", 1);
    let number = dial.elements().next().unwrap();
    assert_eq!(number.attribute("url"), None);
    assert!(number.attribute("statusCallback").unwrap().ends_with("&c=0"));
}

#[test]
fn a_caller_who_has_gone_or_talked_gets_no_last_resort() {
    let rules = rule_set(&mut Dice([].iter()));
    for what in [Happened::Gone, Happened::Rang(LegOutcome::Connected(None))] {
        let facts = CallFacts { happened: what, ..facts("+16195550123") };
        let known = Known { facts: Some(&facts), ..Known::default() };
        assert_eq!(last_resort(Some(&rules), &known), empty());
    }
}

#[test]
fn a_ring_in_the_ending_is_not_rung_again() {
    let mut rules = rule_set(&mut Dice([].iter()));
    let ring = crate::rules::ruleset::Ring { contacts: [ContactId(0)].into(), seconds: 20 };
    rules.cascades[0].steps = [crate::rules::ruleset::Step { verb: Verb::Ring(ring), at: 0 }].into();
    let org = org();
    let known = Known { org: Some(&org), ..Known::default() };
    assert!(last_resort(Some(&rules), &known).as_str().contains("<Dial"));
    let step = crate::model::position::StepRef { cascade: RuleSet::FINALLY, index: 0 };
    let position = Position { step: Some(step), ..Position::start(0) };
    let again = last_resort(Some(&rules), &Known { position: Some(&position), ..known });
    assert!(!again.as_str().contains("<Dial"), "{again}");
}

#[test]
fn a_caller_who_let_an_offer_pass_can_still_leave_a_message() {
    let rules = rule_set(&mut Dice([].iter()));
    let step = crate::model::position::StepRef { cascade: RuleSet::FINALLY, index: 0 };
    assert!(matches!(rules.step(step).unwrap().verb, Verb::Voicemail(_)), "what the smallest rule set ends with");
    let offered = Position { step: Some(step), ..Position::start(0) };
    let known = Known { position: Some(&offered), ..Known::default() };
    assert!(last_resort(Some(&rules), &known).as_str().contains("<Record"));
    let recorded = Position { stage: 1, ..offered.clone() };
    let known = Known { position: Some(&recorded), ..Known::default() };
    assert!(!last_resort(Some(&rules), &known).as_str().contains("<Record"), "that would never end");
}

#[test]
fn hand_offs_carry_the_caller() {
    let mut rules = rule_set(&mut Dice([].iter()));
    let verb = Verb::Handoff(Handoff::Stream("wss://agent.example.com/media".into()));
    rules.cascades[0].steps = [crate::rules::ruleset::Step { verb, at: 0 }].into();
    let (templates, org, facts) = (Templates::built_in(), org(), facts("+16195550123"));
    let setting = Setting { org: &org, rules: &rules, facts: &facts, prefix: "", audio_base: None };
    let at = crate::model::position::StepRef { cascade: RuleSet::FINALLY, index: 0 };
    let plan = decide::decision::Plan { speak: Vec::new(), act: Act::Handoff { at }, language: 0 };
    let decision = Decision { plan, next: None, effects: Vec::new(), end: None, trace: Vec::new() };
    let twiml = render(&templates, &setting, &decision).unwrap();
    assert!(twiml.as_str().contains("<Parameter name=\"caller\" value=\"+16195550123\"/>"), "{twiml}");
}
