//! Leave to write to Google's interfaces, for an hour at a time.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use reqwest::Client;
use serde::Deserialize;

use crate::app::ports::Clock;
use crate::feed::token::Account;
use crate::sinks::{Trouble, web};

/// The service account, and the leave that it has now.
#[derive(Debug)]
pub(crate) struct Leave {
    pub(crate) account: Account,
    scope: &'static str,
    clock: Arc<dyn Clock>,
    token: Option<Token>,
}

struct Token {
    text: String,
    until: i64,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Token(***, {})", self.until)
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: i64,
}

/// Seconds before its end at which a token is no longer used.
const MARGIN: i64 = 60;

impl Leave {
    pub(crate) fn new(file: &Path, scope: &'static str, clock: &Arc<dyn Clock>) -> anyhow::Result<Self> {
        let cannot = || format!("`{}`", file.display());
        let text = std::fs::read_to_string(file).with_context(cannot)?;
        let account = Account::parse(&text).map_err(anyhow::Error::msg).with_context(cannot)?;
        // A key that cannot sign is known now, and not when the first record waits.
        account.statement(scope, 0).map_err(anyhow::Error::msg).with_context(cannot)?;
        Ok(Self::of(account, scope, clock))
    }

    /// The leave of an account that is known.
    pub(crate) fn of(account: Account, scope: &'static str, clock: &Arc<dyn Clock>) -> Self {
        Self { account, scope, clock: Arc::clone(clock), token: None }
    }

    /// The token for a request.
    pub(crate) async fn token(&mut self, client: &Client) -> Result<String, Trouble> {
        let now = self.clock.now().as_second();
        if let Some(token) = self.token.as_ref().filter(|token| now < token.until) {
            return Ok(token.text.clone());
        }
        let assertion = self.account.statement(self.scope, now).map_err(Trouble::later)?;
        let form = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", &assertion)];
        let answer = web::asked(client.post(&self.account.token_uri).form(&form)).await.map_err(always_later)?;
        let granted: Granted =
            serde_json::from_str(&answer).map_err(|_unshown| Trouble::later("its answer to the key holds no token"))?;
        self.token = Some(Token { text: granted.access_token.clone(), until: now + granted.expires_in - MARGIN });
        Ok(granted.access_token)
    }

    /// The token is not believed any more.
    pub(crate) fn forget(&mut self) {
        self.token = None;
    }
}

/// Being refused a token says nothing about the records.
pub(crate) fn always_later(trouble: Trouble) -> Trouble {
    match trouble {
        Trouble::Never(why) => Trouble::later(why),
        later @ Trouble::Later { .. } => later,
    }
}
