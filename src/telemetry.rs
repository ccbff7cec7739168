//! Logs, set up once: lines for eyes or JSON for collectors, and no phone number whole in either.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::Layer as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::telemetry::lines::Lines;

mod lines;
#[cfg(feature = "otel")]
mod traces;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// For eyes; `colors` is for terminals.
    Human {
        /// Whether colors are understood.
        colors: bool,
    },
    /// One JSON object a line.
    Json,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The directives are not understood.
    #[error("log directives `{0}` are not understood: use a level such as `info`, or `info,ringfall::app=debug`")]
    Directives(String),
    /// The exporter of traces could not be made.
    #[cfg(feature = "otel")]
    #[error("traces cannot be exported: {0}")]
    Traces(String),
    /// The thread that writes could not be started.
    #[error("cannot start the log's thread: {0}; the system is out of threads or memory")]
    Thread(#[from] std::io::Error),
    /// Somebody else has set it up.
    #[error("logging is set up already")]
    Twice,
}

/// What libraries tell of themselves, unless somebody asks for it by their names: what those of the database and of phone
/// numbers tell names people, and says what they said.
const QUIET: &str = "actix_server=warn,actix_http=warn,refinery_core=warn,tokio_postgres=warn,rlibphonenumber=warn";

/// Starts logging to standard error, and exporting traces when that is built in and an endpoint is set.
pub fn start(directives: &str, look: Look) -> Result<Telemetry, TelemetryError> {
    let wrong = |_| TelemetryError::Directives(directives.to_owned());
    let filter = EnvFilter::builder().parse(format!("{QUIET},{directives}")).map_err(wrong)?;
    let writer = Lines::start()?;
    let lines = tracing_subscriber::fmt::layer().with_writer(writer.clone());
    let lines = match look {
        Look::Human { colors } => lines.with_ansi(colors).with_target(false).boxed(),
        Look::Json => lines.json().flatten_event(true).with_current_span(false).boxed(),
    };
    #[cfg(feature = "otel")]
    let (layer, exporter) = traces::start().map_err(TelemetryError::Traces)?;
    // Traces are exported whatever the log shows.
    #[cfg(feature = "otel")]
    let started = tracing_subscriber::registry().with(layer).with(lines.with_filter(filter)).try_init();
    // The filter stands before everything, so that what nobody asks for costs next to nothing.
    #[cfg(not(feature = "otel"))]
    let started = tracing_subscriber::registry().with(filter).with(lines).try_init();
    started.map_err(|_twice| TelemetryError::Twice)?;
    std::panic::set_hook(Box::new(stumbled));
    Ok(Telemetry {
        lines: writer,
        #[cfg(feature = "otel")]
        exporter,
    })
}

/// What logging and tracing need until the end.
#[derive(Debug)]
pub struct Telemetry {
    lines: Lines,
    #[cfg(feature = "otel")]
    exporter: Option<traces::Exporter>,
}

impl Telemetry {
    /// Writes what waits to be written, and sends what waits to be exported.
    pub fn finish(self) {
        self.lines.finish();
        #[cfg(feature = "otel")]
        if let Some(exporter) = self.exporter {
            exporter.finish();
        }
    }
}

/// Tells of a panic through the log, so that its words are masked like all others.
fn stumbled(panic: &std::panic::PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    let words = panic.payload();
    let text = words.downcast_ref::<&str>().copied().or_else(|| words.downcast_ref::<String>().map(String::as_str));
    tracing::error!(place, "the program stumbled: {}", text.unwrap_or("no words"));
}

/// Digits of a number that stay readable at its start and its end.
const SHOWN: (usize, usize) = (2, 2);

/// The line with every phone number masked: a plus, or its `%2B`, and 7 to 15 digits. What stands on further lines is
/// indented, so that no text from outside can look like a line of ours.
pub fn masked(line: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some((&byte, after)) = rest.split_first() {
        let opening = if byte == b'+' {
            1
        } else if rest.len() >= 3 && rest.starts_with(b"%2") && matches!(rest.get(2), Some(b'B' | b'b')) {
            3
        } else {
            match byte {
                b'\n' if !after.is_empty() => out.extend_from_slice(b"\n    "),
                b'\r' => out.extend_from_slice(b"\\r"),
                0 => out.extend_from_slice(b"\\0"),
                _ => out.push(byte),
            }
            rest = after;
            continue;
        };
        let (plus, tail) = rest.split_at(opening);
        let count = tail.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, behind) = tail.split_at(count);
        out.extend_from_slice(plus);
        let hidden = |place: usize| count >= 7 && place >= SHOWN.0 && place + SHOWN.1 < count;
        out.extend(digits.iter().enumerate().map(|(place, digit)| if hidden(place) { b'*' } else { *digit }));
        rest = behind;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_passes_whole() {
        for (line, shown) in [
            ("from=+16195550100 to", "from=+16*******00 to"),
            ("?From=%2B16195550100&x", "?From=%2B16*******00&x"),
            ("a+b +12 1+1=2", "a+b +12 1+1=2"),
            ("CA0123456789abcdef", "CA0123456789abcdef"),
            ("+16195550100+16195550101", "+16*******00+16*******01"),
            ("%2", "%2"),
            ("a\nb\r\0\n", "a\n    b\\r\\0\n"),
            ("+", "+"),
        ] {
            assert_eq!(String::from_utf8(masked(line.as_bytes())).unwrap(), shown, "{line}");
        }
    }

    #[test]
    fn directives_that_mean_nothing_are_refused() {
        assert!(matches!(start("ringfall=lou=d", Look::Json), Err(TelemetryError::Directives(_))));
    }
}
