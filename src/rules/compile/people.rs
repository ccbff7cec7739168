//! Lines, contacts, channels and countries.

use std::collections::BTreeMap;

use crate::model::ids::{ContactId, FlowId, SwitchId};
use crate::model::mail::is_plain;
use crate::model::numbering::country;
use crate::model::phone::E164;
use crate::rules::bar::known;
use crate::rules::compile::names::Section;
use crate::rules::compile::{Callee, Desk, Entry, Sections};
use crate::rules::place::{At, Part};
use crate::rules::ruleset::{Channel, ChannelKind, Confirm, Contact, Line, Notify, Show};
use crate::rules::shape::shorten;
use crate::rules::written::{self, TextOr};

impl<'a> Desk<'a> {
    /// Enters the numbers of the short form as lines named by their number.
    pub(super) fn short_lines(&mut self) -> Vec<(&'a str, At<'a>)> {
        let parts = self.parts;
        let Some(main) = parts.first() else { return Vec::new() };
        let list = At::root(main).field("numbers");
        let mut lines = Vec::new();
        for (index, number) in main.file.numbers.iter().enumerate() {
            let at = list.item(index);
            if at.is_broken() {
                continue;
            }
            match self.names.enter(Section::Lines, number, at) {
                Ok(_) => lines.push((number.as_str(), at)),
                Err(mut clash) => {
                    clash.code = "duplicate-number";
                    clash.message = format!("the number `{}` is there twice", shorten(number));
                    clash.help = Some("delete one of the two".to_owned());
                    self.report(&at, *clash);
                }
            }
        }
        lines
    }

    pub(super) fn lines(&mut self, sections: &Sections<'a>) -> Box<[Line]> {
        let mut seen: BTreeMap<E164, At<'a>> = BTreeMap::new();
        let mut lines = Vec::new();
        for entry in &sections.lines {
            let at = entry.at.field("number");
            let number = self.own_number(&mut seen, at, &entry.value.number);
            lines.extend(self.line(entry, number));
        }
        let start = if sections.numbers.is_empty() { None } else { self.main_flow() };
        for (name, at) in &sections.numbers {
            let number = self.own_number(&mut seen, *at, name);
            lines.extend(number.zip(start).map(|(number, start)| Line {
                name: (*name).into(),
                spoken: (*name).into(),
                number,
                start,
                zone: self.zone.clone(),
                language: 0,
                at: at.line(),
            }));
        }
        if let (true, true, Some(main)) = (sections.lines.is_empty(), sections.numbers.is_empty(), self.parts.first()) {
            let root = At::root(main);
            if !root.field("numbers").is_broken() && !root.field("lines").is_broken() {
                let help = "add the number that callers dial, such as `numbers: [\"+16195550100\"]`";
                let problem = root.error("no-lines", "the file routes no number").help(help);
                self.problems.push(crate::diagnostic::Diagnostic { path: String::new(), ..problem });
            }
        }
        lines.into_boxed_slice()
    }

    fn line(&mut self, entry: &Entry<'a, written::Line>, number: Option<E164>) -> Option<Line> {
        let written = entry.value;
        let start = match &written.start {
            Some(flow) => self.find(Section::Flows, flow, &entry.at.field("start")).map(FlowId),
            None => self.main_flow_of(&entry.at),
        };
        let zone = match &written.timezone {
            Some(zone) => self.zone_named(&entry.at.field("timezone"), zone),
            None => Some(self.zone.clone()),
        };
        let language = match &written.language {
            Some(tag) => self.asked_language(entry.at.field("language"), tag),
            None => Some(0),
        };
        let spoken = written.name.as_deref().unwrap_or(entry.name).trim();
        if spoken.is_empty() {
            self.error(
                &entry.at.field("name"),
                "empty-text",
                "the line has an empty name",
                "write how callees hear it named",
            );
        }
        Some(Line {
            name: entry.name.into(),
            spoken: spoken.into(),
            number: number?,
            start: start?,
            zone: zone?,
            language: language?,
            at: entry.at.line(),
        })
    }

    fn main_flow_of(&mut self, at: &At<'_>) -> Option<FlowId> {
        if let Some(index) = self.names.get(Section::Flows, "main") {
            self.names.mark(Section::Flows, index);
            return Some(FlowId(index));
        }
        let help =
            "add `start:` with the name of a flow; without it a line starts in the flow `main`, which is not there";
        self.error(at, "missing-field", "the line does not say where its calls start", help);
        None
    }

    fn main_flow(&mut self) -> Option<FlowId> {
        if let Some(index) = self.names.get(Section::Flows, "main") {
            self.names.mark(Section::Flows, index);
            return Some(FlowId(index));
        }
        let root = At::root(self.parts.first()?);
        let at = root.field("numbers");
        if !root.field("routes").is_broken() && !root.field("flows").is_broken() {
            let problem = at.key_error("missing-field", "no rules say what to do with calls to these numbers");
            self.report(&at, problem.help("add `routes:` with a list of rules, or a flow named `main`"));
        }
        None
    }

    fn own_number(&mut self, seen: &mut BTreeMap<E164, At<'a>>, at: At<'a>, text: &str) -> Option<E164> {
        let number = self.number(&at, text)?;
        if let Some(first) = seen.get(&number) {
            let message = format!("the number `{number}` is there twice");
            let clash = at.error("duplicate-number", message).also(first.source(), first.span(), "first written here");
            self.report(&at, clash.help("a number starts in one flow: delete one of the two"));
            return None;
        }
        seen.insert(number.clone(), at);
        Some(number)
    }

    pub(super) fn contacts(&mut self, entries: &[Entry<'a, TextOr<written::Contact>>]) -> Box<[Contact]> {
        let defaults = self.ring_defaults();
        let confirm = defaults.and_then(|ring| ring.confirm).map_or(Confirm::Key, confirm_of);
        let show = match (self.parts.first(), defaults.and_then(|ring| ring.show.as_deref())) {
            (Some(main), Some(show)) => self.show(&At::root(main).field("defaults").field("ring").field("show"), show),
            _ => None,
        };
        let show = show.unwrap_or(Show::Caller);
        entries.iter().filter_map(|entry| self.contact(entry, confirm, &show)).collect()
    }

    pub(super) fn ring_defaults(&self) -> Option<&'a written::RingDefaults> {
        self.parts.first()?.file.defaults.as_ref()?.ring.as_ref()
    }

    fn contact(
        &mut self,
        entry: &Entry<'a, TextOr<written::Contact>>,
        confirm: Confirm,
        show: &Show,
    ) -> Option<Contact> {
        let mut contact = Contact {
            name: entry.name.into(),
            // Stands in until the number is read; a contact without one makes no rule set.
            number: E164::parse("+10000000").ok()?,
            confirm,
            show: show.clone(),
            notify: Notify::None,
            away: None,
            max_calls: None,
            callable: true,
            barred: None,
            at: entry.at.line(),
        };
        let number = match entry.value {
            TextOr::Text(number) => self.number(&entry.at, number),
            TextOr::Full(written) => {
                self.full_contact(&mut contact, &entry.at, written);
                self.number(&entry.at.field("number"), &written.number)
            }
        };
        self.callees.push(Callee {
            at: entry.at,
            confirms: contact.confirm != Confirm::None,
            callable: contact.callable,
            fixed: contact.away.is_none() && contact.max_calls.is_none(),
        });
        contact.number = number?;
        Some(contact)
    }

    fn full_contact(&mut self, contact: &mut Contact, at: &At<'a>, written: &written::Contact) {
        if let Some(confirm) = written.confirm {
            contact.confirm = confirm_of(confirm);
        }
        if let Some(show) = written.show.as_deref().and_then(|show| self.show(&at.field("show"), show)) {
            contact.show = show;
        }
        contact.notify = match written.notify {
            Some(written::NotifyBy::Sms) => Notify::Sms,
            Some(written::NotifyBy::None) | None => Notify::None,
        };
        if let Some(away) = &written.away {
            contact.away = self.find(Section::Switches, away, &at.field("away")).map(SwitchId);
        }
        contact.max_calls = written.max_calls;
        if written.max_calls == Some(0) {
            let help = "write `callable: false` for somebody who is never rung";
            self.error(&at.field("max_calls"), "out-of-range", "with no calls at all the contact is never rung", help);
        }
        contact.callable = written.callable.unwrap_or(true);
    }

    fn show(&mut self, at: &At<'_>, text: &str) -> Option<Show> {
        match text {
            "caller" => Some(Show::Caller),
            "line" => Some(Show::Line),
            _ if text.starts_with('+') => self.number(at, text).map(Show::Number),
            _ => {
                let help = "write `caller`, `line`, or a number of your account";
                self.error(at, "unknown-word", format!("`{}` is not a number that can be shown", shorten(text)), help);
                None
            }
        }
    }

    pub(super) fn channel(&mut self, entry: &Entry<'a, written::Channel>) -> Option<Channel> {
        let written = entry.value;
        let kinds = [
            ("slack", ChannelKind::Slack, &written.slack),
            ("telegram", ChannelKind::Telegram, &written.telegram),
            ("whatsapp", ChannelKind::Whatsapp, &written.whatsapp),
            ("webhook", ChannelKind::Webhook, &written.webhook),
            ("email", ChannelKind::Email, &written.email),
        ];
        let mut given = kinds.iter().filter_map(|(key, kind, to)| to.as_deref().map(|to| (*key, *kind, to)));
        let Some((key, kind, to)) = given.next() else {
            let help = "add one of `slack`, `telegram`, `whatsapp`, `webhook` and `email` with its address";
            self.report(
                &entry.at,
                entry.at.key_error("missing-field", "the channel does not say where it leads").help(help),
            );
            return None;
        };
        if let Some((other, ..)) = given.next() {
            let message = format!("the channel leads to `{key}` and to `{other}`");
            let at = entry.at.field(other);
            self.report(&at, at.key_error("several-verbs", message).help("make two channels of it"));
        }
        let at = entry.at.field(key);
        let fine = match kind {
            ChannelKind::Slack | ChannelKind::Telegram if to.trim().is_empty() => {
                self.error(&at, "empty-text", "the address is empty", "write the channel or chat");
                false
            }
            ChannelKind::Slack | ChannelKind::Telegram => true,
            ChannelKind::Whatsapp => self.number(&at, to).is_some(),
            ChannelKind::Webhook => self.address(&at, to, &["https"]),
            ChannelKind::Email => self.mail_address(&at, to),
        };
        let template = written.template.as_deref();
        let fine = fine & template.is_none_or(|template| self.content(&entry.at.field("template"), kind, template));
        fine.then(|| Channel {
            name: entry.name.into(),
            kind,
            to: to.trim().into(),
            template: template.map(Into::into),
        })
    }

    /// A template of Twilio's, which only WhatsApp needs.
    fn content(&mut self, at: &At<'_>, kind: ChannelKind, text: &str) -> bool {
        let digits = text.strip_prefix("HX").unwrap_or_default();
        if kind != ChannelKind::Whatsapp {
            let help = "leave it out: other channels take any words at any time";
            self.error(at, "bad-address", "only a channel of `whatsapp` has a template", help);
            return false;
        }
        let fine = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !fine {
            let help = "Twilio's Content Template Builder shows it: `HX` and 32 hex digits";
            self.error(at, "bad-address", format!("`{}` is not the name of a template", shorten(text)), help);
        }
        fine
    }

    /// A mail address.
    pub(super) fn mail_address(&mut self, at: &At<'_>, text: &str) -> bool {
        let (user, host) = text.split_once('@').unwrap_or_default();
        let clean = |part: &str| !part.is_empty() && !part.contains(['@', ' ', ',', ';', '<', '>', '"']);
        let fine = clean(user) && clean(host) && host.contains('.') && !host.starts_with('.') && !host.ends_with('.');
        if !fine {
            let help = "write it like `desk@example.com`";
            self.error(at, "bad-address", format!("`{}` is not a mail address", shorten(text)), help);
        } else if !is_plain(text) {
            let message = format!("hardly any mail server takes mail for `{}`", shorten(text));
            let help = "write it with plain letters and digits; a host with others has a name that begins with `xn--`";
            self.report(at, at.warning("odd-address", message).help(help));
        }
        fine
    }

    /// The countries that may be rung: those written, or those of our own numbers.
    pub(super) fn countries(&mut self, main: &'a Part, lines: &[Line]) -> Box<[Box<str>]> {
        let mut countries: Vec<Box<str>> = Vec::new();
        match &main.file.countries {
            Some(written) => {
                let list = At::root(main).field("countries");
                for (index, country) in written.iter().enumerate() {
                    self.country(&list.item(index), country, &mut countries);
                }
            }
            None => countries.extend(lines.iter().filter_map(|line| country(&line.number))),
        }
        countries.sort();
        countries.dedup();
        countries.into_boxed_slice()
    }

    fn country(&mut self, at: &At<'_>, country: &str, countries: &mut Vec<Box<str>>) {
        match known(country) {
            Ok(()) => countries.push(country.into()),
            Err(help) => {
                self.error(at, "unknown-country", format!("there is no country `{}`", shorten(country)), help);
            }
        }
    }

    /// Contacts by their names.
    pub(super) fn contact_list(&mut self, at: &At<'_>, names: &[String]) -> Vec<ContactId> {
        let mut ids: Vec<ContactId> = Vec::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            let at = at.one_of(index);
            if let Some(id) = self.find(Section::Contacts, name, &at).map(ContactId) {
                if ids.contains(&id) {
                    self.error(&at, "duplicate-name", format!("`{name}` is named twice"), "name everybody once");
                } else {
                    ids.push(id);
                }
            }
        }
        ids
    }
}

const fn confirm_of(written: written::Confirm) -> Confirm {
    match written {
        written::Confirm::Key => Confirm::Key,
        written::Confirm::Voice => Confirm::Voice,
        written::Confirm::None => Confirm::None,
    }
}
