//! What people notice of an answer, compared between two rule sets by meaning: by numbers and words, never by
//! indexes or names.

mod parts;

pub(crate) use parts::{same_escalation, same_mailbox};

use crate::decide::decision::{Act, Decision};
use crate::decide::trace::Considered;
use crate::decide::words::{effects, places};
use crate::journey::Journey;
use crate::model::ids::LineId;
use crate::model::position::{RuleRef, StepRef};
use crate::rules::ruleset::{Receiver, RuleSet, Show};

/// One of the two answers.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// The rules that gave it.
    pub rules: &'a RuleSet,
    /// The line of the call in these rules.
    pub line: Option<LineId>,
    /// The answer.
    pub decision: &'a Decision,
}

/// In what two answers differ; the first that two differ in is what people would call the difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Aspect {
    /// Something else happens: a menu instead of a ring.
    Course,
    /// Somebody else is rung.
    Rung,
    /// Who picks up has to show it in another way.
    Confirm,
    /// The call ends in another way.
    Ending,
    /// Other messages are sent, or to others.
    Texts,
    /// Messages go elsewhere, or may be of another length.
    Mailbox,
    /// It rings, or waits, for another time.
    Seconds,
    /// The callee sees another number.
    Shown,
    /// Other words are heard or sent.
    Wording,
}

impl Aspect {
    /// All of them, the weightiest first.
    pub const ALL: [Self; 9] = [
        Self::Course,
        Self::Rung,
        Self::Confirm,
        Self::Ending,
        Self::Texts,
        Self::Mailbox,
        Self::Seconds,
        Self::Shown,
        Self::Wording,
    ];

    /// The word for it in reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Course => "course",
            Self::Rung => "rung",
            Self::Confirm => "confirm",
            Self::Ending => "ending",
            Self::Texts => "texts",
            Self::Mailbox => "mailbox",
            Self::Seconds => "seconds",
            Self::Shown => "shown",
            Self::Wording => "wording",
        }
    }

    /// What it means, for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Course => "something else happens",
            Self::Rung => "somebody else is rung",
            Self::Confirm => "calls are taken in another way",
            Self::Ending => "the call ends in another way",
            Self::Texts => "other messages are sent",
            Self::Mailbox => "messages left go elsewhere",
            Self::Seconds => "it rings or waits for another time",
            Self::Shown => "the callee sees another number",
            Self::Wording => "other words",
        }
    }

    /// Whether the two calls go different ways from here on, so that nothing after it can be compared.
    pub const fn parts_ways(self) -> bool {
        matches!(self, Self::Course | Self::Rung | Self::Confirm | Self::Ending)
    }
}

/// Several aspects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Aspects(u16);

impl Aspects {
    /// Adds one.
    pub const fn add(&mut self, aspect: Aspect) {
        self.0 |= 1 << aspect as u16;
    }

    /// Adds all of another set.
    pub const fn extend(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Whether it is in.
    pub const fn has(self, aspect: Aspect) -> bool {
        self.0 & (1 << aspect as u16) != 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The aspects in it, the weightiest first.
    pub fn list(self) -> impl Iterator<Item = Aspect> {
        Aspect::ALL.into_iter().filter(move |aspect| self.has(*aspect))
    }

    /// Whether the two calls go different ways from here on.
    pub fn part_ways(self) -> bool {
        self.list().any(Aspect::parts_ways)
    }
}

/// In what the answers differ.
pub fn compare(old: Side<'_>, new: Side<'_>) -> Aspects {
    let mut found = Aspects::default();
    parts::acts(old, new, &mut found);
    let ends = old.decision.end != new.decision.end || old.decision.next.is_some() != new.decision.next.is_some();
    if ends && !found.has(Aspect::Course) {
        found.add(Aspect::Ending);
    }
    parts::effects(old, new, &mut found);
    if !found.has(Aspect::Course) && !parts::heard(old).eq(parts::heard(new)) {
        found.add(Aspect::Wording);
    }
    found
}

/// A difference between two journeys: at which of their stops, and in what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// The place of the stop in both.
    pub stop: usize,
    /// In what the answers there differ.
    pub aspects: Aspects,
}

/// Every difference of two journeys of one call, up to where they part ways.
pub fn differences<'a>(
    old: (&'a RuleSet, Option<LineId>, &'a Journey),
    new: (&'a RuleSet, Option<LineId>, &'a Journey),
) -> impl Iterator<Item = Difference> + 'a {
    let mut parted = false;
    let pairs = old.2.stops.iter().zip(&new.2.stops).enumerate();
    let all = pairs.map_while(move |(stop, (one, other))| {
        if parted {
            return None;
        }
        let side = |rules, line, decision| Side { rules, line, decision };
        let aspects = compare(side(old.0, old.1, &one.decision), side(new.0, new.1, &other.decision));
        parted = aspects.part_ways();
        Some(Difference { stop, aspects })
    });
    all.filter(|difference| !difference.aspects.is_empty())
}

/// The rule taken in an answer, and the step that it comes to.
pub fn place(decision: &Decision) -> (Option<RuleRef>, Option<StepRef>) {
    let mut found = (None, None);
    for considered in &decision.trace {
        if let Considered::Taken(rule) = considered {
            found.0 = Some(*rule);
        } else if let Considered::Step(at) | Considered::Outcome { at, .. } = considered {
            found.1 = Some(*at);
        }
    }
    found
}

/// What an answer does, in a few words, looked at in one aspect.
pub fn describe(side: Side<'_>, aspect: Aspect) -> String {
    match aspect {
        Aspect::Wording => {
            let words: Vec<String> = parts::heard(side).map(parts::Words::shown).collect();
            let sent = sent(side);
            match (words.is_empty(), sent.is_empty()) {
                (true, true) => "says nothing".to_owned(),
                (true, false) => sent,
                _ => words.join(" "),
            }
        }
        Aspect::Texts => match sent(side) {
            sent if sent.is_empty() => "sends nothing".to_owned(),
            sent => sent,
        },
        Aspect::Mailbox => mailbox(side),
        Aspect::Shown => shown(side),
        Aspect::Course | Aspect::Rung | Aspect::Confirm | Aspect::Ending | Aspect::Seconds => act(side),
    }
}

fn act(side: Side<'_>) -> String {
    let Side { rules, decision, .. } = side;
    match &decision.plan.act {
        Act::Ring { contacts, seconds, .. } => {
            let who = contacts.iter().filter_map(|id| rules.contact(*id));
            let who =
                who.map(|contact| format!("{} ({}, {})", contact.name, contact.number, parts::takes(contact.confirm)));
            format!("rings {} for {seconds} s", who.collect::<Vec<_>>().join(" and "))
        }
        Act::Menu { menu, .. } => {
            let wait = rules.menu(*menu).map_or(0, |menu| menu.wait);
            format!("plays menu {} and waits {wait} s", places::menu_name(rules, *menu))
        }
        Act::OfferText { mailbox, .. } => {
            format!("offers a text, else voicemail {}", places::mailbox_name(rules, *mailbox))
        }
        Act::Record { mailbox, .. } => {
            format!("takes a message in voicemail {}", places::mailbox_name(rules, *mailbox))
        }
        Act::PromiseText => "promises a text and hangs up".to_owned(),
        Act::Thank => "thanks for the message and hangs up".to_owned(),
        Act::Reject(refusal) => format!("refuses the call as {}", parts::refusal(*refusal)),
        Act::Hangup(_) => "hangs up".to_owned(),
        Act::Handoff { at } => places::step_title(rules, *at),
        Act::Nothing => format!("the call is over, {}", decision.end.map_or("unknown", |end| end.word())),
    }
}

fn sent(side: Side<'_>) -> String {
    let all = side.decision.effects.iter().map(|effect| effects::sent(side.rules, effect));
    all.map(|sent| format!("{} {}", sent.kind, sent.what)).collect::<Vec<_>>().join(", ")
}

fn mailbox(side: Side<'_>) -> String {
    let Some(mailbox) = parts::mailbox(side) else { return act(side) };
    let to = mailbox.send_to.iter().map(|receiver| match receiver {
        Receiver::Contact(contact) => places::contact_name(side.rules, *contact).to_owned(),
        Receiver::OnDuty => "on_duty".to_owned(),
        Receiver::Address(address) => address.to_string(),
    });
    let to = to.collect::<Vec<_>>().join(", ");
    let written = if mailbox.transcribe { ", written out" } else { "" };
    format!(
        "voicemail {}, up to {} s, to {}{written}",
        mailbox.name,
        mailbox.max,
        if to.is_empty() { "nobody" } else { &to }
    )
}

fn shown(side: Side<'_>) -> String {
    let Act::Ring { contacts, .. } = &side.decision.plan.act else { return act(side) };
    let all = contacts.iter().filter_map(|id| side.rules.contact(*id)).map(|contact| match &contact.show {
        Show::Caller => format!("{} sees the caller's number", contact.name),
        Show::Line => format!("{} sees the line's number", contact.name),
        Show::Number(number) => format!("{} sees {number}", contact.name),
    });
    all.collect::<Vec<_>>().join(", ")
}
