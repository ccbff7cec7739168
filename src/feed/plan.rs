//! Where records go, as `sinks:` in the settings says it.

use std::collections::BTreeSet;
use std::path::{Component, PathBuf};

use serde::Deserialize;

use crate::audit::numbers::Numbers;
use crate::audit::record::Kind;

/// One sink as it is written; exactly one of its places must be given.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    #[serde(default)]
    orgs: Vec<String>,
    #[serde(default)]
    kinds: Vec<Kind>,
    #[serde(default)]
    numbers: Numbers,
    #[serde(default)]
    from: Start,
    #[serde(default = "usual_limit")]
    limit: u64,
    file: Option<File>,
    stdout: Option<Stdout>,
    http: Option<Http>,
    sheet: Option<Sheet>,
    firestore: Option<Firestore>,
    cloudwatch: Option<CloudWatch>,
    postgres: Option<Postgres>,
}

/// One sink.
#[derive(Debug, Clone, PartialEq)]
pub struct Sink {
    /// Its name: that of its cursor, its metrics and its log lines.
    pub name: String,
    /// Whose records; everybody's, and those of nobody, when empty.
    pub orgs: Vec<String>,
    /// Which records; all when empty.
    pub kinds: Vec<Kind>,
    /// How much of a caller's number it is told.
    pub numbers: Numbers,
    /// Where a new sink begins.
    pub from: Start,
    /// Records that may wait for it; beyond it, the oldest are passed over.
    pub limit: u64,
    /// The place.
    pub place: Place,
}

/// Where a sink that is new begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// With the oldest record that is kept.
    #[default]
    Beginning,
    /// With what comes from now on.
    Now,
}

/// A place for records.
#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    /// Lines of JSON in a file.
    File(File),
    /// Lines of JSON on standard output.
    Stdout,
    /// A receiver of signed batches.
    Http(Http),
    /// Rows of a Google sheet.
    Sheet(Sheet),
    /// Documents in Firestore.
    Firestore(Firestore),
    /// Metric lines that CloudWatch understands.
    CloudWatch(CloudWatch),
    /// A table of PostgreSQL.
    Postgres(Postgres),
    /// The trail of all nodes, in the database of the settings.
    Merged,
}

impl Place {
    /// The word for it in settings, metrics and log lines.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Stdout => "stdout",
            Self::Http(_) => "http",
            Self::Sheet(_) => "sheet",
            Self::Firestore(_) => "firestore",
            Self::CloudWatch(_) => "cloudwatch",
            Self::Postgres(_) => "postgres",
            Self::Merged => "merged",
        }
    }
}

/// Lines of JSON in a file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The file.
    pub path: PathBuf,
    /// Bytes after which a new file is begun; it is also begun when the day changes in UTC.
    #[serde(default = "usual_rotation")]
    pub rotate_mb: u64,
    /// Files that are kept beside the current one.
    #[serde(default = "usual_kept")]
    pub keep: usize,
    /// When lines are on the disk for sure.
    #[serde(default)]
    pub fsync: Fsync,
}

/// When what is written is on the disk for sure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fsync {
    /// Before the sink's cursor moves on: nothing is lost when the power fails.
    #[default]
    Batch,
    /// When the system finds the time: the last seconds are lost when the power fails.
    Never,
}

/// Nothing can be said of standard output.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stdout {}

/// A receiver of batches.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Where batches are posted to.
    pub url: String,
    /// A file that holds the secret that batches are signed with: `whsec_` and base64.
    #[serde(default)]
    pub secret_file: Option<PathBuf>,
    /// Records in one request at most.
    #[serde(default = "usual_batch")]
    pub batch: usize,
}

/// A Google sheet.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sheet {
    /// The spreadsheet's identifier, as its address has it.
    pub id: String,
    /// The tab.
    #[serde(default = "usual_tab")]
    pub tab: String,
    /// The service account's key file.
    pub credentials_file: PathBuf,
    /// Where the interface is.
    #[serde(default = "sheets_url")]
    pub base_url: String,
    /// Milliseconds between two requests; the interface allows sixty a minute.
    #[serde(default = "usual_pause")]
    pub pause_ms: u64,
}

/// A Firestore database.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Firestore {
    /// The project; that of the service account when it is not given.
    #[serde(default)]
    pub project: Option<String>,
    /// The database.
    #[serde(default = "usual_database")]
    pub database: String,
    /// The collection whose documents the records are.
    #[serde(default = "usual_collection")]
    pub collection: String,
    /// The service account's key file.
    pub credentials_file: PathBuf,
    /// Where the interface is.
    #[serde(default = "firestore_url")]
    pub base_url: String,
}

/// Metric lines.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloudWatch {
    /// The file that an agent follows; standard output when it is not given.
    #[serde(default)]
    pub path: Option<PathBuf>,
    /// The metrics' namespace.
    #[serde(default = "usual_namespace")]
    pub namespace: String,
}

/// A database.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Postgres {
    /// A file that holds the database's address, which may hold a password.
    pub url_file: PathBuf,
}

const fn usual_limit() -> u64 {
    20_000_000
}

const fn usual_rotation() -> u64 {
    100
}

const fn usual_kept() -> usize {
    30
}

const fn usual_batch() -> usize {
    100
}

const fn usual_pause() -> u64 {
    1_100
}

fn usual_tab() -> String {
    "Calls".to_owned()
}

fn usual_database() -> String {
    "(default)".to_owned()
}

fn usual_collection() -> String {
    "ringfall_audit".to_owned()
}

fn usual_namespace() -> String {
    "Ringfall".to_owned()
}

fn sheets_url() -> String {
    "https://sheets.googleapis.com".to_owned()
}

fn firestore_url() -> String {
    "https://firestore.googleapis.com".to_owned()
}

impl Sink {
    /// The file that it writes, without what changes nothing in its name.
    fn file(&self) -> Option<PathBuf> {
        let path = match &self.place {
            Place::File(file) => Some(&file.path),
            Place::CloudWatch(metrics) => metrics.path.as_ref(),
            Place::Stdout
            | Place::Http(_)
            | Place::Sheet(_)
            | Place::Firestore(_)
            | Place::Postgres(_)
            | Place::Merged => None,
        };
        path.map(|path| path.components().filter(|part| *part != Component::CurDir).collect())
    }
}

/// Longest name of a sink.
const LONGEST_NAME: usize = 40;

/// Reads the list, with every fault in it.
pub fn read(list: serde_yaml::Value) -> Result<Vec<Sink>, Vec<String>> {
    let serde_yaml::Value::Sequence(items) = list else {
        return Err(vec!["must be a list, each with a `name` and one place such as `file`".to_owned()]);
    };
    let (mut sinks, mut faults) = (Vec::new(), Vec::new());
    let (mut names, mut files) = (BTreeSet::new(), BTreeSet::new());
    for (place, item) in items.into_iter().enumerate() {
        let read = serde_path_to_error::deserialize::<_, Written>(item).map_err(|error| error.to_string());
        match read.and_then(Written::checked) {
            Ok(sink) if !names.insert(sink.name.clone()) => {
                faults.push(format!("two are named `{}`: each needs its own cursor", sink.name));
            }
            Ok(sink) => match sink.file().filter(|file| !files.insert(file.clone())) {
                Some(file) => faults.push(format!(
                    "two write the file `{}`, `{}` the second: each needs a file of its own",
                    file.display(),
                    sink.name
                )),
                None => sinks.push(sink),
            },
            Err(fault) => faults.push(format!("number {}: {fault}", place + 1)),
        }
    }
    if faults.is_empty() { Ok(sinks) } else { Err(faults) }
}

impl Written {
    fn checked(self) -> Result<Sink, String> {
        let plain = |sign: char| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == '-' || sign == '_';
        if self.name.is_empty() || self.name.len() > LONGEST_NAME || !self.name.chars().all(plain) {
            let name = &self.name;
            return Err(format!(
                "the name `{name}` must be lowercase letters, digits, `-` and `_`, at most {LONGEST_NAME}"
            ));
        }
        let name = &self.name;
        let places = [
            self.file.map(Place::File),
            self.stdout.map(|_| Place::Stdout),
            self.http.map(Place::Http),
            self.sheet.map(Place::Sheet),
            self.firestore.map(Place::Firestore),
            self.cloudwatch.map(Place::CloudWatch),
            self.postgres.map(Place::Postgres),
        ];
        let mut places = places.into_iter().flatten();
        let (Some(place), None) = (places.next(), places.next()) else {
            return Err(format!(
                "`{name}` needs exactly one place: file, stdout, postgres, http, sheet, firestore or cloudwatch"
            ));
        };
        fits(&place).map_err(|why| format!("`{name}`: {why}"))?;
        let Self { name, orgs, kinds, numbers, from, limit, .. } = self;
        Ok(Sink { name, orgs, kinds, numbers, from, limit, place })
    }
}

fn fits(place: &Place) -> Result<(), &'static str> {
    match place {
        Place::Http(http) if !is_web(&http.url) => Err("`url` must begin with `https://` or `http://`"),
        Place::Http(http) if has_password(&http.url) => Err("a password does not belong in `url`"),
        Place::Http(http) if !(1..=1000).contains(&http.batch) => Err("`batch` must be from 1 to 1000"),
        Place::File(file) if file.rotate_mb == 0 => Err("`rotate_mb` must be at least 1"),
        Place::Sheet(sheet) if !is_web(&sheet.base_url) => Err("`base_url` must begin with `https://` or `http://`"),
        Place::Firestore(store) if !is_web(&store.base_url) => {
            Err("`base_url` must begin with `https://` or `http://`")
        }
        Place::File(_)
        | Place::Stdout
        | Place::Http(_)
        | Place::Sheet(_)
        | Place::Firestore(_)
        | Place::CloudWatch(_)
        | Place::Postgres(_)
        | Place::Merged => Ok(()),
    }
}

fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

/// Whether a user stands in the address with a password.
fn has_password(url: &str) -> bool {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or_default();
    authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':')) || url.contains("password=")
}

/// The name of the sink that every node with a database has; no other may begin so.
pub const MERGED: &str = "@database";

impl Sink {
    /// What sends everything into the trail of all nodes. Nothing is ever passed over there.
    pub fn merged() -> Self {
        Self {
            name: MERGED.to_owned(),
            orgs: Vec::new(),
            kinds: Vec::new(),
            numbers: Numbers::Full,
            from: Start::Beginning,
            limit: u64::MAX,
            place: Place::Merged,
        }
    }

    /// The sink as anybody may see it.
    pub fn shown(&self) -> String {
        let place = match &self.place {
            Place::File(file) => file.path.display().to_string(),
            Place::Stdout | Place::Merged => String::new(),
            // A query may hold a token.
            Place::Http(http) => http.url.split('?').next().unwrap_or_default().to_owned(),
            Place::Sheet(sheet) => format!("{} {}", sheet.id, sheet.tab),
            Place::Firestore(it) => it.collection.clone(),
            Place::CloudWatch(it) => it.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default(),
            Place::Postgres(it) => it.url_file.display().to_string(),
        };
        let numbers = match self.numbers {
            Numbers::Full => "full",
            Numbers::Masked => "masked",
            Numbers::Pseudonym => "pseudonym",
        };
        let orgs = if self.orgs.is_empty() { "all".to_owned() } else { self.orgs.join(",") };
        let text = format!("{} {place}", self.place.word());
        format!("{} (orgs {orgs}, numbers {numbers})", text.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sinks(text: &str) -> Result<Vec<Sink>, Vec<String>> {
        read(serde_yaml::from_str(text).unwrap())
    }

    #[test]
    fn a_list_of_sinks_is_read() {
        let read = sinks(
            "- { name: trail, file: { path: audit/trail.jsonl, fsync: never } }\n\
             - { name: sheet, orgs: [acme], kinds: [closed], numbers: masked, sheet: { id: 1AbC, credentials_file: google.json } }\n\
             - { name: web, from: now, http: { url: 'https://audit.example.com' } }\n- { name: out, stdout: {} }\n",
        )
        .unwrap();
        assert_eq!(read.iter().map(|sink| sink.place.word()).collect::<Vec<_>>(), ["file", "sheet", "http", "stdout"]);
        assert_eq!(read[1].shown(), "sheet 1AbC Calls (orgs acme, numbers masked)");
        assert_eq!((read[2].from, read[1].kinds.as_slice()), (Start::Now, &[Kind::Closed][..]));
    }

    #[test]
    fn two_sinks_need_two_files() {
        let faults = sinks(
            "- { name: all, file: { path: ./audit/x.jsonl } }\n- { name: some, file: { path: audit//x.jsonl } }\n",
        )
        .unwrap_err();
        assert!(faults[0].contains("`some` the second"), "{faults:?}");
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let faults = sinks(
            "- { name: Trail, stdout: {} }\n- { name: two, stdout: {}, file: { path: x } }\n- { name: none }\n\
             - { name: db, http: { url: 'https://u:secret@h/d' } }\n- { name: odd, stdout: { color: red } }\n\
             - { name: web, http: { url: 'ftp://x' } }\n- { name: twice, stdout: {} }\n- { name: twice, stdout: {} }\n",
        )
        .unwrap_err();
        assert_eq!(faults.len(), 7, "{faults:#?}");
        assert!(faults.iter().all(|fault| !fault.contains("secret")), "{faults:#?}");
        assert!(faults[4].contains("color") && faults[3].contains("password"), "{faults:#?}");
        assert!(sinks("{ name: x }").is_err());
    }
}
