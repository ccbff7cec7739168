//! Diagnostics as text with the lines shown, as one line each for tools, and as JSON.

use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde_json::{Value, json};

use crate::diagnostic::{Diagnostic, Label, Severity, Source};

/// Larger stretches of a file are not shown, only named: such lines are written by machines.
const LARGEST_WINDOW: usize = 50_000;

/// Whether a drawing may use color.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// For files, pipes and tests.
    Plain,
    /// For a terminal.
    Colored,
}

/// All diagnostics, each with its lines, a blank line between two, and no line after the last.
pub fn text(diagnostics: &[Diagnostic], style: Style) -> String {
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Colored => Renderer::styled(),
    };
    let drawn = diagnostics.iter().map(|diagnostic| one(&renderer, diagnostic));
    drawn.collect::<Vec<_>>().join("\n\n")
}

/// How many errors and warnings there are, such as `2 errors, 1 warning`; none when there are none.
pub fn tally(diagnostics: &[Diagnostic]) -> Option<String> {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
    let count = |count: usize, word: &str| match count {
        0 => None,
        1 => Some(format!("1 {word}")),
        _ => Some(format!("{count} {word}s")),
    };
    let parts: Vec<String> =
        [count(errors, "error"), count(diagnostics.len() - errors, "warning")].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn one(renderer: &Renderer, diagnostic: &Diagnostic) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let message = clean(&diagnostic.message);
    let mut group = Group::with_title(level.primary_title(message).id(diagnostic.code));
    let labels: Vec<Label> = diagnostic.primary.iter().chain(&diagnostic.secondary).map(in_bounds).collect();
    let mut sources: Vec<&Arc<Source>> = Vec::new();
    for label in &labels {
        if !sources.iter().any(|source| Arc::ptr_eq(source, &label.source)) {
            sources.push(&label.source);
        }
    }
    for source in sources {
        let here = labels.iter().enumerate().filter(|(_, label)| Arc::ptr_eq(&label.source, source));
        let window = window(source, here.clone().map(|(_, label)| label));
        if window.text.len() > LARGEST_WINDOW {
            if let Some((_, label)) = here.clone().next() {
                let (line, column) = label.line_and_column();
                group = group.element(Origin::path(&*source.name).line(line).char_column(column));
            }
            continue;
        }
        let mut snippet = Snippet::source(window.text).path(&*source.name).line_start(window.line);
        for (index, label) in here {
            let primary = index == 0 && diagnostic.primary.is_some();
            let kind = if primary { AnnotationKind::Primary } else { AnnotationKind::Context };
            let annotation = kind.span(label.span.start - window.start..label.span.end - window.start);
            snippet = snippet.annotation(if label.text.is_empty() {
                annotation
            } else {
                annotation.label(clean(&label.text))
            });
        }
        group = group.element(snippet);
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(lines_of(help)));
    }
    renderer.render(&[group])
}

/// The lines that have labels and those between them: the drawer need not walk a whole file for each drawing.
struct Window<'a> {
    text: &'a str,
    start: usize,
    line: usize,
}

fn window<'a>(source: &'a Source, labels: impl Iterator<Item = &'a Label> + Clone) -> Window<'a> {
    let first = labels.clone().map(|label| label.span.start).min().unwrap_or_default();
    let last = labels.map(|label| label.span.end).max().unwrap_or_default();
    let before = source.text.get(..first).unwrap_or_default();
    let start = before.rfind('\n').map_or(0, |place| place + 1);
    let after = source.text.get(last..).unwrap_or_default();
    let end = after.find('\n').map_or(source.text.len(), |place| last + place + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    Window { text: source.text.get(start..end).unwrap_or_default(), start, line }
}

/// The label with its span cut to whole letters of the text.
fn in_bounds(label: &Label) -> Label {
    let text = &label.source.text;
    let floor = |mut place: usize| {
        place = place.min(text.len());
        while !text.is_char_boundary(place) {
            place -= 1;
        }
        place
    };
    let start = floor(label.span.start);
    Label { span: start..floor(label.span.end).max(start), ..label.clone() }
}

/// Nothing in a message may move a cursor: the words come from files of strangers.
fn clean(text: &str) -> String {
    text.chars().map(|sign| if sign.is_control() { '\u{fffd}' } else { sign }).collect()
}

/// A way out may have several lines, such as a call shown step by step.
fn lines_of(text: &str) -> String {
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
}

/// One line a diagnostic, `file:line:column: severity[code]: path: message`, for editors and scripts.
pub fn lines(diagnostics: &[Diagnostic]) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        if let Some(label) = &diagnostic.primary {
            let (line, column) = label.line_and_column();
            text.push_str(&format!("{}:{line}:{column}: ", clean(&label.source.name)));
        }
        text.push_str(&format!("{}[{}]: ", diagnostic.severity.word(), diagnostic.code));
        if !diagnostic.path.is_empty() {
            text.push_str(&format!("{}: ", clean(&diagnostic.path)));
        }
        text.push_str(&clean(&diagnostic.message));
        text.push('\n');
    }
    text
}

/// A list of objects with the fields `severity`, `code`, `message`, `path`, `place`, `also` and `help`.
pub fn json(diagnostics: &[Diagnostic]) -> Value {
    let objects = diagnostics.iter().map(|diagnostic| {
        json!({
            "severity": diagnostic.severity.word(),
            "code": diagnostic.code,
            "message": diagnostic.message,
            "path": diagnostic.path,
            "place": diagnostic.primary.as_ref().map(place),
            "also": diagnostic.secondary.iter().map(place).collect::<Vec<_>>(),
            "help": diagnostic.help,
        })
    });
    objects.collect()
}

fn place(label: &Label) -> Value {
    let (line, column) = label.line_and_column();
    json!({
        "file": &*label.source.name,
        "line": line,
        "column": column,
        "from": label.span.start,
        "to": label.span.end,
        "text": label.text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str, text: &str) -> Arc<Source> {
        Arc::new(Source { name: name.into(), text: text.into() })
    }

    fn clash() -> Diagnostic {
        let main = source("acme.yaml", "contacts:\n  desk: \"+16195550120\"\n");
        let other = source("people.yaml", "contacts:\n  desk: \"+16195550121\"\n");
        Diagnostic::error("duplicate-name", "the contact `desk` is there twice")
            .at(&main, 12..16, "")
            .path("contacts.desk")
            .also(&other, 12..16, "first written here")
            .help("rename one of the two")
    }

    #[test]
    fn both_sides_of_a_clash_are_shown() {
        let expected = "\
error[duplicate-name]: the contact `desk` is there twice
 --> acme.yaml:2:3
  |
2 |   desk: \"+16195550120\"
  |   ^^^^
  |
 ::: people.yaml:2:3
  |
2 |   desk: \"+16195550121\"
  |   ---- first written here
  |
  = help: rename one of the two";
        assert_eq!(text(&[clash()], Style::Plain), expected);
        assert!(text(&[clash()], Style::Colored).contains("\u{1b}["));
    }

    #[test]
    fn tools_get_one_line_each() {
        let warning = Diagnostic::warning("odd", "something\nis odd");
        assert_eq!(
            lines(&[clash(), warning]),
            "acme.yaml:2:3: error[duplicate-name]: contacts.desk: the contact `desk` is there twice\n\
             warning[odd]: something\u{fffd}is odd\n"
        );
        assert_eq!(tally(&[clash(), clash(), Diagnostic::warning("odd", "x")]).as_deref(), Some("2 errors, 1 warning"));
        assert_eq!(tally(&[]), None);
    }

    #[test]
    fn json_keeps_every_field() {
        let value = json(&[clash()]);
        assert_eq!(value[0]["place"]["line"], 2);
        assert_eq!(value[0]["also"][0]["file"], "people.yaml");
        assert_eq!(value[0]["help"], "rename one of the two");
    }

    #[test]
    fn a_span_outside_the_text_is_cut() {
        let place = source("x.yaml", "é");
        let odd = Diagnostic::error("odd", "odd").at(&place, 1..99, "");
        assert!(text(&[odd], Style::Plain).contains("x.yaml:1"));
    }
}
