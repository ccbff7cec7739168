//! The API as a tester sees it that knows nothing of it but its description: what it sends and what it gets is right.

use std::path::Path;
use std::process::Command;

use ringfall::tenant::role::Role;

use crate::api::{Desk, SECRET, word};
use crate::organizations::carrier::Carrier;

/// What is looked at in each answer. What a credential is worth is tested elsewhere: many wrong ones make it wait.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,unsupported_method,\
                      allow_header_conformance";

/// Requests to each operation in the second phase; the first one takes each value that the description singles out.
const EACH: &str = "4";

/// Seconds after which the tester is ended: it is far quicker, and no run may last for ever.
const MOST: &str = "1200";

#[actix_web::test]
async fn whatever_fits_the_description_is_answered_by_it() {
    let tester = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/oracles/venv/bin/st");
    assert!(tester.exists(), "the tester of APIs is not installed: run `tests/all` (or `tests/setup-oracles`)");
    let carrier = Carrier::start(&[]);
    let dns = crate::fake_dns::Dns::start();
    let settings = [
        ("RINGFALL_API_JWT_SECRET", SECRET),
        ("RINGFALL_TWILIO_API_URL", carrier.url.as_str()),
        ("RINGFALL_DNS_RESOLVER", dns.address.as_str()),
    ];
    let desk = Desk::open_with(&settings).await;
    let bearer = format!("Authorization: Bearer {}", word(Role::PlatformAdmin));
    let address = format!("http://{}/api/v1/openapi.json", desk.service.running.api_address());
    let folder = desk.house.path(".");
    let tested = tokio::task::spawn_blocking(move || {
        let mut command = Command::new("timeout");
        let command = command.arg(MOST).arg(tester).args(["run", &address, "--header", &bearer]).current_dir(folder);
        let command = command.args(["--phases", "coverage,fuzzing", "--max-examples", EACH, "--seed", "1"]);
        let command = command.args([
            "--generation-deterministic",
            "--generation-with-security-parameters",
            "false",
            "--no-shrink",
            "--continue-on-failure",
        ]);
        let command = command.args(["--checks", CHECKS, "--request-timeout", "120", "--warnings", "off", "--no-color"]);
        command.output().unwrap()
    });
    let tested = tested.await.unwrap();
    let told = String::from_utf8_lossy(&tested.stdout).into_owned() + &String::from_utf8_lossy(&tested.stderr);
    assert!(tested.status.success(), "{told}");
    assert!(told.contains("Tested: "), "{told}");
    desk.service.running.stop().await;
}
