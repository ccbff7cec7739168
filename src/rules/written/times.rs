//! Hours, holidays and switches as written.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::rules::written::OneOrMany;

/// The long form of one entry of opening hours: `closed`, or `date` with `open`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// Lists of holidays on which it is closed.
    #[serde(default)]
    #[schemars(extend("examples" = ["us-holidays"]))]
    pub closed: OneOrMany<String>,
    /// A day whose hours replace those of the week and of holidays.
    #[schemars(extend("examples" = ["2026-12-24"]))]
    pub date: Option<String>,
    /// When that day is open, or `closed`.
    #[serde(default)]
    #[schemars(extend("examples" = ["08:00-12:00"]))]
    pub open: OneOrMany<String>,
}

/// A holiday, or a calendar file of them.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Holiday {
    /// How explanations call it.
    #[schemars(extend("examples" = ["Thanksgiving"]))]
    pub name: Option<String>,
    /// Its first day: a date, a day of every year, a weekday of a month, or days from Easter.
    #[schemars(extend("examples" = ["01-01", "2026-12-24", "4th thu of nov", "last mon of may", "easter+1"]))]
    pub date: Option<String>,
    /// How many days it lasts; one otherwise.
    #[schemars(extend("examples" = [2]), range(min = 1, max = 60))]
    pub days: Option<u8>,
    /// A calendar file, below the folder of this file, whose all-day events are holidays.
    #[schemars(extend("examples" = ["calendars/company.ics"]))]
    pub ics: Option<String>,
    /// How far ahead the list must reach; a warning comes before it runs out.
    #[schemars(extend("examples" = ["90d"]))]
    pub must_cover: Option<String>,
}

/// State kept outside the file.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    /// Where it stands when nobody has set it; off otherwise.
    #[schemars(extend("examples" = ["off"]))]
    pub default: Option<OnOff>,
    /// How long a setting lasts: a duration, or `end_of_day`.
    #[schemars(extend("examples" = ["4h", "end_of_day"]), required)]
    pub expires: Option<String>,
    /// Contacts who may set it by text.
    #[serde(default)]
    #[schemars(extend("examples" = [["owner"]]))]
    pub set_by: OneOrMany<String>,
    /// A place that it is read from, in the background and never on a caller's time.
    #[schemars(extend("examples" = [{ "url": "https://example.com/status", "field": "/open", "every": "1m", "stale_after": "10m", "when_stale": "off" }]))]
    pub source: Option<SwitchSource>,
}

/// Where a switch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnOff {
    /// Off.
    Off,
    /// On.
    On,
}

/// A place that a switch is read from: `sheet` with `cell`, or `url` with `field`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SwitchSource {
    /// Id of a Google Sheet.
    #[schemars(extend("examples" = ["1AbCdEfGhIjKlMnOpQrStUvWxYz0123456789abcdefg"]))]
    pub sheet: Option<String>,
    /// The cell.
    #[schemars(extend("examples" = ["Phones!B2"]))]
    pub cell: Option<String>,
    /// An `https` address that answers with JSON.
    #[schemars(extend("examples" = ["https://example.com/status"]))]
    pub url: Option<String>,
    /// JSON pointer of the field.
    #[schemars(extend("examples" = ["/phones/open"]))]
    pub field: Option<String>,
    /// Time between two looks; a minute otherwise.
    #[schemars(extend("examples" = ["1m"]))]
    pub every: Option<String>,
    /// After how long without a good look it is stale; ten looks otherwise.
    #[schemars(extend("examples" = ["10m"]))]
    pub stale_after: Option<String>,
    /// Where the switch stands when the source is stale; its default otherwise.
    #[schemars(extend("examples" = ["off"]))]
    pub when_stale: Option<OnOff>,
}
