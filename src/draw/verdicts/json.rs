//! The wire form of tests: `ringfall test --format json`.

use serde::Serialize;

use crate::draw::explain::json::pretty;
use crate::draw::verdicts::FileTests;
use crate::journey::coverage::{Coverage, Share};
use crate::journey::verdict::Verdict;

/// Version of this form; fields may be added without a new one.
pub const VERSION: u8 = 1;

/// The tests of some files.
#[derive(Debug, Clone, Serialize)]
pub struct TestsPart {
    /// Version of this form.
    pub version: u8,
    /// How many tests came out as expected.
    pub passed: usize,
    /// How many did not.
    pub failed: usize,
    /// The files.
    pub files: Vec<FilePart>,
}

/// The tests of one file.
#[derive(Debug, Clone, Serialize)]
pub struct FilePart {
    /// The file as the user named it.
    pub file: String,
    /// The tests in order.
    pub tests: Vec<TestPart>,
    /// What they have come to.
    pub coverage: CoveragePart,
}

/// One test.
#[derive(Debug, Clone, Serialize)]
pub struct TestPart {
    /// Its sentence.
    pub name: String,
    /// Line of the file.
    pub line: u32,
    /// Whether all came out as expected.
    pub passed: bool,
    /// What did not.
    pub failures: Vec<FailurePart>,
    /// The call in one sentence.
    pub summary: String,
    /// The options with which `ringfall explain` shows the same call.
    pub explain: String,
}

/// One expectation that was not met.
#[derive(Debug, Clone, Serialize)]
pub struct FailurePart {
    /// The key of the expectation.
    pub what: &'static str,
    /// What was expected.
    pub expected: String,
    /// What came instead.
    pub got: String,
}

/// What the tests have come to.
#[derive(Debug, Clone, Serialize)]
pub struct CoveragePart {
    /// Of everything, rounded down.
    pub percent: u8,
    /// The rules.
    pub rules: SharePart,
    /// The steps.
    pub steps: SharePart,
    /// The keys of menus.
    pub keys: SharePart,
}

/// A part of a whole.
#[derive(Debug, Clone, Serialize)]
pub struct SharePart {
    /// How many were come to.
    pub reached: usize,
    /// How many there are.
    pub total: usize,
    /// The paths of the others.
    pub missing: Vec<String>,
}

/// The tests as indented JSON with a line's end.
pub fn text(files: &[FileTests]) -> String {
    let failed: usize = files.iter().map(FileTests::failed).sum();
    let all: usize = files.iter().map(|file| file.verdicts.len()).sum();
    let files = files.iter().map(|file| FilePart {
        file: file.name.clone(),
        tests: file.verdicts.iter().map(test).collect(),
        coverage: coverage(&file.coverage),
    });
    pretty(&TestsPart { version: VERSION, passed: all - failed, failed, files: files.collect() })
}

fn test(verdict: &Verdict) -> TestPart {
    let failures = verdict.failures.iter().map(|failure| FailurePart {
        what: failure.what,
        expected: failure.expected.clone(),
        got: failure.got.clone(),
    });
    TestPart {
        name: verdict.name.to_string(),
        line: verdict.line,
        passed: verdict.passed(),
        failures: failures.collect(),
        summary: verdict.told.clone(),
        explain: verdict.again.clone(),
    }
}

fn coverage(coverage: &Coverage) -> CoveragePart {
    CoveragePart {
        percent: coverage.percent(),
        rules: share(&coverage.rules),
        steps: share(&coverage.steps),
        keys: share(&coverage.keys),
    }
}

fn share(share: &Share) -> SharePart {
    SharePart { reached: share.reached, total: share.total(), missing: share.missing.clone() }
}
