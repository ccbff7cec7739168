//! How the directory grows: loading, resolving and one change, for 1,000 to 100,000 organizations with a number each.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::allow_attributes,
    reason = "a benchmark measures, and says what it found"
)]

use std::hint::black_box;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use ringfall::app::directory::Directory;
use ringfall::app::directory::resolve::Claim;
use ringfall::app::tenancy::Tenants;
use ringfall::model::ids::{AccountSid, OrgSlug};
use ringfall::model::phone::E164;
use ringfall::model::secret::Secret;
use ringfall::roster::Bench;
use ringfall::roster::feed::Feed;
use ringfall::tenant::binding::{Binding, Channel};
use ringfall::tenant::change::Change;
use ringfall::tenant::event::Deed;
use ringfall::tenant::installation::{Installation, InstallationState, SignatureMode};
use ringfall::tenant::item::Item;
use ringfall::tenant::organization::{OrgState, Organization};
use ringfall::tenant::owner::{Id, Owner, Reference};
use ringfall::tenant::plan::Plan;
use ringfall::tenant::profile::{AppProfile, Provider};
use ringfall::tenant::stamp::{Actor, Stamp};
use ringfall::vault::key::Key;
use ringfall::vault::{Place, Ring};
use ringfall::webhook::signature::Verifier;

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// Organizations founded in one transaction.
const AT_ONCE: usize = 500;

/// Organizations from here on are founded one at a time, to be connected by the command.
const FREE: usize = 500_000;

fn stamp() -> Stamp {
    Stamp::new(&Actor::new("bench"), Timestamp::UNIX_EPOCH)
}

fn slug(number: usize) -> OrgSlug {
    OrgSlug::parse(&format!("org-{number:06}")).unwrap()
}

fn account(number: usize) -> AccountSid {
    AccountSid::parse(&format!("AC{number:032x}")).unwrap()
}

fn line(number: usize) -> E164 {
    E164::parse(&format!("+1555{number:07}")).unwrap()
}

/// Everything that one organization has.
fn things(ring: &Ring, number: usize) -> [Item; 4] {
    let (org, by) = (slug(number), stamp());
    let owner = Owner::Org(org.clone());
    let app = Id::parse("twilio").unwrap();
    let profile = Reference { owner: owner.clone(), id: app.clone() };
    let mut installation = Installation {
        id: Id::parse("in").unwrap(),
        owner: owner.clone(),
        profile,
        provider: Provider::Twilio,
        account: account(number).to_string(),
        state: InstallationState::Active,
        signature: SignatureMode::Enforced,
        primary: None,
        next: None,
        next_seen: None,
        api_key: None,
        created: by.clone(),
        rotated: None,
        revoked: None,
    };
    let verifier = Verifier::from_token(&format!("token-{number}"));
    installation.primary = Some(ring.seal(Place::verifier(&installation), &*verifier.export()).unwrap());
    let binding = Binding {
        id: Id::parse("voice").unwrap(),
        org: org.clone(),
        channel: Channel::Voice,
        selector: line(number).as_str().to_owned(),
        installation: installation.reference(),
        line: line(number).as_str().to_owned(),
        priority: 0,
        created: by.clone(),
    };
    let app = AppProfile { id: app, provider: Provider::Twilio, owner, name: "Twilio".to_owned(), created: by.clone() };
    let organization = Organization::new(org.clone(), org.to_string(), Plan::Premium, by);
    [
        Item::Organization(organization),
        Item::Profile(app),
        Item::Installation(Box::new(installation)),
        Item::Binding(binding),
    ]
}

async fn founded(store: &Arc<dyn Tenants>, ring: &Ring, from: usize, to: usize) {
    for start in (from..to).step_by(AT_ONCE) {
        let items = (start..to.min(start + AT_ONCE)).flat_map(|number| things(ring, number));
        let changes = items.map(|item| Change::new(item, Deed::Noted, "")).collect();
        store.change(&Owner::Platform, changes, &stamp()).await.unwrap();
    }
}

/// Memory of this process in megabytes.
fn memory() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
}

fn resolved(directory: &Directory, count: usize) -> Duration {
    let claims: Vec<Claim> = (0..2_000)
        .map(|turn| {
            let number = turn * 7919 % count;
            let org = (turn % 2 == 0).then(|| slug(number));
            Claim { account: account(number), org, number: Some(line(number)) }
        })
        .collect();
    let rounds = 50;
    let now = directory.now();
    let began = Instant::now();
    for _ in 0..rounds {
        for claim in &claims {
            assert_eq!(black_box(now.select(black_box(claim))).profiles().count(), 1);
        }
    }
    began.elapsed() / (rounds * u32::try_from(claims.len()).unwrap())
}

async fn one_change(store: &Arc<dyn Tenants>, feed: &mut Feed, directory: &Directory, number: usize) -> Duration {
    let kept = store.tenant(&slug(number)).await.unwrap().organization;
    let mut changed = kept.item;
    changed.state = OrgState::Suspended;
    let change = Change::changed(Item::Organization(changed), kept.version, Deed::OrganizationSuspended, "");
    store.change(&Owner::Platform, vec![change], &stamp()).await.unwrap();
    let began = Instant::now();
    let (differs, troubles) = feed.catch_up(directory).await.unwrap();
    assert!(differs && troubles.is_empty());
    began.elapsed()
}

/// A carrier that believes every token of the account, at once.
fn carrier(sid: &AccountSid) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let body = format!(r#"{{"sid":"{sid}","friendly_name":"bench","status":"active"}}"#);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            BufReader::new(&stream).lines().map_while(Result::ok).find(String::is_empty);
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
            write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        }
    });
    address
}

/// The whole command, from its start to its end: another organization's account and number beside all those there are.
async fn connected(store: &Arc<dyn Tenants>, ring: &Ring, folder: &Path, number: usize) -> Duration {
    let [organization, ..] = things(ring, number);
    let change = Change::new(organization, Deed::OrganizationFounded, "");
    store.change(&Owner::Platform, vec![change], &stamp()).await.unwrap();
    let (org, sid) = (slug(number), account(number));
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfall"));
    let command = command.args(["connect", "twilio", "--org", org.as_str(), "--account-sid", sid.as_str()]);
    let command = command.args(["--number", line(number).as_str()]).current_dir(folder).env_clear();
    let command = command.env("RINGFALL_DATA", folder).env("ENCRYPTION_KEY", KEY);
    let command = command.env("RINGFALL_TWILIO_API_URL", carrier(&sid)).stdin(Stdio::piped()).stdout(Stdio::null());
    let began = Instant::now();
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"0123456789abcdef0123456789abcdef").unwrap();
    assert!(child.wait().unwrap().success());
    began.elapsed()
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let store = ringfall::tenants::open(folder.path(), None).unwrap();
        let ring = Arc::new(Ring::new(Key::parse(&Secret::new(KEY.to_owned())).unwrap(), None).unwrap());
        println!(
            "goals at 100,000: load under 5 s, under 1,000 MB, resolution under 1 us, one change without a full reload"
        );
        println!("and `connect` under 1 s, the carrier's answer apart");
        println!(
            "{:>13} {:>10} {:>11} {:>12} {:>12} {:>10}",
            "organizations", "load", "memory", "resolution", "one change", "connect"
        );
        let mut before = 0;
        for (more, count) in [1_000, 10_000, 100_000].into_iter().enumerate() {
            founded(&store, &ring, before, count).await;
            before = count;
            let directory = Directory::new(Vec::new());
            let mut feed = Feed::new(Arc::clone(&store), Bench { ring: Some(Arc::clone(&ring)), ..Bench::default() });
            let began = Instant::now();
            let troubles = feed.load(&directory).await.unwrap();
            let load = began.elapsed();
            assert!(troubles.is_empty() && directory.now().tenants().count() == count + more);
            let (memory, resolution) = (memory(), resolved(&directory, count));
            let change = one_change(&store, &mut feed, &directory, count / 2).await;
            let connect = connected(&store, &ring, folder.path(), FREE + count).await;
            println!(
                "{count:>13} {:>8.2} s {memory:>8} MB {:>9} ns {:>9.2} ms {:>7.2} s",
                load.as_secs_f64(),
                resolution.as_nanos(),
                change.as_secs_f64() * 1e3,
                connect.as_secs_f64()
            );
        }
    });
}
