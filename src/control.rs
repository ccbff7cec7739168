//! Control by text: what a contact writes, as a command; and what is answered, as one plain sentence.
//!
//! Who may turn a switch stands in the rules: the contacts in its `set_by`. Nothing here turns anything.

pub mod command;
pub mod sender;
pub mod sentences;
mod until;

pub use crate::control::command::{Command, Turn, read};
pub use crate::control::sender::Sender;

#[cfg(test)]
mod tests;
