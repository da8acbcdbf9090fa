//! A client is killed again and again in the middle of its work, over real sockets and with a tenth of faulty replies.
//! In the end it knows all answers, no answer that it had acknowledged was asked for again, and the number of requests
//! is what questions, faults and kills explain.

#![expect(clippy::unwrap_used, reason = "the whole file is a test")]
#![expect(clippy::print_stdout, reason = "the child tells its parent what it has kept")]

use polite_http::{
    Auth, Cancel, Class, Client, ClientSettings, QuotaSettings, Reading, Reply, Request, RequestLimit,
    ReqwestTransport, RetryPolicy, StoreUse, SystemClock, WireLimits,
};
use response_store::ResponseStore;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;
use url::Url;

const QUESTIONS: u32 = 400;
const AT_ONCE: usize = 4;
const CHILD: &str = "RESPONSE_STORE_TEST_CLIENT";

fn client(folder: &Path, offline: bool) -> Client {
    let quota = QuotaSettings {
        name: "all",
        per_minute: None,
        per_day: Some(1_000_000),
        at_once: AT_ONCE,
        first_hold: Duration::from_millis(10),
        longest_hold: Duration::from_millis(50),
    };
    let settings = ClientSettings {
        quotas: vec![quota],
        retry: RetryPolicy::for_loopback(),
        freshness: |_| Duration::from_hours(24),
        offline,
        refresh: false,
        max_requests: RequestLimit::default(),
        cancel: Cancel::default(),
    };
    let transport = ReqwestTransport::new("test", WireLimits::default()).unwrap();
    let store = ResponseStore::open(folder).unwrap();
    Client::new(settings, Arc::new(transport), Some(Arc::new(store)), Arc::new(SystemClock::default()))
}

fn classify(reply: &Reply) -> Reading {
    Reading::new(match reply.status {
        200 => Class::Answer { kind: "answer" },
        429 => Class::Throttled { wait: None },
        _ => Class::Transient,
    })
}

async fn ask(client: Client, base: Url, number: u32) -> Vec<u8> {
    let request = Request {
        url: base.join(&format!("q/{number}")).unwrap(),
        auth: Auth::None,
        endpoint: "questions",
        quota: "all",
        largest_body: 10_000,
        divisible: false,
        confirm_open_end: false,
        most_tries: u32::MAX,
        store_use: StoreUse::Normal,
    };
    client.fetch(&request, &classify).await.unwrap().body.to_vec()
}

/// The child: asks everything, says of each answer that it is kept.
async fn work(base: &str, folder: &Path) {
    let (client, base) = (client(folder, false), Url::parse(base).unwrap());
    let mut running = JoinSet::new();
    for number in 0..QUESTIONS {
        if running.len() >= AT_ONCE {
            println!("\nkept {}", running.join_next().await.unwrap().unwrap());
        }
        let (client, base) = (client.clone(), base.clone());
        running.spawn(async move {
            assert_eq!(ask(client, base, number).await, answer_to(number));
            number
        });
    }
    while let Some(joined) = running.join_next().await {
        println!("\nkept {}", joined.unwrap());
    }
    println!("\nkept all");
}

fn answer_to(number: u32) -> Vec<u8> {
    format!("answer {number};").repeat(20 + number as usize % 50).into_bytes()
}

/// Requests by question, and how many replies were faulty.
#[derive(Default)]
struct Log {
    asked: BTreeMap<u32, u32>,
    faults: u64,
}

fn serve(mut socket: TcpStream, log: &Mutex<Log>) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut buffer = [0; 2048];
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        match socket.read(&mut buffer)? {
            0 => return Ok(()),
            n => head.extend_from_slice(&buffer[..n]),
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let number: u32 = head.split(['/', ' ']).nth(3).unwrap().parse().unwrap();
    let mut log = log.lock().unwrap();
    *log.asked.entry(number).or_default() += 1;
    let n_asked = log.asked[&number];
    let fault = (number * 7 + n_asked * 3).is_multiple_of(10);
    log.faults += u64::from(fault);
    drop(log);
    std::thread::sleep(Duration::from_millis(3)); // 300 ms for all: the first kills come before that
    let body = answer_to(number);
    let status = if fault { [500, 429, 502][number as usize % 3] } else { 200 };
    write!(socket, "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len())?;
    socket.write_all(&body)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_clients_ask_nothing_again_that_they_had_kept() {
    if let Ok(task) = std::env::var(CHILD) {
        let (base, folder) = task.split_once('=').unwrap();
        return work(base, Path::new(folder)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    let log = Arc::new(Mutex::new(Log::default()));
    let shared = log.clone();
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let log = shared.clone();
            std::thread::spawn(move || serve(socket, &log));
        }
    });

    let mut kept: BTreeSet<u32> = BTreeSet::new();
    let (mut kills, mut is_done) = (0_u64, false);
    while !is_done {
        assert!(kills < 200, "it never ends: {} kept", kept.len());
        let before = log.lock().unwrap().asked.clone();
        let kept_before = kept.clone();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["killed_clients_ask_nothing_again_that_they_had_kept", "--exact", "--nocapture"])
            .env(CHILD, format!("{base}={}", folder.path().display()))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let reader = std::thread::spawn(move || lines.lines().map_while(Result::ok).collect::<Vec<_>>());
        std::thread::sleep(Duration::from_millis(60 + kills * 15));
        child.kill().unwrap(); // has no effect on one that has ended
        child.wait().unwrap();
        for line in reader.join().unwrap() {
            match line.strip_prefix("kept ") {
                Some("all") => is_done = true,
                Some(number) => drop(kept.insert(number.parse().unwrap())),
                None => {}
            }
        }
        kills += u64::from(!is_done);
        let after = log.lock().unwrap().asked.clone();
        for number in &kept_before {
            assert_eq!(after.get(number), before.get(number), "{number} was kept and asked for again");
        }
    }
    let (asked, faults) = {
        let log = log.lock().unwrap();
        (log.asked.values().map(|&times| u64::from(times)).sum::<u64>(), log.faults)
    };
    eprintln!("{QUESTIONS} questions, {faults} faults, {kills} kills: {asked} requests");
    assert!(kills >= 3 && faults > 20, "{kills} kills, {faults} faults");
    assert!(asked <= u64::from(QUESTIONS) + faults + kills * AT_ONCE as u64, "{asked} requests");

    let replay = client(folder.path(), true);
    for number in 0..QUESTIONS {
        assert_eq!(ask(replay.clone(), Url::parse(&base).unwrap(), number).await, answer_to(number));
    }
    assert_eq!((replay.usage().sent(), replay.usage().saved()), (0, u64::from(QUESTIONS)));
    // The ledger counted each request that a live client sent, and at most those of the killed ones beside.
    let counted = client(folder.path(), true).spent_today("all").unwrap();
    assert!(counted >= asked && counted <= asked + kills * AT_ONCE as u64, "{counted} counted, {asked} sent");
}
