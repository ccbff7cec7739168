//! `ringfall init`: a commented rule file to start from.

#![expect(clippy::print_stderr, reason = "the command line prints its results")]

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cli::outcome::Outcome;
use crate::cli::terminal;
use crate::model::ids::OrgSlug;

/// The file that `init` writes.
pub(crate) const STARTER: &str = include_str!("init/starter.yaml");

/// Where to write the file.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The file is an organization's rules: its name without `.yaml` is the organization's short name.\n\
    An existing file is never overwritten.\n\
    Example: ringfall init routing-rules/acme.yaml && ringfall check routing-rules/acme.yaml"
)]
pub struct Init {
    /// The file to write, or `-` for standard output
    #[arg(default_value = "routing-rules/my-business.yaml")]
    path: PathBuf,
}

pub(crate) fn run(args: &Init) -> crate::cli::Answer {
    if args.path.as_os_str() == "-" {
        terminal::put(STARTER);
        return Ok(Outcome::Fine);
    }
    let shown = args.path.display();
    if let Err(why) = fitting(&args.path) {
        eprintln!("error: {why}, and nothing was written");
        eprintln!("help: name the file after the organization: ringfall init routing-rules/my-business.yaml");
        return Ok(Outcome::Misuse);
    }
    if let Some(folder) = args.path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("could not make the folder `{}`", folder.display()))?;
    }
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(&args.path);
    let mut file = match file {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            eprintln!("error: `{shown}` exists already, and nothing was changed");
            eprintln!("help: name another file: ringfall init routing-rules/another-name.yaml");
            return Ok(Outcome::Misuse);
        }
        Err(error) => return Err(error).with_context(|| format!("could not write `{shown}`")),
    };
    file.write_all(STARTER.as_bytes()).with_context(|| format!("could not write `{shown}`"))?;
    eprintln!("wrote `{shown}`: put your own numbers in, then run");
    eprintln!("  ringfall check {shown}");
    eprintln!("  ringfall explain --to +16195550150 --at \"2026-11-23 10:00\" {shown}");
    Ok(Outcome::Fine)
}

/// Whether a rule file may have this name: the organization's short name, and an ending that is looked for.
fn fitting(path: &Path) -> Result<(), String> {
    let part =
        |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned()).unwrap_or_default();
    if !matches!(part(path.extension()).as_str(), "yaml" | "yml") {
        return Err(format!("`{}` does not end in `.yaml`", path.display()));
    }
    OrgSlug::parse(&part(path.file_stem())).map(drop).map_err(|error| error.to_string())
}
