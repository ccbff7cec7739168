//! The templates of everybody, and of organizations that have their own.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::app::live::compile::sentence;
use crate::app::live::{Found, Text};
use crate::model::ids::OrgSlug;
use crate::twiml::templates::Templates;

/// Template sets from one reading to the next.
pub(super) struct Skins {
    shared: Skin,
    own: BTreeMap<String, Skin>,
}

/// One set: what it was made of, and the last good one.
struct Skin {
    texts: Vec<(String, String)>,
    good: Arc<Templates>,
    problems: Vec<String>,
}

impl Default for Skins {
    fn default() -> Self {
        Self { shared: Skin::new(Arc::new(Templates::built_in())), own: BTreeMap::new() }
    }
}

impl Skin {
    const fn new(good: Arc<Templates>) -> Self {
        Self { texts: Vec::new(), good, problems: Vec::new() }
    }

    /// Takes the texts; the older set stays when the new one is bad. Tells whether anything differs.
    fn take(&mut self, texts: Vec<(String, String)>, mut problems: Vec<String>) -> bool {
        if self.texts == texts && problems.is_empty() && self.problems.is_empty() {
            return false;
        }
        match Templates::load(&texts) {
            Ok(templates) if problems.is_empty() => {
                if templates.digest() != self.good.digest() {
                    self.good = Arc::new(templates);
                }
            }
            Ok(_) => {}
            Err(faults) => problems.extend(faults.iter().map(sentence)),
        }
        let differs = self.texts != texts || self.problems != problems;
        (self.texts, self.problems) = (texts, problems);
        differs
    }
}

impl Skins {
    /// Takes what was found; tells whether anything differs.
    pub(super) fn take_in(&mut self, found: &Found) -> bool {
        let (shared, problems) = split(&found.templates);
        let mut differs = self.shared.take(shared.clone(), problems);
        let before = self.own.len();
        self.own.retain(|org, _| found.own_templates.iter().any(|(name, _)| name == org));
        differs |= self.own.len() != before;
        for (org, texts) in &found.own_templates {
            let (own, problems) = split(texts);
            // A file of the organization's own stands before the shared one of the same name: later ones win.
            let texts = shared.iter().cloned().chain(own).collect();
            let good = Arc::clone(&self.shared.good);
            differs |= self.own.entry(org.clone()).or_insert_with(|| Skin::new(good)).take(texts, problems);
        }
        differs
    }

    /// The templates of everybody.
    pub(super) fn shared(&self) -> Arc<Templates> {
        Arc::clone(&self.shared.good)
    }

    /// The templates of one organization.
    pub(super) fn of(&self, slug: &OrgSlug) -> Arc<Templates> {
        Arc::clone(&self.own.get(slug.as_str()).unwrap_or(&self.shared).good)
    }

    /// What is wrong, a line for each problem.
    pub(super) fn problems(&self) -> impl Iterator<Item = String> {
        self.shared.problems.iter().chain(self.own.values().flat_map(|skin| &skin.problems)).cloned()
    }
}

/// The texts that can be used, and what is wrong with the others.
fn split(texts: &[Text]) -> (Vec<(String, String)>, Vec<String>) {
    let mut good = Vec::new();
    let mut problems = Vec::new();
    for text in texts {
        match text.bytes.as_ref().map(|bytes| std::str::from_utf8(bytes)) {
            Ok(Ok(words)) => good.push((text.name.clone(), words.to_owned())),
            Ok(Err(error)) => problems.push(format!("{}: error: it is not UTF-8: {error}", text.name)),
            Err(error) => problems.push(format!("{}: error: {error}", text.name)),
        }
    }
    (good, problems)
}
