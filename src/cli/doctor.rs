//! `ringfall doctor`: whether everything around the service is as it should be, each finding with its remedy.

use serde_json::json;

use crate::cli::Answer;
use crate::cli::ground::{self, Where};
use crate::cli::outcome::Outcome;
use crate::cli::terminal;
use crate::model::ids::OrgSlug;

mod local;
mod merged;
mod outlets;
mod remote;
mod spending;
mod trail;

/// What to look at.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "PASS is fine, WARN needs a look, FAIL needs a deed. Run it where the service runs, with the same settings.\n\
    Exit codes: 0 nothing failed, 1 something failed (with --strict: or needs a look), 3 could not run.\n\
    Example: ringfall doctor --org acme"
)]
pub struct Doctor {
    /// Only this organization's numbers and fallbacks [default: all]
    #[arg(long, value_name = "NAME", value_parser = ground::slug)]
    org: Option<OrgSlug>,
    /// Ask nobody outside this machine
    #[arg(long)]
    offline: bool,
    /// Count warnings as failures
    #[arg(long)]
    strict: bool,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    place: Where,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For eyes
    Text,
    /// For programs
    Json,
}

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Pass,
    Warn,
    Fail,
}

impl Verdict {
    const fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Warn => "WARN",
            Self::Fail => "FAIL",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug)]
struct Finding {
    verdict: Verdict,
    what: String,
    told: String,
    /// What to do; empty when all is well.
    remedy: String,
}

/// Everything that was looked at.
#[derive(Debug, Default)]
struct Report(Vec<Finding>);

impl Report {
    fn add(&mut self, verdict: Verdict, what: &str, told: impl Into<String>, remedy: impl Into<String>) {
        self.0.push(Finding { verdict, what: what.to_owned(), told: told.into(), remedy: remedy.into() });
    }

    fn pass(&mut self, what: &str, told: impl Into<String>) {
        self.add(Verdict::Pass, what, told, "");
    }

    fn warn(&mut self, what: &str, told: impl Into<String>, remedy: impl Into<String>) {
        self.add(Verdict::Warn, what, told, remedy);
    }

    fn fail(&mut self, what: &str, told: impl Into<String>, remedy: impl Into<String>) {
        self.add(Verdict::Fail, what, told, remedy);
    }

    fn has(&self, verdict: Verdict) -> bool {
        self.0.iter().any(|finding| finding.verdict == verdict)
    }
}

pub(crate) fn run(args: &Doctor) -> Answer {
    let mut report = Report::default();
    let loaded = args.place.loaded();
    for doubt in loaded.doubts() {
        report.warn("settings", doubt.to_string(), "correct its name, or take it away");
    }
    match loaded.settings {
        Ok(settings) => {
            report.pass("settings", "readable, and nothing wrong with them");
            let organizations = local::look(&mut report, &settings, args.org.as_ref());
            if !args.offline {
                merged::look(&mut report, &settings);
            }
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
            runtime.block_on(async {
                if local::outbox(&mut report, &settings).await {
                    spending::look(&mut report, &settings, &organizations).await;
                }
                if !args.offline {
                    remote::look(&mut report, &settings, &organizations).await;
                    outlets::look(&mut report, &settings, &organizations).await;
                }
            });
        }
        Err(error) => {
            report.fail("settings", error.to_string(), "mend them; `ringfall serve --print-config` shows all");
        }
    }
    show(&report, args.format);
    let failed = report.has(Verdict::Fail) || args.strict && report.has(Verdict::Warn);
    Ok(if failed { Outcome::Findings } else { Outcome::Fine })
}

fn show(report: &Report, format: Format) {
    let text = match format {
        Format::Json => {
            let rows = report.0.iter().map(
                |it| json!({ "verdict": it.verdict.word(), "what": it.what, "told": it.told, "remedy": it.remedy }),
            );
            format!("{:#}\n", rows.collect::<serde_json::Value>())
        }
        Format::Text => report.0.iter().map(line).collect(),
    };
    terminal::put(&text);
}

fn line(finding: &Finding) -> String {
    let Finding { verdict, what, told, remedy } = finding;
    let told = told.replace('\n', "\n      ");
    let remedy = if remedy.is_empty() { String::new() } else { format!("\n      -> {remedy}") };
    format!("{}  {what}: {told}{remedy}\n", verdict.word())
}
