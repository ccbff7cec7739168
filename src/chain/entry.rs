//! One record's place in the chain, and how the chain grows.

use uuid::Uuid;

use crate::audit::person;
use crate::audit::record::Record;
use crate::chain::Hash;

/// Bytes of an entry in its stored form.
pub const SIZE: usize = 136;

/// Bytes of a salt.
pub const SALT: usize = 16;

/// What stands in the chain for a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The record's place in the trail of its node.
    pub seq: i64,
    /// Its name.
    pub id: Uuid,
    /// What makes `whole` tell nothing of what it is over; all zero once the person was erased.
    pub salt: [u8; SALT],
    /// Over all of it.
    pub whole: Hash,
    /// Over what it says without the person.
    pub open: Hash,
    /// Over this and all before.
    pub link: Hash,
}

/// Where a chain ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tip {
    /// Entries so far.
    pub count: u64,
    /// The place of the last record; 0 before the first.
    pub seq: i64,
    /// The last link.
    pub link: Hash,
}

/// What an entry says of a record wherever it stands: it can be made before its place in the chain is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Print {
    salt: [u8; SALT],
    whole: Hash,
    open: Hash,
}

impl Print {
    /// That of what others are told of a record: its published form.
    pub fn of_told(record: &Record, told: &str, salt: [u8; SALT]) -> Self {
        let open = Hash::of(3, &[&open(&person::without(record.clone()))]);
        Self { salt, whole: whole(&salt, told.as_bytes()), open }
    }
}

impl Tip {
    /// The beginning of the node's chain.
    pub fn genesis(node: &str) -> Self {
        Self { count: 0, seq: 0, link: Hash::of(4, &[b"ringfall chain 1 of ", node.as_bytes()]) }
    }

    /// Binds what is stored next.
    pub fn extend(&mut self, seq: i64, stored: &[u8], salt: [u8; SALT]) -> Entry {
        let (id, open) = match read(stored) {
            Some(record) => (record.id, Hash::of(3, &[&open(&person::without(record))])),
            // What this program cannot read is of a newer one: it is bound all the same.
            None => (Uuid::nil(), Hash::of(3, &[stored])),
        };
        self.bind(Entry { seq, id, salt, whole: whole(&salt, stored), open, link: Hash::default() })
    }

    /// Binds what others are told of a record: its published form.
    pub fn extend_told(&mut self, seq: i64, id: Uuid, print: Print) -> Entry {
        let Print { salt, whole, open } = print;
        self.bind(Entry { seq, id, salt, whole, open, link: Hash::default() })
    }

    /// Binds the entry, giving it the link that it must have here.
    pub fn bind(&mut self, entry: Entry) -> Entry {
        self.bind_leaf(entry.seq, entry.leaf());
        Entry { link: self.link, ..entry }
    }

    /// Binds an entry of which only the leaf is known.
    pub fn bind_leaf(&mut self, seq: i64, leaf: Hash) {
        self.link = Hash::of(1, &[&self.link.0, &leaf.0]);
        self.count += 1;
        self.seq = seq;
    }
}

/// The hash over all of a record.
pub fn whole(salt: &[u8; SALT], stored: &[u8]) -> Hash {
    Hash::of(2, &[salt, stored])
}

/// The record in what is stored of it.
pub fn read(stored: &[u8]) -> Option<Record> {
    rmp_serde::from_slice(stored).ok()
}

/// What is hashed of a record without its person: its JSON, which does not change with the way it is stored.
fn open(record: &Record) -> Vec<u8> {
    let mut text = Vec::with_capacity(USUAL);
    // Writing to memory cannot fail; what could not be told would be bound as nothing, in every program alike.
    serde_json::to_writer(&mut text, record).map_or_else(|_error| Vec::new(), |()| text)
}

/// Bytes of an ordinary record without its person, so that writing it asks for memory once.
const USUAL: usize = 2048;

/// What a stored form says of its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// It is the record as it was written.
    Whole,
    /// It is the record without its person.
    Open,
    /// It is something else.
    Other,
}

impl Entry {
    /// What is bound of it.
    pub fn leaf(&self) -> Hash {
        Hash::of(0, &[&self.seq.to_be_bytes(), self.id.as_bytes(), &self.whole.0, &self.open.0])
    }

    /// Whether the person was taken out of the record.
    pub fn is_erased(&self) -> bool {
        self.salt == [0; SALT]
    }

    /// Which form of the record is stored.
    pub fn form(&self, stored: &[u8]) -> Form {
        if !self.is_erased() {
            return if whole(&self.salt, stored) == self.whole { Form::Whole } else { Form::Other };
        }
        let hash = read(stored).map(|record| Hash::of(3, &[&open(&record)]));
        if hash == Some(self.open) { Form::Open } else { Form::Other }
    }

    /// Which form of the record is told to others.
    pub fn form_told(&self, told: &str) -> Form {
        if !self.is_erased() {
            return if whole(&self.salt, told.as_bytes()) == self.whole { Form::Whole } else { Form::Other };
        }
        if Hash::of(3, &[told.as_bytes()]) == self.open { Form::Open } else { Form::Other }
    }

    /// The entry of a record whose person is erased.
    pub const fn erased(self) -> Self {
        Self { salt: [0; SALT], ..self }
    }

    /// The stored form.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.seq.to_be_bytes());
        out.extend_from_slice(self.id.as_bytes());
        out.extend_from_slice(&self.salt);
        for hash in [&self.whole, &self.open, &self.link] {
            out.extend_from_slice(&hash.0);
        }
    }

    /// Reads the stored form.
    pub fn decode(bytes: &[u8; SIZE]) -> Self {
        let (seq, rest) = take(bytes);
        let (id, rest) = take(rest);
        let (salt, rest) = take(rest);
        let (whole, rest) = take(rest);
        let (open, rest) = take(rest);
        let (link, _) = take(rest);
        Self {
            seq: i64::from_be_bytes(seq),
            id: Uuid::from_bytes(id),
            salt,
            whole: Hash(whole),
            open: Hash(open),
            link: Hash(link),
        }
    }
}

fn take<const LENGTH: usize>(bytes: &[u8]) -> ([u8; LENGTH], &[u8]) {
    bytes.split_first_chunk().map_or(([0; LENGTH], &[]), |(first, rest)| (*first, rest))
}
