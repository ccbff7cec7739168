//! Every kind of problem that loading a rule file can report, by its stable name.
//!
//! `docs/diagnostics.md` has a paragraph for each, and `fixtures/rules/bad` a file.

use crate::diagnostic::Severity;

/// One kind of problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// Its stable name.
    pub name: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it means, in one sentence.
    pub meaning: &'static str,
}

pub(crate) const fn error(name: &'static str, meaning: &'static str) -> Code {
    Code { name, severity: Severity::Error, meaning }
}

pub(crate) const fn warning(name: &'static str, meaning: &'static str) -> Code {
    Code { name, severity: Severity::Warning, meaning }
}

/// All of them, in the order of the reference page.
pub const ALL: &[Code] = &[
    error("file-too-large", "The file is larger than a rule file may be."),
    error("not-utf-8", "The file is not UTF-8 text."),
    error("byte-order-mark", "The file opens with a byte order mark."),
    error("control-character", "An invisible sign stands in the file."),
    error("tab-indentation", "A tab indents a line."),
    error("empty-file", "The file says nothing."),
    error("yaml-syntax", "The file is not YAML."),
    error("several-documents", "A second YAML document starts in the file."),
    error("too-deep", "Values are nested too deep."),
    error("too-many-aliases", "The file has too many YAML aliases, or they stand for too much."),
    error("too-many-values", "There are more values than fit."),
    error("too-many-problems", "The file has more problems of form than are shown."),
    error("yaml-tag", "A value has a YAML tag."),
    error("bad-key", "A list or a map stands where a key is due."),
    error("duplicate-key", "A key is written twice in one map."),
    error("unknown-version", "The file is written in a version of the language that this program does not know."),
    error("unknown-field", "A key has no meaning where it stands."),
    error("missing-field", "Something that must be said is missing."),
    error("missing-finally", "The file does not say how calls end that nobody took."),
    error("wrong-kind", "A value is of the wrong kind."),
    error("unknown-word", "A word is not one of those that can stand here."),
    error("out-of-range", "A number, duration or text is too small or too large."),
    error("empty-list", "A list has nothing in it."),
    error("empty-text", "A text has nothing in it."),
    error("bad-name", "A name has letters that names do not have."),
    error("reserved-name", "A name has a meaning of its own."),
    error("unknown-name", "Something is named that is not there."),
    error("duplicate-name", "A name is given twice."),
    error("duplicate-number", "One of our numbers is there twice."),
    error("duplicate-date", "A day has hours of its own twice."),
    error("duplicate-word", "A spoken word stands for two keys of a menu."),
    error("not-for-includes", "An included file holds something that only the main file may hold."),
    error("unquoted-number", "A phone number stands without quotes."),
    error("bad-number", "A text is not a phone number."),
    error("bad-duration", "A text is not a duration."),
    error("duration-without-unit", "A duration has no unit."),
    error("bad-hours", "A text is not an interval of opening hours."),
    error("bad-weekday", "A word is not a day of the week."),
    error("bad-time", "A text is not a time of day."),
    error("empty-interval", "An interval ends where it starts."),
    error("bad-date", "A text is not a day of the calendar."),
    error("bad-day-rule", "A text does not say on which day a holiday is."),
    error("bad-moment", "A text is not a moment."),
    error("no-such-time", "The clocks are put forward over that moment."),
    error("bad-percentage", "A text is not a percentage."),
    error("bad-trial", "A second file cannot be tried so."),
    error("bad-wait-limit", "A text is not a limit of waiting."),
    error("unknown-zone", "There is no time zone of that name."),
    error("unknown-country", "There is no country of that code."),
    error("bad-language", "A text is not a language."),
    error("unknown-language", "Nothing is said in a language that calls can be in."),
    error("bad-address", "A text is not an address that can be used here."),
    error("unknown-blank", "A template has a blank that is not known."),
    error("no-lines", "The file routes no number."),
    error("not-callable", "Somebody is rung who may not be rung."),
    error("ring-all-confirm", "Several contacts are rung at once, and one of them confirms by key."),
    error("empty-class", "No caller can be in a class."),
    error("bad-caller-list", "A list of callers cannot be read."),
    error("bad-calendar", "A calendar file cannot be read."),
    error("switch-without-expiry", "A switch does not say when a setting expires."),
    error("empty-condition", "A condition says nothing."),
    error("missing-verb", "A step, promise or hangup does not say what to do."),
    error("several-verbs", "Two things that exclude each other stand in one entry."),
    error("stray-option", "An option stands beside a verb that it does not belong to."),
    error("missing-body", "A message has no words."),
    error("missing-speech", "There is nothing to hear where the caller must hear something."),
    error("bad-menu-key", "A key of a menu is not a key of a phone."),
    error("careless-reject", "`reject` would refuse more than certain callers."),
    error("late-reject", "`reject` comes after something that has answered the call."),
    error("careless-hangup", "`hangup` stands where every caller would be hung up on."),
    error("finally-not-static", "`finally` does something that needs a decision."),
    error("endless-loop", "A call can go round for ever without its caller pressing a key."),
    error("missing-file", "A file is not there."),
    error("file-not-allowed", "A path leads out of the folder of the rule file."),
    error("unreadable-file", "A file is there and cannot be read."),
    warning("unreachable-step", "A step is never reached."),
    warning("unreachable-rule", "A rule can never be taken."),
    warning("unused-name", "Nothing uses a name."),
    warning("never-open", "Hours never open."),
    warning("long-night", "Hours go through the night for most of a day."),
    warning("holidays-end", "A list of holidays runs out soon."),
    warning("calendar-remark", "Something in a calendar file is taken in a way that its author may not expect."),
    warning("empty-calendar", "A calendar file has no closed days."),
    warning("missing-audio", "A recording is not there, and something else is said meanwhile."),
    warning(
        "mailbox-may-answer",
        "A phone that takes calls without a key is rung so long that its mailbox may answer.",
    ),
    warning("own-number", "A contact has the number of one of our own lines."),
    warning("premium-number", "A contact has a number that costs extra."),
    warning("unlisted-country", "A contact has a number in a country that may not be rung."),
    warning("odd-address", "A mail address is one that hardly any mail server takes."),
    warning("long-wait", "A rule rings longer than callers bear."),
];

/// What only shows when files are looked at together, as `ringfall check` does.
pub const TOGETHER: &[Code] = &[
    error("file-name", "A file's name is no organization's short name."),
    error("number-twice", "Two organizations claim the same number."),
];
