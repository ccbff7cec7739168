//! The audit trail as those who read it meet it.

mod form;
mod google;
mod sinks;
mod web;
