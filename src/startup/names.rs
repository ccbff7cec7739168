//! The way to DNS: the resolver of the system, or the one that the settings name. Nothing is remembered between two
//! questions, so that a record that was just made is seen.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;

use crate::admin::Names;
use crate::app::ports::Later;
use crate::settings::Settings;

/// Wait for one answer of the resolver.
const ANSWER: Duration = Duration::from_secs(3);

/// How often it is asked.
const ATTEMPTS: usize = 2;

/// Wait in all.
const WHOLE: Duration = Duration::from_secs(10);

/// Records of one name that are looked at.
const RECORDS: usize = 100;

/// DNS, asked through a resolver.
#[derive(Debug, Clone, Copy)]
pub struct Dns {
    resolver: Option<SocketAddr>,
}

impl Dns {
    /// Through the resolver of the settings, or the system's.
    pub const fn new(settings: &Settings) -> Self {
        Self { resolver: settings.dns_resolver }
    }

    fn resolver(self) -> anyhow::Result<TokioResolver> {
        let mut builder = match self.resolver {
            None => TokioResolver::builder_tokio().context("the system's resolver is not known")?,
            Some(address) => {
                let ways = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut way| {
                    way.port = address.port();
                    way
                });
                let server = NameServerConfig::new(address.ip(), true, ways.into());
                let config = ResolverConfig::from_name_servers(vec![server]);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
        };
        let options = builder.options_mut();
        options.cache_size = 0;
        options.timeout = ANSWER;
        options.attempts = ATTEMPTS;
        builder.build().context("the resolver cannot be used")
    }

    async fn asked(self, name: &str) -> anyhow::Result<Vec<String>> {
        let resolver = self.resolver()?;
        // With the dot at its end it is this name, and none below a domain of the machine's own.
        let lookup = tokio::time::timeout(WHOLE, resolver.txt_lookup(format!("{name}."))).await;
        let found = match lookup.context("DNS does not answer in time")? {
            Ok(found) => found,
            Err(error) if error.is_no_records_found() => return Ok(Vec::new()),
            Err(error) => return Err(error).context("DNS does not tell"),
        };
        let texts = found.answers().iter().filter_map(|record| {
            let RData::TXT(text) = &record.data else { return None };
            Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned())
        });
        Ok(texts.take(RECORDS).collect())
    }
}

impl Names for Dns {
    fn texts<'a>(&'a self, name: &'a str) -> Later<'a, Result<Vec<String>, String>> {
        Box::pin(async move { self.asked(name).await.map_err(|error| format!("{error:#}")) })
    }
}
