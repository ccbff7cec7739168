//! Per organization: the accounts that notices go out over and sheets are read with, and addresses that are never asked.

use std::collections::BTreeMap;

use crate::admin::Office;
use crate::admin::outlets::Outlet;
use crate::cli::doctor::Report;
use crate::egress::Egress;
use crate::model::ids::OrgSlug;
use crate::notices::{self, mail, slack, telegram};
use crate::rules::ruleset::{ChannelKind, Receiver, RuleSet, SourceKind};
use crate::settings::Settings;
use crate::startup::organizations;
use crate::tenant::profile::Provider;

/// Looks at what the rules of these organizations name.
pub(super) async fn look(report: &mut Report, settings: &Settings, organizations: &[(OrgSlug, RuleSet)]) {
    let named = |rules: &RuleSet| {
        !rules.channels.is_empty() || writes_mail(rules) || rules.switches.iter().any(|it| it.source.is_some())
    };
    if !organizations.iter().any(|(_, rules)| named(rules)) {
        return;
    }
    let office = match organizations::office(settings).await {
        Ok(office) => office,
        Err(error) => {
            let remedy = "see that the store of organizations and its key can be used";
            report.fail("accounts elsewhere", format!("{error:#}"), remedy);
            return;
        }
    };
    let egress = match Egress::new(settings.outbound.allow.clone()) {
        Ok(egress) => egress,
        Err(error) => return report.fail("accounts elsewhere", format!("{error:#}"), "mend the settings"),
    };
    for (slug, rules) in organizations {
        let mut asking = Asking { office: &office, settings, egress: &egress, slug, asked: BTreeMap::new() };
        asking.channels(report, rules).await;
        if writes_mail(rules) {
            asking.account(report, &format!("{slug}: mail about messages"), Provider::Email).await;
        }
        asking.sources(report, rules).await;
    }
}

/// Whether a mailbox sends its messages to a mail address.
fn writes_mail(rules: &RuleSet) -> bool {
    rules.mailboxes.iter().any(|mailbox| mailbox.send_to.iter().any(|it| matches!(it, Receiver::Address(_))))
}

/// The accounts of one organization; each is asked once.
struct Asking<'a> {
    office: &'a Office,
    settings: &'a Settings,
    egress: &'a Egress,
    slug: &'a OrgSlug,
    asked: BTreeMap<Provider, Result<(), String>>,
}

impl Asking<'_> {
    async fn channels(&mut self, report: &mut Report, rules: &RuleSet) {
        for channel in &rules.channels {
            let what = format!("{}: channel {}", self.slug, channel.name);
            let provider = notices::provider(channel.kind);
            match self.refused(&channel.to).filter(|_| channel.kind == ChannelKind::Webhook) {
                Some(why) => report.fail(&what, format!("its address is never asked: {why}"), REMEDY),
                None => self.account(report, &what, provider).await,
            }
        }
    }

    async fn account(&mut self, report: &mut Report, what: &str, provider: Provider) {
        let (office, slug) = (self.office, self.slug);
        match office.outlet(slug, provider).await {
            Ok(Some(outlet)) => {
                let goes = format!("goes over the account `{}` at {provider}", outlet.account);
                match self.works(&outlet, provider).await {
                    Ok(()) => report.pass(what, goes),
                    Err(why) => {
                        let remedy = format!(
                            "mend it there, or connect it again: `ringfall connect {provider} --help` says how"
                        );
                        report.fail(what, format!("{goes}, which does not work: {why}"), remedy);
                    }
                }
            }
            Ok(None) => {
                let whose = office.whose_outlet(slug, provider).await;
                let remedy =
                    format!("`ringfall connect {provider} {whose}`; `ringfall connect {provider} --help` says how");
                report.fail(what, format!("no account at {provider} is connected"), remedy);
            }
            Err(error) => {
                report.fail(what, error.to_string(), "see `ringfall connect list` and `ringfall org show`");
            }
        }
    }

    /// Whether the provider still takes the account's key, as far as it can be asked without writing to anybody.
    async fn works(&mut self, outlet: &Outlet, provider: Provider) -> Result<(), String> {
        if let Some(known) = self.asked.get(&provider) {
            return known.clone();
        }
        let outbound = &self.settings.outbound;
        let works = match provider {
            Provider::Email => mail::works(self.egress, outlet).await,
            Provider::Slack if outlet.name == slack::BOT => {
                slack::workspace(self.egress, &outbound.slack_url, &outlet.secret).await.map(drop)
            }
            Provider::Telegram => telegram::name(self.egress, &outbound.telegram_url, &outlet.secret).await.map(drop),
            Provider::Slack | Provider::WhatsApp | Provider::Webhook | Provider::Google | Provider::Twilio => Ok(()),
        };
        self.asked.insert(provider, works.clone());
        works
    }

    async fn sources(&mut self, report: &mut Report, rules: &RuleSet) {
        let (office, settings, slug) = (self.office, self.settings, self.slug);
        for switch in &rules.switches {
            let Some(source) = &switch.source else { continue };
            let what = format!("{slug}: switch {}", switch.name);
            match &source.from {
                SourceKind::Url { url, .. } => {
                    if let Some(why) = self.refused(url) {
                        report.fail(&what, format!("its source is never asked: {why}"), REMEDY);
                    } else {
                        report.pass(&what, "its source may be asked");
                    }
                }
                SourceKind::Sheet { .. } => {
                    let operators = settings.outbound.google_credentials.is_some();
                    if operators && office.show(slug).await.is_err() {
                        report.pass(&what, "its sheet is read with `google_credentials_file`");
                    } else {
                        self.account(report, &what, Provider::Google).await;
                    }
                }
            }
        }
    }

    fn refused(&self, url: &str) -> Option<String> {
        self.egress.admits(url).err().map(|why| why.to_string())
    }
}

const REMEDY: &str = "name an address of the public internet, or let the operator allow this one with `outbound_allow`";
