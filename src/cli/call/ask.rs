//! People played by whoever sits at the terminal.

#![expect(clippy::print_stderr, reason = "questions go to standard error, the call itself to standard output")]

use std::io::BufRead as _;

use crate::model::leg::Leg;
use crate::phone::script::{Asked, Input, Message, People, Rung, Script};

/// Somebody at the terminal, who is asked what everybody does.
#[derive(Debug)]
pub(crate) struct Terminal {
    message: Message,
    /// The terminal has nothing more to say: from here on nobody does anything.
    closed: bool,
}

impl Terminal {
    pub(crate) fn new(script: &Script) -> Self {
        Self { message: script.message.clone(), closed: false }
    }

    fn ask(&mut self, question: &str) -> String {
        if self.closed {
            return String::new();
        }
        eprint!("{question} ");
        let mut line = String::new();
        match std::io::stdin().lock().read_line(&mut line) {
            Ok(count) if count > 0 => {}
            Ok(_) | Err(_) => self.closed = true,
        }
        line.trim().to_owned()
    }
}

impl People for Terminal {
    fn leg(&mut self, rung: &Rung<'_>) -> Leg {
        let question = format!(
            "{} rings for {} s: [a]nswered, [b]usy, [m]ailbox, [d]eclined, [u]nreachable, [n]o answer (Enter)?",
            rung.name, rung.seconds
        );
        loop {
            let word = self.ask(&question);
            return match word.as_str() {
                "" | "n" => Leg::NoAnswer,
                "a" => Leg::Answered,
                "b" => Leg::Busy,
                "m" => Leg::AnsweredNoKey,
                "d" => Leg::Declined,
                "u" => Leg::Unreachable,
                word => match Leg::parse(word) {
                    Ok(leg) => leg,
                    Err(error) => {
                        eprintln!("{error}");
                        continue;
                    }
                },
            };
        }
    }

    fn input(&mut self, asked: &Asked) -> Input {
        let question = match (asked.keys, asked.speech) {
            (true, true) => "the caller presses keys, or says words (Enter: nothing)?",
            (true, false) => "the caller presses (Enter: nothing)?",
            (false, _) => "the caller says (Enter: nothing)?",
        };
        let answer = self.ask(question);
        let is_keys = answer.chars().all(|sign| sign.is_ascii_digit() || sign == '#' || sign == '*');
        match answer.as_str() {
            "" => Input::Nothing,
            _ if asked.keys && is_keys => Input::Keys(answer),
            _ => Input::Speech(answer),
        }
    }

    fn message(&mut self) -> Message {
        let answer = self.ask("how many seconds does the caller speak (Enter: 12, 0: nothing)?");
        let mut message = self.message.clone();
        if let Ok(seconds) = answer.trim_end_matches('s').trim().parse::<u32>() {
            message.seconds = (seconds > 0).then_some(seconds);
        }
        message
    }
}
