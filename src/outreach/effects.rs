//! From the effects of a record to drafts.

use jiff::Timestamp;

use crate::audit::record::{Effected, Record};
use crate::model::ids::{CascadeId, ContactId};
use crate::model::phone::{Caller, E164};
use crate::model::position::StepRef;
use crate::outreach::draft::{Draft, Kind};
use crate::outreach::guard;
use crate::outreach::words::{Blanks, caller_words, short};
use crate::rules::ruleset::{Contact, Escalation, Line, Mailbox, Notify, Receiver, RuleSet, Template, Verb};

/// Makes the address under which a recording can be heard, when there is one.
pub type Listen<'a> = dyn Fn(&str) -> Option<String> + Send + Sync + 'a;

/// A call that people are told of, so that somebody can take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The caller's leg.
    pub call: String,
    /// Who called, as people read it.
    pub caller: String,
    /// Our number.
    pub called: String,
    /// When it was missed, in seconds since 1970.
    pub at: i64,
}

/// What a record asks to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// The texts.
    pub drafts: Vec<Draft>,
    /// The call, when somebody has to be told of it.
    pub case: Option<Case>,
}

/// What the effects of this record ask to be sent, under the rules that the call began under.
pub fn wanted(rules: &RuleSet, record: &Record, listen: &Listen<'_>) -> Wanted {
    let scene = Scene::of(rules, record, listen);
    let mut wanted = Wanted::default();
    for effect in &record.effects {
        scene.effect(effect, &mut wanted);
    }
    wanted
}

/// The texts that a transcript asks for; the caller is known from the call's case, and who was on duty by whom the
/// message was told.
pub fn transcript(rules: &RuleSet, record: &Record, case: &Case, told: &[ContactId]) -> Vec<Draft> {
    let scene = Scene::of(rules, record, &|_| None);
    let text = record.reported.text.as_deref().map(str::trim).unwrap_or_default();
    let (Some(mailbox), false) = (mailbox_of(rules, record), text.is_empty() || text == "(blank)") else {
        return Vec::new();
    };
    let body = short(&format!("Message from {}: {text}", case.caller));
    let from = E164::parse(&case.called).ok();
    let scene = Scene { line_number: from, told: Some(told), ..scene };
    scene.receivers(mailbox, Kind::Transcript, &body)
}

/// Who may have been told of the message of this transcript, as whoever was on duty; each with the key of that text.
pub fn perhaps_told(rules: &RuleSet, record: &Record) -> Vec<(ContactId, String)> {
    let on_duty = |mailbox: &&Mailbox| mailbox.send_to.iter().any(|receiver| matches!(receiver, Receiver::OnDuty));
    let Some(mailbox) = mailbox_of(rules, record).filter(on_duty) else { return Vec::new() };
    let key = mailbox_key(Kind::Message, mailbox);
    contacts_by_text(rules).map(|(id, contact)| (id, contact_key(&key, contact))).collect()
}

/// The mailbox that a report names.
fn mailbox_of<'r>(rules: &'r RuleSet, record: &Record) -> Option<&'r Mailbox> {
    rules.mailboxes.iter().find(|mailbox| Some(&*mailbox.name) == record.reported.contact.as_deref())
}

fn mailbox_key(kind: Kind, mailbox: &Mailbox) -> String {
    format!("{}:{}", kind.word(), mailbox.name)
}

fn contact_key(key: &str, contact: &Contact) -> String {
    format!("{key}:{}", contact.name)
}

/// All who are told by text.
fn contacts_by_text(rules: &RuleSet) -> impl Iterator<Item = (ContactId, &Contact)> {
    (0..).map(ContactId).zip(&rules.contacts).filter(|(_, contact)| contact.notify == Notify::Sms)
}

struct Scene<'a> {
    rules: &'a RuleSet,
    record: &'a Record,
    listen: &'a Listen<'a>,
    caller: Caller,
    /// The number that was called.
    called: Option<E164>,
    line: Option<&'a Line>,
    /// The number that people are told from.
    line_number: Option<E164>,
    blanks: Blanks,
    at: i64,
    /// Who was on duty, where that is known by whom the message was told.
    told: Option<&'a [ContactId]>,
}

impl<'a> Scene<'a> {
    fn of(rules: &'a RuleSet, record: &'a Record, listen: &'a Listen<'a>) -> Self {
        let summary = record.summary.as_deref();
        let facts = record.facts.as_ref();
        let caller = facts.map(|facts| &facts.caller).or_else(|| summary.map(|it| &it.caller));
        let called = facts.map(|facts| &facts.called).or_else(|| summary.map(|it| &it.called));
        let caller = caller.map_or_else(|| Caller::Malformed("".into()), |text| Caller::parse(text));
        let line_number = called.and_then(|text| E164::parse(text).ok());
        let named = facts.and_then(|facts| facts.line.as_deref());
        let line = rules.lines.iter().find(|line| Some(&*line.name) == named);
        let line = line.or_else(|| rules.lines.iter().find(|line| Some(&line.number) == line_number.as_ref()));
        // Of a call to a number that the rules do not have, or of which nobody says where it came in, whoever is told
        // hears from a number that is known to send texts.
        let called = line_number.clone();
        let known = line_number.filter(|_| line.is_some());
        let line_number = known.or_else(|| rules.lines.first().map(|line| line.number.clone()));
        let now = Timestamp::from_microsecond(record.received.us).unwrap_or_default();
        // A call is told with the time at which it came in.
        let began = record.began.and_then(|began| Timestamp::from_second(began).ok()).unwrap_or(now);
        let zone = line.map_or(&rules.zone, |line| &line.zone);
        let blanks = Blanks::new(&caller, line.map_or("our line", |line| &line.spoken), began, zone);
        Self { rules, record, listen, caller, called, line, line_number, blanks, at: now.as_second(), told: None }
    }

    fn effect(&self, effect: &Effected, wanted: &mut Wanted) {
        let step = effect.step.as_deref().and_then(step_of).and_then(|at| self.rules.step(at));
        match (effect.kind.as_str(), step.map(|step| &step.verb)) {
            ("text", Some(Verb::Text(text))) => {
                let body = self.blanks.fill(&text.body);
                if text.caller {
                    wanted.drafts.push(self.to_caller(&effect.key, Kind::Text, &body));
                }
                let texts = text.contacts.iter().filter_map(|id| self.to_contact(&effect.key, Kind::Text, *id, &body));
                wanted.drafts.extend(texts);
            }
            ("offered_text", Some(Verb::Voicemail(mailbox))) => {
                let offer = self.rules.mailbox(*mailbox).and_then(|mailbox| mailbox.offer_text.as_ref());
                let Some(offer) = offer else { return };
                wanted.drafts.push(self.to_caller(&effect.key, Kind::Offered, &self.blanks.fill(&offer.body)));
            }
            ("notice", Some(Verb::Notice(notice))) => {
                let channel = effect.to.as_deref().unwrap_or_default();
                wanted.drafts.push(self.to_channel(&effect.key, channel, &notice.body, 0, false));
            }
            ("missed", _) => {
                let name = effect.to.as_deref().unwrap_or_default();
                let Some(escalation) = self.rules.escalations.iter().find(|it| &*it.name == name) else { return };
                self.missed(&effect.key, escalation, wanted);
            }
            ("message", _) => {
                let name = effect.to.as_deref().unwrap_or_default();
                let Some(mailbox) = self.rules.mailboxes.iter().find(|it| &*it.name == name) else { return };
                wanted.drafts.extend(self.receivers(mailbox, Kind::Message, &self.message()));
                wanted.case.get_or_insert_with(|| self.case());
            }
            _ => {}
        }
    }

    fn case(&self) -> Case {
        let called = self.line_number.as_ref().map(ToString::to_string).unwrap_or_default();
        Case { call: self.record.call.clone(), caller: caller_words(&self.caller), called, at: self.at }
    }

    /// Everybody of the same step hears at the same moment; later steps wait.
    fn missed(&self, key: &str, escalation: &Escalation, wanted: &mut Wanted) {
        for (place, step) in escalation.steps.iter().enumerate() {
            let key = format!("{key}.{place}");
            let body = self.blanks.fill(&step.body);
            let later = |draft: Draft| Draft {
                due: draft.due + i64::from(step.after),
                unless_taken: step.unless_taken,
                ..draft
            };
            let texts = step.sms.iter().filter_map(|id| self.to_contact(&key, Kind::Missed, *id, &body));
            wanted.drafts.extend(texts.map(later));
            if let Some(channel) = step.channel.and_then(|id| self.rules.channel(id)) {
                let draft = self.to_channel(&key, &channel.name, &step.body, step.after, step.unless_taken);
                wanted.drafts.push(draft);
            }
        }
        wanted.case = Some(self.case());
    }

    fn message(&self) -> String {
        let seconds = self.record.facts.as_ref().and_then(|facts| facts.seconds).or(self.record.reported.seconds);
        let length = seconds.map(|seconds| format!(" ({seconds} s)")).unwrap_or_default();
        let line = self.line.map_or_else(|| self.called.as_ref().map(E164::as_str), |line| Some(&line.spoken));
        let line = line.map(|line| format!(" for {line}")).unwrap_or_default();
        let link = self.record.reported.recording.as_deref().and_then(|sid| (self.listen)(sid));
        let link = link.map(|link| format!(" Listen: {link}")).unwrap_or_default();
        short(&format!("New message{length} from {}{line}, {}.{link}", self.blanks.caller, self.blanks.time))
    }

    fn receivers(&self, mailbox: &Mailbox, kind: Kind, body: &str) -> Vec<Draft> {
        let key = mailbox_key(kind, mailbox);
        let mut drafts: Vec<Draft> = Vec::new();
        for receiver in &mailbox.send_to {
            match receiver {
                Receiver::Contact(id) => drafts.extend(self.to_contact(&key, kind, *id, body)),
                Receiver::OnDuty => {
                    drafts.extend(self.on_duty().into_iter().filter_map(|id| self.to_contact(&key, kind, id, body)));
                }
                Receiver::Address(address) => {
                    drafts.push(self.draft(format!("{key}:{address}"), kind, address.to_string(), body));
                }
            }
        }
        let mut seen = Vec::new();
        drafts.retain(|draft| {
            !seen.contains(&draft.key) && {
                seen.push(draft.key.clone());
                true
            }
        });
        drafts
    }

    /// Whom the rule that was taken would ring, of those who are told by text; everybody, where no rule led there.
    fn on_duty(&self) -> Vec<ContactId> {
        if let Some(told) = self.told {
            return told.to_vec();
        }
        let rule = self.record.from.as_ref().and_then(|place| place.rule.as_deref()).and_then(step_of);
        // A rule is written as a step is: two numbers with a dot between.
        let rule = rule.map(|at| (usize::from(at.cascade.0), usize::from(at.index)));
        let rule = rule.and_then(|(flow, index)| self.rules.flows.get(flow)?.rules.get(index));
        if rule.is_none() {
            return contacts_by_text(self.rules).map(|(id, _)| id).collect();
        }
        let steps = rule.and_then(|rule| self.rules.cascade(rule.cascade)).map(|cascade| &cascade.steps);
        let rung = steps.into_iter().flat_map(|steps| steps.iter()).filter_map(|step| match &step.verb {
            Verb::Ring(ring) => Some(ring.contacts.iter().copied()),
            Verb::Speak(_)
            | Verb::Menu(_)
            | Verb::Flow { .. }
            | Verb::Voicemail(_)
            | Verb::Reject(_)
            | Verb::Hangup(_)
            | Verb::Text(_)
            | Verb::Notice(_)
            | Verb::Handoff(_) => None,
        });
        let by_text = |id: &ContactId| self.rules.contact(*id).is_some_and(|contact| contact.notify == Notify::Sms);
        rung.flatten().filter(by_text).collect()
    }

    fn draft(&self, key: String, kind: Kind, to: String, body: &str) -> Draft {
        Draft {
            key,
            kind,
            from: self.line_number.clone(),
            to,
            body: body.to_owned(),
            due: self.at,
            unless_taken: false,
            refused: None,
        }
    }

    fn to_caller(&self, key: &str, kind: Kind, body: &str) -> Draft {
        let number = guard::caller(&self.caller);
        let refused = match &number {
            Ok(number) => guard::refusal(self.rules, number),
            Err(why) => Some(why.clone()),
        };
        let to = number.map_or_else(|_| "caller".to_owned(), ToString::to_string);
        Draft { refused, ..self.draft(format!("{key}:caller"), kind, to, body) }
    }

    fn to_contact(&self, key: &str, kind: Kind, id: ContactId, body: &str) -> Option<Draft> {
        let contact = self.rules.contact(id)?;
        let refused = guard::refusal(self.rules, &contact.number);
        let draft = self.draft(contact_key(key, contact), kind, contact.number.to_string(), body);
        Some(Draft { refused, ..draft })
    }

    fn to_channel(&self, key: &str, channel: &str, body: &Template, after: u32, unless_taken: bool) -> Draft {
        let draft =
            self.draft(format!("{key}:#{channel}"), Kind::Notice, format!("#{channel}"), &self.blanks.fill(body));
        let due = draft.due + i64::from(after);
        let known = self.rules.channels.iter().find(|known| *known.name == *channel);
        let refused = known.and_then(|channel| guard::channel_refusal(self.rules, channel));
        Draft { due, unless_taken, refused, ..draft }
    }
}

/// Reads `3.1`.
fn step_of(text: &str) -> Option<StepRef> {
    let (cascade, index) = text.split_once('.')?;
    Some(StepRef { cascade: CascadeId(cascade.parse().ok()?), index: index.parse().ok()? })
}
