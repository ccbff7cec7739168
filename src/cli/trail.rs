//! What commands that read the trail have in common: where it is, and which part of it is asked for.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use anyhow::Context as _;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::app::ports::Clock as _;
use crate::audit::record::Record;
use crate::clock::SystemClock;
use crate::settings;
use crate::settings::layers::Surroundings;
use crate::store::Archive;

/// Where the journal is.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Place {
    /// The folder of the journal [default: that of the settings here, or `data`]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
}

impl Place {
    /// The folder.
    pub(crate) fn folder(&self) -> PathBuf {
        let of_settings = || settings::load(&Surroundings::of_process(BTreeMap::new(), None)).settings.ok();
        self.data.clone().or_else(|| of_settings().map(|settings| settings.data)).unwrap_or_else(|| "data".into())
    }

    /// The journal to read, beside a running service or without one.
    pub(crate) fn archive(&self) -> anyhow::Result<Archive> {
        let folder = self.folder();
        Archive::open(&folder)
            .with_context(|| format!("no journal can be read in `{}`: name its folder with --data", folder.display()))
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
    /// Of this kind: decision, screen, status, recording, transcription, message, closed, security
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    #[command(flatten)]
    stretch: Stretch,
}

impl Filter {
    /// The time that is asked for.
    pub(crate) fn range(&self) -> Range<Timestamp> {
        self.stretch.range()
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
