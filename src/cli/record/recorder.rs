//! One call of the trail after the other, made into recordings.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use crate::cli::record::{From, key};
use crate::cli::rulefiles;
use crate::cli::templates::Skins;
use crate::replay::again::Stage;
use crate::replay::copy;
use crate::replay::recording::{Recording, RuleText, RulesOf};
use crate::replay::standins::{Key, Own, StandIns};
use crate::replay::take::{self, Studio};
use crate::rules::ruleset::RuleSet;
use crate::settings::layers::Surroundings;
use crate::store::Archive;

/// A call of the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) org: String,
    pub(crate) call: String,
}

/// Why a call is not recorded.
#[derive(Debug)]
pub(crate) struct Unrecorded(pub(crate) String);

/// Where the rules of a recording are to stand.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Where<'a> {
    /// In the rule file, named from this folder; in a copy when the file has changed since.
    Beside(&'a Path),
    /// The same, for what goes into the owner's own rule file: numbers of the rules stay, in a copy too.
    Home(&'a Path),
    /// In a copy.
    Copy,
}

/// Everything that recording needs.
pub(crate) struct Recorder {
    pub(crate) archive: Archive,
    org: Option<String>,
    rules: PathBuf,
    templates: Skins,
    key: Key,
    kept: RefCell<BTreeMap<(String, String), Copied>>,
    files: RefCell<BTreeMap<String, Option<Filed>>>,
}

/// The rules of one digest, or why they cannot be had.
type Copied = Result<Arc<Kept>, String>;

/// A rule file and what stands in it.
type Filed = (PathBuf, Arc<RuleSet>);

/// Rules as the journal keeps them.
struct Kept {
    texts: Vec<RuleText>,
    rules: RuleSet,
}

impl Recorder {
    pub(crate) fn new(from: &From) -> anyhow::Result<Self> {
        // Settings that cannot be used are for `ringfall serve` to complain about.
        let settings = crate::settings::load(&Surroundings::of_process(BTreeMap::new(), None)).settings.ok();
        let (data, rules) = settings
            .map_or_else(|| ("data".into(), "routing-rules".into()), |settings| (settings.data, settings.rules));
        let data = from.data.clone().unwrap_or(data);
        Ok(Self {
            archive: Archive::open(&data)?,
            org: from.org.clone(),
            rules: from.rules.clone().unwrap_or(rules),
            templates: Skins::of_folder(from.templates.as_deref())?,
            key: key::of(from.key_file.as_deref(), &data)?,
            kept: RefCell::default(),
            files: RefCell::default(),
        })
    }

    /// The call of that identifier, in whichever organization it is.
    pub(crate) fn find(&self, call: &str) -> anyhow::Result<Option<Found>> {
        if let Some(org) = &self.org {
            let found = self.archive.call(org, call)?;
            return Ok(found.map(|summary| Found { org: summary.org, call: summary.call }));
        }
        let mut found = None;
        self.archive.each_call(None, Timestamp::MIN..Timestamp::MAX, |summary| {
            if summary.call != call {
                return ControlFlow::Continue(());
            }
            found = Some(Found { org: summary.org, call: summary.call });
            ControlFlow::Break(())
        })?;
        Ok(found)
    }

    /// The recording of a call.
    pub(crate) fn record(&self, call: &Found, place: Where<'_>) -> Result<Recording, Unrecorded> {
        let fault = |error: &dyn std::fmt::Display| Unrecorded(error.to_string());
        let records = self.archive.records(&call.org, &call.call).map_err(|error| fault(&error))?;
        let digest = take::rules_of(&records).ok_or_else(|| fault(&take::TakeError::NothingDecided))?;
        let truth = take::true_recording(&records, digest).map_err(|error| fault(&error))?;
        let digest = digest.to_string();
        let templates = self.templates.of(&call.org);
        if let Where::Beside(folder) | Where::Home(folder) = place
            && let Some((path, rules)) = self.file(&call.org).filter(|(_, rules)| rules.digest.short() == digest)
        {
            let rules_of = RulesOf { digest, file: Some(from_folder(folder, &path)), texts: Vec::new() };
            let stage = || Stage::believing(&rules, templates);
            let studio = Studio { then: stage(), after: stage(), rules: rules_of };
            let mut all = StandIns::new(&self.key, &rules, Own::Stay);
            return take::stand_in(&truth, &studio, &mut all).map_err(|error| fault(&error));
        }
        let kept = self.kept(&call.org, &digest).map_err(Unrecorded)?;
        let own = if matches!(place, Where::Home(_)) { Own::Stay } else { Own::Replaced };
        let mut all = StandIns::new(&self.key, &kept.rules, own);
        let texts: Vec<RuleText> = kept
            .texts
            .iter()
            .map(|file| RuleText { path: file.path.clone(), text: all.rule_text(&file.text) })
            .collect();
        let copied = copy::rules(&texts);
        let copied = copied.map_err(|error| Unrecorded(format!("its rules cannot bear stand-ins: {error}")))?;
        let studio = Studio {
            then: Stage::believing(&kept.rules, templates),
            after: Stage::believing(&copied, templates),
            rules: RulesOf { digest: copied.digest.short(), file: None, texts },
        };
        take::stand_in(&truth, &studio, &mut all).map_err(|error| fault(&error))
    }

    /// The rules that the journal keeps under that digest.
    fn kept(&self, org: &str, digest: &str) -> Copied {
        let name = (org.to_owned(), digest.to_owned());
        let mut known = self.kept.borrow_mut();
        let made = known.entry(name).or_insert_with(|| {
            let found = self.archive.rules(org, digest).map_err(|error| error.to_string())?;
            let found = found.ok_or_else(|| format!("the rules `{digest}` that it went by are gone"))?;
            let stem = |path: &str| {
                // The copy names files as they stand in the rules folder, wherever that was.
                Path::new(path).file_name().map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
            };
            let texts = found.into_iter().enumerate().map(|(place, file)| {
                let path = if place == 0 { stem(&file.path) } else { file.path };
                RuleText { path, text: file.text }
            });
            let texts: Vec<RuleText> = texts.collect();
            let rules = copy::rules(&texts)?;
            Ok(Arc::new(Kept { texts, rules }))
        });
        made.clone()
    }

    /// The rule file of an organization, as it is now.
    fn file(&self, org: &str) -> Option<Filed> {
        let mut known = self.files.borrow_mut();
        let found = known.entry(org.to_owned()).or_insert_with(|| {
            let paths = ["yaml", "yml"].map(|ending| self.rules.join(format!("{org}.{ending}")));
            let path = paths.into_iter().find(|path| path.is_file())?;
            let file = rulefiles::gather(std::slice::from_ref(&path)).ok()?.into_iter().next()?;
            Some((path, Arc::new(file.load().rules?)))
        });
        found.clone()
    }
}

/// The path of a file as it is named in a folder.
fn from_folder(folder: &Path, file: &Path) -> String {
    let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_error| path.to_owned());
    let (folder, file) = (whole(folder), whole(file));
    let shared = folder.components().zip(file.components()).take_while(|(one, two)| one == two).count();
    let mut path = PathBuf::new();
    folder.components().skip(shared).for_each(|_| path.push(Component::ParentDir));
    file.components().skip(shared).for_each(|part| path.push(part));
    path.display().to_string()
}
