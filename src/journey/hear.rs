//! What a caller hears of an imagined call, second by second: ringing, speech, and silence.

use crate::decide::decision::Act;
use crate::decide::words::places;
use crate::journey::seconds;
use crate::journey::{Journey, Stop};
use crate::model::call::{Happened, LegOutcome};
use crate::model::ids::MailboxId;
use crate::model::leg::Leg;
use crate::model::position::StepRef;
use crate::rules::ruleset::{Confirm, EndKind, Handoff, RuleSet, Speech, Verb};

/// Callers begin to hang up when they hear nothing for longer than this many seconds.
pub const LONG_SILENCE: u32 = 6;

/// What is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sound {
    /// A phone ringing.
    Ringing,
    /// A text or a recording.
    Speech,
    /// Nothing.
    Silence,
    /// The tone of a mailbox.
    Tone,
    /// The caller speaks, to a person or onto a recording.
    Talk,
    /// The call is over, or out of our hands.
    End,
}

impl Sound {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ringing => "ringing",
            Self::Speech => "speech",
            Self::Silence => "silence",
            Self::Tone => "tone",
            Self::Talk => "talk",
            Self::End => "end",
        }
    }
}

/// One thing heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Seconds since the call came.
    pub at: u32,
    /// How many seconds it lasts; 0 for a moment, or when nobody knows.
    pub seconds: u32,
    /// What.
    pub sound: Sound,
    /// In words.
    pub what: String,
}

/// Everything that the caller hears, in order.
pub fn heard(rules: &RuleSet, journey: &Journey) -> Vec<Heard> {
    let mut ear = Ear { rules, clock: 0, answered: false, all: Vec::new() };
    for (place, stop) in journey.stops.iter().enumerate() {
        ear.clock = stop.at;
        let then = journey.stops.get(place.saturating_add(1)).map(|next| &next.happened);
        ear.stop(stop, then);
    }
    let end = match journey.end {
        EndKind::Connected => return ear.all,
        EndKind::Rejected => "the call is refused",
        EndKind::HandedOff => "another application has the call",
        EndKind::CallerGone => "the caller hangs up",
        EndKind::Voicemail | EndKind::Texted | EndKind::HungUp => "the call ends",
    };
    ear.note(0, Sound::End, end.to_owned());
    ear.all
}

/// Seconds of all that is heard as `sound`, until the caller talks or the call is over.
pub fn total(all: &[Heard], sound: Sound) -> u32 {
    all.iter().filter(|heard| heard.sound == sound).map(|heard| heard.seconds).sum()
}

/// Stretches of silence that are longer than callers bear: when each begins, and its seconds.
pub fn long_silences(all: &[Heard]) -> Vec<(u32, u32)> {
    let mut stretches: Vec<(u32, u32)> = Vec::new();
    let mut open = false;
    for heard in all {
        let silent = heard.sound == Sound::Silence;
        if silent && let Some((_, seconds)) = stretches.last_mut().filter(|_| open) {
            *seconds = seconds.saturating_add(heard.seconds);
        } else if silent {
            stretches.push((heard.at, heard.seconds));
        }
        // What takes no time does not break a silence.
        open = silent || (open && heard.seconds == 0 && heard.sound != Sound::Tone);
    }
    stretches.retain(|(_, seconds)| *seconds > LONG_SILENCE);
    stretches
}

struct Ear<'a> {
    rules: &'a RuleSet,
    clock: u32,
    /// Whether the call is answered, so that nothing is heard but what we or the callees let be heard.
    answered: bool,
    all: Vec<Heard>,
}

impl Ear<'_> {
    fn note(&mut self, seconds: u32, sound: Sound, what: String) {
        self.all.push(Heard { at: self.clock, seconds, sound, what });
        self.clock = self.clock.saturating_add(seconds);
        self.answered |= matches!(sound, Sound::Speech | Sound::Tone | Sound::Talk);
    }

    fn stop(&mut self, stop: &Stop, then: Option<&Happened>) {
        let plan = &stop.decision.plan;
        for at in &plan.speak {
            self.step_says(*at, plan.language);
        }
        match &plan.act {
            Act::Ring { seconds, .. } => self.ring(stop, *seconds, then),
            Act::Menu { menu, .. } => {
                if let Some(menu) = self.rules.menu(*menu) {
                    self.says(&menu.prompt, plan.language);
                    self.reply(then, u32::from(menu.wait));
                }
            }
            Act::OfferText { mailbox, greeting, .. } => {
                self.greeting(*mailbox, *greeting, plan.language);
                let offer = self.rules.mailbox(*mailbox).and_then(|mailbox| mailbox.offer_text.as_ref());
                if let Some(offer) = offer {
                    let text = offer.say.in_language(plan.language);
                    self.note(seconds::spoken(text), Sound::Speech, quoted(text));
                }
                self.reply(then, 0);
            }
            Act::Record { mailbox, greeting, greeted, .. } => {
                if !greeted {
                    self.greeting(*mailbox, *greeting, plan.language);
                }
                self.note(0, Sound::Tone, "the tone of the mailbox".to_owned());
                if let Some(Happened::Recorded { seconds: Some(seconds) }) = then {
                    self.note(*seconds, Sound::Talk, "the caller leaves a message".to_owned());
                }
            }
            Act::Hangup(Some(at)) => self.step_says(*at, plan.language),
            Act::Handoff { at } => self.handoff(*at, then),
            Act::PromiseText | Act::Thank | Act::Reject(_) | Act::Hangup(None) | Act::Nothing => {}
        }
    }

    fn step_says(&mut self, at: StepRef, language: u8) {
        if let Some(Verb::Speak(speech) | Verb::Hangup(Some(speech))) = self.rules.step(at).map(|step| &step.verb) {
            self.says(speech, language);
        }
    }

    fn says(&mut self, speech: &Speech, language: u8) {
        let what = match speech {
            Speech::Say(texts) => quoted(texts.in_language(language)),
            Speech::Play { audio, .. } => format!("plays {audio}, taken for {} s", seconds::RECORDING),
        };
        self.note(seconds::heard(speech, language), Sound::Speech, what);
    }

    fn greeting(&mut self, id: MailboxId, greeting: Option<u8>, language: u8) {
        let Some(mailbox) = self.rules.mailbox(id) else { return };
        let special = greeting.and_then(|place| mailbox.greetings.get(usize::from(place)));
        self.says(special.map_or(&mailbox.greeting, |greeting| &greeting.speech), language);
    }

    fn reply(&mut self, then: Option<&Happened>, wait: u32) {
        match then {
            Some(Happened::Chose { digits, .. }) if !digits.is_empty() => {
                self.note(0, Sound::Talk, format!("the caller presses {digits}"));
            }
            Some(Happened::Chose { speech, .. }) if !speech.is_empty() => {
                self.note(seconds::spoken(speech), Sound::Talk, format!("the caller says {}", quoted(speech)));
            }
            _ if wait > 0 => self.note(wait, Sound::Silence, "waiting for a key".to_owned()),
            _ => {}
        }
    }

    /// Until somebody picks up it rings. While a callee is asked to press a key, the caller goes on hearing it ring
    /// only as long as the call itself is not answered; afterwards there is nothing to hear.
    fn ring(&mut self, stop: &Stop, ringing: u16, then: Option<&Happened>) {
        let names = || places::contact_names(self.rules, &stop.legs.iter().map(|leg| leg.contact).collect::<Vec<_>>());
        let took = stop.took.saturating_sub(seconds::before(self.rules, &stop.decision.plan));
        let asked = match stop.legs.as_slice() {
            [leg] => self.asked(leg.leg, leg.contact, ringing),
            _ => 0,
        };
        let rings = took.saturating_sub(asked);
        let failed =
            matches!(stop.legs.as_slice(), [leg] if matches!(leg.leg, Leg::Busy | Leg::Unreachable | Leg::Canceled));
        if failed && self.answered {
            self.note(rings, Sound::Silence, format!("while {} is tried", names()));
        } else if rings > 0 {
            self.note(rings, Sound::Ringing, format!("ringing {}", names()));
        }
        if asked > 0 {
            let what = format!("while {} is asked to take the call", names());
            self.note(asked, if self.answered { Sound::Silence } else { Sound::Ringing }, what);
        }
        if let Some(Happened::Rang(LegOutcome::Connected(who))) = then {
            let name = who.map_or_else(names, |who| places::contact_name(self.rules, who).to_owned());
            self.note(0, Sound::Talk, format!("talks with {name}"));
        }
    }

    /// Seconds in which the callee, or a mailbox, has picked up and is being asked.
    fn asked(&self, leg: Leg, contact: crate::model::ids::ContactId, ringing: u16) -> u32 {
        let confirm = self.rules.contact(contact).map_or(Confirm::Key, |contact| contact.confirm);
        let asks = confirm != Confirm::None && matches!(leg, Leg::Answered | Leg::AnsweredNoKey | Leg::Declined);
        if asks { seconds::leg(leg, confirm, ringing).saturating_sub(seconds::pick_up(ringing)) } else { 0 }
    }

    fn handoff(&mut self, at: StepRef, then: Option<&Happened>) {
        match self.rules.step(at).map(|step| &step.verb) {
            Some(Verb::Handoff(Handoff::Sip { seconds, .. })) => match then {
                Some(Happened::Rang(LegOutcome::Connected(_))) => {
                    self.note(seconds::PICK_UP, Sound::Ringing, "ringing the other application".to_owned());
                    self.note(0, Sound::Talk, "talks with the other application".to_owned());
                }
                _ => self.note(u32::from(*seconds), Sound::Ringing, "ringing the other application".to_owned()),
            },
            _ => self.note(0, Sound::Talk, "what the other application plays".to_owned()),
        }
    }
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journey::people::{Reply, Script};
    use crate::journey::{Call, travel};
    use crate::model::call::{Attestation, State};
    use crate::model::ids::{ContactId, LineId};
    use crate::model::phone::Caller;
    use crate::rules::{NoFiles, load};

    const RULES: &str = r#"
version: 1
timezone: America/Chicago
lines:
  plain: { number: "+13125550100", start: plain }
  greeted: { number: "+13125550101", start: greeted }
contacts:
  dana: { number: "+13125550111" }
  desk: { number: "+13125550120", confirm: none }
flows:
  plain: [{ cascade: [{ ring: dana, for: 20s }] }]
  greeted: [{ cascade: [{ say: Thank you for calling. }, { menu: ask }, { ring: dana, for: 20s }, { ring: desk, for: 10s }] }]
menus:
  ask: { say: Press 1 for the desk., keys: { "1": [{ ring: desk, for: 10s }] }, wait: 5s }
finally: { voicemail: Leave a message. }
"#;

    fn sounds(line: u16, mut script: Script) -> (Vec<Heard>, Journey) {
        let loaded = load("ear.yaml", RULES.as_bytes(), &NoFiles, jiff::civil::date(2026, 3, 1));
        let rules = loaded.rules.unwrap_or_else(|| panic!("{:#?}", loaded.diagnostics));
        let call = Call {
            line: Some(LineId(line)),
            caller: Caller::Withheld,
            forwarded_from: None,
            attestation: Attestation::Unsigned,
            at: 1_772_830_800,
            state: State::default(),
        };
        let journey = travel(&rules, &call, &mut script);
        (heard(&rules, &journey), journey)
    }

    fn kinds(all: &[Heard]) -> Vec<(u32, u32, Sound)> {
        all.iter().map(|heard| (heard.at, heard.seconds, heard.sound)).collect()
    }

    #[test]
    fn an_unanswered_call_rings_on_while_a_callee_is_asked() {
        let (all, journey) = sounds(0, Script::new().leg(ContactId(0), [Leg::Answered]));
        assert_eq!(kinds(&all), [(0, 8, Sound::Ringing), (8, 8, Sound::Ringing), (16, 0, Sound::Talk)]);
        assert_eq!(total(&all, Sound::Ringing), journey.waited);
        assert_eq!(long_silences(&all), []);
    }

    #[test]
    fn after_a_greeting_the_question_to_the_callee_is_a_long_silence() {
        let script = Script::new().leg(ContactId(0), [Leg::AnsweredNoKey]).leg(ContactId(1), [Leg::Answered]);
        let (all, journey) = sounds(1, script);
        assert_eq!(total(&all, Sound::Silence), 5 + 16);
        assert_eq!(long_silences(&all).iter().map(|(_, seconds)| *seconds).collect::<Vec<_>>(), [16]);
        let sum: u32 = [Sound::Ringing, Sound::Speech, Sound::Silence].map(|sound| total(&all, sound)).iter().sum();
        assert_eq!(sum, journey.waited);
    }

    #[test]
    fn a_key_ends_the_wait_and_a_busy_phone_is_not_heard() {
        let script = Script::new().key(Reply::Pressed("1".into())).leg(ContactId(1), [Leg::Busy]);
        let (all, journey) = sounds(1, script);
        assert!(all.iter().any(|heard| heard.what == "the caller presses 1"));
        assert_eq!(total(&all, Sound::Silence), seconds::SETUP);
        assert_eq!(journey.end, EndKind::Voicemail);
        assert_eq!(all.last().map(|heard| heard.sound), Some(Sound::End));
    }
}
