//! Rules from the store: brought at the start, and followed revision by revision.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use jiff::tz::TimeZone;
use tokio::task::JoinHandle;

use crate::app::App;
use crate::app::live::TakenUp;
use crate::app::ports::RuleText;
use crate::app::revisions;
use crate::app::tenancy::{Page, TenantError};
use crate::model::digest::Digest;
use crate::model::ids::OrgSlug;
use crate::settings::{RulesFrom, Settings};
use crate::startup::Folders;
use crate::tenant::event::Cursor;
use crate::tenant::item::{Kept, Kind};
use crate::tenant::owner::Owner;
use crate::tenant::revision::{Returned, RuleRevision};

/// Looked at without being told, in case a notice was lost.
const REFRESH: Duration = Duration::from_secs(300);

/// Between two tries while the store is away.
const AGAIN: Duration = Duration::from_millis(500);

/// Lines of the trail that are read at once.
const LINES: u32 = 500;

/// Rule texts that are fetched at once.
const AT_ONCE: usize = 16;

/// Which rules answer whom, as of a place of the trail.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// The digest of each organization's rules.
    pub rules: BTreeMap<OrgSlug, Digest>,
    /// What those have on trial that was taken back.
    pub returned: BTreeMap<OrgSlug, Returned>,
    /// The place.
    pub cursor: Cursor,
}

/// What follows the revisions for as long as the service runs.
#[derive(Debug)]
pub struct Revisions(JoinHandle<()>);

impl Drop for Revisions {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Revisions {
    /// Ends it, and waits until it has let go of everything.
    pub async fn end(mut self) {
        self.0.abort();
        // Cut off is how it is meant to end.
        drop((&mut self.0).await);
    }

    /// Where revisions answer: answers by those that stand now, and then by each new one.
    pub(in crate::startup) async fn start(
        settings: &Settings,
        app: &Arc<App>,
        folders: &Folders,
        standing: Standing,
    ) -> Option<Self> {
        if settings.rules_from == RulesFrom::Folder {
            return None;
        }
        let mut follower = Follower {
            app: Arc::clone(app),
            folders: folders.clone(),
            known: BTreeMap::new(),
            owed: BTreeSet::new(),
            cursor: standing.cursor,
        };
        follower.take_up(standing.rules, &[]).await;
        follower.take_back(&standing.returned);
        Some(Self(tokio::spawn(follower.run())))
    }
}

struct Follower {
    app: Arc<App>,
    folders: Folders,
    /// What is answered by.
    known: BTreeMap<OrgSlug, Digest>,
    /// Whose rules could not be had when they were wanted.
    owed: BTreeSet<OrgSlug>,
    cursor: Cursor,
}

impl Follower {
    async fn run(mut self) {
        let mut notices = self.app.tenants.watch();
        let mut well = true;
        // What was told while the service started was told to nobody here.
        let missed = *notices.borrow_and_update() > self.cursor;
        let mut pause = if missed { Duration::ZERO } else { REFRESH };
        loop {
            tokio::select! {
                told = notices.changed() => if told.is_err() { return },
                () = tokio::time::sleep(pause) => {}
            }
            well = match self.catch_up().await {
                Ok(()) => true,
                Err(error) => {
                    if well {
                        tracing::error!(%error, "new revisions of rules cannot be read: those that are known go on answering");
                    }
                    tokio::time::sleep(AGAIN).await;
                    false
                }
            };
            pause = if well && self.owed.is_empty() { REFRESH } else { AGAIN };
        }
    }

    /// Reads whose rules were changed since, and takes up what stands now.
    async fn catch_up(&mut self) -> Result<(), TenantError> {
        let mut changed = self.owed.clone();
        let mut cursor = self.cursor;
        loop {
            let events = self.app.tenants.events(&Owner::Platform, Page::After(cursor, LINES)).await?;
            let Some(last) = events.last() else { break };
            cursor = last.seq;
            let revised = events.iter().filter(|event| event.kind == Some(Kind::Revision));
            changed.extend(revised.filter_map(|event| event.owner.org().cloned()));
        }
        let (mut wanted, mut gone, mut returned) = (BTreeMap::new(), Vec::new(), BTreeMap::new());
        for slug in changed {
            let rules = self.app.tenants.tenant(&slug).await.map(|tenant| tenant.rules);
            if let Ok(Some(Kept { item: RuleRevision { returned: Some(back), .. }, .. })) = &rules {
                returned.insert(slug.clone(), back.clone());
            }
            match rules {
                Ok(Some(kept)) if self.known.get(&slug) == Some(&kept.item.digest) => {}
                Ok(Some(kept)) => drop(wanted.insert(slug, kept.item.digest)),
                Ok(None) | Err(TenantError::NotFound(_)) => gone.push(slug),
                Err(TenantError::Unreadable(odd)) => {
                    tracing::error!(org = %slug, %odd, "its rules cannot be read: those that are known go on answering");
                }
                Err(error) => return Err(error),
            }
        }
        self.owed.clear();
        self.cursor = cursor;
        if !wanted.is_empty() || !gone.is_empty() {
            self.take_up(wanted, &gone).await;
        }
        self.take_back(&returned);
        Ok(())
    }

    /// What another node took back answers here no more either.
    fn take_back(&self, returned: &BTreeMap<OrgSlug, Returned>) {
        let now = self.app.live.now();
        for (slug, returned) in returned {
            let trial = now.organization(slug).and_then(|it| it.trial.as_ref());
            if trial.is_some_and(|it| self.app.trials.take_back(slug, &it.candidate.digest, returned)) {
                tracing::warn!(org = %slug, why = %returned.why, "rules on trial were taken back by another node");
            }
        }
    }

    /// Answers by these from now on. What cannot be had now is owed, and tried again.
    async fn take_up(&mut self, wanted: BTreeMap<OrgSlug, Digest>, gone: &[OrgSlug]) {
        let app = &self.app;
        let fetched = futures_util::stream::iter(wanted).map(|(slug, digest)| async move {
            let texts = texts(app, &slug, &digest).await;
            (slug, digest, texts)
        });
        let fetched: Vec<_> = fetched.buffer_unordered(AT_ONCE).collect().await;
        let mut bundles: Vec<TakenUp> = Vec::new();
        for (slug, digest, texts) in fetched {
            match texts {
                Ok(texts) => {
                    self.known.insert(slug.clone(), digest);
                    bundles.push((slug, texts));
                }
                Err(error) => {
                    tracing::error!(org = %slug, rules = %digest.short(), %error, "its rules cannot be had yet");
                    self.owed.insert(slug);
                }
            }
        }
        for slug in gone {
            self.known.remove(slug);
        }
        let (app, gone) = (Arc::clone(&self.app), gone.to_vec());
        let taken = tokio::task::spawn_blocking(move || {
            let now = app.clock.now();
            app.live.take_up(&bundles, &gone, now.to_zoned(TimeZone::UTC).date(), now)
        });
        match taken.await {
            Ok(change) if change.differs => self.folders.tell(&self.app, change),
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "taking up rules failed unexpectedly"),
        }
    }
}

/// The files of a revision: from the node's own journal, where they are kept once they have answered, so that a
/// start needs nobody; and else from the store.
async fn texts(app: &App, slug: &OrgSlug, digest: &Digest) -> Result<Vec<RuleText>, TenantError> {
    if let Ok(Some(kept)) = app.journal.rules(slug.as_str(), &digest.to_string()).await {
        return Ok(kept);
    }
    revisions::rule_texts(app.tenants.as_ref(), slug, digest).await
}
