//! How rules on trial fare, from one start to the next: a small file in the data folder, replaced as a whole.

use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::task::JoinHandle;

use crate::app::App;
use crate::app::trail::Window;
use crate::app::trial::standing::Book;
use crate::app::trial::watch::Watch;
use crate::settings::{RulesFrom, Settings};

/// Where it is written down.
fn file(data: &Path) -> PathBuf {
    data.join("trials.json")
}

/// What was written down; nothing when no trial was ever counted.
pub fn read(data: &Path) -> io::Result<Book> {
    let file = file(data);
    match std::fs::read(&file) {
        Ok(text) => serde_json::from_slice(&text).map_err(|error| {
            let shown = file.display();
            io::Error::other(format!("`{shown}` is spoilt: remove it to count anew ({error})"))
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Book::default()),
        Err(error) => Err(io::Error::other(format!("`{}` cannot be read: {error}", file.display()))),
    }
}

/// It is forced to the disk: rules that were taken back must not answer again after a crash.
fn write(data: &Path, book: &Book) -> io::Result<()> {
    let (file, beside) = (file(data), data.join("trials.json.new"));
    let mut options = std::fs::OpenOptions::new();
    let mut out = options.write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    out.write_all(&serde_json::to_vec_pretty(book)?)?;
    out.sync_all()?;
    std::fs::rename(beside, file)
}

/// Takes up how trials stood. Until that is known nobody is answered by rules on trial.
pub(in crate::startup) fn open(data: &Path, app: &App) {
    match read(data) {
        Ok(book) => app.trials.open(book),
        Err(error) => tracing::error!(%error, "no caller is answered by rules on trial"),
    }
}

/// Counts their calls for as long as the task lives.
pub(in crate::startup) fn watch(settings: &Settings, app: &Arc<App>, window: &Arc<Window>) -> JoinHandle<()> {
    let data = settings.data.clone();
    let keep = Arc::new(move |book: &Book| write(&data, book));
    let shared = settings.rules_from == RulesFrom::Store;
    tokio::spawn(Watch::new(Arc::clone(app), Arc::clone(window), keep, shared).run())
}
