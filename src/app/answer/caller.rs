//! The caller's leg: a call arrives, or one of its steps has ended.

use std::sync::Arc;

use crate::app::answer::fault::Fault;
use crate::app::answer::{Done, Outcome, Visit, shadow};
use crate::app::live::Organization;
use crate::audit::record::Kind;
use crate::decide::decision::{Act, Decision};
use crate::decide::words::places;
use crate::model::call::Happened;
use crate::respond::caller::Stand;
use crate::respond::{self, written};
use crate::rules::ruleset::EndKind;
use crate::webhook::continuation::Leg;
use crate::webhook::event::CallEvent;

/// A request on the caller's leg, with whose call it is.
struct Asked {
    org: Arc<Organization>,
    stand: Stand,
}

/// A call has arrived.
pub(super) async fn arrived(visit: &Visit<'_>, event: &CallEvent) -> Result<Done, Fault> {
    if let Some(fault) = &event.fault {
        return Err(Fault::CarrierFallback(fault.code.to_string()));
    }
    let org = visit.newcomer(event)?;
    let stand = Stand::arrived(&org.rules, event, visit.at.as_second(), &visit.memory(&org.slug));
    if stand.facts.line.is_none() {
        visit.app.metrics.anomaly("unknown-number");
    }
    Ok(decided(visit, event, Asked { org, stand }).await)
}

/// A step of a call has ended.
pub(super) async fn continued(visit: &Visit<'_>, event: &CallEvent) -> Result<Done, Fault> {
    let continuation = visit.continuation()?;
    let Leg::Caller(position) = continuation.leg else { return Err(Fault::NoPlace) };
    let org = visit.organization(&continuation.org, continuation.rules).await?;
    let stand = Stand::continued(&org.rules, event, position, &visit.memory(&org.slug));
    if let Some(anomaly) = stand.anomaly {
        visit.app.metrics.anomaly(anomaly);
    }
    Ok(decided(visit, event, Asked { org, stand }).await)
}

/// Decides, renders, writes down and answers.
async fn decided(visit: &Visit<'_>, event: &CallEvent, asked: Asked) -> Done {
    let (kept, decision) = written(visit, event, &asked);
    let done = kept.await;
    let Some(decision) = decision else { return Done { outcome: Outcome::InSpite, ..done } };
    tell(visit, &asked, &decision, done.outcome);
    if done.outcome == Outcome::Answered {
        shadow::look(visit, event, &asked.org, &asked.stand, decision);
    }
    done
}

/// Decides, renders and writes down; the decision, unless its template failed. All of it happens before anything waits:
/// what waits stays small.
fn written(visit: &Visit<'_>, event: &CallEvent, asked: &Asked) -> (impl Future<Output = Done>, Option<Decision>) {
    let Asked { org, stand } = asked;
    let house = visit.house(org);
    let answered = respond::caller::answer(&house, stand, &visit.memory(&org.slug));
    let mut record = visit.of(Kind::Decision, event, org, stand.facts.line);
    written::decision(&mut record, &org.rules, &event.to.text, stand, &answered);
    match answered.twiml {
        Ok(twiml) => {
            count(visit, asked, event, &answered.decision);
            (visit.keep(record, twiml.into_string()), Some(answered.decision))
        }
        Err(error) => {
            let fault = Fault::Template(error);
            visit.app.metrics.fallback(fault.word());
            tracing::error!(org = %org.slug, call = %stand.facts.call, %fault, "answered from `finally`");
            record.fault = Some(fault.to_string());
            (visit.keep(record, respond::caller::last_resort(&house, stand).into_string()), None)
        }
    }
}

fn count(visit: &Visit<'_>, asked: &Asked, event: &CallEvent, decision: &Decision) {
    let metrics = &visit.app.metrics;
    let position = decision.next.as_ref().unwrap_or(&asked.stand.position);
    metrics.decision(decision.plan.act.word(), decision.end.map(EndKind::word), || {
        let rule = position.rule;
        let flow = rule.map_or_else(String::new, |at| places::flow_name(&asked.org.rules, at.flow).to_owned());
        let name = rule.map_or_else(String::new, |at| places::rule_name(&asked.org.rules, at));
        (asked.org.slug.to_string(), flow, name)
    });
    if let Happened::Rang(outcome) = &asked.stand.facts.happened {
        metrics.leg(outcome.word());
    }
    // The thanks after a message come when the waiting is long over.
    if decision.end.is_some() && decision.plan.act != Act::Thank {
        let talked = event.dial.as_ref().and_then(|dial| dial.seconds).unwrap_or(0);
        let waited = visit.at.as_second() - asked.stand.position.began - i64::from(talked);
        metrics.waited(i32::try_from(waited.max(0)).map_or(f64::MAX, f64::from));
    }
}

fn tell(visit: &Visit<'_>, asked: &Asked, decision: &Decision, outcome: Outcome) {
    tracing::info!(
        org = %asked.org.slug,
        call = %asked.stand.facts.call,
        step = %asked.stand.step,
        act = decision.plan.act.word(),
        end = decision.end.map(EndKind::word),
        outcome = outcome.word(),
        rules = %asked.org.rules.digest.key(),
        microseconds = visit.microseconds(),
        "{}",
        visit.endpoint.word(),
    );
}
