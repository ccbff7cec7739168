//! `ringfall why`: one call as a sentence, as it went on, and with its reasons.

#![expect(clippy::print_stderr, reason = "the command line talks on standard error")]

use crate::cli::Answer;
use crate::cli::outcome::Outcome;
use crate::cli::terminal;
use crate::cli::trail::Place;
use crate::report::why;

/// Which call.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 found, 1 there is no such call.\nExample: ringfall why CA0123456789abcdef0123456789abcdef"
)]
pub struct Why {
    /// The call, by the carrier's name for it
    #[arg(value_name = "CA…")]
    call: String,
    /// The organization, when several have a call of that name
    #[arg(long, value_name = "NAME")]
    org: Option<String>,
    /// `text`, or `json` with the call as a whole and all its records
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json"])]
    format: String,
    #[command(flatten)]
    place: Place,
}

pub(crate) fn run(args: &Why) -> Answer {
    let trail = args.place.source()?;
    let org = match &args.org {
        Some(org) => org.clone(),
        None => trail.organizations_of(&args.call)?.into_iter().next().unwrap_or_default(),
    };
    let records = trail.records(&org, &args.call)?;
    if records.is_empty() {
        eprintln!(
            "no records of the call `{}`: is this the trail of the server that answered it? `--data` names its folder",
            args.call
        );
        return Ok(Outcome::Findings);
    }
    let call = why::folded(&records);
    let sentence = why::sentence(&call);
    let text = if args.format == "json" {
        let value = serde_json::json!({ "sentence": sentence, "call": call, "records": records });
        format!("{value:#}\n")
    } else {
        format!("{sentence}\n\n{}\n{}", why::timeline(&records), why::reasons(&records))
    };
    terminal::put(&text);
    Ok(Outcome::Fine)
}
