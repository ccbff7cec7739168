//! What is counted, under the names that dashboards know; no caller, call or contact is ever a label.

mod trail;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::app::board::Board;
use crate::app::messenger::Standing;
use crate::app::messenger::ports::Spent;
use crate::app::metrics::trail::TrailGauges;
use crate::app::ports::JournalHealth;
use crate::model::money::Money;
use crate::outreach::spend;

/// Which address was asked, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Webhook {
    /// Last part of the path.
    pub kind: &'static str,
    /// `answered`, `repeated`, `fallback`, `replayed`, `observed` or `refused`.
    pub outcome: &'static str,
}

/// One word that tells cases apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Result {
    /// The word.
    pub result: &'static str,
}

/// Why something happened.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Reason {
    /// The word.
    pub reason: &'static str,
}

/// What was decided; the first three only when organizations are told apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Decision {
    /// The organization.
    pub org: String,
    /// The flow of the rule taken last.
    pub flow: String,
    /// Its name, or its place from 1.
    pub rule: String,
    /// What the caller meets.
    pub act: &'static str,
    /// How the call ended, when it did.
    pub ending: &'static str,
}

/// What the administration API was asked, and what came of it; never of whom or by whom.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ApiRequest {
    operation: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

/// A call that ended while rules on trial answered some callers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TrialCall {
    side: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Installation {
    installation: String,
}

/// Organizations that metrics tell apart at most; the rest share one name, so that a scrape stays small.
const MOST_ORGS: usize = 100;

/// Everything that is counted.
pub struct Metrics {
    registry: Registry,
    webhooks: Family<Webhook, Counter>,
    seconds: Family<Kind, Histogram, fn() -> Histogram>,
    signatures: Family<Result, Counter>,
    decisions: Family<Decision, Counter>,
    legs: Family<Outcome, Counter>,
    waited: Histogram,
    fallbacks: Family<Reason, Counter>,
    refused: Family<Reason, Counter>,
    api_requests: Family<ApiRequest, Counter>,
    api_refused: Family<Reason, Counter>,
    duplicates: Counter,
    anomalies: Family<Reason, Counter>,
    tried: Family<Outcome, Counter>,
    trial_calls: Family<TrialCall, Counter>,
    canaries: Family<Result, Gauge>,
    texts: Family<Outcome, Counter>,
    waiting_texts: Family<Result, Gauge>,
    breakers: Family<Installation, Gauge>,
    spent: Gauge<f64, AtomicU64>,
    held: Gauge,
    ceilings: Family<Result, Gauge>,
    drifted: Gauge,
    reload_good: Gauge,
    reload_at: Gauge,
    organizations: Gauge,
    stale_organizations: Gauge,
    queue: Gauge,
    dropped: Gauge,
    written: Gauge,
    ready: Gauge,
    trail: TrailGauges,
    org_labels: Option<Mutex<BTreeSet<String>>>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Metrics")
    }
}

/// Whether metrics tell organizations apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrgLabels {
    /// They do, up to a ceiling.
    Shown,
    /// They do not.
    Hidden,
}

fn answer_times() -> Histogram {
    Histogram::new([0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0])
}

impl Metrics {
    /// Everything at zero.
    pub fn new(version: &str, tzdb: &str, labels: OrgLabels) -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("ringfall"),
            webhooks: Family::default(),
            seconds: Family::new_with_constructor(answer_times as fn() -> Histogram),
            signatures: Family::default(),
            decisions: Family::default(),
            legs: Family::default(),
            waited: Histogram::new([2.0, 5.0, 10.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0]),
            fallbacks: Family::default(),
            refused: Family::default(),
            api_requests: Family::default(),
            api_refused: Family::default(),
            duplicates: Counter::default(),
            anomalies: Family::default(),
            tried: Family::default(),
            trial_calls: Family::default(),
            canaries: Family::default(),
            texts: Family::default(),
            waiting_texts: Family::default(),
            breakers: Family::default(),
            spent: Gauge::default(),
            held: Gauge::default(),
            ceilings: Family::default(),
            drifted: Gauge::default(),
            reload_good: Gauge::default(),
            reload_at: Gauge::default(),
            organizations: Gauge::default(),
            stale_organizations: Gauge::default(),
            queue: Gauge::default(),
            dropped: Gauge::default(),
            written: Gauge::default(),
            ready: Gauge::default(),
            trail: TrailGauges::default(),
            org_labels: (labels == OrgLabels::Shown).then(Mutex::default),
        };
        metrics.register_requests();
        metrics.register_state();
        metrics.trail.register(&mut metrics.registry);
        let build = Info::new(vec![("version", version.to_owned()), ("tzdb", tzdb.to_owned())]);
        metrics.registry.register("build", "Version of the program and of its time-zone data", build);
        metrics
    }

    fn register_requests(&mut self) {
        let Self { registry, webhooks, seconds, signatures, decisions, legs, waited, .. } = self;
        registry.register("webhooks", "Requests from the carrier by address and outcome", webhooks.clone());
        registry.register("webhook_duration_seconds", "Time from a request to its answer", seconds.clone());
        registry.register("signature_checks", "Signatures looked at, by result", signatures.clone());
        registry.register("decisions", "Answers decided by the rules", decisions.clone());
        registry.register("legs", "Rings that ended, by outcome", legs.clone());
        registry.register(
            "caller_wait_seconds",
            "Time until the rules had brought a caller to an ending",
            waited.clone(),
        );
        let Self { registry, api_requests, api_refused, .. } = self;
        registry.register(
            "api_requests",
            "Requests to the administration API by path and outcome",
            api_requests.clone(),
        );
        registry.register("api_refused", "Requests that the administration API refused", api_refused.clone());
        let Self { registry, fallbacks, refused, duplicates, anomalies, .. } = self;
        registry.register("fallback_served", "Callers answered in spite of a fault", fallbacks.clone());
        registry.register("refused", "Requests refused unread or unverified", refused.clone());
        registry.register("duplicate_webhooks", "Requests for a step that was answered before", duplicates.clone());
        registry.register("anomalies", "Reports of the carrier that disagree with our own records", anomalies.clone());
    }

    fn register_state(&mut self) {
        let Self { registry, reload_good, reload_at, organizations, stale_organizations, .. } = self;
        registry.register("rules_last_reload_successful", "1 when every file was good last time", reload_good.clone());
        registry.register("rules_last_reload_success_timestamp_seconds", "When every file was good", reload_at.clone());
        registry.register("organizations", "Organizations that are answered", organizations.clone());
        registry.register(
            "organizations_stale",
            "Organizations on older rules: their file is bad",
            stale_organizations.clone(),
        );
        let Self { registry, tried, .. } = self;
        registry.register("trial_answers", "Answers of rules on trial: given, or what they would be", tried.clone());
        let Self { registry, trial_calls, canaries, .. } = self;
        registry.register("trial_calls", "Calls ended beside rules on trial that answer", trial_calls.clone());
        registry.register("trial_canaries", "Rules on trial that answer, or were taken back", canaries.clone());
        let Self { registry, spent, held, ceilings, .. } = self;
        registry.register("texts_spent_today", "What texts have cost since midnight UTC, all together", spent.clone());
        registry.register("texts_held_today", "Texts held up since midnight UTC by their ceilings", held.clone());
        registry.register("spending_ceilings", "Organizations near or at their ceilings today", ceilings.clone());
        let Self { registry, texts, waiting_texts, breakers, drifted, .. } = self;
        registry.register("numbers_drifted", "Numbers that are not set as they should be", drifted.clone());
        registry.register("texts", "Texts handed to the carrier, by what came of it", texts.clone());
        registry.register("texts_kept", "Texts in the outbox that wait, are unknown or dead", waiting_texts.clone());
        registry.register(
            "carrier_resting",
            "1 while an installation's requests rest after failures; only those that ever did",
            breakers.clone(),
        );
        let Self { registry, queue, dropped, written, ready, .. } = self;
        registry.register("audit_queue_length", "Records that wait because the disk fails", queue.clone());
        registry.register("audit_dropped", "Records lost since the start", dropped.clone());
        registry.register("audit_written", "Records safe on disk since the start", written.clone());
        registry.register("ready", "1 while calls are wanted", ready.clone());
    }

    /// A request was answered.
    pub fn webhook(&self, kind: &'static str, outcome: &'static str, took: Duration) {
        self.webhooks.get_or_create(&Webhook { kind, outcome }).inc();
        self.seconds.get_or_create(&Kind { kind }).observe(took.as_secs_f64());
    }

    /// A signature was looked at.
    pub fn signature(&self, result: &'static str) {
        self.signatures.get_or_create(&Result { result }).inc();
    }

    /// The rules decided; `rule` gives organization, flow and rule, and is only asked when they are shown.
    pub fn decision(
        &self,
        act: &'static str,
        ending: Option<&'static str>,
        rule: impl FnOnce() -> (String, String, String),
    ) {
        let ending = ending.unwrap_or("");
        let labels = match &self.org_labels {
            None => Decision { org: String::new(), flow: String::new(), rule: String::new(), act, ending },
            Some(known) => {
                let (org, flow, rule) = rule();
                let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
                if known.contains(&org) || known.len() < MOST_ORGS {
                    known.insert(org.clone());
                    Decision { org, flow, rule, act, ending }
                } else {
                    Decision { org: "other".to_owned(), flow: String::new(), rule: String::new(), act, ending }
                }
            }
        };
        self.decisions.get_or_create(&labels).inc();
    }

    /// A text was handed to the carrier.
    pub fn text_became(&self, outcome: &'static str) {
        self.texts.get_or_create(&Outcome { outcome }).inc();
    }

    /// How the outbox and the ways to the carrier stand.
    pub fn outreach(&self, standing: &Standing) {
        self.spending(&standing.spent);
        let Standing { texts, carrier, .. } = standing;
        for result in ["waiting", "unknown", "dead"] {
            let count = texts.iter().find(|(state, _)| state == result).map_or(0, |(_, count)| *count);
            self.waiting_texts.get_or_create(&Result { result }).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        for (installation, standing) in carrier {
            let label = Installation { installation: installation.clone() };
            // Of many that work nothing needs to be told; one that rested once is told until the end.
            if *standing != "closed" || self.breakers.get(&label).is_some() {
                self.breakers.get_or_create(&label).set(i64::from(*standing != "closed"));
            }
        }
    }

    /// What texts have cost today, and how many organizations are near their ceilings or at them.
    fn spending(&self, spent: &[(spend::Standing, Spent)]) {
        let all = spent.iter().fold(Money::default(), |all, (_, spent)| all.plus(spent.spent));
        self.spent.set(all.units());
        self.held.set(spent.iter().map(|(_, spent)| i64::try_from(spent.held).unwrap_or(i64::MAX)).sum());
        for (result, wanted) in [("near", spend::Standing::Near), ("reached", spend::Standing::Reached)] {
            let count = spent.iter().filter(|(standing, _)| *standing == wanted).count();
            self.ceilings.get_or_create(&Result { result }).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// So many numbers are not set as they should be.
    pub fn drifted(&self, numbers: i64) {
        self.drifted.set(numbers);
    }

    /// A ring ended.
    pub fn leg(&self, outcome: &'static str) {
        self.legs.get_or_create(&Outcome { outcome }).inc();
    }

    /// The rules brought a call to its ending after so many seconds.
    pub fn waited(&self, seconds: f64) {
        self.waited.observe(seconds);
    }

    /// A caller was answered in spite of a fault.
    pub fn fallback(&self, reason: &'static str) {
        self.fallbacks.get_or_create(&Reason { reason }).inc();
    }

    /// A request was refused.
    pub fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&Reason { reason }).inc();
    }

    /// The administration API answered; `operation` is a pattern of a path, and holds no name.
    pub fn api_request(&self, operation: &str, outcome: &'static str) {
        self.api_requests.get_or_create(&ApiRequest { operation: operation.to_owned(), outcome }).inc();
    }

    /// The administration API refused somebody.
    pub fn api_refused(&self, reason: &'static str) {
        self.api_refused.get_or_create(&Reason { reason }).inc();
    }

    /// A call has ended, by rules on trial or beside them.
    pub fn trial_call(&self, side: &'static str, taken: bool) {
        let outcome = if taken { "answered" } else { "unanswered" };
        self.trial_calls.get_or_create(&TrialCall { side, outcome }).inc();
    }

    /// So many candidates answer callers now, and so many were taken back.
    pub fn canaries(&self, answering: usize, returned: usize) {
        for (result, count) in [("answering", answering), ("returned", returned)] {
            self.canaries.get_or_create(&Result { result }).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// Rules on trial answered, or would have answered so.
    pub fn tried(&self, outcome: &'static str) {
        self.tried.get_or_create(&Outcome { outcome }).inc();
    }

    /// A step was asked again.
    pub fn duplicate(&self) {
        self.duplicates.inc();
    }

    /// The carrier's word and our record disagree.
    pub fn anomaly(&self, reason: &'static str) {
        self.anomalies.get_or_create(&Reason { reason }).inc();
    }

    /// The rules were read again.
    pub fn reloaded(&self, organizations: usize, stale: usize, bad: usize, at: i64) {
        self.organizations.set(i64::try_from(organizations).unwrap_or(i64::MAX));
        self.stale_organizations.set(i64::try_from(stale).unwrap_or(i64::MAX));
        self.reload_good.set(i64::from(bad == 0));
        if bad == 0 {
            self.reload_at.set(at);
        }
    }

    /// Takes over how the followers of the trail stand.
    pub fn trail(&self, board: &Board) {
        self.trail.set(board);
    }

    /// Everything as text, with the journal as it stands.
    pub fn text(&self, journal: &JournalHealth, ready: bool) -> String {
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.queue.set(count(journal.deferred));
        self.dropped.set(count(journal.lost));
        self.written.set(count(journal.written));
        self.ready.set(i64::from(ready));
        let mut out = String::new();
        match text::encode(&mut out, &self.registry) {
            Ok(()) => out,
            // Writing to a string does not fail; were it to, half a scrape would be worse than none.
            Err(fmt::Error) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_of_the_documentation() {
        let metrics = Metrics::new("0.0.0", "2026x", OrgLabels::Hidden);
        metrics.webhook("inbound-call", "answered", Duration::from_millis(2));
        metrics.fallback("panic");
        metrics.decision("ring", None, || ("acme".into(), "main".into(), "open".into()));
        let text = metrics.text(&JournalHealth::default(), true);
        for line in [
            "ringfall_webhooks_total{kind=\"inbound-call\",outcome=\"answered\"} 1",
            "ringfall_webhook_duration_seconds_count{kind=\"inbound-call\"} 1",
            "ringfall_fallback_served_total{reason=\"panic\"} 1",
            "ringfall_build_info{version=\"0.0.0\",tzdb=\"2026x\"} 1",
            "ringfall_ready 1",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
        assert!(!text.contains("acme"), "{text}");
    }

    #[test]
    fn organizations_are_told_apart_only_up_to_a_ceiling() {
        let metrics = Metrics::new("0.0.0", "2026x", OrgLabels::Shown);
        for number in 0..=MOST_ORGS {
            metrics.decision("ring", Some("connected"), || (format!("org{number}"), "main".into(), "open".into()));
        }
        let text = metrics.text(&JournalHealth::default(), true);
        assert!(text.contains("org=\"org0\",flow=\"main\",rule=\"open\""), "{text}");
        assert!(text.contains("org=\"other\"") && !text.contains("org=\"org100\""), "{text}");
    }
}
