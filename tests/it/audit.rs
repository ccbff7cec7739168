//! The audit trail as those who read it meet it.

mod form;
mod google;
mod keeping;
mod reading;
mod sinks;
mod web;
