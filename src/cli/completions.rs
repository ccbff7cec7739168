//! `ringfall completions`: a completion script for a shell.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::outcome::Outcome;
use crate::cli::terminal;

/// Which shell to write for.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ringfall completions bash > /etc/bash_completion.d/ringfall")]
pub struct Completions {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: &Completions) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::cli::Cli::command(), "ringfall", &mut script);
    terminal::put(&String::from_utf8_lossy(&script));
    Outcome::Fine
}
