//! Tests in JUnit's form, which build servers read: `ringfall test --format junit`.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use crate::draw::verdicts::FileTests;
use crate::journey::verdict::Verdict;

/// Draws the tests of some files as one JUnit document.
pub fn text(files: &[FileTests]) -> String {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    // Writing to memory fails only when there is none left.
    match document(&mut writer, files) {
        Ok(()) => {
            let mut text = String::from_utf8_lossy(&writer.into_inner()).into_owned();
            text.push('\n');
            text
        }
        Err(error) => format!("<!-- {error} -->\n"),
    }
}

type Xml = Writer<Vec<u8>>;

fn document(writer: &mut Xml, files: &[FileTests]) -> io::Result<()> {
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let all: usize = files.iter().map(|file| file.verdicts.len()).sum();
    let failed: usize = files.iter().map(FileTests::failed).sum();
    writer
        .create_element("testsuites")
        .with_attribute(("tests", all.to_string().as_str()))
        .with_attribute(("failures", failed.to_string().as_str()))
        .write_inner_content(|writer| files.iter().try_for_each(|file| suite(writer, file)))?;
    Ok(())
}

fn suite(writer: &mut Xml, file: &FileTests) -> io::Result<()> {
    writer
        .create_element("testsuite")
        .with_attribute(("name", file.name.as_str()))
        .with_attribute(("tests", file.verdicts.len().to_string().as_str()))
        .with_attribute(("failures", file.failed().to_string().as_str()))
        .with_attribute(("errors", "0"))
        .with_attribute(("skipped", "0"))
        .write_inner_content(|writer| file.verdicts.iter().try_for_each(|verdict| case(writer, file, verdict)))?;
    Ok(())
}

fn case(writer: &mut Xml, file: &FileTests, verdict: &Verdict) -> io::Result<()> {
    let name = printable(&verdict.name);
    let line = verdict.line.to_string();
    let element = writer
        .create_element("testcase")
        .with_attribute(("classname", file.name.as_str()))
        .with_attribute(("name", name.as_str()))
        .with_attribute(("file", file.name.as_str()))
        .with_attribute(("line", line.as_str()));
    if verdict.passed() {
        element.write_empty()?;
        return Ok(());
    }
    element.write_inner_content(|writer| failure(writer, verdict))?;
    Ok(())
}

fn failure(writer: &mut Xml, verdict: &Verdict) -> io::Result<()> {
    let lines = verdict.failures.iter().map(|failure| {
        let (expected, got) = (printable(&failure.expected), printable(&failure.got));
        format!("{}: expected {expected}, got {got}", failure.what)
    });
    let lines: Vec<String> = lines.collect();
    let all = format!("{}\ntold: {}", lines.join("\n"), printable(&verdict.told));
    let first = lines.first().map_or("", String::as_str);
    writer.create_element("failure").with_attribute(("message", first)).write_text_content(BytesText::new(&all))?;
    Ok(())
}

/// A text without the signs that XML cannot hold.
fn printable(text: &str) -> String {
    text.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect()
}
