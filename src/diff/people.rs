//! People who do again what they did in a recorded call, and who are not known where they did nothing then.

use crate::diff::seen::{Did, RungThen, Seen, Then};
use crate::journey::people::{Handed, People, Question, Reply};
use crate::model::ids::{ContactId, MailboxId};
use crate::model::leg::Leg;
use crate::model::phone::E164;
use crate::rules::ruleset::RuleSet;

/// What is not known of a call under other rules.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unknown {
    /// Somebody is rung who was not rung then.
    NotRung(ContactId),
    /// Somebody is rung for another time than then, and it would matter.
    OtherSeconds(ContactId),
    /// The caller is asked what was not asked then.
    NotAsked(String),
    /// The call is handed to an application that did not have it then.
    NotHanded,
}

/// The people of one recorded call, as one of the two rule sets knows them.
#[derive(Debug)]
pub struct Recorded<'a> {
    rules: &'a RuleSet,
    rings: Vec<(Option<&'a E164>, RungThen<'a>, bool)>,
    asked: Vec<(&'a Did, bool)>,
    together: Vec<ContactId>,
    seconds: u16,
    /// What was not known first; nothing that came after it means anything.
    pub unknown: Option<Unknown>,
}

impl<'a> Recorded<'a> {
    /// The people of the call. Their names are those of the rules that it was recorded under, or else of the new.
    pub fn new(seen: &'a Seen, rules: &'a RuleSet, old: &'a RuleSet, new: &'a RuleSet) -> Self {
        let number = |name: &str| {
            let of = |rules: &'a RuleSet| rules.contacts.iter().find(|contact| *contact.name == *name);
            of(old).or_else(|| of(new)).map(|contact| &contact.number)
        };
        let rings = seen.rings().map(|ring| (number(ring.name), ring, false)).collect();
        let asked = seen.did.iter().filter(|did| did.act != "ring").map(|did| (did, false)).collect();
        Self { rules, rings, asked, together: Vec::new(), seconds: 0, unknown: None }
    }

    /// What is not known ends the imagined call at once.
    fn not_known(&mut self, what: Unknown) -> Leg {
        self.unknown.get_or_insert(what);
        Leg::CallerHangsUp
    }

    fn next(&mut self, act: &str, name: Option<&str>) -> Option<&'a Did> {
        let fits = |did: &Did| did.act == act && name.is_none_or(|name| did.names.iter().any(|own| own == name));
        let found = self.asked.iter_mut().find(|(did, used)| !used && fits(did))?;
        found.1 = true;
        Some(found.0)
    }
}

impl People for Recorded<'_> {
    fn ringing(&mut self, contacts: &[ContactId], seconds: u16) {
        self.together = contacts.to_vec();
        self.seconds = seconds;
    }

    fn rung(&mut self, contact: ContactId) -> Leg {
        let number = self.rules.contact(contact).map(|contact| &contact.number);
        let found = self.rings.iter_mut().find(|(other, _, used)| !used && number.is_some() && *other == number);
        let Some((_, then, used)) = found else {
            return self.not_known(Unknown::NotRung(contact));
        };
        *used = true;
        let then = *then;
        match again(&then, self.seconds) {
            Again::Does(leg) => leg,
            Again::Let if self.faster_is_there(&then) => Leg::NoAnswer,
            Again::Let | Again::Unknown => self.not_known(Unknown::OtherSeconds(contact)),
        }
    }

    fn asked(&mut self, question: Question) -> Reply {
        let (act, name) = match question {
            Question::Menu(menu, _) => ("menu", self.rules.menu(menu).map(|menu| menu.name.clone())),
            Question::OfferText(_) => ("offer_text", None),
        };
        match self.next(act, name.as_deref()).map(|did| &did.then) {
            Some(Then::Pressed(digits)) if digits.is_empty() => Reply::Silence,
            Some(Then::Pressed(digits)) => Reply::Pressed(digits.as_str().into()),
            Some(Then::Said(speech)) => Reply::Said(speech.as_str().into()),
            Some(Then::Gone) => Reply::HangsUp,
            _ => {
                let what = name.map_or_else(|| "the offer of a text".to_owned(), |name| format!("menu {name}"));
                self.unknown.get_or_insert(Unknown::NotAsked(what));
                Reply::HangsUp
            }
        }
    }

    /// Whether a message is left changes nothing of how the call ends.
    fn tone(&mut self, _: MailboxId) -> Option<u32> {
        match self.next("record", None).map(|did| &did.then) {
            Some(Then::Left(seconds)) => Some(*seconds),
            Some(Then::Gone) => None,
            _ => Some(0),
        }
    }

    fn handed_off(&mut self) -> Handed {
        match self.next("handoff", None).map(|did| &did.then) {
            Some(Then::Taken(_)) | Some(Then::Nothing) => Handed::Kept,
            Some(Then::Gone) => Handed::HangsUp,
            Some(_) => Handed::Returned,
            None => {
                self.unknown.get_or_insert(Unknown::NotHanded);
                Handed::HangsUp
            }
        }
    }
}

impl Recorded<'_> {
    /// Whether the one who was faster then is rung together with this person again.
    fn faster_is_there(&self, then: &RungThen<'_>) -> bool {
        let names = self.together.iter().filter_map(|id| self.rules.contact(*id)).map(|contact| &contact.number);
        let others = then.together.iter().filter(|name| *name != then.name);
        let numbers: Vec<&E164> = others
            .filter_map(|name| {
                self.rings.iter().find(|(_, ring, _)| ring.name == name && ring.leg == Some(Leg::Answered))
            })
            .filter_map(|(number, ..)| *number)
            .collect();
        names.into_iter().any(|number| numbers.contains(&number))
    }
}

/// What somebody does who is rung for so many seconds.
enum Again {
    Does(Leg),
    /// Was let go because another was faster.
    Let,
    Unknown,
}

fn again(then: &RungThen<'_>, seconds: u16) -> Again {
    let as_long = then.seconds.is_none_or(|rang| seconds >= rang);
    let after = then.after.is_some_and(|after| u32::from(seconds) >= after);
    match then.leg {
        Some(leg @ (Leg::Answered | Leg::AnsweredNoKey)) if as_long || after => Again::Does(leg),
        Some(Leg::Answered | Leg::AnsweredNoKey) => Again::Unknown,
        Some(Leg::NoAnswer) if then.seconds.is_none_or(|rang| seconds <= rang) => Again::Does(Leg::NoAnswer),
        Some(Leg::NoAnswer) => Again::Unknown,
        // Up to when the caller hung up, nobody had answered.
        Some(Leg::CallerHangsUp) if !as_long && !after && then.after.is_some() => Again::Does(Leg::NoAnswer),
        Some(leg @ (Leg::CallerHangsUp | Leg::Busy | Leg::Declined | Leg::Unreachable | Leg::Canceled)) => {
            Again::Does(leg)
        }
        None if then.together.len() > 1 => Again::Let,
        None => Again::Unknown,
    }
}
