//! The shapes in which the carrier's requests come: sixty of them, all answered under every shipped rule file.
//!
//! Each shape is a set of fields seen in recorded traffic, with values of our own: what is missing, empty,
//! misspelt or odd in it stands here as it was.

use ringfall::twiml::schema::{self, Context};
use ringfall::webhook::endpoint::Endpoint;

use crate::support::{ACCOUNT, Reply};
use crate::telephone::{CALLER, Telephone};

/// `Name=value` words; `~` is a space. `@From:CSZK` stands for the caller's city, state, zip and country: a capital
/// is filled, a small letter empty, and what is not named is missing. `{…}` is filled in for each request.
type Shape = (&'static str, Endpoint, &'static str);

const IN: Endpoint = Endpoint::InboundCall;
const ON: Endpoint = Endpoint::Continue;
const STATUS: Endpoint = Endpoint::CallStatus;
const RECORDING: Endpoint = Endpoint::Recording;
const WRITTEN: Endpoint = Endpoint::Transcription;
const SMS: Endpoint = Endpoint::InboundSms;
const SENT: Endpoint = Endpoint::MessageStatus;

/// What nearly every request of a call has.
const CALL: &str =
    "AccountSid={account} ApiVersion=2010-04-01 CallSid={call} Called={to} Caller={from} From={from} To={to}";
const FULL: &str = "@From:CSZK @To:CSZK @Caller:CSZK @Called:CSZK";
const TEXT: &str = "SmsMessageSid={sms} NumMedia=0 SmsSid={sms} SmsStatus=received To={to} NumSegments=1 MessageSid={sms} \
                    AccountSid=acctid From={from} ApiVersion=2010-04-01 @To:cSzK @From:CSZK";

#[rustfmt::skip]
const SHAPES: [Shape; 60] = [
    ("a ring recorded and over", ON, "{CALL} {FULL} Direction=inbound CallStatus=in-progress DialCallSid={leg} DialCallStatus=completed DialCallDuration=3 RecordingUrl=http://api.twilio.com/2010-04-01/Accounts/{account}/Recordings/{recording} RecordingDuration=3 RecordingSid={recording}"),
    ("a ring over, and the caller gone", ON, "{CALL} @From:CSzK @To:CSzK @Caller:CSzK @Called:CSzK Direction=inbound ApplicationSid=AP{hex} CallStatus=completed DialCallSid={leg} DialCallStatus=completed DialCallDuration=10"),
    ("a call through an application", IN, "{CALL} {FULL} Direction=inbound ApplicationSid=AP{hex} CallStatus=ringing"),
    ("a key, with fields of the action's own query", ON, "{CALL} {FULL} Direction=inbound ApplicationSid=AP{hex} CallStatus=in-progress Digits=1 msg=Gather~End menu_id=0"),
    ("a message ended by hanging up", ON, "{CALL} {FULL} Direction=inbound ApplicationSid=AP{hex} CallStatus=completed RecordingUrl=http://api.twilio.com/2010-04-01/Accounts/{account}/Recordings/{recording} Digits=hangup RecordingDuration=5 RecordingSid={recording}"),
    ("the fallback after a failed connection", IN, "{CALL} {FULL} Direction=inbound ApplicationSid=AP{hex} CallStatus=ringing ErrorUrl=http://example.test/telephony/call/status ErrorCode=11205"),
    ("a key, from a number without a place", ON, "{CALL} @From:CSZK @Caller:CSZK @To:cSzK @Called:cSzK Direction=inbound CallStatus=in-progress Digits=1 msg=Gather~End"),
    ("a ring for a caller who dialed ANONYMOUS", ON, "AccountSid={account} ApiVersion=2010-04-01 CallSid={call} Called={to} To={to} Caller=+266696687 From=+266696687 @From:cszK @Caller:cszK @To:CSZK @Called:CSZK Direction=inbound CallStatus=in-progress DialCallDuration=11 DialCallSid={leg} DialCallStatus=completed"),
    ("a call with its token and attestation", IN, "{CALL} @From:CSZK @Caller:CSZK @To:cSzK @Called:cSzK Direction=inbound StirVerstat=TN-Validation-Passed-A CallToken=%7B%22parentCallInfoToken%22%3A%22eyJvdXJzIjp0cnVlfQ CallStatus=ringing"),
    ("a call with countries only", IN, "{CALL} @From:K @To:K Direction=inbound CallStatus=ringing StirVerstat=TN-Validation-Passed-A"),
    ("a WhatsApp message with a picture", SMS, "AccountSid={account} ApiVersion=2010-04-01 Body=Is~the~nine~o'clock~tour~full? From=whatsapp:{from} MessageSid={sms} NumMedia=1 MediaUrl0=https://api.twilio.com/2010-04-01/Accounts/AC00/Messages/SM00/Media/ME00 MediaContentType0=image/jpeg ProfileName=SAM~SAMPLE SmsMessageSid={sms} To=whatsapp:{to} WaId=14155550123"),
    ("a status with letters beyond ASCII", STATUS, "{CALL} @From:CSZK @Caller:CSZK Direction=outbound-api Timestamp=Sun,~25~Mar~2018~09:53:19~+0000 CallbackSource=call-progress-events SequenceNumber=3 ToCity=Münster CalledCity=Münster ToState=NW CalledState=NW ToZip= CalledZip= ToCountry=DE CalledCountry=DE CallStatus=completed Duration=1 CallDuration=49 AnsweredBy=human"),
    ("a status with days and months written out", STATUS, "{CALL} {FULL} Direction=outbound-api Timestamp=Thurs,~20~July~1989~18:30:43~+0000 CallbackSource=call-progress-events SequenceNumber=0 CallDuration=42 CallStatus=completed AnsweredBy=human"),
    ("a status of a leg not yet ringing", STATUS, "{CALL} @From:cszK @To:cszK @Caller:cszK @Called:cszK Direction=outbound-api Timestamp=Thu,~12~Feb~2026~11:48:25~+0000 CallbackSource=call-progress-events SequenceNumber=0 CallStatus=initiated"),
    ("a status of a test tool, with a call that is none", STATUS, "AccountSid={account} ApiVersion=2010-04-01 CallSid=SIDTESTING Called={to} Caller={from} From={from} To={to} {FULL} CallDuration=0 CallStatus=ringing CallbackSource=call-progress-events Direction=outbound-api Duration=0 SequenceNumber=2 SipResponseCode=487 Timestamp=2024-06-17~16:49:31~UTC"),
    ("the end of a conference", STATUS, "AccountSid={account} ConferenceSid=CF{hex} FriendlyName=Room~12 Reason=Participant~left SequenceNumber=6 StatusCallbackEvent=conference-end Timestamp=2024-06-17~16:49:31~UTC"),
    ("a recording of a test tool", RECORDING, "AccountSid={account} CallSid=SIDTESTING ErrorCode=0 RecordingChannels=1 RecordingDuration=4 RecordingSid={recording} RecordingSource=RecordVerb RecordingStartTime=Wed,~25~Jun~2025~18:27:04~-0600 RecordingStatus=completed RecordingUrl=https://media.example.test/audio.mp3?filename=ding.mp3"),
    ("a recording under way", RECORDING, "CallSid={call} RecordingSid={recording} RecordingStatus=in-progress RecordingDuration=0"),
    ("a recording that holds nothing", RECORDING, "CallSid=CA-record RecordingSid=RE-audit RecordingStatus=absent RecordingSource=StartCallRecordingAPI RecordingChannels=2"),
    ("a message written down", WRITTEN, "{CALL} TranscriptionType=fast TranscriptionUrl=https://api.twilio.com/2010-04-01/Accounts/{account}/Recordings/{recording}/Transcriptions/TR{hex} TranscriptionSid=TR{hex} RecordingSid={recording} CallStatus=completed RecordingUrl=https://api.twilio.com/2010-04-01/Accounts/{account}/Recordings/{recording} Direction=inbound url=http://example.test/voicemail/store/x TranscriptionText=please~call~me~back. TranscriptionStatus=completed ForwardedFrom={to}"),
    ("blanks written down", WRITTEN, "CallSid=call-empty-1 From={from} TranscriptionStatus=completed TranscriptionText=~~~"),
    ("a message ended by a key, by a call that is none", ON, "CallSid=CAtrans From=+4915550100 RecordingUrl=https://api.twilio.com/2010-04-01/Accounts/ACxxx/Recordings/REtrans1 RecordingSid=REtrans1 RecordingDuration=20 RecordingStatus=completed RecordingTranscription= Digits=#"),
    ("a message written down in German", WRITTEN, "CallSid=CAtrans RecordingSid=REtrans1 TranscriptionText=Guten~Tag,~bitte~rufen~Sie~mich~zurück.~Schöne~Grüße! TranscriptionStatus=completed"),
    ("a ring with made-up legs", ON, "AccountSid=AC_test CallSid=CA_parent DialCallSid=CA_child DialCallStatus=completed DialBridged=true"),
    ("a ring that failed", ON, "CallSid=CAfailed_parent DialCallStatus=failed DialCallSid=CAfailed DialCallDuration=0 DialBridged=false"),
    ("a ring, busy", ON, "CallSid=CA123456 DialCallSid=CA789012 DialCallStatus=busy Called={to}"),
    ("a ring that failed without a leg", ON, "CallSid=CA123456 DialCallStatus=failed Called={to}"),
    ("a ring that rang out", ON, "CallSid={call} CallStatus=in-progress DialCallSid={leg} DialCallStatus=no-answer DialCallDuration=30"),
    ("the shortest status", STATUS, "CallSid={call} CallbackSource=call-progress-events SequenceNumber=0 CallStatus=initiated"),
    ("a machine that picked up", STATUS, "CallSid=CA123456 AnsweredBy=machine_start To={to} MachineDetectionDuration=3500"),
    ("a text that says STOP", SMS, "MessageSid=SM123 AccountSid=AC123 From={from} To={to} Body=STOP NumMedia=1 MediaUrl0=https://example.com/a.jpg MessagingServiceSid=MG123 OptOutType=STOP"),
    ("a text that did not arrive", SENT, "MessageSid=SM789 MessageStatus=undelivered ErrorCode=30003 ErrorMessage=Handset~out~of~reach"),
    ("a text delivered, with its price", SENT, "MessageSid=SM123 MessageStatus=delivered Price=-0.0075 PriceUnit=USD"),
    ("a caller id verified", STATUS, "{CALL} {FULL} OutgoingCallerIdSid=PN{hex} VerificationStatus=success Direction=outbound-api Duration=1 CallStatus=completed CallDuration=23"),
    ("a text without a sender", SMS, "To={to} MessageSid=TestMessageId Body=made~up MessagingServiceSid=madeUpSid_1"),
    ("a call without From and To, its numbers without a plus", IN, "AccountSid=ACXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX CallStatus=in-progress Called={to-bare} Caller={from-bare} CallerCity= CallerCountry=US CallerState=Nevada CallerZip= @Called:CSZK DialStatus=answered CallSid={call}"),
    ("keys, by a call that is none", ON, "CallSid=CA1234567890ABCDE Caller={from} Digits=1234 From={from} To={to}"),
    ("a status with a reason", STATUS, "CallSid=1 CallStatus=failed From=123 CallDuration=0 CallStatusReason=No~such~thing CallStatusCode=30"),
    ("a status with a field of the action's query", STATUS, "CallSid=1 CallStatus=completed From=123 CallDuration=0 foo=1"),
    ("a status with another one first", STATUS, "sample=1 CallSid=1 CallStatus=completed From=123 CallDuration=0"),
    ("a call that we placed", IN, "CallSid={call} From={from} To={to} CallStatus=in-progress Direction=outbound-api"),
    ("a status with an error", STATUS, "CallSid=CAfailed CallStatus=failed ErrorCode=31005 ErrorMessage=Connection~error"),
    ("the fallback without an account", IN, "CallSid={call} ErrorCode=11200 ErrorUrl=https://example.com/handler ErrorMessage=HTTP~retrieval~failure To={to} From={from} Direction=inbound"),
    ("a text delivered", SENT, "MessageSid={sms} MessageStatus=delivered To={to} From={from} AccountSid=AC123"),
    ("a text that failed", SENT, "MessageSid=SMfailed MessageStatus=failed ErrorCode=30001 ErrorMessage=Queue~overflow"),
    ("a recording with made-up names", RECORDING, "AccountSid=AC123 RecordingSid=RE123test RecordingUrl=https://api.twilio.com/recordings/RE123test RecordingStatus=completed RecordingDuration=45 CallSid=CA123test"),
    ("a text from a place", SMS, "@To:CSZ @From:CSZK SmsMessageSid={sms} NumMedia=0 SmsSid={sms} SmsStatus=received Body=Ahoy! To={to} NumSegments=1 ReferralNumMedia=0 MessageSid={sms} AccountSid=ACnothex{hex} From=+10195550123 ApiVersion=2010-04-01"),
    ("a ring by another make of server", ON, "From=+1000 To={to} CallSid=5150691c-3db4-11e2-99cd-1f3f1cd70000 CallStatus=in-progress DialCallStatus=completed"),
    ("a call by another make of server", IN, "CallStatus=in-progress From=+1000 To={to} CallSid=5250692c-3db4-11e2-99cd-2f3f1cd70000 ApiVersion=other-twilio-0.0.1"),
    ("a text with an account that is none", SMS, "{TEXT} Body=Msg"),
    ("two pictures and no words", SMS, "{TEXT} NumMedia=2 MediaUrl0=cat.jpg MediaUrl1=dog.jpg"),
    ("a text that is Base64", SMS, "{TEXT} Body=UmluZ2ZhbGwgd2FzIGhlcmUgLi4uCuKAnGFuZCBzbyB3ZXJlIHlvdeKA"),
    ("a WhatsApp text with a country's user", SMS, "{TEXT} From=whatsapp:{from} To=whatsapp:{to} ExternalUserId=whatsapp:US.1234 Body=Msg"),
    ("a WhatsApp text with a named user", SMS, "{TEXT} From=whatsapp:{from} To=whatsapp:{to} ExternalUserId=whatsapp:sam_sample Body=Msg"),
    ("a text once more", SMS, "{TEXT} Body=Msg~again"),
    ("a text delivered, told in both ways", SENT, "SmsSid=SMnothex{hex} SmsStatus=delivered MessageStatus=delivered To={to} MessageSid={sms} AccountSid=ACnothex{hex} From={from} ApiVersion=2010-04-01"),
    ("a text whose names do not agree", SMS, "{TEXT} SmsSid=SMnothex{hex} SmsMessageSid=SMother{hex} Body=Hello,~it~is~me"),
    ("the shortest message", ON, "CallSid=CA123 From={from} To={to} RecordingUrl=http://media.example/my/user_recording.wav"),
    ("a call that waits, and is none", IN, "CallSid=12345 AccountSid=23456 Caller={from} To={to} Called={to} CallStatus=queued ApiVersion=2010-04-01 Direction=inbound"),
    ("the same without a caller", IN, "CallSid=12345 AccountSid=23456 To={to} Called={to} CallStatus=queued ApiVersion=2010-04-01 Direction=inbound"),
];

/// Fills a shape's blanks; a later field of the same name replaces the earlier one.
fn fields(shape: &str, call: &str, to: &str) -> Vec<(String, String)> {
    let hex = call.trim_start_matches("CA");
    let whole = shape.replace("{CALL}", CALL).replace("{FULL}", FULL).replace("{TEXT}", TEXT);
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut put = |name: &str, value: &str| {
        fields.retain(|(known, _)| known != name);
        fields.push((name.to_owned(), value.to_owned()));
    };
    for word in whole.split_whitespace() {
        if let Some((party, parts)) = word.strip_prefix('@').and_then(|word| word.split_once(':')) {
            for part in parts.chars() {
                let (name, value) = match part.to_ascii_uppercase() {
                    'C' => ("City", "SAN DIEGO"),
                    'S' => ("State", "CA"),
                    'Z' => ("Zip", "92101"),
                    _ => ("Country", "US"),
                };
                put(&format!("{party}{name}"), if part.is_ascii_uppercase() { value } else { "" });
            }
            continue;
        }
        let (name, value) = word.split_once('=').unwrap();
        let value = value
            .replace('~', " ")
            .replace("{account}", ACCOUNT)
            .replace("{call}", call)
            .replace("{leg}", &format!("CA{}", hex.chars().rev().collect::<String>()))
            .replace("{recording}", &format!("RE{hex}"))
            .replace("{sms}", &format!("SM{hex}"))
            .replace("{hex}", hex)
            .replace("{to-bare}", to.trim_start_matches('+'))
            .replace("{to}", to)
            .replace("{from-bare}", CALLER.trim_start_matches('+'))
            .replace("{from}", CALLER);
        put(name, &value);
    }
    fields
}

/// The action address of a document, if it has one.
fn action(twiml: &str) -> Option<String> {
    let (_, after) = twiml.split_once("action=\"")?;
    Some(after.split('"').next()?.replace("&amp;", "&"))
}

fn holds(name: &str, endpoint: Endpoint, reply: &Reply) {
    assert_eq!(reply.status, 200, "{name}: {reply:?}");
    assert_eq!(reply.content_type.to_ascii_lowercase(), "text/xml; charset=utf-8", "{name}");
    let context = match endpoint {
        Endpoint::InboundSms | Endpoint::MessageStatus => Context::Messaging,
        Endpoint::Screen => Context::Screening,
        Endpoint::InboundCall
        | Endpoint::Continue
        | Endpoint::CallStatus
        | Endpoint::Recording
        | Endpoint::Transcription => Context::Voice,
    };
    let errors: Vec<_> = schema::check(&reply.body, context).into_iter().filter(schema::Complaint::is_error).collect();
    assert!(errors.is_empty(), "{name}: {errors:?}\n{}", reply.body);
    if !endpoint.is_answered_with_instructions() {
        assert!(reply.body.trim_end().ends_with("<Response/>"), "{name}: {}", reply.body);
    }
}

#[test]
fn sixty_shapes_are_answered_under_every_shipped_rule_file() {
    let service = Telephone::shipped();
    let lines: Vec<(String, String)> = {
        let now = service.running().app.live.now();
        let lines = now.organizations().flat_map(|org| org.rules.lines.iter().map(|line| (org.slug.to_string(), line)));
        lines.map(|(slug, line)| (slug, line.number.to_string())).collect()
    };
    assert!(lines.len() >= 5, "{lines:?}");
    for (place, (org, to)) in lines.iter().enumerate() {
        for (number, (name, endpoint, shape)) in SHAPES.iter().enumerate() {
            let call = format!("CA{place:016x}{number:016x}");
            let mut fields = fields(shape, &call, to);
            // Who is not our account is refused, whatever the shape: that is another test's business.
            fields.retain(|(name, _)| name != "AccountSid");
            fields.push(("AccountSid".to_owned(), ACCOUNT.to_owned()));
            let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let target = if *endpoint == ON {
                let first = [
                    ("AccountSid", ACCOUNT),
                    ("CallSid", &call),
                    ("CallStatus", "ringing"),
                    ("From", CALLER),
                    ("To", to),
                ];
                let first = service.post(IN.path(), &first);
                holds(name, IN, &first);
                action(&first.body).unwrap_or_else(|| panic!("{org}: no action in {}", first.body))
            } else {
                format!("{}?org={org}", endpoint.path())
            };
            let shown = format!("{org} {to}: {name}");
            let reply = service.post(&target, &fields);
            holds(&shown, *endpoint, &reply);
            let again = service.post(&target, &fields);
            assert_eq!(again.body, reply.body, "{shown}: the same request twice");
        }
    }
}
