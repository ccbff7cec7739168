//! `ringfall rules`: revisions of rules in the store, for nodes that share no folder.

#![expect(clippy::print_stderr, reason = "the command line talks on standard error")]

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::app::revisions::{self, RevisionError, Taken};
use crate::app::tenancy::{TenantError, Tenants};
use crate::cli::Answer;
use crate::cli::ground::slug;
use crate::cli::office::{self, Desk, Format, Misuse};
use crate::cli::outcome::Outcome;
use crate::cli::rulefiles;
use crate::cli::terminal;
use crate::draw::diagnostics;
use crate::model::ids::OrgSlug;
use crate::settings::{RulesFrom, Settings};
use crate::tenant::item::{Kept, Kind};
use crate::tenant::owner::Owner;
use crate::tenant::revision::{RevisionState, RuleRevision};

/// What to do with revisions of rules.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A revision answers on every node within a second, when the nodes run with `rules_from: store`; calls in progress\n\
    finish by the one they began with. Rules that `ringfall check` finds errors in are not taken.\n\
    Exit codes: 0 fine, 1 the rules have errors, 2 misuse, 3 could not run.\n\
    Examples:\n  ringfall rules push --org acme --note \"winter hours\" routing-rules/acme.yaml\n  \
    ringfall rules list --org acme\n  ringfall rules rollback --org acme"
)]
pub struct Rules {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    desk: Desk,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Check a rule file, keep it with all it includes, and answer by it
    Push {
        #[command(flatten)]
        whose: Whose,
        /// Why, for those who read the list
        #[arg(long, value_name = "TEXT", default_value = "")]
        note: String,
        /// The rule file, or `-` for standard input [default: the organization's in the folder of rules]
        file: Option<PathBuf>,
    },
    /// List the revisions, those that answered last first
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// Show the files of a revision
    Show {
        #[command(flatten)]
        whose: Whose,
        /// The first digits of its digest [default: the current one]
        digest: Option<String>,
    },
    /// Answer by an earlier revision again
    Rollback {
        #[command(flatten)]
        whose: Whose,
        /// Why, for those who read the trail
        #[arg(long, value_name = "TEXT", default_value = "")]
        note: String,
        /// The first digits of its digest [default: the one that answered before]
        digest: Option<String>,
    },
}

#[derive(Debug, clap::Args)]
struct Whose {
    /// The organization
    #[arg(long, value_name = "NAME", value_parser = slug)]
    org: OrgSlug,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn run(args: &Rules) -> Answer {
    office::run(&args.desk, async |office, settings| {
        let store = office.store().as_ref();
        match &args.what {
            What::Push { whose, note, file } => {
                push(store, &settings, &args.desk, whose, (note, file.as_deref())).await
            }
            What::List { whose } => list(store, whose).await,
            What::Show { whose, digest } => show(store, whose, digest.as_deref()).await,
            What::Rollback { whose, note, digest } => {
                let by = args.desk.stamp();
                let taken = revisions::roll_back(store, &whose.org, digest.as_deref(), note, &by).await;
                let taken = taken.map_err(|error| told(&whose.org, error))?;
                terminal::put(&taken_up(&taken, whose.format));
                hint(&settings);
                Ok(Outcome::Fine)
            }
        }
    })
}

async fn push(
    store: &dyn Tenants,
    settings: &Settings,
    desk: &Desk,
    whose: &Whose,
    (note, file): (&str, Option<&Path>),
) -> Answer {
    let org = &whose.org;
    let path = file.map_or_else(|| settings.rules.join(format!("{org}.yaml")), Path::to_path_buf);
    let files = rulefiles::gather(std::slice::from_ref(&path))?;
    let [file] = files.as_slice() else {
        return Err(Misuse(format!("`{}` is not one rule file", path.display())).into());
    };
    let by = desk.stamp();
    let examined = file.examine(org, by.at.timestamp());
    if !examined.problems.is_empty() {
        eprintln!("{}", diagnostics::text(&examined.problems, terminal::style(&std::io::stderr())));
    }
    let Some(candidate) = examined.candidate else {
        eprintln!("error: these rules are not taken: mend the errors first");
        return Ok(Outcome::Findings);
    };
    let taken = revisions::push(store, &candidate, note, &by).await.map_err(|error| told(org, error.into()))?;
    terminal::put(&taken_up(&taken, whose.format));
    hint(settings);
    Ok(Outcome::Fine)
}

async fn list(store: &dyn Tenants, whose: &Whose) -> Answer {
    let all = known(store, &whose.org).await?;
    terminal::put(&match whose.format {
        Format::Text => all.iter().map(line).collect(),
        Format::Json => json_text(&Value::Array(all.iter().map(|kept| one(&kept.item)).collect())),
    });
    Ok(Outcome::Fine)
}

async fn show(store: &dyn Tenants, whose: &Whose, digest: Option<&str>) -> Answer {
    let org = &whose.org;
    let all = known(store, org).await?;
    let kept = match digest {
        Some(digits) => revisions::find(org, &all, digits).map_err(|error| told(org, error))?,
        None => {
            let current = all.iter().find(|kept| kept.item.state == RevisionState::Current);
            current
                .with_context(|| format!("`{org}` has no rules in the store: bring some with `ringfall rules push`"))?
        }
    };
    let files = store.rule_files(org, &kept.item.digest).await?.files;
    terminal::put(&match whose.format {
        Format::Text => {
            let several = files.len() > 1;
            let part = |file: &crate::tenant::revision::RuleFile| {
                if several { format!("# ==> {}\n{}\n", file.path, file.text) } else { file.text.clone() }
            };
            files.iter().map(part).collect()
        }
        Format::Json => {
            let mut value = one(&kept.item);
            let files = files.iter().map(|file| json!({ "path": file.path, "text": file.text })).collect();
            if let Some(fields) = value.as_object_mut() {
                fields.insert("files".to_owned(), Value::Array(files));
            }
            json_text(&value)
        }
    });
    Ok(Outcome::Fine)
}

/// All revisions of an organization, which must be there.
async fn known(store: &dyn Tenants, org: &OrgSlug) -> anyhow::Result<Vec<Kept<RuleRevision>>> {
    let there = store.item(&Owner::Org(org.clone()), Kind::Organization, org.as_str()).await;
    there.map_err(|error| told(org, error.into()))?;
    Ok(store.revisions(org).await?)
}

/// The error in the words of the command line: what was asked for wrongly is misuse.
fn told(org: &OrgSlug, error: RevisionError) -> anyhow::Error {
    match error {
        RevisionError::Store(TenantError::NotFound(_)) => {
            Misuse(format!("there is no organization `{org}`: make it with `ringfall org add {org}`")).into()
        }
        RevisionError::Store(TenantError::Forbidden(refusal)) => Misuse(refusal.to_string()).into(),
        RevisionError::Store(error) => error.into(),
        RevisionError::Unknown { .. } | RevisionError::Ambiguous { .. } | RevisionError::NothingBefore(_) => {
            Misuse(error.to_string()).into()
        }
    }
}

fn hint(settings: &Settings) {
    if settings.rules_from == RulesFrom::Folder {
        let rules = settings.rules.display();
        eprintln!(
            "note: with these settings a node answers by the files in `{rules}`; set `rules_from: store` for revisions"
        );
    }
}

fn taken_up(taken: &Taken, format: Format) -> String {
    let Taken { now, before, changed } = taken;
    match format {
        Format::Text if *changed => {
            let before = before.map(|digest| format!(", after {}", digest.short())).unwrap_or_default();
            format!("`{}` is answered by {}{before}\n", now.org, now.digest.short())
        }
        Format::Text => format!("`{}` was answered by {} before\n", now.org, now.digest.short()),
        Format::Json => {
            let mut value = one(now);
            if let Some(fields) = value.as_object_mut() {
                fields.insert("changed".to_owned(), Value::Bool(*changed));
                fields.insert("before".to_owned(), before.map_or(Value::Null, |digest| digest.to_string().into()));
            }
            json_text(&value)
        }
    }
}

fn line(kept: &Kept<RuleRevision>) -> String {
    let it = &kept.item;
    let note = if it.note.is_empty() { String::new() } else { format!("  {}", it.note) };
    format!("{} {:<8} {} {}{note}\n", it.digest.short(), it.state.word(), it.taken.at, it.taken.by)
}

fn one(it: &RuleRevision) -> Value {
    json!({
        "org": it.org.as_str(),
        "digest": it.digest.to_string(),
        "state": it.state.word(),
        "pushed": it.pushed,
        "taken": it.taken,
        "note": it.note,
    })
}

fn json_text(value: &Value) -> String {
    format!("{value:#}\n")
}
