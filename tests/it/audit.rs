//! The audit trail as those who read it meet it.

mod acking;
mod erasing;
mod form;
mod fullness;
pub(crate) mod google;
mod keeping;
mod killed;
mod merged;
mod outages;
mod proving;
mod proxy;
mod reading;
mod sinks;
pub(crate) mod web;

pub(crate) use sinks::until;
