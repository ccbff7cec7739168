//! Whether a condition holds, and by which fact.

use crate::decide::trace::Why;
use crate::decide::world::{Seen, World};
use crate::model::ids::LineId;
use crate::rules::ruleset::{Condition, Test};

/// What a call knows of itself, beside the world.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Itself {
    /// The line it came in on.
    pub(crate) line: Option<LineId>,
    /// Its language.
    pub(crate) language: u8,
}

/// Whether the condition holds, negation included, and the fact that says so.
pub(crate) fn holds<W: World>(condition: &Condition, itself: Itself, world: &mut W) -> Seen {
    let seen = asked(&condition.test, itself, world);
    Seen { holds: seen.holds != condition.negated, why: seen.why }
}

fn asked<W: World>(test: &Test, itself: Itself, world: &mut W) -> Seen {
    match test {
        Test::Hours(list) => any(list, |hours| world.hours(hours)),
        Test::Caller(list) => any(list, |class| world.caller(class)),
        Test::Switch(list) => any(list, |switch| world.switch(switch)),
        Test::Line(list) => {
            let holds = itself.line.is_some_and(|line| list.contains(&line));
            Seen { holds, why: Why::Line(itself.line) }
        }
        Test::Language(list) => Seen { holds: list.contains(&itself.language), why: Why::Language(itself.language) },
        Test::Attempt { at_least, within } => world.attempt(*at_least, *within),
    }
}

/// The first of the list that holds, or else the first asked.
fn any<Id: Copy>(list: &[Id], mut ask: impl FnMut(Id) -> Seen) -> Seen {
    let mut first = None;
    for id in list {
        let seen = ask(*id);
        if seen.holds {
            return seen;
        }
        first.get_or_insert(seen);
    }
    first.unwrap_or(Seen { holds: false, why: Why::Assumed(false) })
}
