//! Which accounts notices go out over and sheets are read with: the office, asked by those who need them.

use std::path::PathBuf;
use std::sync::Arc;

use crate::admin::outlets::Outlet;
use crate::admin::{AdminError, Office};
use crate::app::App;
use crate::app::ports::Later;
use crate::egress::Egress;
use crate::feed::token::Account;
use crate::model::digest::Digest;
use crate::model::ids::OrgSlug;
use crate::notices::mail::Mail;
use crate::notices::{self, Bases, Notices};
use crate::settings::Settings;
use crate::sources::{self, Accounts, Means, Sources};
use crate::startup::{carrier, keys};
use crate::tenant::profile::Provider;

/// The accounts of all organizations.
#[derive(Debug, Clone)]
pub(in crate::startup) struct Outlets {
    office: Office,
    google: Option<PathBuf>,
}

impl Outlets {
    pub(in crate::startup) fn new(settings: &Settings, app: &App) -> anyhow::Result<Self> {
        let ring = keys::ring(settings, &std::collections::BTreeSet::new())?;
        let office = Office::new(Arc::clone(&app.tenants), ring);
        Ok(Self { office, google: settings.outbound.google_credentials.clone() })
    }

    /// The account that serves an organization at a provider; why it cannot be told.
    pub(in crate::startup) async fn of(&self, org: &OrgSlug, provider: Provider) -> Result<Option<Outlet>, String> {
        self.office.outlet(org, provider).await.map_err(|error| error.to_string())
    }

    /// Whether an organization is known by its rule file alone, and so is the operator's own.
    async fn is_the_operators(&self, org: &OrgSlug) -> Result<bool, String> {
        match self.office.show(org).await {
            Ok(_) => Ok(false),
            Err(AdminError::NoOrganization(_)) => Ok(true),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl Accounts for Outlets {
    fn account<'a>(&'a self, org: &'a OrgSlug) -> Later<'a, Result<Option<(String, Account)>, String>> {
        Box::pin(async move {
            if let Some(outlet) = self.of(org, Provider::Google).await? {
                return Ok(Some((outlet.id, Account::parse(outlet.secret.expose())?)));
            }
            // The operator's file is for nobody else's rules.
            let Some(file) = self.google.clone() else { return Ok(None) };
            if !self.is_the_operators(org).await? {
                return Ok(None);
            }
            let text = tokio::fs::read_to_string(&file).await;
            let text = text.map_err(|error| format!("`google_credentials_file` cannot be read: {error}"))?;
            let account = Account::parse(&text).map_err(|why| format!("`google_credentials_file`: {why}"))?;
            Ok(Some((format!("file {}", Digest::of([text.as_bytes()])), account)))
        })
    }
}

impl notices::Accounts for Outlets {
    fn outlet<'a>(&'a self, org: &'a OrgSlug, provider: Provider) -> Later<'a, Result<Option<Outlet>, String>> {
        Box::pin(self.of(org, provider))
    }

    fn whose<'a>(&'a self, org: &'a OrgSlug, provider: Provider) -> Later<'a, String> {
        Box::pin(self.office.whose_outlet(org, provider))
    }
}

/// Lets notices to channels go out. Calls are answered whether or not this works.
pub(in crate::startup) fn carry_notices(settings: &Settings, app: &Arc<App>) {
    let notices = || {
        anyhow::Ok(Notices {
            accounts: Arc::new(Outlets::new(settings, app)?),
            egress: Egress::new(settings.outbound.allow.clone())?,
            bases: Bases {
                slack: settings.outbound.slack_url.clone(),
                telegram: settings.outbound.telegram_url.clone(),
            },
            gate: carrier::gate(settings)?,
            mail: Mail::default(),
        })
    };
    match notices() {
        Ok(notices) => app.heralds.set(Arc::new(notices)),
        Err(error) => tracing::error!(error = format!("{error:#}"), "no notice to a channel goes out"),
    }
}

/// Starts reading what switches are read from. Calls are answered whether or not this works.
pub(in crate::startup) fn read_sources(settings: &Settings, app: &Arc<App>) -> Option<Sources> {
    let means = || {
        anyhow::Ok(Means {
            egress: Egress::new(settings.outbound.allow.clone())?,
            accounts: Arc::new(Outlets::new(settings, app)?),
            sheets: settings.outbound.google_sheets_url.clone(),
            file: sources::kept::file(&settings.data),
        })
    };
    match means() {
        Ok(means) => Some(Sources::start(app, means)),
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "no switch is read from its source");
            None
        }
    }
}
