//! Rows to the things that the port hands out.

use jiff::Timestamp;

use crate::app::tenancy::{PlatformThings, Tenant, TenantError};
use crate::tenant::event::{Deed, Event};
use crate::tenant::item::{Item, Kept, Kind, Unreadable};
use crate::tenant::owner::Owner;
use crate::tenant::stamp::{Actor, Stamp};

/// A version or place of the trail as the engines have it.
pub(in crate::tenants) fn number(place: u64) -> i64 {
    i64::try_from(place).unwrap_or(i64::MAX)
}

/// A version or place of the trail as the port has it.
pub(in crate::tenants) fn place(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

/// A row as a thing.
pub(in crate::tenants) fn kept(kind: Kind, version: i64, body: &str) -> Result<Kept<Item>, TenantError> {
    Ok(Kept { item: Item::read(kind, body)?, version: place(version) })
}

/// What nobody is served without: if it cannot be read, neither can what hangs on it.
pub(in crate::tenants) const BEARS: &[Kind] = &[Kind::Organization, Kind::Rollout];

/// What says how all are served.
pub(in crate::tenants) const BEARS_ALL: &[Kind] = &[Kind::Rollout];

/// One of many things. What is damaged, or of a newer program, is left out and told of, so that the others go on; not so
/// where much hangs on it.
pub(in crate::tenants) fn one_of_many(
    thing: Result<Kept<Item>, TenantError>,
    bears: &[Kind],
) -> Result<Option<Kept<Item>>, TenantError> {
    match thing {
        Err(TenantError::Unreadable(odd)) if !bears.contains(&odd.kind) => {
            tracing::error!(%odd, "a thing in the store of organizations cannot be read, and is left out");
            Ok(None)
        }
        thing => thing.map(Some),
    }
}

/// The kind of the word that stands in a row.
pub(in crate::tenants) fn kind(word: &str) -> Result<Kind, TenantError> {
    let unknown = || Unreadable { kind: Kind::Organization, detail: format!("`{word}` is no kind of thing") };
    Ok(Kind::parse(word).ok_or_else(unknown)?)
}

/// All things of one organization; it must be among them.
pub(in crate::tenants) fn tenant(things: Vec<Kept<Item>>) -> Result<Tenant, TenantError> {
    let mut organization = None;
    let (mut profiles, mut installations, mut bindings) = (Vec::new(), Vec::new(), Vec::new());
    let (mut domains, mut switches, mut rules) = (Vec::new(), Vec::new(), None);
    for Kept { item, version } in things {
        match item {
            Item::Organization(item) => organization = Some(Kept { item, version }),
            Item::Profile(item) => profiles.push(Kept { item, version }),
            Item::Installation(item) => installations.push(Kept { item: *item, version }),
            Item::Binding(item) => bindings.push(Kept { item, version }),
            Item::Domain(item) => domains.push(Kept { item, version }),
            Item::Switch(item) => switches.push(Kept { item, version }),
            Item::Revision(item) => rules = Some(Kept { item, version }),
            Item::RuleFiles(_) | Item::Token(_) | Item::Rollout(_) => {}
        }
    }
    let organization = organization.ok_or(TenantError::NotFound(Kind::Organization))?;
    Ok(Tenant { organization, profiles, installations, bindings, domains, switches, rules })
}

/// All things of the platform itself.
pub(in crate::tenants) fn platform(things: Vec<Kept<Item>>) -> PlatformThings {
    let mut found = PlatformThings::default();
    for Kept { item, version } in things {
        match item {
            Item::Profile(item) => found.profiles.push(Kept { item, version }),
            Item::Installation(item) => found.installations.push(Kept { item: *item, version }),
            Item::Rollout(item) => found.rollout = Some(Kept { item, version }),
            Item::Organization(_)
            | Item::Binding(_)
            | Item::Domain(_)
            | Item::Switch(_)
            | Item::Revision(_)
            | Item::RuleFiles(_)
            | Item::Token(_) => {}
        }
    }
    found
}

macro_rules! only {
    ($(#[$doc:meta])* $name:ident, $variant:ident, $thing:ty) => {
        $(#[$doc])*
        pub(in crate::tenants) fn $name(things: Vec<Kept<Item>>) -> Vec<Kept<$thing>> {
            let only = |Kept { item, version }: Kept<Item>| {
                if let Item::$variant(item) = item { Some(Kept { item, version }) } else { None }
            };
            things.into_iter().filter_map(only).collect()
        }
    };
}

only! {
    /// The organizations among them.
    organizations, Organization, crate::tenant::organization::Organization
}
only! {
    /// The revisions among them.
    revisions, Revision, crate::tenant::revision::RuleRevision
}
only! {
    /// The files of revisions among them.
    rule_files, RuleFiles, crate::tenant::revision::RuleFiles
}
only! {
    /// The tokens among them.
    tokens, Token, crate::tenant::token::ApiToken
}

/// A line of the trail as the engines have it.
#[derive(Debug)]
pub(in crate::tenants) struct Line {
    /// Its place.
    pub(in crate::tenants) seq: i64,
    /// Whose.
    pub(in crate::tenants) org: String,
    /// The kind of thing, if any.
    pub(in crate::tenants) kind: Option<String>,
    /// Which thing.
    pub(in crate::tenants) id: String,
    /// What was done.
    pub(in crate::tenants) deed: String,
    /// More about it.
    pub(in crate::tenants) detail: String,
    /// Who did it.
    pub(in crate::tenants) actor: String,
    /// When, in microseconds.
    pub(in crate::tenants) at: i64,
}

impl Line {
    /// The line in the words of the port.
    pub(in crate::tenants) fn read(self) -> Result<Event, TenantError> {
        let wrong = |detail: String| Unreadable { kind: Kind::Organization, detail };
        let at = Timestamp::from_microsecond(self.at).map_err(|error| wrong(error.to_string()))?;
        // A newer program has more kinds and deeds: what it did to what is known here counts all the same.
        let (deed, detail) = match Deed::parse(&self.deed) {
            Some(deed) => (deed, self.detail),
            None => (Deed::Noted, format!("{}: {}", self.deed, self.detail)),
        };
        Ok(Event {
            seq: place(self.seq),
            owner: Owner::parse(&self.org).map_err(|error| wrong(error.to_string()))?,
            kind: self.kind.as_deref().and_then(Kind::parse),
            id: self.id,
            deed,
            detail,
            by: Stamp::new(&Actor::new(&self.actor), at),
        })
    }
}
