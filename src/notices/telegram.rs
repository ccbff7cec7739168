//! Telegram: a bot's `sendMessage`.

use serde::Deserialize;
use serde_json::json;

use crate::admin::outlets::Outlet;
use crate::app::messenger::herald::Notice;
use crate::app::messenger::ports::Failed;
use crate::egress::{Egress, Refused};
use crate::model::secret::Secret;
use crate::notices::answer::{Answer, asked, later, never, refused};

#[derive(Deserialize)]
struct Told {
    ok: bool,
    #[serde(default)]
    description: String,
    #[serde(default)]
    result: Option<Result>,
    #[serde(default)]
    parameters: Option<Parameters>,
}

#[derive(Deserialize)]
struct Result {
    #[serde(default)]
    message_id: i64,
    #[serde(default)]
    username: String,
}

#[derive(Deserialize)]
struct Parameters {
    #[serde(default)]
    retry_after: Option<u64>,
}

/// The address of a method. It holds the token, so it is never told.
fn url(egress: &Egress, base: &str, token: &Secret, method: &str) -> std::result::Result<reqwest::Url, Refused> {
    egress.admits(&format!("{}/bot{}/{method}", base.trim_end_matches('/'), token.expose()))
}

/// Sends a notice; Telegram's name for it.
pub(in crate::notices) async fn send(
    egress: &Egress,
    base: &str,
    outlet: &Outlet,
    notice: &Notice,
) -> std::result::Result<String, Failed> {
    let url = url(egress, base, &outlet.secret, "sendMessage").map_err(|why| refused(&why))?;
    let body = json!({
        "chat_id": notice.to,
        "text": notice.body,
        "link_preview_options": { "is_disabled": true },
    });
    let answer = asked(egress.sending().post(url).json(&body)).await?;
    let told: Option<Told> = serde_json::from_slice(&answer.body).ok();
    match told {
        Some(Told { ok: true, result, .. }) if answer.status.is_success() => {
            Ok(format!("{}/{}", notice.to, result.map_or(0, |result| result.message_id)))
        }
        Some(told) => Err(failed(&answer, &told)),
        None => Err(later(answer.shown(), answer.wait)),
    }
}

fn failed(answer: &Answer, told: &Told) -> Failed {
    let said: String = told.description.chars().filter(|sign| !sign.is_control()).take(120).collect();
    match answer.status.as_u16() {
        401 | 404 => later(
            format!("Telegram does not take the token ({said}): `ringfall connect telegram` with a new one"),
            None,
        ),
        400 | 403 => never(format!("Telegram refuses it: {said}; is the bot in the chat?")),
        _ => {
            let asked = told.parameters.as_ref().and_then(|it| it.retry_after).map(std::time::Duration::from_secs);
            later(format!("Telegram says {said}"), asked.or(answer.wait))
        }
    }
}

/// The number of a bot, which stands before the colon of its token; why it is no token.
pub fn bot_of(token: &Secret) -> std::result::Result<String, String> {
    let (bot, word) = token.expose().split_once(':').unwrap_or_default();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let fine = !bot.is_empty() && bot.bytes().all(|byte| byte.is_ascii_digit()) && word.len() >= 20;
    if fine && word.bytes().all(fits) {
        Ok(bot.to_owned())
    } else {
        Err("this is no bot's token: BotFather gives one like 123456789:ABC…".to_owned())
    }
}

/// The bot's name, when Telegram takes the token.
pub async fn name(egress: &Egress, base: &str, token: &Secret) -> std::result::Result<String, String> {
    let url = url(egress, base, token, "getMe").map_err(|why| why.to_string())?;
    let answer = asked(egress.sending().get(url))
        .await
        .map_err(|_unshown| "Telegram could not be asked whether the token is right".to_owned())?;
    match serde_json::from_slice::<Told>(&answer.body) {
        Ok(Told { ok: true, result: Some(bot), .. }) => Ok(bot.username),
        Ok(told) => Err(format!("Telegram does not take this token: {}", told.description)),
        Err(_) => Err(answer.shown()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_bot() {
        let of = |text: &str| bot_of(&Secret::new(text.to_owned()));
        assert_eq!(of("123456789:AAbbCCddEEffGGhhIIjjKKll"), Ok("123456789".into()));
        for wrong in ["", "123456789", "bot:AAbbCCddEEffGGhhIIjjKKll", "1:short", "1:AAbbCCddEE/../ffGGhhIIjjKKll"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
