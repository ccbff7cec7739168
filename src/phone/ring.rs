//! The ringing itself: every leg's own timeline, the first to pick up, the conversation.

use crate::journey::seconds;
use crate::model::leg::Leg as Does;
use crate::phone::carrier::{Carrier, Gone};
use crate::phone::dial::{Dialed, Dialing, Noun, NounKind};
use crate::phone::log::{Kind, RungLeg, Who};
use crate::phone::parameters::{Leg, Status};
use crate::phone::screening::Screened;
use crate::phone::script::{People, Phase, Quirk, Rung};
use crate::phone::wire::Exchange;

/// One leg that is rung.
pub(crate) struct Child {
    pub(crate) leg: Leg,
    pub(crate) noun: Noun,
    pub(crate) does: Does,
    /// Its place in the log.
    pub(crate) place: usize,
    /// How much news of it was sent.
    sequence: u32,
    over: bool,
}

/// What happens on a leg at a moment.
#[derive(Clone, Copy)]
enum Turn {
    PicksUp,
    Ends(Status),
    CallerLeaves,
}

impl<X: Exchange, P: People> Carrier<'_, X, P> {
    /// Rings everybody at once; the first to pick up is asked and connected.
    pub(crate) async fn ring(&mut self, nouns: &[Noun], dialing: &Dialing) -> Dialed {
        let mut children = Vec::new();
        for noun in nouns {
            children.push(self.begin(noun, dialing).await);
        }
        let start = self.now;
        let mut turns: Vec<(u64, usize, Turn)> = Vec::new();
        for (place, child) in children.iter().enumerate() {
            let (after, turn) = turn_of(child, dialing.timeout);
            turns.push((start + after, place, turn));
        }
        turns.sort_by_key(|(at, place, _)| (*at, *place));
        let mut winner = None;
        for (at, place, turn) in turns {
            let names: Vec<String> = children
                .iter()
                .filter(|child| !child.over)
                .flat_map(|child| [child.noun.name.clone(), child.noun.target.clone()])
                .collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            if self.spend(at.saturating_sub(self.now), &Phase::Ring(None), &names).await.is_err() {
                return self.given_up(&mut children).await;
            }
            let Some(child) = children.get_mut(place) else { continue };
            match turn {
                Turn::PicksUp => {
                    winner = Some(place);
                    break;
                }
                Turn::Ends(status) => self.close(child, status).await,
                Turn::CallerLeaves => {
                    self.hang_up();
                    return self.given_up(&mut children).await;
                }
            }
        }
        match winner {
            None => nobody(&children),
            Some(winner) => self.picked_up(children, winner, dialing).await,
        }
    }

    async fn begin(&mut self, noun: &Noun, dialing: &Dialing) -> Child {
        let seconds = u32::try_from(dialing.timeout / 1_000).unwrap_or(u32::MAX);
        let to = if noun.kind == NounKind::Client { format!("client:{}", noun.target) } else { noun.target.clone() };
        let leg = Leg {
            sid: self.sid("CA", "leg"),
            parent: Some(self.leg.sid.clone()),
            from: dialing.shown.clone(),
            to,
            status: Status::Initiated,
            answered: None,
        };
        let text = format!("{} rings for up to {seconds} s, showing {}", phone_of(&noun.name), dialing.shown);
        self.note(Who::Callee(noun.name.clone()), Kind::Rings, 0, text);
        let rung = Rung { name: &noun.name, number: &noun.target, seconds };
        let does = self.people().leg(&rung);
        self.log.rung.push(RungLeg {
            name: noun.name.clone(),
            number: noun.target.clone(),
            shown: dialing.shown.clone(),
            call: leg.sid.clone(),
            at: self.now,
            does,
            status: Status::Initiated.word(),
            bridged: false,
            heard: Vec::new(),
        });
        let place = self.log.rung.len() - 1;
        let mut child = Child { leg, noun: noun.clone(), does, place, sequence: 0, over: false };
        self.tell(&mut child, Status::Initiated).await;
        if does != Does::Unreachable {
            self.tell(&mut child, Status::Ringing).await;
        }
        child
    }

    /// The caller gave up while it rang.
    async fn given_up(&mut self, children: &mut [Child]) -> Dialed {
        let canceled = self.has_quirk(Quirk::CanceledAfterHangUp);
        let status = if canceled { Status::Canceled } else { Status::NoAnswer };
        for child in children.iter_mut().filter(|child| !child.over) {
            self.close(child, status).await;
        }
        let sid = children.last().map(|child| child.leg.sid.clone());
        Dialed { status, sid, seconds: None, bridged: false, gone: true }
    }

    async fn picked_up(&mut self, mut children: Vec<Child>, winner: usize, dialing: &Dialing) -> Dialed {
        let mut child = children.remove(winner);
        child.leg.answered = Some(self.now);
        let name = child.noun.name.clone();
        let mailbox = child.does == Does::AnsweredNoKey;
        let how = if mailbox { format!("{name}'s own mailbox picks up") } else { "picks up".to_owned() };
        self.note(Who::Callee(name), Kind::Leg, 0, how);
        self.tell(&mut child, Status::InProgress).await;
        for other in children.iter_mut().filter(|other| !other.over) {
            self.close(other, Status::Canceled).await;
        }
        let screened = match child.noun.screening.clone() {
            None => Ok(Screened::Connect),
            Some((url, method)) => self.screen(&child, url, method).await,
        };
        let (bridged, gone) = match screened {
            Err(Gone) => (false, true),
            Ok(Screened::Refused) => (false, false),
            Ok(Screened::Connect) => (true, self.talk(&child, dialing).await.is_err()),
        };
        self.close(&mut child, Status::Completed).await;
        Dialed {
            status: Status::Completed,
            sid: Some(child.leg.sid.clone()),
            seconds: Some(child.leg.duration(self.now)),
            bridged,
            gone,
        }
    }

    async fn talk(&mut self, child: &Child, dialing: &Dialing) -> Result<(), Gone> {
        self.answer();
        self.served();
        let mailbox = child.does == Does::AnsweredNoKey;
        let name = child.noun.name.clone();
        if let Some(leg) = self.log.rung.get_mut(child.place) {
            leg.bridged = true;
        }
        if mailbox {
            let advice = format!("{name}'s own mailbox took the call: ask whoever picks up for a key");
            self.complain(None, advice);
        }
        self.got.talked = Some((name.clone(), mailbox));
        let wished = u64::from(self.script.talk) * 1_000;
        let takes = wished.min(dialing.limit);
        let whom = if mailbox { format!("{name}'s mailbox") } else { name.clone() };
        self.note(Who::Caller, Kind::Talks, takes, format!("is connected to {whom}"));
        self.spend(takes, &Phase::Talk, &[]).await?;
        let why = if dialing.limit < wished { "the time limit ends the conversation" } else { "hangs up" };
        self.note(Who::Callee(name), Kind::Leg, 0, why.to_owned());
        Ok(())
    }

    /// A leg is over.
    async fn close(&mut self, child: &mut Child, status: Status) {
        child.over = true;
        self.tell(child, status).await;
        let bridged = self.log.rung.get(child.place).is_some_and(|leg| leg.bridged);
        if let Some(leg) = self.log.rung.get_mut(child.place) {
            leg.status = status.word();
        }
        let text = match (status, child.does) {
            (Status::Busy, Does::Declined) => "declines on the handset",
            (Status::Busy, _) => "is busy",
            (Status::NoAnswer, _) => "does not answer",
            (Status::Failed, _) => "cannot be reached",
            (Status::Canceled, _) => "stops ringing",
            (Status::Completed, _) if bridged => return,
            (_, _) => "is let go without being connected",
        };
        self.note(Who::Callee(child.noun.name.clone()), Kind::Leg, 0, text.to_owned());
    }

    /// Moves a leg on, and sends the news of it where it is asked for.
    async fn tell(&mut self, child: &mut Child, status: Status) {
        child.leg.status = status;
        let event = match status {
            Status::Initiated => "initiated",
            Status::Ringing => "ringing",
            Status::InProgress => "answered",
            Status::Completed | Status::Busy | Status::Failed | Status::NoAnswer | Status::Canceled => "completed",
        };
        let sequence = child.sequence;
        child.sequence += 1;
        if let Some((url, method, events)) = &child.noun.news
            && events.iter().any(|wanted| wanted == event)
        {
            self.leg_news(&child.leg, sequence, url, *method).await;
        }
    }
}

/// When something happens on a leg, counted from the first ring, and what.
fn turn_of(child: &Child, timeout: u64) -> (u64, Turn) {
    let picks_up = (timeout / 2).min(u64::from(seconds::PICK_UP) * 1_000);
    let setup = u64::from(seconds::SETUP) * 1_000;
    match child.does {
        Does::Answered | Does::AnsweredNoKey => (picks_up, Turn::PicksUp),
        Does::Declined if child.noun.screening.is_some() => (picks_up, Turn::PicksUp),
        Does::Declined => (picks_up, Turn::Ends(Status::Busy)),
        Does::Busy => (setup, Turn::Ends(Status::Busy)),
        Does::Unreachable => (setup, Turn::Ends(Status::Failed)),
        Does::Canceled => (setup, Turn::Ends(Status::Canceled)),
        Does::NoAnswer => (timeout, Turn::Ends(Status::NoAnswer)),
        Does::CallerHangsUp => (picks_up, Turn::CallerLeaves),
    }
}

/// What a Dial reports of several legs that all failed: having rung out says most.
fn nobody(children: &[Child]) -> Dialed {
    let order = [Status::NoAnswer, Status::Busy, Status::Canceled];
    let with = |status: Status| children.iter().rev().find(|child| child.leg.status == status);
    let child = order.into_iter().find_map(with).or_else(|| children.last());
    let status = child.map_or(Status::Failed, |child| child.leg.status);
    let sid = child.map(|child| child.leg.sid.clone());
    Dialed { status, sid, seconds: None, bridged: false, gone: false }
}

fn phone_of(name: &str) -> String {
    if name.ends_with('s') { format!("{name}' phone") } else { format!("{name}'s phone") }
}
