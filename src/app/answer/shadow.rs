//! What the rules on trial would have answered, asked after the caller was answered; only differences are written down.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::app::App;
use crate::app::answer::{Visit, memory, paper};
use crate::app::live::Organization;
use crate::app::trial::followed::Place;
use crate::audit::record::{Kind, Record, Tried};
use crate::audit::wire;
use crate::decide;
use crate::decide::decision::Decision;
use crate::journey::observe::{Aspect, Aspects, Side, compare, describe};
use crate::model::call::CallFacts;
use crate::model::phone::E164;
use crate::model::position::Position;
use crate::respond;
use crate::respond::caller::Stand;
use crate::rules::ruleset::RolloutMode;
use crate::webhook::endpoint::Endpoint;
use crate::webhook::event::CallEvent;

/// How often, and how long each time, a request waits for the one before it to be looked at.
const PATIENCE: (u32, Duration) = (50, Duration::from_millis(20));

/// One answer to be looked at again.
struct Look {
    org: Arc<Organization>,
    stand: Stand,
    number: Option<E164>,
    decision: Decision,
    endpoint: Endpoint,
    started: Timestamp,
    at: Timestamp,
}

/// Has the rules on trial asked as well, when there are any; nobody waits for it.
pub(super) fn look(visit: &Visit<'_>, event: &CallEvent, org: &Arc<Organization>, stand: &Stand, decision: Decision) {
    let Some(trial) = org.trial.as_ref().filter(|trial| trial.mode == RolloutMode::Shadow) else { return };
    let began = decide::moment(&org.rules, stand.facts.line, &stand.position);
    if !trial.takes(&stand.facts.caller, &stand.facts.call, began.date()) {
        return;
    }
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    let look = Look {
        org: Arc::clone(org),
        stand: stand.clone(),
        number: event.to.number.clone(),
        decision,
        endpoint: visit.endpoint,
        started: visit.started,
        at: visit.at,
    };
    let app = Arc::clone(visit.app);
    runtime.spawn(async move { look.compare(&app).await });
}

impl Look {
    async fn compare(self, app: &Arc<App>) {
        let Some(trial) = &self.org.trial else { return };
        let Some(position) = self.position(app).await else { return };
        let candidate = &trial.candidate;
        let line = respond::line_of(candidate, self.number.as_ref(), self.stand.bound.as_deref());
        let facts = CallFacts { line, ..self.stand.facts.clone() };
        let memory = memory::of(app, &self.org.slug, self.at);
        let state = respond::caller::state(candidate, &facts, position.began, &memory);
        let now = decide::moment(candidate, line, &position);
        let tried = decide::decide(candidate, &facts, &position, &state, &now);
        let old = Side { rules: &self.org.rules, line: self.stand.facts.line, decision: &self.decision };
        let new = Side { rules: candidate, line, decision: &tried };
        let aspects = compare(old, new);
        let place = match &tried.next {
            Some(next) if !aspects.part_ways() => Place::At(Arc::new(next.clone())),
            _ => Place::Parted,
        };
        app.trials.followed.note(&self.org.slug, &self.stand.facts.call, place);
        app.metrics.tried(if aspects.is_empty() { "same" } else { "differs" });
        if aspects.is_empty() {
            return;
        }
        let record = self.record(app, aspects, old, new);
        if let Err(error) = app.journal.append(record).await {
            tracing::error!(%error, "a difference of the rules on trial is not durable");
        }
    }

    /// Where the call stands under the rules on trial; none when it has gone another way there.
    async fn position(&self, app: &Arc<App>) -> Option<Position> {
        if self.stand.position.step.is_none() {
            return Some(self.stand.position.clone());
        }
        // The next request may come before the last one was looked at.
        for _ in 0..PATIENCE.0 {
            match app.trials.followed.of(&self.org.slug, &self.stand.facts.call) {
                Some(Place::At(position)) if position.hop >= self.stand.position.hop => {
                    return Some(position.as_ref().clone());
                }
                Some(Place::Parted) => return None,
                Some(Place::At(_)) | None => tokio::time::sleep(PATIENCE.1).await,
            }
        }
        None
    }

    fn record(&self, app: &Arc<App>, aspects: Aspects, old: Side<'_>, new: Side<'_>) -> Record {
        let mut record = paper::blank(app, Kind::Trial, self.endpoint, self.started);
        record.org = self.org.slug.to_string();
        record.call = self.stand.facts.call.to_string();
        record.step = format!("trial.{}", self.stand.step);
        record.began = Some(self.stand.position.began);
        record.rules = Some(self.org.rules.digest.to_string());
        record.tried = Some(Tried {
            rules: new.rules.digest.to_string(),
            aspects: aspects.list().map(|aspect| aspect.word().to_owned()).collect(),
            old: told(old, aspects),
            new: told(new, aspects),
        });
        record
    }
}

fn told(side: Side<'_>, aspects: Aspects) -> String {
    let aspect = aspects.list().next().unwrap_or(Aspect::Course);
    let step = crate::journey::observe::place(side.decision).1.map(wire::step);
    let at = step.map_or_else(String::new, |step| format!("{step}: "));
    format!("{at}{}", describe(side, aspect))
}
