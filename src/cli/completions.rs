//! `ringfall completions`: a completion script for a shell.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::outcome::Outcome;

/// Which shell to write for.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: ringfall completions bash > /etc/bash_completion.d/ringfall")]
pub struct Completions {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: &Completions) -> Outcome {
    clap_complete::generate(args.shell, &mut crate::cli::Cli::command(), "ringfall", &mut std::io::stdout());
    Outcome::Fine
}
