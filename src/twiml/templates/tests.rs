//! What each built-in template makes, and that the documentation tells what each may use.

use super::*;
use crate::twiml::kinds::{SHARED, SPEECH_VARIABLES, Variable};

fn rendered(kind: Kind) -> String {
    let templates = Templates::built_in();
    let sample = |(what, filled)| format!("<!-- {what} -->\n{}", templates.render(&Arc::new(filled)).unwrap());
    sample::of(kind).into_iter().map(sample).collect::<Vec<_>>().join("\n")
}

#[test]
fn each_template_makes_what_it_made_before() {
    for kind in Kind::ALL {
        let name = kind.template().trim_end_matches(".xml.j2");
        insta::assert_snapshot!(name, rendered(kind));
    }
}

#[test]
fn samples_have_exactly_the_values_that_are_documented() {
    for kind in Kind::ALL {
        for (what, filled) in sample::of(kind) {
            let mut given: Vec<_> = filled.values.iter().map(|(name, _)| *name).collect();
            let mut known: Vec<_> = kind.variables().iter().chain(SHARED).map(|(name, _)| *name).collect();
            given.sort_unstable();
            known.sort_unstable();
            assert_eq!(given, known, "{what}");
        }
    }
}

fn listed(title: &str, variables: &[Variable]) -> String {
    let rows: String = variables.iter().map(|(name, meaning)| format!("| `{name}` | {meaning} |\n")).collect();
    format!("### {title}\n\n| Value | What it is |\n| --- | --- |\n{rows}\n")
}

#[test]
fn the_documentation_lists_every_value() {
    let mut reference = listed("In every template", SHARED);
    for kind in Kind::ALL.into_iter().filter(|kind| !kind.variables().is_empty()) {
        reference.push_str(&listed(&format!("`{}`", kind.template()), kind.variables()));
    }
    reference.push_str(&listed(&format!("`{SPEECH}`"), SPEECH_VARIABLES));
    let documentation = include_str!("../../../docs/templates.md");
    assert!(documentation.contains(&reference), "docs/templates.md must hold this:\n\n{reference}");
    for (name, _) in BUILT_IN {
        assert!(documentation.contains(name), "docs/templates.md does not tell of {name}");
    }
}
