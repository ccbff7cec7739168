//! `ringfall diff` as its users meet it: files, folders and revisions, and what the exit code says.

use std::path::Path;
use std::process::Command;

pub(crate) const RULES: &str = r#"
version: 1
timezone: America/Denver
use: [parts/people.yaml]
numbers: ["+17205550100"]
hours: { day: mon-fri 08:00-17:00 }
routes:
  - name: open
    when: day
    cascade: [{ ring: ann, for: 20s }, { ring: bo, for: 15s }]
finally: { voicemail: Please leave a message. }
"#;

const PEOPLE: &str = r#"
contacts:
  ann: { number: "+17205550111" }
  bo: { number: "+17205550112", confirm: none }
"#;

/// A folder with rules of one organization, and with what they include.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("rules/parts")).unwrap();
    std::fs::write(folder.path().join("rules/acme.yaml"), RULES).unwrap();
    std::fs::write(folder.path().join("rules/parts/people.yaml"), PEOPLE).unwrap();
    folder
}

fn ringfall(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfall"));
    let output = command.current_dir(folder).args(args).env("NO_COLOR", "1").output().unwrap();
    let words = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), words(&output.stdout), words(&output.stderr))
}

fn git(folder: &Path, args: &[&str]) {
    let mut command = Command::new("git");
    let fixed = ["-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"];
    let done =
        command.current_dir(folder).args(fixed).args(args).env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
    assert!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn a_changed_hour_is_one_class_with_its_lines_and_an_example() {
    let folder = folder();
    std::fs::write(folder.path().join("rules/next.yaml"), RULES.replace("17:00", "18:00")).unwrap();
    let args = ["diff", "rules/acme.yaml", "rules/next.yaml"];
    let (code, out, err) = ringfall(folder.path(), &args);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    for piece in [
        "rules/acme.yaml -> rules/next.yaml: ",
        "something else happens",
        "when     mon-fri 17:00-18:00; first ",
        "old      rules/acme.yaml:11: finally/0: takes a message in voicemail finally.voicemail",
        "new      rules/next.yaml:8: rule #1 open: rings ann (+17205550111, takes it by key) for 20 s",
        "covered: 1 lines and calls to numbers of nobody",
    ] {
        assert!(out.contains(piece), "{piece}\n{out}");
    }
    let (code, ..) = ringfall(folder.path(), &[&args[..], &["--exit-code"]].concat());
    assert_eq!(code, Some(1));
    let (_, out, _) = ringfall(folder.path(), &[&args[..], &["--format", "json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&json["differs"], &json["files"][0]["verdict"]), (&true.into(), &"different".into()));
    assert_eq!(json["files"][0]["classes"][0]["new"]["at"], "rules/next.yaml:8");
}

#[test]
fn other_names_in_another_order_are_proved_to_be_the_same() {
    let folder = folder();
    let turned = PEOPLE.replace("  ann: { number: \"+17205550111\" }\n", "") + "  zoe: { number: \"+17205550111\" }\n";
    std::fs::write(folder.path().join("rules/parts/others.yaml"), turned).unwrap();
    let next = RULES.replace("people", "others").replace("ring: ann", "ring: zoe").replace("day", "work");
    std::fs::write(folder.path().join("next.yaml"), "").unwrap();
    std::fs::write(folder.path().join("rules/next.yaml"), next).unwrap();
    let (code, out, _) = ringfall(folder.path(), &["diff", "rules/acme.yaml", "rules/next.yaml", "--exit-code"]);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("no difference, proved: every call meets the same"), "{out}");
}

#[test]
fn a_revision_brings_its_own_includes() {
    let folder = folder();
    git(folder.path(), &["init", "-q", "-b", "main"]);
    git(folder.path(), &["add", "-A"]);
    git(folder.path(), &["commit", "-q", "-m", "rules"]);
    let people = folder.path().join("rules/parts/people.yaml");
    std::fs::write(&people, PEOPLE.replace("550112", "550113")).unwrap();
    for (old, new) in [
        ("main:rules/acme.yaml", "rules/acme.yaml"),
        ("main", "rules/acme.yaml"),
        ("HEAD:rules", "rules"),
        ("main", "rules"),
    ] {
        let (code, out, err) = ringfall(folder.path(), &["diff", old, new, "--exit-code"]);
        assert_eq!(code, Some(1), "{old} {new}\n{out}{err}");
        assert!(out.contains("rings bo (+17205550112") && out.contains("rings bo (+17205550113"), "{old} {new}\n{out}");
    }
    git(folder.path(), &["commit", "-q", "-am", "another number"]);
    let (code, out, _) = ringfall(folder.path(), &["diff", "main:rules", "rules", "--exit-code"]);
    assert_eq!(code, Some(0), "{out}");
    let (code, ..) = ringfall(folder.path(), &["diff", "HEAD~1:rules", "HEAD:rules", "--exit-code"]);
    assert_eq!(code, Some(1));
}

#[test]
fn an_organization_on_one_side_only_is_a_difference() {
    let folder = folder();
    let copy = folder.path().join("copy");
    std::fs::create_dir_all(copy.join("parts")).unwrap();
    std::fs::copy(folder.path().join("rules/acme.yaml"), copy.join("acme.yaml")).unwrap();
    std::fs::copy(folder.path().join("rules/parts/people.yaml"), copy.join("parts/people.yaml")).unwrap();
    let other = RULES.replace("+17205550100", "+17205550101");
    std::fs::write(folder.path().join("rules/zenith.yaml"), other).unwrap();
    let (code, out, _) = ringfall(folder.path(), &["diff", "copy", "rules", "--exit-code"]);
    assert_eq!(code, Some(1), "{out}");
    assert!(
        out.contains("no difference, proved") && out.contains("rules/zenith.yaml: the organization is new"),
        "{out}"
    );
}

#[test]
fn what_cannot_be_compared_says_why_and_counts_as_no_difference() {
    let folder = folder();
    std::fs::write(folder.path().join("rules/bad.yaml"), "version: 1\n").unwrap();
    let repository = folder.path().join("repository");
    std::fs::create_dir(&repository).unwrap();
    std::fs::write(repository.join("acme.yaml"), RULES).unwrap();
    git(&repository, &["init", "-q", "-b", "main"]);
    git(&repository, &["commit", "-q", "--allow-empty", "-m", "nothing"]);
    for (at, old, new, why) in [
        (folder.path(), "rules/acme.yaml", "rules/bad.yaml", "the rules of `rules/bad.yaml` cannot be used"),
        (folder.path(), "rules/acmee.yaml", "rules/acme.yaml", "there is no file or folder `rules/acmee.yaml`"),
        (folder.path(), "main:rules/acme.yaml", "rules/acme.yaml", "is in no git repository"),
        (&repository, "nowhere", "acme.yaml", "no git revision of that name either"),
        (&repository, "main", "acme.yaml", "revision `main` has no `./acme.yaml`"),
        (&repository, "main:other.yaml", "acme.yaml", "revision `main` has no `other.yaml`"),
        (&repository, "--upload-pack=x:y", "acme.yaml", ""),
    ] {
        let (code, out, err) = ringfall(at, &["diff", "--exit-code", old, new]);
        assert!(matches!(code, Some(2 | 3)), "{old} {new}: {code:?} {out}{err}");
        assert!(out.is_empty() && err.contains(why), "{old} {new}\n{out}{err}");
    }
}
