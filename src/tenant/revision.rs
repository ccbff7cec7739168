//! A revision of an organization's rules, for installations without a folder that all nodes share.

use serde::{Deserialize, Serialize};

use crate::model::digest::Digest;
use crate::model::ids::OrgSlug;
use crate::tenant::stamp::{At, Stamp};

words! {
    /// Whether calls are answered by a revision.
    RevisionState {
        /// Calls that begin now are.
        Current = "current",
        /// Only those that began under it.
        Previous = "previous",
    }
}

/// A revision; its files are kept beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleRevision {
    /// Whose rules.
    pub org: OrgSlug,
    /// What they are.
    pub digest: Digest,
    /// Whether calls are answered by it.
    pub state: RevisionState,
    /// Who brought it, and when; bringing the same rules again is not a new revision.
    pub pushed: Stamp,
    /// Who made it the current one last, and when.
    pub taken: Stamp,
    /// What they wrote about it.
    #[serde(default)]
    pub note: String,
    /// That the rules on trial in it answer no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned: Option<Returned>,
}

/// Rules on trial that were taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Returned {
    /// When.
    pub at: At,
    /// Why, in words.
    pub why: String,
}

/// A file of a revision; the first of a list is the rule file itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleFile {
    /// The path below the rules folder.
    pub path: String,
    /// The bytes, as text.
    pub text: String,
}

/// The files of a revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleFiles {
    /// Whose rules.
    pub org: OrgSlug,
    /// What they are.
    pub digest: Digest,
    /// The files.
    pub files: Vec<RuleFile>,
}
