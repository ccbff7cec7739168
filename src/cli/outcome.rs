//! How a command ended, and the exit code that says so.

#![expect(clippy::print_stderr, reason = "the command line talks on standard error")]

use std::process::ExitCode;

use crate::cli::office::Misuse;

/// How a command that ran has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All is well.
    Fine,
    /// It ran, and found something that needs a look.
    Findings,
    /// It was asked for something that cannot be asked.
    Misuse,
}

/// The exit code of a finished command; a failure is told on standard error with its causes.
pub(crate) fn finish(answer: anyhow::Result<Outcome>) -> ExitCode {
    match answer {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Ok(Outcome::Misuse) => ExitCode::from(2),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if error.is::<Misuse>() { 2 } else { 3 })
        }
    }
}

/// Prints what clap has to say: help and version are fine, all else is misuse.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    // Nothing is left to be done when the terminal itself is gone.
    drop(error.print());
    if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS }
}
