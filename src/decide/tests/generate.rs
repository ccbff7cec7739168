//! Valid rule sets out of nothing but bytes: fewer and smaller bytes make smaller rule sets, so failures shrink.

use crate::model::call::Attestation;
use crate::model::digest::Digest;
use crate::model::ids::{
    CallerClassId, CascadeId, ChannelId, ContactId, EscalationId, FlowId, HoursId, LineId, MailboxId, MenuId, SwitchId,
};
use crate::model::moment::Zone;
use crate::model::phone::E164;
use crate::model::position::RuleRef;
use crate::rules::ruleset::{
    CallerClass, Cascade, Channel, ChannelKind, Condition, Confirm, Contact, Escalation, EscalationStep, Expires, Flow,
    Greeting, Handoff, Hours, Line, Mailbox, Menu, MenuKey, Notice, Notify, OfferText, Owner, Refusal, Ring, Rule,
    RuleSet, Show, Span, Speech, Step, Switch, Template, Test, Text, Texts, Verb, Weekly,
};

/// Choices, one for each byte; all the smallest once the bytes are used up.
#[derive(Debug, Clone)]
pub(crate) struct Dice<'a>(pub(crate) std::slice::Iter<'a, u8>);

impl Dice<'_> {
    /// A number below `sides`.
    pub(crate) fn below(&mut self, sides: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or(0)) % sides.max(1)
    }

    pub(crate) fn heads(&mut self) -> bool {
        self.below(2) == 1
    }

    fn id<Id>(&mut self, make: fn(u16) -> Id, count: usize) -> Id {
        make(u16::try_from(self.below(count)).unwrap())
    }

    fn maybe<Id>(&mut self, make: fn(u16) -> Id, count: usize) -> Option<Id> {
        self.heads().then(|| self.id(make, count))
    }
}

const CONTACTS: usize = 4;
const HOURS: usize = 2;
const CLASSES: usize = 2;
const SWITCHES: usize = 3;
const MAILBOXES: usize = 2;
pub(crate) const LANGUAGES: u8 = 2;

fn name(what: &str, place: usize) -> Box<str> {
    format!("{what}{place}").into()
}

fn texts(text: &str) -> Texts {
    Texts([(0, text.into())].into())
}

/// A rule set with one line for each flow.
pub(crate) fn rule_set(dice: &mut Dice<'_>) -> RuleSet {
    let flows = 1 + dice.below(4);
    let menus = dice.below(3);
    let mut maker = Maker { dice, flows, menus, cascades: Vec::new() };
    let end = maker.finally();
    maker.cascades.push(Cascade { owner: Owner::Finally, steps: end });
    let flow_list: Box<[Flow]> = (0..flows).map(|place| maker.flow(place)).collect();
    let menu_list: Box<[Menu]> = (0..menus).map(|place| maker.menu(place)).collect();
    let cascades = std::mem::take(&mut maker.cascades).into();
    RuleSet {
        digest: Digest::of([]),
        zone: Zone::named("America/Chicago").unwrap(),
        languages: ["en".into(), "es".into()].into(),
        countries: ["US".into()].into(),
        lines: (0..flows).map(line).collect(),
        contacts: (0..CONTACTS).map(|place| contact(dice, place)).collect(),
        hours: (0..HOURS).map(|place| hours(dice, place)).collect(),
        holidays: [].into(),
        callers: (0..CLASSES).map(|place| class(dice, place)).collect(),
        switches: (0..SWITCHES).map(|place| switch(dice, place)).collect(),
        flows: flow_list,
        menus: menu_list,
        cascades,
        mailboxes: (0..MAILBOXES).map(|place| mailbox(dice, place)).collect(),
        escalations: [escalation()].into(),
        channels: [Channel { name: "team".into(), kind: ChannelKind::Slack, to: "#team".into(), template: None }]
            .into(),
        rollout: None,
        promises: [].into(),
    }
}

struct Maker<'d, 'b> {
    dice: &'d mut Dice<'b>,
    flows: usize,
    menus: usize,
    cascades: Vec<Cascade>,
}

impl Maker<'_, '_> {
    fn cascade(&mut self, owner: Owner, steps: Box<[Step]>) -> CascadeId {
        self.cascades.push(Cascade { owner, steps });
        CascadeId(u16::try_from(self.cascades.len() - 1).unwrap())
    }

    fn flow(&mut self, place: usize) -> Flow {
        let flow = FlowId(u16::try_from(place).unwrap());
        let rules = (0..1 + self.dice.below(3)).map(|index| {
            let when = conditions(self.dice);
            // Without a key, a flow may only lead to a later one: otherwise a call could go in circles.
            let steps = self.steps(place + 1);
            let at = RuleRef { flow, index: u16::try_from(index).unwrap() };
            let cascade = self.cascade(Owner::Rule(at), steps);
            let missed = self.dice.maybe(EscalationId, 1);
            Rule { name: None, when, cascade, missed, at: 0 }
        });
        Flow { name: name("flow", place), rules: rules.collect(), at: 0 }
    }

    fn menu(&mut self, place: usize) -> Menu {
        let menu = MenuId(u16::try_from(place).unwrap());
        let keys = ["1", "2"].into_iter().zip(0..).map(|(digits, key)| {
            let steps = self.steps(0);
            let cascade = self.cascade(Owner::Key(menu, key), steps);
            MenuKey { digits: digits.into(), words: [format!("word {digits}").into()].into(), cascade }
        });
        let keys = keys.collect();
        let otherwise = self.dice.heads().then(|| {
            let steps = self.steps(self.flows);
            self.cascade(Owner::Otherwise(menu), steps)
        });
        let tries = 1 + u8::try_from(self.dice.below(3)).unwrap();
        let prompt = Speech::Say(texts("Press 1 or 2."));
        Menu { name: name("menu", place), prompt, keys, wait: 5, tries, otherwise, at: 0 }
    }

    fn steps(&mut self, first_flow: usize) -> Box<[Step]> {
        (0..self.dice.below(4)).map(|_| Step { verb: self.verb(first_flow), at: 0 }).collect()
    }

    fn verb(&mut self, first_flow: usize) -> Verb {
        match self.dice.below(11) {
            0..=3 => {
                let contacts = (0..=self.dice.below(2)).map(|_| self.dice.id(ContactId, CONTACTS)).collect();
                Verb::Ring(Ring { contacts, seconds: 15 })
            }
            4 => Verb::Speak(Speech::Say(texts("One moment."))),
            5 if self.menus > 0 => Verb::Menu(self.dice.id(MenuId, self.menus)),
            6 if first_flow < self.flows => {
                let flow = first_flow + self.dice.below(self.flows - first_flow);
                let language = self.dice.heads().then_some(1);
                Verb::Flow { flow: FlowId(u16::try_from(flow).unwrap()), language }
            }
            7 => Verb::Voicemail(self.dice.id(MailboxId, MAILBOXES)),
            8 if self.dice.heads() => Verb::Reject(Refusal::Busy),
            8 => Verb::Hangup(self.dice.heads().then(|| Speech::Say(texts("Goodbye.")))),
            9 if self.dice.heads() => Verb::Notice(Notice { channel: ChannelId(0), body: Template("hi".into()) }),
            9 => Verb::Text(Text { caller: true, contacts: [].into(), body: Template("hi".into()) }),
            _ if self.dice.heads() => Verb::Handoff(Handoff::Sip { uri: "sip:agent@example.com".into(), seconds: 20 }),
            _ => Verb::Handoff(Handoff::Twiml("https://example.com/agent".into())),
        }
    }

    fn finally(&mut self) -> Box<[Step]> {
        let steps = (0..=self.dice.below(3)).map(|_| match self.dice.below(3) {
            0 => Verb::Voicemail(self.dice.id(MailboxId, MAILBOXES)),
            1 => Verb::Ring(Ring { contacts: [self.dice.id(ContactId, CONTACTS)].into(), seconds: 20 }),
            _ => Verb::Speak(Speech::Say(texts("We are sorry."))),
        });
        steps.map(|verb| Step { verb, at: 0 }).collect()
    }
}

fn conditions(dice: &mut Dice<'_>) -> Box<[Condition]> {
    let list = (0..dice.below(3)).map(|_| {
        let test = match dice.below(6) {
            0 => Test::Hours([dice.id(HoursId, HOURS)].into()),
            1 => Test::Caller((0..CLASSES).map(|_| dice.id(CallerClassId, CLASSES)).collect()),
            2 => Test::Switch([dice.id(SwitchId, SWITCHES)].into()),
            3 => Test::Line([LineId(0)].into()),
            4 => Test::Language([1].into()),
            _ => Test::Attempt { at_least: 2, within: 600 },
        };
        Condition { negated: dice.heads(), test, at: 0 }
    });
    list.collect()
}

fn line(place: usize) -> Line {
    Line {
        name: name("line", place),
        spoken: name("line ", place),
        number: E164::parse(&format!("+1312555010{place}")).unwrap(),
        start: FlowId(u16::try_from(place).unwrap()),
        zone: Zone::named("America/Chicago").unwrap(),
        language: 0,
        at: 0,
    }
}

fn contact(dice: &mut Dice<'_>, place: usize) -> Contact {
    Contact {
        name: name("contact", place),
        number: E164::parse(&format!("+1312555011{place}")).unwrap(),
        confirm: [Confirm::Key, Confirm::Voice, Confirm::None][dice.below(3)],
        show: Show::Caller,
        notify: Notify::Sms,
        away: dice.maybe(SwitchId, SWITCHES),
        max_calls: dice.heads().then_some(1),
        callable: dice.below(5) < 4,
        barred: (dice.below(8) == 1).then_some(crate::rules::bar::Bar::Premium),
        at: 0,
    }
}

fn hours(dice: &mut Dice<'_>, place: usize) -> Hours {
    let week = (0..dice.below(3)).map(|_| {
        let from = u16::try_from(dice.below(24) * 60).unwrap();
        let to = from + u16::try_from((1 + dice.below(12)) * 60).unwrap();
        Weekly { days: u8::try_from(1 + dice.below(127)).unwrap(), span: Span { from, to } }
    });
    Hours { name: name("hours", place), week: week.collect(), dates: [].into(), closed: [].into(), at: 0 }
}

fn class(dice: &mut Dice<'_>, place: usize) -> CallerClass {
    let attestation = if dice.heads() { [Attestation::Failed].into() } else { [].into() };
    CallerClass {
        name: name("class", place),
        numbers: [E164::parse("+13125550120").unwrap()].into(),
        prefixes: ["+1900".into()].into(),
        withheld: dice.heads(),
        attestation,
        at: 0,
    }
}

fn switch(dice: &mut Dice<'_>, place: usize) -> Switch {
    Switch {
        name: name("switch", place),
        default: dice.heads(),
        expires: Expires::After(3600),
        set_by: [].into(),
        source: None,
        at: 0,
    }
}

fn mailbox(dice: &mut Dice<'_>, place: usize) -> Mailbox {
    let offer = OfferText { say: texts("or press 1"), body: Template("hi".into()) };
    let greetings = (0..dice.below(2)).map(|_| Greeting { when: conditions(dice), speech: Speech::Say(texts("Hi.")) });
    Mailbox {
        name: name("mailbox", place),
        greetings: greetings.collect(),
        greeting: Speech::Say(texts("Leave a message.")),
        max: 120,
        send_to: [].into(),
        transcribe: false,
        offer_text: dice.heads().then(|| Box::new(offer)),
        at: 0,
    }
}

fn escalation() -> Escalation {
    let step = EscalationStep {
        sms: [ContactId(0)].into(),
        channel: None,
        body: Template("missed".into()),
        after: 0,
        unless_taken: false,
    };
    Escalation { name: "tell".into(), steps: [step].into(), at: 0 }
}
