//! Slack: a bot's `chat.postMessage`, or an incoming webhook.

use serde::Deserialize;
use serde_json::json;

use crate::admin::outlets::Outlet;
use crate::app::messenger::herald::Notice;
use crate::app::messenger::ports::Failed;
use crate::egress::Egress;
use crate::model::secret::Secret;
use crate::notices::answer::{asked, later, never, refused};

/// How a credential that is a bot's token is named.
pub const BOT: &str = "bot";

/// How a credential that is the address of an incoming webhook is named.
pub const WEBHOOK: &str = "incoming-webhook";

#[derive(Deserialize)]
struct Told {
    ok: bool,
    #[serde(default)]
    error: String,
    #[serde(default)]
    channel: String,
    /// Unique in its channel alone.
    #[serde(default)]
    ts: String,
    #[serde(default)]
    team_id: String,
}

/// Sends a notice; Slack's name for it.
pub(in crate::notices) async fn send(
    egress: &Egress,
    base: &str,
    outlet: &Outlet,
    notice: &Notice,
) -> Result<String, Failed> {
    let text = escaped(&notice.body);
    if outlet.name == WEBHOOK {
        let url = egress.admits(outlet.secret.expose()).map_err(|why| refused(&why))?;
        let answer = asked(egress.sending().post(url).json(&json!({ "text": text }))).await?;
        return match answer.status.as_u16() {
            200..=299 => Ok(notice.id.clone()),
            400 | 403 | 404 | 410 => Err(never(answer.shown())),
            _ => Err(later(answer.shown(), answer.wait)),
        };
    }
    let url = egress.admits(&format!("{}/api/chat.postMessage", base.trim_end_matches('/')));
    let body = json!({ "channel": notice.to, "text": text, "unfurl_links": false, "unfurl_media": false });
    let request = egress.sending().post(url.map_err(|why| refused(&why))?).bearer_auth(outlet.secret.expose());
    let answer = asked(request.json(&body)).await?;
    if !answer.status.is_success() {
        return Err(later(answer.shown(), answer.wait));
    }
    let told: Told = serde_json::from_slice(&answer.body).map_err(|_unshown| later(answer.shown(), None))?;
    if told.ok { Ok(format!("{}/{}", told.channel, told.ts)) } else { Err(failed(&told.error, &notice.to)) }
}

/// What Slack's word for an error means for a notice.
fn failed(error: &str, channel: &str) -> Failed {
    let word: String = error.chars().filter(|sign| sign.is_ascii_alphanumeric() || *sign == '_').take(60).collect();
    match word.as_str() {
        "channel_not_found" => {
            never(format!("Slack knows no channel `{channel}` that the app may see: invite the app"))
        }
        "not_in_channel" => never(format!("the app is not in `{channel}`: invite it there")),
        "is_archived" | "msg_too_long" | "no_text" | "restricted_action" | "missing_scope" => {
            never(format!("Slack refuses it: {word}"))
        }
        "invalid_auth" | "not_authed" | "account_inactive" | "token_revoked" | "token_expired" => {
            later(format!("Slack does not take the token ({word}): `ringfall connect slack` with a new one"), None)
        }
        _ => later(format!("Slack says {word}"), None),
    }
}

/// The text as Slack wants it, in which nothing of it can mention anybody.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Whose token it is: the workspace's name at Slack.
pub async fn workspace(egress: &Egress, base: &str, token: &Secret) -> Result<String, String> {
    let url = egress.admits(&format!("{}/api/auth.test", base.trim_end_matches('/')));
    let url = url.map_err(|why| why.to_string())?;
    let answer = asked(egress.sending().post(url).bearer_auth(token.expose()))
        .await
        .map_err(|_unshown| "Slack could not be asked whether the token is right".to_owned())?;
    let told: Told = serde_json::from_slice(&answer.body).map_err(|_unshown| answer.shown())?;
    if told.ok { Ok(told.team_id) } else { Err(format!("Slack does not take this token: {}", told.error)) }
}

/// The workspace in the address of an incoming webhook; why it is none.
pub fn workspace_of(address: &Secret) -> Result<String, String> {
    let wrong = || "this is no address of an incoming webhook: it looks like https://hooks.slack.com/services/T…/B…/…";
    let rest = address.expose().strip_prefix("https://").ok_or_else(wrong)?;
    let mut parts = rest.split('/').skip_while(|part| *part != "services").skip(1);
    let team = parts.next().filter(|team| team.bytes().all(|byte| byte.is_ascii_alphanumeric()) && !team.is_empty());
    Ok(team.ok_or_else(wrong)?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_mentions_anybody() {
        assert_eq!(escaped("<!channel> & <@U1>"), "&lt;!channel&gt; &amp; &lt;@U1&gt;");
    }

    #[test]
    fn errors_are_told_with_a_way_out() {
        assert!(matches!(failed("not_in_channel", "#calls"), Failed::Never { why, .. } if why.contains("invite")));
        assert!(
            matches!(failed("token_revoked", "#calls"), Failed::NotDone { why, .. } if why.contains("connect slack"))
        );
        assert!(matches!(failed("fatal_error", "#calls"), Failed::NotDone { .. }));
    }

    #[test]
    fn a_webhooks_address_names_its_workspace() {
        let of = |text: &str| workspace_of(&Secret::new(text.to_owned()));
        assert_eq!(of("https://hooks.slack.com/services/T0AB/B0CD/word"), Ok("T0AB".into()));
        for wrong in ["http://hooks.slack.com/services/T0AB/B0CD/word", "https://example.com/", "xoxb-1", ""] {
            assert!(of(wrong).is_err_and(|told| !told.contains("xoxb")), "{wrong}");
        }
    }
}
