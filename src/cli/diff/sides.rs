//! The two sides of a comparison: files, folders of them, or revisions.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cli::rulefiles::{self, RuleFile, STDIN};
use crate::files::revision::{Revision, RevisionError};
use crate::rules::ruleset::RuleSet;

/// One file's rules.
#[derive(Debug)]
pub(crate) struct Side {
    /// The file as it is named in reports.
    pub(crate) name: String,
    /// The organization: the file's name without its ending.
    pub(crate) stem: String,
    /// What is in it.
    pub(crate) rules: RuleSet,
}

/// What is to be compared with what.
#[derive(Debug)]
pub(crate) struct Sides {
    /// The files of both, old and new.
    pub(crate) pairs: Vec<(Side, Side)>,
    /// Files that only the old side has.
    pub(crate) gone: Vec<String>,
    /// Files that only the new side has.
    pub(crate) fresh: Vec<String>,
}

/// Reads both sides; an error when one cannot be used.
pub(crate) fn sides(old: &str, new: &str) -> anyhow::Result<Sides> {
    let (one, other) = (Given::read(old, new)?, Given::read(new, old)?);
    if let ([one], [other]) = (one.files.as_slice(), other.files.as_slice())
        && !one_is_folder(one, other, old, new)
    {
        return Ok(Sides { pairs: vec![(load(one)?, load(other)?)], gone: Vec::new(), fresh: Vec::new() });
    }
    let mut sides = Sides { pairs: Vec::new(), gone: Vec::new(), fresh: Vec::new() };
    for file in &one.files {
        match other.files.iter().find(|other| other.stem() == file.stem()) {
            Some(other) => sides.pairs.push((load(file)?, load(other)?)),
            None => sides.gone.push(file.name.clone()),
        }
    }
    let known = |file: &&RuleFile| one.files.iter().any(|other| other.stem() == file.stem());
    sides.fresh.extend(other.files.iter().filter(|file| !known(file)).map(|file| file.name.clone()));
    Ok(sides)
}

/// Two folders with one file each are compared by name all the same.
fn one_is_folder(one: &RuleFile, other: &RuleFile, old: &str, new: &str) -> bool {
    let folder = |text: &str| Path::new(text).is_dir();
    folder(old) && folder(new) && one.stem() != other.stem()
}

fn load(file: &RuleFile) -> anyhow::Result<Side> {
    let (rules, _) = rulefiles::usable(file).with_context(|| format!("the rules of `{}` cannot be used", file.name))?;
    Ok(Side { name: file.name.clone(), stem: file.stem(), rules })
}

/// One side as it was given.
struct Given {
    files: Vec<RuleFile>,
}

impl Given {
    fn read(text: &str, other: &str) -> anyhow::Result<Self> {
        let path = PathBuf::from(text);
        if text == STDIN || path.exists() {
            return Ok(Self { files: rulefiles::gather(&[path])? });
        }
        let revision = match text.split_once(':') {
            Some((revision, path)) if !revision.is_empty() => Revision::find(Path::new("."), revision, path)?,
            _ => bare(text, other)?,
        };
        let files = match revision.rule_files()? {
            Some(files) => {
                anyhow::ensure!(!files.is_empty(), "the folder `{}` has no rule files (`*.yaml`)", revision.name());
                files.into_iter().map(RuleFile::of_revision).collect::<anyhow::Result<_>>()?
            }
            None => vec![RuleFile::of_revision(revision)?],
        };
        Ok(Self { files })
    }
}

/// A bare revision means the other side's path in it.
fn bare(text: &str, other: &str) -> anyhow::Result<Revision> {
    let path = Path::new(other);
    let place = path.canonicalize().ok().filter(|_| path.exists());
    let Some((folder, name)) = place.as_ref().and_then(|place| Some((place.parent()?, place.file_name()?))) else {
        // Two revisions, or a slip of the pen: the words of git's own answer tell which.
        let known = Revision::find(Path::new("."), text, "");
        return match known {
            Err(error @ (RevisionError::NoRevision(_) | RevisionError::NoGit(_))) => Err(error.into()),
            Err(RevisionError::NoRepository(_)) => Err(RevisionError::NoRevision(text.to_owned()).into()),
            Ok(_) | Err(RevisionError::NoPath { .. }) => {
                anyhow::bail!("`{text}` is a revision: say which path, as in `{text}:routing-rules`")
            }
        };
    };
    let found = Revision::find(folder, text, &format!("./{}", name.to_string_lossy()));
    // Whoever names a file that is not there seldom thinks of git.
    let outside = matches!(found, Err(RevisionError::NoRepository(_)));
    if outside { Err(RevisionError::NoRevision(text.to_owned()).into()) } else { found.map_err(Into::into) }
}
