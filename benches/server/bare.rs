//! The bare handler to compare with: reads the form, verifies the signature, answers nothing.
//!
//! With a folder it writes a row of the length of a record as well, and answers when that is safe: no service that
//! keeps its records in the same engine can do with less.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use actix_web::web::{Bytes, Data, PayloadConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use ringfall::webhook::raw::{Limits, RawWebhook, Wire};
use ringfall::webhook::signature::{HEADER, Verifier, VerifierSet};
use rusqlite::Connection;
use tokio::sync::oneshot;

/// The variable that makes this program the bare server, with the port.
pub const MARK: &str = "BENCH_BARE_PORT";

/// The variable with the folder in which it keeps rows.
pub const FOLDER: &str = "BENCH_BARE_FOLDER";

/// Bytes of a row: what a record of these calls has.
const ROW: usize = 2_400;

/// How long rows are gathered for one commit, as in the service.
const GATHER: Duration = Duration::from_micros(800);

/// A row, and who waits until it is safe.
type Row = (Vec<u8>, oneshot::Sender<()>);

struct Keys {
    origin: String,
    verifiers: VerifierSet,
    rows: Option<Sender<Row>>,
}

pub fn serve() {
    let port: u16 = std::env::var(MARK).expect("a port").parse().expect("a port");
    let token = std::env::var("TWILIO_AUTH_TOKEN").expect("a token");
    let origin = format!("http://127.0.0.1:{port}");
    let rows = std::env::var_os(FOLDER).map(|folder| {
        let (rows, received) = channel();
        let file = Path::new(&folder).join("bare.db");
        std::thread::spawn(move || write(&file, &received));
        rows
    });
    let keys = Data::new(Keys { origin, verifiers: VerifierSet::one(Verifier::from_token(&token)), rows });
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
    if keys.verifiers.check(&format!("{}{target}", keys.origin), &raw).is_err() {
        return HttpResponse::Forbidden().finish();
    }
    if let Some(rows) = &keys.rows {
        let mut row = Vec::with_capacity(ROW);
        row.extend_from_slice(&body);
        row.resize(ROW, 0);
        let (safe, when) = oneshot::channel();
        rows.send((row, safe)).expect("the writer");
        when.await.expect("a row that is safe");
    }
    HttpResponse::Ok().content_type("text/xml").body("<?xml version=\"1.0\"?><Response/>")
}

/// Writes rows, as many at once as wait.
fn write(file: &Path, rows: &Receiver<Row>) {
    let mut connection = Connection::open(file).expect("a file");
    for (name, value) in [("page_size", "8192"), ("journal_mode", "wal"), ("synchronous", "full")] {
        connection.pragma_update(None, name, value).expect("a setting");
    }
    connection
        .execute_batch("CREATE TABLE rows (seq INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT")
        .expect("a table");
    while let Ok(first) = rows.recv() {
        std::thread::sleep(GATHER);
        let transaction = connection.transaction().expect("a transaction");
        let mut safe = Vec::new();
        for (row, told) in std::iter::once(first).chain(rows.try_iter()) {
            let insert = "INSERT INTO rows (body) VALUES (?1)";
            transaction.prepare_cached(insert).and_then(|mut insert| insert.execute([row])).expect("a row");
            safe.push(told);
        }
        transaction.commit().expect("a commit");
        for told in safe {
            // Who asked may have gone.
            told.send(()).ok();
        }
    }
}
