//! Per organization: the accounts that notices go out over and sheets are read with, and addresses that are never asked.

use crate::admin::Office;
use crate::cli::doctor::Report;
use crate::egress::Egress;
use crate::model::ids::OrgSlug;
use crate::notices;
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
    for (slug, rules) in organizations {
        channels(report, &office, settings, slug, rules).await;
        if writes_mail(rules) {
            account(report, &office, slug, (&format!("{slug}: mail about messages"), Provider::Email)).await;
        }
        sources(report, &office, settings, slug, rules).await;
    }
}

/// Whether a mailbox sends its messages to a mail address.
fn writes_mail(rules: &RuleSet) -> bool {
    rules.mailboxes.iter().any(|mailbox| mailbox.send_to.iter().any(|it| matches!(it, Receiver::Address(_))))
}

async fn channels(report: &mut Report, office: &Office, settings: &Settings, slug: &OrgSlug, rules: &RuleSet) {
    for channel in &rules.channels {
        let what = format!("{slug}: channel {}", channel.name);
        let provider = notices::provider(channel.kind);
        let refused = (channel.kind == ChannelKind::Webhook).then(|| refused(settings, &channel.to)).flatten();
        match refused {
            Some(why) => report.fail(&what, format!("its address is never asked: {why}"), REMEDY),
            None => account(report, office, slug, (&what, provider)).await,
        }
    }
}

async fn account(report: &mut Report, office: &Office, slug: &OrgSlug, (what, provider): (&str, Provider)) {
    match office.outlet(slug, provider).await {
        Ok(Some(outlet)) => {
            report.pass(what, format!("goes over the account `{}` at {provider}", outlet.account));
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

async fn sources(report: &mut Report, office: &Office, settings: &Settings, slug: &OrgSlug, rules: &RuleSet) {
    for switch in &rules.switches {
        let Some(source) = &switch.source else { continue };
        let what = format!("{slug}: switch {}", switch.name);
        match &source.from {
            SourceKind::Url { url, .. } => {
                if let Some(why) = refused(settings, url) {
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
                    account(report, office, slug, (&what, Provider::Google)).await;
                }
            }
        }
    }
}

const REMEDY: &str = "name an address of the public internet, or let the operator allow this one with `outbound_allow`";

fn refused(settings: &Settings, url: &str) -> Option<String> {
    let egress = Egress::new(settings.outbound.allow.clone()).ok()?;
    egress.admits(url).err().map(|why| why.to_string())
}
