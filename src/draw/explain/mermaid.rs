//! One call as a Mermaid flowchart: the path taken in full lines, what was not taken dashed.

use std::fmt::Write as _;

use crate::decide::words::{Line, Verdict, words};
use crate::draw::explain::{Explained, summary};

/// Draws the call as a flowchart.
pub fn text(explained: Explained<'_>) -> String {
    let mut chart = Chart { text: "flowchart TD\n".into(), nodes: 0, last: 0, on_edge: String::new() };
    chart.node(
        &format!("call to {}<br>from {}", plain(explained.to), plain(&explained.call.caller.to_string())),
        "start",
    );
    for stop in &explained.journey.stops {
        for line in words(explained.rules, &explained.journey.began, &stop.decision.trace) {
            chart.line(&line);
        }
    }
    let end = format!("{}<br>after {} s", explained.journey.end.word(), explained.journey.waited);
    chart.path(&end, "ending");
    let summary = plain(&summary(explained));
    let _ = write!(
        chart.text,
        "  %% {summary}\n  classDef aside stroke-dasharray: 4 4,opacity:0.7\n  classDef start stroke-width:2px\n  \
         classDef ending stroke-width:3px\n"
    );
    chart.text
}

struct Chart {
    text: String,
    nodes: usize,
    /// The node that the path has come to.
    last: usize,
    /// What stands on the next edge of the path.
    on_edge: String,
}

impl Chart {
    fn line(&mut self, line: &Line) {
        let label = plain(&line.what);
        match line.verdict {
            Verdict::Reported => self.on_edge = label,
            Verdict::NotTaken | Verdict::Skipped => {
                let why = plain(&line.why);
                let from = self.last;
                let label = if why.is_empty() { label } else { format!("{label}<br>{why}") };
                let aside = self.add(&label, "aside");
                let _ = writeln!(self.text, "  n{from} -.-> n{aside}");
            }
            // The rule taken and the people rung tell it well enough.
            Verdict::Held | Verdict::Rung => {}
            Verdict::Taken | Verdict::Reached | Verdict::Amiss => self.path(&label, ""),
        }
    }

    /// Goes on to a new node of the path.
    fn path(&mut self, label: &str, class: &str) {
        let from = self.last;
        let to = self.add(label, class);
        let edge = std::mem::take(&mut self.on_edge);
        let edge = if edge.is_empty() { String::new() } else { format!("|\"{edge}\"|") };
        let _ = writeln!(self.text, "  n{from} -->{edge} n{to}");
        self.last = to;
    }

    fn node(&mut self, label: &str, class: &str) {
        self.last = self.add(label, class);
    }

    fn add(&mut self, label: &str, class: &str) -> usize {
        let number = self.nodes;
        self.nodes += 1;
        let class = if class.is_empty() { String::new() } else { format!(":::{class}") };
        let _ = writeln!(self.text, "  n{number}[\"{label}\"]{class}");
        number
    }
}

/// A text that cannot end a label or start a tag.
fn plain(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;").replace('`', "'")
}
