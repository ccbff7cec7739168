//! Organizations: founded, looked at, given another plan, suspended, taken up again, opted in and out.

use crate::admin::{AdminError, Office, TRIES, is_stale, is_taken};
use crate::app::tenancy::{Tenant, TenantError};
use crate::model::ids::OrgSlug;
use crate::tenant::change::Change;
use crate::tenant::event::Deed;
use crate::tenant::item::{Item, Kept};
use crate::tenant::organization::{OrgState, Organization};
use crate::tenant::owner::{Owner, Platform};
use crate::tenant::plan::{Capability, Plan};
use crate::tenant::stamp::Stamp;

/// Organizations read at once.
const PAGE: u32 = 500;

impl Office {
    /// Founds an organization.
    pub async fn found(&self, slug: OrgSlug, name: String, plan: Plan, by: &Stamp) -> Result<Organization, AdminError> {
        let organization = Organization::new(slug.clone(), name, plan, by.clone());
        let item = Item::Organization(organization.clone());
        let change = Change::new(item, Deed::OrganizationFounded, format!("plan `{plan}`"));
        match self.store.change(&Owner::Platform, vec![change], by).await {
            Ok(_) => Ok(organization),
            Err(error) if is_taken(&error) => Err(AdminError::Exists(slug)),
            Err(error) => Err(error.into()),
        }
    }

    /// All organizations, in the order of their names.
    pub async fn organizations(&self) -> Result<Vec<Organization>, AdminError> {
        let mut all: Vec<Organization> = Vec::new();
        loop {
            let after = all.last().map(|last| last.slug.clone());
            let page = self.store.organizations(Platform, after.as_ref(), PAGE).await?;
            let more = page.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
            all.extend(page.into_iter().map(|kept| kept.item));
            if !more {
                return Ok(all);
            }
        }
    }

    /// One organization with all that belongs to it.
    pub async fn show(&self, slug: &OrgSlug) -> Result<Tenant, AdminError> {
        match self.store.tenant(slug).await {
            Ok(tenant) => Ok(tenant),
            Err(TenantError::NotFound(_)) => Err(AdminError::NoOrganization(slug.clone())),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives it another plan.
    pub async fn set_plan(&self, slug: &OrgSlug, plan: Plan, by: &Stamp) -> Result<Organization, AdminError> {
        self.amend(slug, by, |org| {
            let was = std::mem::replace(&mut org.plan, plan);
            Ok((was != plan).then(|| (Deed::PlanChanged, format!("`{was}` to `{plan}`"))))
        })
        .await
    }

    /// Suspends it, or takes it up again.
    pub async fn set_state(&self, slug: &OrgSlug, state: OrgState, by: &Stamp) -> Result<Organization, AdminError> {
        self.amend(slug, by, |org| {
            let deed = match state {
                OrgState::Active => Deed::OrganizationResumed,
                OrgState::Suspended => Deed::OrganizationSuspended,
            };
            Ok((std::mem::replace(&mut org.state, state) != state).then(|| (deed, String::new())))
        })
        .await
    }

    /// Opts it in to the platform's account, or out.
    pub async fn opt(
        &self,
        slug: &OrgSlug,
        wanted: Capability,
        wish: Wish,
        by: &Stamp,
    ) -> Result<Organization, AdminError> {
        self.amend(slug, by, |org| {
            let before = org.opt_ins.clone();
            match wish {
                Wish::In => org.opt_in(wanted)?,
                Wish::Out => org.opt_out(wanted),
            }
            let told = format!("opted {} `{wanted}`", if wish == Wish::In { "in to" } else { "out of" });
            Ok((before != org.opt_ins).then_some((Deed::OrganizationChanged, told)))
        })
        .await
    }

    /// Changes an organization; nothing is written when nothing is different.
    async fn amend(
        &self,
        slug: &OrgSlug,
        by: &Stamp,
        amend: impl Fn(&mut Organization) -> Result<Option<(Deed, String)>, AdminError>,
    ) -> Result<Organization, AdminError> {
        let mut tries = TRIES;
        loop {
            let Kept { mut item, version } = self.show(slug).await?.organization;
            let Some((deed, detail)) = amend(&mut item)? else { return Ok(item) };
            let change = Change::changed(Item::Organization(item.clone()), version, deed, detail);
            match self.store.change(&Owner::Platform, vec![change], by).await {
                Ok(_) => return Ok(item),
                Err(error) if is_stale(&error) && tries > 0 => tries -= 1,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Into something, or out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// In.
    In,
    /// Out.
    Out,
}
