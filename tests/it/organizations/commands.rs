//! What the commands do, say and refuse.

use std::sync::Arc;
use std::time::Duration;

use crate::organizations::desk::{
    ACME, ACME_LINE, ACME_NEXT, ACME_TOKEN, BRAVO, BRAVO_TOKEN, CHARLIE_LINE, Desk, KEY, NEXT_KEY, call, commands_of,
    file, fresh, house,
};
use crate::support::ACCOUNT;

#[test]
fn a_plan_says_what_it_lacks_and_which_has_it() {
    let house = house();
    let desk = Desk::of(&house, &[]);
    desk.does("org add acme", "");
    let said = desk.refuses(2, &format!("connect twilio --org acme --account-sid {ACME}"), ACME_TOKEN);
    assert!(said.contains("the plan `basic` does not allow `own-twilio`: `premium` or `partner` does"), "{said}");
    desk.does("org plan acme premium", "");
    desk.does(&format!("connect twilio --org acme --account-sid {ACME}"), ACME_TOKEN);
    let said = desk.refuses(2, &format!("connect number --org acme {CHARLIE_LINE} --platform"), "");
    assert!(said.contains("not opted in to `platform-voice`"), "{said}");
    let said = desk.refuses(2, "org add acme", "");
    assert!(said.contains("is there already"), "{said}");
    let said = desk.refuses(2, "org show nobody", "");
    assert!(said.contains("there is no organization `nobody`"), "{said}");
}

#[test]
fn connecting_twice_changes_nothing_and_another_token_is_a_rotation() {
    let house = house();
    let desk = Desk::of(&house, &[]);
    desk.does("org add acme --plan premium", "");
    let command = format!("connect twilio --org acme --account-sid {ACME} --number {ACME_LINE}");
    let said = desk.does(&command, ACME_TOKEN);
    assert!(said.contains(&format!("connects the account `{ACME}`")), "{said}");
    assert_eq!(desk.carrier.asked(), 1);
    assert!(desk.does(&command, ACME_TOKEN).contains("nothing to do"));
    assert_eq!(desk.carrier.asked(), 1, "the carrier is asked once");
    let said = desk.refuses(2, &command, ACME_NEXT);
    assert!(said.contains("ringfall connect rotate"), "{said}");
    let list = desk.does("connect list --org acme --format json", "");
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    assert_eq!((&list[0]["account"], &list[0]["state"]), (&ACME.into(), &"active".into()));
    assert!(list[0]["signatures"].as_str().unwrap().starts_with("observed until 20 good ones"), "{list}");
    let said = desk.does(&format!("{command} --enforce"), ACME_TOKEN);
    assert!(said.contains("refuses wrong signatures of the account"), "{said}");
    assert!(!desk.does("connect list --org acme", "").contains("observed"));
    assert!(desk.does(&format!("{command} --enforce"), ACME_TOKEN).contains("nothing to do"));
}

#[test]
fn a_wrong_token_connects_nothing() {
    let (house, elsewhere) = (house(), house());
    let desk = Desk::of(&house, &[]);
    desk.does("org add acme --plan premium", "");
    let said = desk.refuses(2, &format!("connect twilio --org acme --account-sid {ACME}"), BRAVO_TOKEN);
    assert!(said.contains("does not take this token"), "{said}");
    assert_eq!(desk.does("connect list --org acme", ""), "");
    let nowhere = Desk::of(&elsewhere, &[("RINGFALL_TWILIO_API_URL", "http://127.0.0.1:9")]);
    nowhere.does("org add acme --plan premium", "");
    let said = nowhere.refuses(3, &format!("connect twilio --org acme --account-sid {ACME}"), ACME_TOKEN);
    assert!(said.contains("nothing was changed"), "{said}");
}

#[test]
fn a_secret_that_others_may_read_is_refused_with_the_way_out() {
    let house = house();
    let desk = Desk::of(&house, &[]);
    desk.does("org add acme --plan premium", "");
    let open = file(&house.path("token"), ACME_TOKEN, 0o640);
    let said = desk.refuses(2, &format!("connect twilio --org acme --account-sid {ACME} --token-file {open}"), "");
    assert!(said.contains(&format!("chmod 600 {open}")) && !said.contains(ACME_TOKEN), "{said}");
    let said = desk.refuses(2, &format!("connect twilio --org acme --account-sid {ACME} --token-file ."), "");
    assert!(said.contains("`.` is a folder: name the file") && !said.contains("chmod"), "{said}");
    file(&house.path("token"), ACME_TOKEN, 0o600);
    desk.does(&format!("connect twilio --org acme --account-sid {ACME} --token-file {open}"), "");
}

#[test]
fn a_rotation_goes_by_itself_for_each_account() {
    let house = house();
    let desk = Desk::of(&house, &[]);
    desk.found_all();
    let same = desk.refuses(2, "connect rotate --org acme", ACME_TOKEN);
    assert!(same.contains("believed by already") && same.contains("secondary auth token"), "{same}");
    assert!(desk.does("connect rotate --org acme", ACME_NEXT).contains("a next token waits, not seen yet"));
    let early = desk.refuses(2, "connect promote --org acme", "");
    assert!(early.contains("place a call") && early.contains("--unseen"), "{early}");
    assert!(desk.refuses(2, "connect rotate --org acme", ACME_NEXT).contains("promote it or drop it first"));
    assert!(!desk.does("connect list --org bravo", "").contains("a next token waits"));
    desk.does("connect rollback --org acme", "");
    assert!(desk.refuses(2, "connect promote --org acme", "").contains("rotate first"));
    assert!(desk.does("connect revoke --org acme", "").contains("revoked"));
    assert!(desk.refuses(2, "connect rotate --org acme", ACME_NEXT).contains("has no connected account"));
    desk.does(&format!("connect twilio --org acme --account-sid {ACME}"), ACME_TOKEN);
}

#[test]
fn an_environment_is_moved_once_and_the_dry_run_says_the_same() {
    let house = house();
    let desk = Desk::of(&house, &[]);
    std::fs::create_dir(house.path("repos")).unwrap();
    let text = |account: &str, token: &str, number: &str| {
        format!("TWILIO_ACCOUNT_SID={account}\nTWILIO_AUTH_TOKEN='{token}'\nTWILIO_PHONE_NUMBERS={number}\n")
    };
    file(&house.path("repos/acme.env"), &text(ACME, ACME_TOKEN, ACME_LINE), 0o600);
    file(&house.path("repos/bravo.env"), &text(BRAVO, BRAVO_TOKEN, CHARLIE_LINE), 0o600);
    let folder = house.path("repos").display().to_string();
    let said = desk.does(&format!("connect import --env-file {folder} --dry-run"), "");
    assert!(said.contains("founds the organization `acme` with the plan `premium`"), "{said}");
    assert_eq!(desk.does("org list", ""), "", "a dry run changes nothing");
    assert_eq!(desk.does(&format!("connect import --env-file {folder}"), ""), said);
    let again = desk.does(&format!("connect import --env-file {folder}"), "");
    assert_eq!(again.matches("nothing to do").count(), 2, "{again}");
    assert!(!said.contains(ACME_TOKEN) && desk.does("org show acme", "").contains(ACME_LINE));
    // One more that cannot be moved keeps nobody else back.
    let open = file(&house.path("repos/charlie.env"), &text(ACCOUNT, "x", "+1"), 0o644);
    let said = desk.refuses(1, &format!("connect import --env-file {folder}"), "");
    assert!(said.contains(&format!("chmod 600 {open}")), "{said}");
}

#[test]
fn the_key_is_changed_in_batches_and_missed_when_it_is_gone() {
    let house = house();
    let data = house.path("data").display().to_string();
    let old = Desk::of(&house, &[("ENCRYPTION_KEY", KEY)]);
    old.found_all();
    let both = Desk::of(&house, &[("ENCRYPTION_KEY", NEXT_KEY), ("ENCRYPTION_KEY_PREVIOUS", KEY)]);
    let said = both.does("key rotate", "");
    assert!(said.contains("2 accounts put under the present key"), "{said}");
    assert!(
        both.does("key rotate", "").contains("0 accounts put under the present key, 3 were"),
        "it can be said twice"
    );
    let new = Desk::of(&house, &[("ENCRYPTION_KEY", NEXT_KEY)]);
    let list = new.does("key list", "");
    assert!(list.contains("2 secrets (present)") && list.lines().count() == 1, "{list}");
    for (variables, wanted) in [
        (vec![], "stored secrets are sealed under the key"),
        (vec![("ENCRYPTION_KEY", KEY)], "set `ENCRYPTION_KEY_PREVIOUS` to the old key"),
        (vec![("ENCRYPTION_KEY", "abc")], "a key is 64 hex digits"),
        (vec![("ENCRYPTION_KEY_PREVIOUS", KEY)], "there is no `ENCRYPTION_KEY` that follows it"),
    ] {
        let desk = Desk::of(&house, &variables);
        let serve = format!("serve --listen 127.0.0.1:0 --data {data} --rules {}", house.path("rules").display());
        let output = desk.run(&serve, "");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(matches!(output.status.code(), Some(2 | 3)) && said.contains(wanted), "{variables:?}\n{said}");
        assert!(!said.contains(KEY), "{said}");
    }
}

#[test]
fn in_production_no_key_is_made() {
    let house = house();
    let desk =
        Desk::of(&house, &[("RINGFALL_ENV", "production"), ("RINGFALL_PUBLIC_URL", "https://phones.example.com")]);
    desk.does("org add acme --plan premium", "");
    let said = desk.refuses(3, &format!("connect twilio --org acme --account-sid {ACME}"), ACME_TOKEN);
    assert!(said.contains("set `ENCRYPTION_KEY`"), "{said}");
    assert!(!house.path("data/encryption.key").exists());
    let desk = Desk::of(&house, &[]);
    desk.does(&format!("connect twilio --org acme --account-sid {ACME}"), ACME_TOKEN);
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(house.path("data/encryption.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[actix_web::test]
async fn the_runbook_can_be_followed_to_the_letter() {
    let house = house();
    let service = house.serve().await;
    let desk = Arc::new(Desk::of(&house, &[]));
    file(&house.path("token"), ACME_TOKEN, 0o600);
    file(&house.path("secondary-token"), ACME_NEXT, 0o600);
    let commands = commands_of("onboarding-twilio.md");
    assert!(commands.len() >= 10, "{commands:?}");
    for command in commands {
        let at = Arc::clone(&desk);
        if command.starts_with("connect promote") {
            // The carrier signs with the new token now, and somebody calls.
            let promoted = tokio::task::spawn_blocking(move || at.comes_to(&command));
            while !promoted.is_finished() {
                call(&service, ACME_NEXT, ACME, ACME_LINE, "/twilio/inbound-call", &fresh()).await;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            promoted.await.unwrap();
        } else {
            tokio::task::spawn_blocking(move || at.does(&command, "")).await.unwrap();
        }
    }
    assert!(desk.does("org show acme", "").contains("revoked"));
    service.running.stop().await;
}
