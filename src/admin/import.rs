//! Moves an account that was configured for one organization alone into the store.

use crate::admin::accounts::{Connect, Mode};
use crate::admin::{AccountCheck, AdminError, Office};
use crate::app::tenancy::TenantError;
use crate::model::ids::OrgSlug;
use crate::tenant::owner::Owner;
use crate::tenant::plan::{self, Capability, Plan};
use crate::tenant::stamp::Stamp;

/// What is moved.
#[derive(Debug, Clone)]
pub struct Import {
    /// For whom.
    pub org: OrgSlug,
    /// The plan of an organization that is founded for it.
    pub plan: Plan,
    /// The account.
    pub connect: Connect,
}

impl Office {
    /// Founds the organization if need be, and connects the account; what is there already is left as it is.
    /// Tells what was done, or would be, a line for each.
    pub async fn import(
        &self,
        wish: &Import,
        carrier: &dyn AccountCheck,
        mode: Mode,
        by: &Stamp,
    ) -> Result<Vec<String>, AdminError> {
        let mut done = Vec::new();
        match self.store.tenant(&wish.org).await {
            Ok(_) => {}
            Err(TenantError::NotFound(_)) => {
                plan::allows(wish.plan, Capability::OwnTwilio).map_err(crate::tenant::organization::Refusal::from)?;
                done.push(format!("founds the organization `{}` with the plan `{}`", wish.org, wish.plan));
                if mode == Mode::DryRun {
                    carrier.check(&wish.connect.account, &wish.connect.token).await?;
                    done.extend(as_new(&wish.connect));
                    return Ok(done);
                }
                self.found(wish.org.clone(), wish.org.to_string(), wish.plan, by).await?;
            }
            Err(error) => return Err(error.into()),
        }
        debug_assert_eq!(wish.connect.owner, Owner::Org(wish.org.clone()));
        done.extend(self.connect(&wish.connect, carrier, mode, by).await?.done);
        Ok(done)
    }
}

/// What connecting does for an organization that has nothing yet.
fn as_new(wish: &Connect) -> Vec<String> {
    let mut done =
        vec!["makes an app profile for `twilio`".to_owned(), format!("connects the account `{}`", wish.account)];
    done.extend(wish.numbers.iter().map(|number| format!("binds the number {}", number.masked())));
    done
}
