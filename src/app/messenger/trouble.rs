//! Trouble that lasts is told once, and once more when it is over.

use std::fmt::Display;

/// Whether there is any.
#[derive(Debug, Default)]
pub(in crate::app::messenger) struct Trouble(bool);

impl Trouble {
    /// It fails, perhaps still.
    pub(in crate::app::messenger) fn tell(&mut self, error: &impl Display, what: &'static str) {
        if !std::mem::replace(&mut self.0, true) {
            tracing::error!(%error, "{what}; it is tried again, and told when it works");
        }
    }

    /// It works.
    pub(in crate::app::messenger) fn is_over(&mut self, what: &'static str) {
        if std::mem::take(&mut self.0) {
            tracing::info!("{what}");
        }
    }
}
