//! The wire form of an explained call: `ringfall explain --format json`.

use serde::Serialize;

use crate::decide::words::{effects, places, words};
use crate::draw::explain::{Explained, hints, summary};
use crate::journey::Stop;

/// Version of this form; fields may be added without a new one.
pub const VERSION: u8 = 1;

/// A call and what became of it.
#[derive(Debug, Clone, Serialize)]
pub struct ExplainedCall {
    /// Version of this form.
    pub version: u8,
    /// The call.
    pub call: CallPart,
    /// Every answer, in order.
    pub answers: Vec<AnswerPart>,
    /// How it ended: connected, voicemail, texted, rejected, hung_up, handed_off or caller_gone.
    pub end: &'static str,
    /// Seconds until the caller talked to somebody, heard a tone, or was hung up on.
    pub waited_seconds: u32,
    /// Names or paths of the rules taken, in order.
    pub rules: Vec<String>,
    /// Everybody rung, in order.
    pub rings: Vec<RingPart>,
    /// Everything sent, in order.
    pub sent: Vec<SentPart>,
    /// The mailbox that took the message; null when none did.
    pub mailbox: Option<String>,
    /// What is worth a look.
    pub hints: Vec<String>,
    /// The call in one sentence.
    pub summary: String,
}

/// The call itself.
#[derive(Debug, Clone, Serialize)]
pub struct CallPart {
    /// The number called.
    pub to: String,
    /// The line of that number; null when none has it.
    pub line: Option<String>,
    /// Who calls: a number, or a word.
    pub from: String,
    /// When, with its offset, such as `2026-03-08T03:10:00-05:00`.
    pub at: String,
    /// The zone in which hours are meant.
    pub timezone: String,
    /// What the networks say of the caller's number.
    pub attestation: &'static str,
    /// Switches that do not stand at their default.
    pub switches: std::collections::BTreeMap<String, bool>,
}

/// One answer.
#[derive(Debug, Clone, Serialize)]
pub struct AnswerPart {
    /// Seconds since the call came.
    pub at_seconds: u32,
    /// How many seconds passed until the next one.
    pub took_seconds: u32,
    /// What is done: ring, menu, offer_text, record, promise_text, thank, reject, hangup, handoff or nothing.
    pub act: &'static str,
    /// Everything considered, in the order of a tree.
    pub considered: Vec<ConsideredPart>,
}

/// One thing considered.
#[derive(Debug, Clone, Serialize)]
pub struct ConsideredPart {
    /// How deep it stands in the tree.
    pub depth: u8,
    /// Its place in the rules; empty when it has none.
    pub path: String,
    /// What came of it: reported, reached, taken, not_taken, held, skipped, rung or amiss.
    pub verdict: &'static str,
    /// What it is.
    pub what: String,
    /// The fact that decided it; empty when there is nothing to say.
    pub why: String,
}

/// Somebody who was rung.
#[derive(Debug, Clone, Serialize)]
pub struct RingPart {
    /// Who.
    pub contact: String,
    /// What they did, in the words of tests.
    pub leg: &'static str,
    /// Seconds it took.
    pub seconds: u32,
}

/// Something sent.
#[derive(Debug, Clone, Serialize)]
pub struct SentPart {
    /// text, notice, missed or message.
    pub kind: &'static str,
    /// To whom and when.
    pub what: String,
}

/// The call in its wire form.
pub fn part(explained: Explained<'_>) -> ExplainedCall {
    let Explained { rules, journey, .. } = explained;
    ExplainedCall {
        version: VERSION,
        call: call(explained),
        answers: journey.stops.iter().map(|stop| answer(explained, stop)).collect(),
        end: journey.end.word(),
        waited_seconds: journey.waited,
        rules: journey.rules().map(|rule| places::rule_name(rules, rule)).collect(),
        rings: journey
            .rung()
            .map(|rung| RingPart {
                contact: places::contact_name(rules, rung.contact).to_owned(),
                leg: rung.leg.word(),
                seconds: rung.took,
            })
            .collect(),
        sent: journey.effects().map(|effect| effects::sent(rules, effect)).map(sent).collect(),
        mailbox: journey.mailbox().map(|mailbox| places::mailbox_name(rules, mailbox).to_owned()),
        hints: hints(explained),
        summary: summary(explained),
    }
}

/// The call as indented JSON with a line's end.
pub fn text(explained: Explained<'_>) -> String {
    pretty(&part(explained))
}

/// Any wire form as indented JSON with a line's end; ours hold nothing that JSON cannot.
pub(crate) fn pretty<T: Serialize>(form: &T) -> String {
    serde_json::to_string_pretty(form).map_or_else(|_error| "{}\n".into(), |text| text + "\n")
}

fn sent(sent: effects::Sent) -> SentPart {
    SentPart { kind: sent.kind, what: sent.what }
}

pub(crate) fn call(explained: Explained<'_>) -> CallPart {
    let Explained { rules, call, to, journey } = explained;
    let set = rules.switches.iter().zip(&call.state.switches);
    CallPart {
        to: to.to_owned(),
        line: call.line.map(|line| places::line_name(rules, line).to_owned()),
        from: call.caller.to_string(),
        at: journey.began.zoned().strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
        timezone: journey.began.zoned().time_zone().iana_name().unwrap_or("UTC").to_owned(),
        attestation: call.attestation.word(),
        switches: set.filter_map(|(switch, on)| on.map(|on| (switch.name.to_string(), on))).collect(),
    }
}

fn answer(explained: Explained<'_>, stop: &Stop) -> AnswerPart {
    let lines = words(explained.rules, &explained.journey.began, &stop.decision.trace);
    let considered = lines.into_iter().map(|line| ConsideredPart {
        depth: line.depth,
        path: line.path,
        verdict: line.verdict.word(),
        what: line.what,
        why: line.why,
    });
    AnswerPart {
        at_seconds: stop.at,
        took_seconds: stop.took,
        act: stop.decision.plan.act.word(),
        considered: considered.collect(),
    }
}
