//! `ringfall explain`: one imagined call, and why it goes where it goes.

#![expect(clippy::print_stderr, reason = "the command line prints its results")]

use std::path::PathBuf;

use crate::cli::outcome::Outcome;
use crate::cli::rulefiles;
use crate::cli::terminal;
use crate::draw::explain::{self, Explained};
use crate::journey::people::{Reply, Script};
use crate::journey::{Call, travel};
use crate::model::call::{Attestation, State};
use crate::model::ids::{ContactId, LineId, SwitchId};
use crate::model::leg::Leg;
use crate::model::near;
use crate::model::phone::{Caller, E164};
use crate::rules::grammar;
use crate::rules::ruleset::RuleSet;

/// The call to imagine.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    ringfall explain --to +13125550199 --at \"2026-03-08 03:10\" --leg dana=mailbox --leg lee=answered\n  \
    ringfall explain --to main --from withheld --switch maintenance=on --key 2 routing-rules/acme.yaml\n  \
    ringfall explain --to main --leg dana=mailbox --hear routing-rules/acme.yaml\n  \
    ringfall explain --format mermaid routing-rules/acme.yaml > call.mmd\n\n\
    Whoever is not named by --leg does not answer; without --key the caller waits.")]
pub struct Explain {
    /// The number called, or the name of a line; may be left out when there is only one line
    #[arg(long, value_name = "NUMBER")]
    to: Option<String>,
    /// Who calls: a number, or `withheld`
    #[arg(long, value_name = "NUMBER", default_value = STRANGER)]
    from: String,
    /// When, in the line's own time, such as `2026-03-06 15:00`; now when left out
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// What somebody who is rung does, such as `dana=busy`; several words for several rings: `dana=busy,answered`
    #[arg(long, value_name = "CONTACT=WORD")]
    leg: Vec<String>,
    /// Where a switch stands, such as `maintenance=on`
    #[arg(long, value_name = "SWITCH=on|off")]
    switch: Vec<String>,
    /// Somebody who is on calls of ours already, such as `lee=1`
    #[arg(long, value_name = "CONTACT=N")]
    active: Vec<String>,
    /// The number that forwarded the call to us
    #[arg(long, value_name = "NUMBER")]
    forwarded_from: Option<String>,
    /// What the caller presses or says at the next menu: digits, words, `silence` or `hangup`
    #[arg(long, value_name = "KEY")]
    key: Vec<String>,
    /// For the how-maniest time the caller calls
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..))]
    attempt: u8,
    /// What the networks say of the caller's number: passed-a, passed-b, passed-c, failed or unsigned
    #[arg(long, value_name = "WORD", default_value = "unsigned", value_parser = attestation)]
    attestation: Attestation,
    /// Show what the caller hears instead of the reasons: seconds of ringing, speech and silence
    #[arg(long)]
    hear: bool,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// A rule file, a folder of them, or `-` for standard input
    #[arg(default_value = "routing-rules")]
    path: PathBuf,
}

/// A caller whom nobody knows.
pub(crate) const STRANGER: &str = "+12025550100";

/// The ways to show a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A tree for eyes
    Text,
    /// For programs; the form is versioned
    Json,
    /// A flowchart for documents
    Mermaid,
}

fn attestation(text: &str) -> Result<Attestation, String> {
    let found = Attestation::ALL.into_iter().find(|attestation| attestation.word() == text);
    found.ok_or_else(|| "use passed-a, passed-b, passed-c, failed or unsigned".to_owned())
}

/// Something asked for that cannot be asked, with a way out.
#[derive(Debug)]
pub(crate) struct Misuse(pub(crate) String);

pub(crate) fn run(args: &Explain) -> crate::cli::Answer {
    let mut loaded = Vec::new();
    let mut broken = false;
    for file in rulefiles::gather(std::slice::from_ref(&args.path))? {
        match rulefiles::usable(&file) {
            Some((rules, _)) => loaded.push((file.name, rules)),
            None => broken = true,
        }
    }
    if loaded.is_empty() {
        return Ok(Outcome::Findings);
    }
    match explained(args, &loaded) {
        Ok(text) => {
            terminal::put(&text);
            Ok(Outcome::Fine)
        }
        Err(Misuse(problem)) => {
            eprintln!("error: {problem}");
            Ok(if broken { Outcome::Findings } else { Outcome::Misuse })
        }
    }
}

fn explained(args: &Explain, loaded: &[(String, RuleSet)]) -> Result<String, Misuse> {
    let (rules, line, to) = called(args, loaded)?;
    let call = Call {
        line,
        caller: caller(&args.from)?,
        forwarded_from: args.forwarded_from.as_deref().map(number).transpose()?,
        attestation: args.attestation,
        at: at(args, rules, line)?,
        state: State {
            switches: switches(&args.switch, rules)?,
            stale: Vec::new(),
            active_calls: active(args, rules)?,
            earlier_calls: vec![0; usize::from(args.attempt.saturating_sub(1))],
        },
    };
    let mut script = script(args, rules)?;
    let journey = travel(rules, &call, &mut script);
    let unasked = script.unasked().len();
    if unasked > 0 {
        eprintln!("note: the caller was asked {unasked} times less than there are keys");
    }
    let explained = Explained { rules, call: &call, to: &to, journey: &journey };
    Ok(match args.format {
        Format::Text if args.hear => explain::hear::text(explained),
        Format::Json if args.hear => explain::hear::json(explained),
        Format::Mermaid if args.hear => {
            return Err(Misuse("what a caller hears is no flowchart: use `--format text` or `json`".to_owned()));
        }
        Format::Text => explain::text(explained),
        Format::Json => explain::json::text(explained),
        Format::Mermaid => explain::mermaid::text(explained),
    })
}

/// The rules and the line that the call comes to, and the number as shown.
fn called<'a>(
    args: &Explain,
    loaded: &'a [(String, RuleSet)],
) -> Result<(&'a RuleSet, Option<LineId>, String), Misuse> {
    let lines = || loaded.iter().flat_map(|(file, rules)| (0..).zip(&rules.lines).map(move |line| (file, rules, line)));
    let known = || {
        let known = lines().map(|(_, _, (_, line))| format!("{} ({})", line.number, line.name));
        known.take(12).collect::<Vec<_>>().join(", ")
    };
    let Some(to) = &args.to else {
        let mut all = lines();
        return match (all.next(), all.next()) {
            (Some((_, rules, (id, line))), None) => Ok((rules, Some(LineId(id)), line.number.to_string())),
            _ => Err(Misuse(format!("which line is called? say so with `--to`: {}", known()))),
        };
    };
    let fits: Vec<_> = lines().filter(|(_, _, (_, line))| line.number.as_str() == to || *line.name == **to).collect();
    match (fits.as_slice(), loaded) {
        ([(_, rules, (id, line))], _) => Ok((rules, Some(LineId(*id)), line.number.to_string())),
        ([], [(_, rules)]) if E164::parse(to).is_ok() => {
            eprintln!("note: {to} is in none of the lines, so the call goes straight to `finally`");
            Ok((rules, None, to.clone()))
        }
        ([], _) => Err(Misuse(format!("`{to}` is in none of the lines; there are {}", known()))),
        (several, _) => {
            let files: Vec<&str> = several.iter().map(|(file, _, _)| file.as_str()).collect();
            Err(Misuse(format!("`{to}` is in several files, name one of them: {}", files.join(", "))))
        }
    }
}

pub(crate) fn caller(text: &str) -> Result<Caller, Misuse> {
    if text == "withheld" {
        return Ok(Caller::Withheld);
    }
    match Caller::parse(text) {
        Caller::Malformed(text) => {
            let error = E164::parse(&text).err().map(|error| error.to_string()).unwrap_or_default();
            Err(Misuse(format!("`{text}` cannot call: {error}, or `withheld`")))
        }
        caller @ (Caller::Number(_) | Caller::Withheld | Caller::Sip(_) | Caller::Client(_)) => Ok(caller),
    }
}

#[expect(clippy::disallowed_methods, reason = "the command line is an edge: here the time comes in")]
fn at(args: &Explain, rules: &RuleSet, line: Option<LineId>) -> Result<i64, Misuse> {
    let Some(text) = &args.at else {
        return Ok(jiff::Timestamp::now().as_second());
    };
    let zone = line.and_then(|line| rules.line(line)).map_or(&rules.zone, |line| &line.zone);
    let written = grammar::moment(text).map_err(|error| {
        let help = error.help.map_or_else(String::new, |help| format!(": {help}"));
        Misuse(format!("{}{help}", error.message))
    })?;
    written.within(zone).map(|moment| moment.seconds()).map_err(|error| Misuse(error.to_string()))
}

pub(crate) fn switches(set: &[String], rules: &RuleSet) -> Result<Vec<Option<bool>>, Misuse> {
    let mut switches = vec![None; rules.switches.len()];
    for text in set {
        let (name, position) = text.split_once('=').unwrap_or((text, "on"));
        let names = || rules.switches.iter().map(|switch| &*switch.name);
        let place = names().position(|known| known == name).ok_or_else(|| unknown("switch", name, names()))?;
        let on = match position {
            "on" | "true" => true,
            "off" | "false" => false,
            other => return Err(Misuse(format!("a switch is on or off, not `{other}`"))),
        };
        let id = SwitchId(u16::try_from(place).unwrap_or(u16::MAX));
        if let Some(switch) = switches.get_mut(id.index()) {
            *switch = Some(on);
        }
    }
    Ok(switches)
}

fn number(text: &str) -> Result<E164, Misuse> {
    E164::parse(text).map_err(|error| Misuse(format!("`{text}` is no phone number: {error}")))
}

fn active(args: &Explain, rules: &RuleSet) -> Result<Vec<u8>, Misuse> {
    let mut active = vec![0; rules.contacts.len()];
    for text in &args.active {
        let (name, count) = text.split_once('=').unwrap_or((text, "1"));
        let id = contact(rules, name)?;
        let count =
            count.parse().map_err(|_error| Misuse(format!("`{count}` is no number of calls: write `{name}=1`")))?;
        if let Some(calls) = active.get_mut(id.index()) {
            *calls = count;
        }
    }
    Ok(active)
}

fn contact(rules: &RuleSet, name: &str) -> Result<ContactId, Misuse> {
    let names = || rules.contacts.iter().map(|contact| &*contact.name);
    let place = names().position(|known| known == name).ok_or_else(|| unknown("contact", name, names()))?;
    Ok(ContactId(u16::try_from(place).unwrap_or(u16::MAX)))
}

fn script(args: &Explain, rules: &RuleSet) -> Result<Script, Misuse> {
    let mut script = Script::new();
    for text in &args.leg {
        let Some((name, words)) = text.split_once('=') else {
            return Err(Misuse(format!("`{text}` does not say what happens: write `{text}=answered`")));
        };
        let id = contact(rules, name)?;
        let legs: Result<Vec<Leg>, _> = words.split(',').map(Leg::parse).collect();
        let legs = legs.map_err(|error| Misuse(error.to_string()))?;
        script = script.leg(id, legs);
    }
    Ok(args.key.iter().fold(script, |script, key| script.key(Reply::read(key))))
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Misuse {
    let hint = match near::nearest(name, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.clone().next().is_none() => "there are none".to_owned(),
        None => format!("there are {}", known.take(20).collect::<Vec<_>>().join(", ")),
    };
    Misuse(format!("there is no {what} `{name}`; {hint}"))
}
