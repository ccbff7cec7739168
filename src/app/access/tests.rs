//! Tests of who is let in by somebody else's signed word.

use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use aws_lc_rs::{hmac, signature};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::app::access::Caller;
use crate::app::access::jwt::{JwtKeys, KeyError, Untrusted};
use crate::model::secret::Secret;
use crate::tenant::role::{Action, Role};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

static KEY: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate(KeySize::Rsa2048).unwrap());

fn now() -> Timestamp {
    Timestamp::from_second(1_795_456_800).unwrap()
}

fn encoded(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

fn by_secret(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let message = format!("{}.{}", encoded(header), encoded(claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn by_key(header: &Value, claims: &Value) -> String {
    let message = format!("{}.{}", encoded(header), encoded(claims));
    let mut signed = vec![0; KEY.public_modulus_len()];
    let padding: &'static dyn signature::RsaEncoding = &signature::RSA_PKCS1_SHA256;
    KEY.sign(padding, &SystemRandom::new(), message.as_bytes(), &mut signed).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signed))
}

fn jwk(kid: &str) -> Value {
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let public = KEY.public_key();
    let modulus = public.modulus().big_endian_without_leading_zero().to_vec();
    let exponent = public.exponent().big_endian_without_leading_zero().to_vec();
    json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": part(&modulus), "e": part(&exponent) })
}

fn claims(changed: &[(&str, Value)]) -> Value {
    let mut claims = json!({
        "sub": "ana", "org_id": "acme", "role": "operator", "aud": "ringfall",
        "exp": now().as_second() + 300, "iat": now().as_second(),
    });
    for (name, value) in changed {
        claims[*name] = value.clone();
    }
    claims
}

fn secret_keys() -> JwtKeys {
    JwtKeys::new(Some(&Secret::new(SECRET.into())), None, "ringfall", None).unwrap()
}

fn set_keys() -> JwtKeys {
    let set = json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "ec" }, jwk("one")] });
    JwtKeys::new(None, Some(&set.to_string()), "ringfall", None).unwrap()
}

fn hs256(changed: &[(&str, Value)]) -> Result<Caller, Untrusted> {
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    secret_keys().read(&by_secret(&header, &claims(changed), SECRET.as_bytes()), now())
}

#[test]
fn a_word_signed_by_the_shared_secret_counts() {
    let caller = hs256(&[("scope", json!("read switch"))]).unwrap();
    assert_eq!((caller.actor.as_str(), caller.owner.as_str(), caller.role), ("jwt:ana", "acme", Role::Operator));
    assert!(caller.may(Action::Switch).is_ok());
    assert!(caller.may(Action::Rules).is_err(), "its scopes narrow its role");
}

#[test]
fn a_word_signed_by_a_key_of_the_set_counts() {
    let header = json!({ "alg": "RS256", "kid": "one" });
    assert_eq!(set_keys().read(&by_key(&header, &claims(&[])), now()).unwrap().owner.as_str(), "acme");
    let unnamed = json!({ "alg": "RS256" });
    assert!(set_keys().read(&by_key(&unnamed, &claims(&[])), now()).is_ok(), "there is only one key");
    let other = json!({ "alg": "RS256", "kid": "two" });
    assert_eq!(set_keys().read(&by_key(&other, &claims(&[])), now()), Err(Untrusted::Key));
}

#[test]
fn an_algorithm_cannot_be_confused_with_another() {
    // A public key as a secret: everybody knows it.
    let public = jwk("one")["n"].as_str().unwrap().to_owned();
    for header in [json!({ "alg": "HS256", "kid": "one" }), json!({ "alg": "HS256" })] {
        for secret in [public.as_bytes().to_vec(), URL_SAFE_NO_PAD.decode(&public).unwrap(), Vec::new()] {
            let forged = by_secret(&header, &claims(&[]), &secret);
            assert_eq!(set_keys().read(&forged, now()), Err(Untrusted::Algorithm));
        }
    }
    let header = json!({ "alg": "RS256", "kid": "one" });
    assert_eq!(secret_keys().read(&by_key(&header, &claims(&[])), now()), Err(Untrusted::Algorithm));
    for algorithm in ["none", "None", "", "HS1", "hs256"] {
        let header = json!({ "alg": algorithm });
        let unsigned = format!("{}.{}.", encoded(&header), encoded(&claims(&[])));
        assert_eq!(secret_keys().read(&unsigned, now()), Err(Untrusted::Unreadable), "{algorithm}");
    }
    for algorithm in ["HS384", "HS512", "RS384", "RS512", "PS256", "ES256", "EdDSA"] {
        let forged = by_secret(&json!({ "alg": algorithm }), &claims(&[]), SECRET.as_bytes());
        assert_eq!(secret_keys().read(&forged, now()), Err(Untrusted::Algorithm), "{algorithm}");
    }
}

#[test]
fn keys_that_a_word_brings_along_are_not_used() {
    let header = json!({ "alg": "RS256", "jwk": jwk("one"), "jku": "http://127.0.0.1:1/keys" });
    let keys = secret_keys();
    assert_eq!(keys.read(&by_key(&header, &claims(&[])), now()), Err(Untrusted::Algorithm));
    let critical = json!({ "alg": "HS256", "crit": ["b64"], "b64": false });
    let token = by_secret(&critical, &claims(&[]), SECRET.as_bytes());
    assert_eq!(keys.read(&token, now()), Err(Untrusted::Unreadable));
}

#[test]
fn a_changed_word_does_not_count() {
    let header = json!({ "alg": "HS256" });
    let token = by_secret(&header, &claims(&[]), SECRET.as_bytes());
    let (message, tag) = token.rsplit_once('.').unwrap();
    let (head, _) = message.split_once('.').unwrap();
    let other = format!("{head}.{}.{tag}", encoded(&claims(&[("org_id", json!("bravo"))])));
    assert_eq!(secret_keys().read(&other, now()), Err(Untrusted::Signature));
    for cut in [message.to_owned(), format!("{message}."), format!("{token}x"), "..".to_owned(), String::new()] {
        assert!(secret_keys().read(&cut, now()).is_err(), "{cut}");
    }
    let by_another = by_secret(&header, &claims(&[]), &[7; 32]);
    assert_eq!(secret_keys().read(&by_another, now()), Err(Untrusted::Signature));
}

#[test]
fn time_audience_and_issuer_count() {
    let second = now().as_second();
    assert_eq!(hs256(&[("exp", json!(second - 31))]), Err(Untrusted::Expired));
    assert!(hs256(&[("exp", json!(second - 29))]).is_ok(), "clocks differ a little");
    assert_eq!(hs256(&[("nbf", json!(second + 31))]), Err(Untrusted::NotYet));
    assert!(hs256(&[("nbf", json!(second + 29))]).is_ok());
    assert_eq!(hs256(&[("aud", json!("billing"))]), Err(Untrusted::Audience));
    assert_eq!(hs256(&[("aud", Value::Null)]), Err(Untrusted::Audience));
    assert!(hs256(&[("aud", json!(["billing", "ringfall"]))]).is_ok());
    let keys = JwtKeys::new(Some(&Secret::new(SECRET.into())), None, "ringfall", Some("https://id.example.com"));
    let header = json!({ "alg": "HS256" });
    let by = |issuer: Value| by_secret(&header, &claims(&[("iss", issuer)]), SECRET.as_bytes());
    let keys = keys.unwrap();
    assert!(keys.read(&by(json!("https://id.example.com")), now()).is_ok());
    assert_eq!(keys.read(&by(json!("https://id.example.net")), now()), Err(Untrusted::Issuer));
    assert_eq!(keys.read(&by(Value::Null), now()), Err(Untrusted::Issuer));
}

#[test]
fn a_word_that_lacks_something_or_says_it_wrong_does_not_count() {
    for (name, value) in [
        ("exp", Value::Null),
        ("exp", json!("tomorrow")),
        ("org_id", Value::Null),
        ("org_id", json!("Acme!")),
        ("org_id", json!(["acme"])),
        ("role", json!("root")),
        ("role", Value::Null),
        ("sub", Value::Null),
        ("scope", json!("read everything")),
    ] {
        assert_eq!(hs256(&[(name, value.clone())]), Err(Untrusted::Claims), "{name}: {value}");
    }
}

#[test]
fn keys_that_anybody_could_guess_or_know_are_refused() {
    let secret = |text: &str| JwtKeys::new(Some(&Secret::new(text.into())), None, "ringfall", None).unwrap_err();
    assert_eq!(secret("short"), KeyError::ShortSecret(5));
    assert_eq!(secret("-----BEGIN PUBLIC KEY-----\nMIIB and so on\n"), KeyError::PublicSecret);
    let set = |text: &str| JwtKeys::new(None, Some(text), "ringfall", None).unwrap_err();
    assert!(matches!(set("{}"), KeyError::NotASet(_)));
    assert_eq!(set(r#"{"keys":[]}"#), KeyError::NothingUsable);
    let small = json!({ "keys": [{ "kty": "RSA", "n": URL_SAFE_NO_PAD.encode([0xff; 128]), "e": "AQAB" }] });
    assert_eq!(set(&small.to_string()), KeyError::NothingUsable);
    let encrypting = json!({ "keys": [{ "kty": "RSA", "use": "enc", "n": jwk("one")["n"], "e": "AQAB" }] });
    assert_eq!(set(&encrypting.to_string()), KeyError::NothingUsable);
}

#[test]
fn the_keys_show_nothing_of_themselves() {
    assert_eq!(format!("{:?}", secret_keys()), "JwtKeys(secret true, 0 public)");
}
