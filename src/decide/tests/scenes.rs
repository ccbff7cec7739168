//! Scenes of single calls, each with rules as their owner would write them.

#![expect(clippy::wildcard_enum_match_arm, reason = "tests look for one thing among many")]

use crate::decide;
use crate::decide::decision::{Act, Decision, Effect};
use crate::decide::trace::{Circle, Considered, Why};
use crate::model::call::{Attestation, CallFacts, Happened, LegOutcome, State};
use crate::model::ids::{CallSid, ContactId, LineId};
use crate::model::phone::{Caller, E164};
use crate::model::position::{MAX_HOPS, Position};
use crate::rules::bar::Bar;
use crate::rules::ruleset::{EndKind, RuleSet};
use crate::rules::{NoFiles, load};

const HEAD: &str = r#"
version: 1
timezone: America/Chicago
language: en
numbers: ["+13125550100"]
contacts:
  dana: { number: "+13125550111", away: dana_away, notify: sms }
  lee: { number: "+13125550112", max_calls: 1, notify: sms }
  desk: { number: "+13125550120", confirm: none }
  spare: { number: "+13125550121", confirm: none }
  owner: { number: "+13125550130", notify: sms, callable: false }
switches: { dana_away: { expires: 12h }, storm: { expires: 4h } }
hours: { office: mon-fri 08:00-17:00 }
escalations:
  tell: [{ sms: owner, text: "Missed {{caller}}." }]
mailboxes:
  office: { greeting: Please leave a message., send_to: [owner] }
  texty: { greeting: Please leave a message., offer_text: or press 1 and we will text you, send_to: [owner] }
"#;

const FINALLY: &str = "finally: { voicemail: office }\n";

/// The rules above, with these.
fn rules(more: &str) -> RuleSet {
    let finally = if more.contains("finally:") { "" } else { FINALLY };
    let text = format!("{HEAD}{more}\n{finally}");
    let loaded = load("scene.yaml", text.as_bytes(), &NoFiles, jiff::civil::date(2026, 3, 1));
    loaded.rules.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics))
}

/// One call on its way through rules.
struct Scene {
    rules: RuleSet,
    facts: CallFacts,
    state: State,
    position: Position,
}

/// Friday 2026-03-06 at 15:00 in Chicago.
const FRIDAY_AT_THREE: i64 = 1_772_830_800;

fn scene(more: &str) -> Scene {
    Scene {
        rules: rules(more),
        facts: CallFacts {
            call: CallSid::imagined(),
            line: Some(LineId(0)),
            caller: Caller::parse("+12025550143"),
            attestation: Attestation::Unsigned,
            forwarded_from: None,
            happened: Happened::Arrived,
        },
        state: State::default(),
        position: Position::start(FRIDAY_AT_THREE),
    }
}

impl Scene {
    fn caller(mut self, number: &str) -> Self {
        self.facts.caller = Caller::parse(number);
        self
    }

    fn switch(mut self, name: &str) -> Self {
        let place = self.rules.switches.iter().position(|switch| &*switch.name == name).unwrap();
        self.state.switches.resize(self.rules.switches.len(), None);
        self.state.switches[place] = Some(true);
        self
    }

    fn arrives(&mut self) -> Decision {
        self.hears(Happened::Arrived)
    }

    fn hears(&mut self, happened: Happened) -> Decision {
        self.facts.happened = happened;
        let now = decide::moment(&self.rules, self.facts.line, &self.position);
        let decision = decide::decide(&self.rules, &self.facts, &self.position, &self.state, &now);
        if let Some(next) = &decision.next {
            self.position = next.clone();
        }
        decision
    }

    fn presses(&mut self, digits: &str) -> Decision {
        self.hears(Happened::Chose { digits: digits.into(), speech: "".into() })
    }

    fn says(&mut self, speech: &str) -> Decision {
        self.hears(Happened::Chose { digits: "".into(), speech: speech.into() })
    }

    fn nobody_answers(&mut self) -> Decision {
        self.hears(Happened::Rang(LegOutcome::NoAnswer))
    }

    fn rings(&self, decision: &Decision) -> Vec<String> {
        match &decision.plan.act {
            Act::Ring { contacts, .. } => {
                contacts.iter().map(|id| self.rules.contact(*id).unwrap().name.to_string()).collect()
            }
            other => panic!("rings nobody: {other:?}"),
        }
    }
}

const LADDER: &str = "routes: [{ cascade: [{ ring: dana, for: 15s }, { ring: lee }, { ring: desk }], missed: tell }]";

fn missed(decision: &Decision) -> bool {
    decision.effects.iter().any(|effect| matches!(effect, Effect::Missed { .. }))
}

#[test]
fn a_ladder_is_climbed_rung_by_rung_to_the_mailbox() {
    let mut scene = scene(LADDER);
    let first = scene.arrives();
    assert_eq!(scene.rings(&first), ["dana"]);
    assert!(matches!(first.plan.act, Act::Ring { seconds: 15, .. }));
    let second = scene.hears(Happened::Rang(LegOutcome::NoKey));
    assert_eq!(scene.rings(&second), ["lee"]);
    let third = scene.hears(Happened::Rang(LegOutcome::Busy));
    assert_eq!(scene.rings(&third), ["desk"]);
    let last = scene.nobody_answers();
    assert!(matches!(last.plan.act, Act::Record { greeted: false, .. }));
    assert_eq!(last.end, Some(EndKind::Voicemail));
    assert!(missed(&last));
    let thanks = scene.hears(Happened::Recorded { seconds: Some(9) });
    assert_eq!(thanks.plan.act, Act::Thank);
    assert!(!missed(&thanks) && matches!(thanks.effects[..], [Effect::Message { .. }]));
}

#[test]
fn a_taken_call_is_over_and_nobody_is_told() {
    let mut scene = scene(LADDER);
    scene.arrives();
    let taken = scene.hears(Happened::Rang(LegOutcome::Connected(Some(ContactId(0)))));
    assert_eq!((taken.end, taken.next.is_none(), missed(&taken)), (Some(EndKind::Connected), true, false));
}

#[test]
fn a_caller_who_hangs_up_while_it_rings_was_missed() {
    let mut scene = scene(LADDER);
    scene.arrives();
    let gone = scene.hears(Happened::Gone);
    assert_eq!((gone.plan.act.clone(), gone.end), (Act::Nothing, Some(EndKind::CallerGone)));
    assert!(missed(&gone));
}

#[test]
fn a_silent_recording_leaves_no_message() {
    let mut scene = scene("routes: [{ cascade: [{ voicemail: office }] }]");
    scene.arrives();
    assert!(scene.hears(Happened::Recorded { seconds: Some(0) }).effects.is_empty());
}

#[test]
fn whoever_is_away_or_busy_or_the_caller_is_left_out_with_the_reason() {
    let mut scene = scene(LADDER).switch("dana_away").caller("+13125550120");
    scene.state.active_calls = vec![0, 1];
    let decision = scene.arrives();
    assert!(matches!(decision.plan.act, Act::Record { .. }), "all three are left out");
    let reasons: Vec<&Why> = decision
        .trace
        .iter()
        .filter_map(|considered| if let Considered::Skipped { why, .. } = considered { Some(why) } else { None })
        .collect();
    assert!(matches!(reasons[..], [Why::Switch { on: true, .. }, Why::Busy { calls: 1 }, Why::Loop]), "{reasons:?}");
}

#[test]
fn a_call_that_the_contact_forwarded_to_us_does_not_ring_the_contact() {
    let mut scene = scene("routes: [{ cascade: [{ ring: dana }, { ring: lee }] }]");
    scene.facts.forwarded_from = E164::parse("+13125550111").ok();
    let decision = scene.arrives();
    assert_eq!(scene.rings(&decision), ["lee"]);
}

#[test]
fn of_several_rung_at_once_only_those_who_are_there_are_rung() {
    let mut scene = scene("routes: [{ cascade: [{ ring: [desk, spare] }] }]").caller("+13125550120");
    let decision = scene.arrives();
    assert_eq!(scene.rings(&decision), ["spare"]);
}

const MENU: &str = r#"
flows:
  main: [{ cascade: [{ menu: top }, { ring: desk }] }]
  sales: [{ cascade: [{ ring: dana }] }]
lines: { main: { number: "+13125550100", start: main } }
menus:
  top:
    say: { en: Press 1 for sales., es: Oprima 1. }
    keys: { "1": [{ flow: sales }], "2": [{ flow: sales, language: es }], "12": [{ ring: lee }] }
    words: { "1": [sales, buy something] }
    tries: 2
"#;

fn menu_scene(more: &str) -> Scene {
    let text = format!("{MENU}{more}");
    let head_without_numbers = HEAD.replace("numbers: [\"+13125550100\"]\n", "");
    let text = format!("{head_without_numbers}{text}\n{FINALLY}");
    let loaded = load("scene.yaml", text.as_bytes(), &NoFiles, jiff::civil::date(2026, 3, 1));
    let rules = loaded.rules.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics));
    Scene { rules, ..scene("routes: [{ cascade: [{ ring: dana }] }]") }
}

#[test]
fn keys_lead_on_and_the_whole_number_counts() {
    for (digits, rung) in [("1", "dana"), ("12", "lee")] {
        let mut scene = menu_scene("");
        assert!(matches!(scene.arrives().plan.act, Act::Menu { attempt: 0, .. }));
        let decision = scene.presses(digits);
        assert_eq!(scene.rings(&decision), [rung], "{digits}");
    }
}

#[test]
fn words_lead_on_when_said_whole_in_any_case() {
    for (speech, understood) in [
        ("Sales, please!", true),
        ("I would like to BUY something.", true),
        ("one", false),
        ("1.", true),
        ("resales", false),
        ("buy", false),
    ] {
        let mut scene = menu_scene("");
        scene.arrives();
        let decision = scene.says(speech);
        assert_eq!(matches!(decision.plan.act, Act::Ring { .. }), understood, "{speech}");
    }
}

#[test]
fn silence_replays_the_menu_and_then_goes_on_behind_it() {
    let mut scene = menu_scene("");
    scene.arrives();
    assert!(matches!(scene.presses("").plan.act, Act::Menu { attempt: 1, .. }));
    let decision = scene.presses("7");
    assert_eq!(scene.rings(&decision), ["desk"], "without `otherwise` the step after the menu is next");
}

#[test]
fn otherwise_is_where_silence_leads() {
    let mut scene = menu_scene("    otherwise: [{ ring: lee }]\n");
    scene.arrives();
    scene.presses("");
    let decision = scene.presses("");
    assert_eq!(scene.rings(&decision), ["lee"]);
}

#[test]
fn a_language_chosen_on_the_way_stays() {
    let mut scene = menu_scene("");
    assert_eq!(scene.arrives().plan.language, 0);
    assert_eq!(scene.presses("2").plan.language, 1);
    assert_eq!(scene.nobody_answers().plan.language, 1);
}

#[test]
fn a_key_whose_steps_run_out_ends_in_finally() {
    let mut scene = menu_scene("");
    scene.arrives();
    scene.presses("1");
    assert!(matches!(scene.nobody_answers().plan.act, Act::Record { .. }));
}

#[test]
fn who_would_rather_have_a_text_gets_it_instead_of_the_tone() {
    let mut scene = scene("routes: [{ cascade: [{ voicemail: texty }], missed: tell }]");
    let offer = scene.arrives();
    assert!(matches!(offer.plan.act, Act::OfferText { .. }) && offer.end.is_none() && missed(&offer));
    let mut other = scene.position.clone();
    let texted = scene.presses("1");
    assert_eq!((texted.plan.act, texted.end), (Act::PromiseText, Some(EndKind::Texted)));
    assert!(matches!(texted.effects[..], [Effect::OfferedText { .. }]));
    std::mem::swap(&mut scene.position, &mut other);
    assert!(matches!(scene.presses("").plan.act, Act::Record { greeted: true, .. }));
}

#[test]
fn who_has_no_number_to_text_is_offered_no_text() {
    for caller in ["anonymous", "client:web", "sip:sam@pbx.example.com", "911"] {
        let mut scene = scene("routes: [{ cascade: [{ voicemail: texty }] }]").caller(caller);
        assert!(matches!(scene.arrives().plan.act, Act::Record { greeted: false, .. }), "{caller}");
    }
}

#[test]
fn refused_callers_start_no_escalation() {
    let mut scene = scene(
        "callers: { blocked: { numbers: [\"+12025550143\"] } }\nroutes: [{ when: { caller: blocked }, cascade: [{ reject: busy }], missed: tell }]",
    );
    let decision = scene.arrives();
    assert!(matches!(decision.plan.act, Act::Reject(_)) && !missed(&decision));
}

#[test]
fn a_number_that_is_none_of_ours_goes_to_finally() {
    let mut scene = scene(LADDER);
    scene.facts.line = None;
    let decision = scene.arrives();
    assert!(matches!(decision.plan.act, Act::Record { .. }));
    assert_eq!(decision.trace[..2], [Considered::UnknownLine, Considered::Finally]);
}

#[test]
fn a_call_with_too_many_answers_goes_to_finally() {
    let mut scene = menu_scene("");
    scene.arrives();
    scene.position.hop = MAX_HOPS;
    let decision = scene.presses("1");
    assert!(matches!(decision.plan.act, Act::Record { .. }));
    assert_eq!(decision.trace[0], Considered::TooManyHops);
}

#[test]
fn a_position_of_other_rules_goes_to_finally() {
    let mut scene = scene(LADDER);
    scene.arrives();
    scene.position.step.as_mut().unwrap().index = 99;
    let decision = scene.nobody_answers();
    assert!(matches!(decision.plan.act, Act::Record { .. }));
    assert_eq!(decision.trace[0], Considered::StrangePosition);
}

#[test]
fn negation_and_lists_are_any_of_and_not() {
    let routes = "routes: [{ when: { switch: [storm, dana_away], not: { hours: office } }, cascade: [{ ring: lee }] }, { when: { switch: [storm, dana_away] }, cascade: [{ ring: desk }] }]";
    let mut calm = scene(routes);
    assert!(matches!(calm.arrives().plan.act, Act::Record { .. }));
    let mut away = scene(routes).switch("dana_away");
    let decision = away.arrives();
    assert_eq!(away.rings(&decision), ["desk"], "the office is open, so the first rule is not taken");
}

#[test]
fn a_number_that_costs_extra_or_is_abroad_is_passed_over() {
    let more = "contacts: { dear: \"+19005550111\", abroad: \"+447911123456\", near: \"+13125550111\" }\n\
                routes: [{ cascade: [{ ring: dear }, { ring: abroad }, { ring: near }] }]\n\
                finally: [{ ring: dear }, { voicemail: Please leave a message. }]\n";
    let text = format!("version: 1\ntimezone: America/Chicago\nnumbers: [\"+13125550199\"]\n{more}");
    let loaded = load("scene.yaml", text.as_bytes(), &NoFiles, jiff::civil::date(2026, 3, 1));
    let told: Vec<_> = loaded.diagnostics.iter().map(|it| it.code).collect();
    assert_eq!(told, ["premium-number", "unlisted-country"], "it is told when the rules are read");
    let mut scene = Scene { rules: loaded.rules.unwrap(), ..scene("routes: [{ cascade: [{ ring: lee }] }]") };
    let decision = scene.arrives();
    assert_eq!(scene.rings(&decision), ["near"]);
    let why: Vec<_> = decision
        .trace
        .iter()
        .filter_map(|it| if let Considered::Skipped { why, .. } = it { Some(why.clone()) } else { None })
        .collect();
    assert_eq!(why, [Why::Barred(Bar::Premium), Why::Barred(Bar::Country)]);
    // Not by the ending either.
    assert!(matches!(scene.nobody_answers().plan.act, Act::Record { .. }));
}

#[test]
fn calls_in_circles_meet_the_ending_and_ring_nobody() {
    let lines = || scene("routes: [{ cascade: [{ ring: lee }] }]");
    let own = lines().rules.lines[0].number.clone();
    let circle = |mut scene: Scene| {
        let decision = scene.arrives();
        assert!(!matches!(decision.plan.act, Act::Ring { .. }), "{decision:?}");
        decision.trace[0].clone()
    };
    assert_eq!(circle(lines().caller(own.as_str())), Considered::Circling(Circle::OwnNumber));
    let mut forwarded = lines();
    forwarded.facts.forwarded_from = Some(own);
    assert_eq!(circle(forwarded), Considered::Circling(Circle::Forwarded));
    let burst = |earlier: Vec<u32>| Scene { state: State { earlier_calls: earlier, ..State::default() }, ..lines() };
    assert_eq!(circle(burst(vec![1; 9])), Considered::Circling(Circle::Burst { calls: 10 }));
    // Somebody who only calls again and again is no machine.
    let mut eager = burst((1..=9).map(|call| call * 10).collect());
    let decision = eager.arrives();
    assert_eq!(eager.rings(&decision), ["lee"]);
    // Later steps of a call go their way, however many others came meanwhile.
    let mut talking = lines();
    talking.arrives();
    talking.state.earlier_calls = vec![1; 20];
    assert!(matches!(talking.nobody_answers().plan.act, Act::Record { .. }));
}

#[test]
fn nothing_that_a_caller_sends_becomes_a_target() {
    // Whoever is rung is named by an index into the contacts of the rules, and no input has a way to make one.
    for sent in ["+19005550111", "19005550111", "sip:x@example.com", "*", "#0#", "1", "99999999999999999999"] {
        for spoken in [false, true] {
            let mut scene = menu_scene("").caller(sent);
            scene.facts.forwarded_from = E164::parse("+19005550111").ok();
            scene.arrives();
            let decision = if spoken { scene.says(sent) } else { scene.presses(sent) };
            if let Act::Ring { contacts, .. } = &decision.plan.act {
                let numbers: Vec<_> = contacts.iter().map(|id| &scene.rules.contact(*id).unwrap().number).collect();
                assert!(numbers.iter().all(|number| number.as_str() != sent), "{numbers:?}");
            }
        }
    }
}
