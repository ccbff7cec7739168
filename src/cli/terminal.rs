//! What the terminal can show, and the one way to write results to it.

use std::io::{IsTerminal, Write as _};

use crate::draw::diagnostics::Style;

/// Whether colors are welcome on this stream: on a terminal, unless `NO_COLOR` is set.
pub(crate) fn style(stream: &impl IsTerminal) -> Style {
    let wished = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    if wished && stream.is_terminal() { Style::Colored } else { Style::Plain }
}

/// Writes results to standard output; a reader who has had enough is no fault.
pub(crate) fn put(text: &str) {
    let mut out = std::io::stdout().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}
