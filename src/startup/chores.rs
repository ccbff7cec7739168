//! What is done now and then for as long as the service runs.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::app::App;
use crate::model::numbering;
use crate::settings::Settings;
use crate::startup::retention;
use crate::store::Store;

/// Between two looks whether memory can be given back.
const LOOK: Duration = Duration::from_secs(1);

/// Memory that is asked for then, and not touched: more than the allocator has at hand for small things.
const NUDGE: usize = 2 << 20;

/// Starts all of it; each ends when it is aborted.
pub(in crate::startup) fn start(
    settings: &Settings,
    app: &Arc<App>,
    store: Option<&Arc<Store>>,
) -> Vec<JoinHandle<()>> {
    let retention = store.into_iter().flat_map(|store| retention::start(settings, app, store));
    retention.chain([tokio::spawn(give_back())]).collect()
}

/// Lets the numbering plans go while they are needed no more, rules having been read or texts written; and has the
/// allocator give back what is free, which it does only while it is asked for memory.
async fn give_back() {
    numbering::let_go();
    loop {
        tokio::time::sleep(LOOK).await;
        numbering::let_go_if_idle();
        drop(std::hint::black_box(Vec::<u8>::with_capacity(NUDGE)));
    }
}
