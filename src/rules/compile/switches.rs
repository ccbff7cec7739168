//! Switches and what feeds them.

use crate::model::ids::ContactId;
use crate::rules::compile::{Desk, Entry};
use crate::rules::place::At;
use crate::rules::ruleset::{Expires, SourceKind, Switch, SwitchSource};
use crate::rules::shape::shorten;
use crate::rules::written::{self, SwitchWord};

/// Longest time that a switch may stay set.
const LONGEST_SETTING: u32 = 366 * 86_400;

impl<'a> Desk<'a> {
    pub(super) fn switch(&mut self, entry: &Entry<'a, written::Switch>) -> Switch {
        let (at, written) = (&entry.at, entry.value);
        let default = written.default == Some(SwitchWord::On);
        let expires = match written.expires.as_deref() {
            Some("end_of_day") => Some(Expires::EndOfDay),
            Some(text) => self.seconds(&at.field("expires"), text, 60, LONGEST_SETTING).map(Expires::After),
            None => None,
        };
        let set_by: Vec<ContactId> = self.contact_list(&at.field("set_by"), &written.set_by.0);
        let source = written.source.as_ref().and_then(|source| self.source(&at.field("source"), source, default));
        Switch {
            name: entry.name.into(),
            default,
            expires: expires.unwrap_or(Expires::EndOfDay),
            set_by: set_by.into_boxed_slice(),
            source: source.map(Box::new),
            at: at.line(),
        }
    }

    fn source(&mut self, at: &At<'_>, written: &written::SwitchSource, default: bool) -> Option<SwitchSource> {
        let from = self.source_kind(at, written);
        let every = match written.every.as_deref() {
            Some(text) => self.seconds(&at.field("every"), text, 5, 86_400),
            None => Some(60),
        };
        let stale_after = match (written.stale_after.as_deref(), every) {
            (Some(text), every) => self.seconds(&at.field("stale_after"), text, every.unwrap_or(5), 7 * 86_400),
            (None, every) => every.map(|every| every.saturating_mul(10)),
        };
        let when_stale = written.when_stale.map_or(default, |word| word == SwitchWord::On);
        Some(SwitchSource { from: from?, every: every?, stale_after: stale_after?, when_stale })
    }

    fn source_kind(&mut self, at: &At<'_>, written: &written::SwitchSource) -> Option<SourceKind> {
        match (&written.sheet, &written.cell, &written.url, &written.field) {
            (Some(sheet), Some(cell), None, None) => {
                let fine = sheet.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
                if !fine || !(20..=100).contains(&sheet.len()) {
                    let help = "write the long word from the sheet's address, between `/d/` and `/edit`";
                    let message = format!("`{}` is not the id of a sheet", shorten(sheet));
                    self.error(&at.field("sheet"), "bad-address", message, help);
                    return None;
                }
                self.cell(&at.field("cell"), cell)?;
                Some(SourceKind::Sheet { sheet: sheet.as_str().into(), cell: cell.as_str().into() })
            }
            (None, None, Some(url), Some(field)) => {
                let fine = self.address(&at.field("url"), url, &["https", "http"]);
                if !field.is_empty() && !field.starts_with('/') {
                    let message = format!("`{}` is not the place of a field", shorten(field));
                    self.error(
                        &at.field("field"),
                        "bad-address",
                        message,
                        "write a JSON pointer, such as `/phones/open`",
                    );
                    return None;
                }
                fine.then(|| SourceKind::Url { url: url.as_str().into(), field: field.as_str().into() })
            }
            _ => {
                let help = "write `sheet` with `cell`, or `url` with `field`";
                let problem =
                    at.key_error("missing-field", "the source is neither a cell of a sheet nor a field of a document");
                self.report(at, problem.help(help));
                None
            }
        }
    }

    fn cell(&mut self, at: &At<'_>, cell: &str) -> Option<()> {
        let reference = cell.rsplit('!').next().unwrap_or_default();
        let letters = reference.bytes().take_while(u8::is_ascii_uppercase).count();
        let digits = reference.get(letters..).unwrap_or_default();
        let fine = (1..=3).contains(&letters)
            && (1..=7).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        if !fine {
            let message = format!("`{}` is not a cell", shorten(cell));
            self.error(at, "bad-address", message, "write it like `Phones!B2`");
            return None;
        }
        Some(())
    }
}
