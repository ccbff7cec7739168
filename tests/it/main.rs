//! The black-box tests: one binary, so that everything is linked once.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::allow_attributes,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "helpers of tests may stop at the first surprise"
)]

mod api;
mod audit;
mod calls;
mod canary;
mod chance;
mod checking;
mod cli;
mod crash;
mod diffing;
mod doctor;
mod fake_dns;
mod fake_mail;
mod fake_twilio;
mod floors;
mod fuzzed;
mod gate;
mod imagined;
mod mutations;
mod newer;
mod notices;
mod numbers;
mod organizations;
mod outbox;
mod outreach;
mod own_account;
mod phone;
mod postgres;
mod practice;
mod process;
mod readme;
mod recorded_calls;
mod recording;
mod reference;
mod replaying;
mod revisions;
mod rollout;
mod rule_attacks;
mod rule_files;
mod serving;
mod shapes;
mod signatures;
mod sms;
mod sources;
mod stories;
mod support;
mod telephone;
mod tenants;
mod turning;
mod twilio;
