//! The outbox of a node: its own file, or what it shares with other nodes; and the port over it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::OptionalExtension as _;

use crate::app::messenger::ports::{Became, Delivery, Entry, Outbox, OutboxError, Room, Spent, Told, Waiting};
use crate::app::ports::Later;
use crate::database::sqlite::Newer;
use crate::database::{Address, AddressError};
use crate::model::phone::E164;
use crate::model::secret::Secret;
use crate::outbox::file::{self, File, NAME};
use crate::outbox::postgres::Postgres;
use crate::outbox::work::{ALL, Done, Work};
use crate::outbox::{claim, keep, list, retention, spending};
use crate::outreach::effects::Case;
use crate::tenant::switch::SwitchState;

/// Why the outbox cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be used.
    #[error("cannot open `{}`: {detail}; let this user write to it, or choose another folder with `--data`", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why not.
        detail: String,
    },
    /// The file was written by a newer program.
    #[error(transparent)]
    Newer(#[from] Newer),
    /// The address of the database is wrong.
    #[error(transparent)]
    Address(#[from] AddressError),
}

/// The name under which a node that shares its place keeps it in its own file, too.
const OWN: &str = "own";

/// The outbox.
#[derive(Debug, Clone)]
pub struct Desk {
    /// Switches, and everything else unless it is shared.
    file: File,
    shared: Option<Arc<Postgres>>,
    /// This node's name among those that share.
    node: Arc<str>,
}

impl Desk {
    /// Opens the outbox in the data folder, making it if need be.
    pub fn open(data: &Path) -> Result<Self, OpenError> {
        Self::refuse_newer(data)?;
        let cannot = |detail| OpenError::File { file: data.join(NAME), detail };
        Ok(Self { file: File::open(data).map_err(cannot)?, shared: None, node: "".into() })
    }

    /// Refuses a file with steps that are not known here; one that is not there, or cannot be looked at, passes.
    pub fn refuse_newer(data: &Path) -> Result<(), OpenError> {
        match file::forms(data) {
            Some((found, known)) if found > known => Err(Newer { file: data.join(NAME), found, known }.into()),
            Some(_) | None => Ok(()),
        }
    }

    /// The last place in the journal that was read for the sake of the file in that folder; 0 when none was.
    pub fn read_up_to(data: &Path) -> i64 {
        file::read_up_to(data).unwrap_or(0)
    }

    /// The same with texts in the database, when an address is given. It is reached when it is needed: that it is away
    /// keeps nobody from starting. Call it where a tokio runtime is at hand.
    pub fn shared(data: &Path, database: Option<&Secret>, node: &str) -> Result<Self, OpenError> {
        let desk = Self::open(data)?;
        let Some(url) = database else { return Ok(desk) };
        let shared = Some(Arc::new(Postgres::at(&Address::parse(url)?)?));
        // Two nodes of one name, or one that lost its folder, must not take each other's place.
        let made = desk.file.done(|work| Box::pin(keep::identity(work)));
        let made = made.map_err(|error| OpenError::File { file: data.join(NAME), detail: error.to_string() })?;
        Ok(Self { shared, node: format!("{node}/{made}").into(), ..desk })
    }

    /// Does something with the switches, here and now.
    pub(in crate::outbox) fn with_switches<T>(
        &self,
        deed: impl for<'w> FnOnce(&'w mut dyn Work) -> Done<'w, T>,
    ) -> Result<T, OutboxError> {
        self.file.done(deed)
    }

    /// Does something with the texts of that organization, wherever they are; of all with [`ALL`].
    pub(in crate::outbox) fn with_texts<'a, T: Send + 'static>(
        &'a self,
        whose: &'a str,
        deed: impl for<'w> FnOnce(&'w mut dyn Work) -> Done<'w, T> + Send + 'static,
    ) -> Later<'a, Result<T, OutboxError>> {
        match &self.shared {
            Some(shared) => Box::pin(shared.done(whose, deed)),
            None => self.file.aside(deed),
        }
    }

    /// The file, whatever is shared.
    pub(in crate::outbox) const fn file(&self) -> &File {
        &self.file
    }

    /// Whether texts are where other nodes see them.
    pub(in crate::outbox) const fn is_shared(&self) -> bool {
        self.shared.is_some()
    }

    fn node(&self) -> Arc<str> {
        Arc::clone(&self.node)
    }
}

impl Outbox for Desk {
    fn place(&self) -> Later<'_, Result<i64, OutboxError>> {
        let node = self.node();
        Box::pin(async move {
            let kept =
                self.with_texts(ALL, move |work| Box::pin(async move { keep::place(work, &node).await })).await?;
            if let Some(place) = kept {
                return Ok(place);
            }
            // A node that was given a database goes on where it stood alone.
            let alone = self.file.aside(|work| Box::pin(keep::place(work, ""))).await?;
            Ok(alone.unwrap_or_default())
        })
    }

    fn keep(&self, entries: Vec<Entry>, place: Option<i64>) -> Later<'_, Result<(), OutboxError>> {
        let shares = self.shared.is_some();
        let (switches, texts): (Vec<_>, Vec<_>) = entries
            .into_iter()
            .partition(|entry| shares && matches!(entry, Entry::Switch { .. } | Entry::Heeded { .. }));
        let nothing = texts.is_empty() && place.is_none();
        let node = self.node();
        Box::pin(async move {
            if !switches.is_empty() {
                self.file
                    .aside(move |work| Box::pin(async move { keep::all(work, "", &switches, None).await }))
                    .await?;
            }
            if nothing {
                return Ok(());
            }
            self.with_texts(ALL, move |work| Box::pin(async move { keep::all(work, &node, &texts, place).await })).await
        })
    }

    fn claim(&self, room: Room) -> Later<'_, Result<Vec<Delivery>, OutboxError>> {
        let node = self.node();
        Box::pin(async move {
            if room.most == 0 {
                return Ok(Vec::new());
            }
            // Mostly nothing is due, and then nothing needs the lock of the file.
            if self.shared.is_none() && !self.some_due(room.now).await? {
                return Ok(Vec::new());
            }
            self.with_texts(ALL, move |work| Box::pin(async move { claim::claim(work, &room, &node).await })).await
        })
    }

    fn settle(&self, id: i64, became: Became, now: i64) -> Later<'_, Result<(), OutboxError>> {
        let node = self.node();
        self.with_texts(ALL, move |work| Box::pin(async move { claim::settle(work, id, &became, now, &node).await }))
    }

    fn recover(&self, now: i64, begins: bool) -> Later<'_, Result<usize, OutboxError>> {
        let (node, shares) = (self.node(), self.shared.is_some());
        if !shares && !begins {
            return Box::pin(async { Ok(0) });
        }
        self.with_texts(ALL, move |work| {
            Box::pin(async move {
                if shares { claim::beat(work, now, &node, begins).await } else { claim::given_back(work, now).await }
            })
        })
    }

    fn cases<'a>(&'a self, org: &'a str, number: &'a E164, since: i64) -> Later<'a, Result<Vec<Told>, OutboxError>> {
        let (owned, number) = (org.to_owned(), number.to_string());
        self.with_texts(org, move |work| Box::pin(async move { list::cases(work, &owned, &number, since).await }))
    }

    fn case<'a>(&'a self, org: &'a str, call: &'a str) -> Later<'a, Result<Option<Case>, OutboxError>> {
        let (owned, call) = (org.to_owned(), call.to_owned());
        self.with_texts(org, move |work| Box::pin(async move { list::case(work, &owned, &call).await }))
    }

    fn others<'a>(&'a self, org: &'a str, call: &'a str, but: &'a E164) -> Later<'a, Result<Vec<E164>, OutboxError>> {
        let (owned, call, but) = (org.to_owned(), call.to_owned(), but.to_string());
        self.with_texts(org, move |work| Box::pin(async move { list::others(work, &owned, &call, &but).await }))
    }

    fn switches(&self) -> Later<'_, Result<Vec<SwitchState>, OutboxError>> {
        self.file.aside(|work| Box::pin(keep::switches(work)))
    }

    fn switches_version(&self) -> Later<'_, Result<i64, OutboxError>> {
        let file = self.file.clone();
        Box::pin(async move {
            let select = "SELECT coalesce(max(id), 0) FROM turns";
            let look = move || file.here(|connection| connection.query_row(select, [], |row| row.get(0)));
            tokio::task::spawn_blocking(look).await.map_err(|error| OutboxError(error.to_string()))?
        })
    }

    fn last_turn<'a>(&'a self, org: &'a str, by: &'a str) -> Later<'a, Result<Option<String>, OutboxError>> {
        let (org, by) = (org.to_owned(), by.to_owned());
        self.file.aside(move |work| Box::pin(async move { keep::last_turn(work, &org, &by).await }))
    }

    fn heeded<'a>(&'a self, org: &'a str, message: &'a str) -> Later<'a, Result<Option<String>, OutboxError>> {
        let (org, message) = (org.to_owned(), message.to_owned());
        self.file.aside(move |work| Box::pin(async move { keep::heeded(work, &org, &message).await }))
    }

    fn own_place(&self) -> Later<'_, Result<Option<i64>, OutboxError>> {
        if self.shared.is_none() {
            return Box::pin(async { Ok(None) });
        }
        self.file.aside(|work| Box::pin(keep::place(work, OWN)))
    }

    fn keep_own(&self, entries: Vec<Entry>, place: Option<i64>) -> Later<'_, Result<(), OutboxError>> {
        if self.shared.is_none() {
            return Box::pin(async { Ok(()) });
        }
        self.file.aside(move |work| Box::pin(async move { keep::all(work, OWN, &entries, place).await }))
    }

    fn kept<'a>(
        &'a self,
        org: &'a str,
        call: &'a str,
        key: &'a str,
    ) -> Later<'a, Result<Option<Waiting>, OutboxError>> {
        let (owned, call, key) = (org.to_owned(), call.to_owned(), key.to_owned());
        self.with_texts(org, move |work| Box::pin(async move { list::kept(work, &owned, &call, &key).await }))
    }

    fn counts(&self) -> Later<'_, Result<Vec<(String, u64)>, OutboxError>> {
        self.with_texts(ALL, |work| Box::pin(list::counts(work)))
    }

    fn let_go<'a>(&'a self, org: Option<&'a str>, before: i64) -> Later<'a, Result<usize, OutboxError>> {
        let owned = org.map(str::to_owned);
        self.with_texts(org.unwrap_or(ALL), move |work| {
            Box::pin(async move { retention::let_go(work, owned.as_deref(), before).await })
        })
    }

    fn spent(&self, now: i64) -> Later<'_, Result<Vec<Spent>, OutboxError>> {
        self.with_texts(ALL, move |work| Box::pin(spending::spent(work, now)))
    }
}

impl Desk {
    async fn some_due(&self, now: i64) -> Result<bool, OutboxError> {
        let file = self.file.clone();
        let select = "SELECT 1 FROM texts WHERE state IN ('waiting', 'unknown') AND due <= ?1 LIMIT 1";
        let look =
            move || file.here(|connection| connection.prepare_cached(select)?.query_row([now], |_| Ok(())).optional());
        let found = tokio::task::spawn_blocking(look).await.map_err(|error| OutboxError(error.to_string()))?;
        Ok(found?.is_some())
    }
}
