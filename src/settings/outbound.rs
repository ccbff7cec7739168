//! The settings of what is asked and told elsewhere: which addresses organizations may name, and where providers are.

use std::path::PathBuf;

use crate::app::outside::Allowed;
use crate::settings::Reader;

/// What may be asked elsewhere, and where.
#[derive(Debug, Clone)]
pub struct Outbound {
    /// What organizations' addresses may lead to beyond the public internet.
    pub allow: Allowed,
    /// Key file of the service account for organizations that are known by a rule file alone.
    pub google_credentials: Option<PathBuf>,
    /// Where Google's interface to sheets is.
    pub google_sheets_url: String,
    /// Where Slack's interface is.
    pub slack_url: String,
    /// Where Telegram's interface for bots is.
    pub telegram_url: String,
}

impl Reader<'_> {
    /// None only when a fault was kept.
    pub(in crate::settings) fn outbound(&mut self) -> Option<Outbound> {
        let text = self.text("outbound_allow");
        let allow = Allowed::parse(&text).map_err(|part| {
            self.fault("outbound_allow", format!("`{part}` is no network, such as `10.1.0.0/16`, and no host name"));
        });
        let google_credentials = Some(self.text("google_credentials_file")).filter(|path| !path.is_empty());
        Some(Outbound {
            allow: allow.ok()?,
            google_credentials: google_credentials.map(PathBuf::from),
            google_sheets_url: self.text("google_sheets_url"),
            slack_url: self.text("slack_url"),
            telegram_url: self.text("telegram_url"),
        })
    }
}
