//! A rule set that is valid by construction: every name resolved, every path with an ending.
//!
//! Only `rules::load` makes one. It holds no text that `decide` does not need, so that ten thousand
//! of them fit in memory.

use std::ops::Range;

use jiff::civil::{Date, Weekday};

use crate::model::call::Attestation;
use crate::model::digest::Digest;
use crate::model::ids::{
    CallerClassId, CascadeId, ChannelId, ContactId, EscalationId, FlowId, HolidaysId, HoursId, LineId, MailboxId,
    MenuId, SwitchId,
};
use crate::model::moment::Zone;
use crate::model::phone::E164;
use crate::model::position::{RuleRef, StepRef};
use crate::rules::bar::Bar;

mod rollout;

pub use crate::rules::ruleset::rollout::{Bound, Rollout, RolloutMode};

/// One organization's rules, compiled.
#[derive(Debug)]
pub struct RuleSet {
    /// Content address of the file and all it includes.
    pub digest: Digest,
    /// The zone in which hours are meant, unless a line has its own.
    pub zone: Zone,
    /// Languages that texts are written in; the first is the default.
    pub languages: Box<[Box<str>]>,
    /// ISO 3166 codes of the countries that may be rung and texted.
    pub countries: Box<[Box<str>]>,
    /// Our numbers.
    pub lines: Box<[Line]>,
    /// People and services that can be rung or told.
    pub contacts: Box<[Contact]>,
    /// Opening hours by name.
    pub hours: Box<[Hours]>,
    /// Lists of holidays by name.
    pub holidays: Box<[Holidays]>,
    /// Classes of callers by name.
    pub callers: Box<[CallerClass]>,
    /// State kept outside the file.
    pub switches: Box<[Switch]>,
    /// Lists of rules by name.
    pub flows: Box<[Flow]>,
    /// Menus by name.
    pub menus: Box<[Menu]>,
    /// All lists of steps; the first is `finally`.
    pub cascades: Box<[Cascade]>,
    /// Mailboxes by name; those written in place have their path as name.
    pub mailboxes: Box<[Mailbox]>,
    /// Escalations by name.
    pub escalations: Box<[Escalation]>,
    /// Places where notices go.
    pub channels: Box<[Channel]>,
    /// A second file on trial.
    pub rollout: Option<Box<Rollout>>,
    /// What `check` proves.
    pub promises: Box<[Promise]>,
}

impl RuleSet {
    /// The cascade that every call ends in which nothing else ended.
    pub const FINALLY: CascadeId = CascadeId(0);

    /// One step; none past the end of its cascade.
    pub fn step(&self, at: StepRef) -> Option<&Step> {
        self.cascade(at.cascade)?.steps.get(usize::from(at.index))
    }

    /// One rule.
    pub fn rule(&self, at: RuleRef) -> Option<&Rule> {
        self.flow(at.flow)?.rules.get(usize::from(at.index))
    }
}

/// One of our numbers.
#[derive(Debug)]
pub struct Line {
    /// Its name in the file; the number itself in the short form.
    pub name: Box<str>,
    /// How callees hear it named.
    pub spoken: Box<str>,
    /// The number callers dial.
    pub number: E164,
    /// Which flow its calls start in.
    pub start: FlowId,
    /// The zone its hours are meant in.
    pub zone: Zone,
    /// The language its calls start in, as an index into the languages.
    pub language: u8,
    /// Line of the file it stands in.
    pub at: u32,
}

/// Somebody who can be rung or told.
#[derive(Debug)]
pub struct Contact {
    /// The name in the file.
    pub name: Box<str>,
    /// The number to ring.
    pub number: E164,
    /// How the contact shows that a person has picked up.
    pub confirm: Confirm,
    /// Whose number the contact sees.
    pub show: Show,
    /// How the contact is told of things.
    pub notify: Notify,
    /// While this switch is on, the contact is not rung.
    pub away: Option<SwitchId>,
    /// With that many calls of ours at once, the contact is not rung.
    pub max_calls: Option<u8>,
    /// Whether the contact may be rung at all.
    pub callable: bool,
    /// Why its number is never rung nor texted, when it is not.
    pub barred: Option<Bar>,
    /// Line of the file it stands in.
    pub at: u32,
}

/// How a callee shows that a person, not a mailbox, has picked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Confirm {
    /// By pressing 1.
    Key,
    /// By pressing 1 or saying yes.
    Voice,
    /// Not at all: whoever picks up has the call.
    None,
}

/// Whose number a callee sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Show {
    /// The caller's; the line's own when the caller's cannot be shown.
    Caller,
    /// The line's own.
    Line,
    /// Another number of the account.
    Number(E164),
}

/// How a contact is told of things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Notify {
    /// By text message.
    Sms,
    /// Not at all.
    None,
}

/// Named opening hours. A dated exception beats a holiday, and a holiday beats the week.
#[derive(Debug)]
pub struct Hours {
    /// The name in the file.
    pub name: Box<str>,
    /// The week, in the order written.
    pub week: Box<[Weekly]>,
    /// Days that replace the week whole; sorted by day.
    pub dates: Box<[Dated]>,
    /// Lists of days that are closed.
    pub closed: Box<[HolidaysId]>,
    /// Line of the file it stands in.
    pub at: u32,
}

/// An interval on some days of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weekly {
    /// Bit 0 is Monday.
    pub days: u8,
    /// The interval.
    pub span: Span,
}

/// A stretch of local time in minutes since midnight: the start counts, the end does not.
///
/// An end beyond 1440 runs over midnight and belongs to the day it starts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Span {
    /// First minute.
    pub from: u16,
    /// First minute after.
    pub to: u16,
}

/// One day with hours of its own.
#[derive(Debug)]
pub struct Dated {
    /// The day.
    pub day: Date,
    /// When it is open; empty for closed.
    pub open: Box<[Span]>,
}

/// A named list of holidays.
#[derive(Debug)]
pub struct Holidays {
    /// The name in the file.
    pub name: Box<str>,
    /// The days, in the order written; those of a calendar file come as single dates.
    pub days: Box<[Holiday]>,
    /// The last day that a list of single dates knows of; none when a rule repeats every year.
    pub ends: Option<Date>,
    /// How many days ahead the list must reach.
    pub must_cover: Option<u16>,
    /// Line of the file it stands in.
    pub at: u32,
}

/// One holiday, of one day or several.
#[derive(Debug)]
pub struct Holiday {
    /// Its name, for the explanation.
    pub name: Box<str>,
    /// Its first day.
    pub on: DayRule,
    /// How many days it lasts.
    pub days: u8,
}

/// On which day a holiday starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayRule {
    /// One day of one year.
    Date(Date),
    /// The same day every year; February 29 only in leap years.
    Yearly {
        /// From 1.
        month: i8,
        /// From 1.
        day: i8,
    },
    /// The first to fifth such weekday of a month, or the last.
    Weekday {
        /// From 1; -1 for the last.
        nth: i8,
        /// Which weekday.
        weekday: Weekday,
        /// From 1.
        month: i8,
    },
    /// So many days after Western Easter Sunday; negative for before.
    Easter(i16),
}

/// A class of callers; one match of any kind is enough.
#[derive(Debug)]
pub struct CallerClass {
    /// The name in the file.
    pub name: Box<str>,
    /// Exact numbers, sorted.
    pub numbers: Box<[E164]>,
    /// Openings of numbers, with the plus.
    pub prefixes: Box<[Box<str>]>,
    /// Callers who withhold their number.
    pub withheld: bool,
    /// What the networks say of the number.
    pub attestation: Box<[Attestation]>,
    /// Line of the file it stands in.
    pub at: u32,
}

/// State kept outside the file.
#[derive(Debug)]
pub struct Switch {
    /// The name in the file.
    pub name: Box<str>,
    /// Where it stands when nobody has set it.
    pub default: bool,
    /// How long a setting lasts.
    pub expires: Expires,
    /// Who may set it by text.
    pub set_by: Box<[ContactId]>,
    /// What feeds it, if anything does.
    pub source: Option<Box<SwitchSource>>,
    /// Line of the file it stands in.
    pub at: u32,
}

/// How long a switch stays set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expires {
    /// For so many seconds.
    After(u32),
    /// Until the local day is over.
    EndOfDay,
}

/// Where a switch's position is read from, in the background.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwitchSource {
    /// The place.
    pub from: SourceKind,
    /// Seconds between two looks.
    pub every: u32,
    /// After so many seconds without a good look the source is stale.
    pub stale_after: u32,
    /// Where the switch stands when the source is stale.
    pub when_stale: bool,
}

/// The kinds of place a switch can be read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceKind {
    /// A cell of a Google Sheet.
    Sheet {
        /// The spreadsheet's id.
        sheet: Box<str>,
        /// The cell, such as `Phones!B2`.
        cell: Box<str>,
    },
    /// A field of a JSON document.
    Url {
        /// Where it is fetched.
        url: Box<str>,
        /// JSON pointer of the field.
        field: Box<str>,
    },
}

/// A named list of rules; the first whose condition holds is taken, and only that one.
#[derive(Debug)]
pub struct Flow {
    /// The name in the file; `main` in the short form.
    pub name: Box<str>,
    /// The rules in order.
    pub rules: Box<[Rule]>,
    /// Line of the file it stands in.
    pub at: u32,
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// The name in the file, or none.
    pub name: Option<Box<str>>,
    /// All of these must hold; none for always.
    pub when: Box<[Condition]>,
    /// What to do.
    pub cascade: CascadeId,
    /// Who is told when nobody took the call.
    pub missed: Option<EscalationId>,
    /// Line of the file it stands in.
    pub at: u32,
}

/// One key of a `when`.
#[derive(Debug, Clone)]
pub struct Condition {
    /// Whether the test must fail instead.
    pub negated: bool,
    /// The test.
    pub test: Test,
    /// Line of the file it stands in.
    pub at: u32,
}

/// What a condition asks; a list holds when any of it does.
#[derive(Debug, Clone)]
pub enum Test {
    /// It is one of these hours.
    Hours(Box<[HoursId]>),
    /// The caller is in one of these classes.
    Caller(Box<[CallerClassId]>),
    /// One of these switches is on.
    Switch(Box<[SwitchId]>),
    /// The call came in on one of these lines.
    Line(Box<[LineId]>),
    /// The call is in one of these languages.
    Language(Box<[u8]>),
    /// The caller has called this organization at least so often within so many seconds, this call included.
    Attempt {
        /// The least number of calls.
        at_least: u8,
        /// The stretch in seconds.
        within: u32,
    },
}

/// A list of steps.
#[derive(Debug)]
pub struct Cascade {
    /// What it belongs to.
    pub owner: Owner,
    /// The steps in order; past the last one comes `finally`.
    pub steps: Box<[Step]>,
}

/// What a cascade belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The ending of every call.
    Finally,
    /// A rule.
    Rule(RuleRef),
    /// A key of a menu; the key is an index into the menu's keys.
    Key(MenuId, u8),
    /// Silence and wrong keys in a menu.
    Otherwise(MenuId),
}

/// One step.
#[derive(Debug)]
pub struct Step {
    /// What it does.
    pub verb: Verb,
    /// Line of the file it stands in.
    pub at: u32,
}

/// What a step does.
#[derive(Debug)]
pub enum Verb {
    /// Rings people; falls through when nobody takes the call.
    Ring(Ring),
    /// Says or plays something; falls through.
    Speak(Speech),
    /// Asks the caller.
    Menu(MenuId),
    /// Goes to another flow and does not come back.
    Flow {
        /// Where to.
        flow: FlowId,
        /// The language from here on.
        language: Option<u8>,
    },
    /// Takes a message; ends the call.
    Voicemail(MailboxId),
    /// Refuses the call unanswered; ends it.
    Reject(Refusal),
    /// Ends the call, after saying something.
    Hangup(Option<Speech>),
    /// Sends a text message; falls through at once.
    Text(Text),
    /// Sends a notice; falls through at once.
    Notice(Notice),
    /// Gives the call to somebody else's application; falls through when it comes back.
    Handoff(Handoff),
}

/// Whom to ring, and how long.
#[derive(Debug)]
pub struct Ring {
    /// One, or several at once.
    pub contacts: Box<[ContactId]>,
    /// Ringing time in seconds.
    pub seconds: u16,
}

/// How a call is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The caller hears a busy tone.
    Busy,
    /// The caller hears that the number is not in service.
    Closed,
}

/// Something the caller hears.
#[derive(Debug, Clone)]
pub enum Speech {
    /// Spoken text.
    Say(Texts),
    /// A recording.
    Play {
        /// An absolute URL, or a path below the rules folder.
        audio: Box<str>,
        /// What is said when the recording cannot be had.
        else_say: Option<Texts>,
    },
}

/// One text in one or more languages: (index into the languages, text). Never empty.
#[derive(Debug, Clone)]
pub struct Texts(pub Box<[(u8, Box<str>)]>);

impl Texts {
    /// The text in that language, or the first.
    pub fn in_language(&self, language: u8) -> &str {
        let found = self.0.iter().find(|(index, _)| *index == language).or_else(|| self.0.first());
        found.map_or("", |(_, text)| text)
    }
}

/// A menu.
#[derive(Debug)]
pub struct Menu {
    /// The name in the file.
    pub name: Box<str>,
    /// What the caller hears.
    pub prompt: Speech,
    /// The keys, in the order written.
    pub keys: Box<[MenuKey]>,
    /// Seconds of silence after the prompt.
    pub wait: u16,
    /// How often the menu is played in all.
    pub tries: u8,
    /// Where silence and wrong keys lead; none falls through to the step after the menu.
    pub otherwise: Option<CascadeId>,
    /// Line of the file it stands in.
    pub at: u32,
}

/// One choice of a menu.
#[derive(Debug)]
pub struct MenuKey {
    /// The digits, `*` or `#` to press.
    pub digits: Box<str>,
    /// Words that mean the same when spoken, in lowercase.
    pub words: Box<[Box<str>]>,
    /// Where it leads.
    pub cascade: CascadeId,
}

/// Where messages are left.
#[derive(Debug, Clone)]
pub struct Mailbox {
    /// The name in the file.
    pub name: Box<str>,
    /// Greetings for certain moments; the first whose conditions hold is used.
    pub greetings: Box<[Greeting]>,
    /// The greeting otherwise.
    pub greeting: Speech,
    /// Longest message in seconds.
    pub max: u16,
    /// Who gets the message.
    pub send_to: Box<[Receiver]>,
    /// Whether the message is written out.
    pub transcribe: bool,
    /// What is said before the tone to callers who would rather have a text, and the text they get.
    pub offer_text: Option<Box<OfferText>>,
    /// Line of the file it stands in.
    pub at: u32,
}

/// A greeting for a certain moment.
#[derive(Debug, Clone)]
pub struct Greeting {
    /// All of these must hold.
    pub when: Box<[Condition]>,
    /// What is heard.
    pub speech: Speech,
}

/// A text instead of a message.
#[derive(Debug, Clone)]
pub struct OfferText {
    /// What is said: "or press 1 and we will text you".
    pub say: Texts,
    /// The text that the caller gets; may hold blanks.
    pub body: Template,
}

/// Who gets a message left in a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receiver {
    /// A contact.
    Contact(ContactId),
    /// Everybody whom this call rang or skipped on its way.
    OnDuty,
    /// A mail address.
    Address(Box<str>),
}

/// Text with blanks for `{{caller}}`, `{{line}}` and `{{time}}`; unknown blanks do not compile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(pub Box<str>);

/// A text message to send.
#[derive(Debug)]
pub struct Text {
    /// Whether the caller gets it.
    pub caller: bool,
    /// Which contacts get it.
    pub contacts: Box<[ContactId]>,
    /// The words.
    pub body: Template,
}

/// A notice to send.
#[derive(Debug)]
pub struct Notice {
    /// Where to.
    pub channel: ChannelId,
    /// The words.
    pub body: Template,
}

/// Somebody else's application.
#[derive(Debug)]
pub enum Handoff {
    /// Another TwiML document.
    Twiml(Box<str>),
    /// A SIP address, rung for so many seconds.
    Sip {
        /// The address.
        uri: Box<str>,
        /// Ringing time in seconds.
        seconds: u16,
    },
    /// A media stream, for a voice agent.
    Stream(Box<str>),
}

/// Who is told of a missed call, and when.
#[derive(Debug)]
pub struct Escalation {
    /// The name in the file.
    pub name: Box<str>,
    /// The messages in order.
    pub steps: Box<[EscalationStep]>,
    /// Line of the file it stands in.
    pub at: u32,
}

/// One message of an escalation.
#[derive(Debug)]
pub struct EscalationStep {
    /// Who gets a text.
    pub sms: Box<[ContactId]>,
    /// Which channel gets a notice.
    pub channel: Option<ChannelId>,
    /// The words.
    pub body: Template,
    /// Seconds after the call was missed.
    pub after: u32,
    /// Whether it is left out once somebody has taken it.
    pub unless_taken: bool,
}

/// A place where notices go.
#[derive(Debug)]
pub struct Channel {
    /// The name in the file.
    pub name: Box<str>,
    /// The provider.
    pub kind: ChannelKind,
    /// Its address there.
    pub to: Box<str>,
    /// The template that carries notices over WhatsApp; none for free words.
    pub template: Option<Box<str>>,
}

/// Providers of notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelKind {
    /// A Slack channel.
    Slack,
    /// A Telegram chat.
    Telegram,
    /// A WhatsApp number.
    Whatsapp,
    /// A signed HTTP request.
    Webhook,
    /// A mail address.
    Email,
}

/// Something that must hold for every call.
#[derive(Debug)]
pub struct Promise {
    /// What is promised.
    pub claim: Claim,
    /// Line of the file it stands in.
    pub at: u32,
    /// Bytes of the file it stands in, for the drawing.
    pub span: Range<u32>,
}

/// What can be promised.
#[derive(Debug)]
pub enum Claim {
    /// Every call ends in one of these ways.
    EveryCallEnds(Box<[EndKind]>),
    /// No caller waits longer than so many seconds before talking to a person or leaving a message.
    CallerWaitsAtMost(u32),
    /// This contact is not rung in these hours, except by calls that came through one flow.
    NeverRings {
        /// Who.
        contact: ContactId,
        /// When; none for never at all.
        during: Option<HoursId>,
        /// The exception.
        except_flow: Option<FlowId>,
    },
}

/// The ways a call can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EndKind {
    /// Caller and callee talked.
    Connected,
    /// The caller could leave a message.
    Voicemail,
    /// The caller asked for a text instead.
    Texted,
    /// The call was refused unanswered.
    Rejected,
    /// The caller heard something and was hung up on.
    HungUp,
    /// Somebody else's application has the call.
    HandedOff,
    /// The caller hung up first.
    CallerGone,
}

impl EndKind {
    /// The word for it in rules, tests, records and metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Voicemail => "voicemail",
            Self::Texted => "texted",
            Self::Rejected => "rejected",
            Self::HungUp => "hung_up",
            Self::HandedOff => "handed_off",
            Self::CallerGone => "caller_gone",
        }
    }

    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 7] = [
        Self::Connected,
        Self::Voicemail,
        Self::Texted,
        Self::Rejected,
        Self::HungUp,
        Self::HandedOff,
        Self::CallerGone,
    ];
}

macro_rules! lookup {
    ($($name:ident: $list:ident[$id:ty] -> $what:ty;)*) => {
        impl RuleSet {
            $(
                /// The item of that index; ids are made by the compiler of this very rule set.
                pub fn $name(&self, id: $id) -> Option<&$what> {
                    self.$list.get(id.index())
                }
            )*
        }
    };
}

lookup! {
    line: lines[LineId] -> Line;
    contact: contacts[ContactId] -> Contact;
    hours: hours[HoursId] -> Hours;
    holiday_list: holidays[HolidaysId] -> Holidays;
    caller_class: callers[CallerClassId] -> CallerClass;
    switch: switches[SwitchId] -> Switch;
    flow: flows[FlowId] -> Flow;
    menu: menus[MenuId] -> Menu;
    cascade: cascades[CascadeId] -> Cascade;
    mailbox: mailboxes[MailboxId] -> Mailbox;
    escalation: escalations[EscalationId] -> Escalation;
    channel: channels[ChannelId] -> Channel;
}
