//! The callee's leg: who picks up hears of the call, and takes it with a key.

use crate::decide::screen::{Screen, ScreenFacts, screen};
use crate::model::call::KeyRecord;
use crate::model::ids::{ContactId, LineId};
use crate::model::phone::{Caller, E164};
use crate::respond::House;
use crate::twiml::{self, RenderError, ScreenSetting, Twiml};
use crate::webhook::event::CallEvent;

/// What a callee hears when nothing can be asked: the leg ends, and the caller goes on to the next step.
pub const HANG_UP: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Hangup/></Response>\n";

/// Whose leg it is, as its URL says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callee {
    /// Who was rung.
    pub contact: ContactId,
    /// The line that the caller dialed; none for a number in no rule.
    pub line: Option<LineId>,
    /// The caller's number; none when it is withheld.
    pub caller: Option<E164>,
    /// How often the callee has been asked.
    pub asked: u8,
}

/// What the callee meets.
#[derive(Debug)]
pub struct Screened {
    /// What was decided.
    pub screen: Screen,
    /// What makes this request the same as its repeat, within the call.
    pub step: String,
    /// The answer, unless its template failed.
    pub twiml: Result<Twiml, RenderError>,
}

/// Somebody or something has picked up, or was asked for a key.
pub fn answer(house: &House<'_>, event: &CallEvent, callee: Callee) -> Screened {
    let Callee { contact, line, caller, asked } = callee;
    let facts = ScreenFacts {
        contact,
        line,
        asked,
        digits: event.digits.as_deref().unwrap_or_default(),
        speech: event.speech.as_ref().map_or("", |speech| &speech.text),
    };
    let screen = screen(house.rules, facts);
    let caller = caller.map_or(Caller::Withheld, Caller::Number);
    let setting = ScreenSetting { org: house.org, rules: house.rules, caller: &caller, prefix: house.prefix };
    let twiml = twiml::render_screen(house.templates, &setting, screen);
    Screened { screen, step: format!("screen.{}.{}.{asked}", event.call, contact.0), twiml }
}

/// What the callee meets when the template of the answer failed.
///
/// Without its words a callee cannot be asked: whoever has said yes is put through, the rest is given up.
pub fn last_resort(screen: Screen) -> String {
    match screen {
        Screen::Connect => twiml::empty().into_string(),
        Screen::Ask { .. } | Screen::Decline | Screen::GiveUp => HANG_UP.to_owned(),
    }
}

/// The callee's yes or no, once it is known.
pub fn accepted(screen: Screen) -> Option<bool> {
    match (screen, screen.record()) {
        (_, KeyRecord::Accepted) => Some(true),
        (_, KeyRecord::Declined) => Some(false),
        (Screen::Ask { .. } | Screen::Connect | Screen::Decline | Screen::GiveUp, KeyRecord::Silent) => None,
    }
}
