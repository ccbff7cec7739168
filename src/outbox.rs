//! Texts that wait to be sent, and what was said in return: a SQLite file of its own in the data folder, so that a
//! hundred thousand waiting texts slow no call.

mod claim;
mod desk;
mod keep;
mod list;

pub use crate::outbox::desk::{Desk, OpenError};
pub use crate::outbox::list::{Listed, TurnLine};

#[cfg(test)]
mod tests;
