//! What is wrong with a file, where, and what to do: data only, drawn elsewhere.

use std::ops::Range;
use std::sync::Arc;

/// A file's name as the user gave it, with its text, so that any drawer can show the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The path or `<stdin>`.
    pub name: Box<str>,
    /// The whole text; bytes that are not UTF-8 are shown as replacement characters.
    pub text: Box<str>,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file works, and does something that its author will hardly want.
    Warning,
}

impl Severity {
    /// The word shown.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A stretch of a file with a remark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The file.
    pub source: Arc<Source>,
    /// Byte range in its text; empty at a place between two bytes.
    pub span: Range<usize>,
    /// What this place has to do with it; may be empty on the primary label.
    pub text: String,
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The stable name of this kind of problem, from the room's own list.
    pub code: &'static str,
    /// One lowercase sentence without a final period.
    pub message: String,
    /// The path of the value in the file, such as `flows.main[2].cascade[0].for`; empty for the whole file.
    pub path: String,
    /// Where it is; none when no file has a place for it.
    pub primary: Option<Label>,
    /// The other sides of a conflict.
    pub secondary: Vec<Label>,
    /// A way out.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error of this kind, without a place yet.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            path: String::new(),
            primary: None,
            secondary: Vec::new(),
            help: None,
        }
    }

    /// A warning of this kind, without a place yet.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// The same with its place.
    #[must_use]
    pub fn at(mut self, source: &Arc<Source>, span: Range<usize>, text: impl Into<String>) -> Self {
        self.primary = Some(Label { source: Arc::clone(source), span, text: text.into() });
        self
    }

    /// The same with the path of the value.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// The same with one more side of the conflict.
    #[must_use]
    pub fn also(mut self, source: &Arc<Source>, span: Range<usize>, text: impl Into<String>) -> Self {
        self.secondary.push(Label { source: Arc::clone(source), span, text: text.into() });
        self
    }

    /// The same with a way out.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Whether it keeps the file from being used.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl Label {
    /// Line and column of the start, both from 1, the column in characters.
    pub fn line_and_column(&self) -> (usize, usize) {
        let start = self.span.start.min(self.source.text.len());
        let before = self.source.text.get(..start).unwrap_or_default();
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line, column)
    }
}
