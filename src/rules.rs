//! The rule language: from an owner's YAML to a rule set that is valid by construction.

pub mod calendar;
pub mod grammar;
pub mod people;
pub mod ruleset;
pub mod schedule;
