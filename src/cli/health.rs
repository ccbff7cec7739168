//! `ringfall health`: asks a running service whether it is well, for containers and timers that have no curl.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;

use crate::cli::Answer;
use crate::cli::outcome::Outcome;
use crate::cli::terminal;
use crate::settings::{self, layers::Surroundings};

/// What `ringfall health` may be told.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 well, 1 not well or not there, 3 could not ask.\nExample: ringfall health --ready --url http://127.0.0.1:8080"
)]
pub struct Health {
    /// Origin of the service [default: this machine, at the port it is set to listen on]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Ask whether calls are wanted, not only whether the process lives
    #[arg(long)]
    ready: bool,
    /// Seconds to wait for the answer
    #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    timeout: u64,
}

pub(crate) fn run(args: &Health) -> Answer {
    let origin = match &args.url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => own_origin()?,
    };
    let url = format!("{origin}/{}", if args.ready { "readyz" } else { "healthz" });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (said, outcome) = match runtime.block_on(asked(&url, Duration::from_secs(args.timeout)))? {
        Ok(200) => ("well".to_owned(), Outcome::Fine),
        Ok(status) => (format!("not well: status {status}"), Outcome::Findings),
        Err(error) => (format!("not there: {error:#}"), Outcome::Findings),
    };
    terminal::put(&format!("{url}: {said}\n"));
    Ok(outcome)
}

/// The status of the answer, or why there is none.
async fn asked(url: &str, wait: Duration) -> anyhow::Result<anyhow::Result<u16>> {
    let client = reqwest::Client::builder().timeout(wait).no_proxy().redirect(reqwest::redirect::Policy::none());
    let client = client.build().context("could not set up a request")?;
    let request = client.get(url).build();
    let request = request.with_context(|| format!("`{url}` is not a URL such as http://127.0.0.1:8080"))?;
    let answer = client.execute(request).await;
    Ok(answer.map(|answer| answer.status().as_u16()).map_err(anyhow::Error::from))
}

/// Where a service with the same surroundings listens.
fn own_origin() -> anyhow::Result<String> {
    let loaded = settings::load(&Surroundings::of_process(BTreeMap::new(), None));
    let settings = loaded.settings.context("the settings do not say where the service listens; use `--url`")?;
    Ok(format!("http://{}", reachable(settings.listen)))
}

/// An address that is listened on for everybody is reached through the machine's own.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let own: IpAddr = match listen.ip() {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        IpAddr::V4(_) | IpAddr::V6(_) => listen.ip(),
    };
    SocketAddr::new(own, listen.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_for_everybody_is_asked_on_its_own_machine() {
        for (listen, asked) in [
            ("0.0.0.0:8080", "127.0.0.1:8080"),
            ("[::]:80", "[::1]:80"),
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("10.0.0.4:9000", "10.0.0.4:9000"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()).to_string(), asked);
        }
    }
}
