//! Follows the trail of changes: what was changed on any node is read again here, and nothing else is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::app::App;
use crate::app::directory::{Conflict as Claim, Directory, Observation};
use crate::app::tenancy::{Conflict, Page, TenantError, Tenants};
use crate::model::ids::OrgSlug;
use crate::roster::gather::{Gathered, parts, platform};
use crate::roster::{Bench, Things, Trouble};
use crate::tenant::change::Change;
use crate::tenant::event::{Cursor, Deed};
use crate::tenant::item::{Item, Kind};
use crate::tenant::owner::{Id, Owner, Platform};
use crate::tenant::stamp::{Actor, At, Stamp};
use crate::vault::Ring;

/// Looked at without being told, in case a notice was lost.
const REFRESH: Duration = Duration::from_secs(10);

/// Between two looks at what was seen of accounts.
const LOOK: Duration = Duration::from_secs(1);

/// Looks after which what was seen is written down, when no trial has ended and no next key was seen.
const WRITTEN_AFTER: u32 = 15;

/// Lines of the trail that are read at once.
const LINES: u32 = 500;

/// Waits after a failure, each longer than the one before.
const WAITS: [Duration; 5] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(15),
];

/// Reads what is stored into the directory, and follows it.
#[derive(Debug)]
pub struct Feed {
    store: Arc<dyn Tenants>,
    bench: Bench,
    cursor: Cursor,
    /// What was seen of accounts and is not written down yet.
    seen: BTreeMap<(Owner, Id), Seen>,
}

/// What was seen of an account.
#[derive(Debug, Default)]
struct Seen {
    good: u32,
    bad: u32,
    /// The next key that signed a request.
    next: Option<Box<[u8]>>,
}

impl Feed {
    /// Nothing is read yet.
    pub const fn new(store: Arc<dyn Tenants>, bench: Bench) -> Self {
        Self { store, bench, cursor: 0, seen: BTreeMap::new() }
    }

    /// Fills the directory with everything that is stored.
    pub async fn load(&mut self, directory: &Directory) -> Result<Vec<Trouble>, TenantError> {
        let gathered = Gathered::from(self.store.load(Platform)).await?;
        Ok(self.fill(gathered, directory))
    }

    /// Fills the directory with what was gathered elsewhere.
    pub fn fill(&mut self, gathered: Gathered, directory: &Directory) -> Vec<Trouble> {
        self.cursor = gathered.cursor;
        gathered.fill(&mut self.bench, directory)
    }

    /// The keys that stored secrets are opened with.
    pub fn ring(&self) -> Option<Arc<Ring>> {
        self.bench.ring.clone()
    }

    /// The place of the trail up to which the directory is right.
    pub const fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Reads what was changed since; tells whether anything was.
    pub async fn catch_up(&mut self, directory: &Directory) -> Result<(bool, Vec<Trouble>), TenantError> {
        let mut troubles = Vec::new();
        let mut owners = BTreeSet::new();
        let mut cursor = self.cursor;
        loop {
            let events = self.store.events(&Owner::Platform, Page::After(cursor, LINES)).await?;
            let more = events.len() == usize::try_from(LINES).unwrap_or(usize::MAX);
            for event in events {
                cursor = cursor.max(event.seq);
                owners.insert(event.owner);
            }
            if !more {
                break;
            }
        }
        let changed = !owners.is_empty();
        // The platform's accounts first: bindings lead there.
        let mut losers = Vec::new();
        for owner in owners {
            match owner {
                Owner::Platform => self.reread_platform(directory, &mut troubles).await?,
                Owner::Org(slug) => {
                    if !self.reread(&slug, directory, &mut troubles).await?.is_empty() {
                        losers.push(slug);
                    }
                }
            }
        }
        // Whoever held what they want may have let go of it only afterwards.
        for slug in losers {
            let conflicts = self.reread(&slug, directory, &mut Vec::new()).await?;
            troubles.extend(conflicts.into_iter().map(Trouble::from));
        }
        self.cursor = cursor;
        Ok((changed, troubles))
    }

    /// Takes an organization in as it is stored now; what it wants and others hold.
    async fn reread(
        &self,
        slug: &OrgSlug,
        directory: &Directory,
        troubles: &mut Vec<Trouble>,
    ) -> Result<Vec<Claim>, TenantError> {
        match self.store.tenant(slug).await {
            Ok(stored) => {
                let things = Things::from(stored);
                let before = directory.now().tenant(slug).map(Arc::clone);
                let tenant = self.bench.tenant(&things, before.as_deref(), troubles);
                Ok(directory.change(|now| now.put(tenant)))
            }
            Err(TenantError::NotFound(_)) => {
                directory.change(|now| now.remove(slug));
                Ok(Vec::new())
            }
            Err(TenantError::Unreadable(odd)) => {
                tracing::error!(org = %slug, %odd, "an organization cannot be read: it goes on as it was");
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }

    async fn reread_platform(&mut self, directory: &Directory, troubles: &mut Vec<Trouble>) -> Result<(), TenantError> {
        let (installations, rollout) = parts(self.store.platform(Platform).await?);
        let accounts = self.bench.platform.clone();
        let shared = platform(&mut self.bench, &installations, &directory.now(), troubles);
        directory.change(|now| {
            now.share(shared.profiles, shared.outlets);
            now.roll_out(rollout);
        });
        if accounts != self.bench.platform {
            // Numbers of many organizations may lead elsewhere now.
            let gathered = Gathered::from(self.store.load(Platform)).await?;
            troubles.extend(gathered.fill(&mut self.bench, directory));
        }
        Ok(())
    }

    /// Follows the trail for as long as the service runs. `changed` is told after each change that was read.
    pub async fn follow(mut self, app: Arc<App>, changed: watch::Sender<Cursor>) {
        let mut notices = self.store.watch();
        let mut failures = 0;
        let mut looks = 0;
        let mut refreshed = tokio::time::Instant::now();
        loop {
            let told = tokio::select! {
                told = notices.changed() => told.is_ok(),
                () = tokio::time::sleep(LOOK) => false,
            };
            looks += 1;
            app.jumps.look(&*app.clock);
            self.note(&app, &mut looks).await;
            if !told && failures == 0 && refreshed.elapsed() < REFRESH {
                continue;
            }
            refreshed = tokio::time::Instant::now();
            match self.catch_up(&app.directory).await {
                Ok((differs, troubles)) => {
                    if failures > 0 {
                        tracing::info!("the store of organizations answers again");
                    }
                    failures = 0;
                    tell(&troubles);
                    if differs {
                        changed.send_replace(self.cursor);
                    }
                }
                Err(error) => {
                    if failures == 0 {
                        tracing::error!(%error, "changes of organizations cannot be read: what is known goes on answering");
                    }
                    tokio::time::sleep(WAITS.get(failures).copied().unwrap_or(Duration::from_secs(15))).await;
                    failures = (failures + 1).min(WAITS.len());
                }
            }
        }
    }

    /// Writes down what was seen of accounts on trial and of next keys.
    async fn note(&mut self, app: &App, looks: &mut u32) {
        let mut urgent = false;
        for Observation { org, installation, good, bad, over, next } in app.directory.take_observations() {
            let Ok(id) = Id::parse(&installation) else { continue };
            let entry = self.seen.entry((org.map_or(Owner::Platform, Owner::Org), id)).or_default();
            entry.good = entry.good.saturating_add(good);
            entry.bad = entry.bad.saturating_add(bad);
            urgent |= over || next.is_some();
            entry.next = next.or(entry.next.take());
        }
        if self.seen.is_empty() || (!urgent && *looks < WRITTEN_AFTER) {
            return;
        }
        *looks = 0;
        for ((owner, id), seen) in std::mem::take(&mut self.seen) {
            if let Err(error) = self.observed(app, &owner, &id, &seen).await {
                tracing::warn!(%owner, installation = %id, %error, "what was seen of an account is not written down yet");
                self.seen.insert((owner, id), seen);
            }
        }
    }

    async fn observed(&self, app: &App, owner: &Owner, id: &Id, seen: &Seen) -> Result<(), TenantError> {
        let Seen { good, bad, next } = seen;
        for _ in 0..3 {
            let kept = match self.store.item(owner, Kind::Installation, id.as_str()).await {
                // It is gone, and what was seen of it with it.
                Err(TenantError::NotFound(_)) => return Ok(()),
                found => found?,
            };
            let Item::Installation(before) = kept.item else { return Ok(()) };
            let (mut it, now) = (before.clone(), app.clock.now());
            let over = it.observed(*good, *bad, now);
            if let Some(mark) = next {
                it.saw_next(mark, At::new(now));
            }
            if it == before {
                // Another node said so, or it is over.
                return Ok(());
            }
            let deed = if over { Deed::InstallationEnforced } else { Deed::InstallationObserved };
            let mut told = Vec::new();
            if good + bad > 0 {
                told.push(format!("{good} signed right, {bad} not"));
            }
            if it.next_seen != before.next_seen {
                told.push("the next token signed a request".to_owned());
            }
            let detail = told.join("; ");
            let by = Stamp::new(&Actor::new("service:observe"), now);
            let change = Change::changed(Item::Installation(it), kept.version, deed, detail);
            match self.store.change(owner, vec![change], &by).await {
                Err(TenantError::Conflict(Conflict::Stale(_))) => {}
                done => return done.map(drop),
            }
        }
        Err(TenantError::Conflict(Conflict::Stale(Kind::Installation)))
    }
}

/// Says what cannot be used.
pub fn tell(troubles: &[Trouble]) {
    for trouble in troubles {
        tracing::error!("{trouble}");
    }
}
