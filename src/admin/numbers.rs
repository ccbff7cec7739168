//! Numbers: bound to an account of the organization's own or of the platform, and let go.

use crate::admin::accounts::{own_profile, taken};
use crate::admin::{AdminError, Office};
use crate::app::tenancy::TenantError;
use crate::model::ids::{AccountSid, OrgSlug};
use crate::model::phone::E164;
use crate::tenant::binding::{Binding, Channel};
use crate::tenant::change::Change;
use crate::tenant::event::Deed;
use crate::tenant::installation::{Installation, InstallationState, SignatureMode};
use crate::tenant::item::{Item, Kept};
use crate::tenant::owner::{Id, Owner, Platform, Reference};
use crate::tenant::profile::Provider;
use crate::tenant::stamp::Stamp;

/// The installation that stands for the platform's account from the settings, whose keys are not stored.
const SETTINGS: &str = "settings";

impl Office {
    /// Binds a number to an account of that owner; saying it twice changes nothing. True when it was not bound before.
    pub async fn bind(
        &self,
        org: &OrgSlug,
        over: &Owner,
        account: Option<&AccountSid>,
        number: &E164,
        by: &Stamp,
    ) -> Result<bool, AdminError> {
        let bindings = self.show(org).await?.bindings;
        let installation = self.active(over, account).await?.item.reference();
        if is_bound(&bindings, &installation, number) {
            return Ok(false);
        }
        let binding = binding(org, &installation, number, by)?;
        let change = Change::new(Item::Binding(binding), Deed::BindingMade, number.masked());
        self.store.change(&Owner::Org(org.clone()), vec![change], by).await.map_err(|error| taken(error, over))?;
        Ok(true)
    }

    /// Lets a number go.
    pub async fn unbind(&self, org: &OrgSlug, number: &E164, by: &Stamp) -> Result<(), AdminError> {
        let bindings = self.show(org).await?.bindings;
        let fits = |kept: &Kept<Binding>| kept.item.channel == Channel::Voice && kept.item.selector == number.as_str();
        let found = bindings.into_iter().find(fits).ok_or_else(|| AdminError::NoNumber(org.clone()))?;
        let change = Change::removed(Item::Binding(found.item), found.version, Deed::BindingRemoved, number.masked());
        self.store.change(&Owner::Org(org.clone()), vec![change], by).await?;
        Ok(())
    }

    /// Lets bindings lead to the platform's account from the settings: an installation without secrets stands for it.
    pub async fn stand_in(&self, account: &AccountSid, by: &Stamp) -> Result<(), AdminError> {
        let things = self.store.platform(Platform).await?;
        if things.installations.iter().any(|kept| kept.item.is_active() && kept.item.account == account.as_str()) {
            return Ok(());
        }
        let mut changes = Vec::new();
        if !things.profiles.iter().any(|kept| kept.item.provider == Provider::Twilio) {
            changes.push(Change::new(Item::Profile(own_profile(&Owner::Platform, by)?), Deed::ProfileMade, "twilio"));
        }
        let id = |text: &str| Id::parse(text).map_err(|error| odd(&error));
        let tail: String = account.as_str().chars().skip(26).collect();
        let made = Installation {
            id: id(&format!("{SETTINGS}-{tail}"))?,
            owner: Owner::Platform,
            profile: Reference { owner: Owner::Platform, id: id(Provider::Twilio.word())? },
            provider: Provider::Twilio,
            account: account.to_string(),
            state: InstallationState::Active,
            signature: SignatureMode::Enforced,
            primary: None,
            next: None,
            api_key: None,
            created: by.clone(),
            rotated: None,
            revoked: None,
        };
        let detail = format!("account `{account}` from the settings");
        changes.push(Change::new(Item::Installation(Box::new(made)), Deed::InstallationConnected, detail));
        self.store.change(&Owner::Platform, changes, by).await?;
        Ok(())
    }
}

fn odd(error: &dyn std::fmt::Display) -> AdminError {
    AdminError::Store(TenantError::Unavailable(error.to_string()))
}

/// Whether the number leads to that installation already.
pub(in crate::admin) fn is_bound(bindings: &[Kept<Binding>], to: &Reference, number: &E164) -> bool {
    bindings
        .iter()
        .map(|kept| &kept.item)
        .any(|it| it.channel == Channel::Voice && it.selector == number.as_str() && it.installation == *to)
}

/// A number's binding; it rings the line of the rules that has this number.
pub(in crate::admin) fn binding(
    org: &OrgSlug,
    to: &Reference,
    number: &E164,
    by: &Stamp,
) -> Result<Binding, AdminError> {
    let digits = number.as_str().trim_start_matches('+');
    let id = Id::parse(&format!("voice-{digits}-{}", to.id)).map_err(|error| odd(&error))?;
    Ok(Binding {
        id,
        org: org.clone(),
        channel: Channel::Voice,
        selector: number.as_str().to_owned(),
        installation: to.clone(),
        line: number.as_str().to_owned(),
        priority: 0,
        created: by.clone(),
    })
}
