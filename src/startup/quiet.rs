//! Threads for work that nobody waits for: the machine lends them what callers leave over.

use tokio::runtime::{EnterGuard, Runtime};

/// How far they stand back, of 19: far enough that callers hardly notice, and not so far that whoever waits for what one
/// of them holds waits for long.
const BACK: i32 = 15;

/// The threads.
#[derive(Debug)]
pub(in crate::startup) struct Quiet(Option<Runtime>);

impl Quiet {
    /// Starts them.
    pub(in crate::startup) fn start() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("sinks")
            .on_thread_start(|| {
                // For the calling thread alone; where it is refused, the work competes with callers.
                if let Err(error) = rustix::process::setpriority_process(None, BACK) {
                    tracing::warn!(%error, "sinks run as urgently as everything else");
                }
            })
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// What is begun while this is held is done there.
    pub(in crate::startup) fn enter(&self) -> Option<EnterGuard<'_>> {
        self.0.as_ref().map(Runtime::enter)
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
