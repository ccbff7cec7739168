//! `ringfall connect google` and others: accounts that notices go out over and sheets are read with.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::admin::Office;
use crate::admin::outlets::Wish;
use crate::cli::connect::changed;
use crate::cli::office::{self, Misuse, Whose};
use crate::cli::outcome::Outcome;
use crate::feed::token::Account;
use crate::tenant::profile::Provider;
use crate::tenant::stamp::Stamp;

#[derive(Debug, clap::Args)]
pub(crate) struct Google {
    #[command(flatten)]
    whose: Whose,
    /// The service account's key file as it was downloaded, mode 600
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Disconnect {
    #[command(flatten)]
    whose: Whose,
    /// The provider, such as google
    #[arg(value_parser = provider)]
    provider: Provider,
}

fn provider(text: &str) -> Result<Provider, String> {
    let others = Provider::ALL.iter().filter(|provider| **provider != Provider::Twilio);
    let known: Vec<&str> = others.map(|provider| provider.word()).collect();
    let found = Provider::parse(text).filter(|provider| *provider != Provider::Twilio);
    found.ok_or_else(|| format!("the providers are {}; for Twilio see `ringfall connect revoke`", known.join(", ")))
}

pub(crate) async fn google(office: &Office, args: &Google, by: &Stamp) -> anyhow::Result<Outcome> {
    let secret = office::secret_file(&args.key_file)?;
    let account = Account::parse(secret.expose()).and_then(|account| {
        // A key that cannot sign is known now, and not when the first sheet is read.
        account.statement("https://www.googleapis.com/auth/spreadsheets.readonly", 0).map(|_| account)
    });
    let account = account.map_err(|why| Misuse(format!("`{}`: {why}", args.key_file.display())))?;
    let wish = Wish {
        owner: args.whose.owner(),
        provider: Provider::Google,
        account: account.client_email,
        name: "service-account".to_owned(),
        secret,
        from: None,
    };
    connected(office, &wish, by).await
}

async fn connected(office: &Office, wish: &Wish, by: &Stamp) -> anyhow::Result<Outcome> {
    let made = office.connect_outlet(wish, by).await;
    Ok(changed(&made.with_context(|| format!("the account at {} is not connected", wish.provider))?))
}

pub(crate) async fn disconnect(office: &Office, args: &Disconnect, by: &Stamp) -> anyhow::Result<Outcome> {
    Ok(changed(&office.drop_outlet(&args.whose.owner(), args.provider, by).await?))
}
