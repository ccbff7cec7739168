//! The last good state of the stored organizations on this node's own disk, sealed as it is stored, so that the node
//! can be started again while the database is away.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::app::tenancy::{Loading, Portion};
use crate::roster::gather::Gathered;
use crate::tenant::event::Cursor;
use crate::tenant::item::{Item, Kind};

/// The name of the file in the data folder.
pub const FILE: &str = "organizations.kept";

/// The form of the file.
const FORM: u32 = 1;

/// Why the state is not kept, or cannot be had back.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// The disk refuses.
    #[error("`{}` cannot be read or written: {source}", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is not whole, or of another form.
    #[error("`{}` is not a kept state of organizations: {detail}", path.display())]
    Spoilt {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The database broke off.
    #[error("the state of the organizations was not read to its end: {0}")]
    Load(String),
}

#[derive(Serialize, Deserialize)]
struct Line {
    kind: Kind,
    item: String,
}

#[derive(Serialize, Deserialize)]
struct Opening {
    form: u32,
}

#[derive(Serialize, Deserialize)]
struct Ending {
    lines: u64,
    cursor: Cursor,
}

/// Keeps a whole load; the file before it stays until this one is whole.
pub async fn keep(folder: &Path, mut loading: Loading) -> Result<u64, KeptError> {
    let path = folder.join(FILE);
    let fresh = folder.join(format!("{FILE}.new"));
    let disk = |source| KeptError::Disk { path: fresh.clone(), source };
    let spoilt = |error: &dyn std::fmt::Display| KeptError::Spoilt { path: path.clone(), detail: error.to_string() };
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(&fresh).map_err(disk)?;
    let mut out = BufWriter::new(file);
    let mut put = |text: Result<String, serde_json::Error>| {
        let text = text.map_err(|error| spoilt(&error))?;
        writeln!(out, "{text}").map_err(disk)
    };
    put(serde_json::to_string(&Opening { form: FORM }))?;
    let mut lines = 0;
    loop {
        let portion = loading.recv().await.ok_or_else(|| KeptError::Load("it broke off".to_owned()))?;
        match portion.map_err(|error| KeptError::Load(error.to_string()))? {
            Portion::Items(items) => {
                for kept in items {
                    let item = kept.item.write().map_err(|error| spoilt(&error))?;
                    put(serde_json::to_string(&Line { kind: kept.item.kind(), item }))?;
                    lines += 1;
                }
            }
            Portion::End(cursor) => {
                put(serde_json::to_string(&Ending { lines, cursor }))?;
                break;
            }
        }
    }
    let file = out.into_inner().map_err(|error| disk(error.into_error()))?;
    file.sync_all().map_err(disk)?;
    std::fs::rename(&fresh, &path).map_err(disk)?;
    Ok(lines)
}

/// The state that was kept last; none when there never was one.
pub fn read(folder: &Path) -> Result<Option<Gathered>, KeptError> {
    let path = folder.join(FILE);
    let disk = |source| KeptError::Disk { path: path.clone(), source };
    let spoilt = |detail: String| KeptError::Spoilt { path: path.clone(), detail };
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(disk(error)),
    };
    let mut lines = BufReader::new(file).lines();
    let opening = lines.next().transpose().map_err(disk)?.unwrap_or_default();
    let form = serde_json::from_str::<Opening>(&opening).map_err(|error| spoilt(error.to_string()))?.form;
    if form != FORM {
        return Err(spoilt(format!("it has the form {form}, and {FORM} is understood")));
    }
    let mut gathered = Gathered::default();
    let mut count = 0;
    for line in lines {
        let line = line.map_err(disk)?;
        if let Ok(line) = serde_json::from_str::<Line>(&line) {
            gathered.take(Item::read(line.kind, &line.item).map_err(|error| spoilt(error.to_string()))?);
            count += 1;
            continue;
        }
        let ending = serde_json::from_str::<Ending>(&line).map_err(|error| spoilt(error.to_string()))?;
        if ending.lines != count {
            return Err(spoilt(format!("it should have {} lines and has {count}", ending.lines)));
        }
        gathered.cursor = ending.cursor;
        return Ok(Some(gathered));
    }
    Err(spoilt("its end is missing".to_owned()))
}
