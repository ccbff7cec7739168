//! The runbooks of those who carry notices, followed as they stand.

use std::path::Path;

use super::{BOT, NEXT_BOT, NEXT_TELEGRAM, People, TELEGRAM};
use crate::fake_mail::{Cover, MailServer, NEXT_PASSWORD, PASSWORD};
use crate::fake_twilio::KEY_SECRET;
use crate::organizations::desk::{Desk, commands_of, file};
use crate::support::House;

/// Runs every command of the page, with the rules that it shows; what the list of accounts said after each connecting.
fn followed(page: &str, files: &[(&str, &str)]) -> Vec<String> {
    let (people, mail) = (People::start(), MailServer::start(Cover::Open, None));
    let url = people.web.url();
    let server = format!("unencrypted://{}", mail.address);
    let house = House::with(&[("routing-rules/acme.yaml", &rules(page))]);
    let settings =
        [("RINGFALL_OUTBOUND_ALLOW", "127.0.0.1"), ("RINGFALL_SLACK_URL", &url), ("RINGFALL_TELEGRAM_URL", &url)];
    let desk = Desk::of(&house, &settings);
    for (name, secret) in files {
        file(&house.path(name), secret, 0o600);
    }
    let commands = commands_of(page);
    assert!(commands.len() >= 7, "{commands:?}");
    let (mut lists, mut said) = (Vec::new(), String::new());
    for command in commands.iter().map(|command| command.replace("smtp.example.com", &server)) {
        said += &desk.does(&command, "");
        if command.starts_with("connect ") && !command.starts_with("connect list") {
            lists.push(desk.does("connect list --org acme", ""));
        }
    }
    for (_, secret) in files {
        assert!(!said.contains(secret) && !lists.concat().contains(secret), "{page} shows a secret");
    }
    lists
}

/// A rule file with what the page shows of it.
fn rules(page: &str) -> String {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page)).unwrap();
    let shown = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let head = "version: 1\ntimezone: America/Los_Angeles\nnumbers: [\"+16195550100\"]\n";
    format!("{head}{shown}finally: {{ voicemail: Please leave a message. }}\n")
}

/// How many accounts are used, and how many are revoked, after each connecting: one, one for another, none.
fn one_at_a_time(lists: &[String]) {
    let count = |list: &String| (list.matches(" active").count(), list.matches(" revoked").count());
    let counted: Vec<_> = lists.iter().map(count).collect();
    assert_eq!(counted, [(1, 0), (1, 1), (0, 2)], "{lists:?}");
}

#[test]
fn the_runbook_for_slack_can_be_followed_to_the_letter() {
    let lists = followed("onboarding-slack.md", &[("slack-token", BOT), ("new-slack-token", NEXT_BOT)]);
    one_at_a_time(&lists);
    assert!(lists[0].contains("slack T0123"), "{lists:?}");
}

#[test]
fn the_runbook_for_telegram_can_be_followed_to_the_letter() {
    let files = [("telegram-token", TELEGRAM), ("new-telegram-token", NEXT_TELEGRAM)];
    let lists = followed("onboarding-telegram.md", &files);
    one_at_a_time(&lists);
    assert!(lists[0].contains("telegram 123456789") && lists[0].contains("acme_bot"), "{lists:?}");
}

#[test]
fn the_runbook_for_whatsapp_can_be_followed_to_the_letter() {
    let next = "another-secret-another-secret-00";
    let lists = followed("onboarding-whatsapp.md", &[("whatsapp-secret", KEY_SECRET), ("new-whatsapp-secret", next)]);
    one_at_a_time(&lists);
    assert!(lists[1].contains("SK00000000000000000000000000000bbb"), "{lists:?}");
}

#[test]
fn the_runbook_for_mail_can_be_followed_to_the_letter() {
    let files = [("mail-password", PASSWORD), ("new-mail-password", NEXT_PASSWORD)];
    let lists = followed("onboarding-email.md", &files);
    one_at_a_time(&lists);
    assert!(lists[0].contains("email phones@example.com"), "{lists:?}");
}
