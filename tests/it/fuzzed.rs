//! What `fuzz/` runs for hours, run here over its seeds and over copies of them with a few bytes changed, the same ones
//! every time; so that neither the entries nor the seeds rot.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use crate::chance::Chance;
use crate::mutations::mutate;

#[path = "../../fuzz/entries.rs"]
mod entries;

/// Changed copies for each entry.
const COPIES: u64 = 1_500;

/// Folders that hold good seeds for an entry beside its own.
const MORE: [(&str, &str); 4] = [
    ("rules", "routing-rules"),
    ("rules", "fixtures/rules/good"),
    ("recording", "fixtures/recorded"),
    ("calendar", "fixtures/rules/good/calendars"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = entries.filter(|path| path.is_file()).collect();
    found.sort();
    found.into_iter().map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
}

fn seeds(entry: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let more = MORE.iter().filter(|(known, _)| *known == entry).map(|(_, folder)| root().join(folder));
    let mut found: Vec<_> =
        std::iter::once(root().join("fuzz/corpus").join(entry)).chain(more).flat_map(|folder| files(&folder)).collect();
    // What a long run has found stands beside the seeds on its machine alone, and would change the copies.
    found.retain(|(path, _)| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.len() != 40 || !name.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    assert!(found.len() >= 3, "too few seeds for `{entry}`");
    found
}

fn hold(entry: &str) {
    let seeds = seeds(entry);
    let tried = |what: &str, bytes: &[u8]| {
        let outcome = catch_unwind(AssertUnwindSafe(|| entries::run(entry, bytes)));
        assert!(outcome.is_ok(), "`{entry}` stumbles over {what}:\n{:?}", String::from_utf8_lossy(bytes));
    };
    for (path, bytes) in &seeds {
        tried(&path.display().to_string(), bytes);
    }
    for number in 0..COPIES {
        let mut chance = Chance::new(number);
        let (path, seed) = chance.one_of(&seeds);
        let mut bytes = seed.clone();
        for _ in 0..=chance.below(4) {
            mutate(&mut chance, &mut bytes, &seeds);
        }
        tried(&format!("copy {number}, of {}", path.display()), &bytes);
    }
}

macro_rules! entries_hold {
    ($($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            hold(stringify!($name));
        })*

        #[test]
        fn every_entry_is_run_here_and_has_its_target() {
            let here = [$(stringify!($name)),*];
            let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
            for (name, _) in entries::ENTRIES {
                assert!(here.contains(&name), "`{name}` is not run here");
                let target = fs::read_to_string(root().join(format!("fuzz/targets/{name}.rs"))).unwrap();
                assert!(target.contains(&format!("entries::run(\"{name}\", bytes)")), "{target}");
                assert!(manifest.contains(&format!("path = \"targets/{name}.rs\"")), "no target `{name}`");
            }
            assert_eq!(here.len(), entries::ENTRIES.len());
        }
    };
}

entries_hold!(form, webhook, rules, twiml, recording, journal, export, control, calendar, settings);
