//! Which organization a number belongs to; no number belongs to two.

use std::sync::Arc;

use crate::app::live::{FileState, Organization, Snapshot};
use crate::model::ids::LineId;
use crate::model::phone::E164;

/// Gives each number to its organization. A number that two claim stays with the one that has it, or goes to
/// the first by name when nobody has it yet; the other's claim is told with both places.
pub(super) fn assign(before: &Snapshot, next: &mut Snapshot) {
    let organizations: Vec<Arc<Organization>> = next.organizations.values().map(Arc::clone).collect();
    for organization in &organizations {
        for (line, id) in organization.rules.lines.iter().zip((0..=u16::MAX).map(LineId)) {
            let claim = (Arc::clone(organization), id);
            let Some(holder) = next.numbers.get(&line.number).cloned() else {
                next.numbers.insert(line.number.clone(), claim);
                continue;
            };
            let had = before.number(&line.number).map(|(owner, _)| owner.slug.clone());
            let (winner, loser) =
                if had.as_ref() == Some(&organization.slug) { (claim, holder) } else { (holder, claim) };
            tell(next, &line.number, &winner, &loser);
            next.numbers.insert(line.number.clone(), winner);
        }
    }
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
        if file.state == FileState::Good {
            file.state = FileState::Stale;
        }
    }
}

/// File and line of a claim.
fn place(snapshot: &Snapshot, (organization, line): &Claim) -> String {
    let file = snapshot.files.get(organization.slug.as_str()).map_or("", |file| file.name.as_str());
    let line = organization.rules.line(*line).map_or(0, |line| line.at);
    format!("{file}:{line}")
}
