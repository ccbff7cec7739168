//! Every clock change of every zone over ten years, against arithmetic that shares nothing with the schedule.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Offset as _, TimeZone as _};
use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZoneDatabase;

use super::{Written, changes, fact, rules};
use crate::model::ids::HoursId;
use crate::model::moment::{Moment, Zone};

const FIRST: i64 = 1_704_067_200; // 2024-01-01
const LAST: i64 = 2_019_686_400; // 2034-01-01

/// The hours tried, with what the naive reader knows of them: (days from Monday, from, to).
const TRIED: [(&str, u8, u16, u16); 6] = [
    ("mon-fri 09:00-17:00", 0b001_1111, 540, 1020),
    ("daily 22:00-06:00", 0b111_1111, 1320, 1800),
    ("daily 01:30-02:30", 0b111_1111, 90, 150),
    ("sun 00:00-24:00", 0b100_0000, 0, 1440),
    ("sat,sun 23:30-00:30", 0b110_0000, 1410, 1470),
    ("daily 02:15-02:16", 0b111_1111, 135, 136),
];

/// Where a zone's offset changes: (from this second, seconds east of UTC), the first from before all tests.
type Table = Vec<(i64, i64)>;

fn table(name: &str) -> Table {
    let zone = TimeZoneDatabase::bundled().get(name).unwrap();
    let start = Timestamp::from_second(FIRST).unwrap();
    let mut table = vec![(i64::MIN, i64::from(zone.to_offset(start).seconds()))];
    let jumps = zone.following(start).take_while(|jump| jump.timestamp().as_second() < LAST);
    table.extend(jumps.map(|jump| (jump.timestamp().as_second(), i64::from(jump.offset().seconds()))));
    table
}

/// The naive reader: whole days since 1970 (a Thursday) and the minute, by division.
fn open(table: &Table, second: i64, days: u8, from: u16, to: u16) -> bool {
    let offset = table.iter().rev().find(|(since, _)| *since <= second).unwrap().1;
    let local = second + offset;
    let (day, minute) = (local.div_euclid(86_400), local.rem_euclid(86_400) / 60);
    let on = |day: i64| days & (1 << (day + 3).rem_euclid(7)) != 0;
    let (from, to) = (i64::from(from), i64::from(to));
    (on(day) && from <= minute && minute < to) || (on(day - 1) && minute + 1440 < to)
}

#[test]
fn every_clock_change_of_every_zone_is_met_to_the_second() {
    let written: Vec<[&str; 1]> = TRIED.iter().map(|(line, ..)| [*line]).collect();
    let written: Vec<Written<'_>> =
        written.iter().map(|line| Written { week: line.as_slice(), ..Written::default() }).collect();
    let rules = rules(&written);
    let mut tables: BTreeMap<Table, String> = BTreeMap::new();
    let (mut zones, mut jumps) = (0, 0);
    for name in TimeZoneDatabase::bundled().available() {
        zones += 1;
        tables.entry(table(name.as_str())).or_insert_with(|| name.as_str().to_owned());
    }
    // Links and neighbors share a table; what is judged by the table is judged once.
    for (table, name) in &tables {
        let zone = Zone::named(name).unwrap();
        for (at, _) in table.iter().skip(1) {
            jumps += 1;
            around(&rules, &zone, table, *at);
        }
    }
    assert!(zones > 550, "{zones}");
    assert!(jumps > 500, "{jumps}");
}

fn around(rules: &crate::rules::ruleset::RuleSet, zone: &Zone, table: &Table, jump: i64) {
    let (first, last) = (jump - 4 * 3_600, jump + 27 * 3_600);
    for ((line, days, from, to), id) in TRIED.iter().zip(0..) {
        let naive = |second: i64| open(table, second, *days, *from, *to);
        let told = |second: i64| {
            let moment = Moment::new(Timestamp::from_second(second).unwrap(), zone);
            fact(rules, HoursId(id), &moment).holds()
        };
        for second in (jump - 100 * 60..jump + 100 * 60).step_by(60).chain([jump - 1, jump, jump + 1]) {
            assert_eq!(told(second), naive(second), "{line} in {zone:?} at {second}");
        }
        let flips: Vec<i64> =
            (first + 60..=last).step_by(60).filter(|second| naive(*second) != naive(*second - 60)).collect();
        let start = Moment::new(Timestamp::from_second(first).unwrap(), zone);
        let until = Timestamp::from_second(last).unwrap();
        let found: Vec<i64> = changes(rules, HoursId(id), &start, until).map(Timestamp::as_second).collect();
        assert_eq!(found, flips, "{line} in {zone:?} around {jump}");
    }
}

/// Zones that chrono-tz puts an hour or more away from the current rules at some time from 2026 to 2033.
const CHRONO_TZ_IS_WRONG: [&str; 13] = [
    "Africa/Casablanca",
    "Africa/El_Aaiun",
    "America/Edmonton",
    "America/Inuvik",
    "America/Rainy_River",
    "America/Vancouver",
    "America/Winnipeg",
    "America/Yellowknife",
    "Canada/Central",
    "Canada/Mountain",
    "Canada/Pacific",
    "Europe/Chisinau",
    "Europe/Tiraspol",
];

#[test]
fn the_zones_in_which_chrono_tz_is_wrong_are_known_by_name() {
    let mut wrong = BTreeSet::new();
    for zone in chrono_tz::TZ_VARIANTS {
        let Some(ours) = Zone::named(zone.name()) else {
            wrong.insert(zone.name());
            continue;
        };
        let mut probes: Vec<i64> = Vec::new();
        for year in 2026..2034 {
            for month in 1..=12 {
                let noon = date(year, month, 15).at(12, 0, 0, 0);
                probes.push(jiff::tz::Offset::UTC.to_timestamp(noon).unwrap().as_second());
            }
        }
        let jumps: Vec<i64> = table(zone.name()).iter().skip(1).map(|(at, _)| *at).collect();
        probes.extend(jumps.iter().flat_map(|at| (-24..=24).map(move |half| at + half * 1_800)));
        let differs = probes.into_iter().filter(|second| *second >= 1_767_225_600).any(|second| {
            let theirs = zone.timestamp_opt(second, 0).unwrap().offset().fix().local_minus_utc();
            theirs != ours.table().to_offset(Timestamp::from_second(second).unwrap()).seconds()
        });
        if differs {
            wrong.insert(zone.name());
        }
    }
    assert_eq!(wrong.into_iter().collect::<Vec<_>>(), CHRONO_TZ_IS_WRONG);
}
