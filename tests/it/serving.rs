//! The running service over a real socket: what it answers, refuses, survives and forgets.

mod cascade;
mod faults;
mod process;
mod refusals;
mod reload;
