//! Requests and mail to addresses that organizations name: bounded, through no proxy, and never to the inside of the house.
//!
//! Addresses are judged when a connection is made, by what the name resolves to at that moment: a name that changes
//! its mind, and a redirect, are judged anew.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Url, redirect};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt as _;

use crate::app::outside::Allowed;
use crate::app::ports::Later;

/// Time for one request with its answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Time to connect.
const CONNECT: Duration = Duration::from_secs(4);

/// Redirects that are followed at most.
const REDIRECTS: usize = 3;

/// Looks names up.
pub trait Names: fmt::Debug + Send + Sync {
    /// The addresses of a host.
    fn addresses(&self, host: String) -> Later<'static, io::Result<Vec<IpAddr>>>;
}

/// The machine's own way of looking names up.
#[derive(Debug)]
pub struct SystemNames;

impl Names for SystemNames {
    fn addresses(&self, host: String) -> Later<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.map(|found| found.ip()).collect()) })
    }
}

/// Why an address is not asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is no address of the web.
    #[error("it is no `https` or `http` address with a host")]
    Address,
    /// It leads inside.
    #[error("its host leads to {0}; the operator can allow it with `outbound_allow`")]
    Inside(&'static str),
    /// The name has no address.
    #[error("its host has no address")]
    Nowhere,
    /// A redirect leads from an encrypted connection to an open one.
    #[error("it redirects from https to http")]
    Downgrade,
    /// One redirect too many.
    #[error("it redirects more than {REDIRECTS} times")]
    Circles,
}

/// The way out.
#[derive(Debug, Clone)]
pub struct Egress {
    guard: Arc<Guard>,
    tls: Arc<OnceLock<Arc<ClientConfig>>>,
    /// Follows redirects.
    reading: Client,
    /// Follows none: what is sent goes where it was meant to go.
    sending: Client,
}

impl Egress {
    /// A way out to the public internet and what is allowed beyond.
    pub fn new(allowed: Allowed) -> anyhow::Result<Self> {
        Self::by(allowed, Arc::new(SystemNames))
    }

    /// The same, with names looked up in another way.
    pub fn by(allowed: Allowed, names: Arc<dyn Names>) -> anyhow::Result<Self> {
        let guard = Arc::new(Guard { allowed, names });
        let client = |policy: redirect::Policy| {
            Client::builder()
                // A proxy would connect in our place, and nobody would judge where to.
                .no_proxy()
                .dns_resolver(Arc::clone(&guard))
                .redirect(policy)
                .timeout(PATIENCE)
                .connect_timeout(CONNECT)
                .pool_max_idle_per_host(1)
                .user_agent(concat!("ringfall/", env!("CARGO_PKG_VERSION")))
                .build()
        };
        let judged = Arc::clone(&guard);
        let follow =
            redirect::Policy::custom(move |attempt| match step(&judged.allowed, attempt.previous(), attempt.url()) {
                Ok(()) => attempt.follow(),
                Err(refused) => attempt.error(refused),
            });
        Ok(Self { reading: client(follow)?, sending: client(redirect::Policy::none())?, guard, tls: Arc::default() })
    }

    /// The address, when it may be asked as far as can be seen before its host is looked up.
    pub fn admits(&self, address: &str) -> Result<Url, Refused> {
        let url = Url::parse(address).map_err(|_unshown| Refused::Address)?;
        admits(&self.guard.allowed, &url)?;
        Ok(url)
    }

    /// The addresses of a host that may be connected to otherwise than by the web.
    pub async fn places(&self, host: &str) -> Result<Vec<IpAddr>, Refused> {
        match host.parse() {
            Ok(address) => match self.guard.allowed.refusal(host, address) {
                Some(why) => Err(Refused::Inside(why)),
                None => Ok(vec![address]),
            },
            Err(_) => {
                let found = tokio::time::timeout(CONNECT, self.guard.names.addresses(host.to_owned())).await;
                let found = found.ok().and_then(Result::ok).ok_or(Refused::Nowhere)?;
                judged(&self.guard.allowed, host, found)
            }
        }
    }

    /// What addresses that were admitted are read with.
    pub const fn reading(&self) -> &Client {
        &self.reading
    }

    /// How connections are encrypted that are no requests of the web: as the system's authorities vouch for it.
    pub fn tls(&self) -> Result<Arc<ClientConfig>, rustls::Error> {
        // The system's authorities are read once, and only where they are needed.
        if let Some(known) = self.tls.get() {
            return Ok(Arc::clone(known));
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let made = Arc::new(builder.with_platform_verifier()?.with_no_client_auth());
        Ok(Arc::clone(self.tls.get_or_init(|| made)))
    }

    /// What is sent to addresses that were admitted.
    pub const fn sending(&self) -> &Client {
        &self.sending
    }
}

/// Whether an address may be asked: one that is written as digits is never looked up, so it is judged here.
fn admits(allowed: &Allowed, url: &Url) -> Result<(), Refused> {
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(Refused::Address)?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(Refused::Address);
    }
    match host.trim_start_matches('[').trim_end_matches(']').parse() {
        Ok(address) => allowed.refusal(host, address).map_or(Ok(()), |why| Err(Refused::Inside(why))),
        Err(_) => Ok(()),
    }
}

fn step(allowed: &Allowed, before: &[Url], next: &Url) -> Result<(), Refused> {
    if before.len() > REDIRECTS {
        return Err(Refused::Circles);
    }
    if next.scheme() == "http" && before.iter().any(|url| url.scheme() == "https") {
        return Err(Refused::Downgrade);
    }
    admits(allowed, next)
}

/// Why a request failed, without its address, which may hold a secret.
pub fn told(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut deepest: &dyn std::error::Error = &error;
    while let Some(deeper) = deepest.source() {
        deepest = deeper;
    }
    match (error.is_timeout(), error.source()) {
        (true, _) => "no answer came in time".to_owned(),
        (false, Some(_)) => format!("{error}: {deepest}"),
        (false, None) => error.to_string(),
    }
}

/// The addresses that a name was found to have, when all of them may be asked.
fn judged(allowed: &Allowed, host: &str, found: Vec<IpAddr>) -> Result<Vec<IpAddr>, Refused> {
    // A name that leads outside and inside at once is nobody's honest name.
    match found.iter().find_map(|address| allowed.refusal(host, *address)) {
        Some(why) => Err(Refused::Inside(why)),
        None if found.is_empty() => Err(Refused::Nowhere),
        None => Ok(found),
    }
}

/// Looks names up, and refuses what leads inside.
#[derive(Debug)]
struct Guard {
    allowed: Allowed,
    names: Arc<dyn Names>,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (allowed, host) = (self.allowed.clone(), name.as_str().to_owned());
        let found = self.names.addresses(host.clone());
        Box::pin(async move {
            let open = judged(&allowed, &host, found.await?)?;
            Ok(Box::new(open.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_written_as_digits_are_judged_however_they_are_written() {
        let way = Egress::new(Allowed::default()).unwrap();
        for inside in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://127.1/",
            "https://[::1]:8443/x",
            "https://[::ffff:169.254.169.254]/latest/meta-data",
            "http://169.254.169.254/latest/meta-data",
            "http://user@10.0.0.1/",
        ] {
            assert!(matches!(way.admits(inside), Err(Refused::Inside(_))), "{inside}: {:?}", way.admits(inside));
        }
        for odd in ["", "ftp://example.com/", "file:///etc/passwd", "data:text/plain,x", "example.com/x"] {
            assert_eq!(way.admits(odd), Err(Refused::Address), "{odd}");
        }
        assert!(way.admits("https://hooks.example.com/calls?x=1").is_ok());
        assert!(way.admits("https://8.8.8.8/").is_ok());
    }

    #[test]
    fn redirects_are_judged_one_by_one() {
        let url = |text: &str| Url::parse(text).unwrap();
        let allowed = Allowed::default();
        let from = [url("https://a.example/")];
        assert_eq!(step(&allowed, &from, &url("https://b.example/")), Ok(()));
        assert_eq!(step(&allowed, &from, &url("http://b.example/")), Err(Refused::Downgrade));
        assert!(matches!(step(&allowed, &from, &url("https://192.168.0.1/")), Err(Refused::Inside(_))));
        assert_eq!(step(&allowed, &vec![from[0].clone(); 4], &url("https://b.example/")), Err(Refused::Circles));
    }
}
