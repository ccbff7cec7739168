//! `ringfall domain`: host names of organizations, asked for, proved in DNS, taken up and given up.

#![expect(clippy::print_stderr, reason = "the command line talks on standard error")]

use serde_json::{Value, json};

use crate::admin::AdminError;
use crate::cli::Answer;
use crate::cli::ground::slug;
use crate::cli::office::{self, Desk, Format};
use crate::cli::outcome::Outcome;
use crate::cli::terminal;
use crate::model::ids::OrgSlug;
use crate::startup::names::Dns;
use crate::tenant::domain::{Domain as HostName, DomainState, Host};

/// What to do with host names.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Whoever holds a name proves it with a TXT record, which `add` prints. A name that was proved belongs to that\n\
    organization and to no other; once it is active, requests that come in under it are that organization's.\n\
    Examples:\n  ringfall domain add --org acme phones.acme.example\n  ringfall domain verify --org acme phones.acme.example\n  \
    ringfall domain activate --org acme phones.acme.example\n  ringfall domain list --org acme"
)]
pub struct Domain {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    desk: Desk,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Ask for a host name, and see which TXT record proves it
    Add(Which),
    /// List an organization's host names, with the TXT records that prove them
    List {
        /// The organization
        #[arg(long, value_name = "NAME", value_parser = slug)]
        org: OrgSlug,
        /// How to show it
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Look for the TXT record in DNS
    Verify(Which),
    /// Answer requests under a name that is verified
    Activate(Which),
    /// Give a name up: nothing under it is answered any more
    Remove(Which),
}

#[derive(Debug, clap::Args)]
struct Which {
    /// The organization
    #[arg(long, value_name = "NAME", value_parser = slug)]
    org: OrgSlug,
    /// The name, without scheme, port or path
    #[arg(value_parser = host)]
    host: Host,
}

fn host(text: &str) -> Result<Host, String> {
    Host::parse(text).map_err(|error| error.to_string())
}

pub(crate) fn run(args: &Domain) -> Answer {
    office::run(&args.desk, async |office, settings| {
        let by = args.desk.stamp();
        let done = match &args.what {
            What::Add(Which { org, host }) => office.request_domain(org, host.clone(), &by).await?,
            What::Verify(Which { org, host }) => {
                match office.verify_domain(org, host, &Dns::new(&settings), &by).await {
                    Err(AdminError::Domain(missing)) => {
                        eprintln!("error: {missing}");
                        return Ok(Outcome::Findings);
                    }
                    done => done?,
                }
            }
            What::Activate(Which { org, host }) => office.activate_domain(org, host, &by).await?,
            What::Remove(Which { org, host }) => {
                office.remove_domain(org, host, &by).await?;
                terminal::put(&format!("{host} is given up\n"));
                return Ok(Outcome::Fine);
            }
            What::List { org, format } => {
                let domains = office.show(org).await?.domains.into_iter().map(|kept| kept.item);
                terminal::put(&match format {
                    Format::Text => domains.map(|domain| drawn(&domain)).collect(),
                    Format::Json => format!("{:#}\n", Value::Array(domains.map(|domain| value(&domain)).collect())),
                });
                return Ok(Outcome::Fine);
            }
        };
        terminal::put(&drawn(&done));
        eprintln!("Next: {}", next(&done));
        Ok(Outcome::Fine)
    })
}

fn drawn(domain: &HostName) -> String {
    let proof = match domain.state {
        DomainState::Pending => format!("  {} TXT \"{}\"", domain.record_name(), domain.record_value()),
        DomainState::Verified | DomainState::Active => String::new(),
    };
    format!("{} {}{proof}\n", domain.host, domain.state)
}

fn next(domain: &HostName) -> String {
    let HostName { host, org, .. } = domain;
    match domain.state {
        DomainState::Pending => {
            format!("make this TXT record where the name is kept, and run `ringfall domain verify --org {org} {host}`")
        }
        DomainState::Verified => format!(
            "let `{host}` lead to this service with a certificate for it, and run `ringfall domain activate --org {org} {host}`"
        ),
        DomainState::Active => {
            format!("at the carrier, the numbers' voice webhook may be https://{host}/twilio/inbound-call (POST)")
        }
    }
}

fn value(domain: &HostName) -> Value {
    json!({
        "host": domain.host.as_str(),
        "org": domain.org.as_str(),
        "state": domain.state.word(),
        "record": { "name": domain.record_name(), "type": "TXT", "value": domain.record_value() },
        "requested": domain.requested,
        "verified": domain.verified,
        "activated": domain.activated,
    })
}
