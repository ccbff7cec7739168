//! `decide`: the one pure, total function that every surface asks where a call goes.

pub mod decision;
pub mod trace;
