//! Organizations that keep less than others: their records go from the midst of the trail, and that is signed for.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use crate::app::App;
use crate::app::ports::JournalError;
use crate::app::retention::{self, GRACE_DAYS};
use crate::model::ids::{OrgSlug, RecordingSid};
use crate::seal::{self, Keys, SealError};
use crate::startup::retention::days_before;
use crate::store::{Archive, Store};

/// Places of the trail looked through at once, and records that go with them at most.
const STRETCH: i64 = 2_000;

/// What it works with.
pub(super) struct Sooner {
    pub(super) app: Arc<App>,
    pub(super) store: Arc<Store>,
    pub(super) data: PathBuf,
    pub(super) bound: bool,
    pub(super) recordings: bool,
}

/// A stretch of an organization's trail that is too old.
struct Stretch {
    behind: i64,
    upto: i64,
    places: Vec<i64>,
}

impl Sooner {
    /// One stretch of the organization's trail: recordings, signature, journal, in this order, so that whatever stops
    /// half way is done again.
    pub(super) async fn turn(&self, org: &OrgSlug, days: u32, now: Timestamp) -> anyhow::Result<()> {
        let before = days_before(now, i64::from(days));
        let overdue = days_before(before, GRACE_DAYS);
        let readers = self.app.board.readers();
        let name = org.to_string();
        let looked = self.store.read(move |archive| {
            let plan = retention::plan(archive.place_before(before)?, archive.place_before(overdue)?, &readers);
            stretch(archive, &name, plan.upto)
        });
        let Stretch { behind, upto, places } = looked.await?;
        if upto <= behind {
            return Ok(());
        }
        if self.recordings {
            self.delete_recordings(org, behind, upto).await?;
        }
        let (data, at, bound) = (self.data.clone(), now.to_string(), self.bound);
        let signed = tokio::task::spawn_blocking(move || signed(&data, places, upto, &at, bound));
        let (places, upto) = signed.await??;
        self.store.let_go_of(org.as_str(), places, upto, before);
        Ok(())
    }

    async fn delete_recordings(&self, org: &OrgSlug, behind: i64, upto: i64) -> anyhow::Result<()> {
        let most = usize::try_from(STRETCH).unwrap_or(usize::MAX);
        let found = self.store.read(move |archive| archive.recordings(behind, upto, most)).await?;
        let Some((carrier, _)) = self.app.outreach.listening() else { return Ok(()) };
        for (_, _, name) in found.into_iter().filter(|(_, whose, _)| whose == org.as_str()) {
            let Ok(recording) = RecordingSid::parse(&name) else { continue };
            let deleted = carrier.delete(org, &recording).await;
            deleted.map_err(|error| anyhow::anyhow!("the recording {recording} of `{org}` is not deleted: {error}"))?;
        }
        Ok(())
    }
}

fn stretch(archive: &Archive, org: &str, upto: i64) -> Result<Stretch, JournalError> {
    let behind = archive.let_go_of(org)?;
    let upto = upto.min(behind.saturating_add(STRETCH));
    let places = if upto > behind { archive.places_of(org, behind, upto)? } else { Vec::new() };
    Ok(Stretch { behind, upto, places })
}

/// The places that may go now, and up to where that is all; what is not bound yet waits for it.
fn signed(
    data: &std::path::Path,
    mut places: Vec<i64>,
    mut upto: i64,
    at: &str,
    bound: bool,
) -> Result<(Vec<i64>, i64), SealError> {
    let chain = match seal::Folder::open(data) {
        Ok(chain) if bound => chain,
        Ok(_) | Err(SealError::Missing(_)) => return Ok((places, upto)),
        Err(error) => return Err(error),
    };
    upto = upto.min(chain.tip()?.seq);
    places.retain(|place| *place <= upto);
    if !places.is_empty() {
        chain.let_go(&places, &Keys::open(data)?.signer, at)?;
    }
    Ok((places, upto))
}
