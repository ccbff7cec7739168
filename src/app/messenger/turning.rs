//! Switches turned by text: each text once, whatever stops in between, and never over what was turned after it was
//! written.

use std::time::Duration;

use jiff::Timestamp;

use crate::app::messenger::ports::{Entry, OutboxError, Trail};
use crate::app::messenger::reader::{Heard, Reader, stands};
use crate::audit::record::Kind as RecordKind;
use crate::control::command::wish;
use crate::control::{Command, Sender, Turn, read, sentences};
use crate::model::ids::OrgSlug;
use crate::model::moment::Moment;
use crate::outreach::draft::Kind;
use crate::tenant::stamp::{Actor, At, Stamp};
use crate::tenant::switch::{Setting, SwitchState};

/// A text that is heeded so soon after it came is no late one.
const PROMPT: Duration = Duration::from_secs(10);

impl Reader<'_> {
    /// Heeds texts that turn switches, from this node's own journal and disk, while what nodes share is away; the rest
    /// of the news waits for it. `ahead` is how far the journal was read so.
    pub(super) async fn turn_ahead(&self, trail: &dyn Trail, ahead: &mut Option<i64>) -> Result<(), OutboxError> {
        let from = match *ahead {
            Some(place) => Some(place),
            None => self.outbox.own_place().await?,
        };
        let Some(from) = from else { return Ok(()) };
        let news = trail.news(from).await.map_err(|error| OutboxError(error.to_string()))?;
        for record in news.records.iter().filter(|record| record.kind == RecordKind::Message) {
            let Ok(slug) = OrgSlug::parse(&record.org) else { continue };
            let Some(org) = self.organization(&slug, record).await else { continue };
            let Some((heard, text)) = Heard::of(&org, record) else { continue };
            // One whose answer nobody waits for any more can wait, too.
            let old = self.app.clock.now().as_second() - heard.at() > Kind::Answer.worth();
            let Some(sender) = Sender::find(&org.rules, &heard.from).filter(|_| !old && wish(text).is_none()) else {
                continue;
            };
            let now = Moment::new(heard.asked, &org.rules.zone);
            let heeded = self.outbox.heeded(slug.as_str(), &heard.sid).await?.is_some();
            let Some(command) = read(text, &sender, &now).ok().filter(|_| !heeded) else { continue };
            if let Some((entries, _)) = self.turning(&heard, &sender, &command, &now).await? {
                self.outbox.keep_own(entries, None).await?;
                self.app.switches.replace(self.outbox.switches().await?);
            }
        }
        *ahead = Some(news.place);
        Ok(())
    }

    /// What a command about switches asks for, and its answer; nothing for a command about anything else.
    pub(super) async fn turning(
        &self,
        heard: &Heard<'_>,
        sender: &Sender<'_>,
        command: &Command,
        now: &Moment,
    ) -> Result<Option<(Vec<Entry>, String)>, OutboxError> {
        let (turned, answer) = match command {
            Command::Turn(turn) => self.turn(heard, sender, turn, now),
            Command::Undo => self.undo(heard, sender, now).await?,
            Command::Take | Command::Help | Command::Status => return Ok(None),
        };
        let (org, message) = (heard.org.slug.to_string(), heard.sid.clone());
        let heeded = Entry::Heeded { org, message, answer: answer.clone(), at: heard.at() };
        Ok(Some((turned.into_iter().chain([heeded]).collect(), answer)))
    }

    fn turn(&self, heard: &Heard<'_>, sender: &Sender<'_>, turn: &Turn, now: &Moment) -> (Option<Entry>, String) {
        let rules = &heard.org.rules;
        let Some(switch) = rules.switch(turn.switch) else { return (None, sentences::turned(rules, turn, now)) };
        let slug = &heard.org.slug;
        let state = self.app.switches.state(slug.as_str(), &switch.name);
        if let Some(since) = overtaken(state.as_ref(), heard.asked, self.app.clock.now()) {
            let standing = stands(state.as_ref(), switch.default, self.app.clock.now());
            return (None, sentences::overtaken(&switch.name, since, standing, now));
        }
        let mut state = state.unwrap_or_else(|| SwitchState::new(slug.clone(), switch.name.to_string()));
        let by = actor(sender);
        state.turn(Setting {
            on: turn.on,
            until: Some(At::new(turn.until)),
            set: Stamp::new(&Actor::new(&by), heard.asked),
            from: "sms".to_owned(),
        });
        let entry = Entry::Switch { state, by, at: heard.at(), undone: false };
        (Some(entry), sentences::turned(rules, turn, now))
    }

    async fn undo(
        &self,
        heard: &Heard<'_>,
        sender: &Sender<'_>,
        now: &Moment,
    ) -> Result<(Option<Entry>, String), OutboxError> {
        let (slug, by) = (heard.org.slug.as_str(), actor(sender));
        let name = self.outbox.last_turn(slug, &by).await?;
        let state = name.as_deref().and_then(|name| self.app.switches.state(slug, name));
        let switch = name.as_deref().and_then(|name| heard.org.rules.switches.iter().find(|it| *it.name == *name));
        let (Some(mut state), Some(switch)) = (state, switch) else {
            return Ok((None, sentences::nothing_to_undo()));
        };
        if let Some(since) = overtaken(Some(&state), heard.asked, self.app.clock.now()) {
            let standing = stands(Some(&state), switch.default, self.app.clock.now());
            return Ok((None, sentences::overtaken(&switch.name, since, standing, now)));
        }
        if state.undo(At::new(heard.asked)).is_err() {
            return Ok((None, sentences::nothing_to_undo()));
        }
        let standing = stands(Some(&state), switch.default, now.timestamp());
        let told = sentences::undone(&switch.name, standing, now);
        Ok((Some(Entry::Switch { state, by, at: heard.at(), undone: true }), told))
    }
}

/// When the switch was turned after this was asked, if it was. That a turn seems to come from the future says that a
/// clock is wrong, and nothing of a text that is heeded as soon as it comes.
fn overtaken(state: Option<&SwitchState>, asked: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let since = state?.last_change()?.timestamp();
    let late = now.duration_since(asked).unsigned_abs() > PROMPT;
    (since > At::new(asked).timestamp() && (late || since <= now)).then_some(since)
}

fn actor(sender: &Sender<'_>) -> String {
    format!("sms:{}", sender.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn what_was_turned_after_a_text_was_written_overtakes_it() {
        let mut state = SwitchState::new(OrgSlug::parse("acme").unwrap(), "closed".to_owned());
        assert_eq!(overtaken(None, at(100), at(100)), None);
        assert_eq!(overtaken(Some(&state), at(100), at(100)), None);
        let set = Stamp::new(&Actor::new("cli"), at(150));
        state.turn(Setting { on: true, until: None, set, from: "cli".to_owned() });
        assert_eq!(overtaken(Some(&state), at(100), at(400)), Some(at(150)), "it comes late");
        assert_eq!(overtaken(Some(&state), at(149), at(151)), Some(at(150)), "it comes a moment late");
        assert_eq!(overtaken(Some(&state), at(151), at(400)), None, "it was written later");
        // The other's clock is an hour ahead, and this text is here at once.
        assert_eq!(overtaken(Some(&state), at(100), at(101)), None);
    }
}
