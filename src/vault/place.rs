//! Where a secret stands: what it is bound to, so that it opens nowhere else.

use std::fmt;

use crate::tenant::installation::Installation;
use crate::tenant::owner::Reference;

/// Where a secret stands. A secret that is sealed for one place does not open in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// The table.
    pub table: &'a str,
    /// Whose it is: an organization's slug, or `@platform`.
    pub org: &'a str,
    /// The row.
    pub row: &'a str,
    /// The column.
    pub field: &'a str,
}

impl Place<'_> {
    /// What is authenticated with the secret: each part with its length, so that no two places read the same.
    pub(in crate::vault) fn associated(&self) -> Vec<u8> {
        let parts = [self.table, self.org, self.row, self.field];
        let mut bytes = b"ringfall/1".to_vec();
        for part in parts {
            bytes.extend(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            bytes.extend(part.as_bytes());
        }
        bytes
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{} of `{}`", self.table, self.field, self.row)
    }
}

impl<'a> Place<'a> {
    /// Where an installation's verifiers stand; both of them, because the next one becomes the primary.
    pub fn verifier(installation: &'a Installation) -> Self {
        Self::of(installation, "verifier")
    }

    /// Where the secret of an installation's API key stands.
    pub fn api_secret(installation: &'a Installation) -> Self {
        Self::of(installation, "api_secret")
    }

    /// The same, of an installation that is only named.
    pub fn api_secret_at(at: &'a Reference) -> Self {
        Self { table: "installations", org: at.owner.as_str(), row: at.id.as_str(), field: "api_secret" }
    }

    fn of(installation: &'a Installation, field: &'a str) -> Self {
        Self { table: "installations", org: installation.owner.as_str(), row: installation.id.as_str(), field }
    }
}
