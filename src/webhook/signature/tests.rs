//! What is believed, what is not, and that one changed byte is enough.

use proptest::prelude::*;

use super::*;
use crate::webhook::raw::{Limits, Wire};

const TOKEN: &str = "3f6b0b2b9f0e4a53a1b1d5a6c7e8f901";
const URL: &str = "https://calls.example.com/twilio/inbound-call?org=acme";
const FORM: &str = "application/x-www-form-urlencoded";

fn set(token: &str) -> VerifierSet {
    VerifierSet::one(Verifier::from_token(token))
}

fn post(target: &str, signature: &str, body: &[u8]) -> Option<RawWebhook> {
    let wire = Wire { method: "POST", target, content_type: Some(FORM), signature: Some(signature), body };
    RawWebhook::read(wire, &Limits::default()).ok()
}

fn target(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/').map_or("/", |slash| rest.split_at(slash).1)
}

/// A form signed for `signed`, checked as a request of `requested`.
fn check(signed: &str, requested: &str, fields: &[(&str, &str)]) -> Result<Slot, Failure> {
    let form = Form::of(fields.iter().copied());
    let signature = Signer::new(TOKEN).sign(signed, &form);
    set(TOKEN).check(requested, &post(target(requested), &signature, form.encode().as_bytes()).unwrap())
}

#[test]
fn the_documented_example_holds() {
    let form = Form::of([
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675310"),
        ("Digits", "1234"),
        ("From", "+14158675310"),
        ("To", "+18005551212"),
    ]);
    let signature = Signer::new("12345").sign("https://example.com/myapp.php?foo=1&bar=2", &form);
    assert_eq!(signature, "L/OH5YylLD5NRKLltdqwSvS0BnU=");
}

#[test]
fn midstates_are_the_whole_of_hmac() {
    for key_length in [0, 1, 32, 63, 64, 65, 200] {
        let key = "k".repeat(key_length);
        let verifier = Verifier::from_token(&key);
        let again = Verifier::import(verifier.export().as_slice()).unwrap();
        for length in (0..300).step_by(7) {
            let text = "x".repeat(length);
            let mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).unwrap().chain_update(&text);
            let expected: [u8; SUM] = mac.finalize().into_bytes().into();
            assert_eq!(verifier.mac([text.as_str()].into_iter()), expected);
            let (first, second) = text.split_at(length / 2);
            assert_eq!(again.mac(["", first, second].into_iter()), expected);
        }
    }
    assert_eq!(Verifier::import(&[0; 39]), Err(ImportError(39)));
}

#[test]
fn unknown_empty_and_repeated_fields_are_signed() {
    let fields = [("To", "+1"), ("Zebra", ""), ("To", "+0"), ("CallSid", "CA1"), ("To", "+1"), ("apple", "é 𝄞")];
    assert_eq!(check(URL, URL, &fields), Ok(Slot::Primary));
    let signature = Signer::new(TOKEN).sign(URL, &Form::of(fields));
    assert_eq!(
        signature,
        Signer::new(TOKEN).sign(URL, &Form::of([fields[5], fields[3], fields[2], fields[0], fields[1]]))
    );
    assert_ne!(signature, Signer::new(TOKEN).sign(URL, &Form::of([fields[5], fields[3], fields[2], fields[0]])));
}

#[test]
fn ports_come_and_go() {
    let with = |port: &str| format!("https://h.example{port}/p?q=1");
    for (signed, requested) in [("", ":443"), (":443", ""), ("", ":8443"), ("", "")] {
        assert_eq!(check(&with(signed), &with(requested), &[("a", "b")]), Ok(Slot::Primary));
    }
    assert_eq!(check(&with(":8443"), &with(""), &[]), Err(Failure::Mismatch));
    assert_eq!(
        check("https://H.example/p", "https://h.example/p", &[]),
        Err(Failure::Mismatch),
        "hosts keep their case"
    );
    assert_eq!(check("http://h.example/p", "https://h.example/p", &[]), Err(Failure::Mismatch));
}

#[test]
fn both_keys_count_during_a_rotation_and_the_one_used_is_told() {
    let keys = VerifierSet { primary: Verifier::from_token("old"), next: Some(Verifier::from_token("new")) };
    let form = Form::of([("CallSid", "CA1")]);
    let used = |token: &str| {
        let signature = Signer::new(token).sign(URL, &form);
        keys.check(URL, &post(target(URL), &signature, form.encode().as_bytes()).unwrap())
    };
    assert_eq!(used("old"), Ok(Slot::Primary));
    assert_eq!(used("new"), Ok(Slot::Next));
    assert_eq!(used("older"), Err(Failure::Mismatch));
}

#[test]
fn by_get_the_url_alone_is_signed() {
    let target = "/twilio/inbound-call?org=acme&CallSid=CA1&To=%2B16195550100";
    let url = format!("https://calls.example.com{target}");
    let signature = Signer::new(TOKEN).sign(&url, &Form::default());
    let wire = Wire { method: "GET", target, content_type: None, signature: Some(&signature), body: b"" };
    let raw = RawWebhook::read(wire, &Limits::default()).unwrap();
    let origin = Origin::parse("https://calls.example.com").unwrap();
    assert_eq!(set(TOKEN).verify(&origin, raw).map(|verified| verified.slot()), Ok(Slot::Primary));
}

#[test]
fn a_body_that_is_no_form_needs_its_hash() {
    let body = br#"{"a":1}"#;
    let sum = hex(&<[u8; 32]>::from(sha2::Sha256::digest(body)));
    let read = |query: &str, body: &[u8]| {
        let target = format!("/x{query}");
        let url = format!("https://h{target}");
        let signature = Signer::new(TOKEN).sign(&url, &Form::default());
        let content_type = Some("application/json; charset=utf-8");
        let wire = Wire { method: "POST", target: &target, content_type, signature: Some(&signature), body };
        set(TOKEN).check(&url, &RawWebhook::read(wire, &Limits::default()).unwrap())
    };
    assert_eq!(read(&format!("?bodySHA256={sum}"), body), Ok(Slot::Primary));
    assert_eq!(read(&format!("?bodySHA256={sum}"), b"{}"), Err(Failure::BodyChanged));
    assert_eq!(read(&format!("?bodySHA256={}", sum.to_uppercase()), body), Err(Failure::BodyChanged));
    assert_eq!(read("?bodySHA256=", body), Err(Failure::BodyUnsigned));
    assert_eq!(read("", body), Err(Failure::BodyUnsigned));
}

#[test]
fn a_signature_must_be_there_and_be_one() {
    let raw = |signature: Option<&str>| {
        let wire = Wire { method: "POST", target: "/x", content_type: Some(FORM), signature, body: b"a=b" };
        RawWebhook::read(wire, &Limits::default()).unwrap()
    };
    assert_eq!(set(TOKEN).check(URL, &raw(None)), Err(Failure::Missing));
    for bad in ["", "x", "AAAA", "L/OH5YylLD5NRKLltdqwSvS0BnU", "L/OH5YylLD5NRKLltdqwSvS0BnV=", "ä"] {
        assert_eq!(set(TOKEN).check(URL, &raw(Some(bad))), Err(Failure::Malformed), "{bad}");
    }
}

#[test]
fn debug_shows_no_key() {
    let keys = VerifierSet { primary: Verifier::from_token(TOKEN), next: Some(Verifier::from_token("next")) };
    let shown = format!("{keys:?} {:?}", Signer::new(TOKEN));
    assert_eq!(shown, "VerifierSet { primary: Verifier(***), next: Some(Verifier(***)) } Signer(***)");
}

/// What a request says, however it is written.
fn meaning(raw: &RawWebhook) -> (String, Vec<(String, String)>) {
    let fields = raw.form.signed().into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    (raw.target().to_owned(), fields.collect())
}

fn fields() -> impl Strategy<Value = Vec<(String, String)>> {
    prop::collection::vec(("[A-Za-z]{1,12}|\\PC{1,4}", "\\PC{0,20}"), 1..12)
}

proptest! {
    #[test]
    fn what_is_signed_is_believed_under_its_own_key_only(token in ".{1,80}", fields in fields()) {
        let form = Form::of(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let signature = Signer::new(&token).sign(URL, &form);
        let raw = post(target(URL), &signature, form.encode().as_bytes()).unwrap();
        prop_assert_eq!(set(&token).check(URL, &raw), Ok(Slot::Primary));
        prop_assert_eq!(set(&format!("{token}.")).check(URL, &raw), Err(Failure::Mismatch));
    }

    #[test]
    fn flipping_any_byte_of_the_body_refuses_the_request(fields in fields(), at in any::<prop::sample::Index>(), byte: u8) {
        let form = Form::of(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let signature = Signer::new(TOKEN).sign(URL, &form);
        let mut body = form.encode().into_bytes();
        let signed = post(target(URL), &signature, &body).unwrap();
        let place = at.index(body.len());
        body[place] = byte;
        // Another spelling of the same fields, such as `%2b` for `%2B`, is the same request.
        if let Some(raw) = post(target(URL), &signature, &body).filter(|raw| meaning(raw) != meaning(&signed)) {
            prop_assert_eq!(set(TOKEN).check(URL, &raw), Err(Failure::Mismatch));
        }
    }

    #[test]
    fn flipping_any_byte_of_the_target_refuses_the_request(at in 1..200_usize, byte in 0x21..0x7f_u8) {
        let form = Form::of([("CallSid", "CA1")]);
        let signature = Signer::new(TOKEN).sign(URL, &form);
        let mut changed = target(URL).as_bytes().to_vec();
        let place = at % changed.len();
        changed[place] = byte;
        let changed = String::from_utf8(changed).unwrap();
        if let Some(raw) = post(&changed, &signature, form.encode().as_bytes()).filter(|_| changed != target(URL)) {
            let origin = Origin::parse("https://calls.example.com").unwrap();
            let refused = set(TOKEN).verify(&origin, raw).map_err(|refused| refused.failure);
            prop_assert_eq!(refused.map(|_| ()), Err(Failure::Mismatch));
        }
    }

    #[test]
    fn flipping_any_byte_of_the_signature_refuses_the_request(at in 0..28_usize, byte in 0x20..0x7f_u8) {
        let form = Form::of([("CallSid", "CA1")]);
        let signature = Signer::new(TOKEN).sign(URL, &form);
        let mut changed = signature.clone().into_bytes();
        changed[at] = byte;
        let changed = String::from_utf8(changed).unwrap();
        if changed != signature {
            let raw = post(target(URL), &changed, form.encode().as_bytes()).unwrap();
            prop_assert!(set(TOKEN).check(URL, &raw).is_err());
        }
    }

    #[test]
    fn no_url_and_no_header_panic(url in ".{0,80}", header in ".{0,40}") {
        let raw = post("/x", &header, b"a=b").unwrap();
        prop_assert!(set(TOKEN).check(&url, &raw).is_err());
    }
}
