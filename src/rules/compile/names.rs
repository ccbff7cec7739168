//! The names of a file: each section's, with their places, resolved to indexes.

use std::cell::Cell;
use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;
use crate::model::near::nearest;
use crate::rules::place::At;
use crate::rules::shape::shorten;

/// The sections that give names to things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Section {
    /// Our numbers.
    Lines,
    /// People and services.
    Contacts,
    /// Opening hours.
    Hours,
    /// Lists of holidays.
    Holidays,
    /// Classes of callers.
    Callers,
    /// State kept outside the file.
    Switches,
    /// Lists of rules.
    Flows,
    /// Menus.
    Menus,
    /// Who is told of missed calls.
    Escalations,
    /// Things the caller hears.
    Prompts,
    /// Where messages are left.
    Mailboxes,
    /// Where notices go.
    Channels,
}

impl Section {
    /// What one of its things is called.
    pub(super) const fn thing(self) -> &'static str {
        match self {
            Self::Lines => "line",
            Self::Contacts => "contact",
            Self::Hours => "hours",
            Self::Holidays => "holiday list",
            Self::Callers => "caller class",
            Self::Switches => "switch",
            Self::Flows => "flow",
            Self::Menus => "menu",
            Self::Escalations => "escalation",
            Self::Prompts => "prompt",
            Self::Mailboxes => "mailbox",
            Self::Channels => "channel",
        }
    }

    /// One of its things, with the article.
    const fn one(self) -> &'static str {
        match self {
            Self::Lines => "a line",
            Self::Contacts => "a contact",
            Self::Hours => "a set of hours",
            Self::Holidays => "a holiday list",
            Self::Callers => "a caller class",
            Self::Switches => "a switch",
            Self::Flows => "a flow",
            Self::Menus => "a menu",
            Self::Escalations => "an escalation",
            Self::Prompts => "a prompt",
            Self::Mailboxes => "a mailbox",
            Self::Channels => "a channel",
        }
    }

    /// How its thing is said not to be there.
    const fn is_no(self) -> &'static str {
        if matches!(self, Self::Hours) { "are no" } else { "is no" }
    }

    /// Its key in the file.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Lines => "lines",
            Self::Contacts => "contacts",
            Self::Hours => "hours",
            Self::Holidays => "holidays",
            Self::Callers => "callers",
            Self::Switches => "switches",
            Self::Flows => "flows",
            Self::Menus => "menus",
            Self::Escalations => "escalations",
            Self::Prompts => "prompts",
            Self::Mailboxes => "mailboxes",
            Self::Channels => "channels",
        }
    }
}

/// The names of one section.
#[derive(Debug, Default)]
struct Table<'a> {
    places: Vec<(&'a str, At<'a>)>,
    index: BTreeMap<&'a str, u16>,
    used: Vec<bool>,
}

/// All names.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    tables: BTreeMap<Section, Table<'a>>,
    compared: Cell<usize>,
}

/// How many names are compared in search of what was meant; a file that needs more has another trouble.
const MOST_COMPARED: usize = 100_000;

impl<'a> Names<'a> {
    /// Enters a name; a clash is returned with both places.
    pub(super) fn enter(&mut self, section: Section, name: &'a str, at: At<'a>) -> Result<u16, Box<Diagnostic>> {
        let table = self.tables.entry(section).or_default();
        if let Some((_, first)) = table.index.get(name).and_then(|index| table.places.get(usize::from(*index))) {
            let message = format!("the {} `{name}` is there twice", section.thing());
            let clash =
                at.key_error("duplicate-name", message).also(first.source(), first.key_span(), "first written here");
            return Err(Box::new(clash.help("rename one of the two, or delete it")));
        }
        let Ok(index) = u16::try_from(table.places.len()) else {
            let message = format!("the section `{}` has more than {} names", section.key(), u16::MAX);
            return Err(Box::new(
                at.key_error("too-many-values", message).help("split the file into several organizations"),
            ));
        };
        table.places.push((name, at));
        table.used.push(false);
        table.index.insert(name, index);
        Ok(index)
    }

    /// The index of a name.
    pub(super) fn get(&self, section: Section, name: &str) -> Option<u16> {
        self.tables.get(&section)?.index.get(name).copied()
    }

    /// The index of a name that is used here, or why there is none.
    pub(super) fn find(&mut self, section: Section, name: &str, at: &At<'_>) -> Result<u16, Box<Diagnostic>> {
        if let Some(index) = self.get(section, name) {
            self.mark(section, index);
            return Ok(index);
        }
        Err(Box::new(self.unknown(section, name, at)))
    }

    /// Remembers that something uses a name.
    pub(super) fn mark(&mut self, section: Section, index: u16) {
        let table = self.tables.get_mut(&section);
        if let Some(used) = table.and_then(|table| table.used.get_mut(usize::from(index))) {
            *used = true;
        }
    }

    /// The place of a name.
    pub(super) fn place(&self, section: Section, index: u16) -> Option<At<'a>> {
        self.tables.get(&section)?.places.get(usize::from(index)).map(|(_, at)| *at)
    }

    /// The names of a section.
    pub(super) fn of(&self, section: Section) -> impl Iterator<Item = &'a str> {
        self.tables.get(&section).into_iter().flat_map(|table| table.places.iter().map(|(name, _)| *name))
    }

    /// The names that nothing uses, with their places.
    pub(super) fn unused(&self) -> Vec<(Section, &'a str, At<'a>)> {
        let mut unused = Vec::new();
        for (section, table) in &self.tables {
            let places = table.places.iter().zip(&table.used).filter(|(_, used)| !**used);
            unused.extend(places.map(|((name, at), _)| (*section, *name, *at)));
        }
        unused
    }

    /// Says that a name is not known, and which one may be meant.
    pub(super) fn unknown(&self, section: Section, name: &str, at: &At<'_>) -> Diagnostic {
        let shown = shorten(name);
        let diagnostic = at.error("unknown-name", format!("there {} {} `{shown}`", section.is_no(), section.thing()));
        let names = self.tables.get(&section).map_or(0, |table| table.places.len());
        self.compared.set(self.compared.get().saturating_add(names));
        if self.compared.get() > MOST_COMPARED {
            return diagnostic;
        }
        if let Some(near) = nearest(name, self.of(section)) {
            return diagnostic.help(format!("did you mean `{near}`?"));
        }
        let elsewhere =
            self.tables.iter().find(|(_, table)| table.index.contains_key(name)).map(|(section, _)| section.one());
        if let Some(thing) = elsewhere {
            return diagnostic.help(format!("`{shown}` names {thing}, and here {} is due", section.one()));
        }
        let known: Vec<String> = self.of(section).take(12).map(|name| format!("`{name}`")).collect();
        if known.is_empty() {
            diagnostic.help(format!("add it under `{}:`", section.key()))
        } else {
            diagnostic.help(format!("add it under `{}:`; known are {}", section.key(), known.join(", ")))
        }
    }
}

/// Whether a name keeps the form of names: lowercase letters, digits, `-` and `_`.
pub(super) fn is_name(text: &str) -> bool {
    let mut letters = text.bytes();
    letters.next().is_some_and(|first| first.is_ascii_lowercase() || first.is_ascii_digit())
        && letters.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_')
        && text.len() <= 64
}
