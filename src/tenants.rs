//! Where organizations are kept: a SQLite file on one machine, PostgreSQL for many; the same statements for both.
//!
//! A thing is a row of the table of its kind. What the database must guard stands in columns: whose it is, its name,
//! its version, what no two may claim, and the thing it hangs on. The rest is one JSON document, read and written
//! by [`crate::tenant`], so that the two engines cannot drift apart.

mod gather;
mod postgres;
mod sql;
mod sqlite;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::app::tenancy::Tenants;
use crate::database::sqlite::Newer;
use crate::database::{Address, AddressError};
use crate::disk::way_out;
use crate::model::secret::Secret;

pub use crate::tenants::postgres::Postgres;
pub use crate::tenants::sqlite::{FILE, Sqlite};

/// Why a store cannot be used at all; that it cannot be reached just now is told by each method instead.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file cannot be made or opened.
    #[error("cannot open `{}`: {detail}; {}", file.display(), way_out(file))]
    File {
        /// The file.
        file: PathBuf,
        /// Why not.
        detail: String,
    },
    /// The file was written by a newer program.
    #[error(transparent)]
    Newer(#[from] Newer),
    /// The address of the database is wrong.
    #[error(transparent)]
    Address(#[from] AddressError),
}

/// Opens the store: PostgreSQL when an address is given, and else the file in the data folder. Call it where a tokio
/// runtime is at hand, which lives as long as the store. PostgreSQL is reached, and brought to its current form, in
/// the background: that it is away keeps nobody from starting.
pub fn open(data: &Path, database: Option<&Secret>) -> Result<Arc<dyn Tenants>, OpenError> {
    Ok(match database {
        Some(url) => Arc::new(Postgres::open(&Address::parse(url)?)?),
        None => Arc::new(Sqlite::open(data)?),
    })
}
