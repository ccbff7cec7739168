//! The pages that list what there is: every setting and every metric, and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use ringfall::settings::keys::{KEYS, Key, Place};

fn page(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)
}

fn row(key: &Key) -> String {
    let Key { name, variable, place, default, meaning } = key;
    let variable = match place {
        Place::Open => format!("`{variable}`"),
        Place::Secret | Place::Credential => format!("`{variable}`, `{variable}_FILE`"),
    };
    let default = if default.is_empty() { String::new() } else { format!("`{default}`") };
    format!("| `{name}` | {variable} | {default} | {meaning} |\n")
}

#[test]
fn every_setting_is_explained() {
    let head = "| Setting | Variable | Default | What it is for |\n| --- | --- | --- | --- |\n";
    let table: String = [head.to_owned()].into_iter().chain(KEYS.iter().map(row)).collect();
    let text = fs::read_to_string(page("settings.md")).unwrap();
    let start = text.find("| Setting |").unwrap();
    let end = text[start..].find("\n\n").map_or(text.len(), |at| start + at + 1);
    if std::env::var_os("RINGFALL_UPDATE_FIXTURES").is_some() {
        fs::write(page("settings.md"), [&text[..start], &table, &text[end..]].concat()).unwrap();
        return;
    }
    assert_eq!(&text[start..end], table, "set RINGFALL_UPDATE_FIXTURES to write the table anew");
}

/// Names as they are registered, by the source.
fn registered() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/app");
    let mut names = BTreeSet::new();
    for file in ["metrics.rs", "metrics/trail.rs"] {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        for rest in text.split("register(").skip(1) {
            if let Some(name) = rest.trim_start().strip_prefix('"') {
                names.insert(name.split('"').next().unwrap().to_owned());
            }
        }
        for rest in text.split("(\"sink_").skip(1) {
            names.insert(format!("sink_{}", rest.split('"').next().unwrap()));
        }
    }
    names
}

#[test]
fn every_metric_is_explained() {
    let text = fs::read_to_string(page("metrics.md")).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `ringfall_")?.split('`').next());
    let bare = |name: &str| {
        let bare = name.strip_suffix("_total").or_else(|| name.strip_suffix("_info"));
        bare.unwrap_or(name).to_owned()
    };
    // The first table tells what to be woken by, in the words of Prometheus.
    let rows = rows.filter(|row| !row.contains(' ') && !row.contains('('));
    let explained: BTreeSet<String> = rows.map(|name| bare(name.split('{').next().unwrap())).collect();
    let registered = registered();
    assert!(registered.len() > 40, "{registered:?}");
    assert_eq!(explained, registered);
}
