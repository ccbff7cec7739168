//! The rules that answer now, and those that calls in flight began under.
//!
//! Everything new is compiled first and swapped in once. A bad file leaves that organization's older
//! rules answering, and says so.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::{ArcSwap, Guard};
use indexmap::IndexMap;
use jiff::Timestamp;
use jiff::civil::Date;

use crate::app::live::compile::Kept;
use crate::app::ports::RuleText;
use crate::app::trial::Trial;
use crate::model::digest::{Digest, RulesKey};
use crate::model::ids::{LineId, OrgSlug};
use crate::model::phone::E164;
use crate::rules::ruleset::{RolloutMode, RuleSet};
use crate::rules::{Files, Loaded};
use crate::twiml::templates::Templates;

mod compile;
mod numbers;
mod skins;

/// A file as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The path as a person would name it.
    pub name: String,
    /// The file's name without its ending.
    pub stem: String,
    /// The bytes; the reason when they cannot be had.
    pub bytes: Result<Vec<u8>, String>,
}

/// Everything that was found in the folders.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The rule files.
    pub rules: Vec<Text>,
    /// The templates of everybody.
    pub templates: Vec<Text>,
    /// Templates of single organizations.
    pub own_templates: Vec<(String, Vec<Text>)>,
    /// Folders that could not be read at all, each with the reason.
    pub unreadable: Vec<String>,
}

/// One organization as it is answered.
#[derive(Debug)]
pub struct Organization {
    /// Its name.
    pub slug: OrgSlug,
    /// Its rules.
    pub rules: Arc<RuleSet>,
    /// The templates of its answers.
    pub templates: Arc<Templates>,
    /// Rules on trial, when there are any that can be used.
    pub trial: Option<Arc<Trial>>,
}

/// How one rule file stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileStatus {
    /// The file.
    pub name: String,
    /// Whether its organization is answered, and by what.
    pub state: FileState,
    /// What is wrong with it, a line for each problem.
    pub problems: Vec<String>,
    /// What is hardly meant in it, a line for each warning.
    pub warnings: Vec<String>,
    /// When the rules that answer now were read.
    pub since: Option<Timestamp>,
    /// Their digest.
    pub digest: Option<Digest>,
}

/// Whether a rule file's organization is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileState {
    /// By this file.
    Good,
    /// By an older state of this file, because the present one is bad.
    Stale,
    /// Not at all: the file is bad, and no older state is known; or others have all of its numbers.
    Refused,
}

impl Organization {
    /// The same organization, answered by the rules on trial.
    fn under_trial(&self, trial: &Trial) -> Self {
        let (slug, rules) = (self.slug.clone(), Arc::clone(&trial.candidate));
        // Of calls that are answered so nobody asks what other rules would do.
        Self { slug, rules, templates: Arc::clone(&self.templates), trial: None }
    }

    /// The organization as this trial answers it, when it is one that answers.
    pub fn tried(&self) -> Option<(&Trial, Arc<Self>)> {
        let trial = self.trial.as_deref().filter(|trial| trial.mode == RolloutMode::Canary)?;
        Some((trial, Arc::new(self.under_trial(trial))))
    }
}

impl FileState {
    /// The word for it on the readiness page.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Stale => "stale",
            Self::Refused => "refused",
        }
    }
}

/// All that answers at one time.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// In the order of their names, as they were put in.
    organizations: IndexMap<OrgSlug, Arc<Organization>>,
    /// In the order of the organizations that they belong to.
    numbers: IndexMap<E164, (Arc<Organization>, LineId)>,
    /// How each rule file stands, by its stem.
    pub files: BTreeMap<String, FileStatus>,
    /// What is wrong with templates and folders, a line for each problem.
    pub problems: Vec<String>,
    /// When it was read; none before the first time.
    pub read: Option<Timestamp>,
}

impl Snapshot {
    /// The organization of that name.
    pub fn organization(&self, slug: &OrgSlug) -> Option<&Arc<Organization>> {
        self.organizations.get(slug)
    }

    /// The organization that a number belongs to, and its line.
    pub fn number(&self, number: &E164) -> Option<(&Arc<Organization>, LineId)> {
        self.numbers.get(number).map(|(organization, line)| (organization, *line))
    }

    /// All organizations.
    pub fn organizations(&self) -> impl Iterator<Item = &Arc<Organization>> {
        self.organizations.values()
    }

    /// The organization, where there is one alone.
    pub fn only(&self) -> Option<&Arc<Organization>> {
        let mut all = self.organizations.values();
        all.next().filter(|_| all.next().is_none())
    }

    /// How many lines are answered.
    pub fn lines(&self) -> usize {
        self.numbers.len()
    }

    /// How many files stand so.
    pub fn count(&self, state: FileState) -> usize {
        self.files.values().filter(|file| file.state == state).count()
    }

    /// How many things are wrong: files that are not good, templates and folders.
    pub fn faults(&self) -> usize {
        let bad = self.files.values().filter(|file| file.state != FileState::Good || !file.problems.is_empty());
        bad.count() + self.problems.len()
    }
}

/// Which organization has which number.
pub type Holders = BTreeMap<E164, OrgSlug>;

/// Rules from elsewhere than a folder: whose, and their files, the rule file first.
pub type TakenUp = (OrgSlug, Vec<RuleText>);

/// Reads a rule file and what it includes. The texts are what it takes to read it again elsewhere; there are none
/// when it has errors.
pub fn bundle(name: &str, bytes: &[u8], files: &dyn Files, today: Date) -> (Loaded, Vec<RuleText>) {
    let read = compile::bundled(name, bytes, files, today);
    (read.loaded, read.texts)
}

/// Rules of an organization that were not known before, with their texts to be kept; those that answer come last.
pub type Fresh = (OrgSlug, Vec<(Digest, Vec<RuleText>)>);

/// The rules on trial in texts that were kept, and the texts that it takes to read those again.
pub fn candidate(texts: &[RuleText], today: Date) -> Option<(Digest, Vec<RuleText>)> {
    let (main, others) = texts.split_first()?;
    let read = compile::bundled(&main.path, main.text.as_bytes(), &Bundle(others.to_vec()), today);
    let trial = read.trial?;
    Some((trial.candidate.digest, trial.texts.clone()))
}

/// What a reading changed.
#[derive(Debug, Default)]
pub struct Change {
    /// Rules that were not known before.
    pub fresh: Vec<Fresh>,
    /// Organizations that are no longer answered.
    pub gone: Vec<OrgSlug>,
    /// Whether anything is different from before.
    pub differs: bool,
}

/// Rules of earlier readings that are kept in memory for calls in flight, over all organizations.
const OLDER: usize = 256;

/// The rules that answer now, and some older ones.
pub struct Live {
    snapshot: ArcSwap<Snapshot>,
    older: Mutex<VecDeque<(OrgSlug, Arc<RuleSet>)>>,
    kept: Mutex<Kept>,
    shared_templates: ArcSwap<Templates>,
}

impl fmt::Debug for Live {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Live({} organizations)", self.snapshot.load().organizations.len())
    }
}

impl Default for Live {
    fn default() -> Self {
        Self {
            snapshot: ArcSwap::default(),
            older: Mutex::default(),
            kept: Mutex::default(),
            shared_templates: ArcSwap::from_pointee(Templates::built_in()),
        }
    }
}

impl Live {
    /// What answers now.
    pub fn now(&self) -> Guard<Arc<Snapshot>> {
        self.snapshot.load()
    }

    /// The templates of whoever has none of their own.
    pub fn templates(&self) -> Arc<Templates> {
        self.shared_templates.load_full()
    }

    /// The organization under the rules of that key, if they are in memory.
    pub fn under(&self, slug: &OrgSlug, key: RulesKey) -> Option<Arc<Organization>> {
        let snapshot = self.snapshot.load();
        let present = snapshot.organization(slug);
        if let Some(organization) = present.filter(|it| it.rules.digest.key() == key) {
            return Some(Arc::clone(organization));
        }
        let tried = present.and_then(|it| Some((it, it.trial.as_deref()?)));
        if let Some((organization, trial)) = tried.filter(|(_, trial)| trial.candidate.digest.key() == key) {
            return Some(Arc::new(organization.under_trial(trial)));
        }
        let rules = self.older().iter().find(|(org, rules)| org == slug && rules.digest.key() == key)?.1.clone();
        let templates = present.map_or_else(|| self.templates(), |it| Arc::clone(&it.templates));
        // Of calls that began under older rules nobody asks what other rules would do.
        Some(Arc::new(Organization { slug: slug.clone(), rules, templates, trial: None }))
    }

    /// Compiles rules that were kept elsewhere, for a call that began under them.
    pub fn revive(&self, slug: &OrgSlug, key: RulesKey, texts: &[RuleText], today: Date) -> Option<Arc<Organization>> {
        let rules = compiled(texts, today)?;
        if rules.digest.key() != key {
            return None;
        }
        self.put_away(slug.clone(), Arc::new(rules));
        self.under(slug, key)
    }

    /// Who had which number in an earlier run; told before the first reading.
    pub fn remember(&self, held: Holders) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).held = held;
    }

    /// Who has which number.
    pub fn holders(&self) -> Holders {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).held.clone()
    }

    /// Reads everything again, and swaps once when something is different.
    pub fn reload(&self, found: &Found, files: &(dyn Files + Sync), today: Date, now: Timestamp) -> Change {
        // One reading at a time; callers are answered from the snapshot meanwhile.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (fresh, rules_differ) = kept.take_in(&found.rules, files, today, now);
        let skins_differ = kept.skins.take_in(found);
        let problems: Vec<String> = kept.skins.problems().chain(found.unreadable.iter().cloned()).collect();
        let before = self.snapshot.load_full();
        if before.read.is_some() && !rules_differ && !skins_differ && problems == before.problems {
            return Change::default();
        }
        let gone = self.publish(&mut kept, problems, now);
        Change { fresh, gone, differs: true }
    }

    /// Reads the templates again, and no rules: those come from elsewhere.
    pub fn dress(&self, found: &Found, now: Timestamp) -> Change {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let skins_differ = kept.skins.take_in(found);
        let problems: Vec<String> = kept.skins.problems().chain(found.unreadable.iter().cloned()).collect();
        let before = self.snapshot.load_full();
        if before.read.is_some() && !skins_differ && problems == before.problems {
            return Change::default();
        }
        let gone = self.publish(&mut kept, problems, now);
        Change { fresh: Vec::new(), gone, differs: true }
    }

    /// Answers these organizations by these rules from now on, and some no more; the others stay as they are.
    pub fn take_up(&self, bundles: &[TakenUp], gone: &[OrgSlug], today: Date, now: Timestamp) -> Change {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (fresh, differs) = kept.take_up(bundles, gone, today, now);
        if !differs {
            return Change::default();
        }
        let problems = self.snapshot.load().problems.clone();
        let gone = self.publish(&mut kept, problems, now);
        Change { fresh, gone, differs: true }
    }

    /// Answers by kept rules for an organization whose file is bad and of which nothing older is in memory.
    /// Tells whether it does.
    pub fn stand_in(&self, slug: &OrgSlug, texts: &[RuleText], today: Date, now: Timestamp) -> bool {
        let Some(rules) = compiled(texts, today) else { return false };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.stand_in(slug, rules, now) {
            return false;
        }
        let problems = self.snapshot.load().problems.clone();
        self.publish(&mut kept, problems, now);
        true
    }

    /// Swaps to what is kept now; tells who is no longer answered.
    fn publish(&self, kept: &mut Kept, problems: Vec<String>, now: Timestamp) -> Vec<OrgSlug> {
        let before = self.snapshot.load_full();
        let mut next = Snapshot { problems, read: Some(now), ..Snapshot::default() };
        kept.settle(&before, &mut next);
        kept.held = numbers::holders(&kept.held, &next);
        let gone =
            before.organizations.keys().filter(|slug| !next.organizations.contains_key(*slug)).cloned().collect();
        for old in before.organizations.values() {
            let same = next.organizations.get(&old.slug).is_some_and(|it| it.rules.digest == old.rules.digest);
            if !same {
                self.put_away(old.slug.clone(), Arc::clone(&old.rules));
            }
            if let Some(trial) = &old.trial {
                self.put_away(old.slug.clone(), Arc::clone(&trial.candidate));
            }
        }
        self.shared_templates.store(kept.skins.shared());
        self.snapshot.store(Arc::new(next));
        gone
    }

    fn older(&self) -> MutexGuard<'_, VecDeque<(OrgSlug, Arc<RuleSet>)>> {
        self.older.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put_away(&self, slug: OrgSlug, rules: Arc<RuleSet>) {
        let mut older = self.older();
        older.retain(|(org, known)| *org != slug || known.digest != rules.digest);
        older.push_front((slug, rules));
        older.truncate(OLDER);
    }
}

/// The rules of texts that were kept; none when they are not understood any more. `today` is for warnings only.
pub fn compiled(texts: &[RuleText], today: Date) -> Option<RuleSet> {
    let (main, others) = texts.split_first()?;
    crate::rules::load(&main.path, main.text.as_bytes(), &Bundle(others.to_vec()), today).rules
}

/// The files that kept rules include.
#[derive(Debug)]
pub struct Bundle(pub Vec<RuleText>);

impl Files for Bundle {
    fn read(&self, path: &str) -> Result<Vec<u8>, crate::rules::FileError> {
        let file = self.0.iter().find(|file| file.path == path);
        file.map(|file| file.text.clone().into_bytes()).ok_or(crate::rules::FileError::Missing)
    }
}
