//! How the words of the trade look in the API's description.

use utoipa::openapi::schema::{KnownFormat, SchemaFormat, Type};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::model::ids::OrgSlug;
use crate::tenant::binding::Channel;
use crate::tenant::domain::DomainState;
use crate::tenant::event::Deed;
use crate::tenant::installation::InstallationState;
use crate::tenant::item::Kind;
use crate::tenant::organization::OrgState;
use crate::tenant::owner::{Id, Owner};
use crate::tenant::plan::{Capability, Plan};
use crate::tenant::profile::Provider;
use crate::tenant::revision::RevisionState;
use crate::tenant::role::{Action, Role};
use crate::tenant::rollout::Stage;
use crate::tenant::stamp::{At, Stamp};

macro_rules! words {
    ($($name:ident: $about:literal),* $(,)?) => { $(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let words = Self::ALL.iter().map(|known| known.word());
                text($about).enum_values(Some(words)).into()
            }
        }

        impl ToSchema for $name {}
    )* };
}

words! {
    Plan: "What an organization pays for.",
    Capability: "What a plan may allow.",
    OrgState: "Whether an organization is served.",
    Provider: "Who carries calls or messages.",
    InstallationState: "Whether an installation is used.",
    Channel: "Over what somebody reaches an organization.",
    DomainState: "How far a host name has come.",
    Role: "What somebody is to an organization, or to the platform.",
    Action: "What somebody may do.",
    Deed: "What somebody did.",
    Kind: "What kind of thing it is about.",
    Stage: "How far a provider is let in.",
    RevisionState: "Whether calls are answered by a revision.",
}

fn text(about: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(about))
}

macro_rules! texts {
    ($($name:ident: $about:literal, $pattern:literal;)*) => { $(
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                text($about).pattern(Some($pattern)).into()
            }
        }

        impl ToSchema for $name {}
    )* };
}

texts! {
    OrgSlug: "An organization's short name; it never changes.", "^[a-z0-9][a-z0-9_-]{0,62}$";
    Owner: "An organization's short name, or `@platform`.", "^(@platform|[a-z0-9][a-z0-9_-]{0,62})$";
    Id: "The name of a thing among its kind and owner.", "^[A-Za-z0-9_.-]{1,80}$";
}

impl PartialSchema for At {
    fn schema() -> RefOr<Schema> {
        text("An instant.").format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))).into()
    }
}

impl ToSchema for At {}

impl PartialSchema for Stamp {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .description(Some("Who did it, and when."))
            .property("by", text("Who, such as `cli:ana` or `token:tok_2f`."))
            .property("at", At::schema())
            .required("by")
            .required("at")
            .into()
    }
}

impl ToSchema for Stamp {}
