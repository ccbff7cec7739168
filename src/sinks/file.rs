//! Lines in a file that is begun anew by size and by day. Its length is remembered with the cursor: what was written
//! past it before a crash is cut off and written again, so that each record stands there once.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::app::ports::Later;
use crate::audit::record::Record;
use crate::feed::plan::{self, Fsync};
use crate::sinks::lines::{Line, PORTION};
use crate::sinks::{Deliver, Item, Memory, Portion, Trouble};

/// The place.
#[derive(Debug, Clone)]
pub(in crate::sinks) struct FileLines {
    line: Line,
    path: PathBuf,
    rotate: u64,
    keep: usize,
    fsync: Fsync,
}

/// What is remembered of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Known {
    /// Which file it is, whatever its name.
    inode: u64,
    /// Its length.
    bytes: u64,
    /// The day of its first record, in UTC.
    day: String,
}

impl FileLines {
    pub(in crate::sinks) fn new(plan: &plan::File) -> Self {
        Self {
            line: Line::Record,
            path: plan.path.clone(),
            rotate: plan.rotate_mb << 20,
            keep: plan.keep,
            fsync: plan.fsync,
        }
    }

    /// A file that an agent follows; small, because what was read is of no use.
    pub(in crate::sinks) fn metrics(path: &Path, namespace: &str) -> Self {
        let line = Line::Metrics(namespace.to_owned());
        Self { line, path: path.to_owned(), rotate: 50 << 20, keep: 1, fsync: Fsync::Never }
    }

    /// Appends and says what is to be remembered.
    fn append(&self, text: &str, day: &str, known: Known) -> io::Result<Known> {
        if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::DirBuilder::new().recursive(true).create(folder)?;
        }
        let mut known = self.agreed(known)?;
        if known.bytes > 0 && (known.day != day || known.bytes + text.len() as u64 > self.rotate) {
            self.begin_anew(&known.day)?;
            known = Known::default();
        }
        let mut file = self.open()?;
        file.set_len(known.bytes)?;
        file.seek(SeekFrom::Start(known.bytes))?;
        file.write_all(text.as_bytes())?;
        if self.fsync == Fsync::Batch {
            file.sync_data()?;
        }
        let day = if known.bytes == 0 { day.to_owned() } else { known.day };
        Ok(Known { inode: file.metadata()?.ino(), bytes: known.bytes + text.len() as u64, day })
    }

    /// What is remembered, as far as the file that is there is the one that is meant.
    fn agreed(&self, known: Known) -> io::Result<Known> {
        match std::fs::metadata(&self.path) {
            Ok(found) if found.ino() == known.inode && found.len() >= known.bytes => Ok(known),
            // A file of somebody else's is kept, and ours begun beside it.
            Ok(found) if known.inode == 0 && found.len() > 0 => {
                self.begin_anew("before")?;
                Ok(Known::default())
            }
            Ok(_) => Ok(Known::default()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Known::default()),
            Err(error) => Err(error),
        }
    }

    fn open(&self) -> io::Result<File> {
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&self.path)
    }

    /// Gives the file the name of its day, and lets the oldest of those go.
    fn begin_anew(&self, day: &str) -> io::Result<()> {
        let (stem, ending) = self.names();
        let name = |number: usize| self.path.with_file_name(format!("{stem}-{day}.{number:03}.{ending}"));
        let mut number = 1;
        while name(number).exists() {
            number += 1;
        }
        std::fs::rename(&self.path, name(number))?;
        let mut old = self.old()?;
        old.sort();
        let surplus = old.len().saturating_sub(self.keep);
        old.into_iter().take(surplus).try_for_each(std::fs::remove_file)
    }

    fn names(&self) -> (String, String) {
        let text = |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned());
        (
            text(self.path.file_stem()).unwrap_or_default(),
            text(self.path.extension()).unwrap_or_else(|| "log".to_owned()),
        )
    }

    /// The file that is written to, and those before it.
    pub(in crate::sinks) fn all(&self) -> io::Result<Vec<PathBuf>> {
        let mut all = match self.old() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            old => old?,
        };
        all.extend(self.path.exists().then(|| self.path.clone()));
        Ok(all)
    }

    /// The files that were begun before.
    fn old(&self) -> io::Result<Vec<PathBuf>> {
        let (stem, ending) = self.names();
        let (opening, ending) = (format!("{stem}-"), format!(".{ending}"));
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with(&opening) && name.ends_with(&ending) {
                found.push(entry.path());
            }
        }
        Ok(found)
    }
}

impl Deliver for FileLines {
    fn portion(&self) -> Portion {
        PORTION
    }

    fn wants(&self, record: &Record) -> bool {
        self.line.wants(record)
    }

    fn deliver<'a>(&'a mut self, items: &'a [Item], memory: &'a mut Memory) -> Later<'a, Result<(), Trouble>> {
        let known: Known = serde_json::from_value(memory.clone()).unwrap_or_default();
        let text = self.line.text(items);
        let day = items.last().map(|item| item.record.received.utc.chars().take(10).collect()).unwrap_or_default();
        let file = self.clone();
        Box::pin(async move {
            let day: String = day;
            let shown = file.path.display().to_string();
            let appended = tokio::task::spawn_blocking(move || file.append(&text, &day, known)).await;
            match appended {
                Ok(Ok(known)) => {
                    *memory = serde_json::to_value(known).unwrap_or_default();
                    Ok(())
                }
                Ok(Err(error)) => Err(Trouble::later(format!("`{shown}`: {error}"))),
                Err(error) => Err(Trouble::later(error.to_string())),
            }
        })
    }
}
