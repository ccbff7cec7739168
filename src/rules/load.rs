//! From bytes to a rule set: the main file, what it includes, and everything that is wrong with them.

use std::sync::Arc;

use jiff::civil::Date;

use crate::diagnostic::{Diagnostic, Source};
use crate::model::digest::Digest;
use crate::rules::case::Case;
use crate::rules::compile;
use crate::rules::place::{At, Part, line_starts};
use crate::rules::ruleset::RuleSet;
use crate::rules::shape;
use crate::rules::text;
use crate::rules::tree;
use crate::rules::written::File;

/// How many files one file may include.
const MOST_INCLUDES: usize = 50;

/// The files that a rule file may name: its includes, lists, calendars and recordings.
pub trait Files {
    /// The content of a file, by its path below the folder of the rule file.
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError>;

    /// Whether the file is there; the content does not matter.
    fn find(&self, path: &str) -> Result<(), FileError> {
        self.read(path).map(drop)
    }
}

/// Why a file cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// There is none.
    #[error("there is no such file")]
    Missing,
    /// The path leads out of the folder, or to something that is no file.
    #[error("{0}")]
    NotAllowed(String),
    /// It is there, and cannot be read.
    #[error("{0}")]
    Unreadable(String),
}

/// No files at all: for rules that must stand alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _path: &str) -> Result<Vec<u8>, FileError> {
        Err(FileError::Missing)
    }
}

/// What came of loading a file.
#[derive(Debug)]
pub struct Loaded {
    /// The rules; none when there is any error.
    pub rules: Option<RuleSet>,
    /// The calls imagined in it; none when there is any error.
    pub cases: Vec<Case>,
    /// Everything that is wrong, in the order of the files.
    pub diagnostics: Vec<Diagnostic>,
    /// The main file.
    pub source: Arc<Source>,
    /// The files it includes.
    pub sources: Vec<Arc<Source>>,
}

/// Loads a rule file; `today` matters only for warnings.
pub fn load(name: &str, bytes: &[u8], files: &dyn Files, today: Date) -> Loaded {
    let mut diagnostics = Vec::new();
    let (source, part) = part(name, bytes, shape::Role::Main, &mut diagnostics);
    let Some(main) = part else {
        return Loaded { rules: None, cases: Vec::new(), diagnostics, source, sources: Vec::new() };
    };
    let mut parts = vec![main];
    let mut contents = vec![(String::new(), Digest::of([bytes]))];
    include(name, &mut parts, files, &mut contents, &mut diagnostics);
    let sources = parts.iter().skip(1).map(|part| Arc::clone(&part.source)).collect();
    let made = compile::compile(&parts, files, contents, today);
    diagnostics.extend(made.problems);
    in_order(&mut diagnostics, &parts);
    let failed = diagnostics.iter().any(Diagnostic::is_error);
    let (rules, cases) = if failed { (None, Vec::new()) } else { (made.rules, made.cases) };
    Loaded { rules, cases, diagnostics, source, sources }
}

/// Reads one file as far as its form goes.
fn part(name: &str, bytes: &[u8], role: shape::Role, diagnostics: &mut Vec<Diagnostic>) -> (Arc<Source>, Option<Part>) {
    let (source, problem) = text::decode(name, bytes);
    if let Some(problem) = problem {
        diagnostics.push(problem);
        return (source, None);
    }
    let (root, problems) = tree::parse(&source);
    diagnostics.extend(problems);
    let Some(root) = root else { return (source, None) };
    let read = shape::read(&source, &root, role);
    // What is no map has nothing in it that could be missing: one problem is all there is to say.
    let nothing_in_it = !root.is_map() && read.problems.iter().any(Diagnostic::is_error);
    diagnostics.extend(read.problems);
    if nothing_in_it {
        return (source, None);
    }
    match serde_path_to_error::deserialize::<_, File>(read.value) {
        Ok(file) => {
            let lines = line_starts(&source.text);
            (
                Arc::clone(&source),
                Some(Part { source, root, file, broken: read.broken, doubtful: read.doubtful, lines }),
            )
        }
        // The shapes come from the very same types, so this is a fault of ours; the file is refused all the same.
        Err(error) => {
            let path = error.path().to_string();
            let message = format!("this part of the file cannot be read: {}", error.into_inner());
            diagnostics.push(Diagnostic::error("wrong-kind", message).at(&source, 0..0, "").path(path));
            (source, None)
        }
    }
}

fn include(
    main: &str,
    parts: &mut Vec<Part>,
    files: &dyn Files,
    contents: &mut Vec<(String, Digest)>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let Some(first) = parts.first() else { return };
    let mut included: Vec<Part> = Vec::new();
    let list = At::root(first).field("use");
    let folder = main.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    if first.file.includes.len() > MOST_INCLUDES {
        let message = format!("the file includes more than {MOST_INCLUDES} others");
        diagnostics.push(list.key_error("too-many-values", message).help("put what belongs together into one file"));
        return;
    }
    for (index, path) in first.file.includes.iter().enumerate() {
        let at = list.item(index);
        if at.is_broken() {
            continue;
        }
        if first.file.includes.iter().take(index).any(|earlier| earlier == path) {
            diagnostics
                .push(at.error("duplicate-name", format!("`{path}` is included twice")).help("delete one of the two"));
            continue;
        }
        match files.read(path) {
            Ok(bytes) => {
                let (_, part) = part(&format!("{folder}{path}"), &bytes, shape::Role::Included, diagnostics);
                contents.push((path.clone(), Digest::of([bytes.as_slice()])));
                included.extend(part);
            }
            Err(error) => diagnostics.push(compile::unavailable(&at, path, &error)),
        }
    }
    parts.extend(included);
}

/// Sorts by file and place, errors before warnings of the same place.
fn in_order(diagnostics: &mut [Diagnostic], parts: &[Part]) {
    let file =
        |source: &Arc<Source>| parts.iter().position(|part| Arc::ptr_eq(&part.source, source)).unwrap_or(parts.len());
    diagnostics.sort_by_key(|diagnostic| {
        let place = diagnostic.primary.as_ref().map(|label| (file(&label.source), label.span.start));
        (place.unwrap_or_default(), diagnostic.severity)
    });
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_file_that_is_no_map_has_one_problem() {
        for text in ["- a\n- b\n", "hello\n", "7", ""] {
            let loaded = load("rules.yaml", text.as_bytes(), &NoFiles, date(2026, 11, 21));
            assert!(loaded.rules.is_none());
            assert_eq!(loaded.diagnostics.len(), 1, "{text:?}: {:#?}", loaded.diagnostics);
        }
    }

    #[test]
    fn faults_of_form_are_told_in_plain_words() {
        let sound = "version: 1\ntimezone: America/Los_Angeles\nnumbers: [\"+16195550100\"]\ncontacts:\n  \
                     primary: \"+16195550111\"\nroutes:\n  - cascade:\n      - { ring: primary }\n\
                     finally: { voicemail: Please. }\n";
        let told = |from: &str, to: &str| {
            let text = sound.replace(from, to);
            assert_ne!(text, sound);
            let loaded = load("rules.yaml", text.as_bytes(), &NoFiles, date(2026, 11, 21));
            let first = loaded.diagnostics.first().expect("it is refused");
            (first.message.clone(), first.help.clone().unwrap_or_default())
        };
        for (from, to, message) in [
            ("routes:", " routes:", "does not line up"),
            ("{ ring: primary }", "{ ring: primary", "brace or a bracket"),
            ("[\"+16195550100\"]", "[\"+16195550100\"", "stands where none can"),
            ("5550111\"", "5550111\"\"", "quotation mark"),
        ] {
            let (found, help) = told(from, to);
            assert!(found.contains(message) && !help.is_empty(), "{to}: {found}");
        }
        let (found, help) = told("routes:", "\u{a0}promises: []\nroutes:");
        assert!(found.contains("unknown field") && help.contains("web pages"), "{found}: {help}");
    }

    #[test]
    fn every_problem_comes_at_once() {
        let text = "\
version: 1
timezone: America/Los_Angelos
numbers: [+16195550100]
contacts:
  primary: \"+1 619 555 0111\"
hours: { business: mon-fri 09:00-24:30 }
routes:
  - when: busines
    cascade: [{ ring: primry, for: 20 }, { rign: primary }]
finally: { voicemail: Please leave your name and number after the tone. }
";
        let loaded = load("rules.yaml", text.as_bytes(), &NoFiles, date(2026, 11, 21));
        let codes: Vec<&str> = loaded.diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
        assert!(loaded.rules.is_none());
        let expected = [
            "unknown-zone",
            "unquoted-number",
            "bad-number",
            "bad-time",
            "unknown-name",
            "unknown-name",
            "duration-without-unit",
            "unknown-field",
        ];
        assert_eq!(codes, expected, "{:#?}", loaded.diagnostics);
    }
}
