//! Findings, calls and decisions as text, JSON and diagrams; it returns them and prints nothing.

pub mod calendar;
pub mod diagnostics;
pub mod explain;
pub mod verdicts;
