//! How long records are kept, for all and for organizations that want less.

use std::collections::BTreeMap;

use crate::model::ids::OrgSlug;
use crate::settings::Reader;

/// How long records are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Retention {
    /// Days; none to keep everything.
    pub days: Option<u32>,
    /// Days of organizations that want fewer.
    pub of: BTreeMap<OrgSlug, u32>,
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
        let of = self.retention_of(days.flatten());
        Some(Retention { days: days?, of, recordings: recordings? })
    }

    fn retention_of(&mut self, longest: Option<u32>) -> BTreeMap<OrgSlug, u32> {
        let text = self.text("retention_of");
        let mut found = BTreeMap::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let read = part.split_once('=').and_then(|(org, text)| Some((slug(org.trim())?, days(text.trim())?)));
            match (read, longest) {
                (Some((org, days)), Some(longest)) if days > longest => self.fault(
                    "retention_of",
                    format!(
                        "`{org}` asks for {days} days, and `retention` lets everything go after {longest}: raise that"
                    ),
                ),
                (Some((org, days)), _) => drop(found.insert(org, days)),
                (None, _) => {
                    self.fault(
                        "retention_of",
                        format!("`{part}` is not an organization with its days, such as `acme=90d`"),
                    );
                }
            }
        }
        found
    }
}

fn slug(text: &str) -> Option<OrgSlug> {
    OrgSlug::parse(text).ok()
}

fn days(text: &str) -> Option<u32> {
    let days = text.strip_suffix('d')?.trim().parse().ok()?;
    (1..=MOST_DAYS).contains(&days).then_some(days)
}
