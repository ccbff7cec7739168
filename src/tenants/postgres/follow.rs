//! Hears of changes on other nodes, and finds the server again when it was away.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::{broadcast, mpsc, watch};
use tokio_postgres::{AsyncMessage, Client, Config};

use crate::app::tenancy::TenantError;
use crate::tenant::event::Cursor;
use crate::tenant::owner::Owner;
use crate::tenants::gather;
use crate::tenants::postgres::{Link, STATEMENT, Tls, begin, unreachable_server};
use crate::tenants::sql::Dialect;

/// The channel on which changes are announced.
pub(in crate::tenants::postgres) const CHANNEL: &str = "ringfall_tenants";

/// The channel on which nodes say something to each other.
pub(in crate::tenants::postgres) const WORDS: &str = "ringfall_words";

/// Between two questions whether something was missed; they show that the server is alive, too.
const EVERY: Duration = Duration::from_secs(5);

/// How long such a question may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// First and longest wait before the server is tried again.
const AGAIN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// What follows the server for as long as the store lives.
pub(in crate::tenants::postgres) struct Follower {
    pub(in crate::tenants::postgres) config: Config,
    pub(in crate::tenants::postgres) tls: Tls,
    pub(in crate::tenants::postgres) link: Link,
    pub(in crate::tenants::postgres) cursor: Arc<watch::Sender<Cursor>>,
    pub(in crate::tenants::postgres) heard: broadcast::Sender<Arc<str>>,
}

impl Follower {
    pub(in crate::tenants::postgres) async fn run(self) {
        let mut wait = AGAIN.0;
        let mut told = false;
        loop {
            let mut heard = false;
            let Err(error) = self.listen(&mut heard).await;
            if heard {
                (wait, told) = (AGAIN.0, false);
            }
            let why = if let TenantError::Unavailable(why) = error { why } else { error.to_string() };
            if !told {
                tracing::warn!(error = %why, "PostgreSQL is away: organizations stay as they were, and cannot be changed");
                told = true;
            }
            self.link.state.fails(Some(why));
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(AGAIN.1);
        }
    }

    /// Listens until something goes wrong.
    async fn listen(&self, heard: &mut bool) -> Result<std::convert::Infallible, TenantError> {
        let late = |_late| TenantError::Unavailable("no answer in time".to_owned());
        let reached = self.link.form.reached(&self.link.state);
        tokio::time::timeout(PATIENCE * 6, reached).await.map_err(late)??;
        let connected = tokio::time::timeout(PATIENCE, self.config.connect(self.tls.clone())).await.map_err(late)?;
        let (mut client, mut connection) = connected.map_err(|error| unreachable_server(&error))?;
        let (sender, mut news) = mpsc::channel(64);
        let words = self.heard.clone();
        let driver = tokio::spawn(async move {
            let mut messages = futures_util::stream::poll_fn(|context| connection.poll_message(context));
            while let Some(Ok(message)) = messages.next().await {
                if let AsyncMessage::Notification(note) = &message
                    && note.channel() == WORDS
                {
                    // Where nobody listens, nobody needs to know.
                    drop(words.send(note.payload().into()));
                    continue;
                }
                // What finds no room is not missed: the next question asks for the last place anyway.
                announced(&message).map(|place| sender.try_send(place).ok());
            }
        });
        let _ends = AbortOnDrop(driver.abort_handle());
        let listen = format!("LISTEN {CHANNEL}; LISTEN {WORDS}");
        let listens = tokio::time::timeout(PATIENCE, client.batch_execute(&listen)).await.map_err(late)?;
        listens.map_err(|error| unreachable_server(&error))?;
        loop {
            let last = tokio::time::timeout(PATIENCE, last(&mut client)).await.map_err(late)??;
            if !std::mem::replace(heard, true) {
                tracing::info!("PostgreSQL answers");
            }
            self.link.state.fails(None);
            advance(&self.cursor, last);
            let over = tokio::time::sleep(EVERY);
            tokio::pin!(over);
            loop {
                tokio::select! {
                    () = &mut over => break,
                    place = news.recv() => match place {
                        Some(place) => advance(&self.cursor, place),
                        None => return Err(TenantError::Unavailable("the connection was closed".to_owned())),
                    },
                }
            }
        }
    }
}

/// The place that a message announces, if it does.
fn announced(message: &AsyncMessage) -> Option<Cursor> {
    let AsyncMessage::Notification(note) = message else { return None };
    note.payload().parse().ok()
}

/// Ends the task that drives a connection.
struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The last place of the trail.
async fn last(client: &mut Client) -> Result<Cursor, TenantError> {
    let transaction = client.transaction().await.map_err(|error| unreachable_server(&error))?;
    begin(&transaction, &Owner::Platform, STATEMENT).await?;
    let row = transaction.query_one(Dialect::Postgres.last(), &[]).await.map_err(|error| unreachable_server(&error))?;
    transaction.commit().await.map_err(|error| unreachable_server(&error))?;
    Ok(gather::place(row.get(0)))
}

/// Tells everybody who waits; never back.
pub(in crate::tenants::postgres) fn advance(cursor: &watch::Sender<Cursor>, last: Cursor) {
    cursor.send_if_modified(|known| {
        let newer = last > *known;
        *known = last.max(*known);
        newer
    });
}
