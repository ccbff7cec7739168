//! Recorded calls under other rules: from the phone to the page that is sent to a colleague.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use ringfall::audit::record::{Kind, Record};
use ringfall::model::leg::Leg;
use ringfall::phone::script::Script;
use serde_json::Value;

use crate::telephone::Telephone;

const RULES: &str = r#"version: 1
timezone: America/Los_Angeles
numbers: ["+16195550100"]
contacts:
  primary: "+16195550111"
  backup: { number: "+18585550107", confirm: none }
hours: { business: mon-fri 09:00-17:00 }
routes:
  - name: open
    when: business
    cascade: [{ ring: primary, for: 20s }, { ring: backup, for: 20s }]
finally: { voicemail: Please leave your name and number after the tone. }
"#;

fn ringfall(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfall"));
    let output = command.current_dir(folder).args(args).env("NO_COLOR", "1").output().unwrap();
    let words = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), words(&output.stdout), words(&output.stderr))
}

fn json(folder: &Path, args: &[&str]) -> Value {
    let (code, out, err) = ringfall(folder, &[args, &["--format", "json"]].concat());
    assert_eq!(code, Some(0), "{args:?}\n{err}");
    serde_json::from_str(&out).unwrap()
}

/// The calls that a report names, with how they end under the old rules and the new.
fn moved(report: &Value) -> BTreeSet<String> {
    let groups = report[0]["groups"].as_array().unwrap();
    let calls = groups.iter().flat_map(|group| group["calls"].as_array().unwrap());
    calls.map(|call| call["call"].as_str().unwrap().to_owned()).collect()
}

/// Places a hundred calls at all times of some days; returns those that came between five and six.
fn a_hundred_calls(phone: &mut Telephone) -> (Vec<String>, BTreeSet<String>) {
    let names = [("+16195550111", "primary"), ("+18585550107", "backup")];
    let names: BTreeMap<_, _> = names.map(|(number, name)| (number.to_owned(), name.to_owned())).into();
    let (mut sids, mut evening) = (Vec::new(), BTreeSet::new());
    for number in 0..100_usize {
        let sid = format!("CA{number:032x}");
        let mut call = phone.call_to("+16195550100", &sid);
        call.names.clone_from(&names);
        call.from = format!("+1415555{:04}", 100 + number % 100);
        let began = call.began.to_zoned(jiff::tz::TimeZone::get("America/Los_Angeles").unwrap());
        let weekday = began.weekday().to_monday_zero_offset() < 5;
        if weekday && began.hour() == 17 {
            evening.insert(sid.clone());
        }
        let mut script = Script { talk: 5, ..Script::default() };
        script.legs.insert("primary".to_owned(), vec![[Leg::Answered, Leg::Busy, Leg::AnsweredNoKey][number % 3]]);
        script.legs.insert("backup".to_owned(), vec![[Leg::Answered, Leg::NoAnswer][number % 2]]);
        phone.place(&call, &script, None);
        sids.push(sid);
        phone.pass(29 * 60);
    }
    (sids, evening)
}

/// The records of what rules on trial would have done in a call.
fn tried(phone: &Telephone, sid: &str) -> Vec<Record> {
    let mut records = phone.records("acme", sid);
    records.retain(|record| record.kind == Kind::Trial);
    records
}

/// The same calls as the rules on trial saw them, beside the calls themselves.
fn on_trial(phone: &Telephone, sids: &[String], evening: &BTreeSet<String>, rules: &str) {
    // Nobody waits for them, so they may come later than the calls.
    let mut patience = 600;
    while evening.iter().any(|sid| tried(phone, sid).is_empty()) && patience > 0 {
        patience -= 1;
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let differing: BTreeSet<String> = sids.iter().filter(|sid| !tried(phone, sid).is_empty()).cloned().collect();
    assert_eq!(differing, *evening);
    let first = tried(phone, evening.first().unwrap()).remove(0).tried.unwrap();
    assert_eq!(first.aspects, ["course"]);
    assert!(first.old.contains("takes a message") && first.new.contains("rings primary"), "{first:?}");
    assert!(phone.metrics().contains("ringfall_trial_answers_total{outcome=\"same\"}"), "{}", phone.metrics());

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("acme.yaml");
    std::fs::create_dir(folder.path().join("next")).unwrap();
    std::fs::write(folder.path().join("next/acme.yaml"), RULES.replace("17:00", "18:00")).unwrap();
    std::fs::write(&file, rules).unwrap();
    let data = phone.data().display().to_string();
    let status = json(folder.path(), &["rollout", "rules", "status", "--data", &data, "acme.yaml"]);
    let calls = status["trials"][0]["differences"].as_array().unwrap();
    let calls: BTreeSet<String> = calls.iter().map(|call| call["call"].as_str().unwrap().to_owned()).collect();
    assert_eq!(calls, *evening);
    let (code, out, _) = ringfall(folder.path(), &["rollout", "rules", "status", "--data", &data, "acme.yaml"]);
    assert_eq!(code, Some(0));
    assert!(out.contains("tries next/acme.yaml as shadow on 100% of callers"), "{out}");
    assert_eq!(ringfall(folder.path(), &["rollout", "rules", "abort", "acme.yaml"]).0, Some(0));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), RULES);
    assert_eq!(ringfall(folder.path(), &["rollout", "rules", "abort", "acme.yaml"]).0, Some(3));
    std::fs::write(&file, rules).unwrap();
    assert_eq!(ringfall(folder.path(), &["rollout", "rules", "promote", "acme.yaml"]).0, Some(0));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), RULES.replace("17:00", "18:00"));
}

#[test]
fn a_changed_opening_hour_names_exactly_the_calls_that_move() {
    let next = RULES.replace("17:00", "18:00");
    let trial = format!("{RULES}rollout: {{ candidate: next/acme.yaml, mode: shadow }}\n");
    let mut phone = Telephone::new(&[("rules/acme.yaml", &trial), ("rules/next/acme.yaml", &next)]);
    let (sids, evening) = a_hundred_calls(&mut phone);
    assert!(evening.len() > 3, "{evening:?}");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("acme.yaml"), RULES).unwrap();
    std::fs::write(folder.path().join("next.yaml"), &next).unwrap();
    on_trial(&phone, &sids, &evening, &trial);
    let mut lines = String::new();
    for sid in &sids {
        for record in phone.records("acme", sid) {
            writeln!(lines, "{}", serde_json::to_string(&record).unwrap()).unwrap();
        }
    }
    std::fs::write(folder.path().join("calls.jsonl"), &lines).unwrap();

    let args = ["diff", "acme.yaml", "next.yaml", "--calls", "calls.jsonl"];
    let report = json(folder.path(), &args);
    assert_eq!((&report[0]["calls"], &report[0]["unreadable"]), (&100.into(), &0.into()));
    assert_eq!(report[0]["recorded_under_other_rules"], serde_json::json!([]), "{report:#}");
    assert_eq!(moved(&report), evening, "{report:#}");
    let group = &report[0]["groups"][0];
    assert_eq!((&group["old"]["at"], &group["new"]["at"]), (&"acme.yaml:12".into(), &"next.yaml:9".into()));
    let unknown = &group["unknown"][0];
    assert_eq!((&unknown["contact"], unknown["calls"].as_u64()), (&"primary".into(), Some(evening.len() as u64)));
    assert!(unknown["answered"].as_u64() < unknown["rung"].as_u64() && unknown["answered"].as_u64() > Some(10));
    let (code, ..) = ringfall(folder.path(), &[&args[..], &["--exit-code"]].concat());
    assert_eq!(code, Some(1));

    // The journal itself tells the same, beside the running service.
    let data = phone.data().display().to_string();
    let from_journal = json(folder.path(), &["diff", "acme.yaml", "next.yaml", "--calls", "last-30d", "--data", &data]);
    assert_eq!(moved(&from_journal), evening);
    let same = json(folder.path(), &["diff", "acme.yaml", "acme.yaml", "--calls", "last-30d", "--data", &data]);
    assert_eq!((&same[0]["changed"], &same[0]["calls"]), (&0.into(), &100.into()));
}

#[test]
fn folders_of_calls_are_gone_through_with_those_in_them() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("acme.yaml"), RULES).unwrap();
    for (place, call) in [("calls/one", "CA1"), ("calls/one/two", "CA2"), ("calls/.kept", "CA3")] {
        let line = format!(
            r#"{{"seen":1,"call":"{call}","called":"+16195550100","caller":"withheld","began":1795500000,"end":"voicemail"}}"#
        );
        std::fs::create_dir_all(folder.path().join(place)).unwrap();
        std::fs::write(folder.path().join(place).join("calls.jsonl"), line).unwrap();
    }
    std::fs::write(folder.path().join("calls/one/empty.yaml"), "").unwrap();
    let (_, out, err) = ringfall(folder.path(), &["diff", "acme.yaml", "acme.yaml", "--calls", "calls"]);
    assert!(out.contains("2 recorded calls") && out.contains("1 lines or files hold no recorded call"), "{out}");
    assert!(err.contains("calls/one/empty.yaml"), "{err}");
}

#[test]
fn lines_that_are_no_calls_are_told_with_their_place_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("acme.yaml"), RULES).unwrap();
    let good =
        r#"{"seen":1,"call":"CA1","called":"+16195550100","caller":"withheld","began":1795500000,"end":"voicemail"}"#;
    let newer = r#"{"seen":7,"call":"CA2","called":"+16195550100","caller":"withheld","began":1795500000}"#;
    std::fs::write(folder.path().join("calls.jsonl"), format!("{good}\n{{\"schema\":1,\"id\"\n\n{newer}\n")).unwrap();
    let args = ["diff", "acme.yaml", "acme.yaml", "--calls", "calls.jsonl", "--exit-code"];
    let (code, out, err) = ringfall(folder.path(), &args);
    assert_eq!(code, Some(1), "{out}{err}");
    assert!(out.contains("1 recorded call from") && out.contains("2 lines or files hold no recorded call"), "{out}");
    assert!(
        err.contains("calls.jsonl:2: neither a record nor a recorded call") && err.contains("newer program"),
        "{err}"
    );
    for (calls, why) in [
        ("nowhere.jsonl", "there is no file or folder `nowhere.jsonl`"),
        ("last-30x", "`last-30x` is no stretch of time"),
        ("last-30d", "nothing has been recorded yet in `data`; start `ringfall serve`"),
    ] {
        let (code, out, err) = ringfall(folder.path(), &["diff", "acme.yaml", "acme.yaml", "--calls", calls]);
        assert_eq!((code, out.as_str()), (Some(3), ""), "{calls} {err}");
        assert!(err.contains(why), "{calls} {err}");
    }
}

#[test]
fn recordings_are_calls_too() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rules = "routing-rules/small-business.yaml";
    let report = json(root, &["diff", rules, rules, "--calls", "fixtures/recorded"]);
    assert_eq!((&report[0]["changed"], &report[0]["unreadable"]), (&0.into(), &0.into()), "{report:#}");
    assert!(report[0]["calls"].as_u64() > Some(0), "{report:#}");
}

/// What the browser makes of a page that stands in a frame as wide as a phone.
fn in_a_browser(folder: &Path, page: &str) -> String {
    let frame = page.replace('&', "&amp;").replace('"', "&quot;");
    let outer = format!(
        "<!doctype html><body><iframe id=f width=360 height=700 srcdoc=\"{frame}\"></iframe><script>
        onerror=m=>document.body.setAttribute('data-error',m);
        document.getElementById('f').onload=e=>{{
          const d=e.target.contentDocument;
          d.querySelectorAll('details').forEach(x=>x.open=true);
          const r=d.documentElement;
          const set=(k,v)=>document.body.setAttribute('data-'+k,v);
          set('width',r.scrollWidth); set('bars',d.querySelectorAll('svg rect').length);
          set('groups',d.querySelectorAll('section.group').length);
          set('ink',d.defaultView.getComputedStyle(d.body).color);
        }};</script></body>"
    );
    let file = folder.join("outer.html");
    std::fs::write(&file, outer).unwrap();
    let profile = folder.join("profile");
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--enable-logging=stderr", "--virtual-time-budget=10000", "--window-size=900,900"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg("--dump-dom")
        .arg(format!("file://{}", file.display()))
        .stdin(Stdio::null())
        .output()
        .expect("the tests need chromium: tests/all installs it");
    let (dom, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let console: Vec<&str> = log.lines().filter(|line| line.contains("CONSOLE")).collect();
    assert!(console.is_empty(), "{console:?}");
    dom.into_owned()
}

fn attribute(dom: &str, name: &str) -> String {
    let (_, rest) = dom.split_once(&format!("data-{name}=\"")).unwrap_or_else(|| panic!("no {name} in {dom}"));
    rest.split('"').next().unwrap().to_owned()
}

#[test]
fn the_page_fits_a_phone_and_needs_nothing_but_itself() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("acme.yaml"), RULES).unwrap();
    let turned = RULES
        .replace(
            "{ ring: primary, for: 20s }, { ring: backup, for: 20s }",
            "{ ring: backup, for: 20s }, { ring: primary, for: 20s }",
        )
        .replace("17:00", "18:00");
    std::fs::write(folder.path().join("next.yaml"), turned).unwrap();
    let mut lines = String::new();
    for number in 0..300 {
        let (call, began) = (format!("CA{number:032x}"), 1_795_456_800 + number * 1_700);
        let primary = if number % 3 == 0 { r#"{"taken":"primary"}"# } else { r#"{"missed":"no_answer"}"# };
        let end = if number % 3 == 0 { "connected" } else { "voicemail" };
        let backup = r#",{"act":"ring","names":["backup"],"seconds":20,"then":{"missed":"no_answer"},"after":20},{"act":"record","then":{"left":9}}"#;
        let more = if number % 3 == 0 { "" } else { backup };
        writeln!(lines, r#"{{"seen":1,"call":"{call}","called":"+16195550100","caller":"+1415555{:04}","began":{began},"did":[{{"act":"ring","names":["primary"],"seconds":20,"then":{primary},"after":14}}{more}],"end":"{end}","waited":{}}}"#, 100 + number % 100, 14 + number % 40).unwrap();
    }
    std::fs::write(folder.path().join("calls.jsonl"), lines).unwrap();
    let args = ["diff", "acme.yaml", "next.yaml", "--calls", "calls.jsonl", "--format", "html", "--out", "report.html"];
    let (code, out, err) = ringfall(folder.path(), &args);
    assert_eq!((code, out.as_str()), (Some(0), ""), "{err}");
    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(!page.contains("<script") && !page.contains("+14155550100"), "numbers are masked");
    for elsewhere in ["src=\"http", "href=\"http", "url(", "@import"] {
        assert!(!page.contains(elsewhere), "{elsewhere}");
    }
    let dom = in_a_browser(folder.path(), &page);
    let width: u32 = attribute(&dom, "width").parse().unwrap();
    assert!(width <= 360, "{width}");
    assert!(attribute(&dom, "bars").parse::<u32>().unwrap() > 168, "{}", attribute(&dom, "bars"));
    assert!(attribute(&dom, "groups").parse::<u32>().unwrap() > 0 && !dom.contains("data-error=\""));
    let (_, whole, _) = ringfall(folder.path(), &[&args[..7], &["--full-numbers"]].concat());
    assert!(whole.contains("+14155550100"));
    let (code, _, err) = ringfall(folder.path(), &["diff", "acme.yaml", "next.yaml", "--format", "html"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("use --format html with --calls"), "{err}");
}
