//! `ringfall connect`: organizations' accounts at the carrier, and the numbers that lead to them.

#![expect(clippy::print_stderr, reason = "the command line talks on standard error")]

use std::path::PathBuf;

use jiff::SignedDuration;
use serde_json::Value;

use crate::admin::accounts::{Connect as Wish, Mode, Observe};
use crate::admin::numbers::{Became, Lead};
use crate::admin::{AdminError, Office};
use crate::cli::Answer;
use crate::cli::ground::{self, slug};
use crate::cli::office::{self, Desk, Format, Misuse, Whose, number};
use crate::cli::org;
use crate::cli::outcome::Outcome;
use crate::cli::terminal;
use crate::model::ids::{AccountSid, ApiKeySid, OrgSlug};
use crate::model::phone::E164;
use crate::model::secret::{ApiKey, Secret};
use crate::settings::Settings;
use crate::startup::carrier;
use crate::tenant::installation::{Installation, Proof};
use crate::tenant::owner::Owner;
use crate::tenant::stamp::Stamp;

mod import;
mod outlets;

/// What to do with accounts.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "An auth token is read from a file that only you may read (mode 600) or from standard input, checked once with the\n\
    carrier, and forgotten: only what checks signatures is kept, sealed. Give an API key for what must be asked of the carrier.\n\
    A next token cannot be checked before the carrier promotes it: `connect list` says `seen` once a request came with it.\n\
    Examples:\n  ringfall connect twilio --org acme --account-sid AC… --number +16195550100 < token\n  \
    ringfall connect rotate --org acme --token-file next-token\n  ringfall connect promote --org acme\n  \
    ringfall connect import --env-file repos.env --dry-run"
)]
pub struct Connect {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    desk: Desk,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Connect a Twilio account
    Twilio(Twilio),
    /// Take a second token beside the first, unchecked: both are believed until it is promoted
    Rotate {
        #[command(flatten)]
        which: Which,
        /// File with the new token, mode 600 [default: standard input]
        #[arg(long, value_name = "FILE")]
        token_file: Option<PathBuf>,
    },
    /// Believe the second token alone from now on, once a request was signed with it
    Promote {
        #[command(flatten)]
        which: Which,
        /// Also when no request has come yet that was signed with it
        #[arg(long)]
        unseen: bool,
    },
    /// Drop the second token, and stay with the first
    Rollback(Which),
    /// Believe nothing of the account any more, and forget its secrets
    Revoke(Which),
    /// End the observing of a new account's signatures now
    Enforce(Which),
    /// List accounts with how their signatures are taken
    List {
        /// Only this organization's
        #[arg(long, value_name = "NAME", value_parser = slug)]
        org: Option<OrgSlug>,
        /// How to show it
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Let a number lead to an organization
    Number(Bind),
    /// Let a number lead nowhere
    Release {
        /// The organization
        #[arg(long, value_name = "NAME", value_parser = slug)]
        org: OrgSlug,
        /// The number
        #[arg(value_parser = number)]
        number: E164,
        /// Where it leads to the platform's account
        #[arg(long)]
        platform: bool,
        /// Where it leads to this account, when it is in several
        #[arg(long, value_name = "SID", value_parser = unread)]
        account_sid: Option<Secret>,
    },
    /// Connect a Google service account that reads the sheets of switches
    Google(outlets::Google),
    /// Connect a Slack app or an incoming webhook, for notices
    Slack(outlets::Slack),
    /// Connect a Telegram bot, for notices
    Telegram(outlets::Telegram),
    /// Connect a WhatsApp sender of a Twilio account, for notices
    Whatsapp(outlets::WhatsApp),
    /// Keep the secret that notices to your own addresses are signed with
    Webhook(outlets::Webhook),
    /// Connect a mail server, for notices by mail
    Email(outlets::Email),
    /// Use an account at another provider than Twilio never again, and forget its key
    Disconnect(outlets::Disconnect),
    /// Move single-organization settings into the store
    Import(import::Import),
}

#[derive(Debug, clap::Args)]
struct Twilio {
    #[command(flatten)]
    whose: Whose,
    /// The account: `AC` and 32 hex digits
    #[arg(long, value_name = "SID", value_parser = unread)]
    account_sid: Secret,
    /// File with the account's auth token, mode 600 [default: standard input]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// An API key for the carrier's REST interface: `SK` and 32 hex digits
    #[arg(long, value_name = "SID", value_parser = unread, requires = "api_secret_file")]
    api_key: Option<Secret>,
    /// File with the API key's secret, mode 600
    #[arg(long, value_name = "FILE", requires = "api_key")]
    api_secret_file: Option<PathBuf>,
    /// A number of the account; say it again for more
    #[arg(long = "number", value_name = "NUMBER", value_parser = number)]
    numbers: Vec<E164>,
    #[command(flatten)]
    observing: Observing,
}

/// How long a new account's wrong signatures are answered with the static ending and explained.
#[derive(Debug, clap::Args)]
pub(crate) struct Observing {
    /// Refuse wrong signatures from so many good ones on
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    observe: u32,
    /// Refuse wrong signatures after so many hours at the latest
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u16).range(1..=720))]
    observe_hours: u16,
    /// Refuse wrong signatures from the start
    #[arg(long, conflicts_with_all = ["observe", "observe_hours"])]
    enforce: bool,
}

impl Observing {
    pub(crate) fn observe(&self) -> Option<Observe> {
        let time = SignedDuration::from_hours(self.observe_hours.into());
        (!self.enforce).then_some(Observe { needed: self.observe, time })
    }
}

#[derive(Debug, clap::Args)]
struct Which {
    #[command(flatten)]
    whose: Whose,
    /// The account, when there are several
    #[arg(long, value_name = "SID", value_parser = unread)]
    account_sid: Option<Secret>,
}

#[derive(Debug, clap::Args)]
struct Bind {
    /// The organization
    #[arg(long, value_name = "NAME", value_parser = slug)]
    org: OrgSlug,
    /// The number
    #[arg(value_parser = number)]
    number: E164,
    /// Over the platform's account, which the organization must be opted in to
    #[arg(long)]
    platform: bool,
    /// The account, when there are several
    #[arg(long, value_name = "SID", value_parser = unread)]
    account_sid: Option<Secret>,
    /// The line of the rules that it rings, by its name [default: the line with that number]
    #[arg(long, value_name = "NAME")]
    line: Option<String>,
    /// Which account is used for what goes out, when the number is in several: the lowest [default: 0]
    #[arg(long, value_name = "NUMBER")]
    priority: Option<u16>,
}

/// Takes a text as it is: what turns out to be no identifier may be a secret in the wrong place, and is not shown.
#[expect(clippy::unnecessary_wraps, reason = "what the command line wants of a reader")]
fn unread(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::new(text.to_owned()))
}

fn account(text: &Secret) -> Result<AccountSid, Misuse> {
    AccountSid::parse(text.expose()).map_err(|_error| Misuse("an account is `AC` and 32 hex digits".to_owned()))
}

fn key(text: &Secret) -> Result<ApiKeySid, Misuse> {
    ApiKeySid::parse(text.expose()).map_err(|_error| Misuse("an API key is `SK` and 32 hex digits".to_owned()))
}

impl Which {
    fn account(&self) -> Result<Option<AccountSid>, Misuse> {
        self.account_sid.as_ref().map(account).transpose()
    }
}

pub(crate) fn run(args: &Connect) -> Answer {
    office::run(&args.desk, async |office, settings| {
        let by = args.desk.stamp();
        match &args.what {
            What::Twilio(wish) => twilio(&office, &settings, wish, &by).await,
            What::Google(wish) => outlets::google(&office, wish, &by).await,
            What::Slack(wish) => outlets::slack(&office, &settings, wish, &by).await,
            What::Telegram(wish) => outlets::telegram(&office, &settings, wish, &by).await,
            What::Whatsapp(wish) => outlets::whatsapp(&office, wish, &by).await,
            What::Webhook(wish) => outlets::webhook(&office, wish, &by).await,
            What::Email(wish) => outlets::email(&office, &settings, wish, &by).await,
            What::Disconnect(wish) => outlets::disconnect(&office, wish, &by).await,
            What::Import(wish) => import::run(&office, &settings, wish, &by).await,
            What::Rotate { which, token_file } => {
                let token = office::secret(token_file.as_deref(), "the next auth token")?;
                let it = office.rotate(&which.whose.owner(), which.account()?.as_ref(), &token, &by).await?;
                Ok(changed(&it))
            }
            What::Promote { which, unseen } => {
                let proof = if *unseen { Proof::Unseen } else { Proof::Seen };
                Ok(changed(&office.promote(&which.whose.owner(), which.account()?.as_ref(), proof, &by).await?))
            }
            What::Rollback(which) => {
                Ok(changed(&office.drop_next(&which.whose.owner(), which.account()?.as_ref(), &by).await?))
            }
            What::Revoke(which) => {
                Ok(changed(&office.revoke(&which.whose.owner(), which.account()?.as_ref(), &by).await?))
            }
            What::Enforce(which) => {
                Ok(changed(&office.enforce(&which.whose.owner(), which.account()?.as_ref(), &by).await?))
            }
            What::List { org, format } => list(&office, org.as_ref(), *format).await,
            What::Number(bind) => bound(&office, &settings, bind, &by).await,
            What::Release { org, number, platform, account_sid } => {
                let over = platform.then_some(Owner::Platform);
                let account = account_sid.as_ref().map(account).transpose()?;
                office.release(org, number, (over.as_ref(), account.as_ref()), &by).await?;
                Ok(told(&format!("{number} leads nowhere now")))
            }
        }
    })
}

fn told(line: &str) -> Outcome {
    terminal::put(&format!("{line}\n"));
    Outcome::Fine
}

/// Tells how the account stands after a change.
fn changed(it: &Installation) -> Outcome {
    told(&org::account_line(it))
}

async fn twilio(office: &Office, settings: &Settings, args: &Twilio, by: &Stamp) -> anyhow::Result<Outcome> {
    let owner = args.whose.owner();
    if owner == Owner::Platform && !args.numbers.is_empty() {
        let way =
            "numbers of the platform's account are given to organizations with `ringfall connect number --platform`";
        return Err(Misuse(way.to_owned()).into());
    }
    let api_key = match (&args.api_key, &args.api_secret_file) {
        (Some(sid), Some(file)) => Some(ApiKey { sid: key(sid)?, secret: office::secret_file(file)? }),
        (Some(_) | None, Some(_) | None) => None,
    };
    let wish = Wish {
        owner,
        account: account(&args.account_sid)?,
        token: office::secret(args.token_file.as_deref(), "auth token")?,
        api_key,
        numbers: args.numbers.clone(),
        observe: args.observing.observe(),
    };
    let connected = office.connect(&wish, &carrier::Check::new(settings)?, Mode::Really, by).await;
    drop(wish);
    let connected = told_whose(office, connected, args.whose.owner().org(), &args.numbers).await?;
    if connected.done.is_empty() {
        return Ok(told("nothing to do: all of it is connected already"));
    }
    for line in &connected.done {
        terminal::put(&format!("{line}\n"));
    }
    unnamed(settings, args.whose.owner().org(), &args.numbers);
    if let Some(url) = &settings.public_url {
        let org = args.whose.owner().org().map(|org| format!("?org={org}")).unwrap_or_default();
        eprintln!("Next: at Twilio, set the numbers' voice webhook to {url}/twilio/inbound-call{org} (POST)");
    }
    Ok(Outcome::Fine)
}

/// Adds who has the number that is taken: whoever keeps the store may know.
async fn told_whose<T>(
    office: &Office,
    done: Result<T, AdminError>,
    org: Option<&OrgSlug>,
    numbers: &[E164],
) -> anyhow::Result<T> {
    let error = match done {
        Err(error @ AdminError::NumberTaken) => error,
        done => return Ok(done?),
    };
    for other in office.organizations().await?.into_iter().map(|other| other.slug).filter(|other| Some(other) != org) {
        let bindings = office.show(&other).await?.bindings;
        let theirs = bindings.iter().find_map(|kept| numbers.iter().find(|it| it.as_str() == kept.item.selector));
        if let Some(number) = theirs {
            return Err(anyhow::Error::from(error).context(format!("{number} leads to `{other}`")));
        }
    }
    Err(error.into())
}

/// Warns of numbers whose callers hear the static ending alone, as far as the rules are at hand.
fn unnamed(settings: &Settings, org: Option<&OrgSlug>, numbers: &[E164]) {
    let Some(org) = org else { return };
    let Some((_, rules)) = ground::organizations(settings, Some(org)).ok().and_then(|mut found| found.good.pop())
    else {
        return;
    };
    for number in numbers.iter().filter(|number| rules.lines.iter().all(|line| line.number != **number)) {
        eprintln!("warning: no line of `{org}` has {number}: its callers hear the ending of the rules");
        eprintln!(
            "help: name it in `numbers` or `lines`, or a line with `ringfall connect number --org {org} {number} --line NAME`"
        );
    }
}

async fn bound(office: &Office, settings: &Settings, bind: &Bind, by: &Stamp) -> anyhow::Result<Outcome> {
    let over = if bind.platform { Owner::Platform } else { Owner::Org(bind.org.clone()) };
    if let (true, Some(twilio)) = (bind.platform, &settings.twilio) {
        office.stand_in(&twilio.account, by).await?;
    }
    let account = bind.account_sid.as_ref().map(account).transpose()?;
    let (line, priority) = (bind.line.clone(), bind.priority);
    let lead = Lead { over, account, number: bind.number.clone(), line, priority };
    let did = office.bind(&bind.org, &lead, by).await;
    let (binding, became) = told_whose(office, did, Some(&bind.org), std::slice::from_ref(&bind.number)).await?;
    let line = if binding.line == binding.selector { String::new() } else { format!(", line `{}`", binding.line) };
    let already = if became == Became::Same { " already" } else { "" };
    Ok(told(&format!("{} leads to `{}`{line}{already}", bind.number, bind.org)))
}

async fn list(office: &Office, org: Option<&OrgSlug>, format: Format) -> anyhow::Result<Outcome> {
    let owners = match org {
        Some(org) => vec![Owner::Org(org.clone())],
        None => {
            let all = office.organizations().await?.into_iter().map(|org| Owner::Org(org.slug));
            std::iter::once(Owner::Platform).chain(all).collect()
        }
    };
    let mut all = Vec::new();
    for owner in &owners {
        all.extend(office.installations(owner).await?);
    }
    terminal::put(&match format {
        Format::Text => all.iter().map(|it| org::account_line(it) + "\n").collect(),
        Format::Json => org::json_text(&Value::Array(all.iter().map(org::account_json).collect())),
    });
    Ok(Outcome::Fine)
}
