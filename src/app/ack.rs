//! A decision is answered only when the trail of all nodes has it, too: waited for as long as that is worth, and not
//! at all once it was in vain, until the trail has caught up.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot, watch};

use crate::app::board::{AckState, Board};
use crate::app::ports::{Appended, Clock, Journal, JournalError, JournalHealth, Key, Later, RuleText, new_id};
use crate::audit::record::{Kind, Received, Record, SecurityEvent};
use crate::model::digest::Digest;
use crate::model::moment::Zone;

/// What an [`Record::ack`] says of a record that was not waited for.
pub const LOCAL: &str = "local";

/// Who waits, and how it stands.
pub struct Acks {
    waiting: Mutex<BTreeMap<Step, Vec<oneshot::Sender<()>>>>,
    fallen_back: AtomicBool,
    alone: AtomicU64,
    /// Whether all that was written before this start is there.
    caught_up: watch::Sender<bool>,
    wanted: Notify,
    patience: Duration,
    board: Arc<Board>,
}

/// Call, organization and step: what has one record.
type Step = (String, String, String);

impl fmt::Debug for Acks {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Acks")
    }
}

fn step(record: &Record) -> Step {
    (record.call.clone(), record.org.clone(), record.step.clone())
}

impl Acks {
    /// Nobody waits yet; later nobody will for longer than `patience`.
    pub fn new(patience: Duration, board: Arc<Board>) -> Self {
        let acks = Self {
            waiting: Mutex::default(),
            fallen_back: AtomicBool::new(false),
            alone: AtomicU64::new(0),
            caught_up: watch::Sender::new(false),
            wanted: Notify::new(),
            patience,
            board,
        };
        acks.tell();
        acks
    }

    /// These records are in the trail of all nodes now.
    pub fn shared<'a>(&self, records: impl Iterator<Item = &'a Record>) {
        let mut waiting = self.waiting();
        if waiting.is_empty() {
            return;
        }
        for record in records {
            for one in waiting.remove(&step(record)).into_iter().flatten() {
                // Who waits no longer needs no word.
                let _gone = one.send(());
            }
        }
    }

    /// The trail of all nodes has nearly everything.
    pub fn caught_up(&self) {
        self.caught_up.send_if_modified(|known| !std::mem::replace(known, true));
        if self.fallen_back.swap(false, Ordering::AcqRel) {
            tracing::info!("the trail of all nodes has caught up: decisions are shared again before they are answered");
            self.tell();
        }
    }

    /// Waits until somebody waits.
    pub async fn wanted(&self) {
        self.wanted.notified().await;
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<Step, Vec<oneshot::Sender<()>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join(self: &Arc<Self>, record: &Record) -> Place {
        let (sender, shared) = oneshot::channel();
        let step = step(record);
        let mut waiting = self.waiting();
        let others = waiting.entry(step.clone()).or_default();
        let first = others.is_empty();
        others.push(sender);
        drop(waiting);
        Place { acks: Arc::clone(self), step, shared: Some(shared), first }
    }

    /// Whether this is the first time that it is in vain.
    fn in_vain(&self) -> bool {
        self.alone.fetch_add(1, Ordering::Relaxed);
        let first = !self.fallen_back.swap(true, Ordering::AcqRel);
        self.tell();
        first
    }

    fn alone(&self) {
        self.alone.fetch_add(1, Ordering::Relaxed);
        self.tell();
    }

    fn tell(&self) {
        let fallen_back = self.fallen_back.load(Ordering::Acquire);
        self.board.ack(AckState { fallen_back, alone: self.alone.load(Ordering::Relaxed) });
    }
}

/// Somebody who waits for a record; who goes, leaves nothing behind.
struct Place {
    acks: Arc<Acks>,
    step: Step,
    shared: Option<oneshot::Receiver<()>>,
    /// Whether nobody waited for the same step before.
    first: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.shared.take());
        let mut waiting = self.acks.waiting();
        if let Some(others) = waiting.get_mut(&self.step) {
            others.retain(|one| !one.is_closed());
            if others.is_empty() {
                waiting.remove(&self.step);
            }
        }
    }
}

impl Place {
    /// Whether the record came there in time.
    async fn waited(&mut self, appended: &Result<Appended, JournalError>) -> bool {
        let acks = Arc::clone(&self.acks);
        acks.wanted.notify_one();
        let there = async {
            match (appended, self.shared.take()) {
                (Ok(Appended::Fresh), Some(shared)) => shared.await.is_ok(),
                (Ok(Appended::Repeat { .. }), Some(shared)) if !self.first => shared.await.is_ok(),
                // The record of this step was shared, or it is among those that were written before this start.
                (Ok(Appended::Repeat { .. }), _) => acks.caught_up.subscribe().wait_for(|there| *there).await.is_ok(),
                _ => true,
            }
        };
        tokio::time::timeout(acks.patience, there).await.unwrap_or(false)
    }
}

/// The journal of a node whose answers wait for the trail of all nodes.
#[derive(Debug)]
pub struct Shared {
    journal: Arc<dyn Journal>,
    acks: Arc<Acks>,
    clock: Arc<dyn Clock>,
    node: String,
}

impl Shared {
    /// The journal, with what its answers wait for.
    pub fn new(journal: Arc<dyn Journal>, acks: Arc<Acks>, clock: Arc<dyn Clock>, node: &str) -> Self {
        Self { journal, acks, clock, node: node.to_owned() }
    }

    /// Says once that answers do not wait any more, and leaves a record of it.
    async fn fell_back(&self, call: &str) {
        let patience = self.acks.patience;
        tracing::error!(
            call,
            ?patience,
            "a decision did not reach the trail of all nodes in time: answers wait for this node's journal alone until it has caught up"
        );
        let detail = format!("call {call} was answered after {patience:?} without the trail of all nodes");
        let event = SecurityEvent { event: "ack-fell-back".to_owned(), peer: None, detail };
        let now = self.clock.now();
        let received = Received::unwritten(now, &Zone::utc());
        let record = Record {
            security: Some(event),
            ack: Some(LOCAL.to_owned()),
            ..Record::blank(Kind::Security, new_id(now), &self.node, received)
        };
        if let Err(error) = self.journal.append(record).await {
            tracing::error!(%error, "a record is not durable");
        }
    }
}

impl Journal for Shared {
    fn append(&self, mut record: Record) -> Later<'_, Result<Appended, JournalError>> {
        if self.acks.fallen_back.load(Ordering::Acquire) {
            self.acks.alone();
            record.ack = Some(LOCAL.to_owned());
            return self.journal.append(record);
        }
        let call = record.call.clone();
        let mut place = self.acks.join(&record);
        // It is on its way before anything waits, as everybody expects of a journal.
        let appended = self.journal.append(record);
        Box::pin(async move {
            let appended = appended.await;
            if !place.waited(&appended).await && self.acks.in_vain() {
                self.fell_back(&call).await;
            }
            appended
        })
    }

    fn key(&self, org: &str, call: &str, leg: Option<&str>) -> Key {
        self.journal.key(org, call, leg)
    }

    fn earlier_calls(&self, org: &str, caller: &str, call: &str, began: i64) -> Vec<u32> {
        self.journal.earlier_calls(org, caller, call, began)
    }

    fn active_calls(&self, org: &str, contact: &str, call: &str) -> u8 {
        self.journal.active_calls(org, contact, call)
    }

    fn keep_rules<'a>(
        &'a self,
        org: &'a str,
        digest: Digest,
        files: Vec<RuleText>,
    ) -> Later<'a, Result<(), JournalError>> {
        self.journal.keep_rules(org, digest, files)
    }

    fn rules<'a>(&'a self, org: &'a str, digest: &'a str) -> Later<'a, Result<Option<Vec<RuleText>>, JournalError>> {
        self.journal.rules(org, digest)
    }

    fn health(&self) -> JournalHealth {
        self.journal.health()
    }
}
