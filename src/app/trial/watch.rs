//! Counts the calls of rules on trial behind their answers, and takes candidates back.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::app::App;
use crate::app::live::Snapshot;
use crate::app::ports::{JournalError, new_id};
use crate::app::revisions;
use crate::app::trail::Window;
use crate::app::trial::Trial;
use crate::app::trial::standing::Book;
use crate::audit::record::{Kind, Received, Record, SecurityEvent};
use crate::model::ids::OrgSlug;
use crate::model::moment::Zone;
use crate::rules::ruleset::RolloutMode;
use crate::tenant::revision::Returned;
use crate::tenant::stamp::{Actor, At, Stamp};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(300);

/// Records read at once.
const PORTION: usize = 500;

/// Writes down how everything stands, so that a restart knows it.
pub type Keep = dyn Fn(&Book) -> io::Result<()> + Send + Sync;

/// What watches the trials.
#[expect(missing_debug_implementations, reason = "it is made and run, and never looked at")]
pub struct Watch {
    app: Arc<App>,
    window: Arc<Window>,
    keep: Arc<Keep>,
    /// Whether other nodes answer by the same revisions.
    shared: bool,
    seen: Arc<Snapshot>,
    canaries: BTreeMap<OrgSlug, Arc<Trial>>,
    /// Whether calls are being counted: between two trials nothing is read.
    counting: bool,
    /// Whose return the store does not know yet.
    owed: BTreeSet<OrgSlug>,
}

impl Watch {
    /// Goes on from what was written down.
    pub fn new(app: Arc<App>, window: Arc<Window>, keep: Arc<Keep>, shared: bool) -> Self {
        let seen = Arc::default();
        let (canaries, owed) = (BTreeMap::new(), BTreeSet::new());
        let mut watch = Self { app, window, keep, shared, seen, canaries, counting: false, owed };
        let book = watch.app.trials.standing();
        watch.look();
        let known = |(org, trial): (&OrgSlug, &Arc<Trial>)| {
            book.trials.get(org).is_some_and(|it| it.candidate == trial.candidate.digest)
        };
        let latest = watch.window.latest().unwrap_or(0);
        watch.counting = watch.canaries.iter().any(known) && book.seq <= latest;
        // A return that the store was not told of before the end is told now.
        watch.owed = book.trials.into_iter().filter(|(_, it)| it.returned.is_some()).map(|(org, _)| org).collect();
        watch
    }

    /// Watches until the task is dropped.
    pub async fn run(mut self) {
        let mut well = true;
        loop {
            if let Err(error) = self.turn().await {
                if well {
                    tracing::error!(%error, "the calls of rules on trial are not counted");
                }
                well = false;
            } else {
                well = true;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Takes up which candidates answer now.
    fn look(&mut self) {
        let now = self.app.live.now();
        if Arc::ptr_eq(&now, &self.seen) {
            return;
        }
        self.seen = Arc::clone(&now);
        let canary = |trial: &&Arc<Trial>| trial.mode == RolloutMode::Canary;
        let on_trial = now.organizations().filter_map(|org| Some((org, org.trial.as_ref().filter(canary)?)));
        self.canaries = on_trial.map(|(org, trial)| (org.slug.clone(), Arc::clone(trial))).collect();
    }

    async fn turn(&mut self) -> Result<(), JournalError> {
        self.look();
        if self.canaries.is_empty() {
            self.counting = false;
            self.show();
            return Ok(());
        }
        if !self.counting {
            // What ended before is of another time.
            let window = Arc::clone(&self.window);
            self.app.trials.passed(read(move || window.latest()).await?);
            self.counting = true;
        }
        let now = self.app.clock.now();
        let mut changed = false;
        for (org, trial) in &self.canaries {
            if self.app.trials.begin(org, trial.candidate.digest, At::new(now)) {
                changed = true;
                let told = format!("`{}` answers {}% of callers", trial.file, trial.share);
                tracing::info!(%org, candidate = %trial.file, share = trial.share, "rules on trial answer");
                self.record(org, "canary-began", told, now).await;
            }
        }
        changed |= self.count().await?;
        changed |= self.judge(now).await;
        self.show();
        if changed {
            self.keep().await;
        }
        self.pay(now).await;
        Ok(())
    }

    /// Counts what has ended since; tells whether anything did.
    async fn count(&self) -> Result<bool, JournalError> {
        let mut changed = false;
        loop {
            let (window, seq) = (Arc::clone(&self.window), self.app.trials.standing().seq);
            let records = read(move || window.after(seq, PORTION)).await?;
            let Some(last) = records.last() else { return Ok(changed) };
            for kept in &records {
                let record = &kept.record;
                let Some(summary) = record.summary.as_ref().filter(|_| record.kind == Kind::Closed) else { continue };
                let trial = OrgSlug::parse(&record.org).ok().filter(|org| self.canaries.contains_key(org));
                if let Some(side) = trial.and_then(|org| self.app.trials.count(&org, summary)) {
                    self.app.metrics.trial_call(side.word(), summary.is_taken());
                    changed = true;
                }
            }
            self.app.trials.passed(last.seq);
        }
    }

    /// Takes back what fares too badly; tells whether anything did.
    async fn judge(&mut self, now: Timestamp) -> bool {
        let book = self.app.trials.standing();
        let mut changed = false;
        for (org, trial) in &self.canaries {
            let standing = book.trials.get(org).filter(|it| it.returned.is_none());
            let Some(why) = standing.and_then(|standing| standing.verdict(trial.bound)) else { continue };
            let returned = Returned { at: At::new(now), why };
            if self.app.trials.take_back(org, &trial.candidate.digest, &returned) {
                changed = true;
                self.owed.insert(org.clone());
                tracing::error!(%org, candidate = %trial.file, why = %returned.why, "rules on trial are taken back: the others answer everybody again");
                self.record(org, "canary-returned", format!("`{}`: {}", trial.file, returned.why), now).await;
            }
        }
        changed
    }

    /// Tells the store of returns, where other nodes learn of them.
    async fn pay(&mut self, now: Timestamp) {
        if !self.shared {
            self.owed.clear();
            return;
        }
        let book = self.app.trials.standing();
        let by = Stamp::new(&Actor::new("service:trial"), now);
        for org in self.owed.clone() {
            let rules = self.seen.organization(&org).map(|it| it.rules.digest);
            let standing = book.trials.get(&org).and_then(|it| it.returned.as_ref());
            let current = self.canaries.get(&org).map(|it| it.candidate.digest);
            let same = current.is_some() && current == book.trials.get(&org).map(|it| it.candidate);
            let told = match (rules, standing) {
                (Some(rules), Some(returned)) if same => {
                    revisions::returned(self.app.tenants.as_ref(), &org, &rules, returned, &by).await
                }
                _ => Ok(()),
            };
            match told {
                Ok(()) => drop(self.owed.remove(&org)),
                Err(error) => tracing::debug!(%org, %error, "the store does not know yet that rules were taken back"),
            }
        }
    }

    async fn keep(&self) {
        let (keep, book) = (Arc::clone(&self.keep), self.app.trials.standing());
        let kept = tokio::task::spawn_blocking(move || keep(&book)).await;
        let kept = kept.unwrap_or_else(|error| Err(io::Error::other(error)));
        if let Err(error) = kept {
            tracing::error!(%error, "how rules on trial fare is not written down: a restart would forget it");
        }
    }

    fn show(&self) {
        let answers = |(org, trial): &(&OrgSlug, &Arc<Trial>)| self.app.trials.answers(org, &trial.candidate.digest);
        let answering = self.canaries.iter().filter(answers).count();
        self.app.metrics.canaries(answering, self.canaries.len() - answering);
    }

    async fn record(&self, org: &OrgSlug, event: &str, detail: String, now: Timestamp) {
        let received = Received::unwritten(now, &Zone::utc());
        let event = SecurityEvent { event: event.to_owned(), peer: None, detail };
        let blank = Record::blank(Kind::Security, new_id(now), &self.app.manners.node, received);
        let record = Record { org: org.to_string(), security: Some(event), ..blank };
        if let Err(error) = self.app.journal.append(record).await {
            tracing::error!(%error, "what became of rules on trial is not durable");
        }
    }
}

/// Reads on a thread that may wait for the disk.
async fn read<T: Send + 'static>(
    ask: impl FnOnce() -> Result<T, JournalError> + Send + 'static,
) -> Result<T, JournalError> {
    let read = tokio::task::spawn_blocking(ask).await;
    read.unwrap_or_else(|error| Err(JournalError::Unreadable(error.to_string())))
}
