//! The REST client against a fake that refuses what Twilio refuses and breaks in every way that networks break.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use ringfall::model::ids::{AccountSid, ApiKeySid, CallSid, NumberSid, RecordingSid};
use ringfall::model::phone::E164;
use ringfall::model::secret::{ApiKey, Secret};
use ringfall::twilio::breaker::Standing;
use ringfall::twilio::client::{Client, Gate, Patience};
use ringfall::twilio::error::{Certainty, Error};
use ringfall::twilio::messages::Text;
use ringfall::twilio::numbers::{Kind, Search};

use crate::fake_twilio::{Act, Fake, KEY, KEY_SECRET};
use crate::support::{ACCOUNT, CALL, LINE, TOKEN};

const PERSON: &str = "+16195550111";
const BODY: &str = "Missed call from +13125550123 & more: 100% \u{2603}";

/// Short pauses; the time for an answer is generous where nothing is expected to hang.
fn patience() -> Patience {
    Patience {
        first_pause: Duration::from_millis(1),
        longest_pause: Duration::from_millis(5),
        repeats: 3,
        ..Patience::default()
    }
}

fn gate(fake: &Fake, patience: Patience) -> Arc<Gate> {
    Arc::new(Gate::new(&fake.url(), patience).unwrap())
}

fn account() -> AccountSid {
    AccountSid::parse(ACCOUNT).unwrap()
}

fn key(secret: &str) -> ApiKey {
    ApiKey { sid: ApiKeySid::parse(KEY).unwrap(), secret: Secret::new(secret.into()) }
}

fn client(fake: &Fake) -> Client {
    gate(fake, patience()).client("one", &account(), &key(KEY_SECRET))
}

fn hasty(fake: &Fake) -> Client {
    let patience = Patience { answer: Duration::from_millis(800), ..patience() };
    gate(fake, patience).client("one", &account(), &key(KEY_SECRET))
}

fn number(text: &str) -> E164 {
    E164::parse(text).unwrap()
}

async fn send(client: &Client) -> Result<String, Error> {
    let (from, to) = (number(LINE), number(PERSON));
    let url = "https://phones.example.com/twilio/message-status?org=acme&o=1";
    let text = Text { from: &from, to: &to, body: BODY, status_callback: Some(url), valid_for: 3600 };
    client.send_text(&text).await.map(|message| message.sid)
}

fn with_line() -> Fake {
    let fake = Fake::start();
    fake.state().own(LINE, &[]);
    fake
}

#[actix_web::test]
async fn a_text_arrives_word_for_word() {
    let fake = with_line();
    let sid = send(&client(&fake)).await.unwrap();
    assert!(sid.starts_with("SM"));
    assert_eq!(fake.state().texts(), [(PERSON.to_owned(), BODY.to_owned())]);
    assert_eq!(fake.seen("Messages.json")[0].field("ValidityPeriod"), Some("3600"));
}

#[actix_web::test]
async fn refusals_say_what_to_do_and_are_not_asked_again() {
    let fake = with_line();
    fake.state().opted_out.insert(PERSON.into());
    let error = send(&client(&fake)).await.unwrap_err();
    assert!(error.to_string().contains("opted out"), "{error}");
    assert!(!error.to_string().contains(PERSON) && !format!("{error:?}").contains(PERSON), "{error:?}");
    assert_eq!(error.certainty(), Certainty::Never);
    let wrong = gate(&fake, patience()).client("one", &account(), &key("another-secret"));
    let error = wrong.numbers().await.unwrap_err();
    assert!(error.to_string().contains("credentials"), "{error}");
    assert!(!format!("{error:?} {error} {wrong:?}").contains("another-secret"));
    assert_eq!(fake.seen("Messages.json").len(), 1);
}

#[actix_web::test]
async fn too_many_requests_are_waited_for_as_long_as_is_asked() {
    let fake = with_line();
    fake.script("Messages.json", &[Act::TooMany(None), Act::TooMany(Some(1)), Act::Good]);
    let started = std::time::Instant::now();
    send(&client(&fake)).await.unwrap();
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert_eq!(fake.state().texts().len(), 1);
}

#[actix_web::test]
async fn a_wait_that_is_too_long_is_handed_back() {
    let fake = with_line();
    fake.script("Messages.json", &[Act::TooMany(Some(600))]);
    let error = send(&client(&fake)).await.unwrap_err();
    assert_eq!(error.wait(), Some(Duration::from_secs(600)));
    assert_eq!(error.certainty(), Certainty::NotDone);
}

#[actix_web::test]
async fn a_text_whose_outcome_is_unknown_is_never_sent_again_but_looked_up() {
    for (act, arrived) in [
        (Act::DoAndHang, 1),
        (Act::Hang, 0),
        (Act::DoAndCut, 1),
        (Act::DoAndBabble, 1),
        (Act::Close, 0),
        (Act::Fault(500, 20500), 0),
        (Act::Fault(503, 20503), 0),
    ] {
        let fake = with_line();
        fake.script("Messages.json", std::slice::from_ref(&act));
        let began = Timestamp::now() - jiff::SignedDuration::from_secs(5);
        let client = hasty(&fake);
        let error = send(&client).await.unwrap_err();
        assert_eq!(error.certainty(), Certainty::Unknown, "{act:?}: {error}");
        let found = client.texts_since(&number(LINE), &number(PERSON), BODY, began).await.unwrap();
        assert_eq!(found.len(), arrived, "{act:?}");
        let later = Timestamp::now() + jiff::SignedDuration::from_secs(60);
        assert!(client.texts_since(&number(LINE), &number(PERSON), BODY, later).await.unwrap().is_empty());
        assert!(client.texts_since(&number(LINE), &number(PERSON), "other", began).await.unwrap().is_empty());
    }
}

#[actix_web::test]
async fn reading_is_asked_again_after_whatever_breaks() {
    let fake = with_line();
    let acts = [Act::Close, Act::Fault(503, 20503), Act::Hang];
    fake.script("IncomingPhoneNumbers.json", &acts);
    let numbers = hasty(&fake).numbers().await.unwrap();
    assert_eq!(numbers[0].phone_number, LINE);
    assert!(numbers[0].capabilities.sms && numbers[0].trunk_sid.is_empty());
}

#[actix_web::test]
async fn nobody_listening_is_known_to_be_nothing_sent() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gate = Arc::new(Gate::new(&format!("http://{free}"), patience()).unwrap());
    let client = gate.client("one", &account(), &key(KEY_SECRET));
    let error = send(&client).await.unwrap_err();
    assert_eq!(error.certainty(), Certainty::NotDone, "{error}");
    // Four attempts were made; one more failure, and the carrier is left alone.
    drop(send(&client).await);
    assert_eq!(gate.standings(), [("one".to_owned(), Standing::Open)]);
    let error = send(&client).await.unwrap_err();
    assert!(error.wait().is_some_and(|wait| wait > Duration::from_secs(5)), "{error}");
    assert_eq!(error.certainty(), Certainty::NotDone);
}

#[actix_web::test]
async fn one_account_that_fails_does_not_stop_another() {
    let fake = with_line();
    let gate = gate(&fake, patience());
    let other = AccountSid::parse(&format!("AC{}", "f".repeat(32))).unwrap();
    fake.script("IncomingPhoneNumbers.json", &vec![Act::Fault(500, 20500); 5]);
    let first = gate.client("one", &account(), &key(KEY_SECRET));
    drop(first.numbers().await);
    drop(first.numbers().await);
    assert_eq!(gate.standings(), [("one".to_owned(), Standing::Open)]);
    fake.state().account = other.to_string();
    assert_eq!(gate.client("two", &other, &key(KEY_SECRET)).numbers().await.unwrap().len(), 1);
    assert_eq!(gate.standings(), [("one".to_owned(), Standing::Open), ("two".to_owned(), Standing::Closed)]);
}

#[actix_web::test]
async fn long_lists_come_in_pages_and_never_lead_to_another_account() {
    let fake = Fake::start();
    for last in 10..35 {
        fake.state().own(&format!("+161955501{last}"), &[]);
    }
    fake.state().page = 10;
    assert_eq!(client(&fake).numbers().await.unwrap().len(), 25);
    fake.script("IncomingPhoneNumbers.json", &[Act::LeadAstray]);
    let error = client(&fake).numbers().await.unwrap_err();
    assert!(error.to_string().contains("another account"), "{error}");
}

#[actix_web::test]
async fn a_number_is_set_searched_and_bought() {
    let fake = Fake::start();
    let sid = fake.state().own(LINE, &[("trunk_sid", "TK0123456789abcdef0123456789abcdef")]);
    fake.state().for_sale = vec!["+16195550142".into(), "+18585550143".into()];
    let client = client(&fake);
    let sid = NumberSid::parse(&sid).unwrap();
    let url = "https://phones.example.com/twilio/inbound-call?org=acme";
    let set = client.set_number(&sid, &[("VoiceUrl", url), ("VoiceMethod", "POST"), ("TrunkSid", "")]).await.unwrap();
    assert_eq!((set.voice_url.as_str(), set.trunk_sid.as_str()), (url, ""));
    let error = client.set_number(&sid, &[("VoiceUrl", "nowhere")]).await.unwrap_err();
    assert!(error.to_string().contains("public_url"), "{error}");
    assert_eq!(fake.complaints().len(), 1, "that was no address");
    let search = Search { country: "US", kind: Kind::Local, area_code: Some("619"), contains: None, limit: 5 };
    let found = client.search_numbers(&search).await.unwrap();
    assert_eq!(found.iter().map(|it| it.phone_number.as_str()).collect::<Vec<_>>(), ["+16195550142"]);
    assert!(found[0].capabilities.sms);
    client.buy_number(&number("+16195550142")).await.unwrap();
    let error = client.buy_number(&number("+16195550142")).await.unwrap_err();
    assert!(error.to_string().contains("no longer"), "{error}");
    assert_eq!(client.numbers().await.unwrap().len(), 2);
}

#[actix_web::test]
async fn a_purchase_that_may_have_happened_is_not_repeated() {
    let fake = Fake::start();
    fake.state().for_sale = vec!["+16195550142".into()];
    fake.script("IncomingPhoneNumbers.json", &[Act::DoAndCut]);
    let error = client(&fake).buy_number(&number("+16195550142")).await.unwrap_err();
    assert_eq!(error.certainty(), Certainty::Unknown);
    assert_eq!(fake.seen("IncomingPhoneNumbers.json").len(), 1);
}

#[actix_web::test]
async fn only_the_token_may_ask_for_the_account_itself() {
    let fake = Fake::start();
    let gate = gate(&fake, patience());
    let described = gate.with_token(&account(), &Secret::new(TOKEN.into())).describe().await.unwrap();
    assert_eq!((described.sid.as_str(), described.status.as_str()), (ACCOUNT, "active"));
    assert!(client(&fake).describe().await.unwrap_err().to_string().contains("20003"));
    assert!(gate.with_token(&account(), &Secret::new("0".repeat(32))).describe().await.is_err());
}

#[actix_web::test]
async fn calls_are_looked_at() {
    let fake = Fake::start();
    fake.state().calls.insert(CALL.into(), "in-progress".into());
    let (client, call) = (client(&fake), CallSid::parse(CALL).unwrap());
    assert_eq!(client.call(&call).await.unwrap().status, "in-progress");
}

#[actix_web::test]
async fn a_recording_is_fetched_with_the_key_and_in_parts() {
    let fake = Fake::start();
    let sid = RecordingSid::parse("RE0123456789abcdef0123456789abcdef").unwrap();
    let sound: Vec<u8> = (0..200_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    fake.state().recordings.insert(sid.to_string(), sound.clone());
    let client = client(&fake);
    assert_eq!(client.recording(&sid).await.unwrap().duration.as_deref(), Some("7"));
    let mut heard = client.sound(&sid).await.unwrap();
    assert_eq!(heard.content_type, "audio/mpeg");
    let mut all = Vec::new();
    while let Some(part) = heard.part().await.unwrap() {
        all.extend(part);
    }
    assert!(all == sound);
    fake.script(".mp3", &[Act::DoAndCut]);
    let mut heard = client.sound(&sid).await.unwrap();
    let broken = loop {
        match heard.part().await {
            Ok(Some(_)) => {}
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert!(broken, "half a recording must not pass for a whole one");
}
