//! The rule files that a command is pointed at: a file, a folder of them, or standard input.

#![expect(clippy::print_stderr, reason = "the command line talks on standard error")]

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jiff::Timestamp;

use crate::app::revisions::{self, Examined};
use crate::cli::terminal;
use crate::diagnostic::Diagnostic;
use crate::draw::diagnostics;
use crate::files::Folder;
use crate::files::revision::Revision;
use crate::model::ids::OrgSlug;
use crate::rules::Loaded;
use crate::rules::case::Case;
use crate::rules::ruleset::RuleSet;

/// What stands for standard input on the command line.
pub(crate) const STDIN: &str = "-";

/// What standard input is called in messages.
pub(crate) const STDIN_NAME: &str = "<stdin>";

/// A rule file, read but not yet understood.
#[derive(Debug)]
pub(crate) struct RuleFile {
    /// The name as the user gave it.
    pub(crate) name: String,
    bytes: Vec<u8>,
    beside: Beside,
}

/// Where the files stand that a rule file names.
#[derive(Debug)]
enum Beside {
    Folder(PathBuf),
    Revision(Revision),
}

impl RuleFile {
    /// Looks at it as at rules that somebody brings for an organization.
    pub(crate) fn examine(&self, org: &OrgSlug, now: Timestamp) -> Examined {
        match &self.beside {
            Beside::Folder(folder) => revisions::examine(org, &self.bytes, &Folder::new(folder.clone()), now),
            Beside::Revision(revision) => revisions::examine(org, &self.bytes, revision, now),
        }
    }

    /// Understands it; the files it names stand beside it.
    pub(crate) fn load(&self) -> Loaded {
        match &self.beside {
            Beside::Folder(folder) => {
                crate::rules::load(&self.name, &self.bytes, &Folder::new(folder.clone()), today())
            }
            Beside::Revision(revision) => crate::rules::load(&self.name, &self.bytes, revision, today()),
        }
    }

    /// The organization's short name: the file's name without its ending.
    pub(crate) fn stem(&self) -> String {
        Path::new(&self.name).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// A file of a revision.
    pub(crate) fn of_revision(revision: Revision) -> anyhow::Result<Self> {
        let bytes = revision.content()?;
        Ok(Self { name: revision.name(), bytes, beside: Beside::Revision(revision) })
    }
}

/// The rules and tests of a file; what keeps it from being used is told on standard error.
pub(crate) fn usable(file: &RuleFile) -> Option<(RuleSet, Vec<Case>)> {
    let loaded = file.load();
    let errors: Vec<Diagnostic> =
        loaded.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).cloned().collect();
    if !errors.is_empty() {
        eprintln!("{}", diagnostics::text(&errors, terminal::style(&std::io::stderr())));
    }
    loaded.rules.map(|rules| (rules, loaded.cases))
}

/// All rule files of these paths, in the order given, those of a folder by name.
pub(crate) fn gather(paths: &[PathBuf]) -> anyhow::Result<Vec<RuleFile>> {
    let mut files = Vec::new();
    for path in paths {
        if path.as_os_str() == STDIN {
            let mut bytes = Vec::new();
            std::io::stdin().read_to_end(&mut bytes).context("could not read standard input")?;
            files.push(RuleFile { name: STDIN_NAME.to_owned(), bytes, beside: Beside::Folder(PathBuf::from(".")) });
        } else if path.is_dir() {
            let inside = of_folder(path)?;
            anyhow::ensure!(!inside.is_empty(), "the folder `{}` has no rule files (`*.yaml`)", path.display());
            for path in inside {
                files.push(of_file(&path)?);
            }
        } else {
            files.push(of_file(path)?);
        }
    }
    Ok(files)
}

fn of_folder(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let shown = folder.display();
    let entries = std::fs::read_dir(folder).with_context(|| format!("could not read the folder `{shown}`"))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("could not read the folder `{shown}`"))?.path();
        let yaml = path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if yaml && !hidden && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn of_file(path: &Path) -> anyhow::Result<RuleFile> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).with_context(|| format!("could not read `{name}`"))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(RuleFile { name, bytes, beside: Beside::Folder(folder.to_owned()) })
}

/// The day by the clock and zone of this machine; warnings about lists that run out look at it.
#[expect(clippy::disallowed_methods, reason = "the command line is an edge: here the day comes in")]
pub(crate) fn today() -> jiff::civil::Date {
    jiff::Zoned::now().date()
}
