//! Where a value stands in the files, for diagnostics and for the line numbers of the rule set.

use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Source};
use crate::rules::grammar::GrammarError;
use crate::rules::tree::{Kind, Node};
use crate::rules::written::File;

/// One file that rules are made of: the main one or an included one.
#[derive(Debug)]
pub(super) struct Part {
    /// Its text.
    pub(super) source: Arc<Source>,
    /// Its tree.
    pub(super) root: Node,
    /// Its value.
    pub(super) file: File,
    /// Paths of what could not be read.
    pub(super) broken: Vec<String>,
    /// Paths of maps with unknown keys.
    pub(super) doubtful: Vec<String>,
    /// Where each line starts.
    pub(super) lines: Vec<usize>,
}

/// A place in a file. Where a key is missing, it is the place of the map that lacks it.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'a> {
    part: &'a Part,
    node: &'a Node,
    key: Option<&'a Range<usize>>,
    missing: Option<&'static str>,
}

impl<'a> At<'a> {
    /// The whole file.
    pub(super) const fn root(part: &'a Part) -> Self {
        Self { part, node: &part.root, key: None, missing: None }
    }

    /// The value under a key.
    pub(super) fn field(&self, name: &'static str) -> Self {
        match self.node.get(name) {
            Some(entry) if self.missing.is_none() => {
                Self { node: &entry.value, key: Some(&entry.key_span), missing: None, ..*self }
            }
            Some(_) | None => Self { missing: self.missing.or(Some(name)), ..*self },
        }
    }

    /// The so-maniest value of a map, or item of a list; the value itself where one stands for a list of one.
    pub(super) fn item(&self, index: usize) -> Self {
        match &self.node.kind {
            Kind::Map(entries) => entries.get(index).map_or(*self, |entry| Self {
                node: &entry.value,
                key: Some(&entry.key_span),
                ..*self
            }),
            Kind::List(items) => items.get(index).map_or(*self, |node| Self { node, key: None, ..*self }),
            Kind::Scalar { .. } => *self,
        }
    }

    /// The item of a list; the value itself where one stands for a list of one.
    pub(super) fn one_of(&self, index: usize) -> Self {
        match &self.node.kind {
            Kind::List(_) => self.item(index),
            Kind::Map(_) | Kind::Scalar { .. } => *self,
        }
    }

    /// Whether something stands there.
    pub(super) const fn is_there(&self) -> bool {
        self.missing.is_none()
    }

    /// Whether it is a text without quotes.
    pub(super) const fn is_plain(&self) -> bool {
        self.node.is_plain()
    }

    /// The file.
    pub(super) const fn source(&self) -> &'a Arc<Source> {
        &self.part.source
    }

    /// Bytes of the value; only its first line where it has several.
    pub(super) fn span(&self) -> Range<usize> {
        if let (Some(key), true) = (self.key, self.is_long()) {
            return key.clone();
        }
        let start = self.node.span.start;
        let text = self.part.source.text.get(self.node.span.clone()).unwrap_or_default();
        let line = text.lines().next().unwrap_or_default().trim_end();
        start..start + line.len()
    }

    /// Bytes of the key, or of the value where there is none.
    pub(super) fn key_span(&self) -> Range<usize> {
        self.key.cloned().unwrap_or_else(|| self.span())
    }

    fn is_long(&self) -> bool {
        let text = self.part.source.text.get(self.node.span.clone()).unwrap_or_default();
        !matches!(self.node.kind, Kind::Scalar { .. }) && text.contains('\n')
    }

    /// Number of the line it starts on, from 1.
    pub(super) fn line(&self) -> u32 {
        let start = self.key.map_or(self.node.span.start, |key| key.start);
        let line = self.part.lines.partition_point(|line| *line <= start);
        u32::try_from(line).unwrap_or(u32::MAX)
    }

    /// The path of the value, such as `flows.main[2].cascade[0].for`.
    pub(super) fn path(&self) -> String {
        let mut path = String::new();
        if !find(&self.part.root, self.node, true, &mut path) {
            find(&self.part.root, self.node, false, &mut path);
        }
        if let Some(name) = self.missing {
            extend(&mut path, name);
        }
        path
    }

    /// Whether the value could not be read, which has been said already.
    pub(super) fn is_broken(&self) -> bool {
        if self.part.broken.is_empty() {
            return false;
        }
        let path = self.path();
        let below = |broken: &String| {
            path.strip_prefix(broken.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        self.part.broken.iter().any(below)
    }

    /// Whether it has an unknown key, which may have been meant for one that seems to be missing.
    pub(super) fn is_doubtful(&self) -> bool {
        !self.part.doubtful.is_empty() && self.part.doubtful.contains(&self.path())
    }

    /// An error at this place.
    pub(super) fn error(&self, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, message).at(&self.part.source, self.span(), "").path(self.path())
    }

    /// An error at the key of this place.
    pub(super) fn key_error(&self, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, message).at(&self.part.source, self.key_span(), "").path(self.path())
    }

    /// A warning at this place.
    pub(super) fn warning(&self, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::warning(code, message).at(&self.part.source, self.span(), "").path(self.path())
    }

    /// A warning at the key of this place.
    pub(super) fn key_warning(&self, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::warning(code, message).at(&self.part.source, self.key_span(), "").path(self.path())
    }

    /// What a small text has wrong, at the very bytes of it that are wrong.
    pub(super) fn grammar_error(&self, error: GrammarError) -> Diagnostic {
        let span = self.within(&error.at).unwrap_or_else(|| self.span());
        let mut diagnostic =
            Diagnostic::error(error.code, error.message).at(&self.part.source, span, "").path(self.path());
        diagnostic.help = error.help;
        diagnostic
    }

    /// Bytes of the file for bytes of the text, where the text stands in the file as it is.
    fn within(&self, at: &Range<usize>) -> Option<Range<usize>> {
        let text = self.node.text()?;
        let raw = self.part.source.text.get(self.node.span.clone())?;
        let offset = raw.find(text).filter(|offset| *offset <= 1)?;
        let start = self.node.span.start + offset;
        (at.end > at.start && at.end <= text.len()).then(|| start + at.start..start + at.end)
    }
}

/// Writes the path from `root` to `target`; with `inside`, looks only where the bytes of `target` lie.
fn find(root: &Node, target: &Node, inside: bool, path: &mut String) -> bool {
    if std::ptr::eq(root, target) {
        return true;
    }
    let worth = |node: &Node| !inside || (node.span.start <= target.span.start && target.span.end <= node.span.end);
    let before = path.len();
    match &root.kind {
        Kind::Scalar { .. } => {}
        Kind::List(items) => {
            for (index, item) in items.iter().enumerate().filter(|(_, item)| worth(item)) {
                path.push_str(&format!("[{index}]"));
                if find(item, target, inside, path) {
                    return true;
                }
                path.truncate(before);
            }
        }
        Kind::Map(entries) => {
            for entry in entries.iter().filter(|entry| worth(&entry.value)) {
                extend(path, &entry.key);
                if find(&entry.value, target, inside, path) {
                    return true;
                }
                path.truncate(before);
            }
        }
    }
    false
}

fn extend(path: &mut String, key: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(key);
}

/// Where each line of a text starts.
pub(super) fn line_starts(text: &str) -> Vec<usize> {
    let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(place, _)| place + 1);
    std::iter::once(0).chain(newlines).collect()
}
