//! `ringfall check`: everything that is wrong with rule files and templates, each with its place.

#![expect(clippy::print_stderr, reason = "the command line prints its results")]

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::app::ports::Clock as _;
use crate::cli::outcome::Outcome;
use crate::cli::rulefiles::{self, RuleFile};
use crate::cli::terminal;
use crate::clock::SystemClock;
use crate::diagnostic::{Diagnostic, Source};
use crate::draw::diagnostics;
use crate::model::ids::OrgSlug;
use crate::prove::{self, Limits};
use crate::rules::Loaded;
use crate::twiml::templates::Templates;

/// What to check, and how to show it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Every problem is shown at once, with its place and a way out; docs/diagnostics.md explains each code.\n\n\
    Examples:\n  ringfall check\n  ringfall check --strict routing-rules/acme.yaml\n  \
    ringfall check --format lines - < acme.yaml"
)]
pub struct Check {
    /// Count warnings as findings, too
    #[arg(long)]
    strict: bool,
    /// How to show problems
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The folder of your own TwiML templates; those of one organization stand in a folder of its name
    #[arg(long, value_name = "FOLDER", default_value = "twiml-templates")]
    templates: PathBuf,
    /// Rule files, folders of them, or `-` for standard input
    #[arg(default_value = "routing-rules")]
    paths: Vec<PathBuf>,
}

/// The ways to show problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// With the lines of the file, for eyes
    Text,
    /// One line each, for editors and scripts
    Lines,
    /// One list, for programs
    Json,
}

pub(crate) fn run(args: &Check) -> crate::cli::Answer {
    let files = rulefiles::gather(&args.paths)?;
    let mut problems = Vec::new();
    let mut loaded = Vec::new();
    for file in &files {
        let mut one = file.load();
        problems.append(&mut one.diagnostics);
        problems.extend(name_of(file, &one.source));
        loaded.push(one);
    }
    problems.extend(twice(&loaded));
    let proved = prove(&loaded, &mut problems);
    let templates = templates(&args.templates, &mut problems);
    show(&problems, args.format);
    tell(files.len(), templates, proved, &problems);
    let found = problems.iter().any(|problem| args.strict || problem.is_error());
    Ok(if found { Outcome::Findings } else { Outcome::Fine })
}

/// A rule file's name is its organization's, so it has to be one.
fn name_of(file: &RuleFile, source: &Arc<Source>) -> Option<Diagnostic> {
    if file.name == rulefiles::STDIN_NAME {
        return None;
    }
    let stem = Path::new(&file.name).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let error = OrgSlug::parse(&stem).err()?;
    Some(
        Diagnostic::error("file-name", error.to_string())
            .at(source, 0..0, "")
            .help("the file's name without its ending is the organization's short name: rename the file"),
    )
}

/// Numbers that two files claim: a call can go to one place only.
fn twice(loaded: &[Loaded]) -> Vec<Diagnostic> {
    let mut claims: BTreeMap<&str, (&Arc<Source>, Range<usize>)> = BTreeMap::new();
    let mut problems = Vec::new();
    for (rules, source) in loaded.iter().filter_map(|one| Some((one.rules.as_ref()?, &one.source))) {
        for line in &rules.lines {
            let span = of_line(&source.text, line.at);
            let Some((other, there)) = claims.insert(line.number.as_str(), (source, span.clone())) else { continue };
            let message = format!("the number `{}` belongs to two organizations", line.number);
            problems.push(
                Diagnostic::error("number-twice", message)
                    .at(source, span, "claimed here")
                    .also(other, there, "and here")
                    .help("take it out of one of the two files: a call can go to one place only"),
            );
        }
    }
    problems
}

/// Proves the promises of the files; says how many hold.
fn prove(loaded: &[Loaded], problems: &mut Vec<Diagnostic>) -> usize {
    let limits = Limits::from(SystemClock.now());
    let mut proved = 0;
    for (rules, source) in loaded.iter().filter_map(|one| Some((one.rules.as_ref()?, &one.source))) {
        let verdicts = prove::promises(rules, limits);
        proved += verdicts.iter().filter(|verdict| matches!(verdict.outcome, prove::Outcome::Proved(_))).count();
        problems.extend(prove::diagnostics(rules, source, &verdicts));
    }
    proved
}

/// The bytes of a line, counted from 1, without its ending.
fn of_line(text: &str, line: u32) -> Range<usize> {
    let mut start = 0;
    for (place, content) in text.split('\n').enumerate() {
        if place + 1 == line as usize {
            let indent = content.len() - content.trim_start().len();
            return start + indent..start + content.trim_end().len();
        }
        start += content.len() + 1;
    }
    0..0
}

/// Checks the template sets below the folder; says how many files they have.
fn templates(folder: &Path, problems: &mut Vec<Diagnostic>) -> usize {
    let found = crate::files::find_templates(folder);
    let own = found.own_templates.iter().map(|(_, texts)| texts.as_slice());
    let mut count = 0;
    for set in std::iter::once(&[][..]).chain(own) {
        let mut texts = Vec::new();
        for text in found.templates.iter().chain(set) {
            match text.bytes.as_deref().map(str::from_utf8) {
                Ok(Ok(content)) => texts.push((text.name.clone(), content.to_owned())),
                Ok(Err(error)) => problems.push(unreadable(&text.name, &format!("it is not UTF-8: {error}"))),
                Err(error) => problems.push(unreadable(&text.name, error)),
            }
        }
        count += set.len();
        match Templates::load(&texts) {
            Ok(templates) => problems.extend(templates.warnings().iter().cloned()),
            Err(faults) => problems.extend(faults),
        }
    }
    problems.extend(found.unreadable.iter().map(|what| Diagnostic::error("unreadable-file", what.clone())));
    count + found.templates.len()
}

fn unreadable(name: &str, why: &str) -> Diagnostic {
    Diagnostic::error("unreadable-file", format!("`{name}` cannot be read: {why}"))
}

fn show(problems: &[Diagnostic], format: Format) {
    match format {
        Format::Text if problems.is_empty() => {}
        Format::Text => terminal::put(&(diagnostics::text(problems, terminal::style(&std::io::stdout())) + "\n")),
        Format::Lines => terminal::put(&diagnostics::lines(problems)),
        Format::Json => terminal::put(&format!("{:#}\n", diagnostics::json(problems))),
    }
}

fn tell(files: usize, templates: usize, proved: usize, problems: &[Diagnostic]) {
    let plural = |count: usize, word: &str| if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") };
    let found = diagnostics::tally(problems).unwrap_or_else(|| "nothing wrong".to_owned());
    let (files, templates) = (plural(files, "rule file"), plural(templates, "template"));
    let proved = if proved == 0 { String::new() } else { format!(", {} proved", plural(proved, "promise")) };
    eprintln!("checked {files} and {templates}{proved}: {found}");
}
