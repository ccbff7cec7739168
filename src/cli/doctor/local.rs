//! What can be seen on this machine: rules, zone data, disk, outbox.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;

use crate::app::board::DiskState;
use crate::app::ports::Clock as _;
use crate::cli::doctor::Report;
use crate::cli::ground::{self, AtHand};
use crate::clock::SystemClock;
use crate::disk::Room;
use crate::model::count::counted;
use crate::model::ids::OrgSlug;
use crate::model::moment::bundled_tzdb;
use crate::outbox::{Desk, Listed, OpenError};
use crate::outreach::draft::PRACTICE;
use crate::rules::ruleset::RuleSet;
use crate::settings::Settings;

/// Bytes below which the disk is as good as full.
const FULL: u64 = 100 << 20;

/// A text that is due for so many seconds and has not gone is stuck.
const STUCK: i64 = 600;

/// Looks at everything here; the organizations whose rules are good.
pub(super) fn look(report: &mut Report, settings: &Settings, org: Option<&OrgSlug>) -> Vec<(OrgSlug, RuleSet)> {
    zone_data(report);
    disk(report, &settings.data);
    super::trail::look(report, settings);
    match ground::organizations(settings, org) {
        Ok(AtHand { good, bad }) => {
            for (slug, rules) in &good {
                report.pass(
                    &format!("{slug}: rules"),
                    format!("{}, rules {}", counted(rules.lines.len(), "line"), rules.digest.short()),
                );
                holidays(report, slug, rules);
            }
            bad.iter().for_each(|error| unusable(report, error));
            match org {
                None => claims(report, settings, None, &good),
                Some(_) => {
                    let all = ground::organizations(settings, None).unwrap_or_default().good;
                    claims(report, settings, org, &all);
                }
            }
            good
        }
        Err(error) => {
            unusable(report, &error);
            Vec::new()
        }
    }
}

fn unusable(report: &mut Report, error: &anyhow::Error) {
    report.fail("rules", format!("{error:#}"), "see every mistake with `ringfall check`");
}

/// Numbers that two files claim: each call can go to one place only.
fn claims(report: &mut Report, settings: &Settings, org: Option<&OrgSlug>, all: &[(OrgSlug, RuleSet)]) {
    let mut claimed: BTreeMap<&str, (&OrgSlug, u32)> = BTreeMap::new();
    for (slug, rules) in all {
        for line in &rules.lines {
            let Some((other, at)) = claimed.insert(line.number.as_str(), (slug, line.at)) else { continue };
            if other == slug || org.is_some_and(|org| org != slug && org != other) {
                continue;
            }
            let (here, there) = (ground::place(settings, slug), ground::place(settings, other));
            let told = format!("{} is claimed at {there}:{at} and {here}:{}", line.number.masked(), line.at);
            report.fail("numbers", told, "take it out of one of the two: a call can go to one place only");
        }
    }
}

/// Lists of holidays that end too soon.
fn holidays(report: &mut Report, slug: &OrgSlug, rules: &RuleSet) {
    let today = SystemClock.now().to_zoned(rules.zone.table().clone()).date();
    for list in &rules.holidays {
        let (Some(ends), Some(days)) = (list.ends, list.must_cover) else { continue };
        let wanted = today.checked_add(jiff::Span::new().days(i64::from(days))).unwrap_or(today);
        if ends < wanted {
            let told = format!("`{}` ends on {ends}, and must cover {days} days", list.name);
            report.warn(&format!("{slug}: holidays"), told, "add the next year's days");
        }
    }
}

fn zone_data(report: &mut Report) {
    let own = bundled_tzdb();
    let system = std::fs::read_to_string("/usr/share/zoneinfo/tzdata.zi").ok();
    let system = system.as_deref().and_then(|text| text.lines().next()?.strip_prefix("# version ")).map(str::trim);
    let year = |version: &str| version.get(..4).and_then(|year| year.parse::<i16>().ok());
    let now = SystemClock.now().to_zoned(jiff::tz::TimeZone::UTC).year();
    let remedy = "install a newer version of ringfall: hours are judged by the data that is compiled in";
    match system {
        Some(system) if system > own => {
            report.warn("zone data", format!("{own} is compiled in, and this machine has {system}"), remedy);
        }
        _ if year(own).is_some_and(|year| now > year + 1) => {
            report.warn("zone data", format!("{own} is compiled in, which is more than a year old"), remedy);
        }
        _ => report.pass("zone data", own),
    }
}

fn disk(report: &mut Report, data: &Path) {
    let shown = data.display();
    if !data.is_dir() {
        report.warn("data folder", format!("`{shown}` is not there"), "it is made when the service starts");
        return;
    }
    let trial = data.join(".doctor");
    let written = std::fs::write(&trial, b"ringfall").and_then(|()| std::fs::remove_file(&trial));
    match written {
        Ok(()) => report.pass("data folder", format!("`{shown}` can be written to")),
        Err(error) => {
            report.fail(
                "data folder",
                format!("`{shown}`: {error}"),
                if error.kind() == std::io::ErrorKind::StorageFull {
                    "make room; records wait in memory meanwhile"
                } else {
                    "let the service's user write to it; records wait in memory meanwhile"
                },
            );
        }
    }
    let (room, days) = (
        "make room: records wait in memory when it is full",
        "make room before it is full, or keep records for fewer days (`retention`)",
    );
    match Room::of(data).map(|room| DiskState::new(room.free, room.size)) {
        Ok(disk) if disk.free < FULL => report.fail("disk", left(disk), room),
        Ok(disk) if disk.filling => report.warn("disk", left(disk), days),
        Ok(disk) => report.pass("disk", left(disk)),
        Err(error) => report.warn("disk", format!("how much is left cannot be told: {error}"), "look with `df`"),
    }
}

fn left(disk: DiskState) -> String {
    format!("{} MB of {} MB are left", disk.free >> 20, disk.size >> 20)
}

/// Whether texts go out; and whether there is an outbox that can be asked for more.
pub(super) async fn outbox(report: &mut Report, settings: &Settings) -> bool {
    if settings.database_url.is_none() && !settings.data.join("outbox.db").is_file() {
        report.pass("outbox", "nothing was ever sent");
        return false;
    }
    let look = async {
        let desk = Desk::shared(&settings.data, settings.database_url.as_ref(), &settings.node)?;
        let waiting = desk.list(None, &["waiting", "unknown"], 10_000).await?;
        let dead = desk.list(None, &["dead"], 10_000).await?;
        let practiced = |text: &&Listed| text.reason.as_deref().is_some_and(|why| why.starts_with(PRACTICE));
        let dead = dead.iter().filter(|text| !practiced(text)).count();
        let oldest = waiting.iter().map(|text| text.due).min();
        let mut held = waiting.iter().filter_map(|text| text.reason.clone());
        let held = held.next().map(|why| (held.count() + 1, why));
        Ok::<_, anyhow::Error>((waiting.len(), dead, oldest, held))
    };
    match look.await {
        Ok((waiting, dead, oldest, held)) => {
            let now = SystemClock.now().as_second();
            let remedy = "see why with `ringfall outbox list`; is the service running, and is an API key set?";
            match (oldest.filter(|due| now - due > STUCK), held) {
                (Some(due), _) => {
                    let since = Timestamp::from_second(due).unwrap_or_default();
                    report.fail("outbox", format!("texts wait since {since} ({waiting} in all)"), remedy);
                }
                (None, Some((held, why))) => {
                    let told = format!(
                        "{} waiting; {held} could not go out yet, such as one because {why}",
                        counted(waiting, "text")
                    );
                    report.warn(
                        "outbox",
                        told,
                        "mend it: they go out by themselves, and `ringfall outbox list` tells of each",
                    );
                }
                (None, None) => report.pass("outbox", format!("{} waiting", counted(waiting, "text"))),
            }
            if dead > 0 {
                let remedy = "`ringfall outbox list --state dead` tells why; `retry` or `drop` them";
                report.warn("dead texts", format!("{} never sent", counted(dead, "text")), remedy);
            }
            true
        }
        Err(error) => {
            let remedy = match settings.database_url {
                _ if matches!(error.downcast_ref(), Some(OpenError::Newer(_))) => {
                    "`ringfall serve` refuses to start with it"
                }
                Some(_) => "see that the database answers: texts wait in each node's journal meanwhile",
                None => "stop the service, move `outbox.db` away, start again",
            };
            report.fail("outbox", format!("{error:#}"), remedy);
            false
        }
    }
}
