//! The command line: what can be asked, and which room answers; the only rooms that print.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub mod audit;
pub mod calendar;
pub mod call;
pub mod check;
pub mod completions;
pub mod connect;
pub mod diff;
pub mod doctor;
pub mod domain;
pub mod explain;
pub mod fallback;
pub mod ground;
pub mod health;
pub mod init;
pub mod key;
mod notify;
pub mod numbers;
mod office;
pub mod org;
pub mod outbox;
pub mod outcome;
pub mod record;
pub mod replay;
pub mod report;
pub mod rollout;
mod rulefiles;
pub mod rules;
pub mod schema;
pub mod serve;
pub mod switch;
mod templates;
mod terminal;
pub mod test;
pub mod token;
mod trail;
pub mod why;

use crate::cli::outcome::Outcome;

/// Everything that `ringfall` can be asked to do.
#[derive(Debug, Parser)]
#[command(
    name = "ringfall",
    version,
    about = "A call router that answers Twilio voice webhooks by YAML rules and writes down every decision with its reasons",
    after_help = "Exit codes: 0 fine, 1 findings, 2 misuse, 3 could not run.\nStart here: ringfall init, ringfall check, ringfall serve, ringfall call",
    propagate_version = true,
    arg_required_else_help = true
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
enum Command {
    /// Write a commented rule file to start from
    Init(init::Init),
    /// Check rule files and templates: every problem at once, each with its place and a way out
    Check(check::Check),
    /// Place a call against a running server and show what the caller hears
    Call(Box<call::args::Args>),
    /// Explain where an imagined call goes, and why
    Explain(explain::Explain),
    /// Show what callers will meet in the days to come, change by change
    Calendar(calendar::Calendar),
    /// Show which calls would meet something else under other rules
    Diff(diff::Diff),
    /// Run the tests that rule files carry
    Test(test::Test),
    /// Make files of calls of the audit trail, with stand-ins for whoever is named, to be played again
    Record(Box<record::Record>),
    /// Play recorded calls again, and show what is answered otherwise than it was
    Replay(Box<replay::Replay>),
    /// Answer the carrier's webhooks
    Serve(Box<serve::Serve>),
    /// Tell a call: in a sentence, as it went on, and with its reasons
    Why(why::Why),
    /// Add calls up: who takes them, who is missed, how long callers wait, when they call
    Report(report::Report),
    /// Read the audit trail, export it, verify it, take a person out of it
    Audit(audit::Audit),
    /// Show how switches stand, turn one, take a turn back
    Switch(switch::Switch),
    /// Show texts that wait, went out or never will; let one try again, or drop it
    Outbox(outbox::Outbox),
    /// Show and set what the account's numbers do; find and buy numbers
    Numbers(numbers::Numbers),
    /// Write the ending of the rules for a static host, for the hour when this machine is gone
    Fallback(fallback::Fallback),
    /// Organizations: found them, give them plans, suspend them
    Org(org::Org),
    /// Connect organizations' accounts at the carrier, and rotate their tokens
    Connect(Box<connect::Connect>),
    /// Host names of organizations: ask for them, prove them in DNS, answer under them
    Domain(domain::Domain),
    /// Change the key that stored secrets are sealed under
    Key(key::Key),
    /// Look at settings, clock, disk, account, numbers and fallbacks, and tell what to do about each
    Doctor(doctor::Doctor),
    /// Keep rules in the store, revision by revision, and answer by them on every node
    Rules(rules::Rules),
    /// Try a second rule file on live calls, then promote or abort it; let organizations' own accounts in by stages
    Rollout(rollout::Rollout),
    /// Ask a running service whether it is well
    Health(health::Health),
    /// Issue, list and take back tokens for the administration API
    Token(Box<token::Token>),
    /// Print the JSON Schema of the rule language, of the audit trail's records, of recorded calls, or the API's description
    Schema(schema::Schema),
    /// Print a completion script for your shell
    Completions(completions::Completions),
}

/// Reads the command line, does what it says, and tells how it went.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return outcome::usage(&error),
    };
    let outcome = match cli.command {
        Command::Init(args) => init::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Call(args) => call::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Calendar(args) => calendar::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Record(args) => record::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Why(args) => why::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Switch(args) => switch::run(&args),
        Command::Outbox(args) => outbox::run(&args),
        Command::Numbers(args) => numbers::run(&args),
        Command::Fallback(args) => fallback::run(&args),
        Command::Org(args) => org::run(&args),
        Command::Connect(args) => connect::run(&args),
        Command::Domain(args) => domain::run(&args),
        Command::Key(args) => key::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Rules(args) => rules::run(&args),
        Command::Rollout(args) => rollout::run(&args),
        Command::Health(args) => health::run(&args),
        Command::Token(args) => token::run(&args),
        Command::Schema(args) => Ok(schema::run(&args)),
        Command::Completions(args) => Ok(completions::run(&args)),
    };
    outcome::finish(outcome)
}

/// What every command returns: how it went, or why it could not run.
pub(crate) type Answer = anyhow::Result<Outcome>;
