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

/// Characters of the longest name of a line.
const LONGEST_LINE: usize = 80;

/// Where a number should lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lead {
    /// Whose account it is in.
    pub over: Owner,
    /// Which account, when there are several.
    pub account: Option<AccountSid>,
    /// The number.
    pub number: E164,
    /// The line of the rules that it rings; none to leave it as it is, which at first is the line with that number.
    pub line: Option<String>,
    /// Which binding is used for what goes out, the lowest; none to leave it as it is, which at first is 0.
    pub priority: Option<u16>,
}

/// What became of a binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Became {
    /// It was not there before.
    Made,
    /// It was there, and is different now.
    Changed,
    /// It was there, and just so.
    Same,
}

impl Office {
    /// Binds a number to an account of that owner; saying it twice changes nothing.
    pub async fn bind(&self, org: &OrgSlug, lead: &Lead, by: &Stamp) -> Result<(Binding, Became), AdminError> {
        let Lead { over, account, number, line, priority } = lead;
        if let Some(line) = line
            && (line.is_empty() || line.chars().count() > LONGEST_LINE || line.chars().any(char::is_control))
        {
            return Err(AdminError::Line);
        }
        let bindings = self.show(org).await?.bindings;
        let installation = self.active(over, account.as_ref()).await?.item.reference();
        let known = bindings.into_iter().find(|kept| leads(&kept.item, &installation, number));
        let mut wanted = match &known {
            Some(kept) => kept.item.clone(),
            None => binding(org, &installation, number, by)?,
        };
        if let Some(line) = line {
            wanted.line.clone_from(line);
        }
        wanted.priority = priority.unwrap_or(wanted.priority);
        let item = Item::Binding(wanted.clone());
        let (change, became) = match known {
            Some(kept) if kept.item == wanted => return Ok((wanted, Became::Same)),
            Some(kept) => {
                let told = format!("{}: line `{}`, priority {}", number.masked(), wanted.line, wanted.priority);
                (Change::changed(item, kept.version, Deed::BindingChanged, told), Became::Changed)
            }
            None => (Change::new(item, Deed::BindingMade, number.masked()), Became::Made),
        };
        self.store.change(&Owner::Org(org.clone()), vec![change], by).await.map_err(taken)?;
        Ok((wanted, became))
    }

    /// Lets a number go; of several bindings, that to the account of this owner, and of several accounts, of this one.
    pub async fn release(
        &self,
        org: &OrgSlug,
        number: &E164,
        (over, account): (Option<&Owner>, Option<&AccountSid>),
        by: &Stamp,
    ) -> Result<(), AdminError> {
        let mut found = self.show(org).await?.bindings;
        found.retain(|Kept { item, .. }| {
            let over = over.is_none_or(|over| item.installation.owner == *over);
            item.channel == Channel::Voice && item.selector == number.as_str() && over
        });
        if let Some(account) = account {
            let mut installations = self.installations(&Owner::Org(org.clone())).await?;
            installations.extend(self.installations(&Owner::Platform).await?);
            let there = |it: &Installation| it.account == account.as_str();
            let named: Vec<Reference> = installations.into_iter().filter(there).map(|it| it.reference()).collect();
            found.retain(|kept| named.contains(&kept.item.installation));
        }
        let one = found.pop().ok_or_else(|| AdminError::NoNumber(org.clone()))?;
        if !found.is_empty() {
            return Err(AdminError::SeveralBindings(org.clone()));
        }
        self.unbind(one, by).await
    }

    /// Lets that binding go, as it was read.
    pub async fn unbind(&self, found: Kept<Binding>, by: &Stamp) -> Result<(), AdminError> {
        let owner = Owner::Org(found.item.org.clone());
        let told = E164::parse(&found.item.selector).map(|number| number.masked()).unwrap_or_default();
        let change = Change::removed(Item::Binding(found.item), found.version, Deed::BindingRemoved, told);
        self.store.change(&owner, vec![change], by).await?;
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
            next_seen: None,
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
    bindings.iter().any(|kept| leads(&kept.item, to, number))
}

fn leads(it: &Binding, to: &Reference, number: &E164) -> bool {
    it.channel == Channel::Voice && it.selector == number.as_str() && it.installation == *to
}

/// A number's binding; at first it rings the line of the rules that has this number.
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
