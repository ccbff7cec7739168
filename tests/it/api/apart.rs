//! The API on a listener of its own.

use ringfall::tenant::role::Role;

use crate::api::{Desk, SECRET, word};

#[actix_web::test]
async fn on_a_listener_of_its_own_it_answers_there_and_nowhere_else() {
    let settings = [("RINGFALL_API_JWT_SECRET", SECRET), ("RINGFALL_API_LISTEN", "127.0.0.1:0")];
    let desk = Desk::open_with(&settings).await;
    assert_ne!(desk.service.running.api_address(), desk.service.address);
    assert_eq!(desk.get("/organizations/acme", &word(Role::Viewer)).await.status, 200);
    assert_eq!(desk.service.get("/api/v1/openapi.json").await.status, 404, "where the carrier comes in, there is none");
    assert_eq!(desk.service.arrive().await.status, 200);
    let url = format!("http://{}/healthz", desk.service.running.api_address());
    assert_eq!(desk.client.get(url).send().await.unwrap().status().as_u16(), 404);
    desk.service.running.stop().await;
}

#[actix_web::test]
async fn below_the_path_of_the_public_address_it_answers_too() {
    let settings = [("RINGFALL_API_JWT_SECRET", SECRET), ("RINGFALL_PUBLIC_URL", "https://phones.example.com/lines")];
    let desk = Desk::open_with(&settings).await;
    let url = desk.service.url("/lines/api/v1/me");
    let status = desk.client.get(url).bearer_auth(word(Role::Viewer)).send().await.unwrap().status();
    assert_eq!(status.as_u16(), 200);
    assert_eq!(desk.get("/me", &word(Role::Viewer)).await.status, 200);
}
