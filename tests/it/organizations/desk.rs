//! Somebody at the command line, with houses whose servers see what is done there.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use crate::organizations::carrier::Carrier;
use crate::support::{ACCOUNT, House, Reply, Service, TOKEN, program};

pub(crate) const ACME: &str = "AC00000000000000000000000000000aaa";
pub(crate) const BRAVO: &str = "AC00000000000000000000000000000bbb";
pub(crate) const ACME_TOKEN: &str = "acme0acme0acme0acme0acme0acme0ac";
pub(crate) const ACME_NEXT: &str = "acme1acme1acme1acme1acme1acme1ac";
pub(crate) const BRAVO_TOKEN: &str = "bravobravobravobravobravobravobr";
pub(crate) const ACME_LINE: &str = "+16195550100";
pub(crate) const BRAVO_LINE: &str = "+13035550100";
pub(crate) const CHARLIE_LINE: &str = "+12125550100";
/// The key that secrets are sealed under.
pub(crate) const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
pub(crate) const NEXT_KEY: &str = "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";

/// How long something may take on a machine that is busy.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Rules that say who they are.
pub(crate) fn rules(name: &str, line: &str) -> String {
    format!(
        "version: 1\ntimezone: America/Denver\nnumbers: [\"{line}\"]\nroutes:\n  - cascade: [{{ voicemail: This is {name}. }}]\n\
         finally: {{ voicemail: The end of {name}. }}\n"
    )
}

/// A house with the rules of all three.
pub(crate) fn house() -> House {
    let (acme, bravo, charlie) = (rules("acme", ACME_LINE), rules("bravo", BRAVO_LINE), rules("charlie", CHARLIE_LINE));
    House::with(&[("rules/acme.yaml", &acme), ("rules/bravo.yaml", &bravo), ("rules/charlie.yaml", &charlie)])
}

/// Somebody at the command line.
pub(crate) struct Desk {
    pub(crate) folder: PathBuf,
    pub(crate) carrier: Carrier,
    variables: Vec<(String, String)>,
}

impl Desk {
    /// At the command line of that house, with further variables.
    pub(crate) fn of(house: &House, more: &[(&str, &str)]) -> Self {
        let carrier = Carrier::start(&[(ACME, ACME_TOKEN), (BRAVO, BRAVO_TOKEN), (ACCOUNT, TOKEN)]);
        let mut variables = vec![
            ("RINGFALL_DATA".to_owned(), house.path("data").display().to_string()),
            ("RINGFALL_TWILIO_API_URL".to_owned(), carrier.url.clone()),
            ("TWILIO_ACCOUNT_SID".to_owned(), ACCOUNT.to_owned()),
            ("TWILIO_AUTH_TOKEN".to_owned(), TOKEN.to_owned()),
            ("USER".to_owned(), "ana".to_owned()),
        ];
        variables.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Self { folder: house.path("."), carrier, variables }
    }

    /// Runs a command with this on its standard input.
    pub(crate) fn run(&self, command: &str, input: &str) -> Output {
        let mut child = program(&self.folder);
        child.args(command.split_whitespace()).envs(self.variables.iter().map(|(name, value)| (name, value)));
        let piped = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        // A command that needs no input may be over before it is written.
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        child.wait_with_output().unwrap()
    }

    /// Runs a command that must work; what it prints.
    pub(crate) fn does(&self, command: &str, input: &str) -> String {
        let output = self.run(command, input);
        let (out, err) = texts(&output);
        assert_eq!(output.status.code(), Some(0), "{command}\n{out}{err}");
        out
    }

    /// Runs a command until it works: what it waits for is written down by a service.
    pub(crate) fn comes_to(&self, command: &str) {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let output = self.run(command, "");
            if output.status.success() {
                return;
            }
            assert!(Instant::now() < until, "{command}\n{:?}", texts(&output));
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Runs a command that must end with that exit code; all that it says.
    pub(crate) fn refused_with(&self, code: i32, command: &str) -> String {
        let output = self.run(command, "");
        let (out, err) = texts(&output);
        assert_eq!(output.status.code(), Some(code), "{command}\n{out}{err}");
        out + &err
    }

    /// Runs a command that must be refused with that exit code; what it says.
    pub(crate) fn refuses(&self, code: i32, command: &str, input: &str) -> String {
        let output = self.run(command, input);
        let (out, err) = texts(&output);
        assert_eq!(output.status.code(), Some(code), "{command}\n{out}{err}");
        err
    }

    /// Acme and bravo with their own accounts, charlie on the platform's.
    pub(crate) fn found_all(&self) {
        self.does("org add acme --plan premium --name Acme", "");
        self.does("org add bravo --plan partner", "");
        self.does("org add charlie", "");
        self.does(
            &format!("connect twilio --org acme --account-sid {ACME} --number {ACME_LINE} --enforce"),
            ACME_TOKEN,
        );
        self.does(
            &format!("connect twilio --org bravo --account-sid {BRAVO} --number {BRAVO_LINE} --enforce"),
            BRAVO_TOKEN,
        );
        self.does("org opt-in charlie platform-voice", "");
        self.does(&format!("connect number --org charlie {CHARLIE_LINE} --platform"), "");
    }
}

/// Standard output and standard error.
pub(crate) fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// Calls that line over that account,
/// from nobody in particular: a known caller who calls again and again meets the ending.
pub(crate) async fn call(service: &Service, token: &str, account: &str, line: &str, target: &str, call: &str) -> Reply {
    service
        .ask_signed_by(
            token,
            target,
            &[("AccountSid", account), ("To", line), ("CallSid", call), ("From", "anonymous")],
        )
        .await
}

/// The name of a call that was never made before.
pub(crate) fn fresh() -> String {
    format!("CA{}", uuid::Uuid::now_v7().simple())
}

/// Calls until the answer has that status: a change is seen within a second, and a busy machine takes longer.
pub(crate) async fn becomes(service: &Service, status: u16, ask: (&str, &str, &str, &str)) -> Reply {
    let until = Instant::now() + LONG;
    loop {
        let (token, account, line, target) = ask;
        let reply = call(service, token, account, line, target, &fresh()).await;
        if reply.status == status {
            return reply;
        }
        assert!(Instant::now() < until, "still {reply:?} and not {status}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A file of that mode.
pub(crate) fn file(path: &Path, text: &str, mode: u32) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    path.display().to_string()
}

/// The commands on a page of `docs/`, each without the program's name.
pub(crate) fn commands_of(page: &str) -> Vec<String> {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page)).unwrap();
    page.lines().filter_map(|line| line.strip_prefix("$ ringfall ")).map(str::to_owned).collect()
}
