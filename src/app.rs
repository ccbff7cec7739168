//! What the running service does with a request; its ports to the outside are traits.

pub mod address;
pub mod ports;
