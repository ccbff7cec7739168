//! The socket's edge: every form of a good request is taken; what is too much, too slow or no request harms nobody.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use ringfall::webhook::form::Form;
use ringfall::webhook::signature::{HEADER, Signer};

use crate::support::{ACCOUNT, PUBLIC, TOKEN};
use crate::telephone::{CALLER, Telephone};

const RULES: &str = r#"
version: 1
timezone: America/Los_Angeles
numbers: ["+16195550100"]
contacts: { anna: "+16195550111" }
routes:
  - cascade: [{ ring: anna, for: 20s }]
finally: { voicemail: Please leave your name and number after the tone. }
"#;

const TARGET: &str = "/twilio/inbound-call?org=acme";

fn house() -> Telephone {
    Telephone::new(&[("rules/acme.yaml", RULES)])
}

fn call(to: &str) -> Form {
    let sid = format!("CA{:032x}", 9);
    let fields = [("AccountSid", ACCOUNT), ("CallSid", &sid), ("CallStatus", "ringing"), ("From", CALLER), ("To", to)];
    Form::of(fields)
}

/// A request as bytes, with everything in it to be chosen.
struct Wire<'a> {
    method: &'a str,
    target: &'a str,
    headers: Vec<(&'a str, String)>,
    body: Vec<u8>,
}

impl Wire<'_> {
    fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nConnection: close\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", self.body.len()));
        [head.as_bytes(), &self.body].concat()
    }
}

fn good(service: &Telephone) -> Wire<'static> {
    let form = call("+16195550100");
    let signature = Signer::new(TOKEN).sign(&format!("{PUBLIC}{TARGET}"), &form);
    let form_type = "application/x-www-form-urlencoded; charset=UTF-8".to_owned();
    let headers = vec![("Host", service.address().to_string()), (HEADER, signature), ("Content-Type", form_type)];
    Wire { method: "POST", target: TARGET, headers, body: form.encode().into_bytes() }
}

fn status(service: &Telephone, wire: &Wire<'_>) -> u16 {
    service.send(&wire.bytes())
}

#[test]
fn both_methods_both_charsets_and_a_chunked_body_are_taken() {
    let service = house();
    let form = call("+16195550100");
    let target = format!("{TARGET}&{}", form.encode());
    let signature = Signer::new(TOKEN).sign(&format!("{PUBLIC}{target}"), &Form::default());
    let headers = vec![("Host", service.address().to_string()), (HEADER, signature)];
    assert_eq!(status(&service, &Wire { method: "GET", target: &target, headers, body: Vec::new() }), 200);

    let mut wire = good(&service);
    let city = Form::of(form.iter().chain([("FromCity", "São Paulo")]));
    wire.headers[1].1 = Signer::new(TOKEN).sign(&format!("{PUBLIC}{TARGET}"), &city);
    wire.headers[2].1 = "application/x-www-form-urlencoded; charset=ISO-8859-1".to_owned();
    wire.body.extend(b"&FromCity=S%E3o+Paulo");
    assert_eq!(status(&service, &wire), 200);

    let whole = String::from_utf8(good(&service).bytes()).unwrap();
    let (head, body) = whole.split_once("\r\n\r\n").unwrap();
    let head = head.lines().filter(|line| !line.starts_with("Content-Length")).collect::<Vec<_>>().join("\r\n");
    let (first, second) = body.split_at(30);
    let chunked = format!(
        "{head}\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n",
        first.len(),
        second.len()
    );
    assert_eq!(service.send(chunked.as_bytes()), 200);
}

#[test]
fn what_is_too_much_or_of_another_kind_is_refused_by_its_own_status() {
    let service = house();
    let refused = |change: &dyn Fn(&mut Wire<'_>)| {
        let mut wire = good(&service);
        change(&mut wire);
        status(&service, &wire)
    };
    assert_eq!(refused(&|wire| wire.method = "PUT"), 405);
    assert_eq!(refused(&|wire| wire.headers[2].1 = "text/plain".to_owned()), 415);
    assert_eq!(
        refused(&|wire| wire.headers[2].1 = "application/x-www-form-urlencoded; charset=utf-16".to_owned()),
        415
    );
    assert_eq!(refused(&|wire| wire.body.resize(128 * 1024 + 1, b'a')), 413);
    assert_eq!(refused(&|wire| wire.body = "a=1&".repeat(501).into_bytes()), 413);
    assert_eq!(refused(&|wire| wire.body = b"From=%ff".to_vec()), 400);
    assert_eq!(refused(&|wire| wire.body = b"From".to_vec()), 400);
    let metrics = service.metrics();
    for reason in ["method", "content-type", "charset", "body-too-long", "too-many-fields", "not-text", "bare-field"] {
        assert!(metrics.contains(&format!("\"{reason}\"")), "{reason} is not counted:\n{metrics}");
    }
}

#[test]
fn bytes_that_are_no_request_end_the_connection_and_nothing_else() {
    let service = house();
    for bytes in [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice(),
        b"GET\r\n\r\n",
        b"POST /twilio/inbound-call HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /twilio/inbound-call HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(service.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(bytes).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        // A reset is an end too.
        let _ended = stream.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(status(&service, &good(&service)), 200);
}

#[test]
fn senders_who_dawdle_do_not_keep_others_waiting() {
    let service = house();
    let whole = good(&service).bytes();
    let dawdlers: Vec<TcpStream> = (0..200)
        .map(|number| {
            let mut stream = TcpStream::connect(service.address()).unwrap();
            // Some stop in the head, some in the body.
            stream.write_all(&whole[..number * 7 % whole.len()]).unwrap();
            stream
        })
        .collect();
    for _ in 0..20 {
        assert_eq!(status(&service, &good(&service)), 200);
    }
    drop(dawdlers);
}
