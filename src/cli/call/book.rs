//! The phone book: what the rule files say of numbers, so that a timeline can name people.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::civil::Date;

use crate::files::{Folder, rule_files};
use crate::model::moment::Zone;
use crate::model::phone::E164;
use crate::rules::load;
use crate::rules::ruleset::{RuleSet, Show};

/// One organization's numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Book {
    /// The organization's slug.
    pub(crate) org: String,
    /// Its lines, by name and number, in the order of the file.
    pub(crate) lines: Vec<(String, String)>,
    /// What numbers are called.
    pub(crate) names: BTreeMap<String, String>,
    /// Those who may be rung, in the order of the file.
    pub(crate) contacts: Vec<String>,
    /// Numbers that may be shown as caller id.
    pub(crate) own: Vec<String>,
    /// The zone of each line, by its number.
    pub(crate) zones: BTreeMap<String, Zone>,
}

impl Book {
    fn of(org: &str, rules: &RuleSet) -> Self {
        let lines: Vec<(String, String)> =
            rules.lines.iter().map(|line| (line.name.to_string(), line.number.to_string())).collect();
        let mut names: BTreeMap<String, String> =
            lines.iter().map(|(name, number)| (number.clone(), name.clone())).collect();
        let mut own: Vec<String> = lines.iter().map(|(_, number)| number.clone()).collect();
        for contact in &rules.contacts {
            names.insert(contact.number.to_string(), contact.name.to_string());
            if let Show::Number(number) = &contact.show {
                own.push(number.to_string());
            }
        }
        let zones = rules.lines.iter().map(|line| (line.number.to_string(), line.zone.clone())).collect();
        let contacts = rules.contacts.iter().map(|contact| contact.name.to_string()).collect();
        Self { org: org.to_owned(), lines, names, contacts, own, zones }
    }

    /// The number of a line that is called by its name or its number.
    pub(crate) fn number_of(&self, line: &str) -> Option<&str> {
        let found = self.lines.iter().find(|(name, number)| name == line || number == line);
        found.map(|(_, number)| number.as_str())
    }
}

/// The phone books of all rule files in a folder that can be used; the others are for `ringfall check` to judge.
pub(crate) fn books(folder: &Path, today: Date) -> Vec<Book> {
    let beside = Folder::new(folder.to_owned());
    let mut books = Vec::new();
    for file in rule_files(folder).unwrap_or_default() {
        let Ok(bytes) = &file.bytes else { continue };
        if let Some(rules) = load(&file.name, bytes, &beside, today).rules {
            books.push(Book::of(&file.stem, &rules));
        }
    }
    books
}

/// The book and the number for what was asked: a line by name or number, an organization, or neither.
pub(crate) fn choose(books: &[Book], to: Option<&str>, org: Option<&str>) -> (Book, Option<String>) {
    let fits = |book: &&Book| org.is_none_or(|org| book.org == org) && to.is_none_or(|to| book.number_of(to).is_some());
    let of_org = |book: &&Book| org == Some(book.org.as_str());
    let book = books.iter().find(fits).or_else(|| books.iter().find(of_org)).cloned().unwrap_or_default();
    let number = match to {
        None => book.lines.first().map(|(_, number)| number.clone()),
        Some(to) => match book.number_of(to) {
            Some(number) => Some(number.to_owned()),
            None => E164::parse(to).is_ok().then(|| to.to_owned()),
        },
    };
    (book, number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(org: &str, lines: &[(&str, &str)]) -> Book {
        let lines = lines.iter().map(|(name, number)| ((*name).to_owned(), (*number).to_owned())).collect();
        Book { org: org.to_owned(), lines, ..Book::default() }
    }

    fn chosen(to: Option<&str>, org: Option<&str>) -> (String, Option<String>) {
        let books = vec![
            book("acme", &[("main", "+16195550100"), ("urgent", "+16195550199")]),
            book("bright", &[("main", "+13125550100")]),
        ];
        let (book, number) = choose(&books, to, org);
        (book.org, number)
    }

    fn pair(org: &str, number: &str) -> (String, Option<String>) {
        (org.to_owned(), (!number.is_empty()).then(|| number.to_owned()))
    }

    #[test]
    fn a_number_finds_its_organization() {
        assert_eq!(chosen(Some("+13125550100"), None), pair("bright", "+13125550100"));
        assert_eq!(chosen(Some("urgent"), None), pair("acme", "+16195550199"));
    }

    #[test]
    fn without_a_number_the_first_line_is_called() {
        assert_eq!(chosen(None, None), pair("acme", "+16195550100"));
        assert_eq!(chosen(None, Some("bright")), pair("bright", "+13125550100"));
        assert_eq!(choose(&[], None, None).1, None);
    }

    #[test]
    fn an_unlisted_number_is_called_all_the_same() {
        assert_eq!(chosen(Some("+17185550142"), None), pair("", "+17185550142"));
        assert_eq!(chosen(Some("+17185550142"), Some("acme")), pair("acme", "+17185550142"));
        assert_eq!(chosen(Some("nonsense"), None), pair("", ""));
    }
}
