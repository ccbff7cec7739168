//! Small pictures in SVG: bars that need no script, no network and no color vision.

use std::fmt::Write as _;

/// Two numbers of bars side by side, old and new, under a common scale.
pub(crate) fn pairs(title: &str, labels: &[String], values: &[(u64, u64)], names: (&str, &str)) -> String {
    let highest = values.iter().map(|(old, new)| *old.max(new)).max().unwrap_or(0).max(1);
    let (width, height, step) = (values.len() * 22 + 10, 130_u64, 22);
    let mut svg = open(title, width, 170);
    for (place, (label, (old, new))) in labels.iter().zip(values).enumerate() {
        let left = 8 + place * step;
        for (shift, value, class) in [(0, old, "old"), (9, new, "new")] {
            let tall = value * height / highest;
            let tall = if *value > 0 { tall.max(1) } else { 0 };
            let _infallible = write!(
                svg,
                "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"8\" height=\"{tall}\"><title>{label}: {} {value}</title></rect>",
                left + shift,
                10 + height - tall,
                if class == "old" { names.0 } else { names.1 }
            );
        }
        if place % 3 == 0 {
            let _infallible = write!(svg, "<text x=\"{left}\" y=\"158\">{label}</text>");
        }
    }
    svg.push_str("</svg>");
    svg
}

/// A week of hours: a row for each day, darker where more changes.
pub(crate) fn week(title: &str, hours: &[(u32, u32)]) -> String {
    let mut svg = open(title, 24 * 14 + 40, 7 * 16 + 24);
    let most = hours.iter().map(|(_, moved)| *moved).max().unwrap_or(0).max(1);
    for (place, (all, moved)) in hours.iter().enumerate() {
        let (day, hour) = (place / 24, place % 24);
        let name = DAYS.get(day).copied().unwrap_or("");
        let level = if *moved == 0 { 0 } else { 1 + (moved - 1) * 4 / most };
        let class = if *all == 0 { "none".to_owned() } else { format!("l{level}") };
        let _infallible = write!(
            svg,
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"13\" height=\"15\"><title>{name} {hour}:00: {moved} of {all} calls change</title></rect>",
            34 + hour * 14,
            4 + day * 16
        );
        if hour == 0 {
            let _infallible = write!(svg, "<text x=\"2\" y=\"{}\">{name}</text>", 16 + day * 16);
        }
        if day == 6 && hour % 6 == 0 {
            let _infallible = write!(svg, "<text x=\"{}\" y=\"{}\">{hour}:00</text>", 34 + hour * 14, 7 * 16 + 18);
        }
    }
    svg.push_str("</svg>");
    svg
}

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

fn open(title: &str, width: usize, height: usize) -> String {
    format!(
        "<svg viewBox=\"0 0 {width} {height}\" style=\"max-width:{}px\" role=\"img\" aria-label=\"{title}\" xmlns=\"http://www.w3.org/2000/svg\"><title>{title}</title>",
        width * 3 / 2
    )
}
