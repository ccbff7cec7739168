//! Recorded calls under other rules: each call as it went, taken through the old rules and the new, with people who
//! do again what they did then, and nobody who does what is not known.

pub mod compare;
pub mod html;
pub mod people;
mod plot;
pub mod report;
pub mod seen;
pub mod tally;
pub mod trail;

pub use compare::Both;
pub use seen::{Did, Seen, Then};
pub use tally::Tally;
pub use trail::Trail;

#[cfg(test)]
mod tests;
