//! Ringfall answers Twilio voice webhooks by YAML cascade rules.

pub mod app;
pub mod audit;
pub mod cli;
pub mod clock;
pub mod decide;
pub mod diagnostic;
pub mod draw;
pub mod files;
pub mod journey;
pub mod model;
pub mod phone;
pub mod rules;
pub mod settings;
pub mod startup;
pub mod store;
pub mod telemetry;
pub mod twiml;
pub mod web;
pub mod webhook;
