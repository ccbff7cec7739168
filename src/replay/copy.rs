//! Rules that stand in a recording themselves.

use crate::replay::recording::RuleText;
use crate::rules::ruleset::RuleSet;
use crate::rules::{FileError, Files, load};

/// Files that stand in a recording.
#[derive(Debug)]
pub struct Texts<'a>(pub &'a [RuleText]);

impl Files for Texts<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        let found = self.0.iter().find(|file| file.path == path);
        found.map(|file| file.text.clone().into_bytes()).ok_or(FileError::Missing)
    }
}

/// The rules of these texts, of which the first is the rule file; what is wrong with them in a line.
pub fn rules(texts: &[RuleText]) -> Result<RuleSet, String> {
    let (main, others) = texts.split_first().ok_or("it holds no rules")?;
    // The day matters only for warnings.
    let loaded = load(&main.path, main.text.as_bytes(), &Texts(others), jiff::civil::Date::constant(2000, 1, 1));
    loaded.rules.ok_or_else(|| {
        let first = loaded.diagnostics.iter().find(|diagnostic| diagnostic.is_error());
        first.map_or_else(
            || "the rules in it cannot be read".to_owned(),
            |problem| {
                let place = problem.primary.as_ref().map_or_else(String::new, |label| {
                    let (line, column) = label.line_and_column();
                    format!("{}:{line}:{column}: ", label.source.name)
                });
                format!("{place}{}", problem.message)
            },
        )
    })
}
