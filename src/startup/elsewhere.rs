//! Tells the other nodes which calls have ended, and hears it from them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::time::MissedTickBehavior;

use crate::app::App;
use crate::app::ports::new_id;
use crate::tenant::owner::Platform;

/// Between two tellings.
const PAUSE: Duration = Duration::from_millis(100);

/// Wait while nobody can be told.
const TROUBLE: Duration = Duration::from_secs(2);

/// Calls told at once: what is announced has no more than 8,000 bytes.
const AT_ONCE: usize = 80;

/// Tells and hears until the task is dropped.
pub(in crate::startup) async fn run(app: Arc<App>) {
    // Nodes may have the same name; what is one's own is known by a name that nobody else has.
    let me = new_id(app.clock.now()).to_string();
    let mut heard = app.tenants.heard(Platform);
    let mut pause = tokio::time::interval(PAUSE);
    pause.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            words = heard.recv() => match words {
                Ok(words) => note(&app, &me, &words),
                Err(RecvError::Lagged(missed)) => tracing::warn!(missed, "ends of calls on other nodes were missed"),
                Err(RecvError::Closed) => return,
            },
            _ = pause.tick() => {
                if !told(&app, &me).await {
                    pause.reset_after(TROUBLE);
                }
            }
        }
    }
}

async fn told(app: &App, me: &str) -> bool {
    let news = app.ended.news();
    for some in news.chunks(AT_ONCE) {
        let words = format!("{me}\n{}", some.join("\n"));
        if let Err(error) = app.tenants.tell(Platform, &words).await {
            tracing::warn!(%error, calls = news.len(), "ends of calls are not told to other nodes");
            return false;
        }
    }
    true
}

fn note(app: &App, me: &str, words: &str) {
    let mut lines = words.lines();
    if lines.next() == Some(me) {
        return;
    }
    let now = app.clock.now().as_second();
    lines.for_each(|name| app.ended.elsewhere(name, now));
}
