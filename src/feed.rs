//! Records in the forms that others keep them in, and what a person writes to have them sent there.

pub mod document;
pub mod hook;
pub mod metric;
pub mod plan;
pub mod sheet;
pub mod token;
