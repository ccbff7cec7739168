//! Rule files from disk: the good ones load, and each bad one is drawn as its fixture says.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::civil::{Date, date};
use ringfall::diagnostic::{Diagnostic, Severity};
use ringfall::draw::diagnostics::{Style, text};
use ringfall::prove;
use ringfall::rules::{FileError, Files, Loaded, codes, load, schema};
use ringfall::twiml::templates;

/// The day on which the fixtures are judged.
const TODAY: Date = date(2026, 11, 21);

struct Folder(PathBuf);

impl Files for Folder {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        if path.starts_with('/') || path.split('/').any(|part| part == "..") {
            return Err(FileError::NotAllowed("the path leads out of the folder of the rule file".to_owned()));
        }
        if path.ends_with("locked.csv") {
            return Err(FileError::Unreadable("permission denied".to_owned()));
        }
        fs::read(self.0.join(path)).map_err(|_gone| FileError::Missing)
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn loaded(folder: &str, file: &str, bytes: &[u8]) -> Loaded {
    load(file, bytes, &Folder(root().join(folder)), TODAY)
}

fn yaml_files(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<String> = names.filter(|name| name.ends_with(".yaml") && name != "next.yaml").collect();
    files.sort();
    files
}

#[test]
fn every_good_file_loads_without_a_remark() {
    for folder in ["routing-rules", "fixtures/rules/good"] {
        for file in yaml_files(folder) {
            let bytes = fs::read(root().join(folder).join(&file)).unwrap();
            let loaded = loaded(folder, &file, &bytes);
            let drawn = text(&loaded.diagnostics, Style::Plain);
            assert!(loaded.rules.is_some() && loaded.diagnostics.is_empty(), "{folder}/{file}\n{drawn}");
        }
    }
}

/// The file for a code; what would be large is made here.
fn bad_file(code: &str) -> Vec<u8> {
    if code == "file-too-large" {
        return [b"version: 1\n".as_slice(), &vec![b'#'; 5 << 20]].concat();
    }
    let path = root().join("fixtures/rules/bad").join(format!("{code}.yaml"));
    fs::read(&path).unwrap_or_else(|_gone| panic!("every code has its fixture: {} is missing", path.display()))
}

#[test]
fn every_code_has_a_file_that_is_drawn_like_its_fixture() {
    let update = std::env::var_os("RINGFALL_UPDATE_FIXTURES").is_some();
    let mut wrong = Vec::new();
    for code in codes::ALL {
        let loaded = loaded("fixtures/rules/bad", &format!("{}.yaml", code.name), &bad_file(code.name));
        let (of_it, others): (Vec<Diagnostic>, Vec<Diagnostic>) =
            loaded.diagnostics.into_iter().partition(|diagnostic| diagnostic.code == code.name);
        let stray: Vec<&str> = others.iter().map(|diagnostic| diagnostic.code).collect();
        if code.name != "too-many-problems" && !stray.is_empty() {
            wrong.push(format!("{} also reports {stray:?}\n{}", code.name, text(&others, Style::Plain)));
        }
        if of_it.is_empty() || of_it.iter().any(|diagnostic| diagnostic.severity != code.severity) {
            wrong.push(format!("{} is not reported as {:?}", code.name, code.severity));
        }
        if (code.severity == Severity::Warning) != loaded.rules.is_some() {
            wrong.push(format!("{}: errors make no rules, and warnings do", code.name));
        }
        let drawn = text(&of_it, Style::Plain) + "\n";
        let path = root().join("fixtures/rules/bad").join(format!("{}.txt", code.name));
        if update {
            fs::write(&path, &drawn).unwrap();
        } else if fs::read_to_string(&path).ok().as_deref() != Some(&*drawn) {
            wrong.push(format!("{} is drawn otherwise than {}:\n{drawn}", code.name, path.display()));
        }
    }
    assert!(wrong.is_empty(), "set RINGFALL_UPDATE_FIXTURES to write the drawings anew\n\n{}", wrong.join("\n\n"));
}

#[test]
fn what_proofs_report_is_drawn_like_its_fixture() {
    let noon = TODAY.at(12, 0, 0, 0).in_tz("UTC").unwrap().timestamp();
    let mut wrong = Vec::new();
    for code in &prove::CODES {
        let folder = root().join("fixtures/rules/promises");
        let bytes = fs::read(folder.join(format!("{}.yaml", code.name))).unwrap();
        let loaded = loaded("fixtures/rules/promises", &format!("{}.yaml", code.name), &bytes);
        let questions = if code.severity == Severity::Error { 1_000_000 } else { 10 };
        let limits = prove::Limits { questions, ..prove::Limits::from(noon) };
        let rules = loaded.rules.unwrap();
        let found = prove::diagnostics(&rules, &loaded.source, &prove::promises(&rules, limits));
        assert!(!found.is_empty() && found.iter().all(|one| one.code == code.name && one.severity == code.severity));
        let drawn = text(&found, Style::Plain) + "\n";
        let path = folder.join(format!("{}.txt", code.name));
        if std::env::var_os("RINGFALL_UPDATE_FIXTURES").is_some() {
            fs::write(&path, &drawn).unwrap();
        } else if fs::read_to_string(&path).ok().as_deref() != Some(&*drawn) {
            wrong.push(format!("{} is drawn otherwise than {}:\n{drawn}", code.name, path.display()));
        }
    }
    assert!(wrong.is_empty(), "set RINGFALL_UPDATE_FIXTURES to write the drawings anew\n\n{}", wrong.join("\n\n"));
}

#[test]
fn no_fixture_is_left_over() {
    let known: BTreeSet<&str> = codes::ALL.iter().map(|code| code.name).collect();
    assert_eq!(known.len(), codes::ALL.len(), "a code is listed twice");
    for file in yaml_files("fixtures/rules/bad") {
        let code = file.trim_end_matches(".yaml");
        assert!(known.contains(code), "fixtures/rules/bad/{file} belongs to no code");
    }
}

#[test]
fn the_reference_page_has_a_paragraph_for_every_code() {
    let page = fs::read_to_string(root().join("docs/diagnostics.md")).unwrap();
    let headings: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`')).collect();
    let all = || codes::ALL.iter().chain(&prove::CODES).chain(codes::TOGETHER).chain(templates::CODES);
    let known: Vec<&str> = all().map(|code| code.name).collect();
    assert_eq!(headings, known, "docs/diagnostics.md and rules/codes.rs list the same codes in the same order");
    for code in all() {
        assert!(page.contains(code.meaning), "docs/diagnostics.md does not say what `{}` means", code.name);
    }
}

#[test]
fn the_checked_in_schema_is_current() {
    let path = root().join(schema::CHECKED_IN);
    if std::env::var_os("RINGFALL_UPDATE_FIXTURES").is_some() {
        fs::write(&path, schema::text()).unwrap();
    }
    let stored = fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == schema::text(), "run: ringfall schema > {}", schema::CHECKED_IN);
}

#[test]
fn every_field_of_the_schema_has_a_description_and_an_example() {
    fn walk(value: &serde_json::Value, path: &str, missing: &mut Vec<String>) {
        let properties = value.get("properties").and_then(serde_json::Value::as_object);
        for (name, field) in properties.into_iter().flatten() {
            let lacks = ["description", "examples"].into_iter().filter(|wanted| field.get(wanted).is_none());
            missing.extend(lacks.map(|wanted| format!("{path}.{name}: {wanted}")));
        }
        for (key, inner) in value.as_object().into_iter().flatten() {
            walk(inner, &format!("{path}/{key}"), missing);
        }
    }
    let mut missing = Vec::new();
    walk(&schema::value(), "", &mut missing);
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn editors_and_the_loader_agree_on_the_good_files() {
    let validator = jsonschema::draft7::new(&schema::value()).unwrap();
    for folder in ["routing-rules", "fixtures/rules/good"] {
        for file in yaml_files(folder) {
            let bytes = fs::read(root().join(folder).join(&file)).unwrap();
            let value: serde_json::Value = serde_yaml::from_slice(&bytes).unwrap();
            let faults: Vec<String> =
                validator.iter_errors(&value).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
            assert!(faults.is_empty(), "{folder}/{file}\n{faults:#?}");
        }
    }
}
