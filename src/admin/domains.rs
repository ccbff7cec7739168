//! Host names of organizations: asked for, proved by a TXT record, taken up, given up.

use crate::admin::{AdminError, Names, Office, is_taken};
use crate::model::ids::OrgSlug;
use crate::tenant::change::Change;
use crate::tenant::domain::{Domain, Host};
use crate::tenant::event::Deed;
use crate::tenant::item::{Item, Kept};
use crate::tenant::owner::Owner;
use crate::tenant::stamp::Stamp;
use crate::vault;

impl Office {
    /// Asks for a host name; asking again gives back the same word.
    pub async fn request_domain(&self, org: &OrgSlug, host: Host, by: &Stamp) -> Result<Domain, AdminError> {
        if let Some(known) = self.domain(org, &host).await? {
            return Ok(known.item);
        }
        let word = vault::key::word().map_err(|_error| AdminError::Names("there is no randomness".to_owned()))?;
        let domain = Domain::request(host, org.clone(), word, by.clone());
        let change = Change::new(Item::Domain(domain.clone()), Deed::DomainRequested, domain.host.to_string());
        self.store.change(&Owner::Org(org.clone()), vec![change], by).await?;
        Ok(domain)
    }

    /// Looks for the word in DNS.
    pub async fn verify_domain(
        &self,
        org: &OrgSlug,
        host: &Host,
        names: &dyn Names,
        by: &Stamp,
    ) -> Result<Domain, AdminError> {
        let known = self.known(org, host).await?;
        let texts = names.texts(&known.item.record_name()).await.map_err(AdminError::Names)?;
        let mut domain = known.item.clone();
        domain.verify(texts.iter().map(String::as_str), by.clone())?;
        self.keep_domain(known, domain, Deed::DomainVerified, by).await
    }

    /// Answers requests to it.
    pub async fn activate_domain(&self, org: &OrgSlug, host: &Host, by: &Stamp) -> Result<Domain, AdminError> {
        let known = self.known(org, host).await?;
        let mut domain = known.item.clone();
        domain.activate(by.clone())?;
        self.keep_domain(known, domain, Deed::DomainActivated, by).await
    }

    /// Gives it up.
    pub async fn remove_domain(&self, org: &OrgSlug, host: &Host, by: &Stamp) -> Result<(), AdminError> {
        let known = self.known(org, host).await?;
        let detail = host.to_string();
        let change = Change::removed(Item::Domain(known.item), known.version, Deed::DomainRemoved, detail);
        self.store.change(&Owner::Org(org.clone()), vec![change], by).await?;
        Ok(())
    }

    async fn keep_domain(
        &self,
        known: Kept<Domain>,
        domain: Domain,
        deed: Deed,
        by: &Stamp,
    ) -> Result<Domain, AdminError> {
        if known.item == domain {
            return Ok(domain);
        }
        let change = Change::changed(Item::Domain(domain.clone()), known.version, deed, domain.host.to_string());
        match self.store.change(&Owner::Org(domain.org.clone()), vec![change], by).await {
            Ok(_) => Ok(domain),
            Err(error) if is_taken(&error) => Err(AdminError::DomainTaken),
            Err(error) => Err(error.into()),
        }
    }

    async fn known(&self, org: &OrgSlug, host: &Host) -> Result<Kept<Domain>, AdminError> {
        self.domain(org, host).await?.ok_or_else(|| AdminError::NoDomain(org.clone()))
    }

    async fn domain(&self, org: &OrgSlug, host: &Host) -> Result<Option<Kept<Domain>>, AdminError> {
        Ok(self.show(org).await?.domains.into_iter().find(|kept| kept.item.host == *host))
    }
}
