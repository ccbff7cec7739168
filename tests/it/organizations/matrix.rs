//! The security matrix and its tests stay together.

use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The rows: what is tried, and the test that holds it.
fn rows() -> Vec<(String, String)> {
    let page = std::fs::read_to_string(root().join("docs/security-matrix.md")).unwrap();
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let rows = page.lines().filter(|line| line.starts_with("| ")).map(cells).skip(2);
    rows.map(|cells| (cells[1].clone(), cells[3].trim_matches('`').to_owned())).collect()
}

/// The files in which a test of that path may stand.
fn files(module: &str) -> Vec<PathBuf> {
    let path = module.replace("::", "/");
    let inline = path.trim_end_matches("/tests").to_owned();
    [format!("src/{path}.rs"), format!("src/{inline}.rs"), format!("tests/it/{path}.rs")]
        .iter()
        .map(|file| root().join(file))
        .filter(|file| file.is_file())
        .collect()
}

#[test]
fn every_row_of_the_security_matrix_names_a_test_that_is_there() {
    let rows = rows();
    assert!(rows.len() >= 40, "rows are gone");
    for (what, test) in &rows {
        let (module, name) = test.rsplit_once("::").unwrap_or_else(|| panic!("`{what}` names no test"));
        let found = files(module).iter().any(|file| {
            let text = std::fs::read_to_string(file).unwrap();
            let Some(at) = text.find(&format!("fn {name}(")) else { return false };
            let before: Vec<&str> = text[..at].lines().rev().take(3).collect();
            before.iter().any(|line| line.contains("test]") || line.contains("test("))
        });
        assert!(found, "`{what}`: there is no test `{test}`");
    }
}

#[test]
fn the_security_matrix_covers_every_way_in() {
    let rows = rows();
    for way in [
        "spoofed",
        "replayed",
        "tampered",
        "expired",
        "rotated",
        "revoked",
        "wrong tenant",
        "wrong account",
        "missing key",
        "wrong key",
        "malformed key",
        "moved ciphertext",
        "downgraded plan",
        "suspended",
        "canary",
        "kill switch",
        "secrets in output",
    ] {
        assert!(rows.iter().any(|(what, _)| what.starts_with(way)), "no row is about `{way}`");
    }
}
