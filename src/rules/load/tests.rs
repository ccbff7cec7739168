use std::path::Path;

use jiff::civil::date;

use super::*;

/// Files below a folder of the repository.
struct Folder(&'static str);

impl Files for Folder {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(self.0).join(path);
        std::fs::read(path).map_err(|_gone| FileError::Missing)
    }
}

fn loaded(folder: &'static str, file: &str) -> Loaded {
    let files = Folder(folder);
    let bytes = files.read(file).unwrap();
    load(&format!("{folder}/{file}"), &bytes, &files, date(2026, 11, 21))
}

/// The problems, one a line, for eyes.
fn problems(loaded: &Loaded) -> String {
    let lines = loaded.diagnostics.iter().map(|diagnostic| {
        let place = diagnostic.primary.as_ref().map(|label| label.line_and_column()).unwrap_or_default();
        format!(
            "{}:{} {} {} [{}] {:?}",
            place.0, place.1, diagnostic.path, diagnostic.message, diagnostic.code, diagnostic.help
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_shipped_files_load() {
    for file in ["small-business.yaml", "tour-company.yaml", "urgent-line.yaml"] {
        let loaded = loaded("routing-rules", file);
        assert!(loaded.rules.is_some(), "{file}\n{}", problems(&loaded));
        assert!(loaded.diagnostics.is_empty(), "{file}\n{}", problems(&loaded));
        assert!(!loaded.cases.is_empty(), "{file}");
    }
}

#[test]
fn every_problem_comes_at_once() {
    let text = "\
version: 1
timezone: America/Los_Angelos
numbers: [+16195550100]
contacts:
  primary: \"+1 619 555 0111\"
hours: { business: mon-fri 09:00-24:30 }
routes:
  - when: busines
    cascade: [{ ring: primry, for: 20 }, { rign: primary }]
finally: { voicemail: Please leave your name and number after the tone. }
";
    let loaded = load("rules.yaml", text.as_bytes(), &NoFiles, date(2026, 11, 21));
    let codes: Vec<&str> = loaded.diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    assert!(loaded.rules.is_none());
    let expected = [
        "unknown-zone",
        "unquoted-number",
        "bad-number",
        "bad-time",
        "unknown-name",
        "unknown-name",
        "duration-without-unit",
        "unknown-field",
    ];
    assert_eq!(codes, expected, "{}", problems(&loaded));
}
