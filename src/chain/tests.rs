//! Chains as they are, and as somebody would like them to be.

use proptest::prelude::*;

use crate::audit::record::Record;
use crate::audit::{person, samples};
use crate::chain::checkpoint::{Checkpoint, Signer};
use crate::chain::entry::{Entry, Print, SIZE, Tip, read as decode};
use crate::chain::export::{Exporter, Over, Proved, Reader, Unproved};
use crate::chain::verify::{Fault, Report, Verifier};

const AT: &str = "2026-11-23T18:00:00Z";

struct Chain {
    entries: Vec<Entry>,
    bodies: Vec<(i64, Vec<u8>)>,
    checkpoints: Vec<Checkpoint>,
}

fn signer() -> Signer {
    Signer::new(&[7; 32]).unwrap()
}

fn stored(record: &Record) -> Vec<u8> {
    rmp_serde::to_vec_named(record).unwrap()
}

/// The same bytes with one word for another.
fn changed(stored: &[u8], from: &str, to: &str) -> Vec<u8> {
    let mut record = decode(stored).unwrap();
    let plan = &mut record.decision.as_mut().unwrap().plan;
    assert!(plan.contains(from), "{plan}");
    *plan = plan.replace(from, to);
    self::stored(&record)
}

/// So many records, with a checkpoint after each ten.
fn chain(count: u64) -> Chain {
    let mut tip = Tip::genesis("one");
    let mut chain = Chain { entries: Vec::new(), bodies: Vec::new(), checkpoints: Vec::new() };
    for number in 1..=count {
        let (record, seq) = (samples::numbered(number), i64::try_from(number).unwrap());
        let body = stored(&record);
        let salt = [u8::try_from(number % 250).unwrap() + 1; 16];
        chain.entries.push(tip.extend(seq, &body, salt));
        chain.bodies.push((seq, body));
        if number % 10 == 0 {
            chain.checkpoints.push(signer().sign("one", &tip, AT));
        }
    }
    chain
}

impl Chain {
    fn verify(&self) -> Result<Report, Fault> {
        let mut verifier = Verifier::new(Tip::genesis("one"), self.checkpoints.clone(), &[signer().key()]);
        for (seq, _) in &self.bodies {
            if !self.entries.iter().any(|entry| entry.seq == *seq) {
                verifier.without_entry(*seq, self.entries.last().is_none_or(|last| *seq > last.seq))?;
            }
        }
        for entry in &self.entries {
            let body = self.bodies.iter().find(|(seq, _)| *seq == entry.seq);
            verifier.entry(entry, body.map(|(_, body)| body.as_slice()))?;
        }
        verifier.finish()
    }

    fn erase(&mut self, place: usize) {
        let record = decode(&self.bodies[place].1).unwrap();
        self.bodies[place].1 = stored(&person::without(record.clone()));
        self.entries[place] = self.entries[place].erased();
    }

    fn export(&self, asked: impl Fn(i64) -> bool) -> String {
        let (mut exporter, mut out) = Exporter::new(Over::Stored, "one", None);
        for (entry, (seq, body)) in self.entries.iter().zip(&self.bodies) {
            let text = serde_json::to_string(&decode(body).unwrap()).unwrap();
            exporter.entry(entry, asked(*seq).then_some((Some(body.as_slice()), text.as_str())));
            if let Some(checkpoint) = self.checkpoints.iter().find(|checkpoint| checkpoint.seq == *seq) {
                out.push_str(&exporter.checkpoint(checkpoint.clone()));
            }
        }
        out
    }
}

fn read(text: &str) -> Result<Proved, Unproved> {
    let mut all = read_all(text)?;
    assert_eq!(all.len(), 1);
    Ok(all.remove(0))
}

fn read_all(text: &str) -> Result<Vec<Proved>, Unproved> {
    let mut reader = Reader::new(&[signer().key()]);
    text.lines().try_for_each(|line| reader.line(line))?;
    reader.finish()
}

#[test]
fn a_chain_that_nobody_touched_holds() {
    let report = chain(25).verify().unwrap();
    assert_eq!((report.whole, report.checkpoints, report.unsigned), (25, 2, 5));
    assert_eq!(report.key, Some(signer().key()));
}

#[test]
fn an_entry_survives_being_stored() {
    for entry in chain(3).entries {
        let mut bytes = Vec::new();
        entry.encode(&mut bytes);
        assert_eq!(Entry::decode(bytes.as_slice().try_into().unwrap()), entry);
        assert_eq!(bytes.len(), SIZE);
    }
}

#[test]
fn the_first_altered_record_is_named() {
    let mut chain = chain(25);
    for place in [20, 7] {
        chain.bodies[place].1 = changed(&chain.bodies[place].1, "primary", "backup");
    }
    assert_eq!(chain.verify(), Err(Fault::Altered { seq: 8, id: chain.entries[7].id }));
}

#[test]
fn a_removed_record_is_named() {
    let mut chain = chain(25);
    let gone = chain.bodies.remove(11).0;
    assert_eq!(chain.verify(), Err(Fault::Missing { seq: gone, id: chain.entries[11].id }));
    chain.entries.remove(11);
    assert!(matches!(chain.verify(), Err(Fault::Broken { seq: 13, .. })));
}

#[test]
fn records_that_changed_places_are_named() {
    let mut chain = chain(25);
    let (one, other) = (chain.bodies[3].1.clone(), chain.bodies[4].1.clone());
    (chain.bodies[3].1, chain.bodies[4].1) = (other, one);
    let (id, found) = (chain.entries[3].id, chain.entries[4].id);
    assert_eq!(chain.verify(), Err(Fault::Reordered { seq: 4, id, found }));
}

#[test]
fn an_added_record_is_named_and_a_waiting_one_is_not() {
    let mut whole = chain(25);
    whole.bodies.push((26, Vec::new()));
    assert_eq!(whole.verify().unwrap().waiting, 1);
    let mut holed = chain(9);
    for entry in &mut holed.entries[5..] {
        entry.seq += 1;
    }
    for (seq, _) in &mut holed.bodies[5..] {
        *seq += 1;
    }
    holed.bodies.push((6, Vec::new()));
    assert_eq!(holed.verify(), Err(Fault::Added { seq: 6 }));
}

#[test]
fn a_chain_cut_short_or_made_anew_does_not_match_its_checkpoints() {
    let mut cut = chain(25);
    cut.entries.truncate(15);
    cut.bodies.truncate(15);
    assert_eq!(cut.verify(), Err(Fault::Cut { has: 15, had: 20 }));
    let mut anew = chain(25);
    anew.bodies[0].1 = changed(&anew.bodies[0].1, "primary", "backup");
    let mut tip = Tip::genesis("one");
    for (entry, (seq, body)) in anew.entries.iter_mut().zip(&anew.bodies) {
        *entry = tip.extend(*seq, body, entry.salt);
    }
    assert_eq!(anew.verify(), Err(Fault::Contradicted { count: 10 }));
    for checkpoint in &mut anew.checkpoints {
        let tip = Tip {
            link: anew.entries[usize::try_from(checkpoint.count).unwrap() - 1].link,
            ..checkpoint.tip().unwrap()
        };
        *checkpoint = Signer::new(&[8; 32]).unwrap().sign("one", &tip, AT);
    }
    assert_eq!(anew.verify(), Err(Fault::Forged { count: 10 }));
}

#[test]
fn an_erased_person_leaves_the_chain_whole() {
    let mut chain = chain(25);
    chain.erase(4);
    assert!(!String::from_utf8_lossy(&chain.bodies[4].1).contains("5550123"));
    let report = chain.verify().unwrap();
    assert_eq!((report.whole, report.erased), (24, 1));
    chain.bodies[4].1 = changed(&chain.bodies[4].1, "primary", "backup");
    assert!(matches!(chain.verify(), Err(Fault::Altered { seq: 5, .. })));
}

#[test]
fn an_export_proves_itself() {
    let mut chain = chain(40);
    chain.erase(11);
    let all = read(&chain.export(|_| true)).unwrap();
    assert_eq!((all.records, all.erased, all.left_out, all.runs), (40, 1, 0, 4));
    let some = read(&chain.export(|seq| seq == 12 || seq == 35)).unwrap();
    assert_eq!((some.records, some.left_out, some.runs), (2, 18, 2));
}

#[test]
fn an_export_that_was_touched_proves_nothing() {
    let text = chain(20).export(|seq| seq != 3);
    let altered = text.replace("primary for 20 s", "backup for 20 s");
    assert!(read(&altered).unwrap_err().why.contains("was altered"));
    let lines: Vec<_> = text.lines().collect();
    for gone in 1..lines.len() {
        let rest: Vec<_> =
            lines.iter().enumerate().filter(|(place, _)| *place != gone).map(|(_, line)| *line).collect();
        assert!(read(&rest.join("\n")).is_err(), "without line {}", gone + 1);
    }
    assert!(read("").is_err());
    assert!(Reader::new(&["00".repeat(32)]).line(lines[0]).is_ok());
}

/// A chain over what others are told, as a file: each fifth record is erased.
fn told(node: &str, count: u64) -> String {
    let mut tip = Tip::genesis(node);
    let (mut exporter, mut out) = Exporter::new(Over::Told, node, None);
    for number in 1..=count {
        let record = samples::numbered(number);
        let text = serde_json::to_string(&record).unwrap();
        let entry = tip.extend_told(i64::try_from(number).unwrap(), record.id, Print::of_told(&record, &text, [9; 16]));
        if number % 5 == 0 {
            let text = serde_json::to_string(&person::without(record.clone())).unwrap();
            exporter.entry(&entry.erased(), Some((None, &text)));
        } else {
            exporter.entry(&entry, Some((None, &text)));
        }
    }
    out.push_str(&exporter.checkpoint(signer().sign(node, &tip, AT)));
    out
}

#[test]
fn what_is_told_proves_itself_chain_by_chain() {
    let text = told("one", 12) + &told("other", 4);
    let all = read_all(&text).unwrap();
    let seen: Vec<_> = all.iter().map(|it| (it.node.as_str(), it.records, it.erased)).collect();
    assert_eq!(seen, [("one", 12, 2), ("other", 4, 0)]);
    for (from, to) in [("primary for 20 s", "backup for 20 s"), ("\"node\":\"other\"", "\"node\":\"one\"")] {
        assert!(text.contains(from), "{text}");
        assert!(read_all(&text.replacen(from, to, 1)).is_err(), "{to}");
    }
    let cut: Vec<&str> = text.lines().filter(|line| !line.contains("\"to\"")).collect();
    assert!(read_all(&cut.join("\n")).is_err());
}

#[test]
fn entries_that_are_gone_are_missed() {
    let mut verifier = Verifier::new(Tip::genesis("one"), Vec::new(), &[]);
    assert_eq!(verifier.run(0, Vec::new()), Ok(()));
    assert_eq!(verifier.run(7, Vec::new()), Err(Fault::Lost { after: 0, count: 7 }));
}

proptest! {
    #[test]
    fn no_change_of_a_record_goes_unseen(place in 0_usize..20, at in any::<prop::sample::Index>(), sign in any::<u8>()) {
        let chain = chain(20);
        let mut bytes = chain.bodies[place].1.clone();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != sign);
        bytes[at] = sign;
        let mut verifier = Verifier::new(Tip::genesis("one"), chain.checkpoints.clone(), &[]);
        let mut verdict = Ok(());
        for (number, entry) in chain.entries.iter().enumerate() {
            let body = if number == place { bytes.as_slice() } else { chain.bodies[number].1.as_slice() };
            verdict = verdict.and_then(|()| verifier.entry(entry, Some(body)));
        }
        prop_assert!(verdict.is_err());
    }
}
