//! What commands about a running service's surroundings share: the settings, and one organization's rules.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context as _;

use crate::cli::office::Misuse;
use crate::cli::rulefiles::{self, RuleFile};
use crate::model::ids::OrgSlug;
use crate::rules::ruleset::RuleSet;
use crate::settings::layers::Surroundings;
use crate::settings::{self, Loaded, RulesFrom, Settings};

mod stored;

/// Where the settings are looked for.
#[derive(Debug, clap::Args)]
pub struct Where {
    /// Settings file [default: ringfall.yaml, when there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder with one rule file for each organization [default: routing-rules]
    #[arg(long, value_name = "FOLDER")]
    rules: Option<String>,
    /// Folder of the journal [default: data]
    #[arg(long, value_name = "FOLDER")]
    data: Option<String>,
}

impl Where {
    /// The settings.
    pub(crate) fn settings(&self) -> anyhow::Result<Settings> {
        Ok(self.loaded().settings?)
    }

    /// The same, with whatever looks wrong.
    pub(crate) fn loaded(&self) -> Loaded {
        let given = [("rules", &self.rules), ("data", &self.data)];
        let mut flags: BTreeMap<_, _> = given.into_iter().filter_map(|(name, it)| Some((name, it.clone()?))).collect();
        if self.rules.is_some() {
            // Who names a folder means that folder.
            flags.insert("rules_from", "folder".to_owned());
        }
        settings::load(&Surroundings::of_process(flags, self.config.clone()))
    }
}

/// The rules of an organization; without a name, those of the only one.
pub(crate) fn organization(settings: &Settings, org: Option<&OrgSlug>) -> anyhow::Result<(OrgSlug, RuleSet)> {
    let AtHand { good: mut all, bad } = organizations(settings, org)?;
    if let Some(error) = bad.into_iter().next() {
        return Err(error);
    }
    if all.len() > 1 {
        let names: Vec<_> = all.iter().map(|(slug, _)| format!("`{slug}`")).collect();
        return Err(
            Misuse(format!("several organizations have rules: say which with `--org`: {}", names.join(", "))).into()
        );
    }
    all.pop().with_context(|| match settings.rules_from {
        RulesFrom::Folder => format!("there are no rules in `{}`", settings.rules.display()),
        RulesFrom::Store => "no organization has rules in the store".to_owned(),
    })
}

/// Rules that are at hand.
#[derive(Debug, Default)]
pub(crate) struct AtHand {
    /// Those that can be used.
    pub(crate) good: Vec<(OrgSlug, RuleSet)>,
    /// Why each of the other files cannot.
    pub(crate) bad: Vec<anyhow::Error>,
}

/// The rules of one organization, or of all, from where the service has them.
pub(crate) fn organizations(settings: &Settings, org: Option<&OrgSlug>) -> anyhow::Result<AtHand> {
    if settings.rules_from == RulesFrom::Store {
        return stored::rules(settings, org);
    }
    let files = match org {
        Some(org) => {
            let path = file(settings, org);
            let path = path.with_context(|| format!("there is no `{org}.yaml` in `{}`", settings.rules.display()))?;
            rulefiles::gather(&[path])?
        }
        None => rulefiles::gather(std::slice::from_ref(&settings.rules))?,
    };
    let mut found = AtHand::default();
    for file in &files {
        match of(file) {
            Ok(good) => found.good.push(good),
            Err(bad) => found.bad.push(bad),
        }
    }
    Ok(found)
}

/// The rule file of the organization, where there is one.
fn file(settings: &Settings, org: &OrgSlug) -> Option<PathBuf> {
    let paths = ["yaml", "yml"].iter().map(|ending| settings.rules.join(format!("{org}.{ending}")));
    paths.into_iter().find(|path| path.is_file())
}

/// Where the organization's rules stand, in words.
pub(crate) fn place(settings: &Settings, org: &OrgSlug) -> String {
    match settings.rules_from {
        RulesFrom::Folder => file(settings, org).unwrap_or_default().display().to_string(),
        RulesFrom::Store => format!("the revision of `{org}`"),
    }
}

fn of(file: &RuleFile) -> anyhow::Result<(OrgSlug, RuleSet)> {
    let stem = std::path::Path::new(&file.name).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let slug = OrgSlug::parse(&stem).with_context(|| format!("`{}` is not named after an organization", file.name))?;
    let (rules, _) = rulefiles::usable(file).with_context(|| format!("`{}` has mistakes", file.name))?;
    Ok((slug, rules))
}

/// Reads an organization's name on the command line.
pub(crate) fn slug(text: &str) -> Result<OrgSlug, String> {
    OrgSlug::parse(text).map_err(|error| error.to_string())
}
