//! `ringfall numbers`: what the account's numbers are set to, setting them, finding and buying more.

#![expect(clippy::print_stderr, reason = "the command line talks on standard error")]

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::cli::Answer;
use crate::cli::ground::{self, Where};
use crate::cli::outcome::Outcome;
use crate::cli::terminal;
use crate::model::ids::OrgSlug;
use crate::model::phone::E164;
use crate::settings::Settings;
use crate::startup::carrier::Standing;
use crate::twilio::client::Client;
use crate::twilio::error::Certainty;
use crate::twilio::numbers::{Kind, Search};
use crate::twilio::wiring::{self, Bases, Holding, Plan, Wired};

/// What to do with the account's numbers.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "An organization that is stored (`ringfall org`) is asked for over its own accounts with their stored keys, or over the\n\
    platform's where it is opted in; all others over TWILIO_ACCOUNT_SID with TWILIO_API_KEY and TWILIO_API_SECRET.\n\
    public_url says where Twilio reaches the service, and fallback_url where the files of `ringfall fallback export` are served.\n\
    Exit codes: 0 as it should be, 1 something differs or is missing, 2 misuse, 3 could not run.\n\
    Examples:\n  ringfall numbers plan --org acme\n  ringfall numbers search --area-code 619\n  \
    ringfall numbers buy +16195550142 --confirm +16195550142"
)]
pub struct Numbers {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Show wanted and found settings side by side
    Plan(One),
    /// Set what differs; when one number fails, all are set back
    Apply(One),
    /// Tell what differs, in one line each
    Drift(One),
    /// Look for numbers that can be bought
    Search(Find),
    /// Buy a number; it costs money every month
    Buy(Buy),
}

#[derive(Debug, clap::Args)]
struct One {
    /// The organization, by the name of its rule file; not needed when there is only one
    #[arg(long, value_name = "NAME", value_parser = ground::slug)]
    org: Option<OrgSlug>,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    place: Where,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For eyes
    Text,
    /// For programs
    Json,
}

#[derive(Debug, clap::Args)]
struct Find {
    /// Country, two letters
    #[arg(long, value_name = "CODE", default_value = "US", value_parser = country)]
    country: String,
    /// Digits of the area
    #[arg(long, value_name = "DIGITS")]
    area_code: Option<String>,
    /// Digits or letters in the number, `*` for any
    #[arg(long, value_name = "PATTERN")]
    contains: Option<String>,
    /// Which kind of number
    #[arg(long, value_enum, default_value_t = Sort::Local)]
    kind: Sort,
    /// How many at most
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=50))]
    limit: u8,
    /// Over this organization's account [default: the account of the settings]
    #[arg(long, value_name = "NAME", value_parser = ground::slug)]
    org: Option<OrgSlug>,
    #[command(flatten)]
    place: Where,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Sort {
    /// Of a place
    Local,
    /// Free for callers
    TollFree,
    /// Of mobiles
    Mobile,
}

#[derive(Debug, clap::Args)]
struct Buy {
    /// The number, as `ringfall numbers search` shows it
    #[arg(value_parser = number)]
    number: E164,
    /// The same number once more, to show that it is meant
    #[arg(long, value_name = "NUMBER", value_parser = number)]
    confirm: Option<E164>,
    /// For this organization's account [default: the account of the settings]
    #[arg(long, value_name = "NAME", value_parser = ground::slug)]
    org: Option<OrgSlug>,
    #[command(flatten)]
    place: Where,
}

fn number(text: &str) -> Result<E164, String> {
    E164::parse(text).map_err(|error| error.to_string())
}

fn country(text: &str) -> Result<String, String> {
    let upper = text.to_ascii_uppercase();
    let fits = upper.len() == 2 && upper.bytes().all(|byte| byte.is_ascii_uppercase());
    fits.then_some(upper).ok_or_else(|| "a country is two letters, such as `US`".to_owned())
}

pub(crate) fn run(args: &Numbers) -> Answer {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        match &args.what {
            What::Plan(one) => plan(one).await,
            What::Apply(one) => apply(one).await,
            What::Drift(one) => drift(one).await,
            What::Search(find) => search(find).await,
            What::Buy(buying) => buy(buying).await,
        }
    })
}

/// The account that comes first for the organization.
async fn client(settings: &Settings, org: Option<&OrgSlug>) -> anyhow::Result<Client> {
    let clients = Standing::read(settings).await?.clients(org)?;
    clients.into_iter().next().context("there is no account")
}

/// What is wanted beside what the account has.
async fn compared(one: &One) -> anyhow::Result<(OrgSlug, Vec<Holding>, Plan)> {
    let settings = one.place.settings()?;
    let (org, rules) = ground::organization(&settings, one.org.as_ref())?;
    let service = settings.public_url.as_ref();
    let service = service.context("where Twilio reaches the service is not known: set `public_url`")?;
    if settings.fallback_url.is_none() {
        eprintln!("note: no `fallback_url` is set, so the fallback at Twilio stays as it is; see `ringfall fallback`");
    }
    let mut holdings = Vec::new();
    for client in Standing::read(&settings).await?.clients(Some(&org))? {
        holdings.push(Holding::of(client).await.context("cannot list the account's numbers")?);
    }
    let fallback = settings.fallback_url.as_ref().map(crate::webhook::origin::Origin::as_str);
    let plan = wiring::plan(&rules, &org, Bases { service: service.as_str(), fallback }, &wiring::numbers(&holdings));
    Ok((org, holdings, plan))
}

async fn plan(one: &One) -> Answer {
    let (org, _, plan) = compared(one).await?;
    show(&org, &plan, one.format);
    Ok(outcome(&plan))
}

fn outcome(plan: &Plan) -> Outcome {
    if plan.is_good() { Outcome::Fine } else { Outcome::Findings }
}

async fn apply(one: &One) -> Answer {
    let (org, holdings, plan) = compared(one).await?;
    let set = wiring::apply(&holdings, &plan).await?;
    let (_, _, after) = compared(one).await?;
    show(&org, &after, one.format);
    eprintln!("{set} of {} numbers set", after.lines.len());
    Ok(outcome(&after))
}

async fn drift(one: &One) -> Answer {
    let (org, _, plan) = compared(one).await?;
    if one.format == Format::Json {
        show(&org, &plan, one.format);
        return Ok(outcome(&plan));
    }
    let mut text = String::new();
    for line in &plan.lines {
        if line.sid.is_none() {
            text.push_str(&format!("{} {org}/{}: the account does not have it\n", line.number, line.line));
            continue;
        }
        for row in line.changes() {
            let (shown, found, wanted) = (row.field.shown, named(&row.found), named(&row.wanted));
            text.push_str(&format!("{} {org}/{}: {shown} is {found}, wanted {wanted}\n", line.number, line.line));
        }
    }
    terminal::put(&text);
    Ok(outcome(&plan))
}

fn named(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

fn show(org: &OrgSlug, plan: &Plan, format: Format) {
    match format {
        Format::Json => {
            let lines: Vec<_> = plan.lines.iter().map(as_json).collect();
            let whole = json!({ "org": org.as_str(), "lines": lines, "others": plan.others });
            terminal::put(&format!("{whole:#}\n"));
        }
        Format::Text => {
            let mut text: String = plan.lines.iter().map(|line| table(org, line)).collect();
            if !plan.others.is_empty() {
                text.push_str(&format!("other numbers of the account, left alone: {}\n", plan.others.join(", ")));
            }
            terminal::put(&text);
        }
    }
}

fn as_json(line: &Wired) -> Value {
    let rows = line.rows.iter().map(
        |row| json!({ "setting": row.field.name, "wanted": row.wanted, "found": row.found, "differs": row.differs() }),
    );
    json!({
        "line": line.line,
        "number": line.number.as_str(),
        "sid": line.sid.as_ref().map(ToString::to_string),
        "good": line.is_good(),
        "settings": rows.collect::<Vec<_>>(),
    })
}

fn table(org: &OrgSlug, line: &Wired) -> String {
    let mut text = format!("{}  {org}/{}", line.number, line.line);
    if line.sid.is_none() {
        text.push_str("\n  the account does not have this number: buy it or move it there, or mend the rules\n");
        return text;
    }
    text.push_str(if line.is_good() { "  as it should be\n" } else { "\n" });
    let widest = line.rows.iter().map(|row| row.wanted.chars().count()).max().unwrap_or(0).max(6);
    text.push_str(&format!("    {:<18}{:<widest$}  found\n", "", "wanted"));
    for row in &line.rows {
        let mark = if row.differs() { "*" } else { " " };
        let (shown, wanted, found) = (row.field.shown, named(&row.wanted), named(&row.found));
        text.push_str(&format!("  {mark} {shown:<18}{wanted:<widest$}  {found}\n"));
    }
    text
}

async fn search(find: &Find) -> Answer {
    let client = client(&find.place.settings()?, find.org.as_ref()).await?;
    let kind = match find.kind {
        Sort::Local => Kind::Local,
        Sort::TollFree => Kind::TollFree,
        Sort::Mobile => Kind::Mobile,
    };
    let search = Search {
        country: &find.country,
        kind,
        area_code: find.area_code.as_deref(),
        contains: find.contains.as_deref(),
        limit: find.limit,
    };
    let found = client.search_numbers(&search).await.context("cannot look for numbers")?;
    let lines = found.iter().map(|it| {
        let texts = if it.capabilities.sms { "calls, texts" } else { "calls" };
        format!("{}  {} {}  {texts}\n", it.phone_number, it.locality, it.region)
    });
    terminal::put(&lines.collect::<String>());
    if found.is_empty() {
        eprintln!("nothing found: ask for less, or for another area");
        return Ok(Outcome::Findings);
    }
    Ok(Outcome::Fine)
}

async fn buy(args: &Buy) -> Answer {
    if args.confirm.as_ref() != Some(&args.number) {
        let number = &args.number;
        eprintln!("error: buying {number} costs money every month; to do it, add `--confirm {number}`");
        return Ok(Outcome::Misuse);
    }
    let client = client(&args.place.settings()?, args.org.as_ref()).await?;
    if let Err(error) = client.buy_number(&args.number).await {
        let ours = error.certainty() == Certainty::Unknown && owned(&client, &args.number).await?;
        if !ours {
            return Err(anyhow::Error::new(error).context("the number was not bought"));
        }
    }
    terminal::put(&format!("{} is bought\n", args.number));
    eprintln!("next: put it into a rule file, then `ringfall numbers apply`");
    Ok(Outcome::Fine)
}

/// Whether the number is the account's: the answer when a purchase's outcome is not known.
async fn owned(client: &Client, number: &E164) -> anyhow::Result<bool> {
    let numbers = client.numbers().await.context("whether the number was bought is not known; look at your account")?;
    Ok(numbers.iter().any(|known| known.phone_number == number.as_str()))
}
