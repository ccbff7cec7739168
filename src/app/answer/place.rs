//! Where a request belongs: the organization, its rules as the call began under them, and the line.

use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::app::answer::Visit;
use crate::app::answer::fault::Fault;
use crate::app::directory::{Grant, Owner, Snapshot as Directory, Withheld};
use crate::app::live::{Organization, Snapshot as Rules};
use crate::app::ports::RuleText;
use crate::app::revisions;
use crate::decide;
use crate::model::digest::RulesKey;
use crate::model::ids::OrgSlug;
use crate::model::phone::E164;
use crate::model::position::Position;
use crate::respond::{self, Memory as _};
use crate::webhook::continuation::{self, Continuation};
use crate::webhook::event::CallEvent;

impl Visit<'_> {
    /// The organization that the URL names, or under whose host the request came in.
    pub(super) fn named(&self) -> Result<Option<OrgSlug>, Fault> {
        let named = continuation::organization(self.verified.get().query())?;
        Ok(named.or_else(|| self.believed.named.clone()))
    }

    /// How far the organization is served over the account that signed this; none when it is not for it at all.
    pub(super) fn grant(&self, slug: &OrgSlug) -> Option<Grant> {
        self.app.directory.now().grant(self.profile, slug)
    }

    /// Why the organization of this request is not served in full, if it is not.
    pub(super) fn withheld(&self) -> Option<Withheld> {
        let number = || self.verified.get().fields().get("To").and_then(|text| E164::parse(text).ok());
        let slug = self.believed.named.clone().or_else(|| self.bound(number().as_ref()))?;
        match self.grant(&slug)? {
            Grant::Full => None,
            Grant::Ending(why) => Some(why),
        }
    }

    /// The organization that has the number, as far as calls over this account are concerned: by its binding, or by
    /// the rule file of whoever is known by that alone.
    pub(super) fn bound(&self, number: Option<&E164>) -> Option<OrgSlug> {
        let number = number?;
        let known = self.app.directory.now();
        if let Some(tenant) = known.number(&self.profile.account, number) {
            return Some(tenant.slug.clone());
        }
        let now = self.app.live.now();
        let organization = self.meant(&known, &now, number).or_else(|| Some(now.number(number)?.0))?;
        let slug = &organization.slug;
        let by_file = match &self.profile.owner {
            Owner::Simulator => true,
            // What an organization writes into its rules gives it no number in an account that it shares with others.
            Owner::Platform => known.tenant(slug).is_none(),
            Owner::Organization(own) => own == slug,
        };
        by_file.then(|| slug.clone())
    }

    /// The organization that the signed address names, where its own rules have the number and it is known by those
    /// alone: of two rule files of the operator's that claim one number, the address says which is meant.
    fn meant<'s>(&self, known: &Directory, now: &'s Rules, number: &E164) -> Option<&'s Arc<Organization>> {
        let named = self.believed.named.as_ref().filter(|slug| known.tenant(slug).is_none())?;
        let organization = now.organization(named)?;
        organization.rules.lines.iter().any(|line| line.number == *number).then_some(organization)
    }

    /// Whose a request is: the organization that its address names, or the one that has the number. A number that
    /// nobody has is of the one whose account this came over, or of the only one there is. An account that is not for
    /// the organization says nothing on its behalf.
    pub(super) fn whose(&self, number: Option<&E164>) -> Result<Option<OrgSlug>, Fault> {
        let slug = match (self.named()?, self.bound(number)) {
            (Some(named), Some(bound)) if named != bound => return Err(Fault::Foreign),
            (Some(slug), _) | (None, Some(slug)) => Some(slug),
            (None, None) => self.host(),
        };
        match slug {
            Some(slug) if self.grant(&slug).is_none() => Err(Fault::Foreign),
            slug => Ok(slug),
        }
    }

    /// The organization that takes in what is sent to a number of nobody: the one whose account it is. The operator's
    /// account is that of the business where there is one alone, known by its rule file.
    pub(super) fn host(&self) -> Option<OrgSlug> {
        match &self.profile.owner {
            Owner::Organization(own) => Some(own.clone()),
            Owner::Platform | Owner::Simulator => {
                let now = self.app.live.now();
                let only = &now.only()?.slug;
                self.app.directory.now().tenant(only).is_none().then(|| only.clone())
            }
        }
    }

    /// Where a new call belongs.
    pub(super) fn newcomer(&self, event: &CallEvent) -> Result<Arc<Organization>, Fault> {
        let slug = self.whose(event.to.number.as_ref())?.ok_or(Fault::UnknownNumber)?;
        let now = self.app.live.now();
        let organization = now.organization(&slug).map(Arc::clone);
        let organization = organization.ok_or_else(|| Fault::UnknownOrganization(slug.to_string()))?;
        if let Some(tried) = self.tried(&organization, event) {
            self.app.metrics.tried("answered");
            return Ok(tried);
        }
        Ok(organization)
    }

    /// The organization under its rules on trial, when those answer this caller. A line that they do not have is not
    /// on trial.
    fn tried(&self, organization: &Organization, event: &CallEvent) -> Option<Arc<Organization>> {
        let (trial, tried) = organization.tried()?;
        let number = event.to.number.as_ref();
        let bound = number.and_then(|number| self.memory(&organization.slug).line(number));
        let line = respond::line_of(&tried.rules, number, bound.as_deref())?;
        let began = decide::moment(&tried.rules, Some(line), &Position::start(self.at.as_second()));
        let takes = trial.takes(&event.from, &event.call, began.date());
        (takes && self.app.trials.answers(&organization.slug, &tried.rules.digest)).then_some(tried)
    }

    /// Rules that another node answered the beginning of the call by: they are in the store, when it is at hand.
    async fn brought(&self, slug: &OrgSlug, rules: RulesKey) -> Option<Vec<RuleText>> {
        let asked = revisions::texts(self.app.tenants.as_ref(), slug, rules, self.started);
        tokio::time::timeout(self.app.manners.journal_deadline, asked).await.ok()?.ok()?
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
        let kept = self.app.journal.rules(slug.as_str(), &digest).await.map_err(Fault::Journal)?;
        let texts = match kept {
            Some(texts) => texts,
            None => self.brought(slug, rules).await.ok_or_else(gone)?,
        };
        let (app, slug) = (Arc::clone(self.app), slug.clone());
        let today = self.started.to_zoned(TimeZone::UTC).date();
        let revived = tokio::task::spawn_blocking(move || app.live.revive(&slug, rules, &texts, today)).await;
        revived.ok().flatten().ok_or_else(gone)
    }
}
