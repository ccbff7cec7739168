//! Records of what was asked, decided and answered.

use std::sync::Arc;

use jiff::Timestamp;

use crate::app::App;
use crate::app::answer::Visit;
use crate::app::live::Organization;
use crate::app::ports::new_id;
use crate::audit::record::{self, Kind, Received, Record};
use crate::model::ids::LineId;
use crate::model::moment::Zone;
use crate::respond::report;
use crate::rules::ruleset::RuleSet;
use crate::webhook::endpoint::Endpoint;
use crate::webhook::event::CallEvent;

/// A record that says only when and where.
pub(super) fn blank(app: &Arc<App>, kind: Kind, endpoint: Endpoint, started: Timestamp) -> Record {
    blank_in(app, kind, endpoint, Received::unwritten(started, &Zone::utc()), started)
}

fn blank_in(app: &Arc<App>, kind: Kind, endpoint: Endpoint, received: Received, started: Timestamp) -> Record {
    let record = Record::blank(kind, new_id(started), &app.manners.node, received);
    Record { endpoint: endpoint.word().to_owned(), ..record }
}

impl Visit<'_> {
    /// A record of this request: what came, when, where and under whose key.
    pub(super) fn blank(&self, kind: Kind) -> Record {
        self.blank_in(kind, &Zone::utc())
    }

    fn blank_in(&self, kind: Kind, zone: &Zone) -> Record {
        let received = Received::unwritten(self.started, zone);
        Record {
            account: self.profile.account.to_string(),
            verifier: Some(self.verified.slot().word().to_owned()),
            request: Some(record::Request::of(&self.wire)),
            ..blank_in(self.app, kind, self.endpoint, received, self.started)
        }
    }

    /// A record of an event about a call, with what the carrier reported.
    pub(super) fn about(&self, kind: Kind, event: &CallEvent) -> Record {
        self.about_in(kind, event, &Zone::utc())
    }

    fn about_in(&self, kind: Kind, event: &CallEvent, zone: &Zone) -> Record {
        let (call, leg) = match &event.parent {
            Some(parent) => (parent.to_string(), Some(event.call.to_string())),
            None => (event.call.to_string(), None),
        };
        Record { call, leg, reported: report::reported(event), ..self.blank_in(kind, zone) }
    }

    /// The same, in the organization's name and its line's zone.
    pub(super) fn of(&self, kind: Kind, event: &CallEvent, org: &Organization, line: Option<LineId>) -> Record {
        Record {
            org: org.slug.to_string(),
            rules: Some(org.rules.digest.short()),
            templates: Some(org.templates.digest().short()),
            ..self.about_in(kind, event, zone(&org.rules, line))
        }
    }
}

/// The zone of the line, or of the rules.
fn zone(rules: &RuleSet, line: Option<LineId>) -> &Zone {
    line.and_then(|id| rules.line(id)).map_or(&rules.zone, |line| &line.zone)
}
