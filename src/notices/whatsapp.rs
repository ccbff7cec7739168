//! WhatsApp, over Twilio's messages.

use std::sync::Arc;

use jiff::Timestamp;

use crate::admin::outlets::Outlet;
use crate::app::messenger::herald::Notice;
use crate::app::messenger::ports::{Failed, Receipt};
use crate::model::ids::{AccountSid, ApiKeySid};
use crate::model::secret::ApiKey;
use crate::notices::answer::later;
use crate::twilio::carrier::{failed, receipt};
use crate::twilio::client::{Client, Gate};

/// The account, and its sender.
fn account(gate: &Arc<Gate>, outlet: &Outlet) -> Result<(Client, String), Failed> {
    let odd = || later("the account is not connected as it should be: `ringfall connect whatsapp` anew", None);
    let account = AccountSid::parse(&outlet.account).map_err(|_unshown| odd())?;
    let sid = ApiKeySid::parse(&outlet.name).map_err(|_unshown| odd())?;
    let from = outlet.from.as_ref().ok_or_else(odd)?;
    let client = gate.client(&outlet.id, &account, &ApiKey { sid, secret: outlet.secret.clone() });
    Ok((client, format!("whatsapp:{from}")))
}

/// The words as a blank of a template takes them: on one line.
fn words(notice: &Notice) -> String {
    notice.body.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The blanks of the template: the first one gets the words.
fn blanks(notice: &Notice) -> String {
    serde_json::json!({ "1": words(notice) }).to_string()
}

/// Sends a notice.
pub(in crate::notices) async fn send(gate: &Arc<Gate>, outlet: &Outlet, notice: &Notice) -> Result<Receipt, Failed> {
    let (client, from) = account(gate, outlet)?;
    let to = format!("whatsapp:{}", notice.to);
    let (variables, content);
    let content = match &notice.template {
        Some(template) => {
            variables = blanks(notice);
            content = [("ContentSid", template.as_str()), ("ContentVariables", &variables)];
            &content[..]
        }
        None => &[("Body", notice.body.as_str())],
    };
    let sent = client.send_message(&from, &to, content).await;
    sent.map(receipt).map_err(|error| failed(&error))
}

/// Twilio's notices that look like this one and were made since then, the oldest first.
pub(in crate::notices) async fn find(
    gate: &Arc<Gate>,
    outlet: &Outlet,
    notice: &Notice,
    since: Timestamp,
) -> Result<Vec<Receipt>, Failed> {
    let (client, from) = account(gate, outlet)?;
    let words = words(notice);
    // What a template says around them is not known here.
    let fits = |body: &str| if notice.template.is_some() { body.contains(&*words) } else { body == notice.body };
    let found = client.messages_since(&from, &format!("whatsapp:{}", notice.to), fits, since).await;
    let found = found.map_err(|error| failed(&error))?;
    Ok(found.into_iter().rev().map(receipt).collect())
}
