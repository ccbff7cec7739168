//! An organization's accounts at providers, the numbers that lead to them, and its host names; secrets are never shown.

use actix_web::web::{Json, Path};
use actix_web::{HttpResponse, get};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::call::{self, Call};
use crate::api::error::ApiError;
use crate::api::page::Page;
use crate::model::ids::OrgSlug;
use crate::tenant::binding::{Binding, Channel};
use crate::tenant::domain::{Domain, DomainState};
use crate::tenant::installation::{Installation, InstallationState, Proof, SignatureMode};
use crate::tenant::item::{Item, Kept, Kind};
use crate::tenant::owner::{Id, Owner, Platform, Reference};
use crate::tenant::profile::{AppProfile, Provider};
use crate::tenant::role::Action;
use crate::tenant::stamp::{At, Stamp};

/// An app at a provider.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Profile)]
pub(crate) struct ProfileView {
    /// Which.
    id: Id,
    /// At whom.
    provider: Provider,
    /// Its name for people.
    name: String,
    /// By whom it was made, and when.
    created: Stamp,
    /// For `If-Match`.
    version: u64,
}

impl From<Kept<AppProfile>> for ProfileView {
    fn from(kept: Kept<AppProfile>) -> Self {
        let Kept { item: AppProfile { id, provider, owner: _, name, created }, version } = kept;
        Self { id, provider, name, created, version }
    }
}

/// Something by its owner and name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reference)]
pub(crate) struct ReferenceView {
    /// Whose it is: the organization's, or `@platform`.
    owner: Owner,
    /// Which.
    id: Id,
}

impl From<Reference> for ReferenceView {
    fn from(reference: Reference) -> Self {
        Self { owner: reference.owner, id: reference.id }
    }
}

/// How a new account is watched before its signatures are enforced.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Observed {
    /// Enforced from then on.
    until: At,
    /// Enforced as soon as so many held.
    needed: u32,
    /// So many held.
    good: u32,
    /// So many did not.
    bad: u32,
}

/// An account at a provider.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Installation)]
pub(crate) struct InstallationView {
    /// Which.
    id: Id,
    /// At whom.
    provider: Provider,
    /// The account there, such as an AccountSid.
    account: String,
    /// In which app.
    profile: ReferenceView,
    /// Whether it is used.
    state: InstallationState,
    /// How it is watched, while it is new; nothing when its signatures are enforced.
    observed: Option<Observed>,
    /// Whether signatures can be checked with it.
    has_verifier: bool,
    /// Whether a rotation is under way.
    has_next_verifier: bool,
    /// When a request came that was signed with the next one, for the first time: then it can be promoted.
    next_seen: Option<At>,
    /// The public part of the key for the provider's API.
    api_key: Option<String>,
    /// By whom it was connected, and when.
    created: Stamp,
    /// By whom its keys were changed last, and when.
    rotated: Option<Stamp>,
    /// By whom it was revoked, and when.
    revoked: Option<Stamp>,
    /// For `If-Match`.
    version: u64,
}

impl From<Kept<Installation>> for InstallationView {
    fn from(kept: Kept<Installation>) -> Self {
        let Kept { item, version } = kept;
        let observed = match item.signature {
            SignatureMode::Observe(watch) => {
                Some(Observed { until: watch.until, needed: watch.needed, good: watch.good, bad: watch.bad })
            }
            SignatureMode::Enforced => None,
        };
        Self {
            id: item.id,
            provider: item.provider,
            account: item.account,
            profile: item.profile.into(),
            state: item.state,
            observed,
            has_verifier: item.primary.is_some(),
            has_next_verifier: item.next.is_some(),
            next_seen: item.next_seen,
            api_key: item.api_key.map(|key| key.sid),
            created: item.created,
            rotated: item.rotated,
            revoked: item.revoked,
            version,
        }
    }
}

/// How sure one must be of the second token.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Promotion {
    /// Also when no request has come yet that was signed with it.
    #[serde(default)]
    unseen: bool,
}

impl Promotion {
    pub(crate) const fn proof(&self) -> Proof {
        if self.unseen { Proof::Unseen } else { Proof::Seen }
    }
}

/// A number or name that leads to an account and a line.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Binding)]
pub(crate) struct BindingView {
    /// Which.
    id: Id,
    /// Over what.
    channel: Channel,
    /// The number, or the name in a chat.
    selector: String,
    /// Over which account.
    installation: ReferenceView,
    /// The line of the rules that it rings.
    line: String,
    /// Which is used for what goes out when several fit: the lowest.
    priority: u16,
    /// By whom it was made, and when.
    created: Stamp,
    /// For `If-Match`.
    version: u64,
}

impl From<Kept<Binding>> for BindingView {
    fn from(kept: Kept<Binding>) -> Self {
        let Kept { item, version } = kept;
        let Binding { id, org: _, channel, selector, installation, line, priority, created } = item;
        Self { id, channel, selector, installation: installation.into(), line, priority, created, version }
    }
}

/// A host name of an organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Domain)]
pub(crate) struct DomainView {
    /// The name.
    host: String,
    /// How far it has come.
    state: DomainState,
    /// Where a TXT record must stand in DNS.
    record_name: String,
    /// What must stand there.
    record_value: String,
    /// Who asked for it, and when.
    requested: Stamp,
    /// When it was proved.
    verified: Option<Stamp>,
    /// When it was taken up.
    activated: Option<Stamp>,
    /// For `If-Match`.
    version: u64,
}

impl From<Kept<Domain>> for DomainView {
    fn from(kept: Kept<Domain>) -> Self {
        let Kept { item, version } = kept;
        Self {
            host: item.host.to_string(),
            state: item.state,
            record_name: item.record_name(),
            record_value: item.record_value(),
            requested: item.requested,
            verified: item.verified,
            activated: item.activated,
            version,
        }
    }
}

fn shown<T, V: From<Kept<T>>>(items: Vec<Kept<T>>) -> Json<Page<V>> {
    Json(Page::whole(items.into_iter().map(V::from).collect()))
}

/// The apps of an organization, or of the platform.
#[utoipa::path(
    operation_id = "listProfiles", tag = "installations", responses((status = 200, body = Page<ProfileView>))
)]
#[get("/organizations/{org}/profiles")]
pub(crate) async fn profiles(call: Call, org: Path<String>) -> Result<Json<Page<ProfileView>>, ApiError> {
    Ok(match call.owner(&org, Action::Read)? {
        Owner::Org(slug) => shown(call.api.tenants.tenant(&slug).await?.profiles),
        Owner::Platform => shown(call.api.tenants.platform(Platform).await?.profiles),
    })
}

/// The accounts of an organization, or of the platform.
#[utoipa::path(
    operation_id = "listInstallations", tag = "installations", responses((status = 200, body = Page<InstallationView>))
)]
#[get("/organizations/{org}/installations")]
pub(crate) async fn list(call: Call, org: Path<String>) -> Result<Json<Page<InstallationView>>, ApiError> {
    Ok(match call.owner(&org, Action::Read)? {
        Owner::Org(slug) => shown(call.api.tenants.tenant(&slug).await?.installations),
        Owner::Platform => shown(call.api.tenants.platform(Platform).await?.installations),
    })
}

/// One account.
#[utoipa::path(
    operation_id = "showInstallation", tag = "installations",
    responses((status = 200, body = InstallationView, headers(("ETag" = String, description = "for `If-Match`"))))
)]
#[get("/organizations/{org}/installations/{id}")]
pub(crate) async fn show(call: Call, path: Path<(String, String)>) -> Result<HttpResponse, ApiError> {
    let owner = call.owner(&path.0, Action::Read)?;
    let kept = call.api.tenants.item(&owner, Kind::Installation, &path.1).await?;
    let Item::Installation(item) = kept.item else { return Err(ApiError::not_found()) };
    let version = kept.version;
    Ok(call::tagged(version, &InstallationView::from(Kept { item: *item, version })))
}

/// The numbers of an organization, and where each leads.
#[utoipa::path(
    operation_id = "listBindings", tag = "bindings", responses((status = 200, body = Page<BindingView>))
)]
#[get("/organizations/{org}/bindings")]
pub(crate) async fn bindings(call: Call, org: Path<String>) -> Result<Json<Page<BindingView>>, ApiError> {
    let org: OrgSlug = call.org(&org, Action::Read)?;
    Ok(shown(call.api.tenants.tenant(&org).await?.bindings))
}

/// The host names of an organization.
#[utoipa::path(operation_id = "listDomains", tag = "domains", responses((status = 200, body = Page<DomainView>)))]
#[get("/organizations/{org}/domains")]
pub(crate) async fn domains(call: Call, org: Path<String>) -> Result<Json<Page<DomainView>>, ApiError> {
    let org = call.org(&org, Action::Read)?;
    Ok(shown(call.api.tenants.tenant(&org).await?.domains))
}
