//! The description of the API, made from the very functions that answer, so that it cannot tell of others.

use actix_web::http::header::ALLOW;
use actix_web::web::ServiceConfig;
use actix_web::{HttpRequest, HttpResponse, get};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder, SecurityRequirement};
use utoipa::{Modify, OpenApi};

use crate::api::PATH;
use crate::api::error::{ApiError, Code, ErrorBody, ErrorDetail};
use crate::api::{
    accounts, domains, events, installations, organizations, rollout, rules, selves, sms, switches, tokens,
};

macro_rules! operations {
    ($($room:ident::$operation:ident),* $(,)?) => {
        /// All operations.
        #[derive(OpenApi)]
        #[openapi(
            info(
                title = "Ringfall administration API",
                description = "Organizations, their accounts, numbers, rules and tokens. docs/api.md says how to begin.",
                contact(name = ""),
            ),
            servers((url = "/api/v1")),
            paths($($room::$operation),*),
            components(schemas(ErrorBody<'_>, ErrorDetail<'_>)),
            modifiers(&Everywhere),
        )]
        struct Described;

        /// Puts every operation there.
        pub(crate) fn operations(config: &mut ServiceConfig) {
            $(config.service($room::$operation);)*
            config.service(described);
        }
    };
}

operations! {
    selves::me,
    selves::plans,
    selves::roles,
    organizations::list,
    organizations::show,
    organizations::establish,
    organizations::set_plan,
    organizations::suspend,
    organizations::resume,
    organizations::opt_in,
    organizations::opt_out,
    accounts::connect,
    accounts::rotate,
    accounts::promote,
    accounts::drop_next,
    accounts::enforce,
    accounts::revoke,
    accounts::bind,
    accounts::unbind,
    domains::request,
    domains::verify,
    domains::activate,
    domains::remove,
    installations::profiles,
    installations::list,
    installations::show,
    installations::bindings,
    installations::domains,
    switches::list,
    switches::turn,
    switches::undo,
    sms::send,
    sms::send_own,
    sms::show,
    rules::list,
    rules::show,
    rules::check,
    rules::push,
    rules::roll_back,
    tokens::list,
    tokens::issue,
    tokens::revoke,
    rollout::show,
    rollout::change,
    rollout::set_stage,
    rollout::roll_back,
    rollout::kill,
    events::list,
}

/// What every operation has: the same credentials, and the same form for whatever is not done.
struct Everywhere;

impl Modify for Everywhere {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        // What the package says of itself is not about the API.
        description.info.license = None;
        description.info.contact = None;
        let bearer = SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .description(Some("A token of `ringfall token create`, or a JSON Web Token."))
                .build(),
        );
        let components = description.components.get_or_insert_default();
        components.security_schemes.insert("bearer".to_owned(), bearer.into());
        let error = ContentBuilder::new().schema(Some(Ref::from_schema_name("Error"))).build();
        let error = ResponseBuilder::new().description("It was not done.").content("application/json", error).build();
        components.responses.insert("Error".to_owned(), error.into());
        let needed = SecurityRequirement::new("bearer", Vec::<String>::new());
        for path in description.paths.paths.values_mut() {
            let all = [&mut path.get, &mut path.post, &mut path.put, &mut path.patch, &mut path.delete];
            for operation in all.into_iter().flatten() {
                operation.security = Some(vec![needed.clone()]);
                let other = RefOr::Ref(Ref::from_response_name("Error"));
                operation.responses.responses.insert("default".to_owned(), other);
            }
        }
    }
}

/// The description as JSON, as it is served and as it stands in `docs/openapi.json`.
pub fn text() -> String {
    let mut description = Described::openapi();
    description.info.version = "1".to_owned();
    let mut text = description.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// Tells what can be asked; anybody may know.
#[get("/openapi.json")]
async fn described() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(text())
}

/// Answers where nothing is, or nothing of that method.
pub(crate) async fn nowhere(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let path = request.path().split_once(PATH).map_or("", |(_, path)| path);
    let description = Described::openapi();
    let fitting = || description.paths.paths.iter().filter(move |(pattern, _)| fits(pattern, path));
    // A path that is spelt out is meant before one with a name in its place.
    let closest = fitting().map(|(pattern, _)| names(pattern)).min();
    let found = fitting().filter(|(pattern, _)| Some(names(pattern)) == closest).flat_map(|(_, item)| {
        let all = [
            ("GET", &item.get),
            ("POST", &item.post),
            ("PUT", &item.put),
            ("PATCH", &item.patch),
            ("DELETE", &item.delete),
        ];
        all.into_iter().filter_map(|(method, operation)| operation.as_ref().map(|_| method))
    });
    let methods: Vec<&str> = if path == "/openapi.json" { vec!["GET"] } else { found.collect() };
    if methods.is_empty() {
        return Err(ApiError::not_found());
    }
    let error = ApiError::new(Code::MethodNotAllowed, "this path takes other methods");
    Err(error.with_header(ALLOW, methods.join(", ")))
}

/// How many pieces of a pattern stand for a name.
fn names(pattern: &str) -> usize {
    pattern.split('/').filter(|piece| piece.starts_with('{')).count()
}

/// Whether a path has the form of a pattern, piece by piece.
fn fits(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<_>, Vec<_>) = (pattern.split('/').collect(), path.split('/').collect());
    let alike = |(wanted, piece): (&&str, &&str)| wanted == piece || (wanted.starts_with('{') && !piece.is_empty());
    pattern.len() == path.len() && pattern.iter().zip(&path).all(alike)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_that_is_checked_in_is_the_one_that_is_served() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");
        let known = std::fs::read_to_string(file).unwrap_or_default();
        let now = text();
        assert!(
            known == now,
            "docs/openapi.json is old: write it anew with `ringfall schema --api > docs/openapi.json`"
        );
    }

    #[test]
    fn patterns_fit_paths_piece_by_piece() {
        assert!(fits("/organizations/{org}", "/organizations/acme"));
        assert!(!fits("/organizations/{org}", "/organizations/acme/tokens"));
        assert!(!fits("/organizations/{org}", "/organizations/"));
    }
}
