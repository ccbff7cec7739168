//! Whole calls over a real socket, disturbed in every way the carrier, an operator or a machine disturbs them.

use std::collections::{BTreeMap, BTreeSet};

use ringfall::audit::record::{Kind, Record};
use ringfall::model::leg::Leg;
use ringfall::phone::log::{CallLog, End};
use ringfall::phone::script::{HangUp, Message, MessageEnd, Phase, Quirk, Script};
use ringfall::phone::{Call, Callbacks, Delivery};

use crate::chance::Chance;
use crate::support::ACCOUNT;
use crate::telephone::{CALLER, Disturbance, Telephone, What};

/// Calls with everything left to chance; each is a new caller's, two days after the one before.
const CALLS: u64 = 120;

/// A line of a shipped rule file, with the names of its people by their numbers.
struct Line {
    org: String,
    number: String,
    names: BTreeMap<String, String>,
}

fn lines(service: &Telephone) -> Vec<Line> {
    let now = service.running().app.live.now();
    let mut lines = Vec::new();
    for org in now.organizations() {
        let contacts = org.rules.contacts.iter();
        let names: BTreeMap<_, _> =
            contacts.map(|contact| (contact.number.to_string(), contact.name.to_string())).collect();
        for line in &org.rules.lines {
            lines.push(Line { org: org.slug.to_string(), number: line.number.to_string(), names: names.clone() });
        }
    }
    lines
}

fn script(chance: &mut Chance, line: &Line) -> Script {
    let mut script = Script { default_leg: *chance.one_of(&Leg::ALL), ..Script::default() };
    for name in line.names.values() {
        if chance.once_in(2) {
            script.legs.insert(name.clone(), vec![*chance.one_of(&Leg::ALL)]);
        }
    }
    script.keys =
        (0..chance.below(4)).map(|_| (*chance.one_of(&["1", "2", "8", "9", "-", "#", "12"])).to_owned()).collect();
    script.speech = (0..chance.below(3)).map(|_| (*chance.one_of(&["events", "a table", "-"])).to_owned()).collect();
    script.message = Message {
        seconds: *chance.one_of(&[None, Some(1), Some(40)]),
        ends: chance.one_of(&[MessageEnd::HangUp, MessageEnd::Key('#'), MessageEnd::Silence]).clone(),
    };
    script.hang_up = match chance.below(6) {
        0 => Some(HangUp::After(chance.below(90_000) as u64)),
        1 => {
            let phases =
                [Phase::Ring(None), Phase::Menu, Phase::Greeting, Phase::Record, Phase::Screening, Phase::Talk];
            Some(HangUp::During(chance.one_of(&phases).clone()))
        }
        _ => None,
    };
    script.quirks = Quirk::ALL.into_iter().filter(|_| chance.once_in(4)).collect();
    script
}

fn delivery(chance: &mut Chance) -> Delivery {
    Delivery {
        copies: 1 + u8::try_from(chance.below(3)).unwrap(),
        callbacks: *chance.one_of(&[Callbacks::InOrder, Callbacks::Shuffled, Callbacks::Lost]),
        seed: chance.below(1_000_000) as u64,
        ..Delivery::default()
    }
}

/// Who is rung, in order, as the journal has it.
fn rung(records: &[Record]) -> Vec<String> {
    let decided = records.iter().filter_map(|record| record.decision.as_ref());
    decided.filter(|decision| decision.act == "ring").flat_map(|decision| decision.contacts.clone()).collect()
}

/// What must hold of every call, however it went.
fn holds(shown: &str, service: &Telephone, line: &Line, call: &Call, log: &CallLog) {
    assert!(!log.dropped(), "{shown}: dropped: {:#?}", log.timeline);
    let refused: Vec<_> = log.warnings.iter().filter(|warning| warning.code.is_some()).collect();
    assert!(refused.is_empty(), "{shown}: {refused:?}");
    let records = service.records(&line.org, &call.sid);
    let mut steps = BTreeSet::new();
    for record in &records {
        assert!(steps.insert(record.step.clone()), "{shown}: two records of {}", record.step);
    }
    let hops: Vec<_> = records.iter().filter(|it| it.decision.is_some()).filter_map(|it| it.to.as_ref()).collect();
    let places: BTreeSet<_> = hops.iter().map(|place| place.hop).collect();
    assert_eq!(places.len(), hops.len(), "{shown}: a place was left twice: {hops:?}");
    let names: Vec<String> = log.rung.iter().map(|leg| leg.name.clone()).collect();
    assert_eq!(rung(&records), names, "{shown}: whoever is rung is rung once for each decision");
    let effects: Vec<_> = records.iter().flat_map(|record| &record.effects).collect();
    let once: BTreeSet<_> = effects.iter().map(|effect| format!("{effect:?}")).collect();
    assert_eq!(once.len(), effects.len(), "{shown}: {effects:?}");
}

/// Some hours later no call is open, and the summary tells what the caller met.
fn is_closed(shown: &str, service: &Telephone, line: &Line, call: &Call, log: &CallLog) {
    let summary = service.summary(&line.org, &call.sid).unwrap();
    assert!(summary.closed_us.is_some() && summary.place.is_none(), "{shown}: still open: {summary:#?}");
    let records = service.records(&line.org, &call.sid);
    let closings = records.iter().filter(|record| record.kind == Kind::Closed).count();
    assert_eq!(closings, 1, "{shown}");
    let missed = records.iter().flat_map(|record| &record.effects).filter(|effect| effect.kind == "missed").count();
    assert!(missed <= 1, "{shown}: missed {missed} times");
    if call.delivery.callbacks == Callbacks::InOrder {
        let told = summary.end.as_deref().unwrap_or("nothing");
        match (told, log.end.word()) {
            // Who hangs up during a greeting has reached the mailbox, as far as anybody tells us.
            ("voicemail", "caller_gone") => {}
            // Who is promised a text is hung up on.
            ("texted", "hung_up" | "caller_gone") => assert!(call.from.starts_with('+'), "{shown}: {summary:#?}"),
            (told, met) => assert_eq!(told, met, "{shown}: {summary:#?}"),
        }
        let taken = matches!(log.end, End::Connected { .. });
        assert!(!taken || missed == 0, "{shown}: a call that was taken was called missed: {summary:#?}");
    }
}

#[test]
fn requests_doubled_shuffled_and_lost_ring_nobody_twice_and_leave_no_call_open() {
    let mut service = Telephone::shipped();
    let lines = lines(&service);
    let mut open = Vec::new();
    for number in 0..CALLS {
        let mut chance = Chance::new(number);
        let line = chance.one_of(&lines);
        let script = script(&mut chance, line);
        let hour = i64::try_from(chance.below(24 * 7)).unwrap();
        service.pass((48 + hour) * 3600);
        let from = *chance.one_of(&[CALLER, "anonymous", "+266696687", "", "client:web", "sip:sam@pbx.example.com"]);
        let call = Call {
            names: line.names.clone(),
            from: from.to_owned(),
            delivery: delivery(&mut chance),
            ..service.call_to(&line.number, &format!("CA{number:032x}"))
        };
        let log = service.place(&call, &script, None);
        let shown = format!("call {number} to {} {}: {script:#?} {:?}", line.org, line.number, call.delivery);
        holds(&shown, &service, line, &call, &log);
        open.push((shown, line, call, log));
    }
    service.pass(6 * 3600);
    for (shown, line, call, log) in &open {
        is_closed(shown, &service, line, call, log);
    }
}

#[test]
fn the_same_request_at_once_from_many_sides_has_one_answer_and_one_record() {
    let service = Telephone::new(&[("rules/acme.yaml", RULES)]);
    let call = format!("CA{:032x}", 7);
    let fields = [
        ("AccountSid", ACCOUNT),
        ("CallSid", &call),
        ("CallStatus", "ringing"),
        ("From", CALLER),
        ("To", "+16195550100"),
    ];
    let target = "/twilio/inbound-call?org=acme";
    let answers: BTreeSet<String> = std::thread::scope(|scope| {
        let sides: Vec<_> = (0..12).map(|_| scope.spawn(|| service.post(target, &fields).body)).collect();
        sides.into_iter().map(|side| side.join().unwrap()).collect()
    });
    assert_eq!(answers.len(), 1, "{answers:?}");
    let records = service.records("acme", &call);
    assert_eq!(records.iter().map(|record| record.step.as_str()).collect::<Vec<_>>(), ["arrival"]);
}

const RULES: &str = r#"
version: 1
timezone: America/Los_Angeles
numbers: ["+16195550100"]
contacts:
  anna: "+16195550111"
  ben: "+18585550107"
hours: { business: mon-fri 09:00-17:00 }
routes:
  - when: business
    cascade: [{ menu: welcome }, { ring: ben, for: 20s }]
menus:
  welcome:
    say: For a person press 1.
    keys: { "1": [{ ring: anna, for: 20s }, { ring: ben, for: 15s }] }
finally: { voicemail: Please leave your name and number after the tone. }
"#;

/// The same business with other people, other words and other hours.
const OTHER: &str = r#"
version: 1
timezone: America/Los_Angeles
numbers: ["+16195550100"]
contacts:
  carla: "+16195550133"
routes:
  - cascade: [{ ring: carla, for: 30s }]
finally: { voicemail: We are somebody else now. }
"#;

/// What the caller meets: who is rung, what is heard, how it ends.
fn met(log: &CallLog) -> (Vec<String>, Vec<String>, String) {
    let rung = log.rung.iter().map(|leg| format!("{} {}", leg.number, leg.status)).collect();
    (rung, log.heard.clone(), log.end.word().to_owned())
}

fn undisturbed_and(disturbances: &[What]) {
    let script = || {
        let mut script = Script { keys: vec!["1".to_owned()], ..Script::default() };
        script.add_leg("+16195550111=mailbox").unwrap();
        script.add_leg("+18585550107=busy").unwrap();
        script
    };
    let mut service = Telephone::new(&[("rules/acme.yaml", RULES)]);
    let first = service.call_to("+16195550100", &format!("CA{:032x}", 1));
    let mut began = first.began.as_second();
    let quiet = service.place(&first, &script(), None);
    assert_eq!(quiet.end, End::Voicemail);
    assert_eq!(quiet.rung.len(), 2);
    let requests = quiet.webhooks.len();
    assert!(requests >= 6, "{requests}");
    let mut number = 1_u64;
    for what in disturbances {
        // The first request begins the call; whatever happens before it is no disturbance.
        for before in 1..requests {
            number += 1;
            service.reload("rules/acme.yaml", RULES);
            // Who calls again and again within a minute meets the ending.
            began += 120;
            service.pass(began - service.call_to(CALLER, "").began.as_second());
            let call = service.call_to("+16195550100", &format!("CA{number:032x}"));
            let log = service.place(&call, &script(), Some(Disturbance { before, what: what.clone() }));
            assert_eq!(met(&log), met(&quiet), "{what:?} before request {before}");
            let records = service.records("acme", &call.sid);
            assert_eq!(rung(&records), ["anna", "ben"], "{what:?} before request {before}");
        }
    }
}

#[test]
fn a_jump_of_the_clock_changes_nothing_for_a_call_under_way() {
    // Set ahead by more than a call can last, the clock makes every webhook look replayed.
    undisturbed_and(&[What::Jump(9 * 3600), What::Jump(-9 * 3600), What::Jump(20 * 3600)]);
}

#[test]
fn a_reload_in_mid_call_lets_it_end_under_the_rules_it_began_under() {
    undisturbed_and(&[
        What::Reload("rules/acme.yaml", OTHER.to_owned()),
        What::Reload("rules/acme.yaml", "no: rules".to_owned()),
    ]);
}

#[test]
fn a_restart_in_mid_call_goes_unnoticed() {
    undisturbed_and(&[What::Restart, What::ReloadAndRestart("rules/acme.yaml", OTHER.to_owned())]);
}
