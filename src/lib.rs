//! Ringfall answers Twilio voice webhooks: it verifies each request, decides by an owner's YAML rules
//! who is rung next, answers with TwiML made from templates, and writes down every decision with its
//! reasons.
//!
//! This page is the map. Read it once, then open the room you need; every file says its duty in its
//! first line.
//!
//! # How a call flows
//!
//! ```text
//! bytes ── RawWebhook ── verify ──► Verified<CallEvent> ──► organization, line ──► CallFacts
//!                                                                                     │
//!     RuleSet (by digest) + Position + State + Moment ─────► decide() ◄───────────────┘   pure, total
//!                                                              │
//!                                              Decision { plan, next, effects, trace }
//!                                                              │
//!                  Templates (by digest) ────────────────► render()                       pure
//!                                                              │
//!                                            Record: all inputs, reasons, digests, TwiML
//!                                                              │
//!                            journal: durable append, group commit ──┴──► the answer
//! ```
//!
//! # The floors
//!
//! A room uses only rooms on lower floors; `tests/it/floors.rs` holds that. Floors 0 to 4 do no I/O,
//! read no clock, await nothing and log nothing, so everything they say can be said again later.
//!
//! | Floor | Rooms | Duty |
//! | --- | --- | --- |
//! | 11 | `main`, this page | the doors |
//! | 10 | [`cli`] | the command line, the only place that prints |
//! | 9 | [`startup`] | settings to a running server |
//! | 8 | [`api`], [`notices`], [`sources`] | the administration API; notices to where people talk; what switches are read from |
//! | 7 | [`sinks`] | records on their way to where their owners read them |
//! | 6 | [`admin`], [`egress`], [`roster`], [`settings`], [`files`], [`clock`], [`telemetry`], [`store`], [`tenants`], [`merged`], [`web`], [`phone`], [`twilio`], [`outbox`], [`seal`] | the outside world, one kind each |
//! | 5 | [`app`], [`replay`], [`vault`], [`database`], [`disk`] | what happens to a request, and the ports it needs; recorded calls played again; secrets at rest; where PostgreSQL is; room on the disk |
//! | 4 | [`respond`], [`prove`], [`draw`], [`chain`], [`report`], [`feed`], [`diff`], [`outreach`] | the pure middle of an answer; promises over every path; words and pictures; records bound to each other; what calls add up to; records as others keep them; which calls two rule sets part; who is told what |
//! | 3 | [`journey`], [`twiml`], [`audit`], [`control`] | a whole imagined call; plans as TwiML; the record; what contacts text to us |
//! | 2 | [`decide`] | the one function that says where a call goes, and why |
//! | 1 | [`rules`], [`webhook`], [`tenant`] | YAML to a valid rule set; bytes to a verified event; organizations and what is theirs |
//! | 0 | [`model`], [`diagnostic`] | the words of the trade |
//!
//! # What never happens here
//!
//! - Nothing unverified is acted on: only [`webhook`] can make a `Verified` value, and nothing else
//!   takes part in a decision.
//! - [`decide::decide`] never fails, waits, looks at a clock or rolls dice. A [`rules::ruleset::RuleSet`]
//!   is valid by construction and always has an ending, so there is an answer for every call.
//! - Nobody re-implements a rule: the server, `explain`, `test`, `calendar` and the prover all call
//!   the same function and show the trace that it returned.
//! - The server keeps no state of a call: the carrier brings the position back in a URL that it signs.
//! - A call is not answered before its decision is durable, and a broken disk does not keep a caller
//!   from being answered: the same answer goes out, its record waits in memory, and the fault is counted.
//! - Hours are judged by the moment a call began, all through the call.
//!
//! # Where to start reading
//!
//! [`model::position`], then [`rules::ruleset`], then [`decide`]; after that the spine of a request in
//! [`app`].

pub mod admin;
pub mod api;
pub mod app;
pub mod audit;
pub mod chain;
pub mod cli;
pub mod clock;
pub mod control;
pub mod database;
pub mod decide;
pub mod diagnostic;
pub mod diff;
pub mod disk;
pub mod draw;
pub mod egress;
pub mod feed;
pub mod files;
pub mod journey;
pub mod merged;
pub mod model;
pub mod notices;
pub mod outbox;
pub mod outreach;
pub mod phone;
pub mod prove;
pub mod replay;
pub mod report;
pub mod respond;
pub mod roster;
pub mod rules;
pub mod seal;
pub mod settings;
pub mod sinks;
pub mod sources;
pub mod startup;
pub mod store;
pub mod telemetry;
pub mod tenant;
pub mod tenants;
pub mod twilio;
pub mod twiml;
pub mod vault;
pub mod web;
pub mod webhook;
