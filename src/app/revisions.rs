//! Revisions of rules in the store: taken only when they hold, and one of them current at a time.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::app::live;
use crate::app::ports::RuleText;
use crate::app::tenancy::{Conflict, TenantError, Tenants};
use crate::diagnostic::{Diagnostic, Source};
use crate::model::digest::{Digest, RulesKey};
use crate::model::ids::OrgSlug;
use crate::prove::{self, Limits};
use crate::rules::Files;
use crate::tenant::change::Change;
use crate::tenant::event::Deed;
use crate::tenant::item::{Item, Kept};
use crate::tenant::owner::Owner;
use crate::tenant::revision::{Returned, RevisionState, RuleFile, RuleFiles, RuleRevision};
use crate::tenant::stamp::Stamp;

/// How often a push is tried against others who push too.
const TRIES: u32 = 8;

/// Rules that were looked at as `check` does.
#[derive(Debug)]
pub struct Examined {
    /// What was found: errors, broken promises and warnings.
    pub problems: Vec<Diagnostic>,
    /// The rules, when nothing forbids to answer by them.
    pub candidate: Option<Candidate>,
}

/// Rules that may be answered by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Whose.
    pub org: OrgSlug,
    /// What they are.
    pub digest: Digest,
    /// Their files.
    pub files: Vec<RuleFile>,
}

/// Looks at rules that somebody brings for an organization: everything that `check` finds, promises included.
pub fn examine(org: &OrgSlug, bytes: &[u8], files: &dyn Files, now: Timestamp) -> Examined {
    let today = now.to_zoned(TimeZone::UTC).date();
    let (loaded, texts) = live::bundle(&format!("{org}.yaml"), bytes, files, today);
    let mut problems = loaded.diagnostics;
    let Some(rules) = loaded.rules else { return Examined { problems, candidate: None } };
    let source: &Arc<Source> = &loaded.source;
    let verdicts = prove::promises(&rules, Limits::from(now));
    problems.extend(prove::diagnostics(&rules, source, &verdicts));
    let holds = !problems.iter().any(Diagnostic::is_error);
    let files = texts.into_iter().map(|file| RuleFile { path: file.path, text: file.text }).collect();
    let candidate = holds.then(|| Candidate { org: org.clone(), digest: rules.digest, files });
    Examined { problems, candidate }
}

/// What became of a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The revision that is current now.
    pub now: RuleRevision,
    /// The one that was before; none when there was none, or when it is the same.
    pub before: Option<Digest>,
    /// Whether anything was changed: rules that are current already are not taken again.
    pub changed: bool,
}

/// Why older rules are not taken up again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RevisionError {
    /// There is no such revision.
    #[error("`{org}` has no revision that begins with `{digits}`: see `ringfall rules list --org {org}`")]
    Unknown {
        /// Whose.
        org: OrgSlug,
        /// What was asked for.
        digits: String,
    },
    /// Several begin so.
    #[error("several revisions of `{org}` begin with `{digits}`: give more of it")]
    Ambiguous {
        /// Whose.
        org: OrgSlug,
        /// What was asked for.
        digits: String,
    },
    /// There is nothing to go back to.
    #[error("`{0}` has no earlier revision to go back to")]
    NothingBefore(OrgSlug),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] TenantError),
}

/// Keeps the rules and makes them the current ones, in one transaction.
pub async fn push(store: &dyn Tenants, new: &Candidate, note: &str, by: &Stamp) -> Result<Taken, TenantError> {
    let mut tries = 1;
    loop {
        // The organization is asked for first, so that one that is not there is told as that.
        let current = store.tenant(&new.org).await?.rules;
        let known = store.revisions(&new.org).await?.into_iter().find(|kept| kept.item.digest == new.digest);
        let files = Item::RuleFiles(RuleFiles { org: new.org.clone(), digest: new.digest, files: new.files.clone() });
        let fresh = RuleRevision {
            org: new.org.clone(),
            digest: new.digest,
            state: RevisionState::Current,
            pushed: by.clone(),
            taken: by.clone(),
            note: note.to_owned(),
            returned: None,
        };
        let bring = known.map_or(Bring::New(fresh, files), Bring::Known);
        match take(store, current, bring, (Deed::RulesPushed, note), by).await {
            Err(TenantError::Conflict(Conflict::Stale(_) | Conflict::Taken(_))) if tries < TRIES => tries += 1,
            other => return other,
        }
    }
}

/// Makes an earlier revision the current one again: the one before, or the one that begins with these hex digits.
pub async fn roll_back(
    store: &dyn Tenants,
    org: &OrgSlug,
    digits: Option<&str>,
    note: &str,
    by: &Stamp,
) -> Result<Taken, RevisionError> {
    let current = store.tenant(org).await?.rules;
    let all = store.revisions(org).await?;
    let wanted = match digits {
        Some(digits) => find(org, &all, digits)?,
        None => {
            let mut earlier = all.iter().filter(|kept| kept.item.state == RevisionState::Previous);
            earlier.next().ok_or_else(|| RevisionError::NothingBefore(org.clone()))?
        }
    };
    Ok(take(store, current, Bring::Known(wanted.clone()), (Deed::RulesRolledBack, note), by).await?)
}

/// The revision that begins with these hex digits.
pub fn find<'a>(
    org: &OrgSlug,
    all: &'a [Kept<RuleRevision>],
    digits: &str,
) -> Result<&'a Kept<RuleRevision>, RevisionError> {
    let digits = digits.to_ascii_lowercase();
    let mut found = all.iter().filter(|kept| !digits.is_empty() && kept.item.digest.to_string().starts_with(&digits));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => Err(RevisionError::Ambiguous { org: org.clone(), digits }),
        (None, _) => Err(RevisionError::Unknown { org: org.clone(), digits }),
    }
}

/// Revisions that are looked through for rules on trial.
const LATEST: usize = 8;

/// The files of rules with that short digest, if the store has them: of a revision, or of what a late one has on trial.
pub async fn texts(
    store: &dyn Tenants,
    org: &OrgSlug,
    key: RulesKey,
    now: Timestamp,
) -> Result<Option<Vec<RuleText>>, TenantError> {
    let all = store.revisions(org).await?;
    if let Some(kept) = all.iter().find(|kept| kept.item.digest.key() == key) {
        return Ok(Some(rule_texts(store, org, &kept.item.digest).await?));
    }
    let today = now.to_zoned(TimeZone::UTC).date();
    for kept in all.iter().take(LATEST) {
        let files = rule_texts(store, org, &kept.item.digest).await?;
        if let Some((_, texts)) = live::candidate(&files, today).filter(|(digest, _)| digest.key() == key) {
            return Ok(Some(texts));
        }
    }
    Ok(None)
}

/// The files of a revision.
pub async fn rule_texts(store: &dyn Tenants, org: &OrgSlug, digest: &Digest) -> Result<Vec<RuleText>, TenantError> {
    let found = store.rule_files(org, digest).await?;
    Ok(found.files.into_iter().map(|file| RuleText { path: file.path, text: file.text }).collect())
}

/// Writes down that what the current revision has on trial answers no more, for every node; nothing when another
/// revision is current by now.
pub async fn returned(
    store: &dyn Tenants,
    org: &OrgSlug,
    digest: &Digest,
    returned: &Returned,
    by: &Stamp,
) -> Result<(), TenantError> {
    let current = store.tenant(org).await?.rules.filter(|kept| kept.item.digest == *digest);
    let Some(Kept { mut item, version }) = current.filter(|kept| kept.item.returned.is_none()) else { return Ok(()) };
    item.returned = Some(returned.clone());
    let change = Change::changed(Item::Revision(item), version, Deed::CanaryReturned, returned.why.clone());
    store.change(&Owner::Org(org.clone()), vec![change], by).await.map(drop)
}

/// What becomes the current revision.
enum Bring {
    New(RuleRevision, Item),
    Known(Kept<RuleRevision>),
}

async fn take(
    store: &dyn Tenants,
    current: Option<Kept<RuleRevision>>,
    bring: Bring,
    (deed, note): (Deed, &str),
    by: &Stamp,
) -> Result<Taken, TenantError> {
    let now = match &bring {
        Bring::New(fresh, _) => fresh.clone(),
        Bring::Known(kept) => RuleRevision { state: RevisionState::Current, taken: by.clone(), ..kept.item.clone() },
    };
    if let Some(kept) = current.as_ref().filter(|kept| kept.item.digest == now.digest) {
        return Ok(Taken { now: kept.item.clone(), before: None, changed: false });
    }
    let before = current.as_ref().map(|kept| kept.item.digest);
    let mut told = now.digest.short();
    if !note.is_empty() {
        told = format!("{told}: {note}");
    }
    let mut changes = Vec::new();
    if let Some(Kept { mut item, version }) = current {
        item.state = RevisionState::Previous;
        let told = format!("{} answers no new calls", item.digest.short());
        changes.push(Change::changed(Item::Revision(item), version, deed, told));
    }
    match bring {
        Bring::New(_, files) => {
            changes.push(Change::new(files, deed, now.digest.short()));
            changes.push(Change::new(Item::Revision(now.clone()), deed, told));
        }
        Bring::Known(kept) => {
            changes.push(Change::changed(Item::Revision(now.clone()), kept.version, deed, told));
        }
    }
    store.change(&Owner::Org(now.org.clone()), changes, by).await?;
    Ok(Taken { now, before, changed: true })
}
