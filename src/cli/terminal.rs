//! What the terminal can show.

use std::io::IsTerminal;

use crate::draw::diagnostics::Style;

/// Whether colors are welcome on this stream: on a terminal, unless `NO_COLOR` is set.
pub(crate) fn style(stream: &impl IsTerminal) -> Style {
    let wished = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    if wished && stream.is_terminal() { Style::Colored } else { Style::Plain }
}
