//! How a command ended, and the exit code that says so.

#![expect(clippy::print_stderr, reason = "the command line talks on standard error")]

use std::process::ExitCode;

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

/// Runs a command to its exit code. A reader that has seen enough, such as `head`, ends it without a word.
pub(crate) fn of(command: impl FnOnce() -> anyhow::Result<Outcome>) -> ExitCode {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !reader_gone(panic.payload()) {
            usual(panic);
        }
    }));
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(command)) {
        Ok(answer) => finish(answer),
        Err(payload) if reader_gone(&*payload) => ExitCode::SUCCESS,
        Err(payload) => std::panic::resume_unwind(payload),
    }
}

/// Whether it is what printing says when nobody reads any more.
fn reader_gone(payload: &(dyn std::any::Any + Send)) -> bool {
    payload
        .downcast_ref::<String>()
        .is_some_and(|text| text.starts_with("failed printing to stdout") && text.contains("Broken pipe"))
}

/// The exit code of a finished command; a failure is told on standard error with its causes.
fn finish(answer: anyhow::Result<Outcome>) -> ExitCode {
    match answer {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Ok(Outcome::Misuse) => ExitCode::from(2),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(3)
        }
    }
}

/// Prints what clap has to say: help and version are fine, all else is misuse.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    // Nothing is left to be done when the terminal itself is gone.
    drop(error.print());
    if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS }
}
