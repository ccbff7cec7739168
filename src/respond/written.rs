//! What was decided, as its record tells it.

use crate::audit::record::{Decided, Effected, Facts, Place, Record, StateRead, TraceLine};
use crate::decide::decision::{Act, Decision};
use crate::decide::trace::Trace;
use crate::decide::words::{self, places};
use crate::model::ids::LineId;
use crate::model::moment::Moment;
use crate::model::position::Position;
use crate::respond::caller::{Answered, Stand};
use crate::rules::ruleset::RuleSet;

/// Writes into the record what was known, considered and decided. A decision whose answer could not be rendered
/// has not become of the call, so it is left out. `called` is the number as the carrier wrote it.
pub fn decision(record: &mut Record, rules: &RuleSet, called: &str, stand: &Stand, answered: &Answered) {
    let Answered { state, decision, twiml, .. } = answered;
    record.step.clone_from(&stand.step);
    record.began = Some(stand.position.began);
    record.facts = Some(Facts::of(rules, &stand.facts, called));
    record.from = Some(Place::of(rules, &stand.position));
    record.state = StateRead { line: stand.bound.as_deref().map(str::to_owned), ..StateRead::of(rules, state) };
    record.considered.clone_from(&decision.trace);
    record.reported.anomalies = stand.anomaly.map(str::to_owned).into_iter().collect();
    if twiml.is_ok() {
        record.to = decision.next.as_ref().map(|next| Place::of(rules, next));
        record.effects = decision.effects.iter().map(|effect| Effected::of(rules, effect)).collect();
        record.decision = Some(decided(rules, decision));
    }
}

/// Puts a record that comes from the journal into words. Without the rules it was decided under, the reasons are told
/// as they were kept: by places instead of names.
pub fn put_into_words(record: &mut Record, rules: Option<&RuleSet>) {
    record.received = std::mem::take(&mut record.received).written();
    let considered = std::mem::take(&mut record.considered);
    if considered.is_empty() {
        return;
    }
    record.trace = match rules {
        Some(rules) => {
            let name = record.facts.as_ref().and_then(|facts| facts.line.as_deref());
            let line = rules.lines.iter().position(|line| Some(&*line.name) == name);
            let line = line.and_then(|at| u16::try_from(at).ok()).map(LineId);
            let position = Position::start(record.began.unwrap_or_default());
            reasons(rules, &crate::decide::moment(rules, line, &position), &considered)
        }
        None => considered.iter().map(|one| TraceLine { text: format!("{one:?}"), ..TraceLine::default() }).collect(),
    };
}

/// The decision, named by its rules.
pub fn decided(rules: &RuleSet, decision: &Decision) -> Decided {
    Decided::of(rules, decision, plan(rules, decision))
}

/// What was decided, in a sentence.
fn plan(rules: &RuleSet, decision: &Decision) -> String {
    let step = |at| places::step_title(rules, at);
    match &decision.plan.act {
        Act::Ring { contacts, seconds, .. } => {
            format!("rings {} for {seconds} s", places::contact_names(rules, contacts))
        }
        Act::Menu { menu, attempt, .. } => {
            format!("plays menu {}, try {}", places::menu_name(rules, *menu), u16::from(*attempt) + 1)
        }
        Act::OfferText { mailbox, .. } => {
            format!("offers a text instead of a message in {}", places::mailbox_name(rules, *mailbox))
        }
        Act::Record { mailbox, .. } => format!("takes a message in {}", places::mailbox_name(rules, *mailbox)),
        Act::PromiseText => "promises a text and hangs up".to_owned(),
        Act::Thank => "thanks for the message and hangs up".to_owned(),
        Act::Reject(_) => "refuses the call".to_owned(),
        Act::Hangup(at) => at.map_or_else(|| "hangs up".to_owned(), step),
        Act::Handoff { at } => step(*at),
        Act::Nothing => "does nothing: the call is over".to_owned(),
    }
}

/// The reasons in words.
pub fn reasons(rules: &RuleSet, now: &Moment, trace: &Trace) -> Vec<TraceLine> {
    words::words(rules, now, trace).into_iter().map(line).collect()
}

fn line(line: words::Line) -> TraceLine {
    let verdict = line.verdict.word();
    let text = if line.why.is_empty() {
        format!("{verdict}: {}", line.what)
    } else {
        format!("{verdict}: {}: {}", line.what, line.why)
    };
    TraceLine { depth: line.depth, path: line.path, text }
}
