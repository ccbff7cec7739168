//! The journal's news become drafts, and what people write becomes deeds.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::time::Instant;

use crate::app::App;
use crate::app::live::Organization;
use crate::app::messenger::bookmark::{Bookmark, OFTEN};
use crate::app::messenger::ports::{Entry, Outbox, OutboxError, Told, Trail};
use crate::app::messenger::practice;
use crate::app::messenger::switchboard::Footing;
use crate::app::messenger::trouble::Trouble;
use crate::audit::record::{Kind as RecordKind, Record};
use crate::control::command::{Wish, wish};
use crate::control::sentences::{self, Standing};
use crate::control::{Command, Sender, read};
use crate::model::digest::RulesKey;
use crate::model::ids::{ContactId, OrgSlug};
use crate::model::moment::Moment;
use crate::model::phone::E164;
use crate::outreach::draft::{Draft, Kind};
use crate::outreach::effects::{Listen, Wanted, perhaps_told, transcript, wanted};
use crate::outreach::guard;
use crate::tenant::stamp::At;
use crate::tenant::switch::SwitchState;

/// Wait between two portions, so that what comes meanwhile is kept together.
const PAUSE: Duration = Duration::from_millis(100);

/// A portion of so many records is followed by the next one at once.
const MANY: usize = 64;

/// What is kept at once at most: a few questions each, of which all must be answered in five seconds.
const PART: usize = 64;

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
    let (mut ahead, mut own, mut trouble) = (None, Own::default(), Trouble::default());
    loop {
        let waits = Instant::now() < again;
        let done = if waits { Ok(0) } else { reader.portion(&*trail, &mut mark).await };
        if let Some(place) = mark.as_ref().map(|mark| mark.place) {
            ahead = Some(place);
            own.keep(&*outbox, place).await;
        } else if let Err(error) = reader.turn_ahead(&*trail, &mut ahead).await {
            tracing::error!(%error, "no switch is turned by text");
        }
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
            Ok(_) if waits => {}
            Ok(_) => trouble.is_over("people are told again of what happens"),
            Err(error) => {
                trouble.tell(&error, "people are not told of what happens");
                again = Instant::now() + TROUBLE;
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The place up to which the journal was read, as this node alone keeps it now and then.
#[derive(Default)]
struct Own(Option<(i64, Instant)>);

impl Own {
    async fn keep(&mut self, outbox: &dyn Outbox, place: i64) {
        let known = self.0.is_some_and(|(kept, at)| kept == place || at.elapsed() < OFTEN);
        // It is only where the search begins while all else is away: what fails now is kept later.
        if !known && outbox.keep_own(Vec::new(), Some(place)).await.is_ok() {
            self.0 = Some((place, Instant::now()));
        }
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

pub(super) struct Reader<'a> {
    pub(super) app: &'a Arc<App>,
    pub(super) outbox: &'a dyn Outbox,
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
        // In parts, as what is shared may be far away. What is kept twice is kept once.
        while entries.len() > PART {
            let rest = entries.split_off(PART);
            self.outbox.keep(std::mem::replace(&mut entries, rest), None).await?;
        }
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
                let Some(case) = self.outbox.case(&record.org, &record.call).await? else { return Ok(Vec::new()) };
                let told = self.told_of_message(&org, record).await?;
                let drafts = transcript(&org.rules, record, &case, &told);
                Ok(self.entered(&org, record, Wanted { drafts, case: None }).await)
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
                Ok(self.entered(&org, record, asked).await)
            }
        }
    }

    /// Who was told of the message of this transcript, as whoever was on duty.
    async fn told_of_message(&self, org: &Organization, record: &Record) -> Result<Vec<ContactId>, OutboxError> {
        let mut told = Vec::new();
        for (contact, key) in perhaps_told(&org.rules, record) {
            if self.outbox.kept(&record.org, &record.call, &key).await?.is_some() {
                told.push(contact);
            }
        }
        Ok(told)
    }

    async fn entered(&self, org: &Organization, record: &Record, wanted: Wanted) -> Vec<Entry> {
        let Wanted { drafts, case } = practice::held(self.app, org, record, wanted).await;
        let draft = |draft| Entry::Draft { org: record.org.clone(), call: record.call.clone(), draft };
        let case = case.map(|case| Entry::Case { org: record.org.clone(), case });
        drafts.into_iter().map(draft).chain(case).collect()
    }

    /// The organization under the rules of the record, or under its present ones when those are gone.
    pub(super) async fn organization(&self, slug: &OrgSlug, record: &Record) -> Option<Arc<Organization>> {
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
        match Heard::of(org, record) {
            Some((heard, text)) => self.heed(&heard, text).await,
            None => Ok(Vec::new()),
        }
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
        // It turned a switch already, and perhaps nobody was told.
        if let Some(answer) = self.outbox.heeded(&slug, &heard.sid).await? {
            return Ok(vec![heard.answer(answer)]);
        }
        // What it asks for was kept together with its answer: read again after a crash, or sent again by the carrier,
        // it must not take the next call or take back one more turn. A switch can be turned while that is not known.
        if self.outbox.kept(&slug, &heard.sid, ANSWER).await.is_ok_and(|answer| answer.is_some()) {
            return Ok(Vec::new());
        }
        let now = Moment::new(heard.asked, &rules.zone);
        let command = match read(text, &sender, &now) {
            Ok(command) => command,
            Err(answer) => return Ok(vec![heard.answer(answer)]),
        };
        if let Some((entries, answer)) = self.turning(heard, &sender, &command, &now).await? {
            return Ok(entries.into_iter().chain([heard.answer(answer)]).collect());
        }
        match command {
            Command::Take => self.take(heard, &sender).await,
            Command::Help => Ok(vec![heard.answer(sentences::help(&sender))]),
            Command::Status | Command::Turn(_) | Command::Undo => {
                let standing = |place: usize| self.standing(heard, place, &now);
                Ok(vec![heard.answer(sentences::status(&sender, &standing, &now))])
            }
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

    /// The latest call that the sender was told of and nobody has taken.
    async fn take(&self, heard: &Heard<'_>, sender: &Sender<'_>) -> Result<Vec<Entry>, OutboxError> {
        let slug = heard.org.slug.as_str();
        let told = self.outbox.cases(slug, &heard.from, heard.at() - TAKEABLE).await?;
        let Some(Told { case, .. }) = told.iter().find(|told| told.taken_by.is_none()) else {
            let answer = match told.first() {
                Some(Told { case, taken_by: Some(by) }) => sentences::taken_before(by, &case.caller),
                Some(_) | None => sentences::nothing_to_take(),
            };
            return Ok(vec![heard.answer(answer)]);
        };
        let by = sender.name().to_owned();
        let mut entries = vec![
            Entry::Taken { org: slug.to_owned(), call: case.call.clone(), by: by.clone(), at: heard.at() },
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
pub(super) fn stands(state: Option<&SwitchState>, default: bool, now: Timestamp) -> Standing {
    match state.and_then(|state| state.at(now)) {
        Some(on) => Standing { on, until: state.and_then(|it| it.now.as_ref()?.until).map(At::timestamp) },
        None => Standing { on: default, until: None },
    }
}

/// A text that came in.
pub(super) struct Heard<'a> {
    pub(super) org: &'a Organization,
    pub(super) from: E164,
    to: Option<E164>,
    pub(super) sid: String,
    /// When it came in.
    pub(super) asked: Timestamp,
}

impl<'a> Heard<'a> {
    /// The text of a record, and its words; nothing for a record of anything else.
    pub(super) fn of(org: &'a Organization, record: &'a Record) -> Option<(Self, &'a str)> {
        if record.endpoint != "inbound-sms" {
            return None;
        }
        let (reported, facts) = (&record.reported, record.facts.as_ref()?);
        let heard = Self {
            org,
            from: E164::parse(&facts.caller).ok()?,
            to: E164::parse(&facts.called).ok(),
            sid: reported.message.clone()?,
            asked: Timestamp::from_microsecond(record.received.us).unwrap_or_default(),
        };
        Some((heard, reported.text.as_deref().unwrap_or_default()))
    }

    /// When it came in, in seconds since 1970.
    pub(super) fn at(&self) -> i64 {
        self.asked.as_second()
    }

    fn draft(&self, key: String, kind: Kind, to: &E164, body: String) -> Draft {
        let refused = guard::refusal(&self.org.rules, to);
        let (from, to) = (self.to.clone(), to.to_string());
        Draft { key, kind, from, to, body, due: self.at(), unless_taken: false, refused }
    }

    /// The answer to whoever wrote it: one for each text.
    fn answer(&self, body: String) -> Entry {
        let draft = self.draft(ANSWER.to_owned(), Kind::Answer, &self.from, body);
        Entry::Draft { org: self.org.slug.to_string(), call: self.sid.clone(), draft }
    }
}
