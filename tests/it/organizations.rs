//! Organizations side by side: connected by commands, answered by running servers, and never reaching each other.

mod away;
mod bindings;
pub(crate) mod carrier;
mod commands;
pub(crate) mod desk;
mod domains;
mod matrix;
mod secrets;
mod side_by_side;
mod suspicion;
