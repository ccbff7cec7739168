//! What has to be asked: the clock, the public address, the account, its numbers, the fallbacks.

use std::sync::Arc;
use std::time::Duration;

use crate::app::ports::Clock as _;
use crate::cli::doctor::Report;
use crate::clock::SystemClock;
use crate::model::count::counted;
use crate::model::ids::OrgSlug;
use crate::rules::ruleset::RuleSet;
use crate::settings::{Environment, Settings};
use crate::startup::carrier::{self, Standing};
use crate::twilio::client::{Client, Gate};
use crate::twilio::error::Error;
use crate::twilio::numbers::Number;
use crate::twilio::wiring::{self, Bases, Wired};
use crate::twiml::fallback;
use crate::webhook::origin::Origin;

/// Longest wait for an answer.
const WAIT: Duration = Duration::from_secs(10);

/// Asks everybody.
pub(super) async fn look(report: &mut Report, settings: &Settings, organizations: &[(OrgSlug, RuleSet)]) {
    let http = reqwest::Client::builder()
        .user_agent(concat!("ringfall/", env!("CARGO_PKG_VERSION")))
        .timeout(WAIT)
        .redirect(reqwest::redirect::Policy::none())
        .build();
    let Ok(http) = http else {
        report.fail("network", "no request can be set up", "are there certificates on this machine?");
        return;
    };
    clock(report, &http, &settings.twilio_api_url).await;
    public(report, &http, settings).await;
    let gate = match carrier::gate(settings) {
        Ok(gate) => gate,
        Err(error) => {
            report.fail("carrier", format!("{error:#}"), "set `twilio_api_url` right, or leave it out");
            return;
        }
    };
    let standing = match Standing::read(settings).await {
        Ok(standing) => standing,
        Err(error) => {
            let remedy = "see that the database answers, and that `ENCRYPTION_KEY` is the one in use";
            report.fail("organizations", format!("{error:#}"), remedy);
            return;
        }
    };
    if settings.twilio.is_some() || !standing.directory.now().has_account() {
        token(report, &gate, settings).await;
    }
    let given = key(report, &standing, settings).await;
    for (slug, rules) in organizations {
        let numbers = of_organization(report, &standing, slug, given.as_deref()).await;
        if let (Some(numbers), Some(public)) = (&numbers, &settings.public_url) {
            webhooks(report, settings, public, slug, rules, numbers);
        }
        fallbacks(report, &http, settings, slug, rules).await;
    }
}

/// The carrier's clock against ours.
async fn clock(report: &mut Report, http: &reqwest::Client, url: &str) {
    let date = http.get(url).send().await.ok();
    let date = date.as_ref().and_then(|answer| answer.headers().get(reqwest::header::DATE)?.to_str().ok());
    let Some(theirs) = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()) else {
        report.warn("clock", "the carrier does not say what time it is", "see that this machine's clock is set by NTP");
        return;
    };
    let off = (SystemClock.now().as_second() - theirs.timestamp().as_second()).abs();
    let remedy = "let NTP set this machine's clock: hours and expiries go by it";
    match off {
        0..=5 => report.pass("clock", "agrees with the carrier's"),
        6..=60 => report.warn("clock", format!("is {off} s off the carrier's"), remedy),
        _ => report.fail("clock", format!("is {off} s off the carrier's"), remedy),
    }
}

/// Whether we are where we say we are.
async fn public(report: &mut Report, http: &reqwest::Client, settings: &Settings) {
    let Some(public) = &settings.public_url else {
        let told = "`public_url` is not set";
        let remedy = "set it to the address at which the carrier reaches this service: signatures are over it";
        match settings.environment {
            Environment::Production => report.fail("public address", told, remedy),
            Environment::Development => report.warn("public address", told, remedy),
        }
        return;
    };
    if !public.as_str().starts_with("https://") {
        report.warn(
            "public address",
            format!("{public} is not https"),
            "callers' numbers travel in the open: use https",
        );
    }
    let url = public.url("/healthz");
    match http.get(&url).send().await {
        Ok(answer) if answer.status().is_success() => match answer.text().await.as_deref() {
            Ok("alive\n") => report.pass("public address", format!("{public} leads here")),
            Ok(_) | Err(_) => {
                let remedy = "see that the proxy passes paths on unchanged, and that the name leads to this machine";
                report.fail("public address", format!("{url} is answered by something else"), remedy);
            }
        },
        Ok(answer) => {
            let told = format!("{url} answers with status {}", answer.status().as_u16());
            report.fail("public address", told, "is the service running, and does the proxy lead to it?");
        }
        Err(error) => {
            let why = if error.is_timeout() { "does not answer in time" } else { "cannot be reached" };
            let remedy = "check the name, the certificate and the proxy; the carrier gives up after 15 seconds";
            report.fail("public address", format!("{url} {why}"), remedy);
        }
    }
}

/// What to do when Twilio does not answer.
const UNASKED: &str = "see that this machine reaches api.twilio.com; calls are answered without it";

async fn token(report: &mut Report, gate: &Arc<Gate>, settings: &Settings) {
    let Some(twilio) = &settings.twilio else {
        let remedy = "set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN (or TWILIO_AUTH_TOKEN_FILE)";
        report.warn("account", "no account is set, so no real call can come in", remedy);
        return;
    };
    match gate.with_token(&twilio.account, &twilio.token).describe().await {
        Ok(account) if account.status == "active" => report.pass("auth token", "is the account's"),
        Ok(account) => {
            report.fail("account", format!("is {}", account.status), "see the account's page at Twilio");
        }
        Err(error @ Error::Refused(_)) => {
            let remedy = "copy the primary auth token of this very account; while it is wrong, every call is refused";
            report.fail("auth token", error.to_string(), remedy);
        }
        Err(error) => report.fail("auth token", format!("was not asked about: {error}"), UNASKED),
    }
}

/// Without a key.
const KEYLESS: &str = "without it no text goes out, and numbers are set by hand";

/// The numbers of the settings' account, when its key lets us see them.
async fn key(report: &mut Report, standing: &Standing, settings: &Settings) -> Option<Vec<Number>> {
    settings.twilio.as_ref()?;
    match standing.clients(None) {
        Ok(clients) => asked(report, "API key", clients).await,
        Err(error) => {
            report.warn("API key", error.to_string(), KEYLESS);
            None
        }
    }
}

/// The numbers of the accounts that an organization may use; those of the settings' account are known already.
async fn of_organization(
    report: &mut Report,
    standing: &Standing,
    slug: &OrgSlug,
    given: Option<&[Number]>,
) -> Option<Vec<Number>> {
    let now = standing.directory.now();
    if now.tenant(slug).is_none() {
        return given.map(<[Number]>::to_vec);
    }
    let what = format!("{slug}: API key");
    match standing.clients(Some(slug)) {
        Ok(clients) => asked(report, &what, clients).await,
        Err(error) => {
            report.warn(&what, error.to_string(), KEYLESS);
            None
        }
    }
}

/// The numbers of these accounts.
async fn asked(report: &mut Report, what: &str, clients: Vec<Client>) -> Option<Vec<Number>> {
    let mut all = Vec::new();
    for client in clients {
        match client.numbers().await {
            Ok(numbers) => all.extend(numbers),
            Err(error) => {
                let refused = matches!(error, Error::Refused(_));
                let remedy = if refused { "make a new key at Twilio, for this account" } else { UNASKED };
                report.fail(what, error.to_string(), remedy);
                return None;
            }
        }
    }
    report.pass(what, format!("works; the account has {}", counted(all.len(), "number")));
    Some(all)
}

fn webhooks(
    report: &mut Report,
    settings: &Settings,
    public: &Origin,
    slug: &OrgSlug,
    rules: &RuleSet,
    numbers: &[Number],
) {
    let fallback = settings.fallback_url.as_ref().map(Origin::as_str);
    let plan = wiring::plan(rules, slug, Bases { service: public.as_str(), fallback }, numbers);
    let what = format!("{slug}: numbers");
    if plan.is_good() {
        report.pass(&what, format!("{} are set as they should be", plan.lines.len()));
        return;
    }
    for line in plan.lines.iter().filter(|line| !line.is_good()) {
        let remedy = format!("see both sides with `ringfall numbers plan --org {slug}`, then `apply`");
        report.fail(&what, differs(line), remedy);
    }
}

fn differs(line: &Wired) -> String {
    if line.sid.is_none() {
        return format!("the account does not have {}", line.number);
    }
    let fields: Vec<_> = line.changes().map(|row| row.field.shown).collect();
    format!("{} differs in: {}", line.number, fields.join(", "))
}

/// Whether the static host has the ending of the rules as they are now.
async fn fallbacks(report: &mut Report, http: &reqwest::Client, settings: &Settings, slug: &OrgSlug, rules: &RuleSet) {
    let what = format!("{slug}: fallback");
    let Some(base) = &settings.fallback_url else {
        let remedy = "export the endings with `ringfall fallback export`, serve them elsewhere, set `fallback_url`";
        report.warn(&what, "nobody answers when this machine is gone", remedy);
        return;
    };
    let origin = settings.public_url.as_ref().map(Origin::as_str);
    let export = "run `ringfall fallback export` and bring the files to the static host";
    for (name, text) in &fallback::compile(rules, slug, origin).files {
        let url = format!("{base}/{slug}/{name}");
        let found = match http.get(&url).send().await {
            Ok(answer) if answer.status().is_success() => answer.text().await.ok(),
            Ok(_) | Err(_) => None,
        };
        match found {
            Some(found) if found == *text => {}
            Some(_) => return report.fail(&what, format!("{url} is stale"), export),
            None => return report.fail(&what, format!("{url} cannot be had"), export),
        }
    }
    report.pass(&what, format!("{base}/{slug} is as the rules say"));
}
