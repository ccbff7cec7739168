//! Every command, with what it is given and how it ends; one that is missing here stops the tests.

use std::collections::BTreeSet;

use clap::CommandFactory as _;

use crate::fake_mail::MailServer;
use crate::organizations::desk::{ACME, ACME_LINE, ACME_NEXT, ACME_TOKEN, BRAVO_TOKEN};
use crate::organizations::secrets::{API_KEY, API_SECRET};

/// A command: how it ends, what is typed, what stands on its standard input, and how a secret begins that it shows once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) code: i32,
    pub(super) line: &'static str,
    pub(super) input: &'static str,
    pub(super) shows: Option<&'static str>,
}

const fn of(code: i32, line: &'static str) -> Entry {
    Entry { code, line, input: "", shows: None }
}

const fn with(code: i32, line: &'static str, input: &'static str) -> Entry {
    Entry { code, line, input, shows: None }
}

const fn showing(line: &'static str, beginning: &'static str) -> Entry {
    Entry { code: 0, line, input: "", shows: Some(beginning) }
}

/// While no service runs. `IN` is the folder of files with secrets.
pub(super) const BEFORE: &[Entry] = &[
    of(0, "init started/rules.yaml"),
    of(0, "org add acme --plan premium --name Acme"),
    of(2, "connect twilio --org acme --account-sid ACCOUNT --token-file IN/open"),
    with(2, "connect twilio --org acme --account-sid ACCOUNT", BRAVO_TOKEN),
    with(2, "connect twilio --org acme --account-sid SECRET", ACME_TOKEN),
    with(2, "connect twilio --org acme --account-sid ACCOUNT --api-key SECRET --api-secret-file IN/secret", ACME_TOKEN),
    of(
        0,
        "connect twilio --org acme --account-sid ACCOUNT --token-file IN/token --api-key KEY --api-secret-file IN/secret \
         --number LINE --enforce",
    ),
    with(2, "connect twilio --org acme --account-sid ACCOUNT", ACME_NEXT),
    with(0, "connect rotate --org acme", ACME_NEXT),
    of(0, "connect rollback --org acme"),
    of(0, "connect rotate --org acme --token-file IN/next"),
    of(2, "connect promote --org acme"),
    of(0, "connect promote --org acme --unseen"),
    of(0, "connect enforce --org acme"),
    of(0, "connect release --org acme LINE"),
    of(0, "connect number --org acme LINE"),
    with(2, "connect slack --org acme", "xoxb-hunter2hunter2-of-nobody"),
    of(0, "connect slack --org acme --token-file IN/slack"),
    with(2, "connect telegram --org acme", "0:hunter2hunter2-hunter2hunter2"),
    of(0, "connect telegram --org acme --token-file IN/telegram"),
    of(
        0,
        "connect whatsapp --org acme --account-sid ACCOUNT --api-key KEY --api-secret-file IN/secret --from +16195550100",
    ),
    with(2, "connect email --org acme --server unencrypted://MAIL --user phones@example.com", "hunter2hunter2"),
    of(0, "connect email --org acme --server unencrypted://MAIL --user phones@example.com --password-file IN/mail"),
    of(2, "connect google --org acme --key-file IN/half.env"),
    of(0, "connect google --org acme --key-file IN/google.json"),
    with(0, "connect webhook --org acme --secret-file IN/hook", ""),
    of(0, "connect disconnect webhook --org acme"),
    showing("connect webhook --org acme", "whsec_"),
    of(2, "connect import --env-file IN/swapped.env"),
    of(2, "connect import --env-file IN/half.env --dry-run"),
    of(0, "connect list --format json"),
    of(0, "org show acme --format json"),
    of(0, "org list"),
    of(0, "org suspend acme"),
    of(0, "org resume acme"),
    of(0, "org plan acme partner"),
    of(0, "org opt-in acme platform-messaging"),
    of(0, "org opt-out acme platform-messaging"),
    of(0, "domain add --org acme phones.acme.example"),
    of(0, "domain list --org acme"),
    of(1, "domain verify --org acme phones.acme.example"),
    of(2, "domain activate --org acme phones.acme.example"),
    of(0, "domain remove --org acme phones.acme.example"),
    of(0, "rules push --org acme rules/acme.yaml"),
    of(0, "rules list --org acme"),
    of(0, "rules show --org acme"),
    of(2, "rules rollback --org acme"),
    of(0, "rollout status"),
    of(0, "rollout stage slack canary --org acme --matrix v1:green"),
    of(0, "rollout rollback slack"),
    of(0, "rollout stage slack canary --org acme --matrix v1:green"),
    of(0, "rollout kill"),
    of(0, "rollout disable"),
    of(0, "rollout enable"),
    of(0, "rollout rules status rules"),
    of(3, "rollout rules promote rules/acme.yaml"),
    of(3, "rollout rules abort rules/acme.yaml"),
    showing("token create --platform --name ops", "ringfall_"),
    of(0, "token list --platform"),
    of(2, "token revoke tok_0123456789abcdef0123 --platform"),
    of(0, "check rules"),
    of(0, "explain --to LINE rules/acme.yaml"),
    of(0, "calendar rules/acme.yaml"),
    of(0, "diff rules/acme.yaml rules/bravo.yaml"),
    of(0, "test rules/acme.yaml"),
    of(0, "schema --api"),
    of(0, "completions bash"),
    of(0, "fallback export --rules rules --org acme"),
    of(0, "serve --print-config"),
    of(0, "key list"),
];

/// While a service runs on the same house, which `SERVER` is; a call came in, and its texts wait.
pub(super) const MEANWHILE: &[Entry] = &[
    of(0, "key rotate"),
    of(0, "key list"),
    of(0, "health --ready --url SERVER"),
    of(
        0,
        "call --server SERVER --public-url https://phones.example.com --rules rules --data data --account-sid ACCOUNT \
         --auth-token-file IN/next --to LINE --org acme --requests",
    ),
    of(1, "doctor --rules rules"),
    of(0, "switch set closed_today on --org acme --rules rules"),
    of(0, "switch list --org acme --history --rules rules"),
    of(0, "switch undo closed_today --org acme --rules rules"),
    of(0, "outbox list --show-numbers"),
    of(0, "outbox show 1 --show-numbers"),
    of(1, "outbox retry 1"),
    of(1, "outbox drop 1"),
    of(3, "numbers plan --org acme --rules rules"),
    of(3, "numbers apply --org acme --rules rules"),
    of(3, "numbers drift --org acme --rules rules"),
    of(1, "numbers search --area-code 619"),
    of(2, "numbers buy +16195550142"),
    of(0, "why CA0123456789abcdef0123456789abcdef"),
    of(0, "report"),
    of(0, "audit list --format json"),
    of(1, "audit show 0190a5b0-0000-7000-8000-000000000000"),
    of(0, "audit tail"),
    of(0, "audit export --out export.proof"),
    of(0, "audit verify"),
    of(0, "record --call CA0123456789abcdef0123456789abcdef --data data --rules rules --out recorded"),
    of(0, "test add --call CA0123456789abcdef0123456789abcdef --data data rules/acme.yaml"),
    of(0, "replay --rules rules recorded"),
    of(0, "connect disconnect google --org acme"),
    of(0, "connect revoke --org acme"),
];

/// When the service is over.
pub(super) const AFTER: &[Entry] = &[
    of(0, "audit erase --caller +13125550123 --dry-run"),
    of(1, "audit erase --caller +13125550123"),
    of(0, "audit list"),
];

/// The words of a command, as they are typed.
pub(super) fn typed(entry: &Entry, folder: &str, server: &str) -> String {
    let (folder, mail) = (format!("{folder}/"), MailServer::shared().address.to_string());
    let named = [("IN/", &*folder), ("SERVER", server), ("MAIL", &mail), ("ACCOUNT", ACME), ("SECRET", API_SECRET)];
    let named = named.iter().fold(entry.line.to_owned(), |line, (name, text)| line.replace(name, text));
    named.replace("--api-key KEY", &format!("--api-key {API_KEY}")).replace("LINE", ACME_LINE)
}

/// The command that words lead to; none when they are not taken.
fn reached(words: &str) -> Option<String> {
    let mut tree = ringfall::cli::Cli::command();
    let matches = tree.try_get_matches_from_mut(std::iter::once("ringfall").chain(words.split_whitespace())).ok()?;
    let (mut at, mut path) = (&matches, Vec::new());
    while let Some((name, below)) = at.subcommand() {
        path.push(name);
        at = below;
    }
    Some(path.join(" "))
}

/// Every command that does something by itself.
fn leaves(command: &clap::Command, path: &str, found: &mut BTreeSet<String>) {
    if !path.is_empty() && !command.is_subcommand_required_set() {
        found.insert(path.to_owned());
    }
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        leaves(below, format!("{path} {}", below.get_name()).trim(), found);
    }
}

#[test]
fn secrets_are_driven_through_every_command() {
    let mut known = BTreeSet::new();
    leaves(&ringfall::cli::Cli::command(), "", &mut known);
    assert!(known.contains("connect slack") && known.contains("test") && known.contains("test add"), "{known:?}");
    let driven = BEFORE.iter().chain(MEANWHILE).chain(AFTER).filter_map(|entry| {
        let words = typed(entry, "in", "http://127.0.0.1:9");
        let reached = reached(&words);
        assert!(reached.is_some() || entry.code == 2, "`{words}` is not a command");
        reached
    });
    let driven: BTreeSet<String> = driven.collect();
    let missing: Vec<&String> = known.difference(&driven).collect();
    assert!(
        missing.is_empty(),
        "no marked secrets are driven through {missing:?}: add a line for each to BEFORE, MEANWHILE or AFTER in {}, with the \
         exit code it ends with, and `showing` if it shows a secret once",
        file!()
    );
}
