//! Rule files compiled side by side, and only those that changed since the last reading.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::thread;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::app::live::skins::Skins;
use crate::app::live::{Bundle, FileState, FileStatus, Fresh, Holders, Organization, Snapshot, TakenUp, Text, numbers};
use crate::app::ports::RuleText;
use crate::app::trial::Trial;
use crate::diagnostic::Diagnostic;
use crate::model::digest::Digest;
use crate::model::ids::OrgSlug;
use crate::rules::ruleset::{Rollout, RuleSet};
use crate::rules::{FileError, Files, Loaded};

/// What is remembered from one reading to the next.
#[derive(Default)]
pub(super) struct Kept {
    files: BTreeMap<String, KeptFile>,
    pub(super) skins: Skins,
    /// Who has which number.
    pub(super) held: Holders,
}

/// One rule file as it was last read.
pub(super) struct KeptFile {
    name: String,
    seen: Seen,
    /// What the present text gives.
    now: Outcome,
    /// The last good rules, and when they were read.
    pub(super) good: Option<(Arc<RuleSet>, Timestamp)>,
    /// What is on trial beside them.
    trial: Option<Arc<Trial>>,
}

/// What a compilation depended on.
#[derive(PartialEq, Eq)]
struct Seen {
    text: Digest,
    included: Vec<Included>,
}

/// A file that a rule file names.
#[derive(PartialEq, Eq)]
struct Included {
    path: String,
    digest: Digest,
    /// Whether its content matters, or only that it is there.
    whole: bool,
}

impl Included {
    fn is_same(&self, files: &dyn Files) -> bool {
        let digest =
            if self.whole { content_digest(&files.read(&self.path)) } else { presence_digest(&files.find(&self.path)) };
        digest == self.digest
    }
}

enum Outcome {
    Good { warnings: Vec<String> },
    Bad { problems: Vec<String> },
}

struct Compiled {
    seen: Seen,
    slug: Option<OrgSlug>,
    rules: Option<RuleSet>,
    trial: Option<Arc<Trial>>,
    texts: Vec<RuleText>,
    problems: Vec<String>,
}

/// A rule file to compile, and the files that it may name.
type Work<'a> = (&'a Text, &'a (dyn Files + Sync));

/// New rules with their texts, and whether anything differs.
type TakenIn = (Vec<Fresh>, bool);

impl Kept {
    /// Compiles what changed.
    pub(super) fn take_in(
        &mut self,
        texts: &[Text],
        files: &(dyn Files + Sync),
        today: Date,
        now: Timestamp,
    ) -> TakenIn {
        let changed: Vec<&Text> = texts.iter().filter(|text| !self.is_known(text, files)).collect();
        let before = self.files.len();
        self.files.retain(|stem, _| texts.iter().any(|text| text.stem == *stem));
        let differs = !changed.is_empty() || self.files.len() != before;
        let work: Vec<Work<'_>> = changed.iter().map(|text| (*text, files)).collect();
        (self.adopt(&work, today, now), differs)
    }

    /// Compiles bundles that changed, and forgets some organizations; the others stay as they are.
    pub(super) fn take_up(&mut self, bundles: &[TakenUp], gone: &[OrgSlug], today: Date, now: Timestamp) -> TakenIn {
        let before = self.files.len();
        self.files.retain(|stem, _| !gone.iter().any(|slug| slug.as_str() == stem));
        let split = |(slug, texts): &TakenUp| {
            let (main, others) = texts.split_first()?;
            let text =
                Text { name: main.path.clone(), stem: slug.to_string(), bytes: Ok(main.text.clone().into_bytes()) };
            Some((text, Bundle(others.to_vec())))
        };
        let found: Vec<(Text, Bundle)> = bundles.iter().filter_map(split).collect();
        let changed = found.iter().filter(|(text, bundle)| !self.is_known(text, bundle));
        let work: Vec<Work<'_>> = changed.map(|(text, bundle)| (text, bundle as &(dyn Files + Sync))).collect();
        let differs = !work.is_empty() || self.files.len() != before;
        (self.adopt(&work, today, now), differs)
    }

    /// Compiles these, and takes them in place of what was known under their names.
    fn adopt(&mut self, work: &[Work<'_>], today: Date, now: Timestamp) -> Vec<Fresh> {
        let mut fresh = Vec::new();
        for ((text, _), compiled) in work.iter().zip(compile_all(work, today)) {
            let older = self.files.remove(&text.stem).and_then(|file| file.good);
            let (now, good) = match (compiled.rules, compiled.slug) {
                (Some(rules), Some(slug)) => {
                    if older.as_ref().is_none_or(|(known, _)| known.digest != rules.digest) {
                        let tried = compiled.trial.iter().map(|it| (it.candidate.digest, it.texts.clone()));
                        fresh.push((slug, tried.chain([(rules.digest, compiled.texts)]).collect()));
                    }
                    (Outcome::Good { warnings: compiled.problems }, Some((Arc::new(rules), now)))
                }
                _ => (Outcome::Bad { problems: compiled.problems }, older),
            };
            self.files.insert(
                text.stem.clone(),
                KeptFile { name: text.name.clone(), seen: compiled.seen, now, good, trial: compiled.trial },
            );
        }
        fresh
    }

    /// Takes older rules for an organization whose file is bad; tells whether they were wanted.
    pub(super) fn stand_in(&mut self, slug: &OrgSlug, rules: RuleSet, now: Timestamp) -> bool {
        let Some(file) = self.files.get_mut(slug.as_str()).filter(|file| file.good.is_none()) else { return false };
        file.good = Some((Arc::new(rules), now));
        true
    }

    fn is_known(&self, text: &Text, files: &dyn Files) -> bool {
        let Some(file) = self.files.get(&text.stem).filter(|file| file.name == text.name) else { return false };
        file.seen.text == digest_of(text) && file.seen.included.iter().all(|included| included.is_same(files))
    }

    /// Fills the next snapshot: organizations, their numbers, and how each file stands.
    pub(super) fn settle(&self, before: &Snapshot, next: &mut Snapshot) {
        for (stem, file) in &self.files {
            let mut status = FileStatus {
                name: file.name.clone(),
                state: FileState::Refused,
                problems: Vec::new(),
                warnings: Vec::new(),
                since: None,
                digest: None,
            };
            match &file.now {
                Outcome::Good { warnings } => status.warnings.clone_from(warnings),
                Outcome::Bad { problems } => status.problems.clone_from(problems),
            }
            if let (Some((rules, since)), Ok(slug)) = (&file.good, OrgSlug::parse(stem)) {
                let good = matches!(file.now, Outcome::Good { .. });
                status.state = if good { FileState::Good } else { FileState::Stale };
                (status.since, status.digest) = (Some(*since), Some(rules.digest));
                let templates = self.skins.of(&slug);
                let trial = file.trial.clone().filter(|_| good);
                let tried = |it: &Organization| it.trial.as_ref().map(Arc::as_ptr) == trial.as_ref().map(Arc::as_ptr);
                let same = before
                    .organization(&slug)
                    .filter(|it| Arc::ptr_eq(&it.rules, rules) && Arc::ptr_eq(&it.templates, &templates) && tried(it));
                let organization = same.map_or_else(
                    || {
                        Arc::new(Organization {
                            slug: slug.clone(),
                            rules: Arc::clone(rules),
                            templates,
                            trial: trial.clone(),
                        })
                    },
                    Arc::clone,
                );
                next.organizations.insert(slug, organization);
            }
            next.files.insert(stem.clone(), status);
        }
        numbers::assign(&self.held, next);
    }
}

/// Files that are not worth a thread of their own: starting one, and the memory that it leaves behind, cost more.
const FEW: usize = 16;

/// Compiles on all cores; the results are in the order of the work.
fn compile_all(work: &[Work<'_>], today: Date) -> Vec<Compiled> {
    let run = |part: &'_ [Work<'_>]| part.iter().map(|one| compiled_or_stumbled(one, today)).collect::<Vec<_>>();
    if work.len() <= FEW {
        return run(work);
    }
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let share = work.len().div_ceil(workers).max(FEW);
    thread::scope(|scope| {
        let parts: Vec<_> = work.chunks(share).map(|part| (part, scope.spawn(move || run(part)))).collect();
        let finish = |(part, handle): (&[Work<'_>], thread::ScopedJoinHandle<'_, Vec<Compiled>>)| {
            handle.join().unwrap_or_else(|_| part.iter().map(|(text, _)| stumbled(text)).collect())
        };
        parts.into_iter().flat_map(finish).collect()
    })
}

/// A file on which the compiler itself stumbles must not take the others with it.
fn compiled_or_stumbled((text, files): &Work<'_>, today: Date) -> Compiled {
    // What was half compiled is gone; nothing else is changed by compiling.
    let compiled = std::panic::catch_unwind(AssertUnwindSafe(|| compile(text, *files, today)));
    compiled.unwrap_or_else(|_panic| stumbled(text))
}

/// A rule file that was read, with the texts that it takes to read it again elsewhere.
pub(super) struct Bundled {
    pub(super) loaded: Loaded,
    /// The rule file, then what it includes; none when it has errors.
    pub(super) texts: Vec<RuleText>,
    asked: Vec<Asked>,
    /// What is on trial beside them.
    pub(super) trial: Option<Arc<Trial>>,
    problems: Vec<String>,
}

/// Reads a rule file, and remembers what it was read from.
pub(super) fn bundled(name: &str, bytes: &[u8], files: &dyn Files, today: Date) -> Bundled {
    let noted = Noted { files, asked: RefCell::default() };
    let loaded = crate::rules::load(name, bytes, &noted, today);
    let mut problems: Vec<String> = loaded.diagnostics.iter().map(sentence).collect();
    let rollout = loaded.rules.as_ref().and_then(|rules| rules.rollout.as_deref());
    let tried = rollout.and_then(|rollout| on_trial(rollout, &noted, today, &mut problems).map(|it| (rollout, it)));
    let asked = noted.asked.into_inner();
    let others = texts(&asked);
    let trial = tried.map(|(rollout, rules)| {
        // The same files, with the candidate in front.
        let (mut texts, rest): (Vec<_>, Vec<_>) =
            others.iter().cloned().partition(|text| *text.path == *rollout.candidate);
        texts.extend(rest);
        Arc::new(Trial::new(rollout, rules, texts))
    });
    let main = RuleText { path: name.to_owned(), text: as_text(bytes) };
    let texts = if loaded.rules.is_some() { [main].into_iter().chain(others).collect() } else { Vec::new() };
    Bundled { loaded, texts, asked, trial, problems }
}

fn as_text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The files that were there, each once.
fn texts(asked: &[Asked]) -> Vec<RuleText> {
    let mut texts: BTreeMap<&str, String> = BTreeMap::new();
    for asked in asked {
        match asked {
            Asked::Read(path, Ok(bytes)) => drop(texts.insert(path, as_text(bytes))),
            // Recordings are not kept with the rules: an empty text only says that they were there.
            Asked::Found(path, Ok(())) => drop(texts.entry(path).or_default()),
            Asked::Read(_, Err(_)) | Asked::Found(_, Err(_)) => {}
        }
    }
    texts.into_iter().map(|(path, text)| RuleText { path: path.to_owned(), text }).collect()
}

fn compile(text: &Text, files: &dyn Files, today: Date) -> Compiled {
    let seen = |included| Seen { text: digest_of(text), included };
    let failed = |problem: String| Compiled {
        seen: seen(Vec::new()),
        slug: None,
        rules: None,
        trial: None,
        texts: Vec::new(),
        problems: vec![format!("{}: error: {problem}", text.name)],
    };
    let bytes = match &text.bytes {
        Ok(bytes) => bytes,
        Err(error) => return failed(error.clone()),
    };
    let slug = match OrgSlug::parse(&text.stem) {
        Ok(slug) => slug,
        Err(error) => return failed(format!("the file's name: {error}")),
    };
    let Bundled { loaded, texts, asked, trial, problems } = bundled(&text.name, bytes, files, today);
    let included = asked.iter().map(Asked::seen).collect();
    Compiled { seen: seen(included), slug: Some(slug), texts, rules: loaded.rules, trial, problems }
}

/// The rules on trial; what is wrong with them is told, and touches no call. What they name stands below the folder of
/// the rule file.
fn on_trial(rollout: &Rollout, files: &Noted<'_>, today: Date, problems: &mut Vec<String>) -> Option<RuleSet> {
    let name = &*rollout.candidate;
    let bytes = match files.read(name) {
        Ok(bytes) => bytes,
        Err(error) => {
            problems.push(format!("{name}: error: the rules on trial cannot be read: {error}"));
            return None;
        }
    };
    let loaded = crate::rules::load(name, &bytes, files, today);
    problems.extend(loaded.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).map(sentence));
    loaded.rules
}

fn stumbled(text: &Text) -> Compiled {
    Compiled {
        seen: Seen { text: digest_of(text), included: Vec::new() },
        slug: None,
        rules: None,
        trial: None,
        texts: Vec::new(),
        problems: vec![format!("{}: error: reading this file or one read beside it failed unexpectedly", text.name)],
    }
}

/// A problem in one line: the place, the code and the words.
pub(super) fn sentence(diagnostic: &Diagnostic) -> String {
    let place = diagnostic.primary.as_ref().map_or_else(String::new, |label| {
        let (line, column) = label.line_and_column();
        format!("{}:{line}:{column}: ", label.source.name)
    });
    let help = diagnostic.help.as_ref().map_or_else(String::new, |help| format!(" (help: {help})"));
    format!("{place}{}[{}]: {}{help}", diagnostic.severity.word(), diagnostic.code, diagnostic.message)
}

fn digest_of(text: &Text) -> Digest {
    match &text.bytes {
        Ok(bytes) => Digest::of([b"bytes", bytes.as_slice()]),
        Err(error) => Digest::of([b"error", error.as_bytes()]),
    }
}

fn content_digest(found: &Result<Vec<u8>, FileError>) -> Digest {
    match found {
        Ok(bytes) => Digest::of([b"bytes", bytes.as_slice()]),
        Err(error) => Digest::of([b"error", error.to_string().as_bytes()]),
    }
}

fn presence_digest(found: &Result<(), FileError>) -> Digest {
    let word = found.as_ref().map_or_else(ToString::to_string, |()| "there".to_owned());
    Digest::of([b"presence", word.as_bytes()])
}

/// What was asked of the files, and what came back.
pub(super) enum Asked {
    Read(String, Result<Vec<u8>, FileError>),
    Found(String, Result<(), FileError>),
}

impl Asked {
    fn seen(&self) -> Included {
        match self {
            Self::Read(path, found) => Included { path: path.clone(), digest: content_digest(found), whole: true },
            Self::Found(path, found) => Included { path: path.clone(), digest: presence_digest(found), whole: false },
        }
    }
}

/// Files that remember what was asked of them.
struct Noted<'a> {
    files: &'a dyn Files,
    asked: RefCell<Vec<Asked>>,
}

impl Files for Noted<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        let found = self.files.read(path);
        self.asked.borrow_mut().push(Asked::Read(path.to_owned(), found.clone()));
        found
    }

    fn find(&self, path: &str) -> Result<(), FileError> {
        let found = self.files.find(path);
        self.asked.borrow_mut().push(Asked::Found(path.to_owned(), found.clone()));
        found
    }
}
