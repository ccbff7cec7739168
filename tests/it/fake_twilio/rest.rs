//! What the interface answers: one function for each thing that can be asked.

use serde_json::{Value, json};

use crate::fake_twilio::rules;
use crate::fake_twilio::{Answer, State};

/// A request, decoded.
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) fields: &'a [(String, String)],
    pub(super) login: &'a Option<(String, String)>,
}

impl Request<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn not_found() -> Answer {
    Answer::fault(404, 20404, "The requested resource was not found")
}

/// What Twilio would answer.
pub(super) fn answer(state: &mut State, request: &Request<'_>, complaints: &mut Vec<String>) -> Answer {
    let denied = || Answer::fault(401, 20003, "Authenticate");
    let Some((user, password)) = request.login else { return denied() };
    let own = *user == state.account && *password == state.token;
    let key = state.keys.get(user).is_some_and(|secret| secret == password);
    if !own && !key {
        return denied();
    }
    let Some(path) = request.path.strip_prefix("/2010-04-01/Accounts/") else { return not_found() };
    if let Some(refusal) = rules::refusal((request.method, path), request.fields, complaints) {
        return refusal;
    }
    if path == format!("{}.json", state.account) {
        // Keys of the usual kind do not reach the account itself.
        return if own { account(state) } else { denied() };
    }
    let Some(path) = path.strip_prefix(&format!("{}/", state.account)) else { return denied() };
    let parts: Vec<&str> = path.split('/').collect();
    match (request.method, parts.as_slice()) {
        ("GET", ["IncomingPhoneNumbers.json"]) => listed(state, request),
        ("POST", ["IncomingPhoneNumbers.json"]) => bought(state, request),
        ("POST", ["IncomingPhoneNumbers", file]) => set(state, file.trim_end_matches(".json"), request),
        ("GET", ["AvailablePhoneNumbers", country, _]) => offered(state, country, request),
        ("POST", ["Messages.json"]) => sent(state, request),
        ("GET", ["Messages.json"]) => messages(state, request),
        ("GET", ["Calls", file]) => call(state, file.trim_end_matches(".json"), None),
        ("POST", ["Calls", file]) => call(state, file.trim_end_matches(".json"), request.get("Status")),
        ("GET", ["Recordings", file]) => recording(state, file),
        ("DELETE", ["Recordings", file]) => deleted(state, file),
        _ => not_found(),
    }
}

fn account(state: &State) -> Answer {
    let body = json!({ "sid": state.account, "friendly_name": "Acme", "status": "active", "type": "Full" });
    Answer::json(200, &body)
}

fn listed(state: &State, request: &Request<'_>) -> Answer {
    let wanted = request.get("PhoneNumber");
    let all: Vec<_> =
        state.numbers.iter().filter(|it| wanted.is_none_or(|wanted| it["phone_number"] == wanted)).collect();
    let size = request.get("PageSize").and_then(|size| size.parse().ok()).unwrap_or(50).min(state.page);
    let page: usize = request.get("Page").and_then(|page| page.parse().ok()).unwrap_or(0);
    let here: Vec<_> = all.iter().skip(page * size).take(size).collect();
    let next = (all.len() > (page + 1) * size).then(|| {
        let next = page + 1;
        format!(
            "/2010-04-01/Accounts/{}/IncomingPhoneNumbers.json?PageSize={size}&Page={next}&PageToken=PA{next}",
            state.account
        )
    });
    Answer::json(
        200,
        &json!({ "incoming_phone_numbers": here, "page": page, "page_size": size, "next_page_uri": next }),
    )
}

fn apply(number: &mut Value, request: &Request<'_>) {
    for (name, value) in request.fields {
        let mut key = String::new();
        for sign in name.chars() {
            if sign.is_ascii_uppercase() && !key.is_empty() {
                key.push('_');
            }
            key.push(sign.to_ascii_lowercase());
        }
        number[&key] = if key.ends_with("_sid") && value.is_empty() { Value::Null } else { value.as_str().into() };
    }
}

fn set(state: &mut State, sid: &str, request: &Request<'_>) -> Answer {
    let Some(number) = state.numbers.iter_mut().find(|number| number["sid"] == sid) else { return not_found() };
    let mut changed = number.clone();
    apply(&mut changed, request);
    if changed["voice_url"] == "" && changed["voice_fallback_url"] != "" {
        return Answer::fault(400, 21405, "A fallback URL needs a URL");
    }
    *number = changed;
    Answer::json(200, number)
}

fn bought(state: &mut State, request: &Request<'_>) -> Answer {
    let wanted = request.get("PhoneNumber").unwrap_or_default();
    let Some(place) = state.for_sale.iter().position(|known| known == wanted) else {
        return Answer::fault(400, 21422, &format!("{wanted} is not available"));
    };
    let number = state.for_sale.remove(place);
    state.own(&number, &[]);
    Answer::json(201, state.number(&number))
}

fn offered(state: &State, country: &str, request: &Request<'_>) -> Answer {
    let area = request.get("AreaCode").unwrap_or_default();
    let digits = request.get("Contains").unwrap_or_default().replace('*', "");
    let fits = |number: &&String| number[2..].starts_with(area) && number.contains(&digits);
    let list = state.for_sale.iter().filter(fits).map(|number| {
        json!({ "phone_number": number, "friendly_name": number, "locality": "San Diego", "region": "CA",
            "iso_country": country, "capabilities": { "voice": true, "SMS": true, "MMS": true } })
    });
    Answer::json(200, &json!({ "available_phone_numbers": list.collect::<Vec<_>>() }))
}

fn sent(state: &mut State, request: &Request<'_>) -> Answer {
    let (to, from) = (request.get("To").unwrap_or_default(), request.get("From").unwrap_or_default());
    let body = match request.get("ContentSid") {
        None => request.get("Body").unwrap_or_default().to_owned(),
        Some(template) => match filled(state, template, request.get("ContentVariables").unwrap_or("{}")) {
            Ok(body) => body,
            Err(fault) => return fault,
        },
    };
    // Over another channel, both sides say so.
    let (to_channel, from_channel) = (to.strip_prefix("whatsapp:"), from.strip_prefix("whatsapp:"));
    if to_channel.is_some() != from_channel.is_some() {
        return Answer::fault(400, 63007, "Twilio could not find a Channel with the specified From address");
    }
    let plain_from = from_channel.unwrap_or(from);
    if to == from {
        return Answer::fault(400, 21266, "'To' and 'From' number cannot be the same");
    }
    if !state.numbers.iter().any(|number| number["phone_number"] == plain_from) {
        return Answer::fault(400, 21606, &format!("The From phone number {from} is not a valid, SMS-capable one"));
    }
    if state.opted_out.contains(to) {
        return Answer::fault(400, 21610, &format!("Attempt to send to unsubscribed recipient {to}"));
    }
    let sid = state.sid("SM");
    let now = state.now.clone();
    let now = now.unwrap_or_else(|| jiff::fmt::rfc2822::to_string(&jiff::Zoned::now()).unwrap());
    let message = json!({
        "sid": sid, "account_sid": state.account, "to": to, "from": from, "body": body, "status": "queued",
        "direction": "outbound-api", "date_created": now, "date_sent": null, "error_code": null,
        "error_message": null, "num_segments": parts(&body).to_string(), "price": null, "price_unit": null, "num_media": "0", "messaging_service_sid": null,
    });
    state.messages.push(message.clone());
    Answer::json(201, &message)
}

/// What a template says, with its blanks filled. A blank takes one line.
fn filled(state: &State, template: &str, variables: &str) -> Result<String, Answer> {
    let Some(text) = state.templates.get(template) else {
        return Err(Answer::fault(400, 21655, "The ContentSid is invalid"));
    };
    let variables: serde_json::Map<String, Value> = serde_json::from_str(variables).unwrap();
    variables.iter().try_fold(text.clone(), |text, (name, value)| {
        let value = value.as_str().filter(|value| !value.is_empty() && !value.contains(['\n', '\t']));
        let value = value.ok_or_else(|| Answer::fault(400, 21656, "The ContentVariables Parameter is invalid"))?;
        Ok(text.replace(&format!("{{{{{name}}}}}"), value))
    })
}

/// How many parts a carrier makes of such simple words.
fn parts(body: &str) -> usize {
    let (length, alone, each) =
        if body.is_ascii() { (body.len(), 160, 153) } else { (body.encode_utf16().count(), 70, 67) };
    if length <= alone { 1 } else { length.div_ceil(each) }
}

fn messages(state: &State, request: &Request<'_>) -> Answer {
    let fits = |message: &&Value| {
        let same = |field: &str, name: &str| request.get(name).is_none_or(|wanted| message[field] == wanted);
        same("to", "To") && same("from", "From")
    };
    let size = request.get("PageSize").and_then(|size| size.parse().ok()).unwrap_or(50);
    let list: Vec<_> = state.messages.iter().rev().filter(fits).take(size).collect();
    Answer::json(200, &json!({ "messages": list, "next_page_uri": null }))
}

fn call(state: &mut State, sid: &str, status: Option<&str>) -> Answer {
    let Some(known) = state.calls.get_mut(sid) else { return not_found() };
    if let Some(status) = status {
        if known != "in-progress" && known != "ringing" {
            return Answer::fault(400, 21220, "Call is not in-progress. Cannot redirect.");
        }
        status.clone_into(known);
    }
    Answer::json(200, &json!({ "sid": sid, "status": known, "duration": "12" }))
}

/// Deleting leaves nothing, and answers nothing; a second time there is nothing to delete.
fn deleted(state: &mut State, file: &str) -> Answer {
    match state.recordings.remove(file.trim_end_matches(".json")) {
        Some(_) => Answer { status: 204, headers: Vec::new(), body: Vec::new() },
        None => not_found(),
    }
}

fn recording(state: &State, file: &str) -> Answer {
    let (sid, ending) = file.split_once('.').unwrap_or((file, "wav"));
    let Some(sound) = state.recordings.get(sid) else { return not_found() };
    if ending == "json" {
        return Answer::json(200, &json!({ "sid": sid, "status": "completed", "duration": "7" }));
    }
    Answer { status: 200, headers: vec![("Content-Type", "audio/mpeg".into())], body: sound.clone() }
}
