//! The audit trail's words: what is written down of every request, and what they add up to for a call.

pub mod record;
pub mod schema;
pub mod summary;
pub mod wire;
