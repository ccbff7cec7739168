//! The bare handler to compare with: reads the form, verifies the signature, answers nothing.

use actix_web::web::{Bytes, Data, PayloadConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use ringfall::webhook::raw::{Limits, RawWebhook, Wire};
use ringfall::webhook::signature::{HEADER, Verifier, VerifierSet};

/// The variable that makes this program the bare server, with the port.
pub const MARK: &str = "BENCH_BARE_PORT";

struct Keys {
    origin: String,
    verifiers: VerifierSet,
}

pub fn serve() {
    let port: u16 = std::env::var(MARK).expect("a port").parse().expect("a port");
    let token = std::env::var("TWILIO_AUTH_TOKEN").expect("a token");
    let origin = format!("http://127.0.0.1:{port}");
    let keys = Data::new(Keys { origin, verifiers: VerifierSet::one(Verifier::from_token(&token)) });
    actix_web::rt::System::new().block_on(async move {
        let app = move || {
            App::new()
                .app_data(keys.clone())
                .app_data(PayloadConfig::new(128 * 1024))
                .route("/readyz", web::get().to(HttpResponse::Ok))
                .default_service(web::to(handle))
        };
        HttpServer::new(app).workers(1).bind(("127.0.0.1", port)).expect("the port").run().await.expect("a server");
    });
}

async fn handle(request: HttpRequest, body: Bytes, keys: Data<Keys>) -> HttpResponse {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let wire = Wire {
        method: request.method().as_str(),
        target,
        content_type: header("content-type"),
        signature: header(HEADER),
        body: &body,
    };
    let Ok(raw) = RawWebhook::read(wire, &Limits::default()) else { return HttpResponse::BadRequest().finish() };
    match keys.verifiers.check(&format!("{}{target}", keys.origin), &raw) {
        Ok(_) => HttpResponse::Ok().content_type("text/xml").body("<?xml version=\"1.0\"?><Response/>"),
        Err(_) => HttpResponse::Forbidden().finish(),
    }
}
