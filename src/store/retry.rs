//! What keeps the journal from being written, and when it is tried again.

/// The longest pause between two tries to write what waits.
const LONGEST_PAUSE_US: i64 = 2_000_000;

/// When writing is tried again after it failed.
#[derive(Debug, Default)]
pub(in crate::store) struct Retry {
    pub(in crate::store) failing: bool,
    pub(in crate::store) down: bool,
    pub(in crate::store) reopen: bool,
    last_us: i64,
    pause_us: i64,
}

impl Retry {
    pub(in crate::store) fn is_due(&self, now_us: i64) -> bool {
        // The absolute distance, so that a clock that is set back does not stop the trying.
        !self.failing || (now_us - self.last_us).abs() >= self.pause_us
    }

    pub(in crate::store) fn failed(&mut self, now_us: i64, reopen: bool) {
        self.failing = true;
        self.down = true;
        self.reopen |= reopen;
        self.last_us = now_us;
        self.pause_us = (self.pause_us * 2).clamp(100_000, LONGEST_PAUSE_US);
    }
}

/// Whether the error lies with the disk or the file, not with what was to be written.
pub(in crate::store) fn is_outage(error: &rusqlite::Error) -> bool {
    !matches!(
        error.sqlite_error_code(),
        Some(
            rusqlite::ErrorCode::ConstraintViolation
                | rusqlite::ErrorCode::TooBig
                | rusqlite::ErrorCode::TypeMismatch
                | rusqlite::ErrorCode::ApiMisuse
                | rusqlite::ErrorCode::ParameterOutOfRange
        )
    )
}

/// Whether the connection should not be trusted any more.
pub(in crate::store) fn is_broken(error: &rusqlite::Error) -> bool {
    !matches!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::DiskFull | rusqlite::ErrorCode::DatabaseBusy))
}
