//! The house's own rules, held by reading the source: floors, openings, forbidden names, sizes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms by floor; a room may use only rooms on lower floors, and itself.
const FLOORS: &[(&str, u8)] = &[
    ("diagnostic", 0),
    ("model", 0),
    ("rules", 1),
    ("tenant", 1),
    ("webhook", 1),
    ("decide", 2),
    ("audit", 3),
    ("control", 3),
    ("journey", 3),
    ("twiml", 3),
    ("chain", 4),
    ("diff", 4),
    ("draw", 4),
    ("outreach", 4),
    ("feed", 4),
    ("prove", 4),
    ("report", 4),
    ("respond", 4),
    ("app", 5),
    ("database", 5),
    ("disk", 5),
    ("replay", 5),
    ("vault", 5),
    ("admin", 6),
    ("clock", 6),
    ("egress", 6),
    ("files", 6),
    ("merged", 6),
    ("outbox", 6),
    ("phone", 6),
    ("seal", 6),
    ("roster", 6),
    ("settings", 6),
    ("store", 6),
    ("telemetry", 6),
    ("tenants", 6),
    ("twilio", 6),
    ("web", 6),
    ("sinks", 7),
    ("notices", 8),
    ("sources", 8),
    ("api", 8),
    ("startup", 9),
    ("cli", 10),
    ("lib", 11),
    ("main", 11),
];

/// The highest floor that does no I/O.
const CORE: u8 = 4;

/// Rooms above it that do none either.
const AS_PURE: [&str; 1] = ["replay"];

/// Names that the core may not speak.
const OUTSIDE: [&str; 16] = [
    "actix_web",
    "reqwest",
    "rusqlite",
    "tokio",
    "tracing",
    "notify::",
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "Instant::now",
    "SystemTime",
    "Timestamp::now",
    "Utc::now",
    "async fn",
];

/// Lines of code in one file, tests and blank or comment lines apart, beyond which nobody finds their way.
const LONGEST: usize = 450;

struct File {
    path: PathBuf,
    room: String,
    text: String,
}

fn sources() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let inside = path.strip_prefix(&root).unwrap();
                let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
                let room = first.trim_end_matches(".rs").to_owned();
                found.push(File { room, text: fs::read_to_string(&path).unwrap(), path });
            }
        }
    }
    assert!(found.len() > 10, "the sources were not found");
    found
}

/// The code of a file: without comments, and without the test module at its end.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let end = text.find("\n#[cfg(test)]").unwrap_or(text.len());
    text[..end]
        .lines()
        .enumerate()
        .map(|(number, line)| (number + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//") && !line.trim().is_empty())
}

fn floor(room: &str) -> u8 {
    let floors: BTreeMap<_, _> = FLOORS.iter().copied().collect();
    *floors.get(room).unwrap_or_else(|| panic!("the room `{room}` has no floor: give it one in tests/it/floors.rs"))
}

fn is_pure(room: &str) -> bool {
    floor(room) <= CORE || AS_PURE.contains(&room)
}

fn fail(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn imports_only_point_to_lower_floors() {
    let mut faults = Vec::new();
    for file in sources() {
        let own = floor(&file.room);
        for (number, line) in code(&file.text) {
            for piece in line.split("crate::").skip(1) {
                let room: String =
                    piece.chars().take_while(|sign| sign.is_ascii_alphanumeric() || *sign == '_').collect();
                if room.is_empty() {
                    faults.push(format!(
                        "{}:{number}: name one room a line instead of `crate::{{…}}`",
                        file.path.display()
                    ));
                } else if room != file.room && floor(&room) >= own {
                    faults.push(format!("{}:{number}: `{}` may not use `{room}`", file.path.display(), file.room));
                }
            }
        }
    }
    fail(&faults);
}

#[test]
fn the_core_names_no_outside_world() {
    let mut faults = Vec::new();
    for file in sources().iter().filter(|file| is_pure(&file.room)) {
        for (number, line) in code(&file.text) {
            for name in OUTSIDE.iter().filter(|name| line.contains(**name)) {
                faults.push(format!("{}:{number}: the core may not speak of `{name}`", file.path.display()));
            }
        }
    }
    fail(&faults);
}

#[test]
fn every_file_opens_with_its_duty() {
    let opens = |file: &File| file.text.starts_with("//! ");
    fail(&sources().iter().filter(|file| !opens(file)).map(|file| file.path.display().to_string()).collect::<Vec<_>>());
}

#[test]
fn no_file_is_too_long_to_find_ones_way_in() {
    let long = |file: &File| {
        let lines = code(&file.text).count();
        (lines > LONGEST).then(|| format!("{}: {lines} lines of code, at most {LONGEST}", file.path.display()))
    };
    fail(&sources().iter().filter_map(long).collect::<Vec<_>>());
}

#[test]
fn nothing_a_person_writes_is_read_through_a_buffering_enum() {
    let mut faults = Vec::new();
    for file in sources().iter().filter(|file| file.room == "rules" || file.room == "settings") {
        for (number, line) in code(&file.text) {
            if line.contains("serde(") && ["untagged", "flatten", "tag ="].iter().any(|word| line.contains(word)) {
                faults.push(format!(
                    "{}:{number}: this loses places and turns phone numbers into integers",
                    file.path.display()
                ));
            }
        }
    }
    fail(&faults);
}

#[test]
fn the_map_of_the_house_names_every_room_on_its_floor() {
    let map = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    for (room, floor) in FLOORS.iter().filter(|(room, _)| !["lib", "main"].contains(room)) {
        let row = map.lines().find(|line| line.starts_with(&format!("//! | {floor} |"))).unwrap();
        assert!(row.contains(&format!("[`{room}`]")), "`{room}` is missing on floor {floor} of the map in src/lib.rs");
    }
}
