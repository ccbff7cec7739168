//! Switches that are read from elsewhere: a cell of a Google sheet, or a field of a document on the web.
//!
//! Everything is read in the background. A call finds in memory what was told last; once that is too old, the switch
//! stands where the rules put it for that case, and says so.

mod fetch;
pub mod kept;
mod reading;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::task::JoinHandle;

use crate::app::App;
use crate::app::board::{SourceTrouble, SourcesState};
use crate::app::live::Snapshot;
use crate::app::messenger::switchboard::{Fed, source_name};
use crate::app::ports::Later;
use crate::egress::Egress;
use crate::feed::token::Account;
use crate::model::ids::OrgSlug;
use crate::rules::ruleset::SwitchSource;
use crate::sources::fetch::Fetcher;

/// Sources that are read at once.
const AT_ONCE: usize = 16;

/// Sources of one organization that are read at once: its slow ones must not hold up everybody's.
const OF_ONE: usize = 2;

/// Between two looks at what is due.
const TICK: Duration = Duration::from_millis(200);

/// Seconds between two writings when nothing but times has changed.
const RARELY: i64 = 10;

/// Troubles that are shown at most; the rest is counted.
const MOST_SHOWN: usize = 50;

/// Which service account reads an organization's sheets.
pub trait Accounts: fmt::Debug + Send + Sync {
    /// The organization's account with a name that changes with its key; nothing when it has none.
    fn account<'a>(&'a self, org: &'a OrgSlug) -> Later<'a, Result<Option<(String, Account)>, String>>;
}

/// What the reading needs.
#[derive(Debug)]
pub struct Means {
    /// The way out.
    pub egress: Egress,
    /// Whose word Google takes.
    pub accounts: Arc<dyn Accounts>,
    /// Where Google's interface to sheets is.
    pub sheets: String,
    /// Where the last words are kept.
    pub file: PathBuf,
}

/// The reading at work; it ends when this is dropped.
#[derive(Debug)]
pub struct Sources(JoinHandle<()>);

impl Drop for Sources {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Sources {
    /// Ends it, and waits until it has let go of everything.
    pub async fn stop(mut self) {
        self.0.abort();
        // That it was stopped is no news.
        drop((&mut self.0).await);
    }

    /// Takes up what was told before the start, and reads from now on.
    pub fn start(app: &Arc<App>, means: Means) -> Self {
        let mut desk = Desk { plans: BTreeMap::new(), told: BTreeMap::new(), written: 0, changed: false };
        match kept::read(&means.file) {
            Ok(all) => desk.told = all.into_iter().map(|fed| ((fed.org.clone(), fed.switch.clone()), fed)).collect(),
            Err(error) => tracing::warn!(error = format!("{error:#}"), "what sources of switches told is lost"),
        }
        desk.plan(&app.live.now());
        app.switches.feed(desk.told.values().cloned());
        Self(tokio::spawn(run(Arc::clone(app), means, desk)))
    }
}

type Name = (String, String);

/// One source and how it fares.
struct Plan {
    org: OrgSlug,
    source: Arc<SwitchSource>,
    due: i64,
    under_way: bool,
    why: Option<String>,
    stale: bool,
}

struct Desk {
    plans: BTreeMap<Name, Plan>,
    told: BTreeMap<Name, Fed>,
    written: i64,
    changed: bool,
}

async fn run(app: Arc<App>, means: Means, mut desk: Desk) {
    let fetcher = Fetcher::new(&means, &app.clock);
    let mut planned: Option<Arc<Snapshot>> = None;
    let mut looks = FuturesUnordered::new();
    loop {
        let live = Arc::clone(&app.live.now());
        if planned.as_ref().is_none_or(|before| !Arc::ptr_eq(before, &live)) {
            desk.plan(&live);
            planned = Some(live);
        }
        let now = app.clock.now().as_second();
        for (name, org, source) in desk.due(now, AT_ONCE.saturating_sub(looks.len())) {
            let fetcher = &fetcher;
            looks.push(async move { (name, fetcher.look(&org, &source).await, source) });
        }
        tokio::select! {
            Some((name, told, source)) = looks.next(), if !looks.is_empty() => {
                desk.learned(&name, &source, told, app.clock.now().as_second());
                app.switches.feed(desk.told.values().cloned());
            }
            () = tokio::time::sleep(TICK) => {}
        }
        let now = app.clock.now().as_second();
        app.board.set_sources(desk.judge(now));
        if desk.changed || (now - desk.written >= RARELY && !desk.told.is_empty()) {
            desk.write(&means.file, now).await;
        }
    }
}

impl Desk {
    /// Takes up the sources that the rules have now; what others told is forgotten.
    fn plan(&mut self, live: &Snapshot) {
        let mut before = std::mem::take(&mut self.plans);
        for organization in live.organizations() {
            for switch in &organization.rules.switches {
                let Some(source) = &switch.source else { continue };
                let name = (organization.slug.to_string(), switch.name.to_string());
                let known = before.remove(&name).filter(|plan| *plan.source == **source);
                self.plans.insert(name, known.unwrap_or_else(|| Plan::new(&organization.slug, source)));
            }
        }
        let plans = &self.plans;
        let counted = self.told.len();
        self.told.retain(|name, fed| plans.get(name).is_some_and(|plan| source_name(&plan.source) == fed.source));
        self.changed |= self.told.len() != counted;
    }

    /// What is to be read now; it is under way from here on.
    fn due(&mut self, now: i64, most: usize) -> Vec<(Name, OrgSlug, Arc<SwitchSource>)> {
        if most == 0 {
            return Vec::new();
        }
        let mut of_each: BTreeMap<String, usize> = BTreeMap::new();
        for plan in self.plans.values().filter(|plan| plan.under_way) {
            *of_each.entry(plan.org.to_string()).or_default() += 1;
        }
        let mut waiting: Vec<_> = self.plans.iter_mut().filter(|(_, it)| !it.under_way && it.due <= now).collect();
        // Those that wait longest come first, so that many slow ones keep nobody out for good.
        waiting.sort_by_key(|(_, plan)| plan.due);
        let mut due = Vec::new();
        for (name, plan) in waiting {
            let others = of_each.entry(name.0.clone()).or_default();
            if due.len() < most && *others < OF_ONE {
                *others += 1;
                plan.under_way = true;
                due.push((name.clone(), plan.org.clone(), Arc::clone(&plan.source)));
            }
        }
        due
    }

    /// Takes in what a look brought.
    fn learned(&mut self, name: &Name, source: &Arc<SwitchSource>, told: Result<bool, String>, now: i64) {
        let Some(plan) = self.plans.get_mut(name).filter(|plan| Arc::ptr_eq(&plan.source, source)) else { return };
        plan.under_way = false;
        plan.due = now + i64::from(plan.source.every);
        let (org, switch) = name;
        match told {
            Ok(on) => {
                if plan.why.take().is_some() {
                    tracing::info!(org, switch, "the source of the switch is read again");
                }
                let fed = Fed { org: org.clone(), switch: switch.clone(), source: source_name(source), on, at: now };
                let before = self.told.insert(name.clone(), fed);
                if before.as_ref().map(|before| before.on) != Some(on) {
                    tracing::info!(org, switch, on, "the source of the switch tells its position");
                    self.changed = true;
                }
            }
            Err(why) => {
                if plan.why.is_none() {
                    tracing::warn!(org, switch, %why, "the source of the switch cannot be read; what it told last counts for a while");
                }
                plan.why = Some(why);
            }
        }
    }

    /// How all sources stand; one that has just become stale is told of.
    fn judge(&mut self, now: i64) -> SourcesState {
        let mut state = SourcesState::default();
        let moment = jiff::Timestamp::from_second(now).unwrap_or_default();
        for (name, plan) in &mut self.plans {
            let told = self.told.get(name);
            let counts = told.is_some_and(|fed| fed.counts(&plan.source, moment));
            // Before its first look there is nothing to complain of.
            let stale = !counts && (told.is_some() || plan.why.is_some());
            if stale && !plan.stale {
                let stands = if plan.source.when_stale { "on" } else { "off" };
                let why = plan.why.as_deref().unwrap_or("nothing was told for too long");
                tracing::error!(org = name.0, switch = name.1, why, stands, "the source of the switch is stale");
            }
            plan.stale = stale;
            match (stale, &plan.why) {
                (false, None) => state.good += 1,
                (false, Some(_)) => state.failing += 1,
                (true, _) => state.stale += 1,
            }
            if (stale || plan.why.is_some()) && state.troubles.len() < MOST_SHOWN {
                let why = plan.why.clone().unwrap_or_else(|| "nothing was told for too long".to_owned());
                state.troubles.push(SourceTrouble { organization: name.0.clone(), switch: name.1.clone(), stale, why });
            }
        }
        state
    }

    async fn write(&mut self, file: &std::path::Path, now: i64) {
        (self.written, self.changed) = (now, false);
        let (file, all): (PathBuf, Vec<Fed>) = (file.to_owned(), self.told.values().cloned().collect());
        let written = tokio::task::spawn_blocking(move || kept::write(&file, &all)).await;
        if let Err(error) | Ok(Err(error)) = written.map_err(std::io::Error::other) {
            tracing::warn!(%error, "what sources of switches told is not kept: a restart forgets it");
        }
    }
}

impl Plan {
    fn new(org: &OrgSlug, source: &SwitchSource) -> Self {
        Self { org: org.clone(), source: Arc::new(source.clone()), due: 0, under_way: false, why: None, stale: false }
    }
}
