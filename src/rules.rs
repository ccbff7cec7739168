//! The rule language: from an owner's YAML to a rule set that is valid by construction.

pub mod bar;
pub mod calendar;
pub mod case;
pub mod codes;
mod compile;
pub mod grammar;
mod load;
pub mod people;
mod place;
pub mod ruleset;
pub mod schedule;
pub mod schema;
mod shape;
mod text;
mod tree;
pub mod written;

pub use load::{FileError, Files, Loaded, NoFiles, load};
