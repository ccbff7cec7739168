//! The rule language: from an owner's YAML to a rule set that is valid by construction.

pub mod grammar;
pub mod ruleset;
