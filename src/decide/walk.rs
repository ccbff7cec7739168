//! The walk through rules and steps, up to the next thing that has to wait for somebody.

use crate::decide::condition::{self, Itself};
use crate::decide::decision::{Act, Decision, Effect, Plan};
use crate::decide::trace::{Circle, Considered, Trace, Why};
use crate::decide::world::{Place, World};
use crate::model::ids::{ContactId, FlowId, LineId, MailboxId};
use crate::model::position::{Position, RuleRef, StepRef};
use crate::rules::ruleset::{Condition, EndKind, Ring, RuleSet, Verb};

/// Room for the reasons of an ordinary decision, so that the list seldom grows.
const USUAL_REASONS: usize = 24;

/// One decision in the making.
#[derive(Debug)]
pub(crate) struct Walk<'a, W> {
    pub(crate) rules: &'a RuleSet,
    pub(crate) world: &'a mut W,
    pub(crate) line: Option<LineId>,
    /// Where the call stands; its step and stage are those of the request until the walk stops.
    pub(crate) position: Position,
    pub(crate) trace: Trace,
    language: u8,
    speak: Vec<StepRef>,
    effects: Vec<Effect>,
    /// How many flows may still be entered: a valid rule set enters each at most once without a key.
    flows_left: usize,
    /// Whether the call goes in circles.
    circling: bool,
}

impl<'a, W: World> Walk<'a, W> {
    pub(crate) fn new(rules: &'a RuleSet, world: &'a mut W, line: Option<LineId>, position: &Position) -> Self {
        let of_line = || line.and_then(|id| rules.line(id)).map_or(0, |line| line.language);
        Self {
            rules,
            world,
            line,
            language: position.language.unwrap_or_else(of_line),
            position: position.clone(),
            trace: Vec::with_capacity(USUAL_REASONS),
            speak: Vec::new(),
            effects: Vec::new(),
            flows_left: rules.flows.len(),
            circling: false,
        }
    }

    /// A call that goes in circles meets the ending of the rules, and nobody is rung by it.
    pub(crate) fn circles(mut self, circle: Circle) -> Decision {
        self.circling = true;
        self.trace.push(Considered::Circling(circle));
        self.finally()
    }

    /// Walks on from the start of the line's flow.
    pub(crate) fn arrive(mut self) -> Decision {
        match self.line.and_then(|id| Some((id, self.rules.line(id)?.start))) {
            Some((line, flow)) => {
                self.trace.push(Considered::Line(line));
                let at = self.flow(flow);
                self.go(at)
            }
            None => {
                self.trace.push(Considered::UnknownLine);
                self.finally()
            }
        }
    }

    /// Walks on from the start of `finally`.
    pub(crate) fn finally(mut self) -> Decision {
        let at = self.enter_finally();
        self.go(at)
    }

    /// Walks on after a step whose outcome is in.
    pub(crate) fn after(self, at: StepRef) -> Decision {
        self.go(next(at))
    }

    /// Walks from a step to the next one that waits for somebody or ends the call.
    pub(crate) fn go(mut self, from: StepRef) -> Decision {
        let mut at = from;
        loop {
            let Some(step) = self.rules.step(at) else {
                if at.cascade == RuleSet::FINALLY {
                    self.trace.push(Considered::EndOfFinally);
                    return self.end(Act::Hangup(None), EndKind::HungUp);
                }
                at = self.enter_finally();
                continue;
            };
            self.trace.push(Considered::Step(at));
            match &step.verb {
                Verb::Ring(ring) => {
                    let contacts = self.reachable(at, ring);
                    if !contacts.is_empty() {
                        return self.wait(at, 0, Act::Ring { at, contacts, seconds: ring.seconds });
                    }
                    self.trace.push(Considered::NobodyThere(at));
                }
                Verb::Speak(_) => self.speak.push(at),
                Verb::Text(_) => self.effects.push(Effect::Text { at }),
                Verb::Notice(notice) => self.effects.push(Effect::Notice { at, channel: notice.channel }),
                Verb::Flow { flow, language } => {
                    self.language = language.unwrap_or(self.language);
                    self.position.language = language.or(self.position.language);
                    at = self.flow(*flow);
                    continue;
                }
                Verb::Menu(menu) => return self.wait(at, 0, Act::Menu { at, menu: *menu, attempt: 0 }),
                Verb::Voicemail(mailbox) => return self.voicemail(at, *mailbox),
                Verb::Reject(refusal) => return self.end_quietly(Act::Reject(*refusal), EndKind::Rejected),
                Verb::Hangup(speech) => {
                    let act = Act::Hangup(speech.as_ref().map(|_| at));
                    return self.end(act, EndKind::HungUp);
                }
                Verb::Handoff(_) => return self.wait(at, 0, Act::Handoff { at }),
            }
            at = next(at);
        }
    }

    /// Stops here until the next request reports what came of it.
    pub(crate) fn wait(mut self, at: StepRef, stage: u8, act: Act) -> Decision {
        let Some(hop) = self.position.hop.checked_add(1) else {
            return self.end(Act::Hangup(None), EndKind::HungUp);
        };
        self.position.step = Some(at);
        self.position.stage = stage;
        self.position.hop = hop;
        let end = matches!(act, Act::Record { .. }).then_some(EndKind::Voicemail);
        let plan = Plan { speak: self.speak, act, language: self.language };
        Decision { plan, next: Some(self.position), effects: self.effects, end, trace: self.trace }
    }

    /// Ends a call that nobody took.
    pub(crate) fn end(mut self, act: Act, end: EndKind) -> Decision {
        self.miss();
        self.end_quietly(act, end)
    }

    /// Ends a call that was taken, or that nobody is to be told of.
    pub(crate) fn end_quietly(self, act: Act, end: EndKind) -> Decision {
        let plan = Plan { speak: self.speak, act, language: self.language };
        Decision { plan, next: None, effects: self.effects, end: Some(end), trace: self.trace }
    }

    /// Starts the escalation that waits for nobody taking the call, once.
    fn miss(&mut self) {
        if let Some(escalation) = self.position.missed.take() {
            self.effects.push(Effect::Missed { escalation });
        }
    }

    pub(crate) fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Enters a voicemail: an offer first, when the mailbox makes one.
    fn voicemail(mut self, at: StepRef, mailbox: MailboxId) -> Decision {
        self.miss();
        let greeting = self.greeting(mailbox);
        let offers = self.rules.mailbox(mailbox).is_some_and(|mailbox| mailbox.offer_text.is_some());
        // Who hides the number, or has none, would wait for a text that cannot be sent.
        if offers && self.world.can_be_texted() {
            return self.wait(at, 0, Act::OfferText { at, mailbox, greeting });
        }
        self.wait(at, 1, Act::Record { at, mailbox, greeting, greeted: false })
    }

    /// Which of the mailbox's greetings fits now; none for the usual one.
    pub(crate) fn greeting(&mut self, mailbox: MailboxId) -> Option<u8> {
        let greetings = &self.rules.mailbox(mailbox)?.greetings;
        let fits = greetings.iter().zip(0..=u8::MAX).find(|(greeting, place)| {
            self.world.passing(Place::Greeting(mailbox, *place));
            self.all_hold(&greeting.when)
        });
        let fits = fits.map(|(_, place)| place);
        self.trace.extend(fits.map(Considered::Greeting));
        fits
    }

    fn all_hold(&mut self, when: &[Condition]) -> bool {
        let itself = self.itself();
        when.iter().all(|condition| condition::holds(condition, itself, self.world).holds)
    }

    const fn itself(&self) -> Itself {
        Itself { line: self.line, language: self.language }
    }

    fn enter_finally(&mut self) -> StepRef {
        self.trace.push(Considered::Finally);
        StepRef { cascade: RuleSet::FINALLY, index: 0 }
    }

    /// Enters a flow: the first step of the first rule that holds, or of `finally`.
    fn flow(&mut self, flow: FlowId) -> StepRef {
        self.trace.push(Considered::Flow(flow));
        let entered = self.flows_left.checked_sub(1);
        self.flows_left = entered.unwrap_or(0);
        let rules = entered.and_then(|_| self.rules.flow(flow)).map_or(&[][..], |flow| &flow.rules);
        for (rule, index) in rules.iter().zip(0..=u16::MAX) {
            let at = RuleRef { flow, index };
            self.world.passing(Place::Rule(at));
            if self.rule_holds(at, &rule.when) {
                self.world.passing(Place::Taken(at));
                self.trace.push(Considered::Taken(at));
                self.position.rule = Some(at);
                self.position.missed = rule.missed.or(self.position.missed);
                return StepRef { cascade: rule.cascade, index: 0 };
            }
        }
        self.trace.push(Considered::NoRule(flow));
        self.enter_finally()
    }

    fn rule_holds(&mut self, rule: RuleRef, when: &[Condition]) -> bool {
        let itself = self.itself();
        for (condition, place) in when.iter().zip(0..=u8::MAX) {
            let seen = condition::holds(condition, itself, self.world);
            if !seen.holds {
                self.trace.push(Considered::Passed { rule, condition: place, why: seen.why });
                return false;
            }
            self.trace.push(Considered::Held { rule, condition: place, why: seen.why });
        }
        true
    }

    /// Those of a ring step who can be rung now; the others leave their reason.
    fn reachable(&mut self, at: StepRef, ring: &Ring) -> Vec<ContactId> {
        let mut there = Vec::with_capacity(ring.contacts.len());
        for contact in ring.contacts.iter().copied() {
            self.world.passing(Place::Contact(at, contact));
            match self.unreachable(contact) {
                Some(why) => self.trace.push(Considered::Skipped { at, contact, why }),
                None => {
                    self.trace.push(Considered::Rung { at, contact });
                    there.push(contact);
                }
            }
        }
        there
    }

    fn unreachable(&mut self, id: ContactId) -> Option<Why> {
        let Some(contact) = self.rules.contact(id).filter(|contact| contact.callable) else {
            return Some(Why::NotCallable);
        };
        if self.circling {
            return Some(Why::Loop);
        }
        if let Some(bar) = contact.barred {
            return Some(Why::Barred(bar));
        }
        let away = contact.away.map(|switch| self.world.switch(switch)).filter(|seen| seen.holds);
        away.map(|seen| seen.why)
            .or_else(|| contact.max_calls.and_then(|max| self.world.busy(id, max)))
            .or_else(|| self.world.loops(id))
    }
}

/// The step after this one.
const fn next(at: StepRef) -> StepRef {
    StepRef { cascade: at.cascade, index: at.index.saturating_add(1) }
}
