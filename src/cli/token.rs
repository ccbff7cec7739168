//! `ringfall token`: tokens for the administration API, issued and shown once, listed, taken back.

#![expect(clippy::print_stderr, reason = "the command line talks on standard error")]

use std::fmt::Write as _;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::app::access::tokens::{self, TokenError, Wanted};
use crate::app::ports::Clock as _;
use crate::app::tenancy::{TenantError, Tenants};
use crate::cli::Answer;
use crate::cli::office::{self, Desk, Format, Misuse, Whose};
use crate::cli::outcome::Outcome;
use crate::cli::terminal;
use crate::clock::SystemClock;
use crate::tenant::owner::Owner;
use crate::tenant::role::{Action, Role};
use crate::tenant::token::ApiToken;

/// What to do with tokens for the API.
#[derive(Debug, clap::Args)]
#[command(after_help = "Only a hash of a token is kept: whoever loses it gets another.\n\
    Exit codes: 0 done, 2 misuse, 3 could not run.\n\
    Examples:\n  ringfall token create --platform --name \"ops console\" --expires 90d\n  \
    ringfall token create --org acme --role operator --scope read --scope switch --name \"night shift\"\n  \
    ringfall token list --org acme\n  ringfall token revoke tok_0123456789abcdef0123 --org acme")]
pub struct Token {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Issue a token; it is shown once, on standard output
    Create(Create),
    /// Show who has a token, what for, and when it was used last
    List(List),
    /// Take a token back: it counts no more from this moment
    Revoke(Revoke),
}

#[derive(Debug, clap::Args)]
struct Create {
    /// Its name for people, such as `night shift`
    #[arg(long, value_name = "NAME")]
    name: String,
    /// What it may do at most [default: platform-admin for the platform, operator for an organization]
    #[arg(long, value_name = "ROLE", value_parser = role)]
    role: Option<Role>,
    /// What of that it may do; all of it when nothing is named
    #[arg(long = "scope", value_name = "ACTION", value_parser = action)]
    scopes: Vec<Action>,
    /// When it ends: a number of days such as `90d`, or an instant such as `2027-01-31T00:00:00Z`
    #[arg(long, value_name = "WHEN")]
    expires: Option<String>,
    #[command(flatten)]
    whose: Whose,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    desk: Desk,
}

#[derive(Debug, clap::Args)]
struct List {
    #[command(flatten)]
    whose: Whose,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    desk: Desk,
}

#[derive(Debug, clap::Args)]
struct Revoke {
    /// The token's identifier, as `ringfall token list` shows it
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    whose: Whose,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    desk: Desk,
}

fn role(text: &str) -> Result<Role, String> {
    let known: Vec<_> = Role::ALL.iter().map(|role| role.word()).collect();
    Role::parse(text).ok_or_else(|| format!("the roles are: {}", known.join(", ")))
}

fn action(text: &str) -> Result<Action, String> {
    let known: Vec<_> = Action::ALL.iter().map(|action| action.word()).collect();
    Action::parse(text).ok_or_else(|| format!("the scopes are: {}", known.join(", ")))
}

/// An instant, or so many days from now.
fn end(text: &str, now: Timestamp) -> Option<Timestamp> {
    match text.strip_suffix('d') {
        Some(days) => {
            let days: i64 = days.trim().parse().ok().filter(|days| (1..=3650).contains(days))?;
            now.checked_add(SignedDuration::from_hours(24 * days)).ok()
        }
        None => text.parse().ok(),
    }
}

pub(crate) fn run(args: &Token) -> Answer {
    let desk = match &args.what {
        What::Create(Create { desk, .. }) | What::List(List { desk, .. }) | What::Revoke(Revoke { desk, .. }) => desk,
    };
    office::run(desk, async |office, _| {
        let done = match &args.what {
            What::Create(create) => issue(office.store(), create).await,
            What::List(list) => show(office.store(), list).await,
            What::Revoke(revoke) => take_back(office.store(), revoke).await,
        };
        done.map_err(|error| match error.downcast_ref::<TokenError>() {
            Some(known) if is_misuse(known) => Misuse(known.to_string()).into(),
            Some(_) | None => error,
        })
    })
}

const fn is_misuse(error: &TokenError) -> bool {
    !matches!(error, TokenError::NoChance | TokenError::Store(TenantError::Unavailable(_) | TenantError::Unreadable(_)))
}

async fn issue(store: &Arc<dyn Tenants>, args: &Create) -> Answer {
    let (owner, stamp) = (args.whose.owner(), args.desk.stamp());
    let expires = match &args.expires {
        Some(text) => match end(text, stamp.at.timestamp()) {
            Some(end) => Some(end),
            None => {
                let way = "write days such as `90d`, or an instant such as `2027-01-31T00:00:00Z`";
                return Err(Misuse(format!("`{text}` is no end: {way}")).into());
            }
        },
        None => None,
    };
    let usual = if owner == Owner::Platform { Role::PlatformAdmin } else { Role::Operator };
    let role = args.role.unwrap_or(usual);
    let scopes = args.scopes.iter().copied().collect();
    let wanted = Wanted { name: args.name.clone(), role, scopes, expires, again: None };
    let fresh = match tokens::issue(store, &owner, wanted, &stamp).await {
        Err(TokenError::Store(TenantError::NotFound(_))) => {
            eprintln!("error: there is no organization `{owner}`");
            return Ok(Outcome::Misuse);
        }
        fresh => fresh?,
    };
    let token = fresh.token.item;
    match args.format {
        Format::Text => {
            eprintln!("token `{}` for `{owner}` as `{}`; nobody can show it again:", token.id, token.role);
            terminal::put(&format!("{}\n", fresh.secret.expose()));
        }
        Format::Json => {
            let shown = json!({ "secret": fresh.secret.expose(), "token": as_json(&token, None) });
            terminal::put(&format!("{shown:#}\n"));
        }
    }
    Ok(Outcome::Fine)
}

async fn show(store: &Arc<dyn Tenants>, args: &List) -> Answer {
    let found = tokens::list(store, &args.whose.owner()).await?;
    if args.format == Format::Json {
        let all: Vec<Value> = found.iter().map(|issued| as_json(&issued.token.item, issued.last_used)).collect();
        terminal::put(&format!("{:#}\n", json!(all)));
        return Ok(Outcome::Fine);
    }
    let now = SystemClock.now();
    let mut out = String::new();
    for issued in &found {
        let token = &issued.token.item;
        let state = match (token.counts(now), token.expires) {
            (Err(refused), _) => refused.to_string(),
            (Ok(()), Some(end)) => format!("until {end}"),
            (Ok(()), None) => "without end".to_owned(),
        };
        let used = issued.last_used.map_or_else(|| "never used".to_owned(), |at| format!("used {at:.0}"));
        let scopes: Vec<_> = token.scopes.iter().map(|scope| scope.word()).collect();
        let scopes = if scopes.is_empty() { String::new() } else { format!(" ({})", scopes.join(", ")) };
        writeln!(out, "{}  {}{scopes}  {state}  {used}  {}", token.id, token.role, token.name)?;
    }
    terminal::put(&out);
    if found.is_empty() {
        eprintln!("there are no tokens for `{}`", args.whose.owner());
    }
    Ok(Outcome::Fine)
}

async fn take_back(store: &Arc<dyn Tenants>, args: &Revoke) -> Answer {
    let owner = args.whose.owner();
    let revoked = match tokens::revoke(store, &owner, &args.id, &args.desk.stamp()).await {
        Err(TokenError::Store(TenantError::NotFound(_))) => {
            eprintln!("error: `{owner}` has no such token: see `ringfall token list`");
            return Ok(Outcome::Misuse);
        }
        revoked => revoked?.item,
    };
    match args.format {
        Format::Text => eprintln!("`{}` ({}) counts no more", revoked.id, revoked.name),
        Format::Json => terminal::put(&format!("{:#}\n", as_json(&revoked, None))),
    }
    Ok(Outcome::Fine)
}

/// A token without the token itself, and without its hash.
fn as_json(token: &ApiToken, last_used: Option<Timestamp>) -> Value {
    json!({
        "id": token.id,
        "owner": token.owner,
        "name": token.name,
        "role": token.role,
        "scopes": token.scopes,
        "expires": token.expires,
        "created": token.created,
        "revoked": token.revoked,
        "last_used": last_used.map(|at| at.to_string()),
    })
}
