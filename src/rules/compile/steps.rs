//! Steps: exactly one verb each, with the options that belong to it.

use crate::model::ids::{ChannelId, FlowId, MenuId};
use crate::rules::compile::names::{Section, is_name};
use crate::rules::compile::{Callee, Desk};
use crate::rules::place::{At, Part};
use crate::rules::ruleset::{Handoff, Notice, Owner, Refusal, Ring, RuleSet, Speech, Step, Text, Verb};
use crate::rules::shape::shorten;
use crate::rules::written::{self, ClosedOrBusy, FlagOr, OneOrMany, Said, TextOr};

/// Shortest and longest ringing time that the carrier keeps to.
const RINGING: (u16, u16) = (5, 600);

/// Ringing time where nothing is said.
const RINGS_FOR: u16 = 20;

/// What a list of steps belongs to, and so what may stand in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setting {
    /// A rule.
    Rule {
        /// Whether it has a condition.
        conditional: bool,
        /// Whether it is only for some callers.
        by_caller: bool,
    },
    /// A key of a menu.
    Key,
    /// Silence and wrong keys.
    Otherwise,
    /// The ending of every call.
    Finally,
}

/// The verbs of a step that are there.
fn verbs(step: &written::Step) -> Vec<&'static str> {
    let given = [
        ("ring", step.ring.is_some()),
        ("say", step.say.is_some()),
        ("play", step.play.is_some()),
        ("menu", step.menu.is_some()),
        ("flow", step.flow.is_some()),
        ("voicemail", step.voicemail.is_some()),
        ("reject", step.reject.is_some()),
        ("hangup", step.hangup.is_some()),
        ("text", step.text.is_some()),
        ("notify", step.notify.is_some()),
        ("handoff", step.handoff.is_some()),
    ];
    given.iter().filter(|(_, given)| *given).map(|(verb, _)| *verb).collect()
}

/// Which verbs an option belongs to.
const OPTIONS: [(&str, &[&str]); 5] = [
    ("for", &["ring", "handoff"]),
    ("else_say", &["play"]),
    ("language", &["flow"]),
    ("offer_text", &["voicemail"]),
    ("body", &["text", "notify", "voicemail"]),
];

impl<'a> Desk<'a> {
    /// `finally`, which is always the first cascade.
    pub(super) fn finally(&mut self, main: &'a Part) {
        let at = At::root(main).field("finally");
        let steps = match &main.file.finally {
            Some(finally) => {
                // Each verb that may stand here leaves the caller with a person, a tone or a word.
                self.steps(&at, &finally.0, Setting::Finally)
            }
            None => Vec::new(),
        };
        let id = self.add_cascade(Owner::Finally, steps);
        debug_assert_eq!(id, RuleSet::FINALLY);
    }

    /// The steps of a cascade; an empty one is an error.
    pub(super) fn steps(&mut self, at: &At<'a>, steps: &'a [written::Step], setting: Setting) -> Vec<Step> {
        if steps.is_empty() && at.is_there() {
            let help = "add a step, such as `{ ring: primary, for: 20s }`";
            self.report(at, at.key_error("empty-list", "there are no steps here").help(help));
        }
        self.step_list(at, steps, setting)
    }

    fn step_list(&mut self, at: &At<'a>, steps: &'a [written::Step], setting: Setting) -> Vec<Step> {
        let mut compiled = Vec::with_capacity(steps.len());
        let mut ended: Option<At<'a>> = None;
        for (index, step) in steps.iter().enumerate() {
            let at = at.one_of(index);
            if let Some(end) = ended.take() {
                let warning = at.warning("unreachable-step", "this step is never reached");
                let warning = warning.also(end.source(), end.span(), "nothing comes back from this step");
                self.report(&at, warning.help("delete it, or move it before that step"));
            }
            if step.reject.is_some()
                && steps.iter().take(index).any(|before| before.text.is_none() && before.notify.is_none())
            {
                let help = "make it the first step: a call that has been answered cannot be refused any more";
                self.error(&at, "late-reject", "`reject` comes after something that answers the call", help);
            }
            let verb = self.step(&at, step, setting);
            if self.is_ending(step) {
                ended = Some(at);
            }
            compiled.extend(verb.map(|verb| Step { verb, at: at.line() }));
        }
        compiled
    }

    /// Whether nothing after the step can be reached.
    fn is_ending(&self, step: &written::Step) -> bool {
        let ends = step.voicemail.is_some() || step.reject.is_some() || step.hangup.is_some() || step.flow.is_some();
        let menu = step.menu.as_deref().and_then(|menu| self.names.get(Section::Menus, menu));
        ends || menu.is_some_and(|menu| self.menus_ending.get(usize::from(menu)) == Some(&true))
    }

    fn step(&mut self, at: &At<'a>, step: &'a written::Step, setting: Setting) -> Option<Verb> {
        let verbs = verbs(step);
        let verb = match verbs.as_slice() {
            [verb] => *verb,
            [] => {
                if !at.is_broken() {
                    let help = "write one of `ring`, `say`, `play`, `menu`, `flow`, `voicemail`, `reject`, `hangup`, `text`, `notify`, `handoff`";
                    self.error(at, "missing-verb", "the step does not say what to do", help);
                }
                return None;
            }
            [first, others @ ..] => {
                let others: Vec<String> = others.iter().map(|verb| format!("`{verb}`")).collect();
                let message = format!("the step says `{first}` and {}", others.join(" and "));
                self.error(at, "several-verbs", message, "make a step of each: one step has one verb");
                return None;
            }
        };
        self.options(at, step, verb);
        if setting == Setting::Finally && !matches!(verb, "ring" | "say" | "play" | "voicemail") {
            let help = "`finally` also serves when everything else is down, so it holds only `say`, `play`, `ring` of one contact, and `voicemail`";
            self.error(at, "finally-not-static", format!("`{verb}` stands in `finally`"), help);
            return None;
        }
        self.verb(at, step, setting)
    }

    fn options(&mut self, at: &At<'a>, step: &written::Step, verb: &str) {
        let given = [
            step.time.is_some(),
            step.else_say.is_some(),
            step.language.is_some(),
            step.offer_text.is_some(),
            step.body.is_some() && (verb != "voicemail" || step.offer_text.is_some()),
        ];
        let body_without_offer = step.body.is_some() && verb == "voicemail" && step.offer_text.is_none();
        for ((option, belongs), given) in OPTIONS.iter().zip(given) {
            let stray = (given && !belongs.contains(&verb)) || (*option == "body" && body_without_offer);
            if stray {
                let at = at.field(option);
                let owners: Vec<String> = belongs.iter().map(|verb| format!("`{verb}`")).collect();
                let problem = at.key_error("stray-option", format!("`{option}` does not go with `{verb}`"));
                self.report(&at, problem.help(format!("delete it: it belongs to {}", owners.join(" and "))));
            }
        }
    }

    fn verb(&mut self, at: &At<'a>, step: &'a written::Step, setting: Setting) -> Option<Verb> {
        if let Some(contacts) = &step.ring {
            return self.ring(at, step, contacts, setting);
        }
        if let Some(said) = &step.say {
            return self.speech(&at.field("say"), said).map(Verb::Speak);
        }
        if let Some(audio) = &step.play {
            let else_at = at.field("else_say");
            return self
                .play(&at.field("play"), audio, step.else_say.as_ref().map(|said| (&else_at, said)))
                .map(Verb::Speak);
        }
        if let Some(menu) = &step.menu {
            return self.find(Section::Menus, menu, &at.field("menu")).map(|menu| Verb::Menu(MenuId(menu)));
        }
        if let Some(flow) = &step.flow {
            let flow = self.find(Section::Flows, flow, &at.field("flow")).map(FlowId);
            let language = step.language.as_ref().map(|tag| self.asked_language(at.field("language"), tag));
            return Some(Verb::Flow { flow: flow?, language: language.flatten() });
        }
        if let Some(said) = &step.voicemail {
            return self.voicemail(at, said, step).map(Verb::Voicemail);
        }
        if let Some(how) = step.reject {
            return self.reject(at, how, setting);
        }
        if let Some(hangup) = &step.hangup {
            return self.hangup(at, hangup, setting);
        }
        if let Some(receivers) = &step.text {
            return self.text_step(at, receivers, step.body.as_deref());
        }
        if let Some(channel) = &step.notify {
            let channel = self.find(Section::Channels, channel, &at.field("notify")).map(ChannelId);
            let body = self.body(at, step.body.as_deref());
            return Some(Verb::Notice(Notice { channel: channel?, body: body? }));
        }
        self.handoff(at, step.handoff.as_deref()?, step.time.as_deref())
    }

    fn ring(&mut self, at: &At<'a>, step: &written::Step, names: &OneOrMany<String>, setting: Setting) -> Option<Verb> {
        let list = at.field("ring");
        if names.0.is_empty() {
            self.report(&list, list.key_error("empty-list", "nobody is rung here").help("name a contact"));
        }
        let contacts = self.contact_list(&list, &names.0);
        let seconds = match step.time.as_deref() {
            Some(time) => self.short_seconds(&at.field("for"), time, RINGING.0, RINGING.1),
            None => self.default_ringing(),
        };
        for (index, name) in names.0.iter().enumerate() {
            let place = list.one_of(index);
            let Some(id) = self.names.get(Section::Contacts, name) else { continue };
            self.callable(&place, name, usize::from(id), names.0.len() > 1, setting);
        }
        if setting == Setting::Finally && names.0.len() > 1 {
            let help = "ring one contact: `finally` must work without anybody deciding";
            self.error(&list, "finally-not-static", "`finally` rings several contacts", help);
        }
        Some(Verb::Ring(Ring { contacts: contacts.into_boxed_slice(), seconds: seconds? }))
    }

    fn callable(&mut self, at: &At<'a>, name: &str, id: usize, several: bool, setting: Setting) {
        let Some(&Callee { at: contact, confirms, callable, fixed }) = self.callees.get(id) else { return };
        let also = |problem: crate::diagnostic::Diagnostic, text: &str| {
            problem.also(contact.source(), contact.key_span(), text)
        };
        if !callable {
            let problem = at.error("not-callable", format!("`{name}` is rung, and its contact says `callable: false`"));
            self.report(at, also(problem, "said here").help("ring somebody else, or delete `callable: false`"));
        }
        if several && confirms {
            let message = format!("`{name}` confirms by key, and is rung together with others");
            let help = "the carrier connects the first phone that picks up and stops the others, before any key can be pressed, \
                        so a mailbox would win every time: ring them one after the other, or write `confirm: none` for each of them";
            self.report(at, also(at.error("ring-all-confirm", message), "confirms by key").help(help));
        }
        if setting == Setting::Finally && !fixed {
            let message = format!("`finally` rings `{name}`, who is not always there");
            let help = "ring a contact without `away` and `max_calls`, or end with `voicemail`";
            self.report(at, also(at.error("finally-not-static", message), "sometimes away or busy").help(help));
        }
    }

    fn default_ringing(&mut self) -> Option<u16> {
        let Some(time) = self.ring_defaults().and_then(|ring| ring.time.as_deref()) else { return Some(RINGS_FOR) };
        let at = At::root(self.parts.first()?).field("defaults").field("ring").field("for");
        // Every ring step comes by here, and what is wrong is to be said once.
        let before = self.problems.len();
        let seconds = self.short_seconds(&at, time, RINGING.0, RINGING.1);
        let path = at.path();
        let said = self.problems.iter().take(before).any(|problem| problem.path == path);
        if said {
            self.problems.truncate(before);
        }
        seconds
    }

    fn reject(&mut self, at: &At<'a>, how: ClosedOrBusy, setting: Setting) -> Option<Verb> {
        if !matches!(setting, Setting::Rule { by_caller: true, .. }) {
            let help =
                "add a condition such as `when: { caller: blocked }`: refusing everybody would lose real callers";
            self.error(at, "careless-reject", "`reject` stands where it refuses more than certain callers", help);
            return None;
        }
        Some(Verb::Reject(match how {
            ClosedOrBusy::Busy => Refusal::Busy,
            ClosedOrBusy::Closed => Refusal::Closed,
        }))
    }

    fn hangup(&mut self, at: &At<'a>, hangup: &FlagOr<Said>, setting: Setting) -> Option<Verb> {
        if !matches!(setting, Setting::Rule { conditional: true, .. } | Setting::Key) {
            let help = "add a condition to the rule, or let the call fall through to `finally`";
            self.error(at, "careless-hangup", "`hangup` stands where every caller would be hung up on", help);
            return None;
        }
        match hangup {
            FlagOr::Flag(true) => Some(Verb::Hangup(None)),
            FlagOr::Flag(false) => {
                self.error(
                    at,
                    "missing-verb",
                    "`hangup: false` does nothing",
                    "delete the step, or write `hangup: true`",
                );
                None
            }
            FlagOr::Full(said) => {
                self.speech(&at.field("hangup"), said).map(|speech: Speech| Verb::Hangup(Some(speech)))
            }
        }
    }

    fn text_step(&mut self, at: &At<'a>, receivers: &OneOrMany<String>, body: Option<&str>) -> Option<Verb> {
        let list = at.field("text");
        let mut caller = false;
        let mut contacts = Vec::new();
        for (index, name) in receivers.0.iter().enumerate() {
            let place = list.one_of(index);
            if name == "caller" {
                caller = true;
            } else if is_name(name) || self.names.get(Section::Contacts, name).is_some() {
                contacts.extend(self.contact_list(&place, std::slice::from_ref(name)));
            } else {
                let help = "write `text: caller` with the words under `body:`";
                self.error(&place, "unknown-name", format!("there is no contact `{}`", shorten(name)), help);
            }
        }
        if receivers.0.is_empty() {
            self.report(&list, list.key_error("empty-list", "nobody gets the text").help("name `caller` or contacts"));
        }
        contacts.dedup();
        let body = self.body(at, body)?;
        Some(Verb::Text(Text { caller, contacts: contacts.into_boxed_slice(), body }))
    }

    fn body(&mut self, at: &At<'a>, body: Option<&str>) -> Option<crate::rules::ruleset::Template> {
        match body {
            Some(body) => self.template(&at.field("body"), body),
            None => {
                self.error(at, "missing-body", "the message has no words", "add `body:` with what it says");
                None
            }
        }
    }

    fn handoff(&mut self, at: &At<'a>, to: &str, time: Option<&str>) -> Option<Verb> {
        let place = at.field("handoff");
        if to.starts_with("sip:") || to.starts_with("sips:") {
            let seconds = match time {
                Some(time) => self.short_seconds(&at.field("for"), time, RINGING.0, RINGING.1)?,
                None => self.default_ringing()?,
            };
            let address = to.split_once(':').map(|(_, rest)| rest).unwrap_or_default();
            let clean = !address.is_empty()
                && !address.chars().any(|sign| sign.is_whitespace() || matches!(sign, '<' | '>' | '"'));
            let host = address.rsplit('@').next().unwrap_or_default();
            if !clean || !host.contains(|sign: char| sign.is_ascii_alphanumeric()) {
                let message = format!("`{}` is not a SIP address", shorten(to));
                self.error(&place, "bad-address", message, "write it like `sip:agent@example.com`");
                return None;
            }
            return Some(Verb::Handoff(Handoff::Sip { uri: to.into(), seconds }));
        }
        if time.is_some() {
            let at = at.field("for");
            let problem = at.key_error("stray-option", "`for` stands beside a handoff that does not ring");
            self.report(&at, problem.help("delete it: only SIP addresses ring"));
        }
        if to.starts_with("wss:") {
            return self.address(&place, to, &["wss"]).then(|| Verb::Handoff(Handoff::Stream(to.into())));
        }
        self.address(&place, to, &["https", "sip", "wss"]).then(|| Verb::Handoff(Handoff::Twiml(to.into())))
    }

    /// Whether a text is meant as the name of something.
    pub(super) fn names_something(said: &Said) -> Option<&str> {
        match said {
            TextOr::Text(text) if is_name(text) => Some(text),
            TextOr::Text(_) | TextOr::Full(_) => None,
        }
    }
}
