//! The audit trail as those who read it meet it.

mod form;
pub(crate) mod google;
mod keeping;
mod merged;
mod outages;
mod proxy;
mod reading;
mod sinks;
pub(crate) mod web;
