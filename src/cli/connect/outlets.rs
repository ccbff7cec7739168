//! `ringfall connect slack` and others: accounts that notices go out over and sheets are read with.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::admin::Office;
use crate::admin::outlets::Wish;
use crate::cli::connect::{changed, key, told, unread};
use crate::cli::office::{self, Misuse, Whose, number};
use crate::cli::outcome::Outcome;
use crate::egress::Egress;
use crate::feed::hook::Signer;
use crate::feed::token::Account;
use crate::model::ids::OrgSlug;
use crate::model::phone::E164;
use crate::model::secret::Secret;
use crate::notices::mail::{self, Ungreeted};
use crate::notices::{slack, telegram};
use crate::settings::Settings;
use crate::tenant::owner::Owner;
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
pub(crate) struct Slack {
    #[command(flatten)]
    whose: Whose,
    /// File with a bot's token (xoxb-…) or the address of an incoming webhook, mode 600 [default: standard input]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Telegram {
    #[command(flatten)]
    whose: Whose,
    /// File with the bot's token, as BotFather gives it, mode 600 [default: standard input]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct WhatsApp {
    /// The organization
    #[arg(long, value_name = "NAME", value_parser = crate::cli::ground::slug)]
    org: OrgSlug,
    /// The Twilio account that the sender belongs to: `AC` and 32 hex digits
    #[arg(long, value_name = "SID", value_parser = unread)]
    account_sid: Secret,
    /// An API key of that account: `SK` and 32 hex digits
    #[arg(long, value_name = "SID", value_parser = unread)]
    api_key: Secret,
    /// File with the API key's secret, mode 600 [default: standard input]
    #[arg(long, value_name = "FILE")]
    api_secret_file: Option<PathBuf>,
    /// The WhatsApp sender's number
    #[arg(long, value_name = "NUMBER", value_parser = number)]
    from: E164,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Webhook {
    #[command(flatten)]
    whose: Whose,
    /// File with the secret that notices are signed with: `whsec_` and base64, mode 600 [default: a new one, shown once]
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Email {
    #[command(flatten)]
    whose: Whose,
    /// The mail server, such as smtp.example.com or smtp.example.com:587
    ///
    /// At port 465, which is meant without a port, a connection is encrypted from its first byte, and at others once the
    /// server has greeted. `smtps://` before the host means the first whatever the port, `smtp://` the second, and
    /// `unencrypted://` neither: for a server within your own network that `outbound_allow` names.
    #[arg(long, value_name = "HOST[:PORT]")]
    server: String,
    /// The address that mails come from [default: the user]
    #[arg(long, value_name = "ADDRESS", required_unless_present = "user")]
    from: Option<String>,
    /// Who we are to the server; without it, it must take our mail unasked
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// File with the user's password, mode 600 [default: standard input]
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Disconnect {
    #[command(flatten)]
    whose: Whose,
    /// The provider, such as slack
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
    let account = account.client_email;
    let whose = args.whose.owner();
    connected(office, wish(whose, Provider::Google, account, "service-account", secret), by).await
}

pub(crate) async fn slack(office: &Office, settings: &Settings, args: &Slack, by: &Stamp) -> anyhow::Result<Outcome> {
    let secret = office::secret(args.token_file.as_deref(), "token or webhook address")?;
    let (account, name) = if secret.expose().starts_with("https://") {
        (slack::workspace_of(&secret).map_err(Misuse)?, slack::WEBHOOK)
    } else if secret.expose().starts_with("xoxb-") {
        let egress = Egress::new(settings.outbound.allow.clone())?;
        (slack::workspace(&egress, &settings.outbound.slack_url, &secret).await.map_err(Misuse)?, slack::BOT)
    } else {
        let way = "give a bot's token, which begins with `xoxb-`, or the address of an incoming webhook";
        return Err(Misuse(way.to_owned()).into());
    };
    connected(office, wish(args.whose.owner(), Provider::Slack, account, name, secret), by).await
}

pub(crate) async fn telegram(
    office: &Office,
    settings: &Settings,
    args: &Telegram,
    by: &Stamp,
) -> anyhow::Result<Outcome> {
    let secret = office::secret(args.token_file.as_deref(), "bot token")?;
    let account = telegram::bot_of(&secret).map_err(Misuse)?;
    let egress = Egress::new(settings.outbound.allow.clone())?;
    let name = telegram::name(&egress, &settings.outbound.telegram_url, &secret).await.map_err(Misuse)?;
    connected(office, wish(args.whose.owner(), Provider::Telegram, account, &name, secret), by).await
}

pub(crate) async fn whatsapp(office: &Office, args: &WhatsApp, by: &Stamp) -> anyhow::Result<Outcome> {
    let (account, sid) = (super::account(&args.account_sid)?, key(&args.api_key)?);
    let secret = office::secret(args.api_secret_file.as_deref(), "API key's secret")?;
    let owner = Owner::Org(args.org.clone());
    let wish = wish(owner, Provider::WhatsApp, account.to_string(), sid.as_str(), secret);
    connected(office, Wish { from: Some(args.from.to_string()), ..wish }, by).await
}

pub(crate) async fn webhook(office: &Office, args: &Webhook, by: &Stamp) -> anyhow::Result<Outcome> {
    let (secret, fresh) = match &args.secret_file {
        Some(file) => (office::secret_file(file)?, false),
        None => (Signer::draw().context("no random bytes are to be had")?, true),
    };
    Signer::parse(secret.expose()).map_err(Misuse)?;
    let wish = wish(args.whose.owner(), Provider::Webhook, "notices".to_owned(), "standard-webhooks", secret.clone());
    let outcome = connected(office, wish, by).await?;
    if fresh {
        told("the secret, which nobody can show again:");
        told(secret.expose());
    }
    Ok(outcome)
}

pub(crate) async fn email(office: &Office, settings: &Settings, args: &Email, by: &Stamp) -> anyhow::Result<Outcome> {
    let from = args.from.as_ref().or(args.user.as_ref()).map_or("", String::as_str);
    let from = mail::sender(from).map_err(|why| Misuse(format!("{why}: give the sender with `--from`")))?;
    let server = mail::Server::parse(&args.server, args.user.clone()).map_err(Misuse)?;
    let password = match &args.user {
        Some(_) => office::secret(args.password_file.as_deref(), "password")?,
        None => Secret::new(String::new()),
    };
    let egress = Egress::new(settings.outbound.allow.clone())?;
    match mail::greeted(&egress, &server, &from, &password).await {
        Ok(()) => {}
        Err(Ungreeted::Wrong(why)) => return Err(Misuse(why).into()),
        Err(Ungreeted::Away(why)) => anyhow::bail!("{why}"),
    }
    connected(office, wish(args.whose.owner(), Provider::Email, from, &server.to_string(), password), by).await
}

fn wish(owner: Owner, provider: Provider, account: String, name: &str, secret: Secret) -> Wish {
    Wish { owner, provider, account, name: name.to_owned(), secret, from: None }
}

async fn connected(office: &Office, wish: Wish, by: &Stamp) -> anyhow::Result<Outcome> {
    Ok(changed(&office.connect_outlet(&wish, by).await?))
}

pub(crate) async fn disconnect(office: &Office, args: &Disconnect, by: &Stamp) -> anyhow::Result<Outcome> {
    Ok(changed(&office.drop_outlet(&args.whose.owner(), args.provider, by).await?))
}
