//! Practice calls: what they would have people told stays here when their time is imagined, or when nothing can
//! send it.

use jiff::Timestamp;

use crate::app::App;
use crate::app::directory::Owner;
use crate::app::live::Organization;
use crate::audit::record::Record;
use crate::model::simulator;
use crate::outreach::draft::{Addressee, Draft, PRACTICE};
use crate::outreach::effects::Wanted;
use crate::rules::ruleset::ChannelKind;
use crate::webhook::form::{Charset, Form};
use crate::webhook::raw::Limits;

/// Seconds between a call's own time and that of its requests, beyond which the time may be imagined: a call that is
/// practiced at its real pace lasts.
const LASTS: i64 = 120;

/// Seconds that the time told by a request may differ from the one at which it came in, at a real pace.
const LATE: i64 = 30;

const IMAGINED: &str = " of an imagined time: nobody is told";
const NOBODY: &str = ", and no account to send by";

/// What a record has people told; of a practice call only what can go out now, and nothing of an imagined time.
///
/// Whatever waited for an account would reach people hours after the practice.
pub(super) async fn held(app: &App, org: &Organization, record: &Record, wanted: Wanted) -> Wanted {
    let snapshot = app.directory.now();
    let practice = |owner: &Owner, account: &str| *owner == Owner::Simulator && account == record.account;
    if !snapshot.shared().iter().any(|profile| practice(&profile.owner, profile.account.as_str())) {
        return wanted;
    }
    drop(snapshot);
    let imagined = is_imagined(record);
    let Wanted { mut drafts, case } = wanted;
    let (mut texts, mut why) = (0_usize, "");
    for draft in drafts.iter_mut().filter(|draft| draft.refused.is_none()) {
        if imagined {
            why = IMAGINED;
        } else if !can_go(app, org, draft).await {
            why = NOBODY;
        } else {
            continue;
        }
        draft.refused = Some(format!("{PRACTICE}{why}"));
        texts += 1;
    }
    if texts > 0 {
        tracing::info!(org = record.org, call = record.call, texts, "nobody is told: {PRACTICE}{why}");
    }
    // Nobody can take a call of which nobody is told.
    let told = drafts.iter().any(|draft| draft.refused.is_none());
    Wanted { case: case.filter(|_| told), drafts }
}

/// Whether there is anything that this can go out by.
async fn can_go(app: &App, org: &Organization, draft: &Draft) -> bool {
    let kind = match Addressee::of(&draft.to) {
        Addressee::Phone(_) => {
            let Some(from) = &draft.from else { return false };
            return app.outreach.means().is_some_and(|means| means.carrier.serves(&org.slug, from).is_ok());
        }
        Addressee::Mail(_) => Some(ChannelKind::Email),
        Addressee::Channel(name) => {
            org.rules.channels.iter().find(|channel| *channel.name == *name).map(|channel| channel.kind)
        }
    };
    match (kind, app.heralds.get()) {
        (Some(kind), Some(herald)) => herald.serves(&org.slug, kind).await,
        (None, _) | (_, None) => false,
    }
}

/// Whether the call was placed for another time than that of its requests. One that is practiced as fast as it is
/// answered runs ahead of its requests, and one at its real pace has gone on for a while; only an imagined one is off
/// in both.
fn is_imagined(record: &Record) -> bool {
    if let Some(summary) = &record.summary {
        return summary.imagined;
    }
    let received = record.received.us.div_euclid(1_000_000);
    let off = |at: i64, by: i64| received.saturating_sub(at).saturating_abs() > by;
    let began = record.began.is_some_and(|began| off(began, LASTS));
    began && told(record).is_some_and(|told| off(told.as_second(), LATE))
}

/// The time that the request told.
fn told(record: &Record) -> Option<Timestamp> {
    let request = record.request.as_ref()?;
    let form = if request.method == "GET" { request.target.split_once('?')?.1 } else { &request.body };
    let form = Form::parse(form.as_bytes(), Charset::Utf8, &Limits::default()).ok()?;
    Timestamp::from_millisecond(form.get(simulator::TIME)?.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::record::{Kind, Received, Request};
    use crate::audit::summary::Summary;

    const NOW: i64 = 1_790_000_000;

    fn record(began: i64, told: Option<i64>, method: &str) -> Record {
        let form = told.map_or_else(|| "Digits=1".to_owned(), |at| format!("Digits=1&RingfallTime={}", at * 1_000));
        let (target, body) = match method {
            "GET" => (format!("/twilio/continue?{form}"), String::new()),
            _ => ("/twilio/continue".to_owned(), form),
        };
        let request = Request { method: method.to_owned(), target, body, content_type: None };
        let received = Received { us: NOW * 1_000_000, ..Received::default() };
        let blank = Record::blank(Kind::Decision, uuid::Uuid::nil(), "one", received);
        Record { began: Some(began), request: Some(request), ..blank }
    }

    #[test]
    fn a_time_is_imagined_when_neither_the_call_nor_its_request_is_of_now() {
        for method in ["POST", "GET"] {
            for away in [-86_400, -300, 300, 86_400] {
                assert!(is_imagined(&record(NOW + away, Some(NOW + away + 60), method)), "{method} {away}");
            }
            // At its real pace for an hour; as fast as it is answered; and told nothing.
            assert!(!is_imagined(&record(NOW - 3_600, Some(NOW - 2), method)));
            assert!(!is_imagined(&record(NOW - 3, Some(NOW + 400), method)));
            assert!(!is_imagined(&record(NOW - 3_600, None, method)));
        }
    }

    #[test]
    fn a_call_that_is_closed_knows_it() {
        for imagined in [false, true] {
            let summary = Some(Box::new(Summary { imagined, ..Summary::default() }));
            assert_eq!(is_imagined(&Record { summary, ..record(NOW, None, "POST") }), imagined);
        }
    }
}
