//! Sockets: a small HTTP/1.1 server that may also break off, stall or cut its answers.

use crate::faults::{Fault, Faults};
use crate::reply::Reply;
use crate::routes::{Request, answer};
use crate::world::World;
use serde::Serialize;
use serde_json::Value;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use url::Url;

const LARGEST_HEAD_BYTES: usize = 64 * 1024;
const PAUSE: Duration = Duration::from_millis(300);

/// How the simulator behaves.
#[derive(Debug, Clone, Default)]
pub struct SimulatorSettings {
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Which requests fail.
    pub faults: Faults,
    /// File that gets a JSON line per request.
    pub log: Option<PathBuf>,
}

/// A simulator that cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// The port is taken or forbidden.
    #[error("cannot listen on 127.0.0.1:{port}: {source}; choose another port, or 0 for a free one")]
    Listen {
        /// The port.
        port: u16,
        /// Why.
        source: std::io::Error,
    },
    /// The log cannot be written.
    #[error("cannot write the request log {}: {source}", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// One request as it was seen; tokens are cut out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestRecord {
    /// HTTP method.
    pub method: String,
    /// Path.
    pub path: String,
    /// Query without the value of a token.
    pub query: String,
    /// Which part of the service.
    pub endpoint: &'static str,
    /// Status of the answer; 0 when the connection was closed instead.
    pub status: u16,
    /// Bytes of the answer's body.
    pub bytes: usize,
}

struct Shared {
    world: World,
    faults: Faults,
    base_url: String,
    number: AtomicU64,
    records: Mutex<Vec<RequestRecord>>,
    log: Option<Mutex<std::fs::File>>,
}

/// A running simulator; it stops when it is dropped.
pub struct Simulator {
    shared: Arc<Shared>,
    listening: JoinHandle<()>,
}

/// Starts a server on loopback over these entities.
pub async fn start(entities: Vec<Value>, settings: SimulatorSettings) -> Result<Simulator, SimulatorError> {
    let failed = |source| SimulatorError::Listen { port: settings.port, source };
    let listener = TcpListener::bind(("127.0.0.1", settings.port)).await.map_err(failed)?;
    let base_url = format!("http://{}", listener.local_addr().map_err(failed)?);
    let open = |path: PathBuf| {
        std::fs::File::create(&path).map(Mutex::new).map_err(|source| SimulatorError::Log { path, source })
    };
    let shared = Arc::new(Shared {
        world: World::new(entities),
        faults: settings.faults,
        base_url,
        number: AtomicU64::new(0),
        records: Mutex::new(Vec::new()),
        log: settings.log.map(open).transpose()?,
    });
    let listening = tokio::spawn(listen(listener, Arc::clone(&shared)));
    Ok(Simulator { shared, listening })
}

impl Simulator {
    /// Where it listens; the Graph API and the tiles share it.
    pub fn base_url(&self) -> &str {
        &self.shared.base_url
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.shared.records.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops listening.
    pub async fn stop(mut self) {
        self.listening.abort();
        let _ = (&mut self.listening).await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(converse(stream, Arc::clone(&shared)))),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await, // out of sockets for the moment
        }
    }
}

/// Answers the requests of one connection, one after the other.
async fn converse(mut stream: TcpStream, shared: Arc<Shared>) {
    let mut waiting = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut waiting).await {
        let number = shared.number.fetch_add(1, Ordering::Relaxed);
        let fault = shared.faults.draw(number);
        if fault == Some(Fault::Slow) {
            tokio::time::sleep(PAUSE).await;
        }
        if fault == Some(Fault::Reset) {
            shared.record(&request, 0, 0);
            return;
        }
        let reply = fault.and_then(Fault::reply).unwrap_or_else(|| answer(&shared.world, &request, &shared.base_url));
        shared.record(&request, reply.status, reply.body.len());
        let is_cut = fault == Some(Fault::Cut);
        if write_reply(&mut stream, &reply, is_cut).await.is_err() || is_cut {
            return;
        }
    }
}

impl Shared {
    fn record(&self, request: &Request, status: u16, bytes: usize) {
        let query = request.url.query_pairs().map(|(key, value)| {
            let value = if key == "access_token" { "REDACTED".into() } else { value };
            format!("{key}={value}")
        });
        let record = RequestRecord {
            method: request.method.clone(),
            path: request.url.path().to_owned(),
            query: query.collect::<Vec<_>>().join("&"),
            endpoint: request.endpoint(),
            status,
            bytes,
        };
        if let Some(log) = &self.log
            && let Ok(line) = serde_json::to_string(&record)
        {
            let _ = writeln!(log.lock().unwrap_or_else(PoisonError::into_inner), "{line}");
        }
        self.records.lock().unwrap_or_else(PoisonError::into_inner).push(record);
    }
}

/// The next request; `None` when the other side is done or talks nonsense.
async fn read_request(stream: &mut TcpStream, waiting: &mut Vec<u8>) -> Option<Request> {
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Request::new(&mut headers);
        if let httparse::Status::Complete(length) = head.parse(waiting).ok()? {
            let authorization = head
                .headers
                .iter()
                .find(|header| header.name.eq_ignore_ascii_case("authorization"))
                .map(|header| String::from_utf8_lossy(header.value).into_owned());
            let url = Url::parse("http://simulator").ok()?.join(head.path?).ok()?;
            let request = Request { method: head.method?.to_owned(), url, authorization };
            waiting.drain(..length);
            return Some(request);
        }
        if waiting.len() > LARGEST_HEAD_BYTES {
            return None;
        }
        let mut more = [0; 8192];
        match stream.read(&mut more).await {
            Ok(n) if n > 0 => waiting.extend(&more[..n]),
            _ => return None,
        }
    }
}

async fn write_reply(stream: &mut TcpStream, reply: &Reply, is_cut: bool) -> std::io::Result<()> {
    let mut bytes =
        format!("HTTP/1.1 {} simulated\r\nContent-Length: {}\r\n", reply.status, reply.body.len()).into_bytes();
    for (name, value) in &reply.headers {
        bytes.extend(format!("{name}: {value}\r\n").into_bytes());
    }
    bytes.extend(b"\r\n");
    let body = if is_cut { &reply.body[..reply.body.len() / 2] } else { &reply.body[..] };
    bytes.extend(body);
    stream.write_all(&bytes).await?;
    stream.flush().await
}
