//! What people can do where a call waits under both rule sets, and the call in which they do it.

use std::collections::VecDeque;

use crate::decide::decision::Act;
use crate::journey::observe::Side;
use crate::journey::people::{Handed, People, Question, Reply};
use crate::journey::{Call, Journey, travel};
use crate::model::call::{Happened, LegOutcome};
use crate::model::ids::{ContactId, LineId, MailboxId};
use crate::model::leg::Leg;
use crate::model::phone::E164;
use crate::prove::pair::domain::{Joint, Region};
use crate::prove::pair::{Example, Which};
use crate::prove::people::KEYPAD;
use crate::rules::ruleset::{Handoff, Menu, RuleSet, Verb};

/// What everybody does at one stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Does {
    /// All who are rung, by their numbers, do this.
    Leg(Leg, Vec<E164>),
    /// The caller does this when asked.
    Reply(Reply),
    /// The caller leaves a message of so many seconds, or none.
    Message(Option<u32>),
    /// This becomes of a call that was handed off.
    Handed(Handed),
}

/// Everything that can come of a stop, told apart as far as rules tell it apart.
pub(crate) fn comings(old: Side<'_>, new: Side<'_>) -> Vec<(Does, Happened)> {
    match (&old.decision.plan.act, &new.decision.plan.act) {
        (Act::Ring { contacts, .. }, _) => {
            let talks = LegOutcome::Connected(contacts.first().copied());
            let who = contacts.iter().filter_map(|id| old.rules.contact(*id)).map(|contact| contact.number.clone());
            let who: Vec<E164> = who.collect();
            let leg = |leg, outcome: Option<LegOutcome>| {
                (Does::Leg(leg, who.clone()), outcome.map_or(Happened::Gone, Happened::Rang))
            };
            vec![
                leg(Leg::NoAnswer, Some(LegOutcome::NoAnswer)),
                leg(Leg::Answered, Some(talks)),
                leg(Leg::CallerHangsUp, None),
            ]
        }
        (Act::Menu { menu: one, .. }, Act::Menu { menu: other, .. }) => {
            menus(old.rules.menu(*one), new.rules.menu(*other)).into_iter().map(replied).collect()
        }
        (Act::OfferText { .. }, _) => {
            [Reply::Silence, Reply::Pressed("1".into()), Reply::HangsUp].into_iter().map(replied).collect()
        }
        (Act::Record { .. }, _) => [Some(15), Some(0), None]
            .into_iter()
            .map(|seconds| {
                let happened = seconds.map_or(Happened::Gone, |seconds| Happened::Recorded { seconds: Some(seconds) });
                (Does::Message(seconds), happened)
            })
            .collect(),
        (Act::Handoff { at }, _) => {
            let sip = matches!(old.rules.step(*at).map(|step| &step.verb), Some(Verb::Handoff(Handoff::Sip { .. })));
            let returned = if sip { Happened::Rang(LegOutcome::NoAnswer) } else { Happened::Returned };
            let mut all = vec![(Does::Handed(Handed::Returned), returned)];
            if sip {
                let taken = Happened::Rang(LegOutcome::Connected(None));
                all.push((Does::Handed(Handed::Kept), taken));
            }
            all.push((Does::Handed(Handed::HangsUp), Happened::Gone));
            all
        }
        _ => Vec::new(),
    }
}

fn replied(reply: Reply) -> (Does, Happened) {
    let chose = |digits: &str, speech: &str| Happened::Chose { digits: digits.into(), speech: speech.into() };
    let happened = match &reply {
        Reply::Pressed(digits) => chose(digits, ""),
        Reply::Said(speech) => chose("", speech),
        Reply::Silence => chose("", ""),
        Reply::HangsUp => Happened::Gone,
    };
    (Does::Reply(reply), happened)
}

/// Everything that a caller can do at two menus. What is said may name a choice of each, so when the choices are not
/// alike, any two of their words are said together as well.
fn menus(old: Option<&Menu>, new: Option<&Menu>) -> Vec<Reply> {
    let keys = || old.into_iter().chain(new).flat_map(|menu| &menu.keys);
    let mut digits: Vec<&str> = Vec::new();
    let mut phrases: Vec<&str> = Vec::new();
    for key in keys() {
        if !digits.contains(&&*key.digits) {
            digits.push(&key.digits);
        }
        for phrase in std::iter::once(&key.digits).chain(&key.words) {
            if !phrases.contains(&&**phrase) {
                phrases.push(phrase);
            }
        }
    }
    let wrong = KEYPAD.iter().find(|wrong| !digits.contains(wrong)).copied();
    let pressed = digits.iter().copied().chain(wrong).map(|digits| Reply::Pressed(digits.into()));
    let mut all: Vec<Reply> = std::iter::once(Reply::Silence).chain(pressed).chain([Reply::HangsUp]).collect();
    let choices = |menu: Option<&Menu>| {
        menu.map(|menu| menu.keys.iter().map(|key| (key.digits.clone(), key.words.clone())).collect::<Vec<_>>())
    };
    if choices(old) != choices(new) {
        for (place, one) in phrases.iter().enumerate() {
            all.push(Reply::Said((*one).into()));
            let others = phrases.iter().skip(place + 1);
            all.extend(others.map(|other| Reply::Said(format!("{one}, {other}").into())));
        }
    }
    all
}

/// People who do what a path says, told apart by their numbers.
#[derive(Debug, Clone)]
struct Played<'a> {
    rules: &'a RuleSet,
    legs: Vec<(E164, VecDeque<Leg>)>,
    replies: VecDeque<Reply>,
    messages: VecDeque<Option<u32>>,
    handed: VecDeque<Handed>,
}

impl<'a> Played<'a> {
    fn new(rules: &'a RuleSet, path: &[Does]) -> Self {
        let mut played = Self {
            rules,
            legs: Vec::new(),
            replies: VecDeque::new(),
            messages: VecDeque::new(),
            handed: VecDeque::new(),
        };
        for does in path {
            match does {
                Does::Leg(leg, who) => who.iter().for_each(|number| played.rings(number, *leg)),
                Does::Reply(reply) => played.replies.push_back(reply.clone()),
                Does::Message(seconds) => played.messages.push_back(*seconds),
                Does::Handed(handed) => played.handed.push_back(*handed),
            }
        }
        played
    }

    fn rings(&mut self, number: &E164, leg: Leg) {
        match self.legs.iter_mut().find(|(other, _)| other == number) {
            Some((_, legs)) => legs.push_back(leg),
            None => self.legs.push((number.clone(), VecDeque::from([leg]))),
        }
    }
}

impl People for Played<'_> {
    fn rung(&mut self, contact: ContactId) -> Leg {
        let number = self.rules.contact(contact).map(|contact| &contact.number);
        let legs = self.legs.iter_mut().find(|(other, _)| Some(other) == number);
        legs.and_then(|(_, legs)| legs.pop_front()).unwrap_or_default()
    }

    fn asked(&mut self, _: Question) -> Reply {
        self.replies.pop_front().unwrap_or_default()
    }

    fn tone(&mut self, _: MailboxId) -> Option<u32> {
        self.messages.pop_front().unwrap_or(Some(15))
    }

    fn handed_off(&mut self) -> Handed {
        self.handed.pop_front().unwrap_or_default()
    }
}

/// Plays the plainest call of the region under both.
pub(crate) fn play(joint: &Joint<'_>, line: usize, region: &Region, path: &[Does]) -> Option<Example> {
    let lines = joint.lines.get(line)?;
    let at = region.times.first().and_then(|place| joint.times(line)?.classes.get(place));
    let at = at.and_then(|moments| moments.stretches.first()).map(|(from, _)| from.as_second())?;
    let who = region.who.first().and_then(|place| joint.who.get(place))?;
    let call = |which: Which, line: Option<LineId>| Call {
        line,
        caller: who.caller.clone(),
        forwarded_from: who.forwarded_from.clone(),
        attestation: who.attestation,
        at,
        state: joint.state(which, region),
    };
    let (old_call, new_call) = (call(Which::Old, lines.old), call(Which::New, lines.new));
    let mut people = Played::new(joint.rules(Which::Old), path);
    let mut others = Played { rules: joint.rules(Which::New), ..people.clone() };
    let old: Journey = travel(joint.rules(Which::Old), &old_call, &mut people);
    let new: Journey = travel(joint.rules(Which::New), &new_call, &mut others);
    Some(Example { old_call, old, new_call, new })
}
