//! The rules that recordings are played under.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::rulefiles;
use crate::replay::copy;
use crate::replay::recording::Recording;
use crate::rules::ruleset::RuleSet;

/// Rules by where they are; each is read once.
pub(crate) struct Shelf {
    others: Option<Others>,
    by_path: BTreeMap<PathBuf, Result<Arc<RuleSet>, String>>,
    by_copy: BTreeMap<String, Result<Arc<RuleSet>, String>>,
}

/// The rules that were named instead.
enum Others {
    One(Arc<RuleSet>),
    ByName(PathBuf, BTreeMap<String, Arc<RuleSet>>),
}

/// The rules to play under, and the recording's own copy, if it has one.
pub(crate) struct Under {
    pub(crate) rules: Arc<RuleSet>,
    pub(crate) own: Option<Arc<RuleSet>>,
}

impl Shelf {
    /// With these rules instead of those that recordings name, if any are given.
    pub(crate) fn new(instead: Option<&Path>) -> anyhow::Result<Self> {
        let others = instead.map(Others::read).transpose()?;
        Ok(Self { others, by_path: BTreeMap::new(), by_copy: BTreeMap::new() })
    }

    /// The rules of a recording that stands in `file`.
    pub(crate) fn of(&mut self, file: &Path, recording: &Recording) -> Result<Under, String> {
        let own = if recording.rules.texts.is_empty() { None } else { Some(self.copy(recording)?) };
        let rules = match (&self.others, &own, &recording.rules.file) {
            (Some(others), _, _) => others.of(&recording.org)?,
            (None, Some(own), _) => Arc::clone(own),
            (None, None, Some(path)) => {
                let folder = file.parent().unwrap_or(Path::new("."));
                self.file(&folder.join(path))?
            }
            (None, None, None) => {
                let digest = &recording.rules.digest;
                return Err(format!("its rules `{digest}` are gone: name others with `--rules`"));
            }
        };
        Ok(Under { rules, own })
    }

    fn copy(&mut self, recording: &Recording) -> Result<Arc<RuleSet>, String> {
        let digest = &recording.rules.digest;
        let made = self.by_copy.entry(digest.clone()).or_insert_with(|| {
            let rules = copy::rules(&recording.rules.texts)?;
            let found = rules.digest.short();
            if found != *digest {
                return Err(format!("the rules in it have the digest `{found}`, and it says `{digest}`"));
            }
            Ok(Arc::new(rules))
        });
        made.clone()
    }

    fn file(&mut self, path: &Path) -> Result<Arc<RuleSet>, String> {
        let made = self.by_path.entry(path.to_owned()).or_insert_with(|| {
            let shown = path.display();
            if !path.is_file() {
                return Err(format!("its rules `{shown}` are gone: name others with `--rules`"));
            }
            let files = rulefiles::gather(&[path.to_owned()]).map_err(|error| format!("{error:#}"))?;
            let rules = files.first().and_then(rulefiles::usable).map(|(rules, _)| Arc::new(rules));
            rules.ok_or_else(|| format!("its rules `{shown}` have errors"))
        });
        made.clone()
    }
}

impl Others {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let mut all = BTreeMap::new();
        for file in rulefiles::gather(&[path.to_owned()])? {
            let stem = Path::new(&file.name).file_stem().map(|stem| stem.to_string_lossy().into_owned());
            let Some((rules, _)) = rulefiles::usable(&file) else {
                anyhow::bail!("the rules in `{}` have errors", file.name);
            };
            if !path.is_dir() {
                return Ok(Self::One(Arc::new(rules)));
            }
            all.insert(stem.unwrap_or_default(), Arc::new(rules));
        }
        Ok(Self::ByName(path.to_owned(), all))
    }

    fn of(&self, org: &str) -> Result<Arc<RuleSet>, String> {
        match self {
            Self::One(rules) => Ok(Arc::clone(rules)),
            Self::ByName(folder, all) => {
                let missing = || format!("there are no rules for `{org}` in `{}`", folder.display());
                all.get(org).map(Arc::clone).ok_or_else(missing)
            }
        }
    }
}
