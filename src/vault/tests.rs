//! The vault's promises: what is moved, changed or under another key does not open.

use super::*;
use crate::model::secret::Secret;

const PLACE: Place<'static> = Place { table: "installations", org: "acme", row: "in_1", field: "primary" };
const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn key(text: &str) -> Key {
    Key::parse(&Secret::new(text.to_owned())).unwrap()
}

fn drawn() -> Key {
    Key::draw().unwrap().0
}

fn ring() -> Ring {
    Ring::new(key(KEY), None).unwrap()
}

#[test]
fn what_is_sealed_opens_at_its_place() {
    for secret in [&b""[..], b"x", &[7; 40], &[0xff; 5000]] {
        let sealed = ring().seal(PLACE, secret).unwrap();
        assert_eq!(ring().open(PLACE, &sealed).unwrap().as_slice(), secret);
    }
}

#[test]
fn the_same_secret_is_sealed_otherwise_each_time() {
    assert_ne!(ring().seal(PLACE, b"secret").unwrap(), ring().seal(PLACE, b"secret").unwrap());
}

#[test]
fn a_moved_secret_does_not_open() {
    let sealed = ring().seal(PLACE, b"secret").unwrap();
    for elsewhere in [
        Place { table: "profiles", ..PLACE },
        Place { org: "other", ..PLACE },
        Place { row: "in_2", ..PLACE },
        Place { field: "next", ..PLACE },
        // Letters that wander from one part to the next.
        Place { org: "acm", row: "ein_1", ..PLACE },
        Place { org: "", row: "acmein_1", ..PLACE },
    ] {
        assert_eq!(ring().open(elsewhere, &sealed), Err(OpenError::Broken), "{elsewhere:?}");
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    let sealed = ring().seal(PLACE, b"secret").unwrap();
    for at in 0..sealed.bytes.len() * 8 {
        let mut changed = sealed.clone();
        changed.bytes[at / 8] ^= 1 << (at % 8);
        assert_eq!(ring().open(PLACE, &changed), Err(OpenError::Broken), "bit {at}");
    }
    for at in 0..sealed.nonce.len() * 8 {
        let mut changed = sealed.clone();
        changed.nonce[at / 8] ^= 1 << (at % 8);
        assert_eq!(ring().open(PLACE, &changed), Err(OpenError::Broken), "bit {at} of the nonce");
    }
    for length in 0..sealed.bytes.len() {
        let cut = Sealed { bytes: sealed.bytes[..length].to_vec(), ..sealed.clone() };
        assert_eq!(ring().open(PLACE, &cut), Err(OpenError::Broken), "cut to {length}");
    }
}

#[test]
fn another_key_opens_nothing_and_names_the_one_that_is_missing() {
    let sealed = ring().seal(PLACE, b"secret").unwrap();
    let other = Ring::new(drawn(), Some(drawn())).unwrap();
    assert_eq!(other.open(PLACE, &sealed), Err(OpenError::UnknownKey(key(KEY).id().to_string())));
    let told = other.open(PLACE, &sealed).unwrap_err().to_string();
    assert!(told.contains("ENCRYPTION_KEY_PREVIOUS") && told.contains(&key(KEY).id().to_string()), "{told}");
    // A name that lies does not help.
    let lying = Sealed { key_id: other.current().to_string(), ..sealed };
    assert_eq!(other.open(PLACE, &lying), Err(OpenError::Broken));
}

#[test]
fn the_previous_key_opens_and_the_current_one_renews() {
    let old = ring().seal(PLACE, b"secret").unwrap();
    let both = Ring::new(drawn(), Some(key(KEY))).unwrap();
    assert_eq!(both.open(PLACE, &old).unwrap().as_slice(), b"secret");
    let renewed = both.renew(PLACE, &old).unwrap().unwrap();
    assert_eq!(renewed.key_id, both.current().to_string());
    assert!(both.is_current(&renewed) && !both.is_current(&old) && both.knows(&old) && !ring().knows(&renewed));
    assert_eq!(both.open(PLACE, &renewed).unwrap().as_slice(), b"secret");
    assert_eq!(both.renew(PLACE, &renewed), Ok(None));
    assert!(matches!(ring().renew(PLACE, &renewed), Err(RenewError::Open(OpenError::UnknownKey(_)))));
}

#[test]
fn no_debug_print_shows_a_key_or_a_secret() {
    let (drawn, text) = Key::draw().unwrap();
    let shown = format!("{drawn:?} {text:?}");
    let ring = Ring::new(drawn, Some(key(KEY))).unwrap();
    let sealed = ring.seal(PLACE, b"hunter2hunter2").unwrap();
    let shown = format!("{shown} {ring:?} {sealed:?}");
    assert!(!shown.contains(text.expose()) && !shown.contains(KEY) && !shown.contains("hunter2"), "{shown}");
    assert!(!shown.contains("104, 117, 110"), "not as numbers either: {shown}");
}

#[test]
fn a_drawn_key_reads_back() {
    let (drawn, text) = Key::draw().unwrap();
    assert_eq!(key(text.expose()).id(), drawn.id());
    assert_eq!(KeyId::parse(&drawn.id().to_string()), Some(drawn.id()));
    assert_eq!(KeyId::parse("xyz"), None);
    assert_eq!(KeyId::parse("+123456789abcdef"), None);
}

#[test]
fn what_is_no_key_is_refused_without_being_shown() {
    let refused = |text: &str| Key::parse(&Secret::new(text.to_owned())).unwrap_err();
    for bad in ["", "abc", KEY.trim_start_matches("00"), &format!("{KEY}0"), &KEY.replace('a', "g"), &"é".repeat(32)] {
        let error = refused(bad);
        assert_eq!(error, KeyError::Malformed(bad.chars().count()));
        assert!(bad.is_empty() || !error.to_string().contains(bad));
    }
    for typed in ["0".repeat(64), "deadbeef".repeat(8), "0123456789abcdef".repeat(4)] {
        assert_eq!(refused(&typed), KeyError::Weak);
    }
    assert_eq!(Ring::new(key(KEY), Some(key(&KEY.to_uppercase()))).unwrap_err(), KeyError::Same);
}
