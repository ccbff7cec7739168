//! What it costs to read and verify one webhook of ordinary size.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "a benchmark may stop at the first surprise"
)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ringfall::webhook::endpoint::Endpoint;
use ringfall::webhook::form::Form;
use ringfall::webhook::origin::Origin;
use ringfall::webhook::raw::{Limits, RawWebhook, Wire};
use ringfall::webhook::signature::{Signer, Verifier, VerifierSet};

const TOKEN: &str = "5d1c7a90e2b84f36a1c05e7d9b3f2684";
const TARGET: &str = "/twilio/inbound-call?org=acme";

/// A first request as the carrier sends it: 31 fields, about 1.2 kB.
fn body() -> Form {
    let place = ["City", "State", "Zip", "Country"];
    let names: Vec<String> = ["From", "To", "Caller", "Called"]
        .iter()
        .flat_map(|party| place.iter().map(move |part| format!("{party}{part}")))
        .collect();
    let token = format!("%7B%22parentCallInfoToken%22%3A%22{}%22%7D", "eyJhbGciOiJFUzI1NiJ9".repeat(12));
    let fixed = [
        ("AccountSid", "AC5a0c3e7d9b1f24680ace13579bdf0246"),
        ("ApiVersion", "2010-04-01"),
        ("CallSid", "CA7e1f0a2b3c4d5e6f708192a3b4c5d6e7"),
        ("CallStatus", "ringing"),
        ("CallToken", token.as_str()),
        ("Called", "+16195550100"),
        ("Caller", "+14155550123"),
        ("Direction", "inbound"),
        ("From", "+14155550123"),
        ("ForwardedFrom", "+16195550100"),
        ("StirVerstat", "TN-Validation-Passed-A"),
        ("To", "+16195550100"),
        ("CallerName", "EXAMPLE BAKERY"),
        ("AddOns", ""),
        ("SipCallId", "7c4f2b2e@192.0.2.1"),
    ];
    Form::of(fixed.into_iter().chain(names.iter().map(|name| (name.as_str(), "SAN FRANCISCO"))))
}

fn verify(criterion: &mut Criterion) {
    let origin = Origin::parse("https://calls.example.com").unwrap();
    let body = body();
    let encoded = body.encode();
    let good = Signer::new(TOKEN).sign(&origin.url(TARGET), &body);
    let bad = Signer::new("another").sign(&origin.url(TARGET), &body);
    let keys = VerifierSet { primary: Verifier::from_token(TOKEN), next: Some(Verifier::from_token("next")) };
    let read = |signature: &str| {
        let content_type = Some("application/x-www-form-urlencoded; charset=UTF-8");
        let (target, signature, body) = (TARGET, Some(signature), encoded.as_bytes());
        RawWebhook::read(Wire { method: "POST", target, content_type, signature, body }, &Limits::default()).unwrap()
    };
    let mut group = criterion.benchmark_group(format!("webhook of {} bytes and {} fields", encoded.len(), body.len()));
    group.bench_function("read", |bench| bench.iter(|| read(black_box(&good))));
    group.bench_function("read and believe", |bench| {
        bench.iter(|| keys.verify(&origin, read(black_box(&good))).unwrap());
    });
    group.bench_function("read, believe and type", |bench| {
        bench.iter(|| keys.verify(&origin, read(black_box(&good))).unwrap().call(Endpoint::InboundCall).unwrap());
    });
    group.bench_function("read and refuse, with two keys", |bench| {
        bench.iter(|| keys.verify(&origin, read(black_box(&bad))).unwrap_err());
    });
    group.finish();
}

criterion_group!(benches, verify);
criterion_main!(benches);
