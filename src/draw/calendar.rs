//! What callers will meet, change by change, as a table for eyes and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::decide::words::places::{contact_name, contact_names, line_name, menu_name, rule_name, step_title};
use crate::journey::outlook::{First, Meets, Outlook, Remark, Special, Stretch};
use crate::model::ids::ContactId;
use crate::model::moment::Moment;
use crate::rules::ruleset::{EndKind, RuleSet};

/// Widest the name of a rule is drawn.
const WIDEST_RULE: usize = 24;

/// Draws the outlooks one after the other, with the days and nights that are not like others in their places.
pub fn text(rules: &RuleSet, outlooks: &[Outlook]) -> String {
    let mut text = String::new();
    for outlook in outlooks {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&one(rules, outlook));
    }
    text
}

fn one(rules: &RuleSet, outlook: &Outlook) -> String {
    let mut text = String::new();
    if let Some(line) = rules.line(outlook.line) {
        let name = line_name(rules, outlook.line);
        let number = if name == line.number.as_str() { String::new() } else { format!(" ({})", line.number) };
        let _ = writeln!(text, "{name}{number}, times in {}", line.zone.name());
    }
    let rule = |stretch: &Stretch| rule_text(rules, &stretch.meets);
    let width = outlook.stretches.iter().map(|stretch| rule(stretch).chars().count()).max().unwrap_or(0);
    let width = width.min(WIDEST_RULE);
    let mut remarks = outlook.remarks.iter().peekable();
    for stretch in &outlook.stretches {
        while let Some(remark) = remarks.next_if(|remark| remark.at.timestamp() <= stretch.from.timestamp()) {
            let _ = writeln!(text, "  {}", remark_text(rules, remark));
        }
        let gap = if stretch.meets.is_gap() { "  <- nobody can be reached" } else { "" };
        let met = met_text(rules, &stretch.meets);
        let _ = writeln!(text, "  {}  {:<width$}  {met}{gap}", clock(&stretch.from), rule(stretch));
    }
    for remark in remarks {
        let _ = writeln!(text, "  {}", remark_text(rules, remark));
    }
    let _ = writeln!(text, "  {}", summary(outlook));
    text
}

fn clock(at: &Moment) -> String {
    at.zoned().strftime("%a %Y-%m-%d %H:%M").to_string()
}

fn rule_text(rules: &RuleSet, meets: &Meets) -> String {
    meets.rule.map_or_else(|| "no rule".to_owned(), |rule| rule_name(rules, rule))
}

/// What callers meet, first things first.
fn met_text(rules: &RuleSet, meets: &Meets) -> String {
    let rung = contact_names(rules, &meets.rung);
    let mut text = match meets.first {
        First::Ring(at) if meets.rung.len() == 1 => step_title(rules, at),
        First::Ring(_) => format!("ring {rung}"),
        First::Menu(menu) => format!("menu {}", menu_name(rules, menu)),
        First::Voicemail => "voicemail".to_owned(),
        First::Handoff => "handed off".to_owned(),
        First::Reject => "refused".to_owned(),
        First::Hangup => "hung up on".to_owned(),
    };
    if !meets.by_key.is_empty() {
        let _ = write!(text, " (keys reach {})", contact_names(rules, &meets.by_key));
    }
    if matches!(meets.first, First::Menu(_)) && !rung.is_empty() {
        let _ = write!(text, ", then ring {rung}");
    }
    let ends_otherwise = matches!(meets.first, First::Ring(_) | First::Menu(_));
    if ends_otherwise && meets.end == EndKind::Voicemail {
        text.push_str(", else voicemail");
    }
    text
}

fn remark_text(rules: &RuleSet, remark: &Remark) -> String {
    let hours = |id| rules.hours(id).map_or("?", |hours| &*hours.name);
    match &remark.what {
        Special::Holiday { name, hours: id } => {
            format!("{}        * {name}: `{}` is closed", day(&remark.at), hours(*id))
        }
        Special::Dated(id) => format!("{}        * `{}` has hours of its own today", day(&remark.at), hours(*id)),
        Special::Clocks { before, after } => {
            let there = remark.at.timestamp();
            let (old, new) = (before.to_datetime(there), after.to_datetime(there));
            let (way, rest) = if after.seconds() > before.seconds() {
                ("forward", "what lies between does not come")
            } else {
                ("back", "what lies between comes twice")
            };
            let (old, new) = (old.strftime("%H:%M"), new.strftime("%H:%M"));
            format!("{}        * the clocks go {way} from {old} to {new}: {rest}", day(&remark.at))
        }
    }
}

fn day(at: &Moment) -> String {
    at.zoned().strftime("%a %Y-%m-%d").to_string()
}

/// How much of the time nobody can be reached, and the longest stretch of it.
fn summary(outlook: &Outlook) -> String {
    let seconds = |stretch: &Stretch| stretch.until.seconds() - stretch.from.seconds();
    let gaps: Vec<&Stretch> = outlook.stretches.iter().filter(|stretch| stretch.meets.is_gap()).collect();
    let Some(longest) = gaps.iter().max_by_key(|stretch| seconds(stretch)) else {
        return "somebody can be reached at every hour".to_owned();
    };
    let all: i64 = outlook.stretches.iter().map(seconds).sum();
    let total: i64 = gaps.iter().map(|stretch| seconds(stretch)).sum();
    format!(
        "nobody can be reached {}% of the time; the longest stretch is {} from {}",
        (total * 100 + all / 2) / all.max(1),
        hours_text(seconds(longest)),
        clock(&longest.from)
    )
}

fn hours_text(seconds: i64) -> String {
    let minutes = seconds / 60;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// The outlooks of files for programs, each with its name; the form is versioned.
pub fn json<'a>(files: impl IntoIterator<Item = (&'a str, &'a RuleSet, &'a [Outlook])>) -> Value {
    let file = |(name, rules, outlooks): (&str, &RuleSet, &[Outlook])| {
        let lines: Vec<Value> = outlooks.iter().map(|outlook| line_json(rules, outlook)).collect();
        json!({ "file": name, "lines": lines })
    };
    json!({ "version": 1, "files": files.into_iter().map(file).collect::<Vec<_>>() })
}

fn line_json(rules: &RuleSet, outlook: &Outlook) -> Value {
    let names = |ids: &[ContactId]| ids.iter().map(|id| contact_name(rules, *id)).collect::<Vec<_>>();
    let stretch = |stretch: &Stretch| {
        json!({
            "from": stretch.from.zoned().to_string(),
            "until": stretch.until.zoned().to_string(),
            "rule": stretch.meets.rule.map(|rule| rule_name(rules, rule)),
            "first": first_word(stretch.meets.first),
            "rings": names(&stretch.meets.rung),
            "by_key": names(&stretch.meets.by_key),
            "ends": stretch.meets.end.word(),
            "gap": stretch.meets.is_gap(),
        })
    };
    let remark = |remark: &Remark| json!({ "at": remark.at.zoned().to_string(), "what": special_word(&remark.what), "text": remark_text(rules, remark) });
    json!({
        "line": line_name(rules, outlook.line),
        "number": rules.line(outlook.line).map(|line| line.number.as_str()),
        "timezone": rules.line(outlook.line).map(|line| line.zone.name()),
        "stretches": outlook.stretches.iter().map(stretch).collect::<Vec<_>>(),
        "remarks": outlook.remarks.iter().map(remark).collect::<Vec<_>>(),
    })
}

const fn first_word(first: First) -> &'static str {
    match first {
        First::Ring(_) => "ring",
        First::Menu(_) => "menu",
        First::Voicemail => "voicemail",
        First::Handoff => "handoff",
        First::Reject => "reject",
        First::Hangup => "hangup",
    }
}

const fn special_word(special: &Special) -> &'static str {
    match special {
        Special::Holiday { .. } => "holiday",
        Special::Dated(_) => "date",
        Special::Clocks { .. } => "clocks",
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::journey::outlook::{Callers, outlooks};
    use crate::model::call::{Attestation, State};
    use crate::model::moment::Zone;
    use crate::model::phone::Caller;
    use crate::rules::{NoFiles, grammar, load};

    const RULES: &str = r#"
version: 1
timezone: America/Los_Angeles
numbers: ["+16195550100"]
contacts:
  ann: "+16195550111"
  bo: "+16195550112"
hours:
  early:
    - daily 01:30-02:30
    - { closed: days }
    - { date: 2026-11-03, open: 09:00-10:00 }
holidays:
  days: [{ name: All Souls, date: 11-02 }]
routes:
  - name: early
    when: early
    cascade: [{ ring: ann }, { menu: more }]
  - name: late
    when: { not: { hours: early }, caller: known }
    cascade: [{ ring: bo }]
callers: { known: { numbers: ["+16195550199"] } }
menus: { more: { say: Press 1., keys: { "1": [{ ring: bo }] }, wait: 5s } }
finally: { voicemail: Hello. }
"#;

    fn drawn(from: &str, until: &str, caller: &str) -> (RuleSet, Vec<Outlook>) {
        let loaded = load("x.yaml", RULES.as_bytes(), &NoFiles, date(2026, 10, 1));
        let rules = loaded.rules.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
        let zone = Zone::named("America/Los_Angeles").unwrap();
        let at = |text: &str| grammar::moment(text).unwrap().within(&zone).unwrap().timestamp();
        let caller = Caller::parse(caller);
        let callers = Callers { caller, attestation: Attestation::Unsigned, state: State::default() };
        let outlooks = outlooks(&rules, &callers, at(from), at(until));
        (rules, outlooks)
    }

    #[test]
    fn every_change_has_its_line_and_odd_days_are_marked() {
        let (rules, outlooks) = drawn("2026-10-31 12:00", "2026-11-04 12:00", "+12125550188");
        assert_eq!(
            text(&rules, &outlooks),
            "\
+16195550100, times in America/Los_Angeles
  Sat 2026-10-31 12:00  no rule  voicemail  <- nobody can be reached
  Sun 2026-11-01 01:30  early    ring ann 20 s (keys reach bo), else voicemail
  Sun 2026-11-01        * the clocks go back from 02:00 to 01:00: what lies between comes twice
  Sun 2026-11-01 01:00  no rule  voicemail  <- nobody can be reached
  Sun 2026-11-01 01:30  early    ring ann 20 s (keys reach bo), else voicemail
  Sun 2026-11-01 02:30  no rule  voicemail  <- nobody can be reached
  Mon 2026-11-02        * All Souls: `early` is closed
  Tue 2026-11-03        * `early` has hours of its own today
  Tue 2026-11-03 09:00  early    ring ann 20 s (keys reach bo), else voicemail
  Tue 2026-11-03 10:00  no rule  voicemail  <- nobody can be reached
  Wed 2026-11-04 01:30  early    ring ann 20 s (keys reach bo), else voicemail
  Wed 2026-11-04 02:30  no rule  voicemail  <- nobody can be reached
  nobody can be reached 96% of the time; the longest stretch is 54 h 30 min from Sun 2026-11-01 02:30
"
        );
    }

    #[test]
    fn the_calendar_is_that_of_the_caller_asked_for() {
        let (rules, outlooks) = drawn("2026-11-09 00:00", "2026-11-09 12:00", "+16195550199");
        let text = text(&rules, &outlooks);
        assert!(text.ends_with("somebody can be reached at every hour\n"), "{text}");
        let json = json([("x.yaml", &rules, outlooks.as_slice())]);
        let stretches = json["files"][0]["lines"][0]["stretches"].as_array().unwrap();
        let told: Vec<&str> = stretches.iter().map(|stretch| stretch["rule"].as_str().unwrap()).collect();
        assert_eq!(told, ["late", "early", "late"]);
        assert_eq!(json["files"][0]["lines"][0]["stretches"][1]["by_key"][0], "bo");
        assert_eq!(
            json["files"][0]["lines"][0]["stretches"][1]["from"],
            "2026-11-09T01:30:00-08:00[America/Los_Angeles]"
        );
    }
}
