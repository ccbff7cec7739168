//! Two TwiML documents compared by meaning, with the places where they differ.

use crate::twiml::document::{self, Element, Node};

/// One place where two documents differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Apart {
    pub(crate) place: String,
    pub(crate) expected: String,
    pub(crate) got: String,
}

/// Compares; nothing when both mean the same to the carrier. `same` says whether two addresses of ours do.
pub(crate) fn compare(expected: &str, got: &str, same: &dyn Fn(&str, &str) -> bool) -> Vec<Apart> {
    let mut apart = Vec::new();
    match (document::parse(expected), document::parse(got)) {
        (Ok(one), Ok(two)) => {
            let mut walk = Walk { same, apart: &mut apart };
            walk.element("Response", &one.root, &two.root);
        }
        (one, two) => {
            let words = |parsed: Result<_, document::ParseError>, text: &str| match parsed {
                Ok(_) => first_line(text),
                Err(error) => format!("no TwiML: {error}"),
            };
            if expected != got {
                let (expected, got) = (words(one.map(drop), expected), words(two.map(drop), got));
                apart.push(Apart { place: "the document".to_owned(), expected, got });
            }
        }
    }
    apart
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(80).collect()
}

struct Walk<'a> {
    same: &'a dyn Fn(&str, &str) -> bool,
    apart: &'a mut Vec<Apart>,
}

/// Whether a value is an address of ours.
fn is_address(value: &str) -> bool {
    value.contains("/twilio/")
}

impl Walk<'_> {
    fn note(&mut self, place: String, expected: impl Into<String>, got: impl Into<String>) {
        self.apart.push(Apart { place, expected: expected.into(), got: got.into() });
    }

    fn element(&mut self, place: &str, one: &Element, two: &Element) {
        let nothing = "not there";
        for (name, value) in &one.attributes {
            match two.attribute(name) {
                Some(other) => self.value(&format!("{place} {name}"), value, other),
                None => self.note(format!("{place} {name}"), &**value, nothing),
            }
        }
        for (name, value) in &two.attributes {
            if one.attribute(name).is_none() {
                self.note(format!("{place} {name}"), nothing, &**value);
            }
        }
        let (ones, twos) = (children(one), children(two));
        for at in 0..ones.len().max(twos.len()) {
            match (ones.get(at), twos.get(at)) {
                (Some(Child::Words(one)), Some(Child::Words(two))) => self.value(place, one, two),
                (Some(Child::Element(one)), Some(Child::Element(two))) if one.name == two.name => {
                    self.element(&format!("{place}/{}", one.name), one, two);
                }
                (one, two) => {
                    let show = |child: Option<&Child<'_>>| child.map_or_else(|| nothing.to_owned(), Child::shown);
                    self.note(format!("{place}, part {}", at + 1), show(one), show(two));
                }
            }
        }
    }

    fn value(&mut self, place: &str, one: &str, two: &str) {
        let same = if is_address(one) && is_address(two) { (self.same)(one, two) } else { one == two };
        if !same {
            self.note(place.to_owned(), one, two);
        }
    }
}

enum Child<'a> {
    Element(&'a Element),
    Words(String),
}

impl Child<'_> {
    fn shown(&self) -> String {
        match self {
            Self::Words(words) => format!("`{words}`"),
            Self::Element(element) => {
                let words = element.text().split_whitespace().collect::<Vec<_>>().join(" ");
                if words.is_empty() { format!("<{}>", element.name) } else { format!("<{}> `{words}`", element.name) }
            }
        }
    }
}

fn children(element: &Element) -> Vec<Child<'_>> {
    element.children.iter().filter_map(child).collect()
}

fn child(node: &Node) -> Option<Child<'_>> {
    match node {
        Node::Element(element) => Some(Child::Element(element)),
        Node::Text(text) => {
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            (!words.is_empty()).then_some(Child::Words(words))
        }
    }
}

/// Every address of ours in a document, in order, with where it stands.
pub(crate) fn addresses(xml: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if let Ok(response) = document::parse(xml) {
        collect(&response.root, &mut found);
    }
    found
}

fn collect(element: &Element, found: &mut Vec<(String, String)>) {
    for (name, value) in element.attributes.iter().filter(|(_, value)| is_address(value)) {
        found.push((format!("{} {name}", element.name), value.to_string()));
    }
    for child in children(element) {
        match child {
            Child::Element(inner) => collect(inner, found),
            Child::Words(words) if is_address(&words) => found.push((element.name.to_string(), words)),
            Child::Words(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(one: &str, two: &str) -> Vec<(String, String, String)> {
        let all = compare(one, two, &|expected, got| expected == got);
        all.into_iter().map(|apart| (apart.place, apart.expected, apart.got)).collect()
    }

    #[test]
    fn order_of_attributes_and_white_space_do_not_count() {
        let one = "<?xml version=\"1.0\"?>\n<Response><Dial timeout=\"20\" action=\"/twilio/continue?a=1&amp;b=2\">\n <Number>+1</Number></Dial></Response>";
        let two = "<Response>\n<Dial action='/twilio/continue?a=1&amp;b=2' timeout='20'><Number> +1 </Number></Dial> </Response>";
        assert_eq!(apart(one, two), []);
    }

    #[test]
    fn a_difference_names_its_place() {
        let one = "<Response><Dial timeout=\"20\"><Number>+1</Number></Dial></Response>";
        let two = "<Response><Dial timeout=\"25\"><Number>+2</Number></Dial><Hangup/></Response>";
        let text = |text: &str| text.to_owned();
        assert_eq!(
            apart(one, two),
            [
                (text("Response/Dial timeout"), text("20"), text("25")),
                (text("Response/Dial/Number"), text("+1"), text("+2")),
                (text("Response, part 2"), text("not there"), text("<Hangup>")),
            ]
        );
        assert_eq!(apart("<Response/>", "oops").len(), 1);
    }
}
