//! A chain in a folder, followed, verified, erased from and cut.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;

use crate::app::board::Board;
use crate::app::ports::{Clock, JournalError};
use crate::app::trail::{Kept, Stored, Trail, Window};
use crate::app::turns::Turns;
use crate::audit::record::Record;
use crate::audit::{person, samples};
use crate::chain::verify::{Fault, Report};
use crate::seal::{Folder, Follower, Keys, Verdict, verify};

#[derive(Debug, Default)]
struct Shelf(Mutex<Vec<Stored>>);

impl Shelf {
    fn grow(&self, count: u64) {
        let mut shelf = self.0.lock().unwrap();
        for _ in 0..count {
            let seq = shelf.len() as u64 + 1;
            let text = rmp_serde::to_vec_named(&samples::numbered(seq)).unwrap();
            shelf.push((i64::try_from(seq).unwrap(), text));
        }
    }
}

impl Trail for Shelf {
    fn after(&self, _: i64, _: usize) -> Result<Vec<Kept>, JournalError> {
        Ok(Vec::new())
    }

    fn stored(&self, seq: i64, most: usize) -> Result<Vec<Stored>, JournalError> {
        let shelf = self.0.lock().unwrap();
        Ok(shelf.iter().filter(|(place, _)| *place > seq).take(most).cloned().collect())
    }

    fn latest(&self) -> Result<i64, JournalError> {
        Ok(self.0.lock().unwrap().last().map_or(0, |(seq, _)| *seq))
    }
}

#[derive(Debug)]
struct Day(Mutex<i64>);

impl Clock for Day {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_795_456_800 + 86_400 * *self.0.lock().unwrap()).unwrap()
    }
}

struct House {
    data: tempfile::TempDir,
    shelf: Arc<Shelf>,
    clock: Arc<Day>,
    board: Arc<Board>,
}

impl House {
    fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        Self { data, shelf: Arc::default(), clock: Arc::new(Day(Mutex::new(0))), board: Arc::default() }
    }

    /// Follows until all is bound and signed.
    async fn follow(&self) {
        let folder = Folder::make(self.data.path(), "one").unwrap();
        let keys = Keys::open(self.data.path()).unwrap();
        let window = Arc::new(Window::new(Arc::<Shelf>::clone(&self.shelf)));
        let clock: Arc<dyn Clock> = Arc::<Day>::clone(&self.clock);
        Follower::open(folder, keys.signer, (window, Arc::new(Turns::behind(|| 0))), Arc::clone(&self.board), clock)
            .unwrap()
            .start()
            .stop()
            .await;
    }

    fn verify(&self) -> Result<Report, Verdict> {
        let key = Keys::open(self.data.path()).unwrap().signer.key();
        verify(&Folder::open(self.data.path()).unwrap(), &*self.shelf, &[key], |_| {})
    }
}

#[tokio::test]
async fn what_was_followed_verifies_across_starts() {
    let house = House::new();
    for count in [7, 2_500, 1] {
        house.shelf.grow(count);
        house.follow().await;
    }
    let report = house.verify().unwrap();
    assert_eq!((report.whole, report.unsigned, report.waiting), (2_508, 0, 0));
    house.shelf.grow(3);
    assert_eq!(house.verify().unwrap().waiting, 3);
    assert_eq!(house.board.chain_state().unwrap().count, 2_508);
}

#[tokio::test]
async fn half_an_entry_at_the_end_is_written_again() {
    let house = House::new();
    house.shelf.grow(5);
    house.follow().await;
    let folder = Folder::open(house.data.path()).unwrap();
    let path = house.data.path().join("chain").join("00000000000000000000.chain");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, [bytes.as_slice(), &bytes[..50]].concat()).unwrap();
    let checkpoints = house.data.path().join("chain").join("checkpoints.jsonl");
    let text = std::fs::read_to_string(&checkpoints).unwrap();
    std::fs::write(&checkpoints, format!("{text}{{\"version\"")).unwrap();
    house.shelf.grow(5);
    house.follow().await;
    assert_eq!(house.verify().unwrap().whole, 10);
    assert_eq!(folder.checkpoints().unwrap().len(), 2);
}

#[tokio::test]
async fn an_altered_record_is_named_by_the_folder_too() {
    let house = House::new();
    house.shelf.grow(3_000);
    house.follow().await;
    {
        let mut shelf = house.shelf.0.lock().unwrap();
        shelf[2_345].1[50] ^= 1;
    }
    assert!(matches!(house.verify(), Err(Verdict::Fault(Fault::Altered { seq: 2_346, .. }))));
}

#[tokio::test]
async fn an_erased_record_holds_and_its_salt_is_gone() {
    let house = House::new();
    house.shelf.grow(20);
    house.follow().await;
    for place in [3, 9] {
        let body = &mut house.shelf.0.lock().unwrap()[place].1;
        let record: Record = rmp_serde::from_slice(body).unwrap();
        *body = rmp_serde::to_vec_named(&person::without(record.clone())).unwrap();
    }
    let folder = Folder::open(house.data.path()).unwrap();
    assert_eq!(folder.erase(&[4, 10, 99]).unwrap(), [99]);
    let report = house.verify().unwrap();
    assert_eq!((report.whole, report.erased), (18, 2));
    house.shelf.grow(2);
    house.follow().await;
    assert_eq!(house.verify().unwrap().erased, 2);
}

#[tokio::test]
async fn whole_days_can_be_let_go() {
    let house = House::new();
    for day in 0..4 {
        *house.clock.0.lock().unwrap() = day;
        house.shelf.grow(10);
        house.follow().await;
        house.shelf.grow(10);
        house.follow().await;
    }
    let folder = Folder::open(house.data.path()).unwrap();
    assert_eq!(folder.segments().unwrap().len(), 4);
    let dropped = folder.prune(45).unwrap().unwrap();
    house.shelf.0.lock().unwrap().retain(|(seq, _)| *seq > dropped);
    let report = house.verify().unwrap();
    assert_eq!(report.whole, 80 - u64::try_from(dropped).unwrap());
}

#[tokio::test]
async fn a_journal_that_lost_records_is_told() {
    let house = House::new();
    house.shelf.grow(10);
    house.follow().await;
    house.shelf.0.lock().unwrap().truncate(6);
    house.follow().await;
    assert!(house.board.chain_state().unwrap().broken.unwrap().contains("records are missing"));
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let data = tempfile::tempdir().unwrap();
    let first = Keys::open(data.path()).unwrap();
    assert_eq!(first.signer.key(), Keys::open(data.path()).unwrap().signer.key());
    let file = data.path().join("audit.key");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(Keys::open(data.path()).unwrap_err().to_string().contains("chmod 600"));
}
