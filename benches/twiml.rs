//! What an answer costs: filling in its template, and checking what came out.

#![expect(clippy::expect_used, reason = "a benchmark that cannot start may as well stop")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ringfall::decide::decision::{Act, Decision, Plan};
use ringfall::model::call::{Attestation, CallFacts, Happened};
use ringfall::model::digest::Digest;
use ringfall::model::ids::{CallSid, CascadeId, ContactId, FlowId, LineId, OrgSlug};
use ringfall::model::moment::Zone;
use ringfall::model::phone::{Caller, E164};
use ringfall::model::position::{Position, StepRef};
use ringfall::rules::ruleset::{Confirm, Contact, Line, Notify, RuleSet, Show};
use ringfall::twiml::schema::{Context, check};
use ringfall::twiml::templates::Templates;
use ringfall::twiml::{Setting, document, render};

/// What the shipped binary allocates with.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn number(text: &str) -> E164 {
    E164::parse(text).expect("a number")
}

fn rules() -> RuleSet {
    let line = Line {
        name: "main".into(),
        spoken: "Bright Tours".into(),
        number: number("+16195550100"),
        start: FlowId(0),
        zone: Zone::utc(),
        language: 0,
        at: 0,
    };
    let contact = Contact {
        name: "primary".into(),
        number: number("+16195550111"),
        confirm: Confirm::Key,
        show: Show::Caller,
        notify: Notify::Sms,
        away: None,
        max_calls: None,
        callable: true,
        barred: None,
        at: 0,
    };
    RuleSet {
        digest: Digest::of([]),
        zone: Zone::utc(),
        languages: ["en".into()].into(),
        countries: ["US".into()].into(),
        lines: [line].into(),
        contacts: [contact].into(),
        hours: [].into(),
        holidays: [].into(),
        callers: [].into(),
        switches: [].into(),
        flows: [].into(),
        menus: [].into(),
        cascades: [].into(),
        mailboxes: [].into(),
        escalations: [].into(),
        channels: [].into(),
        rollout: None,
        promises: [].into(),
    }
}

fn ring() -> Decision {
    let at = StepRef { cascade: CascadeId(1), index: 0 };
    let act = Act::Ring { at, contacts: vec![ContactId(0)], seconds: 20 };
    let plan = Plan { speak: Vec::new(), act, language: 0 };
    let next = Some(Position { step: Some(at), hop: 1, ..Position::start(1_772_000_000) });
    Decision { plan, next, effects: Vec::new(), end: None, trace: Vec::new() }
}

fn answers(criterion: &mut Criterion) {
    let (templates, rules, decision) = (Templates::built_in(), rules(), ring());
    let org = OrgSlug::parse("bright-tours").expect("a slug");
    let facts = CallFacts {
        call: CallSid::imagined(),
        line: Some(LineId(0)),
        caller: Caller::parse("+16195550123"),
        attestation: Attestation::Unsigned,
        forwarded_from: None,
        happened: Happened::Arrived,
    };
    let setting = Setting { org: &org, rules: &rules, facts: &facts, prefix: "", audio_base: None };
    let xml = render(&templates, &setting, &decision).expect("an answer").into_string();
    criterion.bench_function("twiml/render a ring and check it", |bencher| {
        bencher.iter(|| render(black_box(&templates), &setting, &decision).expect("an answer"));
    });
    criterion.bench_function("twiml/read a ring", |bencher| {
        bencher.iter(|| document::parse(black_box(&xml)).expect("a document"));
    });
    criterion.bench_function("twiml/read and check a ring", |bencher| {
        bencher.iter(|| check(black_box(&xml), Context::Voice));
    });
    criterion.bench_function("twiml/load the built-in templates", |bencher| {
        bencher.iter(|| Templates::load(black_box(&[])).expect("templates"));
    });
}

criterion_group!(benches, answers);
criterion_main!(benches);
