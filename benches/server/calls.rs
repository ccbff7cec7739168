//! Calls as the carrier would make them: each arrives, finds nobody twice, and is told to be over.

use std::sync::Arc;

use ringfall::webhook::form::{Charset, Form};
use ringfall::webhook::raw::Limits;
use ringfall::webhook::signature::Signer;

use crate::process::{ACCOUNT, Server, TOKEN};

/// People who call.
const CALLERS: usize = 10_000;

/// One kind of request; only the call and the signature differ from one to the next.
#[derive(Debug)]
pub struct Shape {
    bytes: Vec<u8>,
    signature_at: usize,
    call_at: usize,
}

impl Shape {
    fn new(port: u16, target: &str, body: &str) -> Self {
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: TwilioProxy/1.1\r\nAccept: */*\r\n\
             I-Twilio-Idempotency-Token: 00000000-0000-4000-8000-000000000000\r\n\
             Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\nX-Twilio-Signature: {}\r\n\
             Content-Length: {}\r\n\r\n",
            "=".repeat(28),
            body.len()
        );
        let signature_at = head.find("X-Twilio-Signature: ").expect("the header") + 20;
        let call_at = head.len() + body.find("CallSid=").expect("the call") + 8;
        Self { bytes: (head + body).into_bytes(), signature_at, call_at }
    }

    /// Writes the request of one call.
    pub fn fill(&self, call: &[u8; 34], signature: &[u8; 28], out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(&self.bytes);
        out[self.signature_at..self.signature_at + 28].copy_from_slice(signature);
        out[self.call_at..self.call_at + 34].copy_from_slice(call);
    }
}

/// One call: its requests in order.
#[derive(Debug, Clone)]
pub struct Call {
    pub sid: [u8; 34],
    pub steps: Vec<(Arc<Shape>, [u8; 28])>,
}

/// All calls of a run.
#[derive(Debug)]
pub struct Calls {
    calls: Arc<Vec<Call>>,
}

impl Calls {
    /// Asks the server once for each organization where its calls go on, and signs everything ahead.
    pub async fn prepare(server: &Server, organizations: usize, count: usize) -> Self {
        let mut plans = Vec::with_capacity(organizations);
        for organization in 0..organizations {
            plans.push(walk(server, organization).await);
        }
        Self::signed(server.port(), &plans, count)
    }

    /// The same requests for a server that answers nothing.
    pub fn without_answers(server: &Server, count: usize) -> Self {
        let targets = [
            "/twilio/inbound-call?org=org-0".to_owned(),
            "/twilio/continue?org=org-0&rules=0123456789abcdef&at=1795000000&s=1.0&g=0&h=1&r=0.0".to_owned(),
            "/twilio/continue?org=org-0&rules=0123456789abcdef&at=1795000000&s=1.1&g=0&h=2&r=0.0".to_owned(),
            "/twilio/call-status?org=org-0".to_owned(),
        ];
        Self::signed(server.port(), &[targets.into()], count)
    }

    /// As many people call one organization as call many: what they cost in memory and caches is not the
    /// organizations'.
    fn signed(port: u16, plans: &[Vec<String>], count: usize) -> Self {
        let signer = Signer::new(TOKEN);
        let shapes: Vec<Vec<_>> = (0..CALLERS)
            .map(|caller| shapes(port, caller, caller % plans.len(), &plans[caller % plans.len()]))
            .collect();
        let calls = (0..count).map(|number| {
            let sid = sid(number);
            let text = std::str::from_utf8(&sid).expect("digits");
            let kinds = &shapes[number % shapes.len()];
            let sign = |(shape, url, body): &(Arc<Shape>, String, String)| {
                let body = body.replace(&"0".repeat(32), &text[2..]);
                let form = Form::parse(body.as_bytes(), Charset::Utf8, &Limits::default()).expect("a form");
                let signature = signer.sign(url, &form).into_bytes();
                (Arc::clone(shape), signature.try_into().expect("28 signs"))
            };
            Call { sid, steps: kinds.iter().map(sign).collect() }
        });
        Self { calls: Arc::new(calls.collect()) }
    }

    /// Requests of a call.
    pub fn steps(&self) -> usize {
        self.calls[0].steps.len()
    }

    /// All of them.
    pub fn all(&self) -> Arc<Vec<Call>> {
        Arc::clone(&self.calls)
    }
}

fn shapes(port: u16, caller: usize, organization: usize, targets: &[String]) -> Vec<(Arc<Shape>, String, String)> {
    let shape = |(step, target): (usize, &String)| {
        let url = format!("http://127.0.0.1:{port}{target}");
        let body = body(caller, organization, step);
        (Arc::new(Shape::new(port, target, &body)), url, body)
    };
    targets.iter().enumerate().map(shape).collect()
}

/// A call identifier; a new run of the same server never sees one twice, because the process id stands in it.
fn sid(number: usize) -> [u8; 34] {
    let text = format!("CA{:08x}{:08x}{:016x}", std::process::id(), spread(number) as u32, number);
    text.into_bytes().try_into().expect("34 signs")
}

/// The carrier's identifiers are random: rows must not arrive in the order of their index.
fn spread(number: usize) -> usize {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24
}

/// Follows one call through the server, and notes what addresses were asked.
async fn walk(server: &Server, organization: usize) -> Vec<String> {
    let mut target = format!("/twilio/inbound-call?org=org-{organization}");
    let mut plan = Vec::new();
    let signer = Signer::new(TOKEN);
    let probe = format!("CA{:024x}{organization:08x}", std::process::id());
    for step in 0..3 {
        let body = body(organization, organization, step);
        plan.push(target.clone());
        let shape = Shape::new(server.port(), &target, &body);
        let url = format!("http://127.0.0.1:{}{target}", server.port());
        let signed = body.replace(&"0".repeat(32), &probe[2..]);
        let form = Form::parse(signed.as_bytes(), Charset::Utf8, &Limits::default()).expect("a form");
        let signature: [u8; 28] = signer.sign(&url, &form).into_bytes().try_into().expect("28 signs");
        let mut request = Vec::new();
        shape.fill(probe.as_bytes().try_into().expect("34 signs"), &signature, &mut request);
        let answer = crate::load::ask(server.port(), &request).await;
        assert!(answer.contains("<Response"), "the server answered {target} with {answer}");
        if step < 2 {
            let (_, rest) = answer.split_once("action=\"").unwrap_or_else(|| panic!("no action in {answer}"));
            target = rest.split('"').next().unwrap_or_default().replace("&amp;", "&");
        }
    }
    plan.push(format!("/twilio/call-status?org=org-{organization}"));
    plan
}

/// The body of a step: 0 arrives, 1 and 2 found nobody, 3 is over. `CallSid` is zeros, to be replaced.
fn body(caller: usize, organization: usize, step: usize) -> String {
    let status = if step == 3 { "completed" } else { "ringing" };
    let to = format!("%2B1619555{organization:04}");
    let from = format!("%2B1{}55501{:02}", 201 + caller / 100, caller % 100);
    let extra = match step {
        0 => String::new(),
        1 | 2 => {
            "&DialCallStatus=no-answer&DialBridged=false&DialCallSid=CA11111111111111111111111111111111".to_owned()
        }
        _ => "&CallDuration=44&Duration=1&SequenceNumber=0&CallbackSource=call-progress-events\
              &Timestamp=Sat%2C+21+Nov+2026+10%3A00%3A44+%2B0000"
            .to_owned(),
    };
    let token = "%7B%22parentCallInfoToken%22%3A%22eyJhbGciOiJFUzI1NiJ9.".to_owned() + &"QWxsIHdvcmsgYW5k".repeat(22);
    format!(
        "AccountSid={ACCOUNT}&ApiVersion=2010-04-01&CallSid=CA{zeros}&CallStatus={status}&CallToken={token}%22%7D\
         &Called={to}&CalledCity=SAN+DIEGO&CalledCountry=US&CalledState=CA&CalledZip=92101&Caller={from}\
         &CallerCity=LA+JOLLA&CallerCountry=US&CallerName=DOE+JANE&CallerState=CA&CallerZip=92037&Direction=inbound\
         &From={from}&FromCity=LA+JOLLA&FromCountry=US&FromState=CA&FromZip=92037\
         &StirVerstat=TN-Validation-Passed-A&To={to}&ToCity=SAN+DIEGO&ToCountry=US&ToState=CA&ToZip=92101{extra}",
        zeros = "0".repeat(32),
    )
}
