//! Records as lines, and standard output as a place for them.

use std::io::Write as _;

use crate::app::ports::Later;
use crate::audit::record::Record;
use crate::feed::metric;
use crate::sinks::{Deliver, Item, Memory, Portion, Trouble};

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sinks) enum Line {
    /// The record.
    Record,
    /// What is measured of it, under this namespace.
    Metrics(String),
}

/// Records and bytes that are written at once.
pub(in crate::sinks) const PORTION: Portion = Portion { count: 500, bytes: 4 << 20 };

impl Line {
    pub(in crate::sinks) fn wants(&self, record: &Record) -> bool {
        match self {
            Self::Record => true,
            Self::Metrics(namespace) => metric::line(record, namespace).is_some(),
        }
    }

    pub(in crate::sinks) fn text(&self, items: &[Item]) -> String {
        let mut text = String::with_capacity(items.iter().map(|item| item.body.len() + 1).sum());
        for item in items {
            match self {
                Self::Record => text.push_str(&item.body),
                Self::Metrics(namespace) => text.push_str(&metric::line(&item.record, namespace).unwrap_or_default()),
            }
            text.push('\n');
        }
        text
    }
}

/// Standard output. What is written there is gone: after a crash the last lines may come again.
#[derive(Debug)]
pub(in crate::sinks) struct Stdout(Line);

impl Stdout {
    pub(in crate::sinks) const fn records() -> Self {
        Self(Line::Record)
    }

    pub(in crate::sinks) fn metrics(namespace: &str) -> Self {
        Self(Line::Metrics(namespace.to_owned()))
    }
}

impl Deliver for Stdout {
    fn portion(&self) -> Portion {
        PORTION
    }

    fn wants(&self, record: &Record) -> bool {
        self.0.wants(record)
    }

    fn deliver<'a>(&'a mut self, items: &'a [Item], _: &'a mut Memory) -> Later<'a, Result<(), Trouble>> {
        let text = self.0.text(items);
        Box::pin(async move {
            // Whoever reads may be slow: that is waited for elsewhere.
            let written = tokio::task::spawn_blocking(move || {
                let mut out = std::io::stdout().lock();
                out.write_all(text.as_bytes()).and_then(|()| out.flush())
            });
            match written.await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(Trouble::later(format!("standard output: {error}"))),
                Err(error) => Err(Trouble::later(error.to_string())),
            }
        })
    }
}
