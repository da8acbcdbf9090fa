//! Sockets: a small HTTP/1.1 server that may also break off, stall or cut its answers.

use crate::faults::{Fault, Faults};
use crate::feed::Feeds;
use crate::habits::Packing;
use crate::reply::Reply;
use crate::request::{Request, RequestRecord};
use crate::routes::{answer, refuse_on_graph};
use crate::world::World;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Records that are kept in memory; the log file gets them all.
const MOST_RECORDS: usize = 100_000;

/// How the simulator behaves.
#[derive(Debug, Clone, Default)]
pub struct SimulatorSettings {
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Which requests fail, and the habits of a service that works.
    pub faults: Faults,
    /// File that gets a JSON line per request.
    pub log: Option<PathBuf>,
    /// The activity feed; `None` makes one of the entities.
    pub feeds: Option<Feeds>,
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

struct Shared {
    world: World,
    faults: Faults,
    feeds: OnceLock<Feeds>,
    round: AtomicU64,
    /// Tokens seen on either side: one that is used on both is the mistake that a client must not make.
    tokens: Mutex<[BTreeSet<String>; 2]>,
    base_url: String,
    number: AtomicU64,
    drawn: Mutex<Vec<u64>>,
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
    start_world(World::new(entities), settings).await
}

/// Starts a server on loopback over a world, such as one of [`World::read_file`].
pub async fn start_world(world: World, settings: SimulatorSettings) -> Result<Simulator, SimulatorError> {
    let failed = |source| SimulatorError::Listen { port: settings.port, source };
    let listener = TcpListener::bind(("127.0.0.1", settings.port)).await.map_err(failed)?;
    let base_url = format!("http://{}", listener.local_addr().map_err(failed)?);
    let open = |path: PathBuf| {
        std::fs::File::create(&path).map(Mutex::new).map_err(|source| SimulatorError::Log { path, source })
    };
    let shared = Arc::new(Shared {
        world,
        feeds: settings.feeds.map(OnceLock::from).unwrap_or_default(),
        round: AtomicU64::new(0),
        tokens: Mutex::default(),
        drawn: Mutex::new(settings.faults.counters()),
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

    /// The requests so far, at most the first 100,000.
    pub fn requests(&self) -> Vec<RequestRecord> {
        held(&self.shared.records).clone()
    }

    /// How many requests came so far.
    pub fn n_requests(&self) -> u64 {
        self.shared.number.load(Ordering::Relaxed)
    }

    /// Moves the clock of the feed by one round, as somebody does who asks for a first page.
    pub fn next_round(&self) {
        self.shared.round.fetch_add(1, Ordering::Relaxed);
    }

    /// Stops listening and closes every connection.
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

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    let mut conversations = JoinSet::new(); // dropped with this task, and all of them with it
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(conversations.spawn(converse(stream, Arc::clone(&shared)))),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await, // out of sockets for the moment
        }
        while conversations.try_join_next().is_some() {}
    }
}

/// Answers the requests of one connection, one after the other.
async fn converse(mut stream: TcpStream, shared: Arc<Shared>) {
    let mut waiting = Vec::new();
    loop {
        let request = match Request::read(&waiting) {
            Ok(Some((request, length))) => {
                waiting.drain(..length);
                request
            }
            Ok(None) => {
                let mut more = [0; 8192];
                match stream.read(&mut more).await {
                    Ok(n) if n > 0 => waiting.extend(&more[..n]),
                    _ => return,
                }
                continue;
            }
            Err(_) => {
                let _ = stream.write_all(b"HTTP/1.1 400 no request\r\nConnection: close\r\n\r\n").await;
                return;
            }
        };
        if !shared.serve(&mut stream, &request).await.is_ok_and(|()| request.stays_open) {
            return;
        }
    }
}

/// The connection is of no more use.
struct Closed;

impl Shared {
    async fn serve(&self, stream: &mut TcpStream, request: &Request) -> Result<(), Closed> {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let habits = &self.faults.habits;
        let fault = self.faults.draw(number, request.endpoint(), &mut held(&self.drawn));
        let pause = Duration::from_millis(habits.pause_ms);
        if fault == Some(Fault::Slow) {
            tokio::time::sleep(pause).await;
        }
        if fault == Some(Fault::Reset) {
            self.keep(request.record(0, 0, fault.map(Fault::as_str)));
            let _ = stream.set_zero_linger(); // so that it is a reset and no orderly end
            return Err(Closed);
        }
        let reply = match fault.and_then(|fault| fault.reply(habits)) {
            Some(reply) => reply,
            None => self.packed(self.answer(request), request),
        };
        self.keep(request.record(reply.status, reply.body.len(), fault.map(Fault::as_str)));
        if fault == Some(Fault::Loris) {
            return drip_for_ever(stream, pause).await;
        }
        let is_open_ended = fault == Some(Fault::CutOpen);
        let mut bytes = head_of(&reply, !is_open_ended, request.stays_open && !is_open_ended).into_bytes();
        let half = reply.body.len() / 2;
        bytes.extend(&reply.body[..half]);
        if !matches!(fault, Some(Fault::Cut | Fault::CutOpen)) {
            if fault == Some(Fault::Drip) {
                stream.write_all(&bytes).await.map_err(|_| Closed)?;
                bytes.clear();
                tokio::time::sleep(pause).await;
            }
            bytes.extend(&reply.body[half..]);
        }
        stream.write_all(&bytes).await.map_err(|_| Closed)?;
        stream.flush().await.map_err(|_| Closed)?;
        if matches!(fault, Some(Fault::Cut | Fault::CutOpen)) { Err(Closed) } else { Ok(()) }
    }

    /// The answer of whichever side is asked. A token of one side is refused on the other.
    fn answer(&self, request: &Request) -> Reply {
        let endpoint = request.endpoint();
        let is_feed = endpoint == "graphql";
        if let Some(token) = request.token() {
            let mut tokens = held(&self.tokens);
            if tokens[usize::from(!is_feed)].contains(&token) {
                return Reply::error(
                    401,
                    190,
                    "OAuthException",
                    "Error validating application: a token of the other side",
                );
            }
            tokens[usize::from(is_feed)].insert(token);
        }
        let habits = &self.faults.habits;
        if is_feed {
            let feeds = self.feeds.get_or_init(|| Feeds::of_world(&self.world));
            return refuse_on_graph(request).unwrap_or_else(|| {
                let is_first = feeds.begins_a_round(request);
                let round = if is_first { self.round.fetch_add(1, Ordering::Relaxed) } else { self.rounds_before() };
                feeds.answer(request, round)
            });
        }
        let feeds = self.feeds.get(); // where nobody asks for the feed, none is made
        match feeds {
            Some(feeds) if endpoint == "me" => refuse_on_graph(request).unwrap_or_else(|| feeds.me()),
            Some(feeds) if feeds.hides() => {
                answer(&self.world, &feeds.habits(self.rounds_before(), &self.world, habits), request, &self.base_url)
            }
            _ => answer(&self.world, habits, request, &self.base_url),
        }
    }

    /// The round that was asked for last.
    fn rounds_before(&self) -> u64 {
        self.round.load(Ordering::Relaxed).saturating_sub(1)
    }

    fn packed(&self, mut reply: Reply, request: &Request) -> Reply {
        let is_tile = request.endpoint() == "tiles" && reply.status == 200;
        let is_packed = match self.faults.habits.packing {
            Packing::Off => false,
            Packing::Announced => request.accepts_gzip,
            Packing::Bare => is_tile,
        };
        if !is_packed || reply.body.is_empty() {
            return reply;
        }
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&reply.body).expect("memory takes every byte");
        reply.body = encoder.finish().expect("memory takes every byte");
        match self.faults.habits.packing {
            Packing::Announced => reply.with_header("Content-Encoding", "gzip"),
            Packing::Bare | Packing::Off => reply,
        }
    }

    fn keep(&self, record: RequestRecord) {
        if let Some(log) = &self.log
            && let Ok(line) = serde_json::to_string(&record)
        {
            let _ = writeln!(held(log), "{line}");
        }
        let mut records = held(&self.records);
        if records.len() < MOST_RECORDS {
            records.push(record);
        }
    }
}

/// A long body that comes byte by byte until the client has had enough.
async fn drip_for_ever(stream: &mut TcpStream, pause: Duration) -> Result<(), Closed> {
    stream.write_all(b"HTTP/1.1 200 simulated\r\nContent-Length: 1000000\r\n\r\n").await.map_err(|_| Closed)?;
    loop {
        stream.write_all(b" ").await.map_err(|_| Closed)?;
        tokio::time::sleep(pause).await;
    }
}

fn head_of(reply: &Reply, says_length: bool, stays_open: bool) -> String {
    let mut head = format!("HTTP/1.1 {} simulated\r\n", reply.status);
    let mut add = |name: &str, value: &str| head.extend([name, ": ", value, "\r\n"]);
    if says_length && reply.status != 204 {
        add("Content-Length", &reply.body.len().to_string()); // 204 has none (RFC 9110, 8.6)
    }
    for (name, value) in &reply.headers {
        add(name, value);
    }
    if !stays_open {
        add("Connection", "close");
    }
    head.push_str("\r\n");
    head
}

#[cfg(test)]
mod tests;
