//! The load: many connections that keep alive, each with one request at a time, all from one thread.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::calls::Call;

/// What a run showed.
#[derive(Debug, Default)]
pub struct Outcome {
    pub requests: usize,
    pub failed: usize,
    pub elapsed: Duration,
    pub cpu: Duration,
    /// Sorted.
    latencies: Vec<u32>,
}

impl Outcome {
    pub fn per_second(&self) -> f64 {
        self.requests as f64 / self.elapsed.as_secs_f64()
    }

    /// Microseconds of processor time for one request.
    pub fn cpu_per_request(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.requests.max(1) as f64
    }

    pub fn percentile(&self, percent: f64) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        let place = (last as f64 * percent / 100.0) as usize;
        Duration::from_micros(self.latencies.get(place).copied().unwrap_or_default().into())
    }
}

/// A load to put on a server.
#[derive(Debug, Clone)]
pub struct Load {
    connections: usize,
    calls: Arc<Vec<Call>>,
    first: usize,
    pause: Option<Duration>,
}

impl Load {
    pub fn new(connections: usize, calls: Arc<Vec<Call>>) -> Self {
        Self { connections, calls, first: 0, pause: None }
    }

    /// Without so many calls at the beginning, which a server has had.
    pub fn after(self, calls: usize) -> Self {
        Self { first: calls, ..self }
    }

    /// So many requests a second, whether or not the server keeps up.
    pub fn paced(self, per_second: f64) -> Self {
        let pause = Duration::from_secs_f64(self.connections as f64 / per_second);
        Self { pause: Some(pause), ..self }
    }

    pub async fn run(self, port: u16, span: Duration) -> Outcome {
        let mut tasks = JoinSet::new();
        let started = Instant::now();
        for number in 0..self.connections {
            tasks.spawn(connection(self.clone(), number, port, started, started + span));
        }
        // A load that slept would have to be woken, and the server's core would pay for that with each answer.
        let awake = tokio::spawn(async {
            loop {
                tokio::task::yield_now().await;
            }
        });
        let mut whole = Outcome::default();
        while let Some(done) = tasks.join_next().await {
            let part = done.expect("a connection");
            whole.requests += part.requests;
            whole.failed += part.failed;
            whole.latencies.extend(part.latencies);
        }
        awake.abort();
        whole.elapsed = started.elapsed();
        whole.latencies.sort_unstable();
        whole
    }
}

/// Sends every so-manyth call, step by step, until the time is over.
async fn connection(load: Load, number: usize, port: u16, started: Instant, until: Instant) -> Outcome {
    let mut stream = connect(port).await;
    let mut outcome = Outcome::default();
    let (mut request, mut answer) = (Vec::with_capacity(4096), Vec::with_capacity(8192));
    let mut due = started + load.pause.unwrap_or_default().mul_f64(number as f64 / load.connections as f64);
    let mine = load.calls.iter().skip(load.first + number).step_by(load.connections);
    for call in mine.cycle() {
        for (shape, signature) in &call.steps {
            let mut from = Instant::now();
            if let Some(pause) = load.pause {
                if from < due {
                    tokio::time::sleep_until(due.into()).await;
                    from = Instant::now();
                } else {
                    // The server was late: this request has waited since it was due.
                    from = due;
                }
                due += pause;
            }
            if Instant::now() >= until {
                return outcome;
            }
            shape.fill(&call.sid, signature, &mut request);
            stream.write_all(&request).await.expect("to send");
            let good = receive(&mut stream, &mut answer).await;
            outcome.requests += 1;
            outcome.failed += usize::from(!good);
            outcome.latencies.push(from.elapsed().as_micros() as u32);
        }
    }
    outcome
}

async fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("to connect");
    stream.set_nodelay(true).expect("no delay");
    stream
}

/// Reads one answer; true when it is TwiML.
async fn receive(stream: &mut TcpStream, answer: &mut Vec<u8>) -> bool {
    answer.clear();
    loop {
        let read = stream.read_buf(answer).await.expect("to receive");
        assert!(read > 0, "the server closed the connection: {}", String::from_utf8_lossy(answer));
        let Some(head) = find(answer, b"\r\n\r\n") else { continue };
        let length = length(&answer[..head]);
        if answer.len() >= head + 4 + length {
            return answer.starts_with(b"HTTP/1.1 200") && find(&answer[head..], b"<Response").is_some();
        }
    }
}

fn length(head: &[u8]) -> usize {
    let head = std::str::from_utf8(head).expect("a head of text");
    let value = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim())
    });
    value.and_then(|value| value.parse().ok()).unwrap_or(0)
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// One question on a connection of its own.
pub async fn ask(port: u16, request: &[u8]) -> String {
    let mut stream = connect(port).await;
    stream.write_all(request).await.expect("to send");
    let mut answer = Vec::new();
    receive(&mut stream, &mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}
