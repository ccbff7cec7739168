//! Accounts at the carrier: connected, rotated, promoted, revoked. A token is looked at once and never kept.

use jiff::{SignedDuration, Timestamp};

use crate::admin::{AccountCheck, AdminError, Office, TRIES, is_stale, numbers};
use crate::app::tenancy::TenantError;
use crate::model::ids::AccountSid;
use crate::model::phone::E164;
use crate::model::secret::{ApiKey, Secret};
use crate::tenant::change::Change;
use crate::tenant::event::Deed;
use crate::tenant::installation::{self, Installation, InstallationState, Proof, SignatureMode, Watch};
use crate::tenant::item::{Item, Kept};
use crate::tenant::owner::{Id, Owner, Platform, Reference};
use crate::tenant::profile::{AppProfile, Provider};
use crate::tenant::sealed::Sealed;
use crate::tenant::stamp::{At, Stamp};
use crate::vault::Place;
use crate::webhook::signature::Verifier;

/// An account to be connected.
#[derive(Debug, Clone)]
pub struct Connect {
    /// Whose.
    pub owner: Owner,
    /// The account.
    pub account: AccountSid,
    /// Its auth token.
    pub token: Secret,
    /// A key for its REST interface.
    pub api_key: Option<ApiKey>,
    /// Its numbers.
    pub numbers: Vec<E164>,
    /// How long a new account's signatures are only observed; none to enforce them at once.
    pub observe: Option<Observe>,
}

/// How long a new account is on trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observe {
    /// Until so many requests were signed right.
    pub needed: u32,
    /// Until this much time has passed.
    pub time: SignedDuration,
}

impl Default for Observe {
    fn default() -> Self {
        Self { needed: 20, time: SignedDuration::from_hours(24) }
    }
}

impl Observe {
    fn from(self, now: Timestamp) -> Watch {
        let until = now.checked_add(self.time).unwrap_or(Timestamp::MAX);
        Watch { until: At::new(until), needed: self.needed, good: 0, bad: 0 }
    }
}

/// What a connecting did, or would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connected {
    /// The installation.
    pub installation: Id,
    /// What was done, a line for each; nothing when all of it was there.
    pub done: Vec<String>,
}

/// Whether it is done, or only said what would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Do it.
    Really,
    /// Only say.
    DryRun,
}

/// The identifier of the one profile that an owner has at a provider.
pub(in crate::admin) fn profile_id(provider: Provider) -> Result<Id, AdminError> {
    Id::parse(provider.word()).map_err(|error| odd(&error))
}

fn odd(error: &dyn std::fmt::Display) -> AdminError {
    AdminError::Store(TenantError::Unavailable(error.to_string()))
}

/// A new installation's identifier: the account's last digits, and the moment, so that one connected anew differs.
fn installation_id(account: &AccountSid, by: &Stamp) -> Result<Id, AdminError> {
    let tail: String = account.as_str().chars().skip(26).collect();
    Id::parse(&format!("twilio-{tail}-{}", by.at.microsecond())).map_err(|error| odd(&error))
}

/// An owner's profiles and installations.
struct Belongings {
    profiles: Vec<Kept<AppProfile>>,
    installations: Vec<Kept<Installation>>,
}

impl Office {
    /// Connects an account. What is there already is left as it is, so that it can be said twice; only that signatures
    /// are to be enforced counts at once.
    ///
    /// The token is checked once with the carrier, the verifier is derived from it, and it is forgotten.
    pub async fn connect(
        &self,
        wish: &Connect,
        carrier: &dyn AccountCheck,
        mode: Mode,
        by: &Stamp,
    ) -> Result<Connected, AdminError> {
        let verifier = Verifier::from_token(wish.token.expose());
        let known = self.belongings(&wish.owner).await?;
        let Belongings { profiles, installations } = &known;
        let mut changes = Vec::new();
        let mut done = Vec::new();
        let found = installations.iter().find(|kept| is_account(&kept.item, &wish.account));
        let installation = match found {
            Some(kept) => {
                self.same_key(&kept.item, &verifier)?;
                self.add_api_key(wish, kept, &mut changes, &mut done, by)?;
                kept.item.clone()
            }
            None => {
                carrier.check(&wish.account, &wish.token).await?;
                if !profiles.iter().any(|kept| kept.item.provider == Provider::Twilio) {
                    let profile = own_profile(&wish.owner, by)?;
                    changes.push(Change::new(Item::Profile(profile), Deed::ProfileMade, "twilio"));
                    done.push("makes an app profile for `twilio`".to_owned());
                }
                let installation = self.installation(wish, &verifier, by)?;
                let detail = format!("account `{}`", wish.account);
                let item = Item::Installation(Box::new(installation.clone()));
                changes.push(Change::new(item, Deed::InstallationConnected, detail));
                done.push(format!("connects the account `{}`", wish.account));
                installation
            }
        };
        if let Owner::Org(org) = &wish.owner {
            let bindings = self.show(org).await?.bindings;
            for number in &wish.numbers {
                if !numbers::is_bound(&bindings, &installation.reference(), number) {
                    let binding = numbers::binding(org, &installation.reference(), number, by)?;
                    changes.push(Change::new(Item::Binding(binding), Deed::BindingMade, number.masked()));
                    done.push(format!("binds the number {}", number.masked()));
                }
            }
        }
        if mode == Mode::Really && !changes.is_empty() {
            self.store.change(&wish.owner, changes, by).await.map_err(taken)?;
        }
        if wish.observe.is_none() && matches!(installation.signature, SignatureMode::Observe(_)) {
            done.push(format!("refuses wrong signatures of the account `{}` from now on", wish.account));
            if mode == Mode::Really {
                self.enforce(&wish.owner, Some(&wish.account), by).await?;
            }
        }
        Ok(Connected { installation: installation.id, done })
    }

    /// The key that is there must be the one that was given.
    fn same_key(&self, known: &Installation, verifier: &Verifier) -> Result<(), AdminError> {
        for sealed in known.primary.iter().chain(&known.next) {
            if self.holds(known, sealed, verifier)? {
                return Ok(());
            }
        }
        let account = AccountSid::parse(&known.account).map_err(|error| odd(&error))?;
        Err(AdminError::Connected { owner: known.owner.clone(), account })
    }

    /// Whether that is what is sealed there.
    fn holds(&self, it: &Installation, sealed: &Sealed, verifier: &Verifier) -> Result<bool, AdminError> {
        let bytes = self.ring()?.open(Place::verifier(it), sealed)?;
        Ok(Verifier::import(&bytes).is_ok_and(|known| known == *verifier))
    }

    fn add_api_key(
        &self,
        wish: &Connect,
        kept: &Kept<Installation>,
        changes: &mut Vec<Change>,
        done: &mut Vec<String>,
        by: &Stamp,
    ) -> Result<(), AdminError> {
        let Some(key) = &wish.api_key else { return Ok(()) };
        let known = kept.item.api_key.as_ref().filter(|known| known.sid == key.sid.to_string());
        if let Some(known) = known {
            let secret = self.ring()?.open(Place::api_secret(&kept.item), &known.secret)?;
            if secret.as_slice() == key.secret.expose().as_bytes() {
                return Ok(());
            }
        }
        let mut changed = kept.item.clone();
        changed.set_api_key(self.sealed_key(&kept.item, key)?, by.clone())?;
        let detail = format!("key `{}`", key.sid);
        let item = Item::Installation(Box::new(changed));
        changes.push(Change::changed(item, kept.version, Deed::InstallationApiKeySet, detail));
        done.push(format!("sets the API key `{}`", key.sid));
        Ok(())
    }

    fn installation(&self, wish: &Connect, verifier: &Verifier, by: &Stamp) -> Result<Installation, AdminError> {
        let signature = match wish.observe {
            Some(observe) => SignatureMode::Observe(observe.from(by.at.timestamp())),
            None => SignatureMode::Enforced,
        };
        let mut made = Installation {
            id: installation_id(&wish.account, by)?,
            owner: wish.owner.clone(),
            profile: Reference { owner: wish.owner.clone(), id: profile_id(Provider::Twilio)? },
            provider: Provider::Twilio,
            account: wish.account.to_string(),
            state: InstallationState::Active,
            signature,
            primary: None,
            next: None,
            next_seen: None,
            api_key: None,
            created: by.clone(),
            rotated: None,
            revoked: None,
        };
        made.primary = Some(self.sealed_verifier(&made, verifier)?);
        if let Some(key) = &wish.api_key {
            made.api_key = Some(self.sealed_key(&made, key)?);
        }
        Ok(made)
    }

    fn sealed_verifier(&self, it: &Installation, verifier: &Verifier) -> Result<Sealed, AdminError> {
        Ok(self.ring()?.seal(Place::verifier(it), &*verifier.export())?)
    }

    fn sealed_key(&self, it: &Installation, key: &ApiKey) -> Result<installation::ApiKey, AdminError> {
        let secret = self.ring()?.seal(Place::api_secret(it), key.secret.expose().as_bytes())?;
        Ok(installation::ApiKey { sid: key.sid.to_string(), secret })
    }

    /// Takes a second token beside the first: both are believed until one is promoted or dropped.
    ///
    /// The carrier does not take a secondary token for its REST interface before it is promoted there, so it is not
    /// asked.
    pub async fn rotate(
        &self,
        owner: &Owner,
        account: Option<&AccountSid>,
        token: &Secret,
        by: &Stamp,
    ) -> Result<Installation, AdminError> {
        let verifier = Verifier::from_token(token.expose());
        self.amend_installation(owner, account, by, |it| {
            if let Some(primary) = &it.primary
                && self.holds(it, primary, &verifier)?
            {
                return Err(AdminError::SameToken(AccountSid::parse(&it.account).map_err(|error| odd(&error))?));
            }
            it.rotate(self.sealed_verifier(it, &verifier)?, by.clone())?;
            Ok(Deed::InstallationRotated)
        })
        .await
    }

    /// The second token becomes the only one.
    pub async fn promote(
        &self,
        owner: &Owner,
        account: Option<&AccountSid>,
        proof: Proof,
        by: &Stamp,
    ) -> Result<Installation, AdminError> {
        let promote = |it: &mut Installation| {
            it.promote(proof, by.clone())?;
            Ok(Deed::InstallationPromoted)
        };
        self.amend_installation(owner, account, by, promote).await
    }

    /// The second token is dropped.
    pub async fn drop_next(
        &self,
        owner: &Owner,
        account: Option<&AccountSid>,
        by: &Stamp,
    ) -> Result<Installation, AdminError> {
        let drop_next = |it: &mut Installation| {
            it.drop_next(by.clone())?;
            Ok(Deed::InstallationRolledBack)
        };
        self.amend_installation(owner, account, by, drop_next).await
    }

    /// Believes nothing of the account any more, and forgets its secrets.
    pub async fn revoke(
        &self,
        owner: &Owner,
        account: Option<&AccountSid>,
        by: &Stamp,
    ) -> Result<Installation, AdminError> {
        let revoke = |it: &mut Installation| {
            it.revoke(by.clone())?;
            Ok(Deed::InstallationRevoked)
        };
        self.amend_installation(owner, account, by, revoke).await
    }

    /// Refuses what is not signed right from now on.
    pub async fn enforce(
        &self,
        owner: &Owner,
        account: Option<&AccountSid>,
        by: &Stamp,
    ) -> Result<Installation, AdminError> {
        let enforce = |it: &mut Installation| {
            it.enforce();
            Ok(Deed::InstallationEnforced)
        };
        self.amend_installation(owner, account, by, enforce).await
    }

    /// An owner's installations, those in use first.
    pub async fn installations(&self, owner: &Owner) -> Result<Vec<Installation>, AdminError> {
        let mut all: Vec<_> = self.belongings(owner).await?.installations.into_iter().map(|kept| kept.item).collect();
        all.sort_by_key(|it| !it.is_active());
        Ok(all)
    }

    pub(in crate::admin) async fn active(
        &self,
        owner: &Owner,
        account: Option<&AccountSid>,
    ) -> Result<Kept<Installation>, AdminError> {
        let all = self.belongings(owner).await?.installations;
        let twilio = |it: &Installation| it.provider == Provider::Twilio && it.is_active();
        let fits = |it: &Installation| twilio(it) && account.is_none_or(|account| it.account == account.as_str());
        let mut found = all.into_iter().filter(|kept| fits(&kept.item));
        let missing = || AdminError::NoAccount { owner: owner.clone(), account: account.cloned() };
        let first = found.next().ok_or_else(missing)?;
        if found.next().is_some() {
            return Err(AdminError::SeveralAccounts(owner.clone()));
        }
        Ok(first)
    }

    async fn amend_installation(
        &self,
        owner: &Owner,
        account: Option<&AccountSid>,
        by: &Stamp,
        amend: impl Fn(&mut Installation) -> Result<Deed, AdminError>,
    ) -> Result<Installation, AdminError> {
        let mut tries = TRIES;
        loop {
            let Kept { mut item, version } = self.active(owner, account).await?;
            let deed = amend(&mut item)?;
            let detail = format!("account `{}`", item.account);
            let change = Change::changed(Item::Installation(Box::new(item.clone())), version, deed, detail);
            match self.store.change(owner, vec![change], by).await {
                Ok(_) => return Ok(item),
                Err(error) if is_stale(&error) && tries > 0 => tries -= 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn belongings(&self, owner: &Owner) -> Result<Belongings, AdminError> {
        Ok(match owner {
            Owner::Platform => {
                let things = self.store.platform(Platform).await?;
                Belongings { profiles: things.profiles, installations: things.installations }
            }
            Owner::Org(slug) => {
                let tenant = self.show(slug).await?;
                Belongings { profiles: tenant.profiles, installations: tenant.installations }
            }
        })
    }
}

fn is_account(it: &Installation, account: &AccountSid) -> bool {
    it.provider == Provider::Twilio && it.is_active() && it.account == account.as_str()
}

/// The owner's profile at Twilio.
pub(in crate::admin) fn own_profile(owner: &Owner, by: &Stamp) -> Result<AppProfile, AdminError> {
    Ok(AppProfile {
        id: profile_id(Provider::Twilio)?,
        provider: Provider::Twilio,
        owner: owner.clone(),
        name: "Twilio".to_owned(),
        created: by.clone(),
    })
}

/// What the store says when a number is somebody else's.
pub(in crate::admin) fn taken(error: TenantError) -> AdminError {
    use crate::app::tenancy::Conflict;
    use crate::tenant::item::Kind;

    if error == TenantError::Conflict(Conflict::Taken(Kind::Binding)) {
        return AdminError::NumberTaken;
    }
    error.into()
}
