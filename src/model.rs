//! The words of the trade that every room shares; no behavior beyond what each word means.

pub mod call;
pub mod count;
pub mod digest;
pub mod ids;
pub mod leg;
pub mod mail;
pub mod moment;
pub mod money;
pub mod near;
pub mod numbering;
pub mod phone;
pub mod position;
pub mod secret;
pub mod simulator;
