//! `ringfall connect import`: moves the settings of a single organization, or a folder of them, into the store.

#![expect(clippy::print_stderr, reason = "the command line talks on standard error")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::admin::accounts::{Connect, Mode};
use crate::admin::{Office, import};
use crate::cli::connect::Observing;
use crate::cli::ground::slug;
use crate::cli::office::Misuse;
use crate::cli::org;
use crate::cli::outcome::Outcome;
use crate::cli::terminal;
use crate::model::ids::{AccountSid, ApiKeySid, OrgSlug};
use crate::model::phone::E164;
use crate::model::secret::{ApiKey, Secret};
use crate::settings::Settings;
use crate::settings::dotenv;
use crate::startup::carrier;
use crate::tenant::owner::Owner;
use crate::tenant::plan::Plan;
use crate::tenant::stamp::Stamp;

/// What to move.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Each file holds TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, and may hold TWILIO_API_KEY, TWILIO_API_SECRET, and the\n\
    numbers in TWILIO_PHONE_NUMBER or TWILIO_PHONE_NUMBERS with commas between. The organization is RINGFALL_ORG in the\n\
    file, or the file's name without its ending. Only you may be able to read the files (mode 600). Moving twice changes nothing."
)]
pub(super) struct Import {
    /// A file, or a folder whose `.env` files are taken one after the other
    #[arg(long, value_name = "PATH")]
    env_file: PathBuf,
    /// The organization, when there is one file
    #[arg(long, value_name = "NAME", value_parser = slug)]
    org: Option<OrgSlug>,
    /// The plan of organizations that are founded for it
    #[arg(long, value_name = "PLAN", value_parser = org::plan, default_value = "premium")]
    plan: Plan,
    /// Only say what would change
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    observing: Observing,
}

pub(super) async fn run(office: &Office, settings: &Settings, args: &Import, by: &Stamp) -> anyhow::Result<Outcome> {
    let files = files(&args.env_file)?;
    if args.org.is_some() && args.env_file.is_dir() {
        return Err(Misuse("one organization cannot take a folder of accounts: leave `--org` out".to_owned()).into());
    }
    let check = carrier::Check::new(settings)?;
    let mode = if args.dry_run { Mode::DryRun } else { Mode::Really };
    let mut failed = 0;
    for path in &files {
        let done = match wish(path, args) {
            Ok(wish) => office.import(&wish, &check, mode, by).await.map_err(anyhow::Error::from),
            Err(error) => Err(error),
        };
        match done {
            Ok(lines) => terminal::put(&drawn(path, &lines)),
            Err(error) => {
                failed += 1;
                eprintln!("error: {}: {error:#}", path.display());
            }
        }
    }
    Ok(match failed {
        0 => Outcome::Fine,
        _ if files.len() == 1 => Outcome::Misuse,
        _ => Outcome::Findings,
    })
}

fn drawn(path: &Path, lines: &[String]) -> String {
    let shown = path.display();
    if lines.is_empty() {
        return format!("{shown}: nothing to do\n");
    }
    lines.iter().map(|line| format!("{shown}: {line}\n")).collect()
}

/// The file, or the folder's files in their order.
fn files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "env") {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(Misuse(format!("there is no `.env` file in `{}`", path.display())).into());
    }
    Ok(files)
}

fn wish(path: &Path, args: &Import) -> anyhow::Result<import::Import> {
    let misuse = |text: String| anyhow::Error::from(Misuse(text));
    anyhow::ensure!(path.exists(), "there is no such file");
    let values = dotenv::read(path).map_err(misuse)?;
    let values: BTreeMap<String, Secret> = values.into_iter().map(|(name, text)| (name, Secret::new(text))).collect();
    let given = |name: &str| values.get(name).filter(|text| !text.expose().is_empty());
    let needed = |name: &str| given(name).ok_or_else(|| misuse(format!("`{name}` is missing")));
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let named = given("RINGFALL_ORG").map_or(&*stem, |text| text.expose());
    let org = match &args.org {
        Some(org) => org.clone(),
        None => OrgSlug::parse(named).map_err(|error| misuse(error.to_string()))?,
    };
    // What stands there is not shown: it may be the token.
    let account = AccountSid::parse(needed("TWILIO_ACCOUNT_SID")?.expose());
    let account = account.map_err(|_error| misuse("`TWILIO_ACCOUNT_SID` must be `AC` and 32 hex digits".to_owned()))?;
    let api_key = match (given("TWILIO_API_KEY"), given("TWILIO_API_SECRET")) {
        (Some(sid), Some(secret)) => {
            let sid = ApiKeySid::parse(sid.expose());
            let sid = sid.map_err(|_error| misuse("`TWILIO_API_KEY` must be `SK` and 32 hex digits".to_owned()))?;
            Some(ApiKey { sid, secret: secret.clone() })
        }
        (None, None) => None,
        (Some(_), None) => return Err(misuse("`TWILIO_API_SECRET` is missing beside its key".to_owned())),
        (None, Some(_)) => return Err(misuse("`TWILIO_API_KEY` is missing beside its secret".to_owned())),
    };
    let listed = ["TWILIO_PHONE_NUMBER", "TWILIO_PHONE_NUMBERS"].into_iter().filter_map(given);
    let mut numbers = Vec::new();
    for text in listed.flat_map(|text| text.expose().split([',', ' '])).filter(|text| !text.is_empty()) {
        let number = E164::parse(text).map_err(|error| misuse(format!("a number is not one: {error}")))?;
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    let owner = Owner::Org(org.clone());
    let token = needed("TWILIO_AUTH_TOKEN")?.clone();
    let connect = Connect { owner, account, token, api_key, numbers, observe: args.observing.observe() };
    Ok(import::Import { org, plan: args.plan, connect })
}
