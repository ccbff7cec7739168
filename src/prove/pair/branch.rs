//! Both rule sets asked at once, about every kind of call that is still thought of.

use crate::decide;
use crate::decide::decision::Decision;
use crate::decide::trace::Why;
use crate::decide::world::{Seen, World};
use crate::model::call::Happened;
use crate::model::ids::{CallerClassId, ContactId, HoursId, SwitchId};
use crate::model::position::Position;
use crate::prove::branch::{Script, Spent};
use crate::prove::pair::Which;
use crate::prove::pair::domain::{Cut, Joint, Region};

/// The answers of both to the same calls.
#[derive(Debug)]
pub(crate) struct Answers {
    pub(crate) old: Decision,
    pub(crate) new: Decision,
    /// The calls that get these answers.
    pub(crate) region: Region,
}

/// A request to both.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    /// Place of the line.
    pub(crate) line: usize,
    pub(crate) old: &'a Position,
    pub(crate) new: &'a Position,
    pub(crate) happened: &'a Happened,
    pub(crate) region: &'a Region,
}

/// All answers that the calls of the region get; every call gets exactly one of them.
pub(crate) fn branches(joint: &Joint<'_>, request: Request<'_>, left: &mut u64) -> Result<Vec<Answers>, Spent> {
    let lines = joint.lines.get(request.line).copied();
    let (old_line, new_line) = lines.map_or((None, None), |lines| (lines.old, lines.new));
    let mut script = Script::default();
    let mut found = Vec::new();
    loop {
        let region = request.region.clone();
        let mut world = Asked { joint, which: Which::Old, line: request.line, region, script: &mut script, left };
        let happened = request.happened;
        let old = decide::decide_in(joint.rules(Which::Old), &mut world, old_line, happened, request.old);
        world.which = Which::New;
        let new = decide::decide_in(joint.rules(Which::New), &mut world, new_line, happened, request.new);
        let region = world.region;
        *left = left.saturating_sub(1);
        if *left == 0 {
            return Err(Spent);
        }
        found.push(Answers { old, new, region });
        if !script.turn() {
            return Ok(found);
        }
    }
}

/// The world as one of the two asks about it; what it is told, the other is told too.
struct Asked<'j, 'a, 's> {
    joint: &'j Joint<'a>,
    which: Which,
    line: usize,
    region: Region,
    script: &'s mut Script,
    left: &'s mut u64,
}

impl Asked<'_, '_, '_> {
    fn ask(&mut self, cut: &Cut<'_>, usual: bool) -> bool {
        *self.left = self.left.saturating_sub(1);
        let value = match (self.region.possible(cut, usual), self.region.possible(cut, !usual)) {
            (true, true) => self.script.choose() != usual,
            (true, false) => return usual,
            (false, _) => return !usual,
        };
        self.region.cut(cut, value);
        value
    }
}

const fn seen(holds: bool) -> Seen {
    Seen { holds, why: Why::Assumed(holds) }
}

impl World for Asked<'_, '_, '_> {
    fn hours(&mut self, hours: HoursId) -> Seen {
        let joint = self.joint;
        seen(self.ask(&joint.hours(self.which, self.line, hours), true))
    }

    fn caller(&mut self, class: CallerClassId) -> Seen {
        let joint = self.joint;
        seen(self.ask(&joint.caller(self.which, class), false))
    }

    fn switch(&mut self, switch: SwitchId) -> Seen {
        let joint = self.joint;
        let usual = joint.rules(self.which).switch(switch).is_some_and(|switch| switch.default);
        seen(self.ask(&joint.switch(self.which, switch), usual))
    }

    fn attempt(&mut self, at_least: u8, within: u32) -> Seen {
        let joint = self.joint;
        seen(self.ask(&joint.attempt(at_least, within), false))
    }

    fn busy(&mut self, contact: ContactId, max: u8) -> Option<Why> {
        let joint = self.joint;
        let busy = self.ask(&joint.busy(self.which, contact, max), false);
        busy.then_some(Why::Busy { calls: max })
    }

    fn loops(&mut self, contact: ContactId) -> Option<Why> {
        let joint = self.joint;
        self.ask(&joint.loops(self.which, contact), false).then_some(Why::Loop)
    }

    fn can_be_texted(&mut self) -> bool {
        let joint = self.joint;
        self.ask(&joint.texted(), true)
    }
}
