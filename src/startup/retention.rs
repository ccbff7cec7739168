//! Lets go of what is older than it is to be kept: looks now and then how far everybody has read, and says how far
//! chain and journal may be cut.

mod sooner;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinHandle;

use crate::app::App;
use crate::app::board::RetentionState;
use crate::app::ports::Clock;
use crate::app::retention::{self, GRACE_DAYS, Plan};
use crate::database::Address;
use crate::merged::{self, Gone, Terms};
use crate::model::ids::{AccountSid, OrgSlug, RecordingSid};
use crate::seal::{self, Keys, SealError};
use crate::settings::{Retention, Settings};
use crate::startup::retention::sooner::Sooner;
use crate::store::Store;

/// Between two looks.
const LOOK: Duration = Duration::from_secs(5);

/// Recordings looked for at once.
const PAGE: usize = 50;

/// After the carrier failed.
const REST: SignedDuration = SignedDuration::from_mins(10);

/// Between two looks at the trail of all nodes: months and days are let go there.
const LOOK_AT_ALL: Duration = Duration::from_secs(600);

/// What it works with.
struct Keeper {
    app: Arc<App>,
    store: Arc<Store>,
    data: PathBuf,
    days: Option<u32>,
    bound: bool,
    recordings: Option<Recordings>,
    of: BTreeMap<OrgSlug, u32>,
    sooner: Sooner,
    sooner_again: Timestamp,
    texts_again: Timestamp,
    state: RetentionState,
}

/// How far recordings were deleted at the carrier.
#[derive(Debug, Clone, Default)]
struct Recordings {
    upto: i64,
    again: Timestamp,
    why: Option<String>,
}

/// Starts letting go; nothing starts when everything is kept.
pub(in crate::startup) fn start(settings: &Settings, app: &Arc<App>, store: &Arc<Store>) -> Vec<JoinHandle<()>> {
    let own = own(settings, app, store).into_iter();
    let address = settings.database_url.as_ref().and_then(|url| Address::parse(url).ok());
    let some = settings.retention.days.is_some() || !settings.retention.of.is_empty();
    let all = address
        .filter(|_| some)
        .map(|address| tokio::spawn(let_all_go(address, Arc::clone(&app.clock), settings.clone())));
    own.chain(all).collect()
}

/// The trail of all nodes: each node looks after it, and what one has let go is gone for all.
async fn let_all_go(address: Address, clock: Arc<dyn Clock>, settings: Settings) {
    let mut failing = false;
    let terms = &settings.retention;
    // Without a key, what would have to be signed for stays; that there is none is told where the chain is made.
    let signer = Keys::open(&settings.data).ok().filter(|_| settings.audit_chain).map(|keys| keys.signer);
    loop {
        let now = clock.now();
        let before = |days: u32| days_before(now, i64::from(days));
        let of: Vec<_> = terms.of.iter().map(|(org, days)| (org.to_string(), before(*days))).collect();
        let all = Terms { before: terms.days.map(before), of: &of, signer: signer.as_deref() };
        match merged::let_go(&address, now, all).await {
            Ok(gone) if gone == Gone::default() => failing = false,
            Ok(Gone { months, records }) => {
                failing = false;
                tracing::info!(months, records, "what is too old was let go from the trail of all nodes");
            }
            Err(why) => {
                if !failing {
                    tracing::warn!(%why, "what is too old cannot be let go from the trail of all nodes; it is tried again");
                }
                failing = true;
            }
        }
        tokio::time::sleep(LOOK_AT_ALL).await;
    }
}

fn own(settings: &Settings, app: &Arc<App>, store: &Arc<Store>) -> Option<JoinHandle<()>> {
    let Retention { days, of, recordings } = settings.retention.clone();
    if days.is_none() && of.is_empty() {
        return None;
    }
    let (app, store, data, bound) = (Arc::clone(app), Arc::clone(store), settings.data.clone(), settings.audit_chain);
    let sooner = Sooner { app: Arc::clone(&app), store: Arc::clone(&store), data: data.clone(), bound, recordings };
    let keeper = Keeper {
        app,
        store,
        data,
        days,
        bound,
        recordings: recordings.then(Recordings::default),
        of,
        sooner,
        sooner_again: Timestamp::UNIX_EPOCH,
        texts_again: Timestamp::UNIX_EPOCH,
        state: RetentionState { days: days.unwrap_or_default(), ..RetentionState::default() },
    };
    Some(tokio::spawn(keeper.run()))
}

/// The moment so many days before.
fn days_before(now: Timestamp, days: i64) -> Timestamp {
    now.saturating_sub(SignedDuration::from_hours(days.saturating_mul(24))).unwrap_or(Timestamp::UNIX_EPOCH)
}

impl Keeper {
    async fn run(mut self) {
        loop {
            let failing = match self.turn().await {
                Ok(()) => self.recordings.as_ref().and_then(|recordings| recordings.why.clone()),
                Err(error) => Some(error.to_string()),
            };
            if let (Some(why), true) = (&failing, failing != self.state.failing) {
                tracing::error!(%why, "what is too old cannot be let go");
            }
            self.state.failing = failing;
            self.app.board.retention(self.state.clone());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// One look, and what follows from it.
    async fn turn(&mut self) -> anyhow::Result<()> {
        if let Some(place) = self.app.outreach.place().await {
            self.app.board.reader("outbox", place);
        }
        let now = self.app.clock.now();
        anyhow::ensure!(self.store.read(move |archive| archive.believes(now)).await?, retention::DOUBT);
        let failed = self.turn_sooner(now).await;
        self.let_go_of_texts(now).await;
        let Some(days) = self.days else { return failed };
        let before = days_before(now, i64::from(days));
        let overdue = days_before(before, GRACE_DAYS);
        let places =
            self.store.read(move |archive| Ok((archive.place_before(before)?, archive.place_before(overdue)?)));
        let (due, overdue) = places.await?;
        let plan = retention::plan(due, overdue, &self.app.board.readers());
        self.tell(&plan);
        let upto = match &self.recordings {
            Some(recordings) => {
                let recordings = self.delete_recordings(recordings.clone(), &plan, overdue).await?;
                plan.upto.min(self.recordings.insert(recordings).upto)
            }
            None => plan.upto,
        };
        let upto = self.cut_chain(upto).await?;
        self.store.let_go(upto, before);
        self.state.upto = self.state.upto.max(upto);
        failed
    }

    /// Texts, and calls that people were told of, go with the records that asked for them.
    async fn let_go_of_texts(&mut self, now: Timestamp) {
        if now < self.texts_again {
            return;
        }
        self.texts_again = now.saturating_add(REST).unwrap_or(now);
        let all = self.days.map(|days| (None, days));
        for (org, days) in all.into_iter().chain(self.of.iter().map(|(org, days)| (Some(org.as_str()), *days))) {
            let before = days_before(now, i64::from(days)).as_second();
            match self.app.outreach.let_go(org, before).await {
                Ok(0) => {}
                Ok(rows) => tracing::info!(org, rows, "texts that are too old were let go"),
                Err(error) => tracing::warn!(org, %error, "texts that are too old cannot be let go; it is tried again"),
            }
        }
    }

    /// One stretch of each organization that keeps less. When it fails, the others and all the rest go on.
    async fn turn_sooner(&mut self, now: Timestamp) -> anyhow::Result<()> {
        if now < self.sooner_again {
            return Ok(());
        }
        let mut failed = Ok(());
        for (org, days) in &self.of {
            if let Err(error) = self.sooner.turn(org, *days, now).await {
                self.sooner_again = now.saturating_add(REST).unwrap_or(now);
                failed = Err(error);
            }
        }
        failed
    }

    /// Says once when somebody holds old records up, a week before they go all the same, and when they go.
    fn tell(&mut self, plan: &Plan) {
        let by = plan.by.join(", ");
        if plan.held > 0 && self.state.held == 0 {
            tracing::error!(records = plan.held, %by, grace_days = GRACE_DAYS,
                "records are older than they are to be kept, and wait for who has not read them; they go all the same when the days of grace are over");
        }
        if !plan.lost_by.is_empty() && plan.upto > self.state.upto {
            tracing::error!(upto = plan.upto, by = %plan.lost_by.join(", "), "the days of grace are over: records go that were not read");
        }
        self.state.held = plan.held;
        self.state.held_by.clone_from(&plan.by);
    }

    /// Deletes recordings at the carrier before the records that name them go. One that cannot be deleted keeps its
    /// record and all behind it, until the days of grace are over.
    async fn delete_recordings(&self, mut done: Recordings, plan: &Plan, overdue: i64) -> anyhow::Result<Recordings> {
        let now = self.app.clock.now();
        let Some((carrier, _)) = self.app.outreach.listening() else {
            done.why = Some("recordings cannot be deleted at the carrier: the outbox could not be opened".to_owned());
            return Ok(done);
        };
        while done.upto < plan.upto && now >= done.again {
            let (behind, upto) = (done.upto, plan.upto);
            let found = self.store.read(move |archive| archive.recordings(behind, upto, PAGE)).await?;
            let last = if found.len() < PAGE { upto } else { found.last().map_or(upto, |(seq, ..)| *seq) };
            for (seq, holder, name) in found {
                let Ok(recording) = RecordingSid::parse(&name) else { continue };
                let deleted = match (OrgSlug::parse(&holder), AccountSid::parse(&holder)) {
                    (Ok(org), _) => carrier.delete(&org, &recording).await,
                    (Err(_), Ok(account)) => carrier.delete_of(&account, &recording).await,
                    (Err(_), Err(_)) => continue,
                };
                let Err(error) = deleted else { continue };
                if seq > overdue {
                    done.why =
                        Some(format!("the recording {recording} of `{holder}` is not deleted at the carrier: {error}"));
                    done.upto = seq - 1;
                    done.again = now.saturating_add(REST).unwrap_or(now);
                    return Ok(done);
                }
                tracing::error!(%holder, %recording, %error, "the days of grace are over: the record of a recording goes that is still at the carrier; delete it there");
            }
            (done.upto, done.why) = (last, None);
        }
        Ok(done)
    }

    /// Cuts whole files of the chain off, and tells up to which place the journal may follow.
    async fn cut_chain(&self, upto: i64) -> anyhow::Result<i64> {
        let (data, bound) = (self.data.clone(), self.bound);
        let cut = tokio::task::spawn_blocking(move || match seal::Folder::open(&data) {
            Ok(chain) => {
                chain.prune(upto.saturating_add(1))?;
                Ok(if bound { upto.min(chain.start()?.seq) } else { upto })
            }
            // Without a chain nothing needs the records.
            Err(SealError::Missing(_)) => Ok(upto),
            Err(error) => Err(error),
        });
        Ok(cut.await??)
    }
}
