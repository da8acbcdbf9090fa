//! The API over a service in memory: what is asked, how often, and what becomes of strange answers.

use super::*;
use crate::{ErrorKind, base_url, entity_json};
use capture_model::{Evidence, ImageId, SequenceId};
use polite_http::{MemoryStore, Reply, ReplyFuture, Secret, TransportFault, WireRequest};
use std::sync::Mutex;
use tile_cover::Zoom;

mod one_bad_member;

const TOKEN: &str = "MLY|4223665974375089|c0ffee00c0ffee00c0ffee00c0ffee00";
const CORE: &str = "c0ffee00c0ffee00";

type Handler = dyn Fn(&WireRequest) -> Result<Reply, TransportFault> + Send + Sync;

/// A service that is one function; keeps what it was asked, as `path?query` decoded.
struct Service {
    answer: Box<Handler>,
    asked: Mutex<Vec<String>>,
}

impl Service {
    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Transport for Service {
    fn send<'a>(&'a self, request: &'a WireRequest) -> ReplyFuture<'a> {
        let pairs: Vec<_> = request.url.query_pairs().map(|(name, value)| format!("{name}={value}")).collect();
        let text = format!("{}?{}", request.url.path(), pairs.join("&")).replace(FIELDS, "FIELDS");
        self.asked.lock().unwrap().push(text);
        let result = (self.answer)(request);
        Box::pin(async move { result })
    }
}

struct World {
    api: Api,
    service: Arc<Service>,
    store: Arc<MemoryStore>,
}

fn settings() -> ApiSettings {
    ApiSettings {
        graph_url: base_url("http://127.0.0.1:1").unwrap(),
        tiles_url: base_url("http://127.0.0.1:1/t/").unwrap(),
        token: Some(Secret::new(TOKEN)),
        ..ApiSettings::default()
    }
}

fn world(answer: impl Fn(&WireRequest) -> Result<Reply, TransportFault> + Send + Sync + 'static) -> World {
    let service = Arc::new(Service { answer: Box::new(answer), asked: Mutex::default() });
    let store = Arc::new(MemoryStore::default());
    let clock = Arc::new(SystemClock::default());
    let api = Api::over(settings(), Some(store.clone()), service.clone(), clock).unwrap();
    World { api, service, store }
}

#[expect(clippy::unnecessary_wraps, reason = "what a transport returns")]
fn reply(status: u16, body: impl Into<Vec<u8>>) -> Result<Reply, TransportFault> {
    Ok(Reply { status, body: body.into(), ..Reply::default() })
}

fn asked_for(request: &WireRequest, name: &str) -> Option<String> {
    request.url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// An image of `sequence` whose capture time is its id in seconds.
fn image(id: u64, sequence: &str) -> PublishedImage {
    PublishedImage {
        sequence: Some(SequenceId::new(sequence)),
        captured_at: Some(CapturedAt::from_epoch_ms(id as i64 * 1_000)),
        ..PublishedImage::bare(ImageId(id), Evidence::Entity)
    }
}

fn page(images: impl IntoIterator<Item = PublishedImage>, next: Option<&str>) -> Vec<u8> {
    let data: Vec<_> = images.into_iter().map(|image| entity_json(&image)).collect();
    let mut page = serde_json::json!({ "data": data });
    if let Some(next) = next {
        page["paging"] = serde_json::json!({ "next": next, "cursors": { "after": "x" } });
    }
    page.to_string().into_bytes()
}

fn keys(names: &[&str]) -> Vec<SequenceId> {
    names.iter().map(|name| SequenceId::new(name)).collect()
}

fn ids(images: &[PublishedImage]) -> Vec<u64> {
    images.iter().map(|image| image.id.0).collect()
}

const TOO_MUCH: &str = r#"{"error":{"code":1,"message":"Please reduce the amount of data you're asking for"}}"#;

fn tile(x: u32) -> Tile {
    Tile { zoom: Zoom::COVERAGE, x, y: 5_448 }
}

#[tokio::test(start_paused = true)]
async fn tiles_carry_the_token_in_the_query_and_graph_in_the_header() {
    let world = world(|request| {
        if let Some(token) = asked_for(request, "access_token") {
            assert_eq!((token.as_str(), request.authorization.is_none()), (TOKEN, true));
            return reply(200, [0x1a, 0]);
        }
        let (scheme, token) = request.authorization.as_ref().unwrap();
        assert_eq!((*scheme, token.expose()), ("OAuth", TOKEN));
        reply(200, page([image(1, "a")], None))
    });
    let answer = world.api.coverage_tile(tile(8_188), Tileset::Original).await.unwrap();
    assert_eq!((answer.bytes.as_slice(), answer.is_stored), ([0x1a, 0].as_slice(), false));
    world.api.coverage_tile(tile(8_188), Tileset::Computed).await.unwrap();
    assert!(world.api.coverage_tile(tile(8_188), Tileset::Original).await.unwrap().is_stored);
    assert_eq!(world.api.image_ids(&SequenceId::new("a")).await.unwrap(), [ImageId(1)]);
    assert_eq!(
        world.service.asked(),
        [
            format!("/t/maps/vtp/mly1_public/2/14/8188/5448?access_token={TOKEN}"),
            format!("/t/maps/vtp/mly1_computed_public/2/14/8188/5448?access_token={TOKEN}"),
            "/image_ids?sequence_id=a".to_owned(),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_tile_that_may_have_been_cut_needs_a_second_voice() {
    let count = AtomicU64::new(0);
    let world = world(move |_| {
        // Cut between two layers, and nothing says where the body should end.
        let body = if count.fetch_add(1, Ordering::Relaxed) == 0 { vec![0x1a, 0] } else { vec![0x1a, 0, 0x1a, 0] };
        Ok(Reply { status: 200, body, open_ended: true, ..Reply::default() })
    });
    assert_eq!(world.api.coverage_tile(tile(1), Tileset::Original).await.unwrap().bytes.len(), 4);
    assert_eq!(world.service.asked().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_single_sequence_names_its_images() {
    let world = world(|_| reply(200, r#"{"data":[{"id":"1"},{"id":"2","sequence":"s"}]}"#));
    let images = world.api.images_of_sequences(&keys(&["s"])).await.unwrap().whole().unwrap();
    assert!(images.iter().all(|image| image.sequence == Some(SequenceId::new("s"))), "{images:?}");
}

#[tokio::test(start_paused = true)]
async fn an_empty_tile_is_confirmed_once() {
    let world = world(|_| reply(404, "not found"));
    for _ in 0..2 {
        assert!(world.api.coverage_tile(tile(1), Tileset::Original).await.unwrap().is_empty());
        assert!(world.api.confirm_empty_tile(tile(1), Tileset::Original).await.unwrap().is_empty());
    }
    assert_eq!(world.service.asked().len(), 2, "asked, asked again, then known");
}

#[tokio::test(start_paused = true)]
async fn sequences_are_asked_for_in_batches() {
    let world = world(|request| {
        let keys = asked_for(request, "sequence_ids").unwrap();
        reply(200, page(keys.split(',').map(|key| image(key[1..].parse().unwrap(), key)), None))
    });
    let names: Vec<_> = (0..45).map(|number| format!("s{number}")).collect();
    let mut wanted: Vec<_> = names.iter().map(|name| SequenceId::new(name)).collect();
    wanted.extend(keys(&["s3", "../../etc/passwd", "a,b", ""]));
    let images = world.api.images_of_sequences(&wanted).await.unwrap().whole().unwrap();
    assert_eq!(ids(&images), (0..45).collect::<Vec<_>>());
    let asked = world.service.asked();
    assert_eq!(asked.len(), 3);
    assert_eq!(asked[2], "/images?sequence_ids=s40,s41,s42,s43,s44&fields=FIELDS");
    assert_eq!(world.api.images_of_sequences(&[]).await.unwrap().whole().unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn too_much_is_halved_and_at_last_asked_by_id() {
    // At most 3 sequences at once; "long" is always too much.
    let world = world(|request| {
        if let Some(key) = asked_for(request, "sequence_id") {
            return reply(200, page((1_000..1_300).map(|id| image(id, &key)), None));
        }
        if let Some(list) = asked_for(request, "image_ids") {
            return reply(200, page(list.split(',').rev().map(|id| image(id.parse().unwrap(), "long")), None));
        }
        let keys = asked_for(request, "sequence_ids").unwrap();
        let keys: Vec<_> = keys.split(',').collect();
        if keys.len() > 3 || keys.contains(&"long") {
            return reply(500, TOO_MUCH);
        }
        reply(200, page(keys.iter().map(|key| image(u64::from(key.as_bytes()[0]), key)), None))
    });
    let wanted = keys(&["a", "b", "c", "d", "e", "long"]);
    let images = world.api.images_of_sequences(&wanted).await.unwrap().whole().unwrap();
    assert_eq!(images.len(), 5 + 300);
    let n_asked = world.service.asked().len();
    // six, three + three, one (d) + two, e + long; ids, two batches by id.
    assert_eq!(n_asked, 1 + 2 + 2 + 2 + 1 + 2, "{:#?}", world.service.asked());
    let again = world.api.images_of_sequences(&wanted).await.unwrap().whole().unwrap();
    assert_eq!((again, world.service.asked().len()), (images, n_asked), "what was too much is remembered");
}

#[tokio::test(start_paused = true)]
async fn a_full_page_without_a_next_is_only_a_part() {
    let world = world(|request| {
        if let Some(list) = asked_for(request, "image_ids") {
            return reply(200, page(list.split(',').map(|id| image(id.parse().unwrap(), "s")), None));
        }
        if asked_for(request, "sequence_id").is_some() {
            return reply(200, page((0..2_300).map(|id| image(id, "s")), None));
        }
        reply(200, page((0..2_000).map(|id| image(id, "s")), None))
    });
    let images = world.api.images_of_sequences(&keys(&["s"])).await.unwrap().whole().unwrap();
    assert_eq!(images.len(), 2_300);
    assert_eq!(world.service.asked().len(), 1 + 1 + 12);
}

#[tokio::test(start_paused = true)]
async fn images_by_id_come_in_any_order_and_some_not_at_all() {
    let world = world(|request| {
        let list = asked_for(request, "image_ids").unwrap();
        let known = list.split(',').map(|id| id.parse().unwrap()).filter(|id| id % 7 != 0);
        reply(200, page(known.map(|id: u64| image(id, "s")).collect::<Vec<_>>().into_iter().rev(), None))
    });
    let wanted: Vec<_> = (1..=400).chain([3, 4]).map(ImageId).collect();
    let images = world.api.images_by_ids(&wanted).await.unwrap().whole().unwrap();
    assert_eq!(images.len(), 400 - 400 / 7);
    assert_eq!(world.service.asked().len(), 2, "nothing is asked for twice");
}

#[tokio::test(start_paused = true)]
async fn a_user_is_read_page_by_page_without_the_token_of_the_link() {
    let next = format!("https://evil.example/images?access_token={}&limit=5&after=CURSOR2", TOKEN.replace('|', "%7C"));
    let world = world(move |request| match asked_for(request, "after").as_deref() {
        None => reply(200, page((10..20).map(|id| image(id, "s")), Some(&next))),
        Some("CURSOR2") => reply(200, page((15..25).map(|id| image(id, "s")), None)),
        other => panic!("{other:?}"),
    });
    let window = TimeWindow { start: CapturedAt::from_epoch_ms(12_000), end: CapturedAt::from_epoch_ms(22_000) };
    let images = world.api.images_of_user("some one&x=y", window).await.unwrap();
    assert_eq!(ids(&images), (12..=22).collect::<Vec<_>>(), "both ends, nothing twice, nothing outside");
    let first = "/images?creator_username=some one&x=y&start_captured_at=1970-01-01T00:00:12Z\
                 &end_captured_at=1970-01-01T00:00:23Z&limit=2000&fields=FIELDS";
    assert_eq!(world.service.asked(), [first.to_owned(), format!("{first}&after=CURSOR2")]);
    for (key, stored) in world.store.answers() {
        let text = format!("{} {}", key.as_str(), String::from_utf8_lossy(&stored.body));
        assert!(!text.contains(CORE), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_window_without_pages_is_halved_until_it_is_complete() {
    // 5,000 images at one a second; the service gives the first `limit` of the window, and never a next page.
    let seconds = |text: Option<String>| {
        let text = text.unwrap();
        let parts: Vec<u64> = text[11..19].split(':').map(|part| part.parse().unwrap()).collect();
        parts[0] * 3_600 + parts[1] * 60 + parts[2]
    };
    let world = world(move |request| {
        let from = seconds(asked_for(request, "start_captured_at"));
        let to = seconds(asked_for(request, "end_captured_at"));
        let limit: usize = asked_for(request, "limit").unwrap().parse().unwrap();
        if limit > 500 {
            return reply(500, TOO_MUCH);
        }
        reply(200, page((from.max(1)..=to.min(5_000)).take(limit).map(|id| image(id, "s")), None))
    });
    let window = TimeWindow { start: CapturedAt::from_epoch_ms(0), end: CapturedAt::from_epoch_ms(6_000_000) };
    let images = world.api.images_of_user("u", window).await.unwrap();
    let mut found = ids(&images);
    found.sort_unstable();
    assert_eq!(found, (1..=5_000).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn endless_pages_are_noticed() {
    #[track_caller]
    fn check(case: &str, error: &ApiError, what: &str) {
        assert_eq!(error.kind(), ErrorKind::NoSense, "{case}");
        assert!(error.to_string().contains(what), "{case}: {error}");
    }
    let window = TimeWindow { start: CapturedAt::from_epoch_ms(0), end: CapturedAt::from_epoch_ms(i64::MAX / 4) };
    let circle = world(|request| {
        let next = |after| format!("http://127.0.0.1:1/images?after={after}");
        match asked_for(request, "after").as_deref() {
            None => reply(200, page([image(1, "s")], Some(&next("a")))),
            Some("a") => reply(200, page([image(2, "s")], Some(&next("b")))),
            _ => reply(200, page([image(3, "s")], Some(&next("a")))),
        }
    });
    check("a circle", &circle.api.images_of_user("u", window).await.unwrap_err(), "lead in a circle");
    assert_eq!(circle.service.asked().len(), 3);
    let repeating = world(|request| {
        let number: u32 = asked_for(request, "after").map_or(0, |after| after.parse().unwrap());
        reply(200, page([image(1, "s")], Some(&format!("http://x/?after={}", number + 1))))
    });
    check("repeated pages", &repeating.api.images_of_user("u", window).await.unwrap_err(), "repeat themselves");
    let empty = world(|request| {
        let number: u32 = asked_for(request, "after").map_or(0, |after| after.parse().unwrap());
        reply(200, page([], Some(&format!("http://x/?after={}", number + 1))))
    });
    check("nothing but empty pages", &empty.api.images_of_user("u", window).await.unwrap_err(), "repeat themselves");
    assert_eq!(empty.service.asked().len(), 21);
    for next in ["not a url", "http://x/?access_token=1", "http://x/", "http://x/?a/b=1"] {
        let nowhere = world(move |_| reply(200, page([image(1, "s")], Some(next))));
        check(next, &nowhere.api.images_of_user("u", window).await.unwrap_err(), "lead nowhere");
    }
}

#[tokio::test(start_paused = true)]
async fn foreign_data_is_asked_for_again() {
    let count = AtomicU64::new(0);
    let world = world(move |_| match count.fetch_add(1, Ordering::Relaxed) {
        0 => reply(200, page([image(1, "other")], None)),
        1 => reply(200, "{}"),
        2 => reply(200, "<html>"),
        _ => reply(200, page([image(1, "s")], None)),
    });
    assert_eq!(ids(&world.api.images_of_sequences(&keys(&["s"])).await.unwrap().whole().unwrap()), [1]);
    assert_eq!(world.api.usage().requests["images_by_sequence"], [("images", 1), ("nonsense", 3)].into());
}

#[tokio::test(start_paused = true)]
async fn a_hostile_element_is_counted_and_left_out() {
    let world = world(|_| reply(200, r#"{"data":[{"id":"1"},{"id":"../../etc/passwd"},{"id":-2},{},{"id":1e30}]}"#));
    assert_eq!(ids(&world.api.images_of_sequences(&keys(&["s"])).await.unwrap().whole().unwrap()), [1]);
    assert_eq!(world.api.usage().bad_entities, 4);
}

#[tokio::test(start_paused = true)]
async fn each_failure_has_its_kind() {
    let envelope = |code: i64, message: &str| format!("{{\"error\":{{\"code\":{code},\"message\":\"{message}\"}}}}");
    for (case, status, body, expected) in [
        ("no token", 500, envelope(190, "x"), ErrorKind::TokenRefused),
        ("may not", 403, envelope(10, "x"), ErrorKind::TokenRefused),
        ("blocked", 400, envelope(368, "x"), ErrorKind::Blocked),
        ("limit", 403, envelope(4, "x"), ErrorKind::Quota),
        ("gone", 400, r#"{"error":{"code":100,"error_subcode":33}}"#.to_owned(), ErrorKind::NotFound),
        ("a bad parameter", 400, envelope(100, "x"), ErrorKind::Refused),
        ("down", 503, String::new(), ErrorKind::Connection),
        ("nonsense", 200, "<html>".to_owned(), ErrorKind::NoSense),
    ] {
        let world = world(move |_| reply(status, body.clone()));
        let error = world.api.image_ids(&SequenceId::new("s")).await.unwrap_err();
        assert_eq!(error.kind(), expected, "{case}: {error}");
    }
    for (fault, expected) in [
        (TransportFault::Unreachable("refused".into()), ErrorKind::Connection),
        (TransportFault::Broken("reset".into()), ErrorKind::Connection),
        (TransportFault::Timeout("slow".into()), ErrorKind::Timeout),
        (TransportFault::TooLarge { cap: 1 }, ErrorKind::TooMuchData),
    ] {
        let world = world(move |_| Err(fault.clone()));
        let error = world.api.image_ids(&SequenceId::new("s")).await.unwrap_err();
        assert_eq!(error.kind(), expected, "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn settings_decide_who_asks() {
    let service = || Arc::new(Service { answer: Box::new(|_| reply(200, page([], None))), asked: Mutex::default() });
    let build = |settings| Api::over(settings, None, service(), Arc::new(SystemClock::default()));
    let kind = async |settings| build(settings).unwrap().image_ids(&SequenceId::new("s")).await.unwrap_err().kind();
    assert_eq!(kind(ApiSettings { token: None, ..settings() }).await, ErrorKind::TokenMissing);
    assert_eq!(kind(ApiSettings { offline: true, ..settings() }).await, ErrorKind::OfflineMiss);
    assert_eq!(
        kind(ApiSettings { max_requests: polite_http::RequestLimit::of(0), ..settings() }).await,
        ErrorKind::Quota
    );
    let bad_token = ApiSettings { token: Some(Secret::new("a b")), ..settings() };
    assert!(build(ApiSettings { offline: true, ..bad_token.clone() }).is_ok(), "offline no token is needed");
    assert_eq!(build(bad_token).err().unwrap(), ApiError::TokenMalformed);
    assert_eq!(ApiError::TokenMalformed.kind(), ErrorKind::TokenRefused);
    let plain = ApiSettings { tiles_url: Url::parse("http://tiles.example").unwrap(), ..settings() };
    assert_eq!(build(plain).err().unwrap().kind(), ErrorKind::Usage);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_tried_with_one_question_that_leaves_no_trace() {
    let world = world(|_| reply(200, page([image(1, "s"), image(2, "s")], None)));
    assert_eq!((world.api.try_token().await, world.api.try_token().await), (Ok(2), Ok(2)));
    assert_eq!((world.service.asked().len(), world.store.answers().len()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn images_that_a_list_of_ids_smuggled_in_are_left_out() {
    let world = world(|request| match asked_for(request, "image_ids") {
        Some(_) => reply(200, page([image(1, "long"), image(2, "foreign")], None)),
        None if asked_for(request, "sequence_id").is_some() => reply(200, r#"{"data":[{"id":"1"},{"id":"2"}]}"#),
        None => reply(500, TOO_MUCH),
    });
    assert_eq!(ids(&world.api.images_of_sequences(&keys(&["long"])).await.unwrap().whole().unwrap()), [1]);
}

/// Every way in which a question can end, as people read it; each reply repeats the token.
#[tokio::test(start_paused = true)]
async fn errors_say_what_to_do_and_never_the_token() {
    let echo = format!("for {TOKEN} and {}", TOKEN.replace('|', "%7C"));
    let envelope = |code: i64| format!("{{\"error\":{{\"code\":{code},\"message\":\"no {echo}\"}}}}");
    let mut texts = Vec::new();
    for (status, body) in [
        (500, envelope(190)),
        (403, envelope(10)),
        (400, envelope(368)),
        (403, envelope(4)),
        (400, r#"{"error":{"code":100,"error_subcode":33,"message":"gone"}}"#.to_owned()),
        (400, envelope(100)),
        (503, echo.clone()),
        (200, format!("<html>{echo}")),
        (302, echo.clone()),
        (500, TOO_MUCH.to_owned()),
    ] {
        let world = world(move |_| {
            let headers = vec![("location".to_owned(), format!("https://x/?access_token={TOKEN}"))];
            Ok(Reply { status, headers, body: body.clone().into_bytes(), open_ended: false })
        });
        let ids = world.api.image_ids(&SequenceId::new("s")).await.unwrap_err();
        let user = TimeWindow { start: CapturedAt::from_epoch_ms(0), end: CapturedAt::from_epoch_ms(9) };
        let user = world.api.images_of_user("u", user).await.unwrap_err();
        let tile = world.api.coverage_tile(tile(1), Tileset::Original).await.unwrap_err();
        for error in [&ids, &user, &tile] {
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains(CORE) && !shown.contains("4223665974375089"), "{shown}");
        }
        texts.push(format!("{:?}: {ids}", ids.kind()));
    }
    for fault in [
        TransportFault::Unreachable("connection refused".into()),
        TransportFault::Broken("connection reset".into()),
        TransportFault::Timeout("operation timed out".into()),
        TransportFault::TooLarge { cap: 64 },
        TransportFault::Forbidden,
    ] {
        let world = world(move |_| Err(fault.clone()));
        let error = world.api.image_ids(&SequenceId::new("s")).await.unwrap_err();
        texts.push(format!("{:?}: {error}", error.kind()));
    }
    insta::assert_snapshot!(texts.join("\n"), @r#"
    TokenRefused: http://127.0.0.1:1/image_ids?sequence_id=s refused the access token (HTTP 500, code 190: no for REDACTED and REDACTED); create a client token on https://www.mapillary.com/dashboard/developers and set MAPILLARY_ACCESS_TOKEN
    TokenRefused: http://127.0.0.1:1/image_ids?sequence_id=s: the access token may not read this (HTTP 403, code 10: no for REDACTED and REDACTED); grant `read` to its application on https://www.mapillary.com/dashboard/developers
    Blocked: http://127.0.0.1:1/image_ids?sequence_id=s: the service has blocked this address or application (HTTP 400, code 368: no for REDACTED and REDACTED); stop for some hours, sign in on mapillary.com with a browser, then run the same command again
    Quota: http://127.0.0.1:1/image_ids?sequence_id=s still asks for fewer requests after 20 pauses (HTTP 403, code 4: no for REDACTED and REDACTED); what was fetched is kept, so run the same command again later
    NotFound: http://127.0.0.1:1/image_ids?sequence_id=s: not found, or not visible with this token (HTTP 400, code 100: gone)
    Refused: http://127.0.0.1:1/image_ids?sequence_id=s was refused: HTTP 400, code 100: no for REDACTED and REDACTED; the same question would be refused again, so look for a newer release of this program
    Connection: http://127.0.0.1:1/image_ids?sequence_id=s failed 8 times, at last with HTTP 503, a body that begins with "for REDACTED and REDACTED"; what was fetched is kept, so run the same command again later
    NoSense: http://127.0.0.1:1/image_ids?sequence_id=s answered 4 times with something else: a body that begins with "<html>for REDACTED and REDACTED"; a proxy or a login page may stand between here and the service: check the connection, then run the same command again
    Quota: http://127.0.0.1:1/image_ids?sequence_id=s still asks for fewer requests after 20 pauses (HTTP 302, a body that begins with "for REDACTED and REDACTED"); what was fetched is kept, so run the same command again later
    TooMuchData: http://127.0.0.1:1/image_ids?sequence_id=s asks for more than the service gives at once: HTTP 500, code 1: Please reduce the amount of data you're asking for; run the same command again later
    Connection: http://127.0.0.1:1/image_ids?sequence_id=s cannot be reached (connection refused; 5 tries); check the connection, then run the same command again
    Connection: http://127.0.0.1:1/image_ids?sequence_id=s failed 8 times, at last with connection reset; what was fetched is kept, so run the same command again later
    Timeout: http://127.0.0.1:1/image_ids?sequence_id=s did not answer in time (operation timed out; 4 tries); what was fetched is kept, so run the same command again
    TooMuchData: http://127.0.0.1:1/image_ids?sequence_id=s asks for more than the service gives at once: the answer is longer than 64 bytes; run the same command again later
    Refused: http://127.0.0.1:1/image_ids?sequence_id=s was refused: the URL or the token cannot be sent; the same question would be refused again, so look for a newer release of this program
    "#);
}

#[test]
fn a_question_that_waits_for_its_turn_is_small() {
    let world = world(|_| reply(200, ""));
    let (key, window) =
        (SequenceId::new("s"), TimeWindow { start: CapturedAt::from_epoch_ms(0), end: CapturedAt::from_epoch_ms(1) });
    let sizes = [
        std::mem::size_of_val(&world.api.coverage_tile(tile(1), Tileset::Original)),
        std::mem::size_of_val(&world.api.image_ids(&key)),
        std::mem::size_of_val(&world.api.images_by_ids(&[])),
        std::mem::size_of_val(&world.api.images_of_sequences(&[])),
        std::mem::size_of_val(&world.api.images_of_user("u", window)),
    ];
    assert!(sizes[0] <= 64 && sizes.iter().all(|&size| size <= 1_000), "{sizes:?} bytes");
}

#[test]
fn quotas_of_the_real_service_are_told() {
    let service = Arc::new(Service { answer: Box::new(|_| reply(200, "")), asked: Mutex::default() });
    let store = Arc::new(MemoryStore::default());
    let clock = Arc::new(SystemClock::default());
    let today = clock.epoch_ms().div_euclid(86_400_000);
    for _ in 0..3 {
        store.spend("tiles", today, None).unwrap();
    }
    let api = Api::over(ApiSettings::default(), Some(store), service, clock).unwrap();
    let quotas = api.quotas_today().unwrap();
    let told: Vec<_> = quotas.iter().map(|quota| (quota.name, quota.spent, quota.per_day, quota.per_minute)).collect();
    assert_eq!(
        told,
        [
            ("tiles", 3, Some(50_000), Some(60)),
            ("entities", 0, Some(200_000), Some(600)),
            ("searches", 0, Some(100_000), Some(300))
        ]
    );
}
