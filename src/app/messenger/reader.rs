//! The journal's news become drafts, and what people write becomes deeds.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::time::Instant;

use crate::app::App;
use crate::app::live::Organization;
use crate::app::messenger::bookmark::Bookmark;
use crate::app::messenger::ports::{Entry, Outbox, OutboxError, Told, Trail};
use crate::app::messenger::switchboard::Footing;
use crate::audit::record::{Kind as RecordKind, Record};
use crate::control::command::{Wish, wish};
use crate::control::sentences::{self, Standing};
use crate::control::{Command, Sender, Turn, read};
use crate::model::digest::RulesKey;
use crate::model::ids::OrgSlug;
use crate::model::moment::Moment;
use crate::model::phone::E164;
use crate::outreach::draft::{Draft, Kind};
use crate::outreach::effects::{Listen, transcript, wanted};
use crate::outreach::guard;
use crate::tenant::stamp::{Actor, At, Stamp};
use crate::tenant::switch::{Setting, SwitchState};

/// Wait between two portions, so that what comes meanwhile is kept together.
const PAUSE: Duration = Duration::from_millis(100);

/// A portion of so many records is followed by the next one at once.
const MANY: usize = 64;

/// Wait when something fails.
const TROUBLE: Duration = Duration::from_secs(2);

/// The name of a text's answer.
const ANSWER: &str = "answer";

/// How long a missed call can be taken, in seconds.
const TAKEABLE: i64 = 24 * 3_600;

/// Reads the journal until the task is dropped.
pub async fn run(app: Arc<App>, trail: Arc<dyn Trail>, outbox: Arc<dyn Outbox>, links: Arc<Links>) {
    let reader = Reader { app: &app, outbox: &*outbox, links: &links };
    let (mut version, mut mark, mut again) = (None, None, Instant::now());
    loop {
        let waits = Instant::now() < again;
        let done = if waits { Ok(0) } else { reader.portion(&*trail, &mut mark).await };
        // A switch may have been turned from the command line, too, whatever else fails.
        if let Ok(now) = outbox.switches_version().await
            && version != Some(now)
            && let Ok(all) = outbox.switches().await
        {
            app.switches.replace(all);
            version = Some(now);
        }
        match done {
            Ok(MANY..) => continue,
            Ok(_) => {}
            Err(error) => {
                tracing::error!(%error, "people are not told of what happens");
                again = Instant::now() + TROUBLE;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Makes addresses of recordings for an organization.
pub struct Links(pub Box<Link>);

/// The address of an organization's recording, told at that moment.
pub type Link = dyn Fn(&OrgSlug, &str, Timestamp) -> Option<String> + Send + Sync;

impl std::fmt::Debug for Links {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Links")
    }
}

struct Reader<'a> {
    app: &'a Arc<App>,
    outbox: &'a dyn Outbox,
    links: &'a Links,
}

impl Reader<'_> {
    /// Takes in one portion; how many records it had.
    async fn portion(&self, trail: &dyn Trail, mark: &mut Option<Bookmark>) -> Result<usize, OutboxError> {
        // It is known as long as nothing goes wrong.
        let mut known = match mark.take() {
            Some(known) => known,
            None => Bookmark::at(self.outbox.place().await?, Instant::now()),
        };
        let news = trail.news(known.place).await.map_err(|error| OutboxError(error.to_string()))?;
        let (mut entries, mut concerned) = (Vec::new(), false);
        for record in &news.records {
            if record.kind != RecordKind::Message {
                entries.extend(self.entries(record).await?);
                continue;
            }
            // What is answered depends on what is kept.
            concerned |= self.keep(std::mem::take(&mut entries)).await?;
            let done = self.entries(record).await?;
            let turned = done.iter().any(|entry| matches!(entry, Entry::Switch { .. }));
            concerned |= self.keep(done).await?;
            if turned {
                self.app.switches.replace(self.outbox.switches().await?);
            }
        }
        concerned |= !entries.is_empty();
        if let Some(place) = known.turn(news.place, concerned, Instant::now()) {
            self.outbox.keep(entries, Some(place)).await?;
        }
        *mark = Some(known);
        Ok(news.records.len())
    }

    /// Keeps these; whether there were any.
    async fn keep(&self, entries: Vec<Entry>) -> Result<bool, OutboxError> {
        let any = !entries.is_empty();
        if any {
            self.outbox.keep(entries, None).await?;
        }
        Ok(any)
    }

    async fn entries(&self, record: &Record) -> Result<Vec<Entry>, OutboxError> {
        let Ok(slug) = OrgSlug::parse(&record.org) else { return Ok(Vec::new()) };
        let Some(org) = self.organization(&slug, record).await else { return Ok(Vec::new()) };
        match record.kind {
            RecordKind::Message => self.message(&org, record).await,
            RecordKind::Transcription => {
                let case = self.outbox.case(&record.org, &record.call).await?;
                let drafts = case.map(|case| transcript(&org.rules, record, &case)).unwrap_or_default();
                Ok(self.drafts(record, drafts))
            }
            RecordKind::Decision
            | RecordKind::Screen
            | RecordKind::Status
            | RecordKind::Recording
            | RecordKind::Closed
            | RecordKind::Trial
            | RecordKind::Security => {
                let at = Timestamp::from_microsecond(record.received.us).unwrap_or_default();
                let listen = |sid: &str| (self.links.0)(&slug, sid, at);
                let listen: &Listen<'_> = &listen;
                let asked = wanted(&org.rules, record, listen);
                let mut entries = self.drafts(record, asked.drafts);
                entries.extend(asked.case.map(|case| Entry::Case { org: record.org.clone(), case }));
                Ok(entries)
            }
        }
    }

    fn drafts(&self, record: &Record, drafts: Vec<Draft>) -> Vec<Entry> {
        let entry = |draft| Entry::Draft { org: record.org.clone(), call: record.call.clone(), draft };
        drafts.into_iter().map(entry).collect()
    }

    /// The organization under the rules of the record, or under its present ones when those are gone.
    async fn organization(&self, slug: &OrgSlug, record: &Record) -> Option<Arc<Organization>> {
        let now = || self.app.live.now().organization(slug).map(Arc::clone);
        let Some(key) = record.rules.as_deref().and_then(RulesKey::parse) else { return now() };
        if let Some(found) = self.app.live.under(slug, key) {
            return Some(found);
        }
        let texts = self.app.journal.rules(slug.as_str(), &key.to_string()).await.ok().flatten();
        let Some(texts) = texts else { return now() };
        let (app, owned) = (Arc::clone(self.app), slug.clone());
        let today = app.clock.now().to_zoned(TimeZone::UTC).date();
        let revived = tokio::task::spawn_blocking(move || app.live.revive(&owned, key, &texts, today)).await;
        revived.ok().flatten().or_else(now)
    }

    /// A text came in, or one of ours changed its state.
    async fn message(&self, org: &Organization, record: &Record) -> Result<Vec<Entry>, OutboxError> {
        let reported = &record.reported;
        let Some(sid) = &reported.message else { return Ok(Vec::new()) };
        if record.endpoint != "inbound-sms" {
            let (status, error) = (reported.status.clone(), reported.error.as_deref());
            let error = error.and_then(|code| code.parse().ok());
            let (status, at) = (status.unwrap_or_default(), record.received.us.div_euclid(1_000_000));
            return Ok(vec![Entry::Report { org: record.org.clone(), sid: sid.clone(), status, error, at }]);
        }
        let facts = record.facts.as_ref();
        let from = facts.and_then(|facts| E164::parse(&facts.caller).ok());
        let (Some(from), Some(facts)) = (from, facts) else { return Ok(Vec::new()) };
        let heard = Heard {
            org,
            from,
            to: E164::parse(&facts.called).ok(),
            sid: sid.clone(),
            at: record.received.us.div_euclid(1_000_000),
        };
        self.heed(&heard, reported.text.as_deref().unwrap_or_default()).await
    }

    async fn heed(&self, heard: &Heard<'_>, text: &str) -> Result<Vec<Entry>, OutboxError> {
        let slug = heard.org.slug.to_string();
        if let Some(wish) = wish(text) {
            // The carrier answers these words itself.
            let refused = match wish {
                Wish::Stop => Some("opted out with STOP"),
                Wish::Start => None,
            };
            return Ok(vec![Entry::Wish { org: slug, number: heard.from.to_string(), refused }]);
        }
        let rules = &heard.org.rules;
        // A stranger gets no answer; the record is all that is left of it.
        let Some(sender) = Sender::find(rules, &heard.from) else { return Ok(Vec::new()) };
        // What it asks for was kept together with its answer: read again after a crash, or sent again by the carrier,
        // it must not take the next call or take back one more turn. A switch can be turned while that is not known.
        if self.outbox.kept(&slug, &heard.sid, ANSWER).await.is_ok_and(|answer| answer.is_some()) {
            return Ok(Vec::new());
        }
        let now = Moment::new(Timestamp::from_second(heard.at).unwrap_or_default(), &rules.zone);
        match read(text, &sender, &now) {
            Ok(Command::Turn(turn)) => Ok(self.turn(heard, &sender, &turn, &now)),
            Ok(Command::Undo) => self.undo(heard, &sender, &now).await,
            Ok(Command::Take) => self.take(heard, &sender).await,
            Ok(Command::Help) => Ok(vec![heard.answer(sentences::help(&sender))]),
            Ok(Command::Status) => {
                let standing = |place: usize| self.standing(heard, place, &now);
                Ok(vec![heard.answer(sentences::status(&sender, &standing, &now))])
            }
            Err(answer) => Ok(vec![heard.answer(answer)]),
        }
    }

    fn standing(&self, heard: &Heard<'_>, place: usize, now: &Moment) -> Standing {
        let Some(switch) = heard.org.rules.switches.get(place) else { return Standing { on: false, until: None } };
        let org = heard.org.slug.as_str();
        match self.app.switches.stands(org, switch, now.timestamp()) {
            (Some(on), Footing::Told { .. } | Footing::Stale) => Standing { on, until: None },
            (_, Footing::Turned | Footing::Default) | (None, _) => {
                stands(self.app.switches.state(org, &switch.name).as_ref(), switch.default, now.timestamp())
            }
        }
    }

    fn turn(&self, heard: &Heard<'_>, sender: &Sender<'_>, turn: &Turn, now: &Moment) -> Vec<Entry> {
        let rules = &heard.org.rules;
        let Some(switch) = rules.switch(turn.switch) else { return Vec::new() };
        let slug = &heard.org.slug;
        let state = self.app.switches.state(slug.as_str(), &switch.name);
        let mut state = state.unwrap_or_else(|| SwitchState::new(slug.clone(), switch.name.to_string()));
        let by = actor(sender);
        state.turn(Setting {
            on: turn.on,
            until: Some(At::new(turn.until)),
            set: Stamp::new(&Actor::new(&by), now.timestamp()),
            from: "sms".to_owned(),
        });
        vec![
            Entry::Switch { state, by, at: heard.at, undone: false },
            heard.answer(sentences::turned(rules, turn, now)),
        ]
    }

    async fn undo(&self, heard: &Heard<'_>, sender: &Sender<'_>, now: &Moment) -> Result<Vec<Entry>, OutboxError> {
        let (slug, by) = (heard.org.slug.as_str(), actor(sender));
        let name = self.outbox.last_turn(slug, &by).await?;
        let state = name.as_deref().and_then(|name| self.app.switches.state(slug, name));
        let switch = name.as_deref().and_then(|name| heard.org.rules.switches.iter().find(|it| *it.name == *name));
        let (Some(mut state), Some(switch)) = (state, switch) else {
            return Ok(vec![heard.answer(sentences::nothing_to_undo())]);
        };
        if state.undo(At::new(now.timestamp())).is_err() {
            return Ok(vec![heard.answer(sentences::nothing_to_undo())]);
        }
        let standing = stands(Some(&state), switch.default, now.timestamp());
        let told = sentences::undone(&switch.name, standing, now);
        Ok(vec![Entry::Switch { state, by, at: heard.at, undone: true }, heard.answer(told)])
    }

    /// The latest call that the sender was told of and nobody has taken.
    async fn take(&self, heard: &Heard<'_>, sender: &Sender<'_>) -> Result<Vec<Entry>, OutboxError> {
        let slug = heard.org.slug.as_str();
        let told = self.outbox.cases(slug, &heard.from, heard.at - TAKEABLE).await?;
        let Some(Told { case, .. }) = told.iter().find(|told| told.taken_by.is_none()) else {
            let answer = match told.first() {
                Some(Told { case, taken_by: Some(by) }) => sentences::taken_before(by, &case.caller),
                Some(_) | None => sentences::nothing_to_take(),
            };
            return Ok(vec![heard.answer(answer)]);
        };
        let by = sender.name().to_owned();
        let mut entries = vec![
            Entry::Taken { org: slug.to_owned(), call: case.call.clone(), by: by.clone(), at: heard.at },
            heard.answer(sentences::taken_by_you(&case.caller)),
        ];
        let body = sentences::taken_by(&by, &case.caller);
        for other in self.outbox.others(slug, &case.call, &heard.from).await? {
            let draft = heard.draft(format!("taken:{other}"), Kind::Taken, &other, body.clone());
            entries.push(Entry::Draft { org: slug.to_owned(), call: case.call.clone(), draft });
        }
        Ok(entries)
    }
}

/// How a switch stands at that moment.
fn stands(state: Option<&SwitchState>, default: bool, now: Timestamp) -> Standing {
    match state.and_then(|state| state.at(now)) {
        Some(on) => Standing { on, until: state.and_then(|it| it.now.as_ref()?.until).map(At::timestamp) },
        None => Standing { on: default, until: None },
    }
}

fn actor(sender: &Sender<'_>) -> String {
    format!("sms:{}", sender.name())
}

/// A text that came in.
struct Heard<'a> {
    org: &'a Organization,
    from: E164,
    to: Option<E164>,
    sid: String,
    at: i64,
}

impl Heard<'_> {
    fn draft(&self, key: String, kind: Kind, to: &E164, body: String) -> Draft {
        let refused = guard::refusal(&self.org.rules, to);
        let (from, to) = (self.to.clone(), to.to_string());
        Draft { key, kind, from, to, body, due: self.at, unless_taken: false, refused }
    }

    /// The answer to whoever wrote it: one for each text.
    fn answer(&self, body: String) -> Entry {
        let draft = self.draft(ANSWER.to_owned(), Kind::Answer, &self.from, body);
        Entry::Draft { org: self.org.slug.to_string(), call: self.sid.clone(), draft }
    }
}
