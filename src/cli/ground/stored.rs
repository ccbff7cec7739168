//! The rules by which organizations are answered where those are revisions in the store.

use std::sync::Arc;

use anyhow::Context as _;

use crate::admin::Office;
use crate::app::tenancy::{TenantError, Tenants};
use crate::app::{live, revisions};
use crate::cli::ground::AtHand;
use crate::cli::office::Misuse;
use crate::cli::rulefiles;
use crate::model::ids::OrgSlug;
use crate::settings::Settings;
use crate::startup::organizations;

/// The present revision of one organization, or of all that have one. On a thread of its own: whoever asks may stand in
/// a runtime already.
pub(super) fn rules(settings: &Settings, org: Option<&OrgSlug>) -> anyhow::Result<AtHand> {
    let asked = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let found = runtime.block_on(async { found(&organizations::open(settings)?, org).await });
        runtime.shutdown_background();
        found
    };
    let asked = std::thread::scope(|scope| scope.spawn(asked).join());
    asked.map_err(|_panic| anyhow::anyhow!("reading the rules in the store failed unexpectedly"))?
}

async fn found(store: &Arc<dyn Tenants>, org: Option<&OrgSlug>) -> anyhow::Result<AtHand> {
    let slugs = match org {
        Some(org) => vec![org.clone()],
        None => {
            let all = Office::new(Arc::clone(store), None).organizations().await?;
            all.into_iter().map(|organization| organization.slug).collect()
        }
    };
    let mut at_hand = AtHand::default();
    for slug in slugs {
        let tenant = match store.tenant(&slug).await {
            Err(TenantError::NotFound(_)) => return Err(Misuse(format!("there is no organization `{slug}`")).into()),
            tenant => tenant?,
        };
        let Some(current) = tenant.rules else {
            anyhow::ensure!(
                org.is_none(),
                "`{slug}` has no rules in the store: bring some with `ringfall rules push --org {slug}`"
            );
            continue;
        };
        let digest = &current.item.digest;
        let texts = revisions::rule_texts(store.as_ref(), &slug, digest).await?;
        let rules = live::compiled(&texts, rulefiles::today());
        match rules.with_context(|| format!("the revision {} of `{slug}` is not understood here", digest.short())) {
            Ok(rules) => at_hand.good.push((slug, rules)),
            Err(error) => at_hand.bad.push(error),
        }
    }
    Ok(at_hand)
}
