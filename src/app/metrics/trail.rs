//! How the followers of the trail stand, as gauges.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::app::board::Board;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Sink {
    sink: String,
    kind: &'static str,
}

/// The gauges.
#[derive(Debug, Default)]
pub(in crate::app::metrics) struct TrailGauges {
    behind: Family<Sink, Gauge>,
    age: Family<Sink, Gauge>,
    failing: Family<Sink, Gauge>,
    aside: Family<Sink, Gauge>,
    passed_over: Family<Sink, Gauge>,
    limit: Family<Sink, Gauge>,
    delivered: Family<Sink, Gauge>,
    chain_broken: Gauge,
    chain_behind: Gauge,
    disk_free: Gauge,
    disk_filling: Gauge,
    ack_fallen_back: Gauge,
    ack_alone: Gauge,
    retention_held: Gauge,
    retention_failing: Gauge,
    sources: Family<State, Gauge>,
}

impl TrailGauges {
    pub(in crate::app::metrics) fn register(&self, registry: &mut Registry) {
        let sinks = [
            ("sink_backlog", "Records that wait for the sink", &self.behind),
            ("sink_backlog_age_seconds", "How long the oldest of them has waited", &self.age),
            ("sink_failing", "1 while the sink takes nothing", &self.failing),
            ("sink_set_aside", "Records that the sink refused", &self.aside),
            ("sink_passed_over", "Records that the sink never gets, because too many waited", &self.passed_over),
            ("sink_limit", "Records that may wait for the sink before the oldest are passed over", &self.limit),
            ("sink_delivered", "Records delivered since the start", &self.delivered),
        ];
        for (name, help, family) in sinks {
            registry.register(name, help, family.clone());
        }
        registry.register("audit_chain_broken", "1 when the chain does not go on", self.chain_broken.clone());
        registry.register("audit_chain_backlog", "Records that wait to be bound", self.chain_behind.clone());
        registry.register("data_free_bytes", "Room on the disk of the data folder", self.disk_free.clone());
        registry.register("data_filling", "1 when there is little room", self.disk_filling.clone());
        let fallen = "1 while decisions are answered without waiting for the trail of all nodes, though they should";
        registry.register("audit_ack_fallen_back", fallen, self.ack_fallen_back.clone());
        let alone = "Records since the start that were answered before the trail of all nodes had them";
        registry.register("audit_ack_alone", alone, self.ack_alone.clone());
        let held = "Records older than they are to be kept that somebody has not read yet";
        registry.register("retention_held", held, self.retention_held.clone());
        let failing = "1 while what is too old cannot be let go";
        registry.register("retention_failing", failing, self.retention_failing.clone());
        registry.register("switch_sources", "Sources of switches, by how they stand", self.sources.clone());
    }

    pub(in crate::app::metrics) fn set(&self, board: &Board) {
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        for (sink, state) in board.sinks() {
            let label = Sink { sink, kind: state.kind };
            let set = |family: &Family<Sink, Gauge>, value: i64| family.get_or_create(&label).set(value);
            set(&self.behind, count(state.behind));
            set(&self.age, count(state.age_seconds));
            set(&self.failing, i64::from(state.failing.is_some()));
            set(&self.aside, count(state.aside));
            set(&self.passed_over, count(state.passed_over));
            set(&self.limit, count(state.limit));
            set(&self.delivered, count(state.delivered));
        }
        if let Some(chain) = board.chain_state() {
            self.chain_broken.set(i64::from(chain.broken.is_some()));
            self.chain_behind.set(count(chain.behind));
        }
        let sources = board.sources();
        for (state, known) in [("good", sources.good), ("failing", sources.failing), ("stale", sources.stale)] {
            self.sources.get_or_create(&State { state }).set(count(known));
        }
        if let Some(disk) = board.disk_state() {
            self.disk_free.set(count(disk.free));
            self.disk_filling.set(i64::from(disk.filling));
        }
        if let Some(ack) = board.ack_state() {
            self.ack_fallen_back.set(i64::from(ack.fallen_back));
            self.ack_alone.set(count(ack.alone));
        }
        if let Some(retention) = board.retention_state() {
            self.retention_held.set(count(retention.held));
            self.retention_failing.set(i64::from(retention.failing.is_some()));
        }
    }
}
