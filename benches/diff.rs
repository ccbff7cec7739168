//! A million recorded calls under two rule sets: how long it takes, and how much memory.
//!
//! `cargo bench --bench diff` writes the calls into a folder that goes away, and runs the program itself.
//! `CALLS=100000` takes fewer.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "a benchmark measures with the clock and prints what it saw"
)]

use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const TOUR: &str = "routing-rules/tour-company.yaml";

fn main() {
    let calls: u64 = std::env::var("CALLS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir().expect("a folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let next = root.join("routing-rules").join(".bench-diff-next.yaml");
    let rules = std::fs::read_to_string(root.join(TOUR)).expect("the shipped rules");
    std::fs::write(&next, rules.replacen("mon-fri 08:00-18:00", "mon-fri 08:00-19:00", 1)).expect("a changed copy");
    let file = folder.path().join("calls.jsonl");
    let written = write(&file, calls);
    println!("{calls} recorded calls, {} MB\n", written / 1_000_000);
    for format in ["text", "html"] {
        let out = folder.path().join("report");
        let start = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_ringfall"))
            .current_dir(root)
            .args(["diff", TOUR])
            .arg(&next)
            .arg("--calls")
            .arg(&file)
            .args(["--format", format, "--out"])
            .arg(&out)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program");
        let mut highest = 0;
        let status = loop {
            highest = highest.max(memory(child.id()));
            match child.try_wait().expect("a running program") {
                Some(status) => break status,
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        let time = start.elapsed().as_secs_f64();
        println!("{format}: {time:.1} s, at most {highest} MB, {status}");
    }
    drop(std::fs::remove_file(next));
}

/// The most memory that a process has used so far, in megabytes.
fn memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)).and_then(|text| text.parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1_000
}

/// Calls at all hours of a month, taken and missed in turns.
fn write(file: &Path, calls: u64) -> u64 {
    let mut out = BufWriter::new(std::fs::File::create(file).expect("a file"));
    let mut chance = 0x9e37_79b9_7f4a_7c15_u64;
    let mut roll = move |sides: u64| {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        chance % sides
    };
    let mut written = 0;
    for number in 0..calls {
        let began = 1_795_000_000 + number * 30 * 86_400 / calls;
        let caller = 5_550_100 + roll(100);
        let (did, end) = match roll(4) {
            0 => (
                r#"{"act":"menu","names":["welcome"],"then":{"pressed":"1"}},{"act":"ring","names":["desk"],"seconds":20,"then":{"taken":"desk"},"after":8}"#,
                "connected",
            ),
            1 => (
                r#"{"act":"menu","names":["welcome"],"then":{"pressed":"2"}},{"act":"ring","names":["events"],"seconds":20,"then":{"missed":"no_answer"},"after":20},{"act":"ring","names":["maya"],"seconds":18,"then":{"taken":"maya"},"after":13}"#,
                "connected",
            ),
            2 => (
                r#"{"act":"menu","names":["welcome"],"then":{"pressed":""}},{"act":"menu","names":["welcome"],"then":"gone"}"#,
                "caller_gone",
            ),
            _ => (
                r#"{"act":"menu","names":["after-hours"],"then":{"pressed":""}},{"act":"offer_text","names":["main"],"then":{"pressed":""}},{"act":"record","names":["main"],"then":{"left":14}}"#,
                "voicemail",
            ),
        };
        let line = format!(
            "{{\"seen\":1,\"org\":\"tour-company\",\"call\":\"CA{number:032x}\",\"called\":\"+17205550100\",\"caller\":\"+1303{caller}\",\
             \"attestation\":\"passed-a\",\"began\":{began},\"did\":[{did}],\"end\":\"{end}\",\"waited\":{}}}\n",
            8 + roll(60)
        );
        written += line.len() as u64;
        out.write_all(line.as_bytes()).expect("room on the disk");
    }
    out.flush().expect("room on the disk");
    written
}
