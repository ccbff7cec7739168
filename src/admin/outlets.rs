//! Accounts that notices go out over and that sheets are read with: connected, found for an organization, let go.
//!
//! Each owner has one at each provider. What an organization has is its own; an organization that is known by a rule
//! file alone belongs to whoever runs the service, and uses the platform's.

use crate::admin::accounts::profile_id;
use crate::admin::{AdminError, Office, is_stale};
use crate::app::tenancy::TenantError;
use crate::model::ids::OrgSlug;
use crate::model::secret::Secret;
use crate::tenant::binding::{Binding, Channel};
use crate::tenant::change::Change;
use crate::tenant::event::Deed;
use crate::tenant::installation::{ApiKey, Installation, InstallationState, SignatureMode};
use crate::tenant::item::{Item, Kept};
use crate::tenant::owner::{Id, Owner, Platform, Reference};
use crate::tenant::profile::{AppProfile, Provider};
use crate::tenant::rollout::Rollout;
use crate::tenant::stamp::Stamp;
use crate::vault::Place;

/// An account to be connected.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Whose.
    pub owner: Owner,
    /// At whom.
    pub provider: Provider,
    /// The account there.
    pub account: String,
    /// The public part of its key, or what kind of key it is.
    pub name: String,
    /// Its key.
    pub secret: Secret,
    /// What it sends from, where that is chosen.
    pub from: Option<String>,
}

/// An account as it is used.
#[derive(Debug, Clone)]
pub struct Outlet {
    /// Another one for every key.
    pub id: String,
    /// The account at the provider.
    pub account: String,
    /// The public part of its key, or what kind of key it is.
    pub name: String,
    /// Its key.
    pub secret: Secret,
    /// What it sends from, where that is chosen.
    pub from: Option<String>,
}

/// How a binding of an account that chooses no sender is selected.
const ANY: &str = "*";

impl Office {
    /// Connects an account; the one that was connected before at that provider is revoked.
    pub async fn connect_outlet(&self, wish: &Wish, by: &Stamp) -> Result<Installation, AdminError> {
        let mut tries = super::TRIES;
        loop {
            let (made, changes) = self.outlet_changes(wish, by).await?;
            match self.store().change(&wish.owner, changes, by).await {
                Ok(_) => return Ok(made),
                Err(error) if is_stale(&error) && tries > 0 => tries -= 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn outlet_changes(&self, wish: &Wish, by: &Stamp) -> Result<(Installation, Vec<Change>), AdminError> {
        let Wish { owner, provider, .. } = wish;
        let (profiles, installations) = self.of(owner).await?;
        let mut changes = Vec::new();
        if !profiles.iter().any(|kept| kept.item.provider == *provider) {
            let profile = AppProfile {
                id: profile_id(*provider)?,
                provider: *provider,
                owner: owner.clone(),
                name: provider.word().to_owned(),
                created: by.clone(),
            };
            changes.push(Change::new(Item::Profile(profile), Deed::ProfileMade, provider.word()));
        }
        for Kept { mut item, version } in installations.into_iter().filter(|kept| is_at(&kept.item, *provider)) {
            item.revoke(by.clone())?;
            let detail = format!("account `{}` at `{provider}`, for another", item.account);
            let item = Item::Installation(Box::new(item));
            changes.push(Change::changed(item, version, Deed::InstallationRevoked, detail));
        }
        let mut made = Installation {
            id: Id::parse(&format!("{provider}-{}", by.at.microsecond())).map_err(|error| odd(&error))?,
            owner: owner.clone(),
            profile: Reference { owner: owner.clone(), id: profile_id(*provider)? },
            provider: *provider,
            account: wish.account.clone(),
            state: InstallationState::Active,
            signature: SignatureMode::Enforced,
            primary: None,
            next: None,
            next_seen: None,
            api_key: None,
            created: by.clone(),
            rotated: None,
            revoked: None,
        };
        let secret = self.ring()?.seal(Place::api_secret(&made), wish.secret.expose().as_bytes())?;
        made.api_key = Some(ApiKey { sid: wish.name.clone(), secret });
        let detail = format!("account `{}` at `{provider}`", wish.account);
        changes.push(Change::new(Item::Installation(Box::new(made.clone())), Deed::InstallationConnected, detail));
        if let Owner::Org(org) = owner {
            let binding = Binding {
                id: Id::parse(&format!("chat-{}", made.id)).map_err(|error| odd(&error))?,
                org: org.clone(),
                channel: Channel::Chat,
                selector: wish.from.clone().unwrap_or_else(|| ANY.to_owned()),
                installation: made.reference(),
                line: ANY.to_owned(),
                priority: 0,
                created: by.clone(),
            };
            changes.push(Change::new(Item::Binding(binding), Deed::BindingMade, provider.word()));
        }
        Ok((made, changes))
    }

    /// Uses the account at that provider never again, and forgets its key.
    pub async fn drop_outlet(&self, owner: &Owner, provider: Provider, by: &Stamp) -> Result<Installation, AdminError> {
        let (_, installations) = self.of(owner).await?;
        let found = installations.into_iter().find(|kept| is_at(&kept.item, provider));
        let missing = || AdminError::NoAccount { owner: owner.clone(), account: None };
        let Kept { mut item, version } = found.ok_or_else(missing)?;
        item.revoke(by.clone())?;
        let detail = format!("account `{}` at `{provider}`", item.account);
        let change = Item::Installation(Box::new(item.clone()));
        let change = Change::changed(change, version, Deed::InstallationRevoked, detail);
        self.store().change(owner, vec![change], by).await?;
        Ok(item)
    }

    /// The account that serves an organization at a provider. One that is known by its rule file alone is served by
    /// the platform's; every other one by its own, and by nobody else's.
    pub async fn outlet(&self, org: &OrgSlug, provider: Provider) -> Result<Option<Outlet>, AdminError> {
        let tenant = match self.store().tenant(org).await {
            Ok(tenant) => tenant,
            Err(TenantError::NotFound(_)) => {
                let installations = self.store().platform(Platform).await?.installations;
                let found = installations.into_iter().map(|kept| kept.item).find(|it| is_at(it, provider));
                return found.map(|it| self.opened(&it, None)).transpose().map(Option::flatten);
            }
            Err(error) => return Err(error.into()),
        };
        tenant.organization.item.may_use(provider.own_account())?;
        let rollout = self.store().platform(Platform).await?.rollout.map(|kept| kept.item).unwrap_or_default();
        if !lets_out(&rollout, provider, org) {
            return Ok(None);
        }
        let installations: Vec<Installation> = tenant.installations.into_iter().map(|kept| kept.item).collect();
        let mut bindings: Vec<Binding> = tenant.bindings.into_iter().map(|kept| kept.item).collect();
        bindings.retain(|binding| binding.channel == Channel::Chat && binding.org == *org);
        bindings.sort_by_key(|binding| binding.priority);
        let found = bindings.iter().find_map(|binding| {
            let mut own = installations.iter().filter(|it| is_at(it, provider));
            Some((own.find(|it| it.reference() == binding.installation)?, &binding.selector))
        });
        let Some((it, selector)) = found else { return Ok(None) };
        self.opened(it, Some(selector.clone()).filter(|selector| selector != ANY))
    }

    /// How whoever connects an account for that organization says whose it is: one that is known by its rule file alone
    /// is served by the platform's, which has no WhatsApp sender.
    pub async fn whose_outlet(&self, org: &OrgSlug, provider: Provider) -> String {
        let known = self.store().tenant(org).await;
        if provider != Provider::WhatsApp && matches!(known, Err(TenantError::NotFound(_))) {
            "--platform".to_owned()
        } else {
            format!("--org {org}")
        }
    }

    fn opened(&self, it: &Installation, from: Option<String>) -> Result<Option<Outlet>, AdminError> {
        let Some(key) = &it.api_key else { return Ok(None) };
        let bytes = self.ring()?.open(Place::api_secret(it), &key.secret)?;
        let secret = Secret::new(String::from_utf8_lossy(&bytes).into_owned());
        let (id, account, name) = (it.id.to_string(), it.account.clone(), key.sid.clone());
        Ok(Some(Outlet { id, account, name, secret, from }))
    }

    async fn of(&self, owner: &Owner) -> Result<(Vec<Kept<AppProfile>>, Vec<Kept<Installation>>), AdminError> {
        Ok(match owner {
            Owner::Platform => {
                let things = self.store().platform(Platform).await?;
                (things.profiles, things.installations)
            }
            Owner::Org(slug) => {
                let tenant = self.show(slug).await?;
                (tenant.profiles, tenant.installations)
            }
        })
    }
}

fn is_at(it: &Installation, provider: Provider) -> bool {
    it.provider == provider && it.is_active()
}

/// Whether own accounts at that provider are used. One that the rollout does not name lets in nobody from outside, so
/// that only what is meant for everything holds it back.
fn lets_out(rollout: &Rollout, provider: Provider, org: &OrgSlug) -> bool {
    let owner = Owner::Org(org.clone());
    match rollout.stages.get(&provider) {
        Some(_) => rollout.lets_in(provider, &owner, org).is_ok(),
        None => rollout.enabled && !rollout.rollback_mode,
    }
}

fn odd(error: &dyn std::fmt::Display) -> AdminError {
    AdminError::Store(TenantError::Unavailable(error.to_string()))
}
