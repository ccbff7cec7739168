//! What many calls add up to, and one call told so that its owner understands it.

pub mod advice;
pub mod call;
pub mod figures;
pub mod json;
pub mod svg;
pub mod tally;
pub mod text;
pub mod why;

#[cfg(test)]
mod tests;
