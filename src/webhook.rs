//! From bytes off the wire to an event that may be acted on: limits, form, signature, typed fields.

pub mod continuation;
pub mod endpoint;
pub mod event;
pub mod form;
pub mod origin;
pub mod raw;
pub mod signature;
pub mod verified;
