//! How long records are kept.

use crate::settings::Reader;

/// How long records are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Retention {
    /// Days; none to keep everything.
    pub days: Option<u32>,
    /// Whether recordings at the carrier go with their records.
    pub recordings: bool,
}

/// A hundred years.
const MOST_DAYS: u32 = 36_500;

impl Reader<'_> {
    /// None only when a fault was kept.
    pub(in crate::settings) fn retention(&mut self) -> Option<Retention> {
        let wanted = "`off` or a number of days from 1d to 36500d, such as `400d`";
        let days = self.read("retention", wanted, |text| match text {
            "off" => Some(None),
            text => days(text).map(Some),
        });
        let recordings = self.read("retention_recordings", "`keep` or `delete`", |text| match text {
            "keep" => Some(false),
            "delete" => Some(true),
            _ => None,
        });
        Some(Retention { days: days?, recordings: recordings? })
    }
}

fn days(text: &str) -> Option<u32> {
    let days = text.strip_suffix('d')?.trim().parse().ok()?;
    (1..=MOST_DAYS).contains(&days).then_some(days)
}
