//! The map of the week as a picture: how full an hour is by its depth, how much of it was missed by its color.

use crate::report::figures::{Cell, Figures, percent};
use crate::report::text::DAYS;

const SIDE: usize = 26;
const LEFT: usize = 44;
const TOP: usize = 52;

/// The picture, as a document of its own.
pub fn svg(whole: &Figures) -> String {
    let (width, height) = (LEFT + 24 * SIDE + 12, TOP + 7 * SIDE + 34);
    let most = whole.week.iter().flatten().map(|cell| cell.calls).max().unwrap_or(0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <title>Calls by weekday and hour</title>\n<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <text x=\"{LEFT}\" y=\"20\" font-size=\"14\">{} calls: {} % taken, {} % missed</text>\n",
        whole.calls,
        percent(whole.taken(), whole.calls),
        percent(whole.missed, whole.calls)
    );
    for hour in 0..24 {
        text(&mut out, LEFT + hour * SIDE + SIDE / 2, TOP - 8, "middle", &hour.to_string());
    }
    for (row, (day, cells)) in DAYS.iter().zip(&whole.week).enumerate() {
        let y = TOP + row * SIDE;
        text(&mut out, LEFT - 8, y + SIDE / 2 + 4, "end", day);
        for (hour, cell) in cells.iter().enumerate() {
            square(&mut out, (LEFT + hour * SIDE, y), (day, hour), cell, most);
        }
    }
    text(&mut out, LEFT, height - 12, "start", "green: taken, red: missed; darker: more calls");
    out.push_str("</svg>\n");
    out
}

fn text(out: &mut String, x: usize, y: usize, anchor: &str, words: &str) {
    out.push_str(&format!("<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" fill=\"#333333\">{words}</text>\n"));
}

fn square(out: &mut String, (x, y): (usize, usize), (day, hour): (&str, usize), cell: &Cell, most: u64) {
    let side = SIDE - 2;
    let missed = percent(cell.missed, cell.calls);
    let (red, green) = (40 + missed * 170 / 100, 160 - missed * 120 / 100);
    let depth = if cell.calls == 0 { 4 } else { 20 + cell.calls * 80 / most.max(1) };
    let wait = cell.waited.checked_div(cell.waits).map_or_else(String::new, |seconds| format!(", waited {seconds} s"));
    out.push_str(&format!(
        "<rect x=\"{x}\" y=\"{y}\" width=\"{side}\" height=\"{side}\" rx=\"3\" fill=\"rgb({red},{green},70)\" \
         fill-opacity=\"{}.{:02}\"><title>{day} {hour}:00: {} calls, {} taken, {} missed{wait}</title></rect>\n",
        depth / 100,
        depth % 100,
        cell.calls,
        cell.taken,
        cell.missed
    ));
}
