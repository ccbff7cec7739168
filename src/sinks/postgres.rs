//! A table of PostgreSQL.

use std::sync::Arc;

use anyhow::Context as _;

use crate::app::ports::{Clock, Later};
use crate::chain::checkpoint::Signer;
use crate::database::Address;
use crate::feed::plan;
use crate::merged::{Refused, Row, Shipper};
use crate::model::secret::Secret;
use crate::sinks::{Deliver, Item, Memory, Portion, Trouble};

/// Records in one statement at most, and at least when the server is slow.
const MOST: usize = 500;
const LEAST: usize = 10;

/// The place.
#[derive(Debug)]
pub(in crate::sinks) struct Postgres {
    shipper: Shipper,
    clock: Arc<dyn Clock>,
    count: usize,
    binds: bool,
    recalled: bool,
}

impl Postgres {
    pub(in crate::sinks) fn new(plan: &plan::Postgres, clock: &Arc<dyn Clock>) -> anyhow::Result<Self> {
        let cannot = || format!("`{}`", plan.url_file.display());
        let url = std::fs::read_to_string(&plan.url_file).with_context(cannot)?;
        let address = Address::parse(&Secret::new(url.trim().to_owned())).with_context(cannot)?;
        Self::at(&address, None, clock)
    }

    /// With a signer, what is sent there is bound to a chain.
    pub(in crate::sinks) fn at(
        address: &Address,
        signer: Option<Arc<Signer>>,
        clock: &Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let binds = signer.is_some();
        let shipper = Shipper::new(address, signer)?;
        Ok(Self { shipper, clock: Arc::clone(clock), count: MOST, binds, recalled: false })
    }
}

impl Deliver for Postgres {
    fn portion(&self) -> Portion {
        Portion { count: self.count, bytes: 8 << 20 }
    }

    fn binds(&self) -> bool {
        self.binds
    }

    fn deliver<'a>(&'a mut self, items: &'a [Item], memory: &'a mut Memory) -> Later<'a, Result<(), Trouble>> {
        Box::pin(async move {
            if !std::mem::replace(&mut self.recalled, true) {
                // Without it, what stands there counts.
                self.shipper.recall(serde_json::from_value(memory.clone()).unwrap_or_default());
            }
            let rows: Vec<Row<'_>> = items
                .iter()
                .map(|Item { seq, record, body, print }| Row { seq: *seq, record, body, print: *print })
                .collect();
            let put = self.shipper.put(&rows, self.clock.now()).await;
            if let Some(known) = self.shipper.known() {
                *memory = serde_json::to_value(known).unwrap_or_default();
            }
            match put {
                Ok(()) => {
                    self.count = (self.count * 2).min(MOST);
                    Ok(())
                }
                Err(Refused::Slow) => {
                    self.count = (self.count / 2).max(LEAST);
                    Err(Trouble::later("PostgreSQL: no answer in time"))
                }
                Err(Refused::Away(why)) => Err(Trouble::later(format!("PostgreSQL: {why}"))),
                Err(Refused::Never(why)) => Err(Trouble::Never(why)),
            }
        })
    }
}
