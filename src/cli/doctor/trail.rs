//! How the trail and those who follow it stand, as the files in the data folder tell it.

use crate::app::ports::Clock as _;
use crate::cli::doctor::Report;
use crate::clock::SystemClock;
use crate::model::count::counted;
use crate::seal::{Folder, SealError};
use crate::settings::Settings;
use crate::sinks;
use crate::startup::followers::{plans, sinks_folder};
use crate::store::{Archive, StoreError};

/// What has waited for so many seconds is stuck.
const STUCK: i64 = 600;

/// Looks at chain, sinks and retention; without a journal there is nothing to see.
pub(super) fn look(report: &mut Report, settings: &Settings) {
    let archive = match Archive::open(&settings.data) {
        Ok(archive) => archive,
        Err(error @ StoreError::Newer(_)) => {
            return report.fail("journal", error.to_string(), "`ringfall serve` refuses to start with it");
        }
        Err(_) => return,
    };
    let Ok(latest) = archive.latest() else {
        report.fail("journal", "it cannot be read", "see why with `ringfall audit list --limit 1`");
        return;
    };
    report.pass("journal", format!("{} written", counted(latest, "record")));
    if settings.audit_chain {
        chain(report, settings, &archive, latest);
    }
    for plan in plans(settings) {
        sink(report, settings, &archive, latest, &plan);
    }
    retention(report, settings, &archive);
}

/// Seconds since the first record behind that place was written; none when there is no such record.
fn waited(archive: &Archive, place: i64) -> Option<i64> {
    let first = archive.records_after(place, 1).ok()?.pop()?;
    Some(SystemClock.now().as_second() - first.written_us / 1_000_000)
}

fn chain(report: &mut Report, settings: &Settings, archive: &Archive, latest: i64) {
    let remedy = "see the first record that does not fit with `ringfall audit verify`, and why in the service's log";
    match Folder::open(&settings.data).and_then(|chain| chain.tip()) {
        Ok(tip) if tip.seq > latest => {
            let told = format!("place {} was bound, and the journal ends at {latest}: records are missing", tip.seq);
            report.fail("chain", told, remedy);
        }
        Ok(tip) => match waited(archive, tip.seq).filter(|seconds| *seconds > STUCK) {
            Some(seconds) => {
                let told =
                    format!("{} not bound, the oldest for {}", counted(latest - tip.seq, "record"), long(seconds));
                report.fail("chain", told, "start the service; if it runs, its log says why it cannot bind them");
            }
            None => report.pass("chain", format!("{} bound", counted(tip.count, "record"))),
        },
        Err(SealError::Missing(_)) => report.warn("chain", "there is none yet", "it is made when the service starts"),
        Err(error) => report.fail("chain", error.to_string(), remedy),
    }
}

fn sink(report: &mut Report, settings: &Settings, archive: &Archive, latest: i64, plan: &crate::feed::plan::Sink) {
    let name = format!("sink {}", plan.name);
    let standing = match sinks::standing(&sinks_folder(&settings.data), &plan.name) {
        Ok(Some(standing)) => standing,
        Ok(None) => return report.warn(&name, "it has never begun", "start the service with these settings"),
        Err(error) => return report.fail(&name, format!("{error:#}"), "mend or remove that file"),
    };
    let behind = u64::try_from(latest - standing.seq).unwrap_or(0);
    match waited(archive, standing.seq).filter(|seconds| *seconds > STUCK) {
        Some(seconds) => {
            let told = format!(
                "{} waiting, the oldest for {}; at most {} may",
                counted(behind, "record"),
                long(seconds),
                plan.limit
            );
            let remedy = "`/readyz` and the service's log say why the place does not take them";
            if behind >= plan.limit / 2 {
                report.fail(&name, told, remedy);
            } else {
                report.warn(&name, told, remedy);
            }
        }
        None => report.pass(&name, format!("{} waiting", counted(behind, "record"))),
    }
    if standing.aside > 0 {
        let told = format!("{} refused and set aside", counted(standing.aside, "record"));
        report.warn(&name, told, format!("`data/sinks/{}.aside.jsonl` says why, line by line", plan.name));
    }
    if standing.passed_over > 0 {
        let told = format!("{} passed over, because too many waited", counted(standing.passed_over, "record"));
        report.warn(&name, told, "write them out with `ringfall audit export` where they are missed");
    }
}

fn retention(report: &mut Report, settings: &Settings, archive: &Archive) {
    let Some(days) = settings.retention.days else {
        return report.pass("retention", "everything is kept");
    };
    let oldest = waited(archive, 0).map_or(0, |seconds| seconds / 86_400);
    // A day is let go as a whole, and whoever has not read it is waited for for a week.
    if oldest > i64::from(days) + 9 {
        let told = format!("records are {oldest} days old, and are to be kept for {days}");
        let remedy = "is the service running? `/readyz` says under `retention` what holds them";
        return report.fail("retention", told, remedy);
    }
    report.pass("retention", format!("the oldest record is {oldest} days old, and {days} may be"));
}

/// Seconds in words.
fn long(seconds: i64) -> String {
    match seconds {
        ..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
