//! Files as they were in a revision of a git repository, read through the `git` command.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::files::LARGEST;
use crate::rules::{FileError, Files};

/// Why nothing can be had from a revision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RevisionError {
    /// There is no `git` command.
    #[error("the `git` command cannot be run ({0}): install git, or give files instead of revisions")]
    NoGit(String),
    /// The folder is in no repository.
    #[error("`{0}` is in no git repository, so it has no revisions")]
    NoRepository(PathBuf),
    /// There is no such revision.
    #[error("there is no file or folder `{0}`, and no git revision of that name either")]
    NoRevision(String),
    /// The revision has nothing of that path.
    #[error("revision `{revision}` has no `{path}`: paths in a revision start at the root of the repository")]
    NoPath {
        /// The revision.
        revision: String,
        /// The path in it.
        path: String,
    },
}

/// A path in a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// Where git is asked.
    folder: PathBuf,
    /// The revision as the user named it.
    revision: String,
    /// The path in it; below `folder` when it opens with `./`, and below the repository's root otherwise.
    path: String,
}

impl Revision {
    /// The path in the revision, if there are such a revision and path; asked in `folder`.
    pub fn find(folder: &Path, revision: &str, path: &str) -> Result<Self, RevisionError> {
        git(folder, &["rev-parse", "--git-dir"])?.ok_or_else(|| RevisionError::NoRepository(folder.to_owned()))?;
        let commit = format!("{revision}^{{commit}}");
        let known =
            !revision.starts_with('-') && git(folder, &["rev-parse", "--verify", "--quiet", &commit])?.is_some();
        if !known {
            return Err(RevisionError::NoRevision(revision.to_owned()));
        }
        let found = Self { folder: folder.to_owned(), revision: revision.to_owned(), path: path.to_owned() };
        if git(folder, &["cat-file", "-e", &found.object(&found.path)])?.is_none() {
            return Err(RevisionError::NoPath { revision: revision.to_owned(), path: path.to_owned() });
        }
        Ok(found)
    }

    /// The name that people know it by.
    pub fn name(&self) -> String {
        self.object(self.path.strip_prefix("./").unwrap_or(&self.path))
    }

    /// The rule files in it, if it is a folder, in the order of their names; none if it is a file.
    pub fn rule_files(&self) -> Result<Option<Vec<Self>>, RevisionError> {
        let kind = git(&self.folder, &["cat-file", "-t", &self.object(&self.path)])?.unwrap_or_default();
        if kind.trim_ascii() != b"tree" {
            return Ok(None);
        }
        let listed =
            git(&self.folder, &["ls-tree", "-z", "--name-only", &self.object(&self.path)])?.unwrap_or_default();
        let names = String::from_utf8_lossy(&listed).into_owned();
        let mut files: Vec<Self> = names
            .split('\0')
            .filter(|name| !name.starts_with('.') && (name.ends_with(".yaml") || name.ends_with(".yml")))
            .map(|name| Self { path: joined(&self.path, name), ..self.clone() })
            .collect();
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(Some(files))
    }

    /// The content of the file.
    pub fn content(&self) -> Result<Vec<u8>, RevisionError> {
        git(&self.folder, &["cat-file", "blob", &self.object(&self.path)])?
            .ok_or_else(|| RevisionError::NoPath { revision: self.revision.clone(), path: self.path.clone() })
    }

    fn object(&self, path: &str) -> String {
        format!("{}:{path}", self.revision)
    }
}

/// A file's neighbors in the same revision: what it includes, its lists and its recordings.
impl Files for Revision {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        let beside = crate::files::inside(path)?;
        let folder = self.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let object = self.object(&joined(folder, beside));
        let content = git(&self.folder, &["cat-file", "blob", &object]);
        let content = content.map_err(|error| FileError::Unreadable(error.to_string()))?.ok_or(FileError::Missing)?;
        let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
        if length > LARGEST {
            Err(FileError::Unreadable(format!("it is larger than {LARGEST} bytes")))
        } else {
            Ok(content)
        }
    }
}

fn joined(folder: &str, name: &str) -> String {
    let folder = folder.trim_end_matches('/');
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// What git writes; none when it says no.
fn git(folder: &Path, arguments: &[&str]) -> Result<Option<Vec<u8>>, RevisionError> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(arguments);
    let output = command.output().map_err(|error| RevisionError::NoGit(error.to_string()))?;
    Ok(output.status.success().then_some(output.stdout))
}
