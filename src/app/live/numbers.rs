//! Which organization a number belongs to; no number belongs to two.

use std::sync::Arc;

use crate::app::live::{FileState, Holders, Organization, Snapshot};
use crate::model::ids::{LineId, OrgSlug};
use crate::model::phone::E164;

/// Gives each number to its organization. A number that two claim stays with the one that has it, or goes to
/// the first by name when nobody has it yet; the other's claim is told with both places.
pub(super) fn assign(held: &Holders, next: &mut Snapshot) {
    let mut losers = Vec::new();
    let organizations: Vec<Arc<Organization>> = next.organizations.values().map(Arc::clone).collect();
    for organization in &organizations {
        for (line, id) in organization.rules.lines.iter().zip((0..=u16::MAX).map(LineId)) {
            let claim = (Arc::clone(organization), id);
            let Some(holder) = next.numbers.get(&line.number).cloned() else {
                next.numbers.insert(line.number.clone(), claim);
                continue;
            };
            let had = held.get(&line.number);
            let (winner, loser) = if had == Some(&organization.slug) { (claim, holder) } else { (holder, claim) };
            tell(next, &line.number, &winner, &loser);
            next.numbers.insert(line.number.clone(), winner);
            losers.push(loser.0.slug.clone());
        }
    }
    for slug in losers {
        let has_some = next.numbers.values().any(|(owner, _)| owner.slug == slug);
        if let Some(file) = next.files.get_mut(slug.as_str()).filter(|file| !has_some && file.state == FileState::Good)
        {
            file.state = FileState::Refused;
        }
    }
}

/// Who has which number now. One whose file cannot be read yet loses nothing by that.
pub(super) fn holders(held: &Holders, next: &Snapshot) -> Holders {
    let waits = |slug: &OrgSlug| !next.organizations.contains_key(slug) && next.files.contains_key(slug.as_str());
    let waiting = held.iter().filter(|(_, slug)| waits(slug));
    let mut all: Holders =
        next.numbers.iter().map(|(number, (owner, _))| (number.clone(), owner.slug.clone())).collect();
    all.extend(waiting.map(|(number, slug)| (number.clone(), slug.clone())));
    all
}

type Claim = (Arc<Organization>, LineId);

fn tell(next: &mut Snapshot, number: &E164, winner: &Claim, loser: &Claim) {
    let kept = place(next, winner);
    let refused = place(next, loser);
    if let Some(file) = next.files.get_mut(loser.0.slug.as_str()) {
        let number = number.masked();
        file.problems.push(format!(
            "{refused}: error[number-twice]: the number `{number}` belongs to `{}` already, at {kept} (help: take it out of one of the two files)",
            winner.0.slug
        ));
    }
}

/// File and line of a claim.
fn place(snapshot: &Snapshot, (organization, line): &Claim) -> String {
    let file = snapshot.files.get(organization.slug.as_str()).map_or("", |file| file.name.as_str());
    let line = organization.rules.line(*line).map_or(0, |line| line.at);
    format!("{file}:{line}")
}
