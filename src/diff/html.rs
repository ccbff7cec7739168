//! The report as one page that can be sent to a colleague: everything in it, nothing fetched, readable on a phone,
//! on paper and in the dark.

use std::fmt::Write as _;

use crate::diff::plot;
use crate::diff::report::{GroupPart, Report, WaitPart};

/// Calls of one group that the page lists; the JSON form has all of them.
const LISTED: usize = 200;

/// Stretches of ten seconds that the picture of waits shows.
const SHOWN_STRETCHES: usize = 24;

/// Only what stands in the page itself may be used by it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

const STYLE: &str = "
:root{color-scheme:light dark;--ink:#1a1d21;--soft:#5c6670;--line:#d5dae0;--paper:#fff;--old:#8a94a0;--new:#1f6feb;--mark:#b35900}
@media(prefers-color-scheme:dark){:root{--ink:#e8eaed;--soft:#a0a8b0;--line:#3a4048;--paper:#15181c;--old:#7d8791;--new:#6aa5ff;--mark:#ffb366}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1rem;max-width:60rem;color:var(--ink);background:var(--paper);font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.4rem;line-height:1.25;margin:.2em 0 .6em}h2{font-size:1.15rem;margin:2em 0 .4em}h3{font-size:1rem;margin:0 0 .3em}
p{margin:.4em 0}.soft{color:var(--soft)}
.sums{display:grid;grid-template-columns:repeat(auto-fit,minmax(8rem,1fr));gap:.6rem;padding:0;list-style:none}
.sums li{border:1px solid var(--line);border-radius:.5rem;padding:.5rem .7rem}.sums b{display:block;font-size:1.5rem;line-height:1.2}
section.group{border:1px solid var(--line);border-radius:.5rem;padding:.7rem;margin:.8rem 0;break-inside:avoid}
dl{margin:.3em 0;display:grid;grid-template-columns:auto 1fr;gap:.1rem .7rem}dt{color:var(--soft)}dd{margin:0}
code{font:.9em ui-monospace,monospace}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}th,td{text-align:left;padding:.2rem .5rem .2rem 0;border-bottom:1px solid var(--line);vertical-align:top}
td.n,th.n{text-align:right}
svg{width:100%;height:auto;max-width:44rem;display:block}svg text{font-size:9px;fill:var(--soft)}
.old{fill:var(--old)}.new{fill:var(--new)}.none{fill:none;stroke:var(--line)}.l0{fill:var(--line)}.l1{fill:var(--new);fill-opacity:.35}.l2{fill:var(--new);fill-opacity:.5}.l3{fill:var(--new);fill-opacity:.7}.l4{fill:var(--new);fill-opacity:.85}.l5{fill:var(--new)}
.key i{display:inline-block;width:.8em;height:.8em;margin:0 .3em 0 .8em}.key .o{background:var(--old)}.key .w{background:var(--new)}
.unknown{color:var(--mark)}
@media print{body{max-width:none;font-size:10pt}details>*{display:block}}
";

/// The page.
pub fn page(reports: &[Report]) -> String {
    let mut body = String::new();
    for report in reports {
        part(&mut body, report);
    }
    let title = "What the change changes";
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\"><meta name=\"color-scheme\" content=\"light dark\">\
         <link rel=\"icon\" href=\"data:,\"><title>{title}</title><style>{STYLE}</style></head><body>\n<h1>{title}</h1>\n{body}\
         <p class=\"soft\">Both rule sets were asked about every call, with people who do again what they did then. Waits are \
         reckoned with the same round figures for both. Where the new rules ask for something that did not happen then, the \
         outcome is unknown, and nothing is made up.</p>\n</body></html>\n"
    )
}

fn part(page: &mut String, report: &Report) {
    let stretch = report.stretch.as_ref().map_or_else(String::new, |(from, to)| format!(", {from} to {to}"));
    add(
        page,
        format_args!(
            "<p><code>{}</code> → <code>{}</code><br><span class=\"soft\">{} recorded calls from {}{stretch}</span></p>\n",
            escaped(&report.old),
            escaped(&report.new),
            report.calls,
            escaped(&report.source)
        ),
    );
    page.push_str("<ul class=\"sums\">");
    for (number, what) in [
        (report.unchanged, "meet the same"),
        (report.changed, "meet something else"),
        (report.unknown, "end nobody knows how"),
    ] {
        add(page, format_args!("<li><b>{number}</b> {what}</li>"));
    }
    page.push_str("</ul>\n");
    remarks(page, report);
    if report.changed > 0 {
        page.push_str("<h2>When</h2>\n");
        page.push_str(&plot::week("Calls that change, by hour of the week", &report.week));
        page.push_str("\n<p class=\"soft\">The darker, the more calls of that hour of the week change; empty hours had no calls.</p>\n");
    }
    waits(page, report);
    ends(page, report);
    if !report.groups.is_empty() {
        page.push_str("<h2>Why</h2>\n");
    }
    for (number, one) in report.groups.iter().enumerate() {
        group(page, number + 1, one);
    }
}

fn remarks(page: &mut String, report: &Report) {
    let other = report.recorded_under_other_rules.len();
    if other > 0 {
        add(
            page,
            format_args!(
                "<p class=\"unknown\">{other} calls were recorded under other rules: <code>{}</code> would have taken them elsewhere than they went.</p>\n",
                escaped(&report.old)
            ),
        );
    }
    if report.unreadable > 0 {
        add(
            page,
            format_args!(
                "<p class=\"unknown\">{} lines or files held no recorded call and were passed over.</p>\n",
                report.unreadable
            ),
        );
    }
}

fn waits(page: &mut String, report: &Report) {
    let waits = &report.waits;
    if waits.calls == 0 {
        return;
    }
    add(
        page,
        format_args!(
            "<h2>Waiting</h2>\n<p class=\"soft\">{} calls whose end is known under both.</p>\n<div class=\"wide\"><table><tr><th></th><th class=\"n\">recorded</th><th class=\"n\">old</th><th class=\"n\">new</th></tr>",
            waits.calls
        ),
    );
    let half = |part: &WaitPart| part.median;
    let most = |part: &WaitPart| part.p95;
    for (title, of) in [("median", half as fn(&WaitPart) -> Option<usize>), ("95 of 100", most)] {
        add(page, format_args!("<tr><th>{title}</th>"));
        for part in [&waits.recorded, &waits.old, &waits.new] {
            let shown = of(part).map_or_else(|| "–".to_owned(), |seconds| format!("{seconds} s"));
            add(page, format_args!("<td class=\"n\">{shown}</td>"));
        }
        page.push_str("</tr>");
    }
    page.push_str("</table></div>\n");
    let used = report.wait_stretches.iter().rposition(|(old, new)| old + new > 0).map_or(0, |last| last + 1);
    let shown: Vec<(u64, u64)> = report.wait_stretches.iter().take(used.clamp(12, SHOWN_STRETCHES)).copied().collect();
    let labels: Vec<String> = (0..shown.len()).map(|place| format!("{} s", place * 10)).collect();
    page.push_str(&plot::pairs("Seconds that callers wait, old and new", &labels, &shown, ("old", "new")));
    page.push_str(
        "\n<p class=\"soft key\">Calls by seconds of waiting:<i class=\"o\"></i>old<i class=\"w\"></i>new</p>\n",
    );
}

fn ends(page: &mut String, report: &Report) {
    if report.ends.is_empty() {
        return;
    }
    page.push_str(
        "<h2>Endings</h2>\n<div class=\"wide\"><table><tr><th>old</th><th>new</th><th class=\"n\">calls</th></tr>",
    );
    for ends in &report.ends {
        let moved = if ends.old == ends.new { " class=\"soft\"" } else { "" };
        add(
            page,
            format_args!(
                "<tr{moved}><td>{}</td><td>{}</td><td class=\"n\">{}</td></tr>",
                words(ends.old),
                words(ends.new),
                ends.calls
            ),
        );
    }
    page.push_str("</table></div>\n");
}

fn group(page: &mut String, number: usize, group: &GroupPart) {
    let count = group.calls.len();
    let calls = if count == 1 { "call" } else { "calls" };
    add(
        page,
        format_args!("<section class=\"group\"><h3>{number}. {}: {count} {calls}</h3><dl>", escaped(&group.title)),
    );
    for (title, part) in [("old", &group.old), ("new", &group.new)] {
        add(
            page,
            format_args!(
                "<dt>{title}</dt><dd><code>{}</code> {}: {}</dd>",
                escaped(&part.at),
                escaped(&part.rule),
                escaped(&part.what)
            ),
        );
    }
    for unknown in &group.unknown {
        add(
            page,
            format_args!(
                "<dt class=\"unknown\">unknown</dt><dd>{} of them: {}: {}</dd>",
                unknown.calls,
                escaped(&unknown.what),
                escaped(&unknown.likelihood())
            ),
        );
    }
    page.push_str("</dl><details><summary>The calls</summary><div class=\"wide\"><table><tr><th>call</th><th>came in</th><th>from</th><th>to</th><th>old</th><th>new</th></tr>");
    for call in group.calls.iter().take(LISTED) {
        add(
            page,
            format_args!(
                "<tr><td><code>{}</code></td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                escaped(&call.call),
                escaped(&call.at),
                escaped(&call.caller),
                escaped(&call.called),
                words(call.old),
                words(call.new)
            ),
        );
    }
    page.push_str("</table></div>");
    if count > LISTED {
        add(
            page,
            format_args!(
                "<p class=\"soft\">and {} more; <code>--format json</code> names all of them.</p>",
                count - LISTED
            ),
        );
    }
    page.push_str("</details></section>\n");
}

/// A word of the rules as people write it.
fn words(word: &str) -> String {
    word.replace('_', " ")
}

fn add(page: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _infallible = page.write_fmt(what);
}

/// Text that cannot be taken for markup.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}
