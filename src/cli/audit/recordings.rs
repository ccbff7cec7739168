//! Recordings that are to be deleted at the carrier, written down until they are.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;

use crate::model::ids::{AccountSid, OrgSlug, RecordingSid};
use crate::settings::Settings;
use crate::startup::carrier::Standing;

/// The file in the data folder: it names recordings, and nobody who left them.
const FILE: &str = "erasing.json";

/// Who holds a recording, an organization or an account, and the carrier's name for it.
type Named = (String, String);

fn read(data: &Path) -> anyhow::Result<BTreeSet<Named>> {
    let path = data.join(FILE);
    match std::fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text).with_context(|| format!("`{}` is spoilt", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(error).with_context(|| format!("`{}` cannot be read", path.display())),
    }
}

fn write(data: &Path, all: &BTreeSet<Named>) -> anyhow::Result<()> {
    let path = data.join(FILE);
    let shown = || format!("`{}` cannot be written", path.display());
    if all.is_empty() {
        return match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).with_context(shown),
            _ => Ok(()),
        };
    }
    let beside = path.with_extension("new");
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&beside).with_context(shown)?;
    file.write_all(&serde_json::to_vec(all)?).and_then(|()| file.sync_all()).with_context(shown)?;
    std::fs::rename(&beside, &path).with_context(shown)
}

/// Writes down that these are to be deleted, before the records go that name them.
pub(in crate::cli::audit) fn remember(data: &Path, recordings: &BTreeSet<Named>) -> anyhow::Result<()> {
    let mut all = read(data)?;
    all.extend(recordings.iter().cloned());
    write(data, &all)
}

/// Deletes all that are written down; what could not be deleted stays there, and is told with the reason. Of an erasing
/// that found something, only its own are named: those of others are counted.
pub(in crate::cli::audit) fn delete(
    settings: &Settings,
    keep: bool,
    own: Option<&BTreeSet<Named>>,
) -> anyhow::Result<Vec<String>> {
    let all = read(&settings.data)?;
    if all.is_empty() {
        return Ok(Vec::new());
    }
    if keep {
        write(&settings.data, &BTreeSet::new())?;
        return Ok(all
            .iter()
            .map(|(org, name)| format!("recording {name} of `{org}` is left at the carrier"))
            .collect());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let standing = Standing::read(settings).await;
        let (mut left, mut told, mut earlier) = (all.clone(), Vec::new(), 0_usize);
        for (holder, name) in all {
            let done = match &standing {
                Ok(standing) => gone(standing, &holder, &name).await,
                Err(error) => Err(Undone::Now(format!("{error:#}"))),
            };
            match done {
                Err(Undone::Now(_)) if own.is_some_and(|own| !own.contains(&(holder.clone(), name.clone()))) => {
                    earlier += 1;
                }
                Err(Undone::Now(why)) => told.push(format!(
                    "recording {name} of `{holder}` is not deleted: {why}; run this again, or delete it at the carrier"
                )),
                Err(Undone::Ever(why)) => {
                    told.push(format!(
                        "recording {name} of `{holder}` cannot be deleted from here: {why}; delete it at the carrier"
                    ));
                    left.remove(&(holder, name));
                }
                Ok(()) => drop(left.remove(&(holder, name))),
            }
        }
        write(&settings.data, &left)?;
        if earlier > 0 {
            let file = settings.data.join(FILE);
            told.push(format!(
                "recordings of earlier erasings that are not deleted: {earlier}; `{}` names them",
                file.display()
            ));
        }
        Ok(told)
    })
}

/// Why a recording is not deleted.
enum Undone {
    /// It may be when this is run again.
    Now(String),
    /// It never will be from here, and is told of once.
    Ever(String),
}

/// Deletes one over every account of its organization: one that an account does not have is as good as deleted there.
/// Where no organization was known, the account itself holds it.
async fn gone(standing: &Standing, holder: &str, name: &str) -> Result<(), Undone> {
    let now = |error: &dyn std::fmt::Display| Undone::Now(error.to_string());
    let ever = |error: &dyn std::fmt::Display| Undone::Ever(error.to_string());
    let recording = RecordingSid::parse(name).map_err(|error| ever(&error))?;
    let clients = match (OrgSlug::parse(holder), AccountSid::parse(holder)) {
        (Ok(org), _) => standing.clients(Some(&org)).map_err(|error| now(&error))?,
        (Err(_), Ok(account)) => {
            let client = standing.accounts.client_of(&standing.directory.now(), &account);
            vec![client.map_err(|error| ever(&error))?]
        }
        (Err(_), Err(_)) => return Err(Undone::Ever("nothing says in which account it is".to_owned())),
    };
    for client in clients {
        client.delete_recording(&recording).await.map_err(|error| now(&error))?;
    }
    Ok(())
}
