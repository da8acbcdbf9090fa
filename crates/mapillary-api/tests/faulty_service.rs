//! A fifth of all replies is faulty, over real sockets: the results are those of a run without faults, each sound reply
//! was asked for once, a replay asks nothing, and the token is nowhere but on the wire. 1,000 questions, or as many
//! thousands as `FAULTY_SERVICE_THOUSANDS` says.

#![expect(clippy::unwrap_used, reason = "the whole file is a test")]

use capture_model::{ImageId, PublishedImage, SequenceId};
use mapillary_api::{Api, ApiSettings, Tileset, base_url};
use polite_http::{MemoryStore, Secret, Store, WireLimits};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tile_cover::{Tile, Zoom};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The hexadecimal part is the canary.
const TOKEN: &str = "MLY|4223665974375089|deadbeefcafe0123deadbeefcafe0123";
const CANARIES: [&str; 3] = ["deadbeefcafe0123", "REVBREJFRUY", "ZGVhZGJlZWZjYWZl"];

/// A number drawn from a text; the same for the same text (FNV-1a, then finished as in SplitMix64).
fn drawn(text: &str) -> u64 {
    let folded = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mixed = (folded ^ (folded >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 27)
}

#[derive(Default)]
struct Log {
    /// By question: replies so far, sound replies so far.
    questions: BTreeMap<String, (u32, u32)>,
    faults: BTreeMap<&'static str, u32>,
}

struct FaultyService {
    base: String,
    log: Arc<Mutex<Log>>,
}

impl FaultyService {
    /// `fault_percent` of the replies are faulty, decided by question and number of the reply.
    async fn start(fault_percent: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let log = Arc::new(Mutex::new(Log::default()));
        let shared = log.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let log = shared.clone();
                tokio::spawn(async move {
                    let _ = serve(socket, fault_percent, &log).await;
                });
            }
        });
        Self { base, log }
    }
}

async fn serve(mut socket: TcpStream, fault_percent: u64, log: &Mutex<Log>) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        let n = socket.read(&mut buffer).await?;
        if n == 0 {
            return Ok(());
        }
        head.extend_from_slice(&buffer[..n]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let target = head.split(' ').nth(1).unwrap();
    let question = target.split("?access_token=").next().unwrap().to_owned();
    let is_authorised = if question.starts_with("/maps/") {
        target.contains("access_token=MLY%7C4223665974375089%7C") && !head.to_lowercase().contains("authorization")
    } else {
        head.contains(&format!("OAuth {TOKEN}"))
    };
    let sound = sound_body(&question);
    let fault = {
        let mut log = log.lock().unwrap();
        let (replies, sound_replies) = log.questions.entry(question.clone()).or_default();
        *replies += 1;
        let draw = drawn(&format!("{question}#{replies}"));
        let fault = (draw % 100 < fault_percent).then_some(draw / 100 % 20);
        *sound_replies += u32::from(fault.is_none());
        fault
    };
    let reply = match fault {
        _ if !is_authorised => Some(("unauthorised", json(401, 190, "no token"))),
        Some(kind) => faulty_reply(kind, &sound, &question),
        None => Some(("sound", framed(200, "", &sound))),
    };
    let label = reply.as_ref().map_or("silence", |(label, _)| label);
    *log.lock().unwrap().faults.entry(label).or_default() += 1;
    let Some((_, bytes)) = reply else {
        tokio::time::sleep(Duration::from_secs(2)).await; // the client has long gone
        return Ok(());
    };
    socket.write_all(&bytes).await
}

fn framed(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// An error envelope that repeats the token, as services do.
fn json(status: u16, code: i64, message: &str) -> Vec<u8> {
    let body = format!("{{\"error\":{{\"message\":\"{message} for {TOKEN}\",\"code\":{code}}}}}");
    framed(status, &format!("X-Echo: {TOKEN}\r\n"), body.as_bytes())
}

/// The mix of faults, in twentieths; `None` is silence.
fn faulty_reply(kind: u64, sound: &[u8], question: &str) -> Option<(&'static str, Vec<u8>)> {
    let (is_tile, is_ids) = (question.starts_with("/maps/"), question.starts_with("/image_ids"));
    let cut = &sound[..sound.len() / 2];
    Some(match kind {
        0 | 1 => ("429 with a wait", framed(429, "Retry-After: 0\r\n", TOKEN.as_bytes())),
        2 | 3 => ("429", framed(429, "", b"<?xml version='1.0'?>")),
        4 => ("500", framed(500, "", TOKEN.as_bytes())),
        5 | 6 => ("503", framed(503, "Content-Type: text/html\r\n", b"<html>")),
        7 => ("502", framed(502, "", b"")),
        8 => ("code 1", json(500, 1, "An unknown error occurred")),
        9 => ("code 2", json(500, 2, "Service temporarily unavailable")),
        10 => ("code -1", json(400, -1, "x")),
        11 => ("code 4", json(403, 4, "Application request limit reached")),
        12 => ("code 613", json(400, 613, "Calls to this api have exceeded the rate limit")),
        13 | 14 => ("reset", Vec::new()),
        15 => ("cut, with a length", {
            let mut whole = framed(200, "", sound);
            whole.truncate(whole.len() - sound.len() + cut.len());
            whole
        }),
        16 => ("cut, without a length", [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", cut].concat()),
        17 => return None,
        18 if is_tile => ("a redirect", framed(302, "Location: https://www.mapillary.com/login\r\n", b"")),
        // A list of bare ids does not tell whose they are, so there the foreign answer is one of another shape.
        18 if is_ids => ("no list", framed(200, "", b"{}")),
        18 => ("another's data", framed(200, "", br#"{"data":[{"id":"99","sequence":"foreign"}]}"#)),
        _ => ("gzip garbage", framed(200, "Content-Encoding: gzip\r\n", b"\x1f\x8b\x08garbage")),
    })
}

/// What the service really has.
fn sound_body(question: &str) -> Vec<u8> {
    if question.starts_with("/maps/") {
        // One layer whose bytes depend on the tile.
        let content = question.repeat(8).into_bytes();
        let (low, high) = ((content.len() % 128) as u8 | 0x80, (content.len() / 128) as u8);
        return [vec![0x1a, low, high], content].concat();
    }
    let url = url::Url::parse(&format!("http://x{question}")).unwrap();
    let value = |name: &str| url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned());
    let first_of = |key: &str| key[1..].parse::<u64>().unwrap() * 100;
    let entity = |key: &str, id: u64| format!("{{\"id\":\"{id}\",\"sequence\":\"{key}\",\"altitude\":{id}.25}}");
    let entities: Vec<String> = if let Some(key) = value("sequence_id") {
        (0..9).map(|number| entity(&key, first_of(&key) + number)).collect()
    } else if let Some(keys) = value("sequence_ids") {
        keys.split(',').flat_map(|key| (0..9).map(move |number| entity(key, first_of(key) + number))).collect()
    } else {
        let ids = value("image_ids").unwrap();
        ids.split(',')
            .map(|id| entity(&format!("s{}", id.parse::<u64>().unwrap() / 100), id.parse().unwrap()))
            .collect()
    };
    format!("{{\"data\":[{}]}}", entities.join(",")).into_bytes()
}

/// All that a run finds, in a fixed order.
struct Findings {
    tiles: Vec<Arc<Vec<u8>>>,
    ids: Vec<Vec<ImageId>>,
    images: Vec<Vec<PublishedImage>>,
}

/// Names the first difference, not all of both.
#[track_caller]
fn assert_same(found: &Findings, expected: &Findings) {
    fn first<T: PartialEq + std::fmt::Debug>(what: &str, found: &[T], expected: &[T]) {
        assert_eq!(found.len(), expected.len(), "{what}");
        if let Some(number) = (0..found.len()).find(|&number| found[number] != expected[number]) {
            panic!("{what} {number} differs: {:?}, not {:?}", found[number], expected[number]);
        }
    }
    first("tile", &found.tiles, &expected.tiles);
    first("list of ids", &found.ids, &expected.ids);
    first("batch", &found.images, &expected.images);
}

fn sequence(number: u64) -> SequenceId {
    SequenceId::new(&format!("s{number}"))
}

fn thousands() -> u64 {
    std::env::var("FAULTY_SERVICE_THOUSANDS").map_or(1, |text| text.parse().unwrap())
}

/// Of each thousand 600 tiles, 300 lists of ids, 50 batches of sequences, 50 batches of images.
async fn run(api: &Api) -> Findings {
    async fn gather<T: Send + 'static>(jobs: Vec<impl Future<Output = T> + Send + 'static>) -> Vec<T> {
        let mut running = JoinSet::new();
        let mut results = BTreeMap::new();
        for (number, job) in jobs.into_iter().enumerate() {
            if running.len() >= 12 {
                let (done, result) = running.join_next().await.unwrap().unwrap();
                results.insert(done, result);
            }
            running.spawn(async move { (number, job.await) });
        }
        while let Some(joined) = running.join_next().await {
            let (done, result) = joined.unwrap();
            results.insert(done, result);
        }
        results.into_values().collect()
    }
    let thousands = thousands();
    let tiles = (0..600 * thousands as u32).map(|x| {
        let api = api.clone();
        async move {
            api.coverage_tile(Tile { zoom: Zoom::COVERAGE, x: x % 16_384, y: 77 + x / 16_384 }, Tileset::Original)
                .await
                .unwrap()
                .bytes
        }
    });
    let ids = (0..300 * thousands).map(|number| {
        let api = api.clone();
        async move { api.image_ids(&sequence(number)).await.unwrap() }
    });
    let batches = (0..50 * thousands).map(|number| {
        let api = api.clone();
        let keys: Vec<_> = (number * 6..number * 6 + 6).map(sequence).collect();
        async move { api.images_of_sequences(&keys).await.unwrap().whole().unwrap() }
    });
    let by_id = (0..50 * thousands).map(|number| {
        let api = api.clone();
        let ids: Vec<_> = (0..9).map(|image| ImageId(number * 100 + image)).collect();
        async move { api.images_by_ids(&ids).await.unwrap().whole().unwrap() }
    });
    let (tiles, ids) = tokio::join!(gather(tiles.collect()), gather(ids.collect()));
    let (mut images, by_id) = tokio::join!(gather(batches.collect()), gather(by_id.collect()));
    images.extend(by_id);
    Findings { tiles, ids, images }
}

fn api(base: &str, store: Arc<MemoryStore>, offline: bool) -> Api {
    let limits = WireLimits { read: Duration::from_millis(250), ..WireLimits::default() };
    let settings = ApiSettings {
        graph_url: base_url(base).unwrap(),
        tiles_url: base_url(base).unwrap(),
        token: (!offline).then(|| Secret::new(TOKEN)),
        offline,
        limits: Some(limits),
        ..ApiSettings::default()
    };
    Api::new(settings, Some(store as Arc<dyn Store>)).unwrap()
}

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn assert_no_canary(place: &str, text: &str) {
    for canary in CANARIES {
        if let Some(at) = text.find(canary) {
            let from = text[..at].char_indices().rev().nth(200).map_or(0, |(start, _)| start);
            panic!("{place} holds the token: …{}", &text[from..(at + 20).min(text.len())]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fifth_of_faults_changes_nothing_but_the_number_of_requests() {
    let spoken = Captured::default();
    let writer = spoken.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::TRACE);
    subscriber.with_ansi(false).with_writer(move || writer.clone()).init();

    let sound = FaultyService::start(0).await;
    let expected = run(&api(&sound.base, Arc::default(), false)).await;
    assert!(sound.log.lock().unwrap().questions.values().all(|&replies| replies == (1, 1)));

    let faulty = FaultyService::start(20).await;
    let store = Arc::new(MemoryStore::default());
    let client = api(&faulty.base, store.clone(), false);
    assert_same(&run(&client).await, &expected);

    let (n_replies, faults) = {
        let log = faulty.log.lock().unwrap();
        assert_eq!(log.questions.len() as u64, 1_000 * thousands());
        for (question, (_, sound_replies)) in &log.questions {
            assert_eq!(*sound_replies, 1, "{question} was answered and asked for again");
        }
        (log.questions.values().map(|(replies, _)| u64::from(*replies)).sum::<u64>(), log.faults.clone())
    };
    assert!(faults.len() >= 16 && faults.values().sum::<u32>() - faults["sound"] > 150, "{faults:?}");
    let usage = client.usage();
    assert_eq!(usage.requests_sent(), n_replies, "{usage:?}");
    eprintln!("{n_replies} requests for {},000 questions; replies: {faults:?}", thousands());

    // The same client again asks nothing; so does an offline one without a token.
    assert_same(&run(&client).await, &expected);
    let replay = api(&faulty.base, store.clone(), true);
    assert_same(&run(&replay).await, &expected);
    assert_eq!((client.usage().requests_sent(), replay.usage().requests_sent()), (n_replies, 0));

    let spoken = String::from_utf8_lossy(&spoken.0.lock().unwrap()).into_owned();
    assert!(spoken.contains("polite_http::client: asked") && spoken.contains("hyper_util"), "the log was captured");
    assert_no_canary("the log", &spoken);
    assert_no_canary("the usage", &format!("{usage:?}"));
    for (key, answer) in store.answers() {
        assert_no_canary("a key", key.as_str());
        assert_no_canary("a stored answer", &format!("{answer:?} {}", String::from_utf8_lossy(&answer.body)));
    }
}
