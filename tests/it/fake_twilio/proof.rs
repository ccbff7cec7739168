//! That the fake refuses what the interface's description does not allow, each kind of it, and tells on whoever asked.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};

use base64::Engine as _;

use crate::fake_twilio::{Fake, KEY, KEY_SECRET};
use crate::support::{ACCOUNT, LINE};

const TO: &str = "To=%2B16195550111";
const FROM: &str = "From=%2B16195550100";

/// The status and the code that it answers.
fn asks(fake: &Fake, method: &str, path: &str, kind: &str, form: &str) -> (u16, u64) {
    let login = base64::engine::general_purpose::STANDARD.encode(format!("{KEY}:{KEY_SECRET}"));
    let (query, body) = if method == "POST" { ("", form) } else { (form, "") };
    let mark = if query.is_empty() { "" } else { "?" };
    let request = format!(
        "{method} /2010-04-01/Accounts/{path}{mark}{query} HTTP/1.1\r\nHost: api\r\nUser-Agent: test\r\n\
         Authorization: Basic {login}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(fake.address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    if status >= 400 {
        assert_eq!((body["status"].as_u64(), body["message"].is_string()), (Some(u64::from(status)), true), "{answer}");
        assert!(body["more_info"].as_str().unwrap().ends_with(&body["code"].to_string()), "{answer}");
    }
    (status, body["code"].as_u64().unwrap_or_default())
}

#[test]
fn what_the_description_allows_is_done_and_nobody_complains() {
    let fake = Fake::start();
    let number = fake.state().own(LINE, &[]);
    fake.state().for_sale.push("+16195550150".into());
    let form = "application/x-www-form-urlencoded";
    let number = format!("{ACCOUNT}/IncomingPhoneNumbers/{number}.json");
    for (method, path, fields, status) in [
        ("POST", "Messages.json", format!("{TO}&{FROM}&Body=Hi&ValidityPeriod=60&SmartEncoded=true"), 201),
        ("POST", "Messages.json", format!("{TO}&{FROM}&MessagingServiceSid=MG{}&Body=Hi", "0".repeat(32)), 201),
        ("GET", "Messages.json", format!("{TO}&DateSent%3E=2026-11-23&PageSize=1000"), 200),
        ("GET", "IncomingPhoneNumbers.json", "PageSize=1&Beta=false".into(), 200),
        ("POST", "IncomingPhoneNumbers.json", "PhoneNumber=%2B16195550150".into(), 201),
        ("GET", "AvailablePhoneNumbers/US/Local.json", "AreaCode=619&VoiceEnabled=true".into(), 200),
        ("GET", "Recordings/RE0123456789abcdef0123456789abcdef.json", String::new(), 404),
    ] {
        let path = format!("{ACCOUNT}/{path}");
        assert_eq!(asks(&fake, method, &path, form, &fields).0, status, "{method} {path} {fields}");
    }
    let told = "VoiceUrl=https%3A%2F%2Fphones.example.com%2Fx_y&VoiceMethod=POST&TrunkSid=&VoiceReceiveMode=voice";
    assert_eq!(asks(&fake, "POST", &number, form, told).0, 200);
    assert_eq!(fake.complaints(), Vec::<String>::new());
}

#[test]
fn each_kind_of_wrong_request_is_refused_and_told_on() {
    let fake = Fake::start();
    let number = fake.state().own(LINE, &[]);
    let number = format!("IncomingPhoneNumbers/{number}.json");
    let good = format!("{TO}&{FROM}&Body=Hi");
    let long = format!("{TO}&{FROM}&Body={}", "a".repeat(1_601));
    let with = |more: &str| format!("{good}&{more}");
    for (method, path, fields, status, code) in [
        // Where, and how.
        ("POST", "Messages", good.clone(), 404, 20404),
        ("POST", "Texts.json", good.clone(), 404, 20404),
        ("GET", "Calls/CA12.json", String::new(), 404, 20404),
        ("GET", "AvailablePhoneNumbers/us/Local.json", String::new(), 404, 20404),
        ("DELETE", "Messages.json", String::new(), 405, 20004),
        ("POST", "AvailablePhoneNumbers/US/Local.json", String::new(), 405, 20004),
        // Names.
        ("POST", "Messages.json", with("Boddy=Hi"), 400, 20001),
        ("POST", "Messages.json", with("body=Hi"), 400, 20001),
        ("GET", "IncomingPhoneNumbers.json", "Limit=5".into(), 400, 20001),
        // What is needed.
        ("POST", "Messages.json", format!("{FROM}&Body=Hi"), 400, 21604),
        ("POST", "Messages.json", format!("{TO}&Body=Hi"), 400, 21603),
        ("POST", "Messages.json", format!("{TO}&{FROM}"), 400, 21602),
        ("POST", "IncomingPhoneNumbers.json", "FriendlyName=x".into(), 400, 21421),
        // Addresses.
        ("POST", "Messages.json", format!("To=16195550111&{FROM}&Body=Hi"), 400, 21211),
        ("POST", "Messages.json", format!("To=+16195550111&{FROM}&Body=Hi"), 400, 21211),
        ("POST", "Messages.json", format!("To=telegraph%3A%2B16195550111&{FROM}&Body=Hi"), 400, 21211),
        ("POST", "Messages.json", format!("{TO}&From=%2B0123&Body=Hi"), 400, 21212),
        ("POST", "IncomingPhoneNumbers.json", "PhoneNumber=6195550150".into(), 400, 21421),
        // Everything else that has a form.
        ("POST", "Messages.json", long, 400, 21617),
        ("POST", "Messages.json", with("ValidityPeriod=0"), 400, 20001),
        ("POST", "Messages.json", with("ValidityPeriod=36001"), 400, 20001),
        ("POST", "Messages.json", with("ValidityPeriod=soon"), 400, 20001),
        ("POST", "Messages.json", with("SmartEncoded=yes"), 400, 20001),
        ("POST", "Messages.json", with("RiskCheck=maybe"), 400, 20001),
        ("POST", "Messages.json", with("MaxPrice=cheap"), 400, 20001),
        ("POST", "Messages.json", with("SendAt=tomorrow"), 400, 20001),
        ("POST", "Messages.json", with("ContentSid=HX12"), 400, 20001),
        ("POST", "Messages.json", with("ContentVariables=1"), 400, 21656),
        ("POST", "Messages.json", with("StatusCallback=https%3A%2F%2Fmy_host%2F"), 400, 21609),
        ("GET", "Messages.json", "PageSize=1001".into(), 400, 20007),
        ("GET", "Messages.json", "PageSize=0".into(), 400, 20007),
        ("POST", &number, "VoiceUrl=phones.example.com".into(), 400, 21402),
        ("POST", &number, "VoiceMethod=PUT".into(), 400, 21403),
        ("POST", &number, "TrunkSid=AP0123456789abcdef0123456789abcdef".into(), 400, 20001),
        ("POST", &number, format!("FriendlyName={}", "a".repeat(65)), 400, 20001),
        ("POST", "Calls/CA0123456789abcdef0123456789abcdef.json", "Status=ringing".into(), 400, 20001),
    ] {
        let path = format!("{ACCOUNT}/{path}");
        let asked = asks(&fake, method, &path, "application/x-www-form-urlencoded", &fields);
        assert_eq!(asked, (status, code), "{method} {path} {fields}");
        assert_eq!(fake.complaints().len(), 1, "{method} {path} {fields}");
    }
    assert!(fake.state().texts().is_empty(), "nothing was done");
    // A body of another kind is not read, and so has none of what is needed.
    let path = format!("{ACCOUNT}/Messages.json");
    assert_eq!(asks(&fake, "POST", &path, "application/json", &good), (400, 21604));
    assert_eq!(fake.complaints().len(), 2);
    // A field twice, and an escape that is none.
    asks(&fake, "POST", &path, "application/x-www-form-urlencoded", &with("Body=Ho"));
    asks(&fake, "POST", &path, "application/x-www-form-urlencoded", &format!("{TO}&{FROM}&Body=100%"));
    assert_eq!(fake.complaints().len(), 2);
}
