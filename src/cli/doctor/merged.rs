//! The database of all nodes: whether it answers, keeps organizations apart, and has records of this node.

use crate::cli::doctor::Report;
use crate::database::Address;
use crate::merged::Reader;
use crate::settings::Settings;

/// Asks it, where one is set.
pub(super) fn look(report: &mut Report, settings: &Settings) {
    let Some(url) = &settings.database_url else { return };
    let opened = Address::parse(url).map_err(anyhow::Error::from).and_then(|address| Reader::open(&address));
    let reader = match opened {
        Ok(reader) => reader,
        Err(error) => {
            let remedy = "records wait in the journals meanwhile: see to the server, the way there, and the address";
            return report.fail("database", format!("{error:#}"), remedy);
        }
    };
    match reader.passes_by_the_wall() {
        Ok(false) => report.pass("database", "answers, and keeps organizations apart"),
        Ok(true) => report.warn(
            "database",
            "this role passes by row-level security",
            "give the service a role that is no superuser and has no BYPASSRLS",
        ),
        Err(error) => report.fail("database", format!("{error:#}"), "see to the server and the role"),
    }
    match reader.places() {
        Ok(places) => {
            let nodes: Vec<&str> = places.keys().map(String::as_str).collect();
            let told =
                format!("has records of {}", if nodes.is_empty() { "nobody".to_owned() } else { nodes.join(", ") });
            if places.contains_key(&settings.node) {
                report.pass("trail of all nodes", told);
            } else {
                let remedy = "start the service here, or set `node` as it is set there";
                report.warn("trail of all nodes", format!("{told}, and none of `{}`", settings.node), remedy);
            }
        }
        Err(error) => report.warn("trail of all nodes", format!("{error:#}"), "start a node with this database"),
    }
}
