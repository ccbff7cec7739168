//! What contacts write, and what they read.

use jiff::Timestamp;
use proptest::prelude::*;

use crate::control::command::{Wish, wish};
use crate::control::sentences::{self, Standing};
use crate::control::{Command, Sender, read};
use crate::model::moment::{Moment, Zone};
use crate::model::phone::E164;
use crate::rules::ruleset::RuleSet;

const RULES: &str = r#"version: 1
timezone: America/Los_Angeles
numbers: ["+16195550100"]
contacts:
  owner: { number: "+16195550130" }
  dana: { number: "+16195550111", away: dana_away }
  lee: { number: "+16195550112", away: lee_away }
  boss: "+16195550140"
  guest: "+16195550150"
switches:
  closed_today: { expires: end_of_day, set_by: [owner, boss] }
  maintenance: { expires: 4h, set_by: [owner] }
  dana_away: { expires: 12h, set_by: [dana, boss] }
  lee_away: { expires: 12h, set_by: [lee, boss] }
routes:
  - when: { not: { switch: [closed_today, maintenance] } }
    cascade: [{ ring: owner }, { ring: dana }, { ring: lee }, { ring: boss }, { ring: guest }]
finally: { voicemail: Please leave a message. }
"#;

fn rules() -> RuleSet {
    let loaded = crate::rules::load("acme", RULES.as_bytes(), &crate::rules::NoFiles, jiff::civil::date(2026, 11, 23));
    loaded.rules.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics))
}

fn number(text: &str) -> E164 {
    E164::parse(text).unwrap()
}

/// Monday 2026-11-23 10:00 in Los Angeles.
fn now() -> Moment {
    Moment::new(Timestamp::from_second(1_795_456_800).unwrap(), &Zone::named("America/Los_Angeles").unwrap())
}

const OWNER: &str = "+16195550130";
const DANA: &str = "+16195550111";
const BOSS: &str = "+16195550140";
const GUEST: &str = "+16195550150";

/// What the contact with that number reads, having written so.
fn answer(from: &str, text: &str) -> String {
    let rules = rules();
    let sender = Sender::find(&rules, &number(from)).unwrap();
    match read(text, &sender, &now()) {
        Ok(Command::Turn(turn)) => sentences::turned(&rules, &turn, &now()),
        Ok(Command::Help) => sentences::help(&sender),
        Ok(Command::Status) => sentences::status(&sender, &|_| Standing { on: false, until: None }, &now()),
        Ok(Command::Undo) => "undo".to_owned(),
        Ok(Command::Take) => "take".to_owned(),
        Err(answer) => answer,
    }
}

#[test]
fn an_owner_closes_and_opens_the_office_in_plain_words() {
    for (text, told) in [
        ("CLOSED until 3pm", "closed_today is on until 3pm; write UNDO to take it back."),
        ("closed", "closed_today is on until midnight; write UNDO to take it back."),
        ("Closed.", "closed_today is on until midnight; write UNDO to take it back."),
        ("close till 15:30!", "closed_today is on until 3:30pm; write UNDO to take it back."),
        ("open", "closed_today is off, as usual."),
        ("closed today until 3pm", "closed_today is on until 3pm; write UNDO to take it back."),
        (
            "closed until fri 9am",
            "closed_today is on until midnight, because the rules allow no more than the end of the day at a time.",
        ),
        ("maintenance", "maintenance is on until 2pm; write UNDO to take it back."),
        ("Maintenance off", "maintenance is off, as usual."),
        (
            "maintenance on for 2 days",
            "maintenance is on until 2pm, because the rules allow no more than 4 hours at a time.",
        ),
    ] {
        assert_eq!(answer(OWNER, text), told, "{text}");
    }
}

#[test]
fn everybody_is_away_for_themselves() {
    assert_eq!(answer(DANA, "AWAY 2h"), "dana_away is on until 12pm; write UNDO to take it back.");
    assert_eq!(answer(DANA, "back"), "dana_away is off, as usual.");
    assert_eq!(answer(BOSS, "away 2h"), "Which one: dana_away, lee_away? Write its name, such as DANA_AWAY ON 2H.");
    assert_eq!(answer(BOSS, "lee away 30m"), "lee_away is on until 10:30am; write UNDO to take it back.");
}

#[test]
fn nobody_turns_what_is_not_in_their_hands() {
    assert_eq!(answer(DANA, "closed"), "CLOSED is no switch of yours; you can write DANA_AWAY ON or DANA_AWAY OFF.");
    assert_eq!(answer(GUEST, "closed"), "CLOSED is not for you to say: the rules give you no switch.");
    assert_eq!(answer(DANA, "maintenance on"), "I do not know `maintenance`; HELP shows what you can write.");
    assert_eq!(answer(DANA, "lee_away on"), "I do not know `lee_away`; HELP shows what you can write.");
    let rules = rules();
    assert!(Sender::find(&rules, &number("+16195550199")).is_none());
}

#[test]
fn a_slip_of_the_thumb_is_asked_back() {
    assert_eq!(answer(OWNER, "clsoed"), "I do not know `clsoed`; did you mean CLOSED? HELP shows what you can write.");
    assert_eq!(answer(OWNER, "statsu"), "I do not know `statsu`; did you mean STATUS? HELP shows what you can write.");
    assert_eq!(answer(OWNER, "closed until 3"), "3 in the morning or in the afternoon? Write 3AM or 3PM.");
}

#[test]
fn help_and_status_tell_what_there_is() {
    assert_eq!(
        answer(OWNER, "help"),
        "You can write CLOSED UNTIL 3PM, OPEN, MAINTENANCE ON 2H, STATUS, UNDO, TAKE; STOP ends all texts."
    );
    assert_eq!(answer(DANA, "?"), "You can write AWAY 2H, BACK, STATUS, UNDO, TAKE; STOP ends all texts.");
    assert_eq!(answer(GUEST, "STATUS"), "closed_today is off, maintenance is off, dana_away is off, lee_away is off.");
    assert_eq!(answer(GUEST, " take! "), "take");
    assert_eq!(answer(OWNER, "undo"), "undo");
}

#[test]
fn the_words_that_end_all_texts_count_alone() {
    for text in ["STOP", " stop. ", "Unsubscribe", "QUIT", "stopall"] {
        assert_eq!(wish(text), Some(Wish::Stop), "{text}");
    }
    assert_eq!(wish("start"), Some(Wish::Start));
    for text in ["", "please stop by", "open", "yes"] {
        assert_eq!(wish(text), None, "{text}");
    }
}

#[test]
fn what_is_undone_is_told_with_its_end() {
    let until = Some(Timestamp::from_second(1_795_456_800 + 7_200).unwrap());
    let told = sentences::undone("closed_today", Standing { on: true, until }, &now());
    assert_eq!(told, "closed_today is on again, until 12pm.");
    let told = sentences::undone("closed_today", Standing { on: false, until: None }, &now());
    assert_eq!(told, "closed_today is off again, as usual.");
}

proptest! {
    #[test]
    fn whatever_is_written_is_answered_in_one_message(text in "\\PC{0,300}", who in 0_usize..4) {
        let told = answer([OWNER, DANA, BOSS, GUEST][who], &text);
        prop_assert!(!told.is_empty() && told.chars().count() <= 1600);
        prop_assert!(!told.contains('\n'));
        prop_assert!(wish(&text).is_none() || text.chars().count() < 40);
    }

    #[test]
    fn no_turn_outlives_what_the_rules_allow_or_is_over_already(
        word in "(closed|open|maintenance|maintenance on|maintenance off)",
        rest in "( until | for | )(today|tomorrow |fri |2026-12-24 )?([0-9]{1,2}(:[0-9]{2})?(am|pm|h|m|d)?)?",
        after in 0_i64..31_622_400,
    ) {
        let rules = rules();
        let sender = Sender::find(&rules, &number(OWNER)).unwrap();
        let at = Timestamp::from_second(1_795_456_800 + after).unwrap();
        let now = Moment::new(at, &rules.zone);
        if let Ok(Command::Turn(turn)) = read(&format!("{word}{rest}"), &sender, &now) {
            prop_assert!(sender.may(turn.switch));
            prop_assert!(turn.until > at);
            // A day has at most 25 hours.
            prop_assert!(turn.until.as_second() - at.as_second() <= 25 * 3600);
        }
    }
}
