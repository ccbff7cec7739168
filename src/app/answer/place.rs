//! Where a request belongs: the organization, its rules as the call began under them, and the line.

use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::app::answer::Visit;
use crate::app::answer::fault::Fault;
use crate::app::live::Organization;
use crate::model::digest::RulesKey;
use crate::model::ids::{LineId, OrgSlug};
use crate::webhook::continuation::{self, Continuation};
use crate::webhook::event::CallEvent;

impl Visit<'_> {
    /// Where a new call belongs. A number that nobody has goes to the organization that the URL names.
    pub(super) fn newcomer(&self, event: &CallEvent) -> Result<(Arc<Organization>, Option<LineId>), Fault> {
        let now = self.app.live.now();
        let named = continuation::organization(self.verified.get().query())?;
        let bound = event.to.number.as_ref().and_then(|number| now.number(number));
        match (named, bound) {
            (None, Some((organization, line))) if self.profile.owner.serves(&organization.slug) => {
                Ok((Arc::clone(organization), Some(line)))
            }
            (None, Some(_)) => Err(Fault::Foreign),
            (None, None) => Err(Fault::UnknownNumber),
            (Some(slug), Some((organization, line))) if organization.slug == slug => {
                Ok((Arc::clone(organization), Some(line)))
            }
            (Some(_), Some(_)) => Err(Fault::Foreign),
            (Some(slug), None) => {
                let organization = now.organization(&slug);
                organization
                    .map(|it| (Arc::clone(it), None))
                    .ok_or_else(|| Fault::UnknownOrganization(slug.to_string()))
            }
        }
    }

    /// The place that the URL carries.
    pub(super) fn continuation(&self) -> Result<Continuation, Fault> {
        Continuation::parse(self.endpoint, self.verified.get().query())?.ok_or(Fault::NoPlace)
    }

    /// The organization under the rules that the call began under; those that left memory come from the journal.
    pub(super) async fn organization(&self, slug: &OrgSlug, rules: RulesKey) -> Result<Arc<Organization>, Fault> {
        if let Some(organization) = self.app.live.under(slug, rules) {
            return Ok(organization);
        }
        let digest = rules.to_string();
        let gone = || Fault::RulesGone(digest.clone());
        let texts = self.app.journal.rules(slug.as_str(), &digest).await.map_err(Fault::Journal)?.ok_or_else(gone)?;
        let (app, slug) = (Arc::clone(self.app), slug.clone());
        let today = self.started.to_zoned(TimeZone::UTC).date();
        let revived = tokio::task::spawn_blocking(move || app.live.revive(&slug, rules, &texts, today)).await;
        revived.ok().flatten().ok_or_else(gone)
    }
}
