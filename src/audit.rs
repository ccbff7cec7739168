//! The audit trail's words: what is written down of every request, what they add up to for a call, and how much of
//! a person they tell.

pub mod numbers;
mod packed;
pub mod person;
pub mod record;
#[cfg(test)]
pub(crate) mod samples;
pub mod schema;
pub mod summary;
pub mod wire;
