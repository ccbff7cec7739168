//! A service account and the interfaces that it may use: tokens are granted for statements that hold, and asked for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use super::web::{Asked, Web};

const EMAIL: &str = "ringfall@example.iam.gserviceaccount.com";

/// What the account has written, as the two interfaces keep it.
#[derive(Default)]
pub(crate) struct Kept {
    /// The rows of the sheet.
    pub(crate) rows: Vec<Vec<Value>>,
    /// The documents by their names.
    pub(crate) documents: BTreeMap<String, Value>,
    /// What was asked in a way that the real ones refuse.
    pub(crate) complaints: Vec<String>,
    /// Texts that make a request be refused.
    pub(crate) poison: Option<String>,
    /// Single cells by their sheet and range.
    pub(crate) cells: BTreeMap<String, Value>,
    tokens: u32,
    /// Requests for which a token was good.
    pub(crate) asked: u32,
}

/// Google as far as it is used here.
pub(crate) struct Google {
    pub(crate) web: Web,
    pub(crate) kept: Arc<Mutex<Kept>>,
    pub(crate) key_file: PathBuf,
}

fn pem(kind: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", lines.join("\n"))
}

impl Google {
    /// Starts it, with the account's key file in the folder.
    pub(crate) fn start(folder: &Path) -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        let public = DecodingKey::from_rsa_pem(pem("PUBLIC KEY", public.as_ref()).as_bytes()).unwrap();
        let kept: Arc<Mutex<Kept>> = Arc::default();
        let own = Arc::clone(&kept);
        let web = Web::start(move |asked| answer(asked, &mut own.lock().unwrap(), &public));
        let file = json!({
            "type": "service_account",
            "project_id": "phones",
            "private_key": pem("PRIVATE KEY", private.as_ref()),
            "client_email": EMAIL,
            "token_uri": format!("{}/token", web.url()),
        });
        let key_file = folder.join("google.json");
        std::fs::write(&key_file, file.to_string()).unwrap();
        Self { web, kept, key_file }
    }
}

fn answer(asked: &Asked, kept: &mut Kept, public: &DecodingKey) -> (u16, String) {
    if asked.target == "/token" {
        return grant(asked, kept, public);
    }
    if asked.header("authorization") != format!("Bearer token-{}", kept.tokens) {
        return (401, "{}".to_owned());
    }
    kept.asked += 1;
    if kept.poison.as_ref().is_some_and(|poison| asked.body.contains(poison.as_str())) {
        return (400, json!({ "error": { "status": "INVALID_ARGUMENT" } }).to_string());
    }
    let (status, body) = if asked.target.contains(":commit") { commit(asked, kept) } else { values(asked, kept) };
    if status >= 400 {
        kept.complaints.push(format!("{} {}: {body}", asked.method, asked.target));
    }
    (status, body.to_string())
}

fn grant(asked: &Asked, kept: &mut Kept, public: &DecodingKey) -> (u16, String) {
    let form: BTreeMap<String, String> = form_urlencoded::parse(asked.body.as_bytes()).into_owned().collect();
    let mut wanted = Validation::new(Algorithm::RS256);
    wanted.set_audience(&[format!("http://{}/token", asked.header("host"))]);
    wanted.set_issuer(&[EMAIL]);
    // The service's clock stands still in these tests.
    wanted.validate_exp = false;
    let claims = jsonwebtoken::decode::<Value>(&form["assertion"], public, &wanted);
    let good = claims.is_ok_and(|token| {
        let (from, to) = (token.claims["iat"].as_i64().unwrap(), token.claims["exp"].as_i64().unwrap());
        to - from == 3600 && token.claims["scope"].as_str().unwrap().starts_with("https://www.googleapis.com/auth/")
    });
    if !good || form["grant_type"] != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
        kept.complaints.push("a statement that does not hold".to_owned());
        return (400, "{\"error\":\"invalid_grant\"}".to_owned());
    }
    kept.tokens += 1;
    (
        200,
        json!({ "access_token": format!("token-{}", kept.tokens), "expires_in": 3600, "token_type": "Bearer" })
            .to_string(),
    )
}

const DOCUMENTS: &str = "projects/phones/databases/(default)/documents";

fn commit(asked: &Asked, kept: &mut Kept) -> (u16, Value) {
    if asked.target != format!("/v1/{DOCUMENTS}:commit") {
        return (404, json!("no such database"));
    }
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    let writes = body["writes"].as_array().unwrap();
    if writes.len() > 500 || asked.body.len() > 10 << 20 {
        return (400, json!("too much at once"));
    }
    for write in writes {
        let name = write["update"]["name"].as_str().unwrap();
        if !name.starts_with(&format!("{DOCUMENTS}/ringfall_audit/"))
            || !typed(&json!({ "mapValue": write["update"] }), false)
        {
            return (400, json!("a document that is none"));
        }
    }
    for write in writes {
        kept.documents.insert(write["update"]["name"].as_str().unwrap().to_owned(), write["update"]["fields"].clone());
    }
    (200, json!({ "writeResults": [], "commitTime": "2026-11-23T18:00:00Z" }))
}

/// Whether it is a value of Firestore.
fn typed(value: &Value, within_array: bool) -> bool {
    let object = value.as_object().unwrap();
    let Some((kind, inner)) = object.iter().next() else { return false };
    match kind.as_str() {
        "nullValue" => inner.is_null(),
        "booleanValue" => inner.is_boolean(),
        "integerValue" => inner.as_str().is_some_and(|text| text.parse::<i64>().is_ok()),
        "doubleValue" => inner.is_number(),
        "stringValue" => inner.is_string(),
        "arrayValue" => !within_array && inner["values"].as_array().unwrap().iter().all(|item| typed(item, true)),
        "mapValue" => inner["fields"].as_object().unwrap().values().all(|value| typed(value, false)),
        _ => false,
    }
}

fn values(asked: &Asked, kept: &mut Kept) -> (u16, Value) {
    let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
    let path: String =
        form_urlencoded::parse(path.replace('+', "%2B").as_bytes()).map(|(name, _)| name.into_owned()).collect();
    if let Some((sheet, range)) = path
        .strip_prefix("/v4/spreadsheets/")
        .and_then(|rest| rest.split_once("/values/"))
        .filter(|_| query == "valueRenderOption=UNFORMATTED_VALUE")
    {
        return match kept.cells.get(&format!("{sheet} {range}")) {
            Some(cell) => (200, json!({ "range": range, "majorDimension": "ROWS", "values": [[cell]] })),
            None => (403, json!({ "error": { "status": "PERMISSION_DENIED" } })),
        };
    }
    let Some(range) = path.strip_prefix("/v4/spreadsheets/1AbC/values/'Calls'!") else {
        return (404, json!(format!("no such range: {path}")));
    };
    let raw = query.contains("valueInputOption=RAW");
    match (asked.method.as_str(), range) {
        ("GET", "1:1") => (200, json!({ "values": kept.rows.first().into_iter().collect::<Vec<_>>() })),
        ("GET", range) if range.starts_with('A') && range.ends_with(":A") => {
            let from: usize = range[1..range.len() - 2].parse().unwrap();
            let rows: Vec<_> = kept.rows.iter().skip(from - 1).map(|row| vec![row[0].clone()]).collect();
            (200, json!({ "values": rows }))
        }
        ("PUT", "A1") if raw => {
            let body: Value = serde_json::from_str(&asked.body).unwrap();
            let row = body["values"][0].as_array().unwrap().clone();
            if kept.rows.is_empty() {
                kept.rows.push(row);
            } else {
                kept.rows[0] = row;
            }
            (200, json!({}))
        }
        ("POST", "A1:append") if raw && query.contains("insertDataOption=INSERT_ROWS") => {
            let body: Value = serde_json::from_str(&asked.body).unwrap();
            let first = kept.rows.len() + 1;
            kept.rows.extend(body["values"].as_array().unwrap().iter().map(|row| row.as_array().unwrap().clone()));
            (200, json!({ "updates": { "updatedRange": format!("Calls!A{first}:P{}", kept.rows.len()) } }))
        }
        _ => (400, json!(format!("no such request: {} {range}", asked.method))),
    }
}
