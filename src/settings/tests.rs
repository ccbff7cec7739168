//! Tests of the settings: precedence, faults and secrets.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

use crate::settings::layers::Surroundings;
use crate::settings::{Ack, Environment, load};

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";

fn around(folder: &tempfile::TempDir, variables: &[(&str, &str)]) -> Surroundings {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Surroundings { variables, folder: folder.path().to_owned(), ..Surroundings::default() }
}

fn write(folder: &tempfile::TempDir, name: &str, text: &str, mode: u32) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path.display().to_string()
}

#[test]
fn without_anything_the_defaults_hold_and_nothing_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let settings = load(&around(&folder, &[])).settings.unwrap();
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.environment, Environment::Development);
    assert_eq!(settings.body_limit, 128 * 1024);
    assert!(settings.twilio.is_none());
    assert!(settings.workers >= 1);
}

#[test]
fn a_flag_beats_the_environment_and_that_beats_dotenv_and_that_the_file() {
    let folder = tempfile::tempdir().unwrap();
    write(
        &folder,
        "ringfall.yaml",
        "node: from-file\nlog: warn\ndrain: 5s\ntrusted_proxies: [10.0.0.0/8, 127.0.0.1]\n",
        0o644,
    );
    write(&folder, ".env", "# mine\nexport RINGFALL_NODE='from-dotenv'\nRINGFALL_LOG=\"debug\"\n", 0o600);
    let mut around = around(&folder, &[("RINGFALL_NODE", "from-environment")]);
    around.flags = BTreeMap::from([("listen", "127.0.0.1:0".to_owned())]);
    let loaded = load(&around);
    let settings = loaded.settings.as_ref().unwrap();
    assert_eq!(settings.listen.port(), 0);
    assert_eq!(settings.node, "from-environment");
    assert_eq!(settings.log, "debug");
    assert_eq!(settings.drain.as_secs(), 5);
    assert_eq!(settings.trusted_proxies.len(), 2);
    let printed = loaded.printed();
    for part in ["flag --listen", "environment RINGFALL_NODE", ".env RINGFALL_LOG", "ringfall.yaml", "default"] {
        assert!(printed.contains(part), "{part} in\n{printed}");
    }
}

#[test]
fn port_alone_listens_on_every_address() {
    let folder = tempfile::tempdir().unwrap();
    let settings = load(&around(&folder, &[("PORT", "9000")])).settings.unwrap();
    assert_eq!(settings.listen.to_string(), "0.0.0.0:9000");
    let settings = load(&around(&folder, &[("PORT", "9000"), ("RINGFALL_LISTEN", "127.0.0.1:1")])).settings.unwrap();
    assert_eq!(settings.listen.to_string(), "127.0.0.1:1");
}

#[test]
fn every_fault_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder, "ringfall.yaml", "lisen: x\ntwilio_auth_token: abc\ndata: {a: b}\nbody_limit: huge\n", 0o644);
    let around = around(
        &folder,
        &[
            ("RINGFALL_LISTEN", "nowhere"),
            ("RINGFALL_PUBLIC_URL", "phones.example.com"),
            ("RINGFALL_DEADLINE", "1s"),
            ("TWILIO_ACCOUNT_SID", "AC12"),
            ("RINGFALL_TRUSTED_PROXIES", "ten"),
        ],
    );
    let faults = load(&around).settings.unwrap_err().to_string();
    for part in [
        "did you mean `listen`",
        "a secret does not belong here",
        "data: must be one value",
        "body_limit",
        "`nowhere` is not an address",
        "`phones.example.com` is no public address",
        "must be shorter than `deadline`",
        "twilio_auth_token: is missing",
        "`ten` is not an address",
    ] {
        assert!(faults.contains(part), "{part} in\n{faults}");
    }
}

#[test]
fn a_variable_that_no_setting_has_is_doubted_and_those_of_platforms_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let variables = [
        ("RINGFALL_ENVIRONMENT", "production"),
        ("RINGFALL_LISEN", "127.0.0.1:1"),
        ("RINGFALL_SERVICE_HOST", "10.0.0.1"),
        ("RINGFALL_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
        ("RINGFALL_NODE", "one"),
    ];
    let loaded = load(&around(&folder, &variables));
    let doubts: Vec<_> = loaded.doubts().iter().map(ToString::to_string).collect();
    assert_eq!(doubts.len(), 2, "{doubts:?}");
    assert!(
        doubts[0].starts_with("RINGFALL_ENVIRONMENT: ") && doubts[0].contains("did you mean `RINGFALL_ENV`?"),
        "{doubts:?}"
    );
    assert!(doubts[1].contains("did you mean `RINGFALL_LISTEN`?"), "{doubts:?}");
}

#[test]
fn a_dotenv_that_others_may_read_is_refused_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(&folder, ".env", "TWILIO_AUTH_TOKEN=abc\n", 0o644);
    let faults = load(&around(&folder, &[])).settings.unwrap_err().to_string();
    assert!(faults.contains("mode 644") && faults.contains(&format!("chmod 600 {path}")), "{faults}");
}

#[test]
fn secrets_come_from_files_and_are_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let token = write(&folder, "token", "5ecret0123456789\n", 0o600);
    let around = around(
        &folder,
        &[
            ("TWILIO_ACCOUNT_SID", ACCOUNT),
            ("TWILIO_AUTH_TOKEN_FILE", &token),
            ("TWILIO_AUTH_TOKEN_NEXT", "n3xt0123456789"),
        ],
    );
    let loaded = load(&around);
    let settings = loaded.settings.as_ref().unwrap();
    assert_eq!(settings.twilio.as_ref().unwrap().token.expose(), "5ecret0123456789");
    let shown = format!("{settings:?}{}{around:?}", loaded.printed());
    assert!(!shown.contains("5ecret") && !shown.contains("n3xt"), "{shown}");
    assert!(shown.contains("***") && shown.contains("TWILIO_AUTH_TOKEN_FILE -> "), "{shown}");
}

#[test]
fn a_secret_in_the_wrong_place_is_not_shown_either() {
    let folder = tempfile::tempdir().unwrap();
    let swapped = [("TWILIO_ACCOUNT_SID", "5ecret0123456789"), ("TWILIO_AUTH_TOKEN", ACCOUNT)];
    for url in ["https://user:passw0rd@calls.example.com/phone", "https://user:passw0rd@calls example"] {
        let variables: Vec<_> = swapped.into_iter().chain([("RINGFALL_PUBLIC_URL", url)]).collect();
        let loaded = load(&around(&folder, &variables));
        let shown = format!("{}{}", loaded.printed(), loaded.settings.unwrap_err());
        assert!(!shown.contains("5ecret") && !shown.contains("passw0rd"), "{shown}");
        assert!(shown.contains("twilio_account_sid (environment TWILIO_ACCOUNT_SID): is not an account"), "{shown}");
    }
}

#[test]
fn a_public_address_with_our_own_path_behind_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let read = |url| load(&around(&folder, &[("RINGFALL_PUBLIC_URL", url)])).settings;
    for url in ["https://calls.example.com/twilio", "https://calls.example.com/twilio/"] {
        let faults = read(url).unwrap_err().to_string();
        assert!(faults.contains("leave that out"), "{faults}");
    }
    assert!(read("https://calls.example.com/phone/twilio").is_ok());
}

#[test]
fn production_with_an_account_needs_its_public_address() {
    let folder = tempfile::tempdir().unwrap();
    let variables = [("TWILIO_ACCOUNT_SID", ACCOUNT), ("TWILIO_AUTH_TOKEN", "t"), ("RINGFALL_ENV", "production")];
    let faults = load(&around(&folder, &variables)).settings.unwrap_err().to_string();
    assert!(faults.contains("public_url: is needed in production"), "{faults}");
}

#[test]
fn an_api_key_needs_its_secret_and_an_account_and_neither_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let key = "SK0123456789abcdef0123456789abcdef";
    let account = [("TWILIO_ACCOUNT_SID", ACCOUNT), ("TWILIO_AUTH_TOKEN", "0123456789abcdef0123456789abcdef")];
    let told = |more: &[(&str, &str)], with: &[(&str, &str)]| {
        let loaded = load(&around(&folder, &[with, more].concat()));
        let printed = loaded.printed();
        assert!(!printed.contains("hunter2"), "{printed}");
        loaded.settings
    };
    let both = [("TWILIO_API_KEY", key), ("TWILIO_API_SECRET", "hunter2hunter2")];
    let settings = told(&both, &account).unwrap();
    assert_eq!(settings.twilio.unwrap().key.unwrap().sid.as_str(), key);
    let fault = |more: &[(&str, &str)], with: &[(&str, &str)]| told(more, with).unwrap_err().to_string();
    assert!(fault(&both[..1], &account).contains("TWILIO_API_SECRET"));
    assert!(fault(&both[1..], &account).contains("TWILIO_API_KEY"));
    assert!(fault(&both, &[]).contains("TWILIO_ACCOUNT_SID"));
    let swapped = fault(&[("TWILIO_API_KEY", "hunter2hunter2"), both[1]], &account);
    assert!(swapped.contains("SK") && !swapped.contains("hunter2"), "{swapped}");
}

#[test]
fn answers_wait_for_a_database_only_where_there_is_one_and_for_less_than_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let ack = |given: &[(&str, &str)]| load(&around(&folder, given)).settings.map(|settings| settings.ack);
    let (shared, url) = (("RINGFALL_AUDIT_ACK", "shared"), ("RINGFALL_DATABASE_URL", "postgresql://u@h/d"));
    assert_eq!(ack(&[url]).unwrap(), Ack::Local);
    assert_eq!(ack(&[url, shared]).unwrap(), Ack::Shared(std::time::Duration::from_millis(500)));
    let without = ack(&[shared]).unwrap_err().to_string();
    assert!(without.contains("RINGFALL_DATABASE_URL"), "{without}");
    let long = ack(&[url, shared, ("RINGFALL_AUDIT_ACK_WAIT", "3s")]).unwrap_err().to_string();
    assert!(long.contains("journal_deadline") && long.contains("2s"), "{long}");
    assert!(ack(&[("RINGFALL_AUDIT_ACK", "both")]).is_err());
}

#[test]
fn money_is_spent_by_the_day_and_prices_are_those_of_countries() {
    let folder = tempfile::tempdir().unwrap();
    let spend = |given: &[(&str, &str)]| load(&around(&folder, given)).settings.map(|settings| settings.spend);
    let usual = spend(&[]).unwrap();
    let cost = |spend: &crate::outreach::spend::Spend, to: &str| spend.text(to, "Hello.").cost.to_string();
    assert_eq!((usual.ceiling("acme").to_string(), usual.currency.to_string()), ("10.00".into(), "USD".into()));
    assert_eq!((cost(&usual, "+16195550111"), cost(&usual, "+4915112345678")), ("0.02".into(), "0.25".into()));
    let given = [
        ("RINGFALL_SPEND_A_DAY", "5 EUR"),
        ("RINGFALL_SPEND_A_DAY_OF", "acme=20.00, globex = 0.50 EUR"),
        ("RINGFALL_TEXT_PRICES", "DE=0.11, other=0.30"),
    ];
    let own = spend(&given).unwrap();
    let ceilings = ["acme", "globex", "initech"].map(|org| own.ceiling(org).to_string());
    assert_eq!((ceilings, own.currency.to_string()), (["20.00", "0.50", "5.00"].map(Into::into), "EUR".into()));
    let costs = ["+4915112345678", "+16195550111", "+447911123456"].map(|to| cost(&own, to));
    assert_eq!(costs, ["0.11", "0.02", "0.30"], "what is not named keeps its price");
    for (name, wrong, told) in [
        ("RINGFALL_SPEND_A_DAY", "5.00", "such as `10.00 USD`"),
        ("RINGFALL_SPEND_A_DAY", "-5.00 USD", "such as `10.00 USD`"),
        ("RINGFALL_SPEND_A_DAY_OF", "acme", "such as `acme=20.00`"),
        ("RINGFALL_SPEND_A_DAY_OF", "acme=5.00 EUR", "the currency of `spend_a_day`"),
        ("RINGFALL_SPEND_A_DAY_OF", "acme=5.00, acme=6.00", "stands there twice"),
        ("RINGFALL_TEXT_PRICES", "UK=0.05", "did you mean `GB`?"),
        ("RINGFALL_TEXT_PRICES", "us=0.05", "did you mean `US`?"),
        ("RINGFALL_TEXT_PRICES", "US=cheap", "no price for one part"),
        ("RINGFALL_TEXT_PRICES", "US=0.01, US=0.02", "stands there twice"),
    ] {
        let faults = spend(&[(name, wrong)]).unwrap_err();
        assert_eq!(faults.0.len(), 1, "{name}={wrong}: {faults}");
        let faults = faults.to_string();
        assert!(faults.contains(told) && faults.contains(&format!("environment {name}")), "{name}={wrong}: {faults}");
    }
}

#[test]
fn records_are_kept_for_some_days_and_for_fewer_where_that_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let kept = |given: &[(&str, &str)]| load(&around(&folder, given)).settings.map(|settings| settings.retention);
    let usual = kept(&[]).unwrap();
    assert_eq!((usual.days, usual.of.len(), usual.recordings), (Some(400), 0, false));
    let fewer = [("RINGFALL_RETENTION_OF", "acme=30d, globex = 90d"), ("RINGFALL_RETENTION_RECORDINGS", "delete")];
    let fewer = kept(&fewer).unwrap();
    assert_eq!(
        fewer.of.iter().map(|(org, days)| (org.as_str(), *days)).collect::<Vec<_>>(),
        [("acme", 30), ("globex", 90)]
    );
    assert!(fewer.recordings);
    assert_eq!(kept(&[("RINGFALL_RETENTION", "off")]).unwrap().days, None);
    for (name, wrong) in [
        ("RINGFALL_RETENTION", "0d"),
        ("RINGFALL_RETENTION", "400"),
        ("RINGFALL_RETENTION_OF", "acme=401d"),
        ("RINGFALL_RETENTION_OF", "acme"),
        ("RINGFALL_RETENTION_RECORDINGS", "yes"),
    ] {
        let faults = kept(&[(name, wrong)]).unwrap_err();
        assert_eq!(faults.0.len(), 1, "{name}={wrong}: {faults}");
    }
}
