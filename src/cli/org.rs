//! `ringfall org`: the organizations, their plans, and where they may use the platform's account.

use serde_json::{Value, json};

use crate::admin::organizations::Wish;
use crate::app::tenancy::Tenant;
use crate::cli::Answer;
use crate::cli::ground::slug;
use crate::cli::office::{self, Desk, Format};
use crate::cli::outcome::Outcome;
use crate::cli::terminal;
use crate::model::ids::OrgSlug;
use crate::tenant::installation::{Installation, SignatureMode};
use crate::tenant::organization::{OrgState, Organization};
use crate::tenant::plan::{Capability, Plan};
use crate::tenant::profile::Provider;

/// What to do with organizations.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Organizations stand in the data folder, or in PostgreSQL when RINGFALL_DATABASE_URL is set; a running server sees a\n\
    change within a second. Everything is kept in the trail with who did it.\n\
    Examples:\n  ringfall org add acme --name \"Acme Tours\" --plan premium\n  \
    ringfall org opt-in charlie platform-voice\n  ringfall org list --format json"
)]
pub struct Org {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    desk: Desk,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Found an organization
    Add {
        /// Its short name, in URLs and as the name of its rule file
        #[arg(value_parser = slug)]
        org: OrgSlug,
        /// Its name for people [default: the short one]
        #[arg(long, value_name = "TEXT")]
        name: Option<String>,
        /// What it pays for: basic, premium or partner
        #[arg(long, value_name = "PLAN", value_parser = plan, default_value = "basic")]
        plan: Plan,
    },
    /// List all organizations
    List {
        /// How to show it
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Show one organization with its accounts, numbers and host names
    Show {
        /// Which
        #[arg(value_parser = slug)]
        org: OrgSlug,
        /// How to show it
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Give it another plan
    Plan {
        /// Which
        #[arg(value_parser = slug)]
        org: OrgSlug,
        /// basic, premium or partner
        #[arg(value_parser = plan)]
        plan: Plan,
    },
    /// Suspend it: its callers hear the static ending of its rules, and nothing else is done
    Suspend {
        /// Which
        #[arg(value_parser = slug)]
        org: OrgSlug,
    },
    /// Take it up again
    Resume {
        /// Which
        #[arg(value_parser = slug)]
        org: OrgSlug,
    },
    /// Let it use the platform's account
    OptIn {
        /// Which
        #[arg(value_parser = slug)]
        org: OrgSlug,
        /// platform-voice or platform-messaging
        #[arg(value_parser = capability)]
        capability: Capability,
    },
    /// Let it use the platform's account no more
    OptOut {
        /// Which
        #[arg(value_parser = slug)]
        org: OrgSlug,
        /// platform-voice or platform-messaging
        #[arg(value_parser = capability)]
        capability: Capability,
    },
}

pub(crate) fn plan(text: &str) -> Result<Plan, String> {
    Plan::parse(text).ok_or_else(|| "the plans are basic, premium and partner".to_owned())
}

fn capability(text: &str) -> Result<Capability, String> {
    let known = || Capability::ALL.iter().map(|known| known.word()).collect::<Vec<_>>().join(", ");
    Capability::parse(text).ok_or_else(|| format!("it is none of: {}", known()))
}

pub(crate) fn run(args: &Org) -> Answer {
    office::run(&args.desk, async |office, _| {
        let by = args.desk.stamp();
        let told = match &args.what {
            What::Add { org, name, plan } => {
                let name = name.clone().unwrap_or_else(|| org.to_string());
                let made = office.found(org.clone(), name, *plan, &by).await?;
                format!("{}\nNext: ringfall connect twilio --org {org} --account-sid AC…\n", line(&made))
            }
            What::List { format } => {
                let all = office.organizations().await?;
                match format {
                    Format::Text => all.iter().map(|org| line(org) + "\n").collect(),
                    Format::Json => json_text(&Value::Array(all.iter().map(one).collect())),
                }
            }
            What::Show { org, format } => {
                let tenant = office.show(org).await?;
                match format {
                    Format::Text => drawn(&tenant),
                    Format::Json => json_text(&whole(&tenant)),
                }
            }
            What::Plan { org, plan } => line(&office.set_plan(org, *plan, &by).await?) + "\n",
            What::Suspend { org } => line(&office.set_state(org, OrgState::Suspended, &by).await?) + "\n",
            What::Resume { org } => line(&office.set_state(org, OrgState::Active, &by).await?) + "\n",
            What::OptIn { org, capability } => line(&office.opt(org, *capability, Wish::In, &by).await?) + "\n",
            What::OptOut { org, capability } => line(&office.opt(org, *capability, Wish::Out, &by).await?) + "\n",
        };
        terminal::put(&told);
        Ok(Outcome::Fine)
    })
}

pub(crate) fn json_text(value: &Value) -> String {
    format!("{value:#}\n")
}

fn line(org: &Organization) -> String {
    let opted: Vec<_> = org.opt_ins.iter().map(|wanted| wanted.word()).collect();
    let opted = if opted.is_empty() { String::new() } else { format!(" uses {}", opted.join(", ")) };
    format!("{:<20} {:<8} {:<9} {}{opted}", org.slug.as_str(), org.plan.word(), org.state.word(), org.name)
}

fn one(org: &Organization) -> Value {
    json!({
        "org": org.slug.as_str(),
        "name": org.name,
        "plan": org.plan.word(),
        "state": org.state.word(),
        "opted_in": org.opt_ins.iter().map(|wanted| wanted.word()).collect::<Vec<_>>(),
        "created": org.created,
    })
}

/// How signatures of an account are taken, in words.
pub(crate) fn signature(it: &Installation) -> String {
    match &it.signature {
        SignatureMode::Enforced => "enforced".to_owned(),
        SignatureMode::Observe(watch) => format!(
            "observed until {} good ones ({} so far, {} bad) or {}",
            watch.needed, watch.good, watch.bad, watch.until
        ),
    }
}

/// An account in one line.
pub(crate) fn account_line(it: &Installation) -> String {
    let next = match (&it.next, it.next_seen) {
        (None, _) => "",
        (Some(_), None) => ", a next token waits, not seen yet",
        (Some(_), Some(_)) => ", a next token waits, seen",
    };
    let key = it.api_key.as_ref();
    if it.provider != Provider::Twilio {
        // These sign nothing for us; what they have is a key, and what is known of it.
        let key = key.map(|key| format!(", {}", key.sid)).unwrap_or_default();
        return format!("{:<20} {} {} {}{key}", it.owner.as_str(), it.provider, it.account, it.state);
    }
    let key = key.map(|key| format!(", API key {}", key.sid)).unwrap_or_default();
    let signature = if it.is_active() { format!(", signatures {}", signature(it)) } else { String::new() };
    format!("{:<20} {} {} {}{signature}{next}{key}", it.owner.as_str(), it.provider, it.account, it.state)
}

/// An account without anything secret.
pub(crate) fn account_json(it: &Installation) -> Value {
    json!({
        "owner": it.owner.as_str(),
        "installation": it.id.as_str(),
        "provider": it.provider.word(),
        "account": it.account,
        "state": it.state.word(),
        "signatures": signature(it),
        "next_token": it.next.is_some(),
        "next_token_seen": it.next_seen,
        "api_key": it.api_key.as_ref().map(|key| key.sid.clone()),
        "created": it.created,
        "rotated": it.rotated,
        "revoked": it.revoked,
    })
}

fn drawn(tenant: &Tenant) -> String {
    let mut text = line(&tenant.organization.item) + "\n";
    for kept in &tenant.installations {
        text.push_str(&format!("  account  {}\n", account_line(&kept.item)));
    }
    for kept in &tenant.bindings {
        let it = &kept.item;
        let line = if it.line == it.selector { String::new() } else { format!(", line `{}`", it.line) };
        let priority = if it.priority == 0 { String::new() } else { format!(", priority {}", it.priority) };
        let over = format!("{}/{}", it.installation.owner, it.installation.id);
        text.push_str(&format!("  number   {} over {over}{line}{priority}\n", it.selector));
    }
    for kept in &tenant.domains {
        text.push_str(&format!("  domain   {} {}\n", kept.item.host, kept.item.state));
    }
    text
}

fn whole(tenant: &Tenant) -> Value {
    let mut value = one(&tenant.organization.item);
    let numbers = tenant.bindings.iter().map(|kept| {
        let it = &kept.item;
        json!({
            "channel": it.channel.word(),
            "number": it.selector,
            "owner": it.installation.owner.as_str(),
            "installation": it.installation.id.as_str(),
            "line": it.line,
            "priority": it.priority,
        })
    });
    let domains =
        tenant.domains.iter().map(|kept| json!({ "host": kept.item.host.as_str(), "state": kept.item.state.word() }));
    if let Some(fields) = value.as_object_mut() {
        let accounts = tenant.installations.iter().map(|kept| account_json(&kept.item)).collect();
        fields.insert("accounts".to_owned(), Value::Array(accounts));
        fields.insert("numbers".to_owned(), Value::Array(numbers.collect()));
        fields.insert("domains".to_owned(), Value::Array(domains.collect()));
    }
    value
}
