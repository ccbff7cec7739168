//! `ringfall fallback`: the ending of the rules as files for a static host, for the hour when this machine is gone.

#![expect(clippy::print_stderr, reason = "the command line talks on standard error")]

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cli::Answer;
use crate::cli::ground::{self, AtHand, Where};
use crate::cli::outcome::Outcome;
use crate::cli::terminal;
use crate::model::ids::OrgSlug;
use crate::twiml::fallback;
use crate::webhook::origin::Origin;

/// What to do with the static endings.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Serve the folder at any static host that is not this machine, as fallback_url; `ringfall numbers apply` then tells Twilio.\n\
    Example: ringfall fallback export --out /var/www/fallback"
)]
pub struct Fallback {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Write the files
    Export(Export),
}

#[derive(Debug, clap::Args)]
struct Export {
    /// Folder to write to; each organization gets a folder in it
    #[arg(long, value_name = "FOLDER", default_value = "fallback")]
    out: PathBuf,
    /// The organization, by the name of its rule file [default: all]
    #[arg(long, value_name = "NAME", value_parser = ground::slug)]
    org: Option<OrgSlug>,
    #[command(flatten)]
    place: Where,
}

pub(crate) fn run(args: &Fallback) -> Answer {
    let What::Export(export) = &args.what;
    let settings = export.place.settings()?;
    let origin = settings.public_url.as_ref().map(Origin::as_str);
    if origin.is_none() {
        eprintln!("note: no `public_url` is set, so nothing will tell this service of messages left there");
    }
    let AtHand { good, bad } = ground::organizations(&settings, export.org.as_ref())?;
    for (org, rules) in good {
        let compiled = fallback::compile(&rules, &org, origin);
        let folder = export.out.join(org.as_str());
        for (name, text) in &compiled.files {
            write(&folder.join(name), text.as_bytes())?;
        }
        for path in &compiled.audio {
            let from = settings.rules.join(path);
            let sound = std::fs::read(&from).with_context(|| format!("cannot read `{}`", from.display()))?;
            write(&folder.join("audio").join(path), &sound)?;
        }
    }
    // The others need their ending all the same.
    if bad.is_empty() {
        return Ok(Outcome::Fine);
    }
    bad.iter().for_each(|error| eprintln!("error: {error:#}"));
    anyhow::bail!("not all endings were written: what was written of those files before stays as it is")
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let failed = || format!("cannot write `{}`", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(failed)?;
    }
    std::fs::write(path, bytes).with_context(failed)?;
    terminal::put(&format!("{}\n", path.display()));
    Ok(())
}
