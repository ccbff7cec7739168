//! Texts that wait to be sent, and what was said in return: in a SQLite file of its own in the data folder, so that a
//! hundred thousand waiting texts slow no call; or in PostgreSQL, where many nodes share them.
//!
//! What is kept and what becomes of it is written once, as statements that both databases read alike (`work`).
//! Switches stay on each node, whatever else is shared: a call must find them with the database away.

mod claim;
mod desk;
mod erase;
mod file;
mod keep;
mod list;
mod postgres;
mod report;
mod retention;
mod spending;
mod work;

pub use crate::outbox::desk::{Desk, OpenError};
pub use crate::outbox::list::{Listed, TurnLine};
