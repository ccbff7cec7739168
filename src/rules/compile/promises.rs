//! Promises and the file on trial.

use crate::model::ids::{ContactId, FlowId, HoursId};
use crate::model::near::nearest;
use crate::rules::compile::Desk;
use crate::rules::compile::names::Section;
use crate::rules::grammar;
use crate::rules::place::{At, Part};
use crate::rules::ruleset::{Bound, Claim, EndKind, Promise, Rollout, RolloutMode};
use crate::rules::shape::shorten;
use crate::rules::written;

impl<'a> Desk<'a> {
    pub(super) fn promises(&mut self) -> Box<[Promise]> {
        let mut promises = Vec::new();
        let parts = self.parts;
        for part in parts {
            let list = At::root(part).field("promises");
            for (index, written) in part.file.promises.iter().enumerate() {
                let at = list.item(index);
                let span = at.span();
                let place = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
                let claim = self.claim(&at, written);
                promises.extend(claim.map(|claim| Promise {
                    claim,
                    at: at.line(),
                    span: place(span.start)..place(span.end),
                }));
            }
        }
        promises.into_boxed_slice()
    }

    fn claim(&mut self, at: &At<'a>, written: &written::Promise) -> Option<Claim> {
        match (&written.every_call_ends, &written.caller_waits_at_most, &written.never_rings) {
            (Some(ends), None, None) => self.ends(&at.field("every_call_ends"), ends).map(Claim::EveryCallEnds),
            (None, Some(wait), None) => {
                let at = at.field("caller_waits_at_most");
                self.seconds(&at, wait, 1, 3600).map(Claim::CallerWaitsAtMost)
            }
            (None, None, Some(never)) => self.never_rings(&at.field("never_rings"), never),
            (None, None, None) => {
                if !at.is_broken() {
                    let help = "write one of `every_call_ends`, `caller_waits_at_most` and `never_rings`";
                    self.error(at, "missing-verb", "nothing is promised here", help);
                }
                None
            }
            _ => {
                self.error(at, "several-verbs", "several things are promised in one entry", "make an entry of each");
                None
            }
        }
    }

    fn ends(&mut self, at: &At<'a>, words: &[String]) -> Option<Box<[EndKind]>> {
        if words.is_empty() {
            let help = "name the ways in which calls may end, such as `[connected, voicemail]`";
            self.report(at, at.key_error("empty-list", "no call can end in none of the ways").help(help));
            return None;
        }
        let list = *at;
        words.iter().enumerate().map(|(index, word)| self.end_kind(&list.item(index), word)).collect()
    }

    pub(super) fn end_kind(&mut self, at: &At<'_>, word: &str) -> Option<EndKind> {
        let plain = word.replace('-', "_");
        let found = EndKind::ALL.into_iter().find(|kind| kind.word() == plain);
        if found.is_none() {
            let known = EndKind::ALL.map(EndKind::word);
            let help = match nearest(&plain, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known are `{}`", known.join("`, `")),
            };
            self.error(at, "unknown-word", format!("no call ends by `{}`", shorten(word)), help);
        }
        found
    }

    fn never_rings(&mut self, at: &At<'a>, written: &written::NeverRings) -> Option<Claim> {
        let contact = self.find(Section::Contacts, &written.contact, &at.field("contact")).map(ContactId);
        let during =
            written.during.as_ref().map(|hours| self.find(Section::Hours, hours, &at.field("during")).map(HoursId));
        let except = written
            .except_flow
            .as_ref()
            .map(|flow| self.find(Section::Flows, flow, &at.field("except_flow")).map(FlowId));
        let during = transposed(during)?;
        let except_flow = transposed(except)?;
        Some(Claim::NeverRings { contact: contact?, during, except_flow })
    }

    pub(super) fn rollout(&mut self, main: &'a Part) -> Option<Box<Rollout>> {
        let written = main.file.rollout.as_ref()?;
        let at = At::root(main).field("rollout");
        let place = at.field("candidate");
        // It is a part of what these rules are: with another candidate they are others.
        self.file(&place, &written.candidate)?;
        let mode = match written.mode {
            written::RolloutMode::Shadow => RolloutMode::Shadow,
            written::RolloutMode::Canary => RolloutMode::Canary,
        };
        let share = match (written.share.as_deref(), mode) {
            (Some(share), _) => self.read(&at.field("share"), grammar::percentage(share)),
            (None, RolloutMode::Shadow) => Some(100),
            (None, RolloutMode::Canary) => {
                self.error(
                    &at,
                    "missing-field",
                    "the trial does not say how many callers it is for",
                    "add `share: 10%`",
                );
                None
            }
        };
        let until = match written.until.as_deref() {
            Some(day) => Some(self.day(&at.field("until"), day)?),
            None => None,
        };
        let bound = self.bound(&at, mode, written.return_if.as_ref())?;
        let share = share?;
        if mode == RolloutMode::Canary && !(1..=99).contains(&share) {
            let message = format!("`{share}%` leaves nobody to compare with");
            let help = "write a share from `1%` to `99%`; for everybody, run `ringfall rollout rules promote`";
            self.error(&at.field("share"), "bad-trial", &message, help);
            return None;
        }
        Some(Box::new(Rollout { candidate: written.candidate.as_str().into(), mode, share, until, bound }))
    }

    /// When the candidate is taken back by itself; none when what is written cannot be.
    fn bound(&mut self, rollout: &At<'a>, mode: RolloutMode, written: Option<&written::ReturnIf>) -> Option<Bound> {
        let Bound { rise, calls } = Bound::default();
        let Some(written) = written else { return Some(Bound { rise, calls }) };
        let at = rollout.field("return_if");
        if mode == RolloutMode::Shadow {
            let message = "in shadow mode nobody is answered by the candidate, so there is nothing to return from";
            self.error(&at, "bad-trial", message, "take `return_if` out, or write `mode: canary`");
        }
        let rise = match written.unanswered_rises.as_deref() {
            Some(rise) => self.read(&at.field("unanswered_rises"), grammar::percentage(rise))?,
            None => rise,
        };
        let calls = written.calls.unwrap_or(calls);
        if calls == 0 {
            let help = "write how many calls must have ended on either side, such as `calls: 20`";
            self.error(&at.field("calls"), "bad-trial", "no calls at all cannot be compared", help);
            return None;
        }
        Some(Bound { rise, calls })
    }
}

/// What was not asked for is fine; what was asked for and is wrong is not.
#[expect(clippy::option_option, reason = "the outer says whether it was asked for, the inner whether it was found")]
fn transposed<T>(asked: Option<Option<T>>) -> Option<Option<T>> {
    match asked {
        None => Some(None),
        Some(found) => found.map(Some),
    }
}
