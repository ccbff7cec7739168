//! Imagined calls with what must come of them, as the file's `tests` say; run elsewhere.

use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::Source;
use crate::model::call::Attestation;
use crate::model::ids::{ContactId, FlowId, LineId, MenuId, SwitchId};
use crate::model::leg::Leg;
use crate::model::moment::Moment;
use crate::model::phone::Caller;
use crate::model::position::RuleRef;
use crate::rules::ruleset::EndKind;

/// One imagined call.
#[derive(Debug, Clone)]
pub struct Case {
    /// The sentence that says what holds.
    pub name: Box<str>,
    /// The file it stands in.
    pub source: Arc<Source>,
    /// Bytes of its name there.
    pub span: Range<usize>,
    /// Line of the file, from 1.
    pub line: u32,
    /// The line called.
    pub to: LineId,
    /// Who calls.
    pub from: Caller,
    /// When, in the zone of the line.
    pub at: Moment,
    /// Switches that stand elsewhere than at their default.
    pub switches: Box<[(SwitchId, bool)]>,
    /// For the how-maniest time the caller calls, from 1.
    pub attempt: u8,
    /// What the networks say of the caller's number.
    pub attestation: Attestation,
    /// What each contact does, ring by ring; the last word holds for all later rings.
    ///
    /// Somebody not named does not answer.
    pub legs: Box<[(ContactId, Box<[Leg]>)]>,
    /// What the caller presses or says at each menu, in order.
    pub keys: Box<[Box<str>]>,
    /// What must come of it.
    pub expect: Expect,
}

/// What must come of a call; none where anything may.
#[derive(Debug, Clone, Default)]
pub struct Expect {
    /// The rule taken last: one of these, because two flows may have rules of one name.
    pub rule: Option<Box<[RuleRef]>>,
    /// A flow that the call went through.
    pub flow: Option<FlowId>,
    /// How the call ends.
    pub ends: Option<EndKind>,
    /// Everybody who is rung, in order.
    pub rings: Option<Box<[ContactId]>>,
    /// Everybody who gets a text at once; none stands for the caller.
    pub sms: Option<Box<[Option<ContactId>]>>,
    /// The longest wait in seconds.
    pub waits: Option<u32>,
    /// Name of the mailbox in which the message is left.
    pub mailbox: Option<Box<str>>,
    /// A menu that the caller heard.
    pub menu: Option<MenuId>,
}
