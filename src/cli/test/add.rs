//! `ringfall test add`: a recorded call becomes a test of the rule file.

#![expect(clippy::print_stderr, reason = "the command line talks on standard error")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cli::Answer;
use crate::cli::outcome::Outcome;
use crate::cli::record::From;
use crate::cli::record::recorder::{Recorder, Unrecorded, Where};
use crate::cli::replay::files;
use crate::cli::replay::shelf::Shelf;
use crate::cli::rulefiles;
use crate::cli::templates::Skins;
use crate::cli::terminal;
use crate::files::Folder;
use crate::journey::verdict;
use crate::replay::again::{Stage, Tape};
use crate::replay::case::{self, Detail, Told};
use crate::replay::recording::Recording;
use crate::rules::{FileError, Files, Loaded, load};
use crate::settings::layers::Surroundings;

/// Which call, and which rule file.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    ringfall test add --call CA0123456789abcdef0123456789abcdef\n  \
    ringfall test add --fixture fixtures/recorded/backup-talks.yaml --name \"Lee takes over\" routing-rules/acme.yaml\n\n\
    The rest of the file stays as it is. A test that does not pass is not added.")]
pub struct Add {
    /// A call of the audit trail, by the carrier's identifier
    #[arg(long, value_name = "CA…", required_unless_present = "fixture", conflicts_with = "fixture")]
    call: Option<String>,
    /// A recorded call
    #[arg(long, value_name = "FILE")]
    fixture: Option<PathBuf>,
    /// The sentence that says what holds; one is made up otherwise
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Write it beside the rule file, into `tests/` with the rule file's name, and include that
    #[arg(long)]
    beside: bool,
    #[command(flatten)]
    from: From,
    /// The rule file; the organization's own in the folder of rule files otherwise
    file: Option<PathBuf>,
}

pub(crate) fn run(args: &Add) -> Answer {
    let (recording, place) = match (&args.fixture, &args.call) {
        (Some(path), _) => {
            let text = files::text(path).map_err(|error| anyhow::anyhow!("`{}`: {error}", path.display()))?;
            (Recording::read(&path.display().to_string(), &text)?, path.clone())
        }
        (None, Some(call)) => {
            let recorder = Recorder::new(&args.from)?;
            let found = recorder.find(call)?.with_context(|| format!("there is no call `{call}` in the trail"))?;
            let here = Path::new(".");
            match recorder.record(&found, Where::Home(here)) {
                Ok(recording) => (recording, here.join("call.yaml")),
                Err(Unrecorded(why)) => anyhow::bail!("call {call}: {why}"),
            }
        }
        (None, None) => return Ok(Outcome::Misuse),
    };
    let told = told(&recording, &place, args.from.templates.as_deref())?;
    let target = args.file.clone().unwrap_or_else(|| rules_folder(&args.from).join(format!("{}.yaml", recording.org)));
    let page = Page::read(&target, args.beside)?;
    let Some(before) = page.loaded().rules.map(|_| page.names()) else {
        eprintln!("error: not added: `{}` has errors: `ringfall check` shows them", target.display());
        return Ok(Outcome::Findings);
    };
    let wished = args.name.clone().unwrap_or_else(|| told.sentence());
    let name = if args.name.is_some() { wished } else { free(&wished, &before) };
    let mut why = Vec::new();
    for detail in [Detail::All, Detail::FirstAttempt] {
        match page.with(&told.lines(&name, detail)) {
            Ok(changed) => match changed.passes(&name) {
                Ok(()) => {
                    changed.write()?;
                    terminal::put(&format!("added to `{}`: {name}\n", changed.written_to().display()));
                    return Ok(Outcome::Fine);
                }
                Err(reasons) => why = reasons,
            },
            Err(error) => why = vec![error],
        }
    }
    eprintln!("error: not added, because it would not pass: {name}");
    for line in why {
        eprintln!("  {line}");
    }
    Ok(Outcome::Findings)
}

/// What happened in the call, under the rules that it went by.
fn told(recording: &Recording, place: &Path, templates: Option<&Path>) -> anyhow::Result<Told> {
    let under = Shelf::new(None)?.of(place, recording).map_err(anyhow::Error::msg)?;
    let tape = Tape::of(recording).map_err(anyhow::Error::msg)?;
    let skins = Skins::of_folder(templates)?;
    let stage = Stage::believing(&under.rules, skins.of(&recording.org));
    Ok(case::tell(recording, &tape, &stage)?)
}

fn rules_folder(from: &From) -> PathBuf {
    from.rules.clone().unwrap_or_else(|| {
        // Settings that cannot be used are for `ringfall serve` to complain about.
        let settings = crate::settings::load(&Surroundings::of_process(BTreeMap::new(), None)).settings;
        settings.map_or_else(|_faults| PathBuf::from("routing-rules"), |settings| settings.rules)
    })
}

/// The name, with a number behind it when it is taken.
fn free(name: &str, taken: &[String]) -> String {
    let mut names = std::iter::once(name.to_owned()).chain((2..).map(|number| format!("{name} ({number})")));
    names.find(|name| !taken.contains(name)).unwrap_or_default()
}

/// A rule file with the file beside it, as they stand or as they are going to.
#[derive(Clone)]
struct Page {
    path: PathBuf,
    text: String,
    /// The file of tests beside it: its path below the folder, and its text.
    beside: Option<(String, String)>,
}

impl Page {
    fn read(path: &Path, beside: bool) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("could not read `{}`", path.display()))?;
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let beside = beside.then(|| {
            let name = format!("tests/{stem}.yaml");
            let text = std::fs::read_to_string(folder_of(path).join(&name)).unwrap_or_default();
            (name, text)
        });
        Ok(Self { path: path.to_owned(), text, beside })
    }

    fn loaded(&self) -> Loaded {
        let files = Overlay { folder: Folder::new(folder_of(&self.path).to_owned()), over: self.beside.as_ref() };
        load(&self.path.display().to_string(), self.text.as_bytes(), &files, rulefiles::today())
    }

    fn names(&self) -> Vec<String> {
        self.loaded().cases.iter().map(|case| case.name.to_string()).collect()
    }

    /// The same with one more test.
    fn with(&self, item: &[String]) -> Result<Self, String> {
        let mut changed = self.clone();
        match &mut changed.beside {
            None => changed.text = case::inserted(&self.text, item).map_err(|error| error.to_string())?,
            Some((name, text)) => {
                let before = if text.is_empty() { "# Tests made of calls.\ntests:\n" } else { text.as_str() };
                *text = case::inserted(before, item).map_err(|error| error.to_string())?;
                changed.text = case::including(&self.text, name).map_err(|error| error.to_string())?;
            }
        }
        Ok(changed)
    }

    /// Whether the file loads with the test of that name, and the test passes.
    fn passes(&self, name: &str) -> Result<(), Vec<String>> {
        let loaded = self.loaded();
        let Some(rules) = &loaded.rules else {
            let errors = loaded.diagnostics.iter().filter(|diagnostic| diagnostic.is_error());
            return Err(errors.map(|error| error.message.clone()).collect());
        };
        let case = loaded.cases.iter().find(|case| &*case.name == name.trim());
        let case = case.ok_or_else(|| vec!["the test is not found again in the file".to_owned()])?;
        let verdict = verdict::judge(rules, case);
        if verdict.passed() {
            return Ok(());
        }
        let line = |failure: &verdict::Failure| {
            format!("{}: the call had {}, a test of these rules has {}", failure.what, failure.expected, failure.got)
        };
        Err(verdict.failures.iter().map(line).collect())
    }

    fn write(&self) -> anyhow::Result<()> {
        let put = |path: &Path, text: &str| {
            std::fs::write(path, text).with_context(|| format!("could not write `{}`", path.display()))
        };
        if let Some((_, text)) = &self.beside {
            let path = self.written_to();
            std::fs::create_dir_all(folder_of(&path))?;
            // First the tests: a rule file must not include what is not there.
            put(&path, text)?;
        }
        put(&self.path, &self.text)
    }

    fn written_to(&self) -> PathBuf {
        match &self.beside {
            Some((name, _)) => folder_of(&self.path).join(name),
            None => self.path.clone(),
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The files on disk, one of which may already be as it is going to be.
struct Overlay<'a> {
    folder: Folder,
    over: Option<&'a (String, String)>,
}

impl Files for Overlay<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        match self.over.filter(|(name, text)| name == path && !text.is_empty()) {
            Some((_, text)) => Ok(text.clone().into_bytes()),
            None => self.folder.read(path),
        }
    }

    fn find(&self, path: &str) -> Result<(), FileError> {
        self.folder.find(path)
    }
}
