//! How far the journal of this data folder was read. A younger one, begun anew or put back from a copy, goes on behind
//! that: whoever reads by places would pass its records over.

use crate::outbox::Desk;
use crate::seal;
use crate::settings::Settings;
use crate::sinks;
use crate::startup::followers;

/// The last place that anybody here has read. Who cannot be asked says so when he begins to read.
pub(in crate::startup) fn read_up_to(settings: &Settings) -> i64 {
    let data = &settings.data;
    let chain = seal::Folder::open(data).and_then(|folder| folder.tip()).map_or(0, |tip| tip.seq);
    let folder = followers::sinks_folder(data);
    let sinks = followers::plans(settings).into_iter().filter_map(|plan| sinks::standing(&folder, &plan.name).ok()?);
    sinks.map(|standing| standing.seq).fold(chain.max(Desk::read_up_to(data)), i64::max)
}
