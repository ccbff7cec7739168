//! A PostgreSQL database: where it is, what its errors mean, and the steps to the form that its tables have. The same for
//! files of SQLite.

mod address;
mod form;
pub mod sqlite;

pub use crate::database::address::{Address, AddressError, Tls};
pub use crate::database::form::{Steps, bring_up, passes_by_the_wall};

/// An error in words. The server's own words name constraints and columns, and never a value; the rest of what it
/// tells may, and is left out.
pub fn told(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(told) => format!("{} ({})", told.message(), told.code().code()),
        None => {
            std::error::Error::source(error).map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
        }
    }
}
