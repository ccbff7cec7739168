//! Tells those who wait that their records are safe: one of each thread is woken, and tells the others there.
//!
//! Waking somebody on another thread costs a call of the kernel and often a switch to that thread at once, so that
//! a batch that told everybody itself would switch back and forth for each record.

use std::thread::ThreadId;

use tokio::sync::oneshot::Sender;

use crate::app::ports::{Appended, JournalError};
use crate::store::deferred::Written;

/// What became of a record.
#[derive(Debug)]
pub(in crate::store) struct Reply {
    /// The answer.
    pub(in crate::store) appended: Result<Appended, JournalError>,
    /// The record, when it is needed no more: memory is cheapest to free where it was taken.
    pub(in crate::store) done_with: Option<Written>,
    /// Others who wait on the same thread, told when this is dropped.
    others: Others,
}

/// Somebody who waits, and on which thread.
#[derive(Debug)]
pub(in crate::store) struct Waiting {
    thread: ThreadId,
    sender: Sender<Reply>,
}

/// Told when dropped, so that nobody is forgotten whatever becomes of the one who was to tell them.
#[derive(Debug, Default)]
struct Others(Vec<(Sender<Reply>, Reply)>);

impl Drop for Others {
    fn drop(&mut self) {
        for (sender, reply) in self.0.drain(..) {
            // Whoever asked may have gone; the record is safe all the same.
            drop(sender.send(reply));
        }
    }
}

impl Waiting {
    /// Waits on this thread.
    pub(in crate::store) fn here(sender: Sender<Reply>) -> Self {
        Self { thread: std::thread::current().id(), sender }
    }

    /// Tells this one alone.
    pub(in crate::store) fn tell(self, appended: Result<Appended, JournalError>) {
        drop(self.sender.send(Reply::new(appended, None)));
    }
}

impl Reply {
    fn new(appended: Result<Appended, JournalError>, done_with: Option<Written>) -> Self {
        Self { appended, done_with, others: Others::default() }
    }
}

/// The replies of one batch; all are told when it is dropped.
#[derive(Debug, Default)]
pub(in crate::store) struct Replies(Vec<(ThreadId, Others)>);

impl Replies {
    /// Adds one.
    pub(in crate::store) fn add(&mut self, waiting: Waiting, appended: Appended, written: Written) {
        let reply = (waiting.sender, Reply::new(Ok(appended), Some(written)));
        match self.0.iter_mut().find(|(thread, _)| *thread == waiting.thread) {
            Some((_, others)) => others.0.push(reply),
            None => self.0.push((waiting.thread, Others(vec![reply]))),
        }
    }

    /// Tells everybody.
    pub(in crate::store) fn tell(self) {
        for (_, mut others) in self.0 {
            if let Some((sender, mut reply)) = others.0.pop() {
                reply.others = others;
                // Whoever was to tell the others may have gone: then they are told as the reply is dropped here.
                drop(sender.send(reply));
            }
        }
    }
}
