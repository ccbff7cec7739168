//! Rule files that mean harm: each is refused with a reason, in bounded time.

use std::time::{Duration, Instant};

use jiff::civil::date;
use proptest::prelude::{ProptestConfig, any, prop, prop_assert, prop_assert_eq, proptest};
use ringfall::draw::diagnostics::{Style, text};
use ringfall::rules::{Loaded, NoFiles, load};

/// Far more than any of these takes, even unoptimized on a busy machine; without bounds they would take minutes.
const LONGEST: Duration = Duration::from_secs(20);

const HEAD: &str = "version: 1\ntimezone: America/Denver\nnumbers: [\"+13035550100\"]\n";
const TAIL: &str = "finally: { voicemail: Please leave a message. }\n";

fn attacked(bytes: &[u8]) -> Loaded {
    let began = Instant::now();
    let loaded = load("attack.yaml", bytes, &NoFiles, date(2026, 11, 21));
    text(&loaded.diagnostics, Style::Plain);
    assert!(began.elapsed() < LONGEST, "took {:?}", began.elapsed());
    assert!(loaded.diagnostics.len() <= 800, "{} diagnostics", loaded.diagnostics.len());
    loaded
}

/// The code of the first problem.
fn refused(bytes: &[u8]) -> &'static str {
    let loaded = attacked(bytes);
    assert!(loaded.rules.is_none(), "the file was taken");
    loaded.diagnostics.first().map(|diagnostic| diagnostic.code).unwrap()
}

#[test]
fn alias_bombs_do_not_go_off() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let uses = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{uses}]\n"));
    }
    assert_eq!(refused(bomb.as_bytes()), "too-many-aliases");
    let many = format!("a: &a {{ ring: primary }}\nb: [{}]\n", vec!["*a"; 200_000].join(", "));
    assert_eq!(refused(many.as_bytes()), "too-many-aliases");
    let nested = format!("{}x{}\n", "&a [".repeat(60), "]".repeat(60));
    assert!(attacked(nested.as_bytes()).rules.is_none());
    assert_eq!(refused(b"a: &a [*a]\n"), "yaml-syntax");
    let wide = format!("a: {}[{}]{}\n", "&x [".repeat(50), "1, ".repeat(200_000), "]".repeat(50));
    assert_eq!(refused(wide.as_bytes()), "too-many-values");
}

#[test]
fn deep_nesting_is_refused() {
    assert_eq!(refused("[".repeat(100).as_bytes()), "too-deep");
    assert_eq!(refused("[".repeat(1_000_000).as_bytes()), "too-deep");
    refused("{a: ".repeat(200_000).as_bytes());
    let blocks: String = (0..100).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    assert_eq!(refused(blocks.as_bytes()), "too-deep");
    assert_eq!(refused(format!("{}x", "- ".repeat(100)).as_bytes()), "too-deep");
}

#[test]
fn large_files_are_refused_at_once() {
    assert_eq!(refused(&vec![b'a'; 5 << 20]), "file-too-large");
    assert_eq!(refused(&vec![b'['; 64 << 20]), "file-too-large");
    assert_eq!(refused(&vec![b'#'; 1 << 20]), "empty-file");
}

#[test]
fn other_encodings_and_hidden_signs_are_refused() {
    let wide: Vec<u8> = HEAD.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(refused(&wide), "not-utf-8");
    assert_eq!(refused(&[&[0xff, 0xfe][..], &wide].concat()), "not-utf-8");
    assert_eq!(refused(&HEAD.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>()), "not-utf-8");
    assert_eq!(refused(b"version: 1\n\0"), "control-character");
    assert_eq!(refused("version: 1\n# \u{1b}[2J".as_bytes()), "control-character");
    assert_eq!(refused(b"version: 1\ntimezone: \xff\n"), "not-utf-8");
    assert_eq!(refused(b"contacts:\n\ta: b\n"), "tab-indentation");
    assert_eq!(refused(b""), "empty-file");
}

#[test]
fn many_mistakes_are_told_in_bounded_time() {
    let unknown: String = (0..60_000).map(|number| format!("key{number}: 1\n")).collect();
    attacked(unknown.as_bytes());
    let twice: String = (0..60_000).map(|number| format!("key{}: 1\n", number / 2)).collect();
    attacked(twice.as_bytes());
    let contacts: String = (0..12_000).map(|number| format!("  name{number}: \"+13035550111\"\n")).collect();
    let steps: String = (0..12_000).map(|number| format!("{{ ring: nome{number} }}, ")).collect();
    let names = format!("{HEAD}contacts:\n{contacts}routes:\n  - cascade: [{steps}]\n{TAIL}");
    assert_eq!(refused(names.as_bytes()), "unknown-name");
    let long = format!("timezone: {}\n", "x".repeat(1_000_000));
    assert!(attacked(long.as_bytes()).rules.is_none());
}

#[test]
fn many_rules_are_judged_in_bounded_time() {
    let rules: String =
        (0..15_000).map(|number| format!("  - {{ name: r{number}, cascade: [{{ ring: a }}] }}\n")).collect();
    attacked(format!("{HEAD}contacts: {{ a: \"+13035550111\" }}\nroutes:\n{rules}{TAIL}").as_bytes());
    let flows: String = (0..15_000)
        .map(|number| format!("  f{number}: [{{ cascade: [{{ flow: f{} }}] }}]\n", (number + 1) % 15_000))
        .collect();
    attacked(format!("{HEAD}routes: [{{ cascade: [{{ flow: f0 }}] }}]\nflows:\n{flows}{TAIL}").as_bytes());
    let words: String = (0..60_000).map(|number| format!("w{number}, ")).collect();
    let menu =
        format!("menus: {{ m: {{ say: Go., keys: {{ 1: [{{ hangup: true }}] }}, words: {{ 1: [{words}] }} }} }}\n");
    attacked(format!("{HEAD}routes: [{{ cascade: [{{ menu: m }}] }}]\n{menu}{TAIL}").as_bytes());
    let files: String = (0..10_000).map(|number| format!("  c{number}: {{ file: list.csv }}\n")).collect();
    attacked(format!("{HEAD}callers:\n{files}{TAIL}").as_bytes());
    attacked(format!("{HEAD}use: [{}]\n{TAIL}", "a.yaml, ".repeat(50_000)).as_bytes());
}

const WHOLE: &str = include_str!("../../fixtures/rules/good/every-step.yaml");

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_load_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let loaded = attacked(&bytes);
        prop_assert!(loaded.rules.is_none() && !loaded.diagnostics.is_empty());
    }

    #[test]
    fn a_file_with_a_stretch_missing_or_repeated_loads_without_a_panic(
        from in 0..WHOLE.len(), length in 0..200_usize, again in any::<bool>(), put in "[-{}\\[\\]:,&*!|>'\"#%@` \n~a0+]{0,6}"
    ) {
        let mut bytes = WHOLE.as_bytes().to_vec();
        let to = (from + length).min(bytes.len());
        let stretch = bytes[from..to].to_vec();
        bytes.splice(from..to, put.bytes().chain(if again { [stretch.clone(), stretch].concat() } else { Vec::new() }));
        let loaded = attacked(&bytes);
        prop_assert_eq!(loaded.rules.is_none(), loaded.diagnostics.iter().any(|diagnostic| diagnostic.is_error()));
    }

    #[test]
    fn a_file_with_a_line_moved_loads_without_a_panic(from in 0..70_usize, to in 0..70_usize, indent in 0..8_usize) {
        let mut lines: Vec<&str> = WHOLE.lines().collect();
        let line = lines.remove(from % lines.len());
        let moved = format!("{}{}", " ".repeat(indent), line.trim_start());
        lines.insert(to % lines.len(), &moved);
        attacked(lines.join("\n").as_bytes());
    }
}
