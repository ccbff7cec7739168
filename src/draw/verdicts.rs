//! What came of the tests that rule files carry: for eyes, as JSON, as JUnit.

pub mod json;
pub mod junit;

use std::fmt::Write as _;

use crate::journey::coverage::Coverage;
use crate::journey::verdict::Verdict;

/// The tests of one file.
#[derive(Debug, Clone, PartialEq)]
pub struct FileTests {
    /// The file as the user named it.
    pub name: String,
    /// What came of each test, in the order of the file.
    pub verdicts: Vec<Verdict>,
    /// What the tests have come to.
    pub coverage: Coverage,
}

impl FileTests {
    /// How many came out otherwise.
    pub fn failed(&self) -> usize {
        self.verdicts.iter().filter(|verdict| !verdict.passed()).count()
    }
}

/// Whether what was not come to is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// Only what came of the tests.
    Verdicts,
    /// And what they have come to.
    Coverage,
}

/// Draws the tests of some files for a terminal.
pub fn text(files: &[FileTests], show: Show) -> String {
    let mut drawing = String::new();
    for file in files {
        let _ = writeln!(drawing, "{}", file.name);
        if file.verdicts.is_empty() {
            let _ = writeln!(drawing, "  no tests");
        }
        for verdict in &file.verdicts {
            one(&mut drawing, &file.name, verdict);
        }
        if show == Show::Coverage {
            coverage(&mut drawing, &file.coverage);
        }
        drawing.push('\n');
    }
    let _ = writeln!(drawing, "{}", totals(files));
    drawing
}

fn one(drawing: &mut String, file: &str, verdict: &Verdict) {
    if verdict.passed() {
        let _ = writeln!(drawing, "  ok    {}", verdict.name);
        return;
    }
    let _ = writeln!(drawing, "  FAIL  {} (line {})", verdict.name, verdict.line);
    for failure in &verdict.failures {
        let _ = writeln!(drawing, "          {}: expected {}, got {}", failure.what, failure.expected, failure.got);
    }
    let _ = writeln!(drawing, "          told: {}", verdict.told);
    let _ = writeln!(drawing, "          see:  ringfall explain {} {file}", verdict.again);
}

fn coverage(drawing: &mut String, coverage: &Coverage) {
    let Coverage { rules, steps, keys } = coverage;
    let _ = writeln!(
        drawing,
        "  coverage {}%: rules {}/{}, steps {}/{}, menu keys {}/{}",
        coverage.percent(),
        rules.reached,
        rules.total(),
        steps.reached,
        steps.total(),
        keys.reached,
        keys.total()
    );
    for path in coverage.missing() {
        let _ = writeln!(drawing, "    not reached: {path}");
    }
}

fn totals(files: &[FileTests]) -> String {
    let all: usize = files.iter().map(|file| file.verdicts.len()).sum();
    let failed: usize = files.iter().map(FileTests::failed).sum();
    let tests = if all == 1 { "test" } else { "tests" };
    let failures = if failed == 0 { String::new() } else { format!(", {failed} failed") };
    format!("{all} {tests}: {} passed{failures}", all - failed)
}

#[cfg(test)]
mod cases;
