//! What the journal remembers of other requests and other calls of one organization.

use jiff::Timestamp;

use crate::app::App;
use crate::app::answer::Visit;
use crate::app::directory::Directory;
use crate::app::live::Organization;
use crate::app::messenger::switchboard::Switchboard;
use crate::app::ports::{Journal, Key};
use crate::model::call::KeyRecord;
use crate::model::ids::{CallSid, OrgSlug, SwitchId};
use crate::model::phone::E164;
use crate::respond::{House, Memory};
use crate::rules::ruleset::RuleSet;

/// The journal, asked for one organization.
pub(super) struct Remembered<'a> {
    journal: &'a dyn Journal,
    directory: &'a Directory,
    org: &'a OrgSlug,
    switches: &'a Switchboard,
    now: Timestamp,
}

impl Memory for Remembered<'_> {
    fn key(&self, call: &CallSid, leg: Option<&CallSid>) -> KeyRecord {
        match self.journal.key(self.org.as_str(), call.as_str(), leg.map(CallSid::as_str)) {
            Key::Accepted => KeyRecord::Accepted,
            Key::Declined => KeyRecord::Declined,
            Key::Nothing => KeyRecord::Silent,
        }
    }

    fn switches(&self, rules: &RuleSet) -> Vec<Option<bool>> {
        self.switches.positions(self.org.as_str(), rules, self.now)
    }

    fn stale(&self, rules: &RuleSet) -> Vec<SwitchId> {
        self.switches.stale(self.org.as_str(), rules, self.now)
    }

    fn active_calls(&self, contact: &str, call: &CallSid) -> u8 {
        self.journal.active_calls(self.org.as_str(), contact, call.as_str())
    }

    fn earlier_calls(&self, caller: &E164, call: &CallSid, began: i64) -> Vec<u32> {
        self.journal.earlier_calls(self.org.as_str(), caller.as_str(), call.as_str(), began)
    }

    fn line(&self, number: &E164) -> Option<Box<str>> {
        self.directory.now().tenant(self.org)?.line(number).map(Box::from)
    }
}

/// What is remembered of the calls of an organization, at that time.
pub(super) fn of<'a>(app: &'a App, org: &'a OrgSlug, now: Timestamp) -> Remembered<'a> {
    Remembered { journal: &*app.journal, directory: &app.directory, org, switches: &app.switches, now }
}

impl Visit<'_> {
    /// What is remembered of the calls of this organization.
    pub(super) fn memory<'a>(&'a self, org: &'a OrgSlug) -> Remembered<'a> {
        of(self.app, org, self.at)
    }

    /// What answers the calls of this organization.
    pub(super) fn house<'a>(&'a self, org: &'a Organization) -> House<'a> {
        House { org: &org.slug, rules: &org.rules, templates: &org.templates, prefix: &self.app.manners.prefix }
    }
}
