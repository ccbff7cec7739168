//! `ringfall schema`: the JSON Schema of the rule language, for editors.

use crate::cli::outcome::Outcome;
use crate::cli::terminal;

/// Nothing can be chosen: there is one language version.
#[derive(Debug, clap::Args)]
#[command(after_help = "An editor with a YAML language server uses it when a rule file's first line says\n  \
    # yaml-language-server: $schema=./ringfall-1.schema.json\n\
    Example: ringfall schema > routing-rules/ringfall-1.schema.json")]
pub struct Schema {}

pub(crate) fn run(_: &Schema) -> Outcome {
    terminal::put(&crate::rules::schema::text());
    Outcome::Fine
}
