//! What commands that read the trail have in common: where it is, and which part of it is asked for.
//!
//! The trail is that of all nodes where the settings name a database, and else the journal in the data folder.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::path::PathBuf;

use anyhow::Context as _;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::app::ports::Clock as _;
use crate::audit::record::Record;
use crate::clock::SystemClock;
use crate::database::Address;
use crate::merged::{Asked, Reader};
use crate::settings::layers::Surroundings;
use crate::settings::{self, Settings};
use crate::store::Archive;

/// Where the journal is.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Place {
    /// Read the journal in this folder alone [default: the trail of all nodes, where the settings here name a
    /// database; else the folder of those settings, or `data`]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
}

/// Where records are read.
#[derive(Debug)]
pub(in crate::cli) enum Source {
    /// In the journal of one node.
    Journal(Archive),
    /// In PostgreSQL, those of all nodes.
    Merged(Box<Reader>),
}

fn settings_here() -> Option<Settings> {
    settings::load(&Surroundings::of_process(BTreeMap::new(), None)).settings.ok()
}

impl Place {
    /// The folder.
    pub(crate) fn folder(&self) -> PathBuf {
        self.data.clone().or_else(|| settings_here().map(|settings| settings.data)).unwrap_or_else(|| "data".into())
    }

    /// The trail to read.
    pub(crate) fn source(&self) -> anyhow::Result<Source> {
        match self.merged()? {
            Some(reader) => Ok(Source::Merged(Box::new(reader))),
            None => self.archive().map(Source::Journal),
        }
    }

    /// The trail of all nodes, unless one folder is asked for or there is no database.
    pub(crate) fn merged(&self) -> anyhow::Result<Option<Reader>> {
        let url = settings_here().filter(|_| self.data.is_none()).and_then(|settings| settings.database_url);
        let opened = url.map(|url| Address::parse(&url).map_err(anyhow::Error::from).and_then(|at| Reader::open(&at)));
        opened
            .transpose()
            .context("the trail of all nodes cannot be read: --data FOLDER reads the journal of one node instead")
    }

    /// The journal to read, beside a running service or without one.
    pub(crate) fn archive(&self) -> anyhow::Result<Archive> {
        Ok(Archive::open(&self.folder())?)
    }
}

impl Source {
    /// Shows the records that are asked for, in the order of time, until it is enough.
    pub(crate) fn each_record(
        &self,
        filter: &Filter,
        mut show: impl FnMut(Record) -> anyhow::Result<ControlFlow<()>>,
    ) -> anyhow::Result<()> {
        let mut chosen = |record| if filter.fits(&record) { show(record) } else { Ok(ControlFlow::Continue(())) };
        match self {
            Self::Merged(reader) => reader.each_record(&filter.asked(), chosen),
            Self::Journal(archive) => {
                let mut done = Ok(());
                archive.each_record(filter.range(), |kept| {
                    chosen(kept.record).unwrap_or_else(|error| {
                        done = Err(error);
                        ControlFlow::Break(())
                    })
                })?;
                done
            }
        }
    }

    /// The organizations that have a call of that name.
    pub(crate) fn organizations_of(&self, call: &str) -> anyhow::Result<Vec<String>> {
        match self {
            Self::Journal(archive) => Ok(archive.organizations_of(call)?),
            Self::Merged(reader) => reader.organizations_of(call),
        }
    }

    /// All records of one call.
    pub(crate) fn records(&self, org: &str, call: &str) -> anyhow::Result<Vec<Record>> {
        match self {
            Self::Journal(archive) => Ok(archive.records(org, call)?),
            Self::Merged(reader) => reader.records(org, call),
        }
    }
}

/// A stretch of time.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Stretch {
    /// From when on: `2026-11-20` (UTC), `2026-11-20T10:00:00Z`, or so long ago: `7d`, `12h`, `30m`
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,
    /// Until when, in the same form
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
}

impl Stretch {
    /// From its first instant to the one behind its last.
    pub(crate) fn range(&self) -> Range<Timestamp> {
        self.since.unwrap_or(Timestamp::UNIX_EPOCH)..self.until.unwrap_or(Timestamp::MAX)
    }
}

fn time(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    if let Ok(date) = text.parse::<jiff::civil::Date>() {
        return date.to_zoned(TimeZone::UTC).map(|at| at.timestamp()).map_err(|error| error.to_string());
    }
    let wrong = || format!("`{text}` is no time such as `2026-11-20`, `2026-11-20T10:00:00Z` or `7d`");
    let (digits, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let count: i64 = digits.parse().map_err(|_error| wrong())?;
    let hours = match unit {
        "d" => count.checked_mul(24).ok_or_else(wrong)?.hours(),
        "h" => count.hours(),
        "m" => count.minutes(),
        _ => return Err(wrong()),
    };
    SystemClock.now().checked_sub(hours).map_err(|_error| wrong())
}

/// Which records.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Filter {
    /// Of this organization
    #[arg(long, value_name = "NAME")]
    org: Option<String>,
    /// Of this call
    #[arg(long, value_name = "CA…")]
    call: Option<String>,
    /// Of calls from this number
    #[arg(long, value_name = "NUMBER")]
    caller: Option<String>,
    /// Of this kind: decision, screen, status, recording, transcription, message, closed, trial, security
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    #[command(flatten)]
    stretch: Stretch,
}

impl Filter {
    /// The same as a question to the trail of all nodes.
    pub(crate) fn asked(&self) -> Asked {
        let Self { org, call, kind, .. } = self;
        Asked { org: org.clone(), call: call.clone(), kind: kind.clone(), stretch: self.range() }
    }

    /// Whether a caller is asked for, whom only the record itself tells.
    pub(crate) const fn names_a_caller(&self) -> bool {
        self.caller.is_some()
    }

    /// The time that is asked for.
    pub(crate) fn range(&self) -> Range<Timestamp> {
        self.stretch.range()
    }

    /// Whether the request of the record came in at a time that is asked for.
    pub(crate) fn covers(&self, record: &Record) -> bool {
        let Range { start, end } = self.range();
        (start.as_microsecond()..end.as_microsecond()).contains(&record.received.us)
    }

    /// Whether the record is asked for, its time apart.
    pub(crate) fn fits(&self, record: &Record) -> bool {
        let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
        is(&self.org, &record.org)
            && is(&self.call, &record.call)
            && is(&self.kind, record.kind.word())
            && self.caller.as_ref().is_none_or(|caller| crate::audit::person::tells_of(record, caller))
    }
}
