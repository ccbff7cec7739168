//! Calls that really happened, kept as files and played again through the same functions that answered them.
//!
//! A recording holds what came in, when, what else was known, and what was answered and why. Whoever it was about
//! is not in it: numbers, names and words are stand-ins, and the signatures are made with a token for fixtures.

pub mod again;
pub mod alias;
pub mod case;
pub mod copy;
pub mod differ;
pub mod live;
pub mod recording;
pub mod report;
pub mod schema;
pub mod standins;
pub mod take;

mod fields;
mod tree;

/// The account of all recordings.
pub const ACCOUNT: &str = "AC00000000000000000000000000f1c710";

/// The address that the requests of recordings are signed for.
pub const ORIGIN: &str = "https://calls.example.com";

/// What the requests of recordings are signed with. It opens nothing.
pub const TOKEN: &str = "a-token-for-fixtures-that-opens-nothing";
