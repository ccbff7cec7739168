//! `ringfall schema`: the JSON Schema of the rule language, for editors, of the audit trail's records, or of recorded
//! calls; the API's description.

use crate::cli::outcome::Outcome;
use crate::cli::terminal;

/// Which schema; there is one version of each.
#[derive(Debug, clap::Args)]
#[command(after_help = "An editor with a YAML language server uses it when a rule file's first line says\n  \
    # yaml-language-server: $schema=./ringfall-1.schema.json\n\
    Examples:\n  \
    ringfall schema > routing-rules/ringfall-1.schema.json\n  \
    ringfall schema --audit > audit-record-1.schema.json\n  \
    ringfall schema --fixture > fixture-1.schema.json\n  \
    ringfall schema --api > openapi.json")]
pub struct Schema {
    /// The schema of one record of the audit trail, as sinks and exports write it
    #[arg(long)]
    audit: bool,
    /// The schema of a recorded call, as `ringfall record` writes it
    #[arg(long, conflicts_with = "audit")]
    fixture: bool,
    /// The OpenAPI description of the administration API
    #[arg(long, conflicts_with_all = ["audit", "fixture"])]
    api: bool,
}

pub(crate) fn run(args: &Schema) -> Outcome {
    terminal::put(&match (args.audit, args.fixture, args.api) {
        (true, _, _) => crate::audit::schema::text(),
        (false, true, _) => crate::replay::schema::text(),
        (false, false, true) => crate::api::describe::text(),
        (false, false, false) => crate::rules::schema::text(),
    });
    Outcome::Fine
}
