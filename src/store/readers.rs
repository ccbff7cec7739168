//! A few connections that only read, so that looking something up never waits for writing.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use crate::app::ports::JournalError;
use crate::store::open;

/// Connections kept open between two questions; more are opened and closed as needed.
const KEPT: usize = 4;

/// The connections.
#[derive(Debug, Clone)]
pub(in crate::store) struct Readers {
    file: PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Readers {
    pub(in crate::store) fn new(file: PathBuf) -> Self {
        Self { file, idle: Arc::default() }
    }

    /// Asks; this waits for the disk.
    pub(in crate::store) fn ask<T>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, JournalError> {
        let unreadable = |error: rusqlite::Error| JournalError::Unreadable(error.to_string());
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open::reader(&self.file).map_err(unreadable)?,
        };
        let answer = question(&connection).map_err(unreadable)?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push(connection);
        }
        Ok(answer)
    }
}
