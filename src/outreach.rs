//! What has to be sent because of a record: to whom, what words, when, and what may not be sent at all.
//!
//! Nobody can bring a target in from outside: texts go to contacts of the rules, and to the caller's own number.

pub mod draft;
pub mod effects;
pub mod guard;
pub mod segments;
pub mod spend;
mod words;

#[cfg(test)]
mod tests;
