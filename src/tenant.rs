//! Organizations and all that belongs to them: what each thing is, what may become of it, and who may do it.
//!
//! An app profile is an app at a provider, owned by the platform or by one organization; an installation is an
//! account with its credentials in that app; a binding leads from a channel and a selector, such as a number, to
//! an installation and a line. Credentials are reached only through a binding.
//!
//! Nothing here reads or writes: [`change`] says in one value what should become of a thing, and the stores keep it.

#[macro_use]
mod words;

pub mod binding;
pub mod change;
pub mod domain;
pub mod event;
pub mod installation;
pub mod item;
pub mod organization;
pub mod owner;
pub mod plan;
pub mod profile;
pub mod revision;
pub mod role;
pub mod rollout;
pub mod sealed;
pub mod stamp;
pub mod switch;
pub mod token;
