//! The client over a transport in memory: a script of replies, a paused clock, counted requests.

use super::*;
use crate::{Reply, ReplyFuture, Secret, TransportFault};
use std::collections::VecDeque;
use std::time::SystemTime;
use url::Url;

const TOKEN: &str = "MLY|4223665974375089|c0ffee00c0ffee00c0ffee00c0ffee00";

mod limits;

type Scripted = Result<Reply, TransportFault>;

/// Answers with a script, then with the last entry for ever; keeps what it was asked.
#[derive(Default)]
struct Script {
    replies: Mutex<VecDeque<Scripted>>,
    asked: Mutex<Vec<(String, tokio::time::Instant)>>,
    takes: Duration,
}

impl Script {
    fn of(replies: Vec<Scripted>) -> Arc<Self> {
        Arc::new(Self { replies: Mutex::new(replies.into()), ..Self::default() })
    }

    fn n_asked(&self) -> usize {
        locked(&self.asked).len()
    }
}

impl Transport for Script {
    fn send<'a>(&'a self, request: &'a WireRequest) -> ReplyFuture<'a> {
        Box::pin(async move {
            locked(&self.asked).push((request.url.to_string(), tokio::time::Instant::now()));
            tokio::time::sleep(self.takes).await;
            let mut replies = locked(&self.replies);
            if replies.len() > 1 { replies.pop_front().unwrap() } else { replies[0].clone() }
        })
    }
}

/// A calendar that runs with tokio's (paused) clock from a given moment on.
struct TestClock(i64, tokio::time::Instant);

impl TestClock {
    fn from_ms(ms: i64) -> Arc<Self> {
        Arc::new(Self(ms, tokio::time::Instant::now()))
    }
}

impl Clock for TestClock {
    fn epoch_ms(&self) -> i64 {
        self.0 + i64::try_from(self.1.elapsed().as_millis()).unwrap()
    }
    fn jitter(&self) -> f64 {
        1.0
    }
}

#[expect(clippy::unnecessary_wraps, reason = "an entry of a script")]
fn reply(status: u16, body: &str) -> Scripted {
    Ok(Reply { status, body: body.as_bytes().to_vec(), ..Reply::default() })
}

fn settings() -> ClientSettings {
    let quota = QuotaSettings {
        name: "tiles",
        per_minute: None,
        per_day: None,
        at_once: 8,
        first_hold: Duration::from_mins(1),
        longest_hold: Duration::from_mins(15),
    };
    ClientSettings {
        quotas: vec![quota],
        retry: RetryPolicy::default(),
        freshness: |kind| Duration::from_hours(if kind == "empty" { 1 } else { 24 }),
        offline: false,
        refresh: false,
        max_requests: RequestLimit::default(),
        cancel: Cancel::default(),
    }
}

fn request(path: &str) -> Request {
    Request {
        url: Url::parse("https://service.example/").unwrap().join(path).unwrap(),
        auth: Auth::Query { name: "access_token", token: Secret::new(TOKEN) },
        endpoint: "tile",
        quota: "tiles",
        largest_body: 1 << 20,
        divisible: false,
        confirm_open_end: false,
        most_tries: u32::MAX,
        store_use: StoreUse::Normal,
    }
}

/// 200 answers (empty bodies have their own kind), 429 throttles, 401 refuses, 500 is transient.
fn classify(reply: &Reply) -> Reading {
    let words = String::from_utf8_lossy(&reply.body).into_owned();
    let wait = reply.header("retry-after").and_then(|value| crate::retry_after(value, SystemTime::UNIX_EPOCH));
    let reading = Reading::new(match reply.status {
        200 if words == "nonsense" => Class::Nonsense,
        200 => Class::Answer { kind: if words.is_empty() { "empty" } else { "full" } },
        429 => Class::Throttled { wait },
        401 => Class::Refused(Refusal::Token),
        418 => Class::Refused(Refusal::Blocked),
        413 => Class::TooMuch,
        _ => Class::Transient,
    });
    let usage_percent = reply.header("x-app-usage").and_then(|value| value.parse().ok());
    Reading { usage_percent, ..reading }.with_detail(words)
}

struct World {
    client: Client,
    script: Arc<Script>,
    store: Arc<MemoryStore>,
}

fn world(settings: ClientSettings, replies: Vec<Scripted>) -> World {
    world_over(settings, Script::of(replies), Arc::default())
}

fn world_over(settings: ClientSettings, script: Arc<Script>, store: Arc<MemoryStore>) -> World {
    let clock = TestClock::from_ms(1_700_000_000_000);
    let client = Client::new(settings, script.clone(), Some(store.clone()), clock);
    World { client, script, store }
}

async fn fetch(world: &World, path: &str) -> Result<String, FetchError> {
    let answer = world.client.fetch(&request(path), &classify).await?;
    Ok(String::from_utf8(answer.body.to_vec()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_twice() {
    let world = world(settings(), vec![reply(200, "tile")]);
    assert_eq!(fetch(&world, "a?x=1&y=2").await.unwrap(), "tile");
    assert_eq!(fetch(&world, "a?y=2&x=1").await.unwrap(), "tile", "parameters in another order");
    assert_eq!(world.script.n_asked(), 1);
    assert_eq!((world.client.usage().sent(), world.client.usage().saved()), (1, 1));
    tokio::time::advance(Duration::from_hours(25)).await;
    fetch(&world, "a?x=1&y=2").await.unwrap();
    assert_eq!(world.script.n_asked(), 2, "a stale answer is renewed");
}

#[tokio::test(start_paused = true)]
async fn equal_questions_in_flight_are_asked_once() {
    let script = Arc::new(Script { takes: Duration::from_secs(1), ..Script::default() });
    locked(&script.replies).push_back(reply(200, "tile"));
    let world = world_over(settings(), script, Arc::default());
    let (a, b, c) = tokio::join!(fetch(&world, "a"), fetch(&world, "a"), fetch(&world, "b"));
    assert_eq!((a.unwrap(), b.unwrap(), c.unwrap()), ("tile".into(), "tile".into(), "tile".into()));
    assert_eq!((world.script.n_asked(), world.client.usage().shared), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_place_in_flight_outlives_who_took_it() {
    let script = Arc::new(Script { takes: Duration::from_secs(9), ..Script::default() });
    locked(&script.replies).push_back(reply(200, "tile"));
    let world = world_over(settings(), script, Arc::default());
    let first = tokio::time::timeout(Duration::from_secs(1), fetch(&world, "a"));
    let (first, second) = tokio::join!(first, fetch(&world, "a"));
    assert!(first.is_err(), "the first asker went away");
    assert_eq!(second.unwrap(), "tile");
    assert_eq!(fetch(&world, "a").await.unwrap(), "tile", "and the place is free again");
}

#[tokio::test(start_paused = true)]
async fn faults_are_tried_again_with_growing_waits() {
    let faults = vec![
        reply(500, "x"),
        Err(TransportFault::Broken("cut".into())),
        Err(TransportFault::Timeout("slow".into())),
        reply(200, "nonsense"),
        reply(200, "tile"),
    ];
    let world = world(settings(), faults);
    let started = tokio::time::Instant::now();
    assert_eq!(fetch(&world, "a").await.unwrap(), "tile");
    assert_eq!(started.elapsed(), Duration::from_secs(3), "0.2 + 0.4 + 0.8 + 1.6");
    let outcomes = world.client.usage().requests["tile"].clone();
    assert_eq!(outcomes, [("full", 1), ("nonsense", 1), ("timeout", 1), ("transient", 2)].into());

    let mad = world_over(settings(), Script::of(vec![reply(200, "nonsense")]), Arc::default());
    assert_eq!(
        fetch(&mad, "a").await.unwrap_err().to_string(),
        "https://service.example/a answered 4 times with something else: nonsense; a proxy or a login page may stand \
         between here and the service: check the connection, then run the same command again"
    );
    assert_eq!(mad.script.n_asked(), 4);
}

#[tokio::test(start_paused = true)]
async fn offline_asks_nothing_and_takes_any_age() {
    let online = world(settings(), vec![reply(200, "tile")]);
    fetch(&online, "a").await.unwrap();
    let offline = ClientSettings { offline: true, ..settings() };
    let replay = world_over(offline, Script::of(vec![reply(200, "never")]), online.store.clone());
    tokio::time::advance(Duration::from_hours(24 * 4_000)).await;
    assert_eq!(fetch(&replay, "a").await.unwrap(), "tile");
    let miss = fetch(&replay, "b").await.unwrap_err().to_string();
    assert_eq!(miss, "https://service.example/b is not in the store; run once without --offline");
    assert_eq!(replay.script.n_asked(), 0);
}

#[tokio::test(start_paused = true)]
async fn refresh_renews_each_answer_once() {
    let first = world(settings(), vec![reply(200, "old")]);
    fetch(&first, "a").await.unwrap();
    tokio::time::advance(Duration::from_secs(1)).await;
    let settings = ClientSettings { refresh: true, ..settings() };
    let script = Script::of(vec![reply(200, "new")]);
    let clock = TestClock::from_ms(1_700_000_001_000);
    let client = Client::new(settings, script.clone(), Some(first.store.clone()), clock);
    let second = World { client, script, store: first.store };
    assert_eq!(fetch(&second, "a").await.unwrap(), "new");
    assert_eq!(fetch(&second, "a").await.unwrap(), "new");
    assert_eq!(second.script.n_asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_poll_asks_each_round_anew_and_within_the_round_once() {
    let world = world(settings(), vec![reply(200, "first"), reply(200, "second")]);
    let poll = |round_ms| Request { store_use: StoreUse::Since(round_ms), ..request("a") };
    let ask = async |round_ms| world.client.fetch(&poll(round_ms), &classify).await.unwrap().body.to_vec();
    assert_eq!(ask(1_700_000_000_000).await, b"first");
    tokio::time::advance(Duration::from_mins(1)).await;
    assert_eq!(ask(1_700_000_000_000).await, b"first", "the same round, after a kill");
    assert_eq!(ask(1_700_000_060_000).await, b"second", "the next round");
    assert_eq!(world.script.n_asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_is_not_good_enough_is_asked_again() {
    let world = world(settings(), vec![reply(200, ""), reply(200, "tile")]);
    assert_eq!(fetch(&world, "a").await.unwrap(), "");
    let sceptical = Request { store_use: StoreUse::UnlessKind("empty"), ..request("a") };
    for _ in 0..2 {
        assert_eq!(*world.client.fetch(&sceptical, &classify).await.unwrap().body, b"tile");
    }
    assert_eq!(world.script.n_asked(), 2);
    let bypass = Request { store_use: StoreUse::Bypass, ..request("b") };
    world.client.fetch(&bypass, &classify).await.unwrap();
    assert_eq!(world.store.answers().len(), 1, "what bypasses the store is not kept");
}

#[tokio::test(start_paused = true)]
async fn a_body_without_a_known_end_needs_a_second_voice() {
    let open = |body: &str| Ok(Reply { open_ended: true, ..reply(200, body).unwrap() });
    let world = world(settings(), vec![open("til"), open("tile"), open("tile")]);
    let careful = Request { confirm_open_end: true, ..request("a") };
    assert_eq!(*world.client.fetch(&careful, &classify).await.unwrap().body, b"tile");
    assert_eq!(world.script.n_asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn without_a_token_only_the_store_answers() {
    let world = world(settings(), vec![reply(200, "tile")]);
    let bare = Request { auth: Auth::Missing, ..request("a") };
    assert!(matches!(world.client.fetch(&bare, &classify).await, Err(FetchError::NoToken { .. })));
    fetch(&world, "a").await.unwrap();
    assert_eq!(*world.client.fetch(&bare, &classify).await.unwrap().body, b"tile");
}

#[tokio::test(start_paused = true)]
async fn what_was_too_much_is_remembered() {
    let world = world(settings(), vec![reply(413, "reduce the amount of data")]);
    let big = Request { divisible: true, ..request("a") };
    for _ in 0..3 {
        let end = world.client.fetch(&big, &classify).await.unwrap_err();
        assert!(end.to_string().contains("reduce the amount of data"), "{end}");
        assert!(matches!(end, FetchError::TooMuch { .. }));
    }
    assert_eq!(world.script.n_asked(), 1);
    let slow = world_over(settings(), Script::of(vec![Err(TransportFault::Timeout("slow".into()))]), Arc::default());
    for _ in 0..3 {
        assert!(matches!(slow.client.fetch(&big, &classify).await, Err(FetchError::TooMuch { .. })));
    }
    assert_eq!(slow.script.n_asked(), 2, "a big question that times out twice is too much");
}

struct FullDisk;
impl Store for FullDisk {
    fn get(&self, _: &StoreKey) -> Result<Option<StoredAnswer>, crate::StoreError> {
        Ok(None)
    }
    fn put(&self, _: &StoreKey, _: &StoredAnswer) -> Result<(), crate::StoreError> {
        Err(crate::StoreError("the disk is full".into()))
    }
    fn spend(&self, _: &str, _: i64, _: Option<u64>) -> Result<bool, crate::StoreError> {
        Ok(true)
    }
    fn spend_if(&self, _: &str, _: i64, _: [u64; 2]) -> Result<bool, crate::StoreError> {
        Ok(true)
    }
    fn spent(&self, _: &str, _: i64) -> Result<u64, crate::StoreError> {
        Ok(0)
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_kept_is_not_used() {
    let script = Script::of(vec![reply(200, "tile")]);
    let client = Client::new(settings(), script, Some(Arc::new(FullDisk)), TestClock::from_ms(0));
    let end = client.fetch(&request("a"), &classify).await.unwrap_err();
    assert_eq!(end.to_string(), "the disk is full");
}

#[tokio::test(start_paused = true)]
async fn the_token_is_nowhere_but_on_the_wire() {
    let echo = format!("{{\"next\":\"https://x/?access_token={}\"}}", TOKEN.replace('|', "%7C"));
    let bad = reply(401, &format!("bad token {TOKEN}"));
    let world = world(settings(), vec![reply(200, &echo), bad]);
    let core = "c0ffee00c0ffee00";
    let answer = fetch(&world, "a").await.unwrap();
    assert!(answer.contains("REDACTED") && !answer.contains(core));
    let error = fetch(&world, "b").await.unwrap_err();
    assert!(error.to_string().contains("bad token REDACTED"), "{error}");
    for text in [error.to_string(), format!("{error:?}"), format!("{:?}", world.store), format!("{:?}", request("a"))] {
        assert!(!text.contains(core), "{text}");
    }
    assert!(locked(&world.script.asked).iter().all(|(url, _)| url.contains(core)), "the wire has it");
}

#[tokio::test(start_paused = true)]
async fn forbidden_places_are_not_asked() {
    let world = world(settings(), vec![reply(200, "tile")]);
    for url in ["http://169.254.169.254/", "http://service.example/", "ftp://127.0.0.1/", "file:///etc/passwd"] {
        let request = Request { url: Url::parse(url).unwrap(), ..request("a") };
        let end = world.client.fetch(&request, &classify).await;
        assert!(matches!(end, Err(FetchError::Forbidden { .. })), "{url}");
    }
    assert_eq!(world.script.n_asked(), 0);
}

#[test]
fn a_queued_question_is_small() {
    let world = world_now();
    let request = request("a");
    let queued = std::mem::size_of_val(&world.fetch(&request, &classify));
    assert!(queued <= 512, "{queued} bytes a question");
}

fn world_now() -> Client {
    let clock = Arc::new(crate::SystemClock::default());
    Client::new(settings(), Script::of(vec![]), None, clock)
}
