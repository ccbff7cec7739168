//! Whether the service lives, whether it wants calls, and what it has counted.

use std::net::IpAddr;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use crate::app::App;
use crate::app::live::{FileState, FileStatus, Snapshot};
use crate::app::messenger::Standing;
use crate::model::moment::bundled_tzdb;
use crate::outreach::spend;
use crate::rules::ruleset::RolloutMode;
use crate::web::{Front, raw};

/// The process lives.
pub async fn alive() -> &'static str {
    "alive\n"
}

/// Whether calls are wanted; who asks from the inside hears why, and how everything stands.
pub async fn ready(request: HttpRequest, front: Data<Front>) -> HttpResponse {
    let wanted = front.app.open.is_open();
    let mut response = if wanted { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    let status = if wanted { "ready" } else { "not ready" };
    if is_inside(&request) {
        response.json(details(&front.app, status, &outreach(&front.app).await))
    } else {
        response.json(json!({ "status": status }))
    }
}

/// What was counted, in the form that Prometheus reads.
pub async fn metrics(request: HttpRequest, front: Data<Front>) -> HttpResponse {
    if !is_inside(&request) {
        return HttpResponse::NotFound().finish();
    }
    drop(outreach(&front.app).await);
    front.app.metrics.trail(&front.app.board);
    let text = front.app.metrics.text(&front.app.journal.health(), front.app.open.is_open());
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8"))
        .body(text)
}

/// Whether the request comes from this machine or a private network, and through no proxy.
fn is_inside(request: &HttpRequest) -> bool {
    let near = match request.peer_addr().map(|address| address.ip().to_canonical()) {
        Some(IpAddr::V4(peer)) => peer.is_loopback() || peer.is_private() || peer.is_link_local(),
        Some(IpAddr::V6(peer)) => peer.is_loopback() || peer.is_unique_local() || peer.is_unicast_link_local(),
        None => false,
    };
    near && !raw::is_forwarded(request.headers())
}

/// Files listed one by one at most; the rest is counted.
const MOST_FILES: usize = 100;

/// How telling people stands; the metrics learn it, too.
async fn outreach(app: &App) -> Value {
    let Some(standing) = app.outreach.standing(app.clock.now().as_second()).await else { return Value::Null };
    app.metrics.outreach(&standing);
    let Standing { texts, carrier, spent } = standing;
    let texts: serde_json::Map<_, _> = texts.into_iter().map(|(state, count)| (state, count.into())).collect();
    let working = carrier.iter().filter(|(_, word)| *word == "closed").count();
    let resting = carrier.into_iter().filter(|(_, word)| *word != "closed");
    let resting: serde_json::Map<_, _> = resting.map(|(name, word)| (name, word.into())).collect();
    // Those are listed about whom something should be done.
    let of = |wanted: spend::Standing| {
        let found = spent.iter().filter(|(standing, _)| *standing == wanted).take(MOST_FILES);
        found.map(|(_, spent)| (spent.org.clone(), spent.spent.to_string().into())).collect::<serde_json::Map<_, _>>()
    };
    json!({
        "texts": texts,
        "carrier": { "working": working, "resting": resting },
        "spent_today": { "near_ceiling": of(spend::Standing::Near), "at_ceiling": of(spend::Standing::Reached) },
    })
}

fn details(app: &App, status: &str, outreach: &Value) -> Value {
    let now = app.live.now();
    let journal = app.journal.health();
    json!({
        "status": status,
        "version": env!("CARGO_PKG_VERSION"),
        "node": app.manners.node,
        "tzdb": bundled_tzdb(),
        "rules": rules(&now),
        "trials": trials(app, &now),
        "outreach": outreach,
        "templates": app.live.templates().digest().short(),
        "journal": {
            "state": if journal.failing.is_some() { "failing" } else { "good" },
            "failing": journal.failing,
            "written": journal.written,
            "repeats": journal.repeats,
            "waiting": journal.deferred,
            "lost": journal.lost,
        },
        "sinks": app.board.sinks(),
        "sources": app.board.sources(),
        "chain": app.board.chain_state(),
        "disk": app.board.disk_state(),
        "ack": app.board.ack_state(),
        "retention": app.board.retention_state(),
        "organizations": organizations(app),
        "credentials": app.directory.owners(),
    })
}

/// Rules on trial, and how those fare that answer callers.
fn trials(app: &App, now: &Snapshot) -> Value {
    let book = app.trials.standing();
    let on_trial = now.organizations().filter_map(|org| Some((org, org.trial.as_ref()?)));
    let listed = on_trial.take(MOST_FILES).map(|(org, trial)| {
        let digest = &trial.candidate.digest;
        let standing = book.trials.get(&org.slug).filter(|it| it.candidate == *digest);
        let state = match trial.mode {
            RolloutMode::Shadow => "shadow",
            RolloutMode::Canary if app.trials.answers(&org.slug, digest) => "canary",
            RolloutMode::Canary => "returned",
        };
        json!({
            "organization": org.slug.as_str(),
            "candidate": trial.file,
            "rules": digest.short(),
            "state": state,
            "share_percent": trial.share,
            "until": trial.until.map(|day| day.to_string()),
            "fares": standing,
        })
    });
    listed.collect()
}

fn organizations(app: &App) -> Value {
    let health = app.tenants.health();
    json!({
        "store": health.engine,
        "failing": health.failing,
        "known": app.directory.now().tenants().count(),
    })
}

fn rules(now: &Snapshot) -> Value {
    // What is wrong comes first: it is what somebody looks for.
    let mut files: Vec<(&String, &FileStatus)> = now.files.iter().collect();
    files.sort_by_key(|(_, file)| file.state == FileState::Good && file.problems.is_empty());
    let listed = files.iter().take(MOST_FILES).map(|(stem, file)| {
        json!({
            "organization": stem,
            "file": file.name,
            "state": file.state.word(),
            "since": file.since.map(|since| since.to_string()),
            "rules": file.digest.map(|digest| digest.short()),
            "problems": file.problems,
            "warnings": file.warnings,
        })
    });
    json!({
        "read": now.read.map(|read| read.to_string()),
        "good": now.count(FileState::Good),
        "stale": now.count(FileState::Stale),
        "refused": now.count(FileState::Refused),
        "lines": now.lines(),
        "problems": now.problems,
        "files": listed.collect::<Vec<_>>(),
    })
}
