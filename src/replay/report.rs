//! What came of playing many recordings, for eyes, programs and build servers.

use std::fmt::Write as _;
use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use serde_json::json;

use crate::model::count::counted;
use crate::replay::differ::{Difference, Verdict};

/// One recording that was played.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayed {
    /// Its file.
    pub file: String,
    /// Its call.
    pub call: String,
    /// What came of it.
    pub verdict: Verdict,
    /// Whether the file was written anew.
    pub updated: bool,
}

/// One file that could not be played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unplayed {
    /// The file.
    pub file: String,
    /// Why, with the place.
    pub message: String,
}

/// All of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Those that were played, in the order of the files.
    pub replayed: Vec<Replayed>,
    /// Those that could not be.
    pub unplayed: Vec<Unplayed>,
}

impl Report {
    /// How many calls are answered otherwise than they were.
    pub fn moved(&self) -> usize {
        self.replayed.iter().filter(|one| !one.verdict.differences.is_empty()).count()
    }

    /// How many requests were played.
    pub fn played(&self) -> usize {
        self.replayed.iter().map(|one| one.verdict.played).sum()
    }
}

/// For eyes: every difference, and one line at the end.
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    for one in report.replayed.iter().filter(|one| !one.verdict.differences.is_empty()) {
        let updated = if one.updated { " (written anew)" } else { "" };
        // Writing to a string cannot fail.
        let _infallible = writeln!(out, "{}: call {} is answered otherwise{updated}", one.file, one.call);
        let mut last = 0;
        for difference in &one.verdict.differences {
            if difference.webhook != last {
                last = difference.webhook;
                let _infallible = writeln!(out, "  webhook {last}, {}", difference.asked);
            }
            let _infallible = writeln!(out, "    {}", line(difference));
        }
        if one.verdict.left_out > 0 {
            let _infallible =
                writeln!(out, "  {} left out: nobody asks for them after another answer", later(one.verdict.left_out));
        }
    }
    let same = report.replayed.len() - report.moved();
    let mut end = format!("{} answered as recorded", counted(same, "call"));
    if report.moved() > 0 {
        let _infallible = write!(end, ", {} otherwise", report.moved());
    }
    if !report.unplayed.is_empty() {
        let _infallible = write!(end, ", {} could not be played", report.unplayed.len());
    }
    let _infallible = writeln!(out, "{end}; {}", counted(report.played(), "webhook"));
    out
}

fn later(count: usize) -> String {
    if count == 1 { "1 later webhook".to_owned() } else { format!("{count} later webhooks") }
}

fn line(difference: &Difference) -> String {
    let Difference { what, place, expected, got, .. } = difference;
    let place = if place.is_empty() { String::new() } else { format!(" {place}") };
    let shown = |text: &str| if text.is_empty() { "nothing".to_owned() } else { format!("`{text}`") };
    format!("{what}{place}: expected {}, got {}", shown(expected), shown(got))
}

/// For programs; the form is versioned.
pub fn json(report: &Report) -> String {
    let calls = report.replayed.iter().map(|one| {
        let verdict = &one.verdict;
        json!({
            "file": one.file,
            "call": one.call,
            "same": verdict.differences.is_empty(),
            "webhooks": verdict.played,
            "not_compared": verdict.faulty,
            "left_out": verdict.left_out,
            "updated": one.updated,
            "differences": verdict.differences,
        })
    });
    let calls: Vec<_> = calls.collect();
    let unplayed: Vec<_> =
        report.unplayed.iter().map(|one| json!({ "file": one.file, "message": one.message })).collect();
    let all = json!({
        "version": 1,
        "summary": {
            "calls": report.replayed.len(),
            "otherwise": report.moved(),
            "unplayed": report.unplayed.len(),
            "webhooks": report.played(),
        },
        "calls": calls,
        "unplayed": unplayed,
    });
    let mut text = serde_json::to_string_pretty(&all).unwrap_or_default();
    text.push('\n');
    text
}

/// For build servers.
pub fn junit(report: &Report) -> String {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    // Writing to memory fails only when there is none left.
    match document(&mut writer, report) {
        Ok(()) => String::from_utf8_lossy(&writer.into_inner()).into_owned() + "\n",
        Err(error) => format!("<!-- {error} -->\n"),
    }
}

fn document(writer: &mut Writer<Vec<u8>>, report: &Report) -> io::Result<()> {
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let all = (report.replayed.len() + report.unplayed.len()).to_string();
    writer
        .create_element("testsuite")
        .with_attribute(("name", "ringfall replay"))
        .with_attribute(("tests", all.as_str()))
        .with_attribute(("failures", report.moved().to_string().as_str()))
        .with_attribute(("errors", report.unplayed.len().to_string().as_str()))
        .with_attribute(("skipped", "0"))
        .write_inner_content(|writer| {
            report.replayed.iter().try_for_each(|one| case(writer, one))?;
            report.unplayed.iter().try_for_each(|one| {
                writer
                    .create_element("testcase")
                    .with_attribute(("classname", "recording"))
                    .with_attribute(("name", one.file.as_str()))
                    .with_attribute(("file", one.file.as_str()))
                    .write_inner_content(|writer| {
                        let message = printable(&one.message);
                        writer.create_element("error").with_attribute(("message", message.as_str())).write_empty()?;
                        Ok(())
                    })?;
                Ok(())
            })
        })?;
    Ok(())
}

fn case(writer: &mut Writer<Vec<u8>>, one: &Replayed) -> io::Result<()> {
    let element = writer
        .create_element("testcase")
        .with_attribute(("classname", "recording"))
        .with_attribute(("name", one.call.as_str()))
        .with_attribute(("file", one.file.as_str()));
    let lines: Vec<String> = one
        .verdict
        .differences
        .iter()
        .map(|difference| {
            printable(&format!("webhook {}, {}: {}", difference.webhook, difference.asked, line(difference)))
        })
        .collect();
    let Some(first) = lines.first() else {
        element.write_empty()?;
        return Ok(());
    };
    element.write_inner_content(|writer| {
        let text = lines.join("\n");
        writer
            .create_element("failure")
            .with_attribute(("message", first.as_str()))
            .write_text_content(BytesText::new(&text))?;
        Ok(())
    })?;
    Ok(())
}

/// A text without the signs that XML cannot hold.
fn printable(text: &str) -> String {
    text.chars().map(|sign| if sign < ' ' && !"\t\n\r".contains(sign) { '\u{fffd}' } else { sign }).collect()
}
