//! Everything that is kept, under one roof: whose it is, how it is found, and what no two may share.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::ids::OrgSlug;
use crate::tenant::binding::Binding;
use crate::tenant::domain::Domain;
use crate::tenant::installation::Installation;
use crate::tenant::organization::Organization;
use crate::tenant::owner::{Owner, Reference};
use crate::tenant::profile::AppProfile;
use crate::tenant::revision::{RevisionState, RuleFiles, RuleRevision};
use crate::tenant::rollout::Rollout;
use crate::tenant::switch::SwitchState;
use crate::tenant::token::ApiToken;

words! {
    /// Kinds of things; the word is the name of the table too.
    Kind {
        /// Organizations.
        Organization = "organizations",
        /// App profiles.
        Profile = "profiles",
        /// Installations.
        Installation = "installations",
        /// Bindings.
        Binding = "bindings",
        /// Domains.
        Domain = "domains",
        /// Switches.
        Switch = "switches",
        /// Revisions of rules.
        Revision = "revisions",
        /// The files of a revision.
        RuleFiles = "rule_files",
        /// Tokens.
        Token = "tokens",
        /// The rollout.
        Rollout = "rollout",
    }
}

impl Kind {
    /// What a directory in memory holds; rule files and tokens are asked for when they are needed.
    pub const DIRECTORY: &'static [Self] = &[
        Self::Organization,
        Self::Profile,
        Self::Installation,
        Self::Binding,
        Self::Domain,
        Self::Switch,
        Self::Revision,
        Self::Rollout,
    ];

    /// The kind of thing that each of this kind hangs on.
    pub const fn parent(self) -> Option<Self> {
        match self {
            Self::Installation => Some(Self::Profile),
            Self::Binding => Some(Self::Installation),
            Self::Organization
            | Self::Profile
            | Self::Domain
            | Self::Switch
            | Self::Revision
            | Self::RuleFiles
            | Self::Token
            | Self::Rollout => None,
        }
    }
}

/// A thing that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// An organization.
    Organization(Organization),
    /// An app profile.
    Profile(AppProfile),
    /// An installation.
    Installation(Box<Installation>),
    /// A binding.
    Binding(Binding),
    /// A domain.
    Domain(Domain),
    /// A switch.
    Switch(SwitchState),
    /// A revision of rules.
    Revision(RuleRevision),
    /// The files of a revision.
    RuleFiles(RuleFiles),
    /// A token.
    Token(ApiToken),
    /// The rollout, of which there is one.
    Rollout(Rollout),
}

/// A thing as it is kept, with the version to be named when it is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept<T> {
    /// The thing.
    pub item: T,
    /// The place in the trail of its last change.
    pub version: u64,
}

/// What is kept cannot be read: it is of a newer form, or was spoilt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a row of `{kind}` cannot be read: {detail}")]
pub struct Unreadable {
    /// In which table.
    pub kind: Kind,
    /// What is wrong.
    pub detail: String,
}

impl Item {
    /// What kind of thing it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Organization(_) => Kind::Organization,
            Self::Profile(_) => Kind::Profile,
            Self::Installation(_) => Kind::Installation,
            Self::Binding(_) => Kind::Binding,
            Self::Domain(_) => Kind::Domain,
            Self::Switch(_) => Kind::Switch,
            Self::Revision(_) => Kind::Revision,
            Self::RuleFiles(_) => Kind::RuleFiles,
            Self::Token(_) => Kind::Token,
            Self::Rollout(_) => Kind::Rollout,
        }
    }

    /// Whose it is.
    pub fn owner(&self) -> Owner {
        let of = |slug: &OrgSlug| Owner::Org(slug.clone());
        match self {
            Self::Organization(it) => of(&it.slug),
            Self::Profile(it) => it.owner.clone(),
            Self::Installation(it) => it.owner.clone(),
            Self::Binding(it) => of(&it.org),
            Self::Domain(it) => of(&it.org),
            Self::Switch(it) => of(&it.org),
            Self::Revision(it) => of(&it.org),
            Self::RuleFiles(it) => of(&it.org),
            Self::Token(it) => it.owner.clone(),
            Self::Rollout(_) => Owner::Platform,
        }
    }

    /// Its name among its kind and owner.
    pub fn id(&self) -> String {
        match self {
            Self::Organization(it) => it.slug.to_string(),
            Self::Profile(it) => it.id.to_string(),
            Self::Installation(it) => it.id.to_string(),
            Self::Binding(it) => it.id.to_string(),
            Self::Domain(it) => it.host.to_string(),
            Self::Switch(it) => it.switch.clone(),
            Self::Revision(it) => it.digest.to_string(),
            Self::RuleFiles(it) => it.digest.to_string(),
            Self::Token(it) => it.id.to_string(),
            Self::Rollout(_) => "rollout".to_owned(),
        }
    }

    /// What no other of its kind may claim too, whoever owns that: an account of an owner, a number of an
    /// installation, a proved host name, the place of the current rules, the hash of a token.
    pub fn claim(&self) -> Option<String> {
        match self {
            Self::Installation(it) if it.is_active() => Some(format!("{}/{}/{}", it.owner, it.provider, it.account)),
            Self::Binding(it) => {
                let over = &it.installation;
                Some(format!("{}/{}/{}/{}", over.owner, over.id, it.channel, it.selector))
            }
            Self::Domain(it) if it.is_proved() => Some(it.host.to_string()),
            Self::Revision(it) if it.state == RevisionState::Current => Some(it.org.to_string()),
            Self::Token(it) => Some(it.hash.as_str().to_owned()),
            Self::Organization(_)
            | Self::Profile(_)
            | Self::Installation(_)
            | Self::Domain(_)
            | Self::Switch(_)
            | Self::Revision(_)
            | Self::RuleFiles(_)
            | Self::Rollout(_) => None,
        }
    }

    /// The thing it hangs on.
    pub const fn parent(&self) -> Option<&Reference> {
        match self {
            Self::Installation(it) => Some(&it.profile),
            Self::Binding(it) => Some(&it.installation),
            Self::Organization(_)
            | Self::Profile(_)
            | Self::Domain(_)
            | Self::Switch(_)
            | Self::Revision(_)
            | Self::RuleFiles(_)
            | Self::Token(_)
            | Self::Rollout(_) => None,
        }
    }

    /// Its written form.
    pub fn write(&self) -> Result<String, Unreadable> {
        match self {
            Self::Organization(it) => written(self.kind(), it),
            Self::Profile(it) => written(self.kind(), it),
            Self::Installation(it) => written(self.kind(), it),
            Self::Binding(it) => written(self.kind(), it),
            Self::Domain(it) => written(self.kind(), it),
            Self::Switch(it) => written(self.kind(), it),
            Self::Revision(it) => written(self.kind(), it),
            Self::RuleFiles(it) => written(self.kind(), it),
            Self::Token(it) => written(self.kind(), it),
            Self::Rollout(it) => written(self.kind(), it),
        }
    }

    /// Reads the written form of a thing of that kind.
    pub fn read(kind: Kind, text: &str) -> Result<Self, Unreadable> {
        Ok(match kind {
            Kind::Organization => Self::Organization(read(kind, text)?),
            Kind::Profile => Self::Profile(read(kind, text)?),
            Kind::Installation => Self::Installation(Box::new(read(kind, text)?)),
            Kind::Binding => Self::Binding(read(kind, text)?),
            Kind::Domain => Self::Domain(read(kind, text)?),
            Kind::Switch => Self::Switch(read(kind, text)?),
            Kind::Revision => Self::Revision(read(kind, text)?),
            Kind::RuleFiles => Self::RuleFiles(read(kind, text)?),
            Kind::Token => Self::Token(read(kind, text)?),
            Kind::Rollout => Self::Rollout(read(kind, text)?),
        })
    }
}

fn written(kind: Kind, it: &impl Serialize) -> Result<String, Unreadable> {
    serde_json::to_string(it).map_err(|error| Unreadable { kind, detail: error.to_string() })
}

fn read<T: DeserializeOwned>(kind: Kind, text: &str) -> Result<T, Unreadable> {
    serde_json::from_str(text).map_err(|error| Unreadable { kind, detail: error.to_string() })
}
