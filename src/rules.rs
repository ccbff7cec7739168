//! The rule language: from an owner's YAML to a rule set that is valid by construction.

pub mod ruleset;
