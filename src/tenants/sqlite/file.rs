//! Opens the file: folder, rights, settings of the engine, and the steps to the current form.

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use crate::database::sqlite::{Newer, alone, form};
use crate::tenants::OpenError;

mod migrations {
    //! The steps to the current form, compiled in.
    refinery::embed_migrations!("src/tenants/migrations/sqlite");
}

/// The steps taken so far stand in this table.
const HISTORY: &str = "ringfall_tenants_migrations";

/// The name in the data folder.
pub const NAME: &str = "tenants.db";

/// How long a command or the service waits for the other's writing.
const BUSY: Duration = Duration::from_secs(5);

/// Makes the file if need be, readable for this user alone, and brings it to its current form.
pub(in crate::tenants::sqlite) fn prepare(folder: &Path) -> Result<PathBuf, OpenError> {
    let file = folder.join(NAME);
    let because = |detail: String| OpenError::File { file: file.clone(), detail };
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| because(error.to_string()))?;
    let made = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&file);
    made.map_err(|error| because(error.to_string()))?;
    let mut connection = connect(&file).map_err(|error| because(error.to_string()))?;
    bring_up(&mut connection, &file)?;
    Ok(file)
}

/// Several programs may start at once: whoever has the lock takes the steps, and the others find them taken.
fn bring_up(connection: &mut Connection, file: &Path) -> Result<(), OpenError> {
    let because = |detail: String| OpenError::File { file: file.to_owned(), detail };
    let known = known();
    let found = form(connection, HISTORY).map_err(|error| because(error.to_string()))?;
    if found > known {
        return Err(Newer { file: file.to_owned(), found, known }.into());
    }
    if found == known {
        return Ok(());
    }
    let taken = alone(file, || {
        // The engine refuses this at once where another program does it too, and waits for nobody.
        connection.pragma_update(None, "journal_mode", "wal").map_err(|error| because(error.to_string()))?;
        if form(connection, HISTORY).map_err(|error| because(error.to_string()))? < known {
            let mut runner = migrations::migrations::runner();
            runner.set_migration_table_name(HISTORY).run(connection).map_err(|error| because(error.to_string()))?;
        }
        Ok(())
    });
    taken.map_err(|error| because(error.to_string()))?
}

fn known() -> i64 {
    let runner = migrations::migrations::runner();
    runner.get_migrations().iter().map(refinery::Migration::version).max().map_or(0, i64::from)
}

/// A connection: durable at each commit, and one that takes the lock before it reads what it will change.
pub(in crate::tenants::sqlite) fn connect(file: &Path) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open(file)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    Ok(connection)
}
