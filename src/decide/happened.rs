//! From what a request reports to where the walk goes on.

use crate::decide::choice;
use crate::decide::decision::{Act, Decision, Effect};
use crate::decide::trace::{Considered, StepOutcome};
use crate::decide::walk::Walk;
use crate::decide::world::World;
use crate::model::call::{Happened, LegOutcome};
use crate::model::ids::{MailboxId, MenuId};
use crate::model::position::{MAX_HOPS, StepRef};
use crate::rules::ruleset::{EndKind, Handoff, RuleSet, Verb};

/// Answers a request.
pub(crate) fn answer<W: World>(mut walk: Walk<'_, W>, happened: &Happened) -> Decision {
    if *happened == Happened::Gone {
        return gone(walk);
    }
    let Some(at) = walk.position.step else {
        return walk.arrive();
    };
    let in_finally = at.cascade == RuleSet::FINALLY;
    if walk.position.hop >= MAX_HOPS && !in_finally && !ends_by_itself(happened) {
        walk.trace.push(Considered::TooManyHops);
        return walk.finally();
    }
    match (walk.rules.step(at).map(|step| &step.verb), happened) {
        (Some(Verb::Ring(_)), Happened::Rang(leg)) => rang(walk, at, *leg, EndKind::Connected),
        (Some(Verb::Handoff(_)), Happened::Rang(leg)) => rang(walk, at, *leg, EndKind::HandedOff),
        (Some(Verb::Handoff(_)), Happened::Returned) => {
            walk.trace.push(Considered::Outcome { at, what: StepOutcome::Returned });
            walk.after(at)
        }
        (Some(Verb::Menu(menu)), Happened::Chose { digits, speech }) => chose(walk, at, *menu, digits, speech),
        (Some(Verb::Voicemail(mailbox)), Happened::Chose { digits, .. }) if walk.position.stage == 0 => {
            offered(walk, at, *mailbox, digits)
        }
        (Some(Verb::Voicemail(mailbox)), Happened::Recorded { seconds }) => recorded(walk, at, *mailbox, *seconds),
        _ => {
            walk.trace.push(Considered::StrangePosition);
            // `finally` must not start over, or the call would never end.
            if in_finally { walk.after(at) } else { walk.finally() }
        }
    }
}

/// Whether what happened ends the call whatever its number of hops.
const fn ends_by_itself(happened: &Happened) -> bool {
    matches!(happened, Happened::Rang(LegOutcome::Connected(_)) | Happened::Recorded { .. })
}

/// The caller has hung up: nobody is rung, and whoever waits for a missed call is told.
fn gone<W: World>(mut walk: Walk<'_, W>) -> Decision {
    walk.trace.push(Considered::CallerGone);
    let stage = walk.position.stage;
    let verb = walk.position.step.and_then(|at| walk.rules.step(at)).map(|step| &step.verb);
    match verb {
        Some(Verb::Voicemail(_)) if stage > 0 => walk.end(Act::Nothing, EndKind::Voicemail),
        Some(Verb::Handoff(Handoff::Twiml(_) | Handoff::Stream(_))) => {
            walk.end_quietly(Act::Nothing, EndKind::HandedOff)
        }
        _ => walk.end(Act::Nothing, EndKind::CallerGone),
    }
}

fn rang<W: World>(mut walk: Walk<'_, W>, at: StepRef, leg: LegOutcome, taken: EndKind) -> Decision {
    walk.trace.push(Considered::Outcome { at, what: StepOutcome::Rang(leg) });
    match leg {
        LegOutcome::Connected(_) => walk.end_quietly(Act::Nothing, taken),
        LegOutcome::NoKey
        | LegOutcome::Declined
        | LegOutcome::Busy
        | LegOutcome::NoAnswer
        | LegOutcome::Failed
        | LegOutcome::Canceled => walk.after(at),
    }
}

fn chose<W: World>(mut walk: Walk<'_, W>, at: StepRef, id: MenuId, digits: &str, speech: &str) -> Decision {
    let Some(menu) = walk.rules.menu(id) else {
        walk.trace.push(Considered::StrangePosition);
        return walk.finally();
    };
    let what = choice::made(menu, digits, speech);
    walk.trace.push(Considered::Outcome { at, what });
    if let StepOutcome::Key(place) = what
        && let Some(key) = menu.keys.get(usize::from(place))
    {
        return walk.go(StepRef { cascade: key.cascade, index: 0 });
    }
    let attempt = walk.position.stage.saturating_add(1);
    if attempt < menu.tries {
        return walk.wait(at, attempt, Act::Menu { at, menu: id, attempt });
    }
    match menu.otherwise {
        Some(cascade) => walk.go(StepRef { cascade, index: 0 }),
        None => walk.after(at),
    }
}

/// The caller was offered a text instead of leaving a message.
fn offered<W: World>(mut walk: Walk<'_, W>, at: StepRef, mailbox: MailboxId, digits: &str) -> Decision {
    if digits == "1" {
        walk.trace.push(Considered::Outcome { at, what: StepOutcome::WantsText });
        walk.effect(Effect::OfferedText { at, mailbox });
        return walk.end(Act::PromiseText, EndKind::Texted);
    }
    let what = if digits.is_empty() { StepOutcome::Silence } else { StepOutcome::WrongKey };
    walk.trace.push(Considered::Outcome { at, what });
    let greeting = walk.greeting(mailbox);
    walk.wait(at, 1, Act::Record { at, mailbox, greeting, greeted: true })
}

fn recorded<W: World>(mut walk: Walk<'_, W>, at: StepRef, mailbox: MailboxId, seconds: Option<u32>) -> Decision {
    walk.trace.push(Considered::Outcome { at, what: StepOutcome::Message(seconds) });
    if seconds != Some(0) {
        walk.effect(Effect::Message { mailbox });
    }
    walk.end(Act::Thank, EndKind::Voicemail)
}
