//! The written rules made into a rule set; every problem is collected on the way.

mod callers;
mod cases;
mod cycles;
mod flows;
mod holidays;
mod hours;
mod lints;
mod mailboxes;
mod menus;
mod names;
mod people;
mod promises;
mod steps;
mod switches;
mod texts;

use std::sync::Arc;

use jiff::civil::Date;

use crate::diagnostic::{Diagnostic, Source};
use crate::model::digest::Digest;
use crate::model::moment::Zone;
use crate::rules::bar::bar;
use crate::rules::case::Case;
use crate::rules::compile::names::{Names, Section, is_name};
use crate::rules::grammar::GrammarError;
use crate::rules::load::{FileError, Files};
use crate::rules::place::{At, Part};
use crate::rules::ruleset::{Cascade, Mailbox, Owner, RuleSet, Speech, Step};
use crate::rules::written;

/// How many files one set of rules may read: includes, lists and calendars.
const MOST_FILES: usize = 100;

/// After so many problems the rest is only counted.
const MOST_PROBLEMS: usize = 200;

/// What came of compiling.
#[derive(Debug)]
pub(super) struct Made {
    /// The rules; worth nothing when there is any error.
    pub(super) rules: Option<RuleSet>,
    /// The imagined calls.
    pub(super) cases: Vec<Case>,
    /// Everything that is wrong.
    pub(super) problems: Vec<Diagnostic>,
}

/// Compiles the main file, which comes first, with its includes.
pub(super) fn compile(parts: &[Part], files: &dyn Files, contents: Vec<(String, Digest)>, today: Date) -> Made {
    let mut desk = Desk {
        parts,
        files,
        contents,
        names: Names::default(),
        problems: Vec::new(),
        left_out: 0,
        languages: Vec::new(),
        asked_languages: Vec::new(),
        prompts: Vec::new(),
        callees: Vec::new(),
        zone: Zone::utc(),
        menus_ending: Vec::new(),
        cascades: Vec::new(),
        mailboxes: Vec::new(),
    };
    let (rules, cases) = desk.rule_set(today).map_or_else(|| (None, Vec::new()), |(rules, cases)| (Some(rules), cases));
    if let (1.., Some(main)) = (desk.left_out, parts.first()) {
        let message = format!("{} more problems are left out", desk.left_out);
        let end = main.source.text.trim_end().len();
        let rest = Diagnostic::error("too-many-problems", message).at(&main.source, end..end, "");
        desk.problems.push(rest.help("mend the others first"));
    }
    Made { rules, cases, problems: desk.problems }
}

/// Everything at hand while a file is compiled.
struct Desk<'a> {
    parts: &'a [Part],
    files: &'a dyn Files,
    /// What every file that was read holds, for the digest of all.
    contents: Vec<(String, Digest)>,
    names: Names<'a>,
    problems: Vec<Diagnostic>,
    left_out: usize,
    languages: Vec<Language>,
    /// Languages that something switches to, with the places; some text must be written in each.
    asked_languages: Vec<(u8, At<'a>)>,
    prompts: Vec<Option<Speech>>,
    callees: Vec<Callee<'a>>,
    zone: Zone,
    /// Which menus have an `otherwise`, so that nothing after them is reached.
    menus_ending: Vec<bool>,
    cascades: Vec<Cascade>,
    mailboxes: Vec<Mailbox>,
}

/// A language and whether any text is written in it.
struct Language {
    tag: Box<str>,
    written: bool,
}

/// What steps must know of a contact.
struct Callee<'a> {
    at: At<'a>,
    confirms: bool,
    callable: bool,
    fixed: bool,
}

/// A named thing of a section.
struct Entry<'a, T> {
    name: &'a str,
    at: At<'a>,
    value: &'a T,
}

/// The sections with their names entered.
struct Sections<'a> {
    lines: Vec<Entry<'a, written::Line>>,
    numbers: Vec<(&'a str, At<'a>)>,
    contacts: Vec<Entry<'a, written::TextOr<written::Contact>>>,
    hours: Vec<Entry<'a, written::OneOrMany<written::TextOr<written::Interval>>>>,
    holidays: Vec<Entry<'a, Vec<written::Holiday>>>,
    callers: Vec<Entry<'a, written::CallerClass>>,
    switches: Vec<Entry<'a, written::Switch>>,
    flows: Vec<Entry<'a, Vec<written::Rule>>>,
    menus: Vec<Entry<'a, written::Menu>>,
    escalations: Vec<Entry<'a, Vec<written::Escalation>>>,
    prompts: Vec<Entry<'a, written::TextOr<written::Prompt>>>,
    mailboxes: Vec<Entry<'a, written::Mailbox>>,
    channels: Vec<Entry<'a, written::Channel>>,
}

impl<'a> Desk<'a> {
    fn rule_set(&mut self, today: Date) -> Option<(RuleSet, Vec<Case>)> {
        let parts = self.parts;
        let main = parts.first()?;
        self.head(main);
        let sections = self.sections();
        self.menus_ending = sections.menus.iter().map(|entry| entry.value.otherwise.is_some()).collect();
        self.prompts = sections.prompts.iter().map(|entry| self.prompt(entry)).collect();
        let lines = self.lines(&sections);
        let mut contacts = self.contacts(&sections.contacts);
        let hours = sections.hours.iter().map(|entry| self.hours(entry)).collect();
        let holidays = sections.holidays.iter().map(|entry| self.holidays(entry)).collect();
        let callers = sections.callers.iter().map(|entry| self.caller_class(entry)).collect();
        let switches = sections.switches.iter().map(|entry| self.switch(entry)).collect();
        let channels = sections.channels.iter().filter_map(|entry| self.channel(entry)).collect();
        let escalations = sections.escalations.iter().map(|entry| self.escalation(entry)).collect();
        for entry in &sections.mailboxes {
            let mailbox = self.mailbox(entry.name, &entry.at, entry.value);
            self.mailboxes.push(mailbox);
        }
        self.finally(main);
        let menus: Box<[_]> = sections.menus.iter().enumerate().map(|(index, entry)| self.menu(index, entry)).collect();
        let flows: Box<[_]> = sections.flows.iter().enumerate().map(|(index, entry)| self.flow(index, entry)).collect();
        self.endless_loops(&flows, &menus);
        let rollout = self.rollout(main);
        let promises = self.promises();
        let countries = self.countries(main, &lines);
        for contact in &mut contacts {
            contact.barred = bar(&countries, &contact.number);
        }
        let cases = self.cases(&lines, &flows);
        self.settle_languages();
        let rules = RuleSet {
            digest: Digest::of(
                self.contents.iter().flat_map(|(path, content)| [path.as_bytes(), content.bytes().as_slice()]),
            ),
            zone: self.zone.clone(),
            languages: self.languages.iter().map(|language| language.tag.clone()).collect(),
            countries,
            lines,
            contacts,
            hours,
            holidays,
            callers,
            switches,
            flows,
            menus,
            cascades: std::mem::take(&mut self.cascades).into_boxed_slice(),
            mailboxes: std::mem::take(&mut self.mailboxes).into_boxed_slice(),
            escalations,
            channels,
            rollout,
            promises,
        };
        // While anything is wrong, what seems odd may only be mistyped.
        let broken = parts.iter().any(|part| !part.broken.is_empty() || !part.doubtful.is_empty());
        if !broken && !self.problems.iter().any(Diagnostic::is_error) {
            self.unused_names();
            self.lints(&rules, &sections, today);
        }
        Some((rules, cases))
    }

    fn head(&mut self, main: &'a Part) {
        let root = At::root(main);
        if let Some(version) = main.file.version.filter(|version| *version != 1) {
            let at = root.field("version");
            let message = format!("version {version} of the language is not known to this program");
            self.report(&at, at.error("unknown-version", message).help("write `version: 1`, or use a newer program"));
        }
        if let Some(zone) =
            main.file.timezone.as_deref().and_then(|name| self.zone_named(&root.field("timezone"), name))
        {
            self.zone = zone;
        }
        let language = main.file.language.as_deref().unwrap_or("en");
        self.language(&root.field("language"), language);
        for part in self.parts.iter().skip(1) {
            self.included_head(part);
        }
    }

    /// An included file holds sections only.
    fn included_head(&mut self, part: &'a Part) {
        let root = At::root(part);
        let only_main = ["language", "countries", "use", "numbers", "defaults", "routes", "rollout"];
        for key in only_main.into_iter().chain(["timezone", "finally"]) {
            let at = root.field(key);
            if at.is_there() {
                let message = format!("`{key}` stands in an included file");
                let help = "move it to the main file: includes hold named sections only";
                self.report(&at, at.key_error("not-for-includes", message).help(help));
            }
        }
    }

    fn sections(&mut self) -> Sections<'a> {
        let mut flows = self.routes();
        flows.extend(self.section(Section::Flows, |file| &file.flows));
        Sections {
            lines: self.section(Section::Lines, |file| &file.lines),
            numbers: self.short_lines(),
            contacts: self.section(Section::Contacts, |file| &file.contacts),
            hours: self.section(Section::Hours, |file| &file.hours),
            holidays: self.section(Section::Holidays, |file| &file.holidays),
            callers: self.section(Section::Callers, |file| &file.callers),
            switches: self.section(Section::Switches, |file| &file.switches),
            flows,
            menus: self.section(Section::Menus, |file| &file.menus),
            escalations: self.section(Section::Escalations, |file| &file.escalations),
            prompts: self.section(Section::Prompts, |file| &file.prompts),
            mailboxes: self.section(Section::Mailboxes, |file| &file.mailboxes),
            channels: self.section(Section::Channels, |file| &file.channels),
        }
    }

    fn section<T>(&mut self, section: Section, pick: fn(&written::File) -> &written::Named<T>) -> Vec<Entry<'a, T>> {
        let mut entries = Vec::new();
        let parts = self.parts;
        for part in parts {
            let list = At::root(part).field(section.key());
            for (index, (name, value)) in pick(&part.file).0.iter().enumerate() {
                let at = list.item(index);
                self.check_name(section, name, &at);
                match self.names.enter(section, name, at) {
                    Ok(_) => entries.push(Entry { name, at, value }),
                    Err(clash) => self.report(&at, *clash),
                }
            }
        }
        entries
    }

    fn check_name(&mut self, section: Section, name: &str, at: &At<'_>) {
        if !is_name(name) {
            let message = format!("`{}` is not a name", crate::rules::shape::shorten(name));
            let help = "write names with lowercase letters, digits, `-` and `_`, at most 64 of them";
            self.report(at, at.key_error("bad-name", message).help(help));
        }
        let reserved: &[&str] = match section {
            Section::Contacts => &["caller", "on_duty"],
            Section::Flows | Section::Lines | Section::Hours | Section::Holidays | Section::Callers => &[],
            Section::Switches | Section::Menus | Section::Escalations | Section::Prompts => &[],
            Section::Mailboxes | Section::Channels => &[],
        };
        if reserved.contains(&name) {
            let message = format!("the name `{name}` has a meaning of its own in lists of receivers");
            self.report(at, at.key_error("reserved-name", message).help("choose another name"));
        }
    }

    /// `routes` as the flow `main`.
    fn routes(&mut self) -> Vec<Entry<'a, Vec<written::Rule>>> {
        let parts = self.parts;
        let Some(main) = parts.first().filter(|main| !main.file.routes.is_empty()) else { return Vec::new() };
        let at = At::root(main).field("routes");
        match self.names.enter(Section::Flows, "main", at) {
            Ok(_) => vec![Entry { name: "main", at, value: &main.file.routes }],
            Err(_) => Vec::new(),
        }
    }

    /// Takes a problem, unless the value could not be read anyway.
    fn report(&mut self, at: &At<'_>, problem: Diagnostic) {
        if self.problems.len() >= MOST_PROBLEMS {
            self.left_out += 1;
            return;
        }
        let misses = problem.code.starts_with("missing-") || problem.code.starts_with("empty-");
        if !(at.is_broken() || misses && at.is_doubtful()) {
            self.problems.push(problem);
        }
    }

    fn error(&mut self, at: &At<'_>, code: &'static str, message: impl Into<String>, help: impl Into<String>) {
        self.report(at, at.error(code, message).help(help));
    }

    /// The index of a name in a section; reports it when there is none.
    fn find(&mut self, section: Section, name: &str, at: &At<'_>) -> Option<u16> {
        if self.problems.len() >= MOST_PROBLEMS && self.names.get(section, name).is_none() {
            self.left_out += 1;
            return None;
        }
        match self.names.find(section, name, at) {
            Ok(index) => Some(index),
            Err(problem) => {
                self.report_unknown(section, at, *problem);
                None
            }
        }
    }

    /// Takes the problem of an unknown name, unless the section that would hold it could not be read.
    fn report_unknown(&mut self, section: Section, at: &At<'_>, problem: Diagnostic) {
        let unread = self.parts.iter().any(|part| part.broken.iter().any(|path| path == section.key()));
        if !unread {
            self.report(at, problem);
        }
    }

    /// What a small text says; reports what is wrong with it.
    fn read<T>(&mut self, at: &At<'_>, read: Result<T, GrammarError>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(error) => {
                self.report(at, at.grammar_error(error));
                None
            }
        }
    }

    fn add_cascade(&mut self, owner: Owner, steps: Vec<Step>) -> crate::model::ids::CascadeId {
        let index = u16::try_from(self.cascades.len()).unwrap_or(u16::MAX);
        self.cascades.push(Cascade { owner, steps: steps.into_boxed_slice() });
        crate::model::ids::CascadeId(index)
    }

    /// The content of a file that the rules name.
    fn file(&mut self, at: &At<'_>, path: &str) -> Option<Vec<u8>> {
        if self.contents.len() >= MOST_FILES {
            let message = format!("the rules name more than {MOST_FILES} files");
            self.error(at, "too-many-values", message, "put what belongs together into one file");
            return None;
        }
        match self.files.read(path) {
            Ok(bytes) => {
                self.contents.push((path.to_owned(), Digest::of([bytes.as_slice()])));
                Some(bytes)
            }
            Err(error) => {
                self.report(at, unavailable(at, path, &error));
                None
            }
        }
    }

    /// Reports what is wrong with a line of a file that the rules name, showing both.
    fn fault_in(&mut self, at: &At<'_>, path: &str, bytes: &[u8], line: u32, problem: Diagnostic) {
        let source = Arc::new(Source { name: path.into(), text: String::from_utf8_lossy(bytes).into() });
        let before = usize::try_from(line).unwrap_or(1).saturating_sub(1);
        let start: usize = source.text.split_inclusive('\n').take(before).map(str::len).sum();
        let length =
            source.text.get(start..).and_then(|rest| rest.lines().next()).map_or(0, |line| line.trim_end().len());
        let problem = problem.at(&source, start..start + length, "").path(at.path());
        self.report(at, problem.also(at.source(), at.span(), "the file is named here"));
    }

    fn unused_names(&mut self) {
        for (section, name, at) in self.names.unused() {
            // What an included file holds may be meant for another organization.
            let included = self.parts.iter().skip(1).any(|part| Arc::ptr_eq(&part.source, at.source()));
            if included || section == Section::Lines {
                continue;
            }
            let message = format!("nothing uses the {} `{name}`", section.thing());
            let warning =
                Diagnostic::warning("unused-name", message).at(at.source(), at.key_span(), "").path(at.path());
            self.report(&at, warning.help("delete it, or use it"));
        }
    }
}

/// Says that a file cannot be had.
pub(super) fn unavailable(at: &At<'_>, path: &str, error: &FileError) -> Diagnostic {
    let code = match error {
        FileError::Missing => "missing-file",
        FileError::NotAllowed(_) => "file-not-allowed",
        FileError::Unreadable(_) => "unreadable-file",
    };
    let help = "paths are relative to the folder of the rule file and stay below it";
    at.error(code, format!("`{path}`: {error}")).help(help)
}
