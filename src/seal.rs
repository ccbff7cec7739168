//! The chain in the data folder: the key that signs, the entries beside the journal, and who writes them.

mod files;
mod follower;
mod key;

pub use crate::seal::files::{Folder, SealError};
pub use crate::seal::follower::{Follower, Sealing};
pub use crate::seal::key::Keys;

use crate::app::trail::{Stored, Trail};
use crate::chain::verify::{Fault, Report, Verifier};

#[cfg(test)]
mod tests;

/// Written forms that are read in one go.
const AT_ONCE: usize = 2_000;

/// Why a chain could not be verified, or what is wrong with it.
#[derive(Debug, thiserror::Error)]
pub enum Verdict {
    /// It does not hold.
    #[error("{0}")]
    Fault(#[from] Fault),
    /// It could not be looked at.
    #[error("{0}")]
    Cannot(#[from] SealError),
}

/// Holds every record against the chain; `progress` hears how many were seen. With `keys` in hex, no others may
/// have signed.
pub fn verify(
    folder: &Folder,
    trail: &dyn Trail,
    keys: &[String],
    mut progress: impl FnMut(u64),
) -> Result<Report, Verdict> {
    let (start, checkpoints) = (folder.start()?, folder.checkpoints()?);
    let mut verifier = Verifier::new(start, checkpoints, keys);
    let (sender, bodies) = crossbeam_channel::bounded(4);
    std::thread::scope(|scope| {
        // One reads while the other reckons.
        scope.spawn(move || {
            let mut seq = start.seq;
            loop {
                let read = trail.stored(seq, AT_ONCE).map_err(|error| SealError::Journal(error.to_string()));
                let last = read.as_ref().ok().and_then(|read| read.last()).map(|(last, _)| *last);
                // Nobody listens any more when something was found.
                if sender.send(read).is_err() {
                    return;
                }
                match last {
                    Some(last) => seq = last,
                    None => return,
                }
            }
        });
        let mut rest = Shelf { portions: bodies, portion: Vec::new().into_iter().peekable() };
        let mut seen = 0;
        for segment in folder.segments()? {
            verifier.run(segment.before, folder.let_go_of(&segment)?.into_iter().collect())?;
            for entry in folder.entries(&segment)? {
                while let Some((seq, _)) = rest.next_if(|seq| seq < entry.seq)? {
                    verifier.without_entry(seq, false)?;
                }
                let body = rest.next_if(|seq| seq == entry.seq)?;
                verifier.entry(&entry, body.as_ref().map(|(_, body)| body.as_slice()))?;
                seen += 1;
                if seen % 20_000 == 0 {
                    progress(seen);
                }
            }
        }
        while let Some((seq, _)) = rest.next_if(|_| true)? {
            verifier.without_entry(seq, true)?;
        }
        let kept_since = folder.started_at()?.map(|checkpoint| checkpoint.at);
        Ok(Report { kept_since, ..verifier.finish()? })
    })
}

/// The written forms one after the other, as they are read elsewhere.
struct Shelf {
    portions: crossbeam_channel::Receiver<Result<Vec<Stored>, SealError>>,
    portion: std::iter::Peekable<std::vec::IntoIter<Stored>>,
}

impl Shelf {
    fn next_if(&mut self, wanted: impl Fn(i64) -> bool) -> Result<Option<Stored>, SealError> {
        if self.portion.peek().is_none()
            && let Ok(portion) = self.portions.recv()
        {
            self.portion = portion?.into_iter().peekable();
        }
        Ok(self.portion.next_if(|(seq, _)| wanted(*seq)))
    }
}
