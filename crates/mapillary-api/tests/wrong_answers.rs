//! A service that answers wrongly in every way that we could think of: what becomes of each answer, over real sockets.
//!
//! Of every case it is also checked that few requests were sent, that all of them went to the service itself on a path that
//! was asked for, and that no other host heard anything.

#![expect(clippy::unwrap_used, reason = "the whole file is a test")]

use capture_model::{CapturedAt, ImageId, PublishedImage, SequenceId};
use mapillary_api::{Api, ApiError, ApiSettings, Found, Tileset, TimeWindow, base_url};
use polite_http::Secret;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tile_cover::Tile;

/// What is asked.
#[derive(Debug, Clone, Copy)]
enum Ask {
    /// Tile 14/1/2.
    Tile,
    /// The ids of sequence `s`.
    Ids,
    /// The images 1 and 2.
    Images,
    /// The images of sequence `s`.
    Sequence,
    /// The images of a user.
    User,
}

/// A case: what is asked, what is answered (each time), what comes of it.
type Case = (&'static str, Ask, Vec<u8>, &'static str);

fn raw(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status} X\r\n{headers}Connection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn ok(body: impl AsRef<[u8]>) -> Vec<u8> {
    raw(200, "", body.as_ref())
}

fn data(elements: &str) -> Vec<u8> {
    ok(format!("{{\"data\":[{elements}]}}"))
}

fn next(link: &str) -> Vec<u8> {
    ok(format!("{{\"data\":[{{\"id\":\"1\"}}],\"paging\":{{\"next\":{link}}}}}"))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn bomb(n_bytes: usize) -> Vec<u8> {
    raw(200, "Content-Encoding: gzip\r\n", &gzip(&vec![b' '; n_bytes]))
}

/// Ids, and numbers and texts that claim to be some.
fn ids() -> Vec<Case> {
    use Ask::Images;
    vec![
        ("another image", Images, data(r#"{"id":"3"}"#), "NoSense"),
        ("another image beside the right one", Images, data(r#"{"id":"1"},{"id":"99"}"#), "NoSense"),
        ("one image twice", Images, data(r#"{"id":"1"},{"id":"1"}"#), "images 1"),
        ("fewer than were asked for", Images, data(r#"{"id":"2"}"#), "images 2"),
        ("text and number mixed", Images, data(r#"{"id":"1"},{"id":2}"#), "images 1 2"),
        ("a path", Images, data(r#"{"id":"../../etc/passwd"},{"id":"1"}"#), "images 1"),
        ("an address", Images, data(r#"{"id":"http://169.254.169.254/"},{"id":"1"}"#), "images 1"),
        ("a header", Images, data(r#"{"id":"1\r\nHost: x"},{"id":"2"}"#), "images 2"),
        ("negative", Images, data(r#"{"id":-1},{"id":"1"}"#), "images 1"),
        ("10^30", Images, data(r#"{"id":1000000000000000000000000000000},{"id":"1"}"#), "images 1"),
        ("2^64", Images, data(r#"{"id":"18446744073709551616"},{"id":"1"}"#), "images 1"),
        ("a fraction", Images, data(r#"{"id":1.5},{"id":"1"}"#), "images 1"),
        ("an exponent", Images, data(r#"{"id":"1e0"},{"id":"2"}"#), "images 2"),
        ("zero", Images, data(r#"{"id":"0"},{"id":"1"}"#), "NoSense"),
        ("null", Images, data(r#"{"id":null},{"id":"1"}"#), "images 1"),
        ("true", Images, data(r#"{"id":true},{"id":"1"}"#), "images 1"),
        ("a list", Images, data(r#"{"id":["1"]},{"id":"1"}"#), "images 1"),
        ("an object", Images, data(r#"{"id":{"id":"1"}},{"id":"1"}"#), "images 1"),
        ("empty", Images, data(r#"{"id":""},{"id":"1"}"#), "images 1"),
        ("a nought byte", Images, data("{\"id\":\"1\\u0000\"},{\"id\":\"2\"}"), "images 2"),
        ("digits of another script", Images, data(r#"{"id":"١"},{"id":"1"}"#), "images 1"),
        ("no id at all", Images, data(r#"{"sequence":"s"},{"id":"1"}"#), "images 1"),
        ("two ids in one", Images, data(r#"{"id":"1","id":"99"}"#), "NoSense"),
        ("another sequence", Ask::Sequence, data(r#"{"id":"1","sequence":"t"}"#), "NoSense"),
        ("a sequence that is a path", Ask::Sequence, data(r#"{"id":"1","sequence":"../s"}"#), "NoSense"),
        ("a sequence in other letters", Ask::Sequence, data(r#"{"id":"1","sequence":"S"}"#), "NoSense"),
        ("no sequence", Ask::Sequence, data(r#"{"id":"1"}"#), "images 1"),
        (
            "too many ids",
            Ask::Ids,
            data(&(1..=200_001).map(|id| format!("{{\"id\":{id}}}")).collect::<Vec<_>>().join(",")),
            "NoSense",
        ),
    ]
}

/// Documents that are not what was asked for.
fn documents() -> Vec<Case> {
    use Ask::Images;
    let error = |code: &str| format!("{{\"error\":{{\"message\":\"m\",\"code\":{code}}}}}");
    vec![
        ("an empty object", Images, ok("{}"), "NoSense"),
        ("data is null", Images, ok(r#"{"data":null}"#), "NoSense"),
        ("data is an object", Images, ok(r#"{"data":{"id":"1"}}"#), "NoSense"),
        ("data is text", Images, ok(r#"{"data":"1"}"#), "NoSense"),
        ("elements are numbers", Images, data("1,2"), "NoSense"),
        ("a number", Images, ok("17"), "NoSense"),
        ("a page", Images, ok("<!DOCTYPE html><html>"), "NoSense"),
        ("XML", Images, ok("<?xml version='1.0'?><Error/>"), "NoSense"),
        ("an envelope in a 200, for the moment", Images, ok(error("2")), "Connection"),
        ("an envelope in a 200, token", Images, ok(error("190")), "TokenRefused"),
        ("an envelope in a 200, blocked", Images, ok(error("368")), "Blocked"),
        ("an envelope in a 200, throttled", Images, raw(200, "Retry-After: 0\r\n", error("4").as_bytes()), "Quota"),
        (
            "an envelope beside data",
            Images,
            ok(r#"{"data":[{"id":"1"}],"error":{"message":"m","code":2}}"#),
            "Connection",
        ),
        ("an error that is text", Images, ok(r#"{"error":"x"}"#), "NoSense"),
        ("an error that is null, beside data", Images, ok(r#"{"data":[{"id":"1"}],"error":null}"#), "images 1"),
        ("a code that is a fraction", Images, raw(400, "", error("1.5").as_bytes()), "Refused"),
        ("a code beyond all numbers", Images, raw(400, "", error("1e999").as_bytes()), "Refused"),
        ("nothing", Images, ok(""), "Connection"),
        ("blanks", Images, ok("   \n"), "Connection"),
        ("bytes that are no text", Images, ok([0xff, 0xfe, 0x00]), "NoSense"),
        (
            "a text of wrong bytes",
            Images,
            ok([b"{\"data\":[{\"id\":\"1\",\"make\":\"".as_slice(), &[0xff], b"\"}]}"].concat()),
            "NoSense",
        ),
        ("a byte order mark", Images, ok("\u{feff}{\"data\":[]}"), "NoSense"),
        ("two documents", Images, ok(r#"{"data":[{"id":"1"}]}{"data":[]}"#), "NoSense"),
        ("words behind the end", Images, ok(r#"{"data":[{"id":"1"}]} and more"#), "NoSense"),
        ("lists in lists, 100,000 deep", Images, ok("[".repeat(100_000)), "Connection"),
        (
            "a value 100,000 deep",
            Images,
            data(&format!("{{\"id\":\"1\",\"mesh\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000))),
            "images 1",
        ),
        (
            "a text of two megabytes",
            Images,
            data(&format!("{{\"id\":\"1\",\"make\":\"{}\"}}", "x".repeat(2 << 20))),
            "images 1",
        ),
        ("200,000 empty elements", Images, data(&vec!["{}"; 200_000].join(",")), "NoSense"),
        (
            "a place that is nowhere",
            Images,
            data(r#"{"id":"1","geometry":{"type":"Point","coordinates":[200,95]}}"#),
            "images 1",
        ),
        ("a place beyond all numbers", Images, data(r#"{"id":"1","geometry":{"coordinates":[1e999,0]}}"#), "NoSense"),
        ("a place that is NaN", Images, data(r#"{"id":"1","geometry":{"coordinates":[NaN,0]}}"#), "NoSense"),
        (
            "a place with a hundred axes",
            Images,
            data(&format!(r#"{{"id":"1","geometry":{{"coordinates":[{}1]}}}}"#, "1,".repeat(99))),
            "images 1 with a place",
        ),
        ("a time beyond all times", Images, data(r#"{"id":"1","captured_at":9223372036854775807}"#), "images 1"),
    ]
}

/// Pages that lead astray. `ELSEWHERE_HOST!` is another listener.
fn pages() -> Vec<Case> {
    use Ask::User;
    vec![
        ("a circle of one", User, next(r#""http://127.0.0.1/images?after=a""#), "NoSense"),
        ("another host", User, next(r#""http://ELSEWHERE_HOST!/images?after=a""#), "NoSense"),
        ("another scheme", User, next(r#""file:///etc/passwd""#), "NoSense"),
        ("a script", User, next(r#""javascript:alert(1)""#), "NoSense"),
        ("a link that is a number", User, next("5"), "NoSense"),
        ("a link that is an object", User, next(r#"{"href":"http://x/?after=a"}"#), "NoSense"),
        ("an empty link", User, next(r#""""#), "NoSense"),
        ("no link", User, next("null"), "images 1"),
        ("a link with the token alone", User, next(r#""http://x/?access_token=MLY""#), "NoSense"),
        ("a link that changes the question", User, next(r#""http://x/?creator_username=other&fields=id""#), "NoSense"),
        ("a link with a strange name", User, next(r#""http://x/?a%2Fb=1""#), "NoSense"),
        (
            "a link of 100,000 characters",
            User,
            next(&format!("\"http://x/?after={}\"", "a".repeat(100_000))),
            "NoSense",
        ),
        ("empty pages without end", User, ok(r#"{"data":[],"paging":{"next":"http://x/?after=COUNT"}}"#), "NoSense"),
        (
            "one page again and again",
            User,
            ok(r#"{"data":[{"id":"1"}],"paging":{"next":"http://x/?after=COUNT"}}"#),
            "NoSense",
        ),
        ("paging that is text", User, ok(r#"{"data":[{"id":"1"}],"paging":"x"}"#), "images 1"),
    ]
}

/// Tiles that are none.
fn tiles() -> Vec<Case> {
    use Ask::Tile;
    let layer = [0x1a, 3, 0x0a, 1, b'x'];
    let later = "Retry-After: 0\r\n";
    vec![
        ("a tile", Tile, ok(layer), "a tile"),
        ("a tile, packed and not saying so", Tile, ok(gzip(&layer)), "a tile"),
        ("a tile, packed", Tile, raw(200, "Content-Encoding: gzip\r\n", &gzip(&layer)), "a tile"),
        ("a login page", Tile, raw(200, &format!("{later}Content-Type: text/html\r\n"), b"<html>log in"), "Quota"),
        ("a page that calls itself a tile", Tile, raw(200, later, b"<html>"), "Quota"),
        (
            "a redirect to another host",
            Tile,
            raw(302, &format!("{later}Location: http://ELSEWHERE_HOST!/\r\n"), b""),
            "Quota",
        ),
        (
            "a permanent redirect",
            Tile,
            raw(301, &format!("{later}Location: http://ELSEWHERE_HOST!/\r\n"), b""),
            "Quota",
        ),
        ("JSON", Tile, ok("{}"), "NoSense"),
        ("an envelope", Tile, ok(r#"{"error":{"message":"m","code":190}}"#), "TokenRefused"),
        ("other bytes", Tile, ok("other bytes"), "NoSense"),
        ("half a tile with its own length", Tile, ok(&layer[..3]), "NoSense"),
        ("a length beyond the end", Tile, ok([0x1a, 0xff, 0xff, 0xff, 0xff, 0x0f]), "NoSense"),
        (
            "a length without end",
            Tile,
            ok([0x1a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
            "NoSense",
        ),
        ("fields, and no layer among them", Tile, ok([0x08, 1]), "NoSense"),
        ("an empty 200", Tile, ok(""), "an empty tile"),
        ("204", Tile, raw(204, "", b""), "an empty tile"),
        ("404", Tile, raw(404, "", b"not here"), "an empty tile"),
        ("403", Tile, raw(403, "", b""), "TokenRefused"),
        ("410", Tile, raw(410, "", b""), "NotFound"),
    ]
}

/// Answers that are broken below their meaning.
fn wires() -> Vec<Case> {
    use Ask::{Images, Tile};
    let text = |text: &str| text.as_bytes().to_vec();
    let layer = b"\x1a\x03\x0a\x01x";
    let open = |body: &[u8]| [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", body].concat();
    vec![
        ("no answer", Images, Vec::new(), "Connection"),
        ("no HTTP", Images, text("hello\r\n\r\n"), "Connection"),
        ("HTTP of the future", Images, text("HTTP/9.9 200 OK\r\n\r\n"), "Connection"),
        ("a status of two digits", Images, text("HTTP/1.1 20 OK\r\n\r\n"), "Connection"),
        ("a status that nobody knows", Images, raw(799, "", b""), "NoSense"),
        (
            "shorter than its length",
            Images,
            text("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"data\":[]}"),
            "Connection",
        ),
        ("a negative length", Images, text("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{\"data\":[]}"), "Connection"),
        (
            "two lengths",
            Images,
            text("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 11\r\n\r\n{\"data\":[]}"),
            "Connection",
        ),
        (
            "a length beyond all memory",
            Images,
            text("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n{"),
            "Connection",
        ),
        (
            "chunks that end too early",
            Images,
            text("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n{\"data\":[]}\r\n"),
            "Connection",
        ),
        (
            "a chunk beyond all memory",
            Images,
            text("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n{"),
            "Connection",
        ),
        ("half a document without a length", Images, open(b"{\"data\":[{\"id\":\"1\"}"), "Connection"),
        ("a whole document without a length", Images, open(b"{\"data\":[{\"id\":\"1\"}]}"), "images 1"),
        ("a tile without a length", Tile, open(layer), "a tile"),
        ("half a tile without a length", Tile, open(&layer[..4]), "NoSense"),
        (
            "a head of a megabyte",
            Images,
            text(&format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(1 << 20))),
            "Connection",
        ),
        (
            "a thousand headers",
            Images,
            text(&format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: x\r\n".repeat(1_000))),
            "Connection",
        ),
        ("gzip that is none", Images, raw(200, "Content-Encoding: gzip\r\n", b"{\"data\":[]}"), "Connection"),
        (
            "half of gzip",
            Images,
            raw(200, "Content-Encoding: gzip\r\n", &gzip(b"{\"data\":[{\"id\":\"1\"}]}")[..20]),
            "Connection",
        ),
        (
            "an encoding that nobody asked for",
            Images,
            raw(200, "Content-Encoding: br\r\n", b"\x0b\x05\x80{\"data\":[]}\x03"),
            "NoSense",
        ),
        ("a bomb of 68 MB", Images, bomb(68_000_000), "TooMuchData"),
        ("a bomb of 34 MB instead of a tile", Tile, bomb(34_000_000), "TooMuchData"),
        ("100 Continue and no more", Images, text(&"HTTP/1.1 100 Continue\r\n\r\n".repeat(50)), "Connection"),
    ]
}

/// Hears requests; answers each with the same bytes, in which `ELSEWHERE_HOST!` and `COUNT` are filled in.
fn serve(listener: TcpListener, answer: Vec<u8>, elsewhere: String) -> Arc<Mutex<Vec<String>>> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let log = heard.clone();
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let (log, answer, elsewhere) = (log.clone(), answer.clone(), elsewhere.clone());
            std::thread::spawn(move || converse(socket, &log, &answer, &elsewhere));
        }
    });
    heard
}

fn converse(mut socket: TcpStream, log: &Mutex<Vec<String>>, answer: &[u8], elsewhere: &str) -> std::io::Result<()> {
    let (mut head, mut buffer) = (Vec::new(), [0; 4096]);
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        match socket.read(&mut buffer)? {
            0 => return Ok(()),
            n => head.extend_from_slice(&buffer[..n]),
        }
    }
    let count = {
        let mut log = log.lock().unwrap();
        log.push(String::from_utf8_lossy(&head).split(' ').nth(1).unwrap_or_default().to_owned());
        log.len()
    };
    // What is filled in is as long as its name, so that lengths stay true.
    let filled = match std::str::from_utf8(answer) {
        Ok(text) if text.contains("ELSEWHERE_HOST!") => {
            text.replace("ELSEWHERE_HOST!", &format!("{elsewhere:/<15}")).into_bytes()
        }
        Ok(text) if text.contains("COUNT") => text.replace("COUNT", &format!("{count:05}")).into_bytes(),
        _ => answer.to_vec(),
    };
    socket.write_all(&filled)
}

fn api(base: &str) -> Api {
    let settings = ApiSettings {
        graph_url: base_url(base).unwrap(),
        tiles_url: base_url(base).unwrap(),
        token: Some(Secret::new("MLY|4223665974375089|deadbeefcafe0123deadbeefcafe0123")),
        silence: Some(Duration::from_secs(5)),
        ..ApiSettings::default()
    };
    Api::new(settings, None).unwrap()
}

async fn ask(api: &Api, question: Ask) -> String {
    let key = SequenceId::new("s");
    let told = |found: Result<Vec<PublishedImage>, ApiError>| match found {
        Ok(images) => {
            let mut text = "images".to_owned();
            images.iter().for_each(|image| write!(text, " {}", image.id).unwrap());
            images.iter().filter(|image| image.original.is_some()).for_each(|_| text.push_str(" with a place"));
            text
        }
        Err(error) => format!("{:?}", error.kind()),
    };
    match question {
        Ask::Tile => {
            let tile: Tile = "14/1/2".parse().unwrap();
            match api.coverage_tile(tile, Tileset::Original).await {
                Ok(answer) if answer.is_empty() => "an empty tile".to_owned(),
                Ok(_) => "a tile".to_owned(),
                Err(error) => format!("{:?}", error.kind()),
            }
        }
        Ask::Ids => match api.image_ids(&key).await {
            Ok(ids) => format!("{} ids", ids.len()),
            Err(error) => format!("{:?}", error.kind()),
        },
        Ask::Images => told(api.images_by_ids(&[ImageId(1), ImageId(2)]).await.and_then(Found::whole)),
        Ask::Sequence => told(api.images_of_sequences(&[key]).await.and_then(Found::whole)),
        Ask::User => {
            let moment = CapturedAt::from_epoch_ms;
            told(api.images_of_user("u", TimeWindow { start: moment(0), end: moment(9_000_000_000_000) }).await)
        }
    }
}

async fn check(cases: Vec<Case>) {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    let elsewhere_name = elsewhere.local_addr().unwrap().to_string();
    let heard_elsewhere = serve(elsewhere, ok("{}"), String::new());
    let mut wrong = String::new();
    for (name, question, answer, expected) in cases {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}/", listener.local_addr().unwrap());
        let heard = serve(listener, answer, elsewhere_name.clone());
        let api = api(&base);
        let found = ask(&api, question).await;
        if found != expected {
            writeln!(wrong, "{name}\t{found}\t{expected}").unwrap();
        }
        let heard = heard.lock().unwrap().clone();
        assert!((1..=25).contains(&heard.len()), "{name}: {} requests", heard.len());
        let is_honest = |path: &String| {
            let known = ["/maps/vtp/mly1_public/2/14/1/2?", "/images?", "/image_ids?"];
            known.iter().any(|known| path.starts_with(known)) && !path.contains("passwd") && path.len() < 3_000
        };
        assert!(heard.iter().all(is_honest), "{name}: {heard:?}");
        assert_eq!(api.usage().requests_sent(), heard.len() as u64, "{name}: each request is counted");
    }
    assert_eq!(heard_elsewhere.lock().unwrap().len(), 0, "another host was asked");
    assert!(wrong.is_empty(), "case, found, expected:\n{wrong}");
}

#[tokio::test]
async fn ids_that_are_none() {
    check(ids()).await;
}

#[tokio::test]
async fn documents_that_are_not_the_answer() {
    check(documents()).await;
}

#[tokio::test]
async fn pages_that_lead_astray() {
    check(pages()).await;
}

#[tokio::test]
async fn tiles_that_are_none() {
    check(tiles()).await;
}

#[tokio::test]
async fn answers_that_are_broken_on_the_wire() {
    check(wires()).await;
}

#[test]
fn there_are_more_than_a_hundred_cases() {
    assert!([ids(), documents(), pages(), tiles(), wires()].iter().map(Vec::len).sum::<usize>() > 100);
}

#[tokio::test]
async fn keys_and_names_that_are_none_are_not_put_into_a_url() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    let heard = serve(listener, data(""), String::new());
    let api = api(&base);
    for key in ["../../etc/passwd", "http://169.254.169.254/", "a,b", "a&b=c", "a%2Fb", "a\r\nHost: x", "", "ä"] {
        assert_eq!(api.image_ids(&SequenceId::new(key)).await.unwrap(), [], "{key:?}");
        assert_eq!(api.images_of_sequences(&[SequenceId::new(key)]).await.unwrap(), Found::default(), "{key:?}");
    }
    assert_eq!(heard.lock().unwrap().len(), 0);
    let moment = CapturedAt::from_epoch_ms;
    let user = "a b&limit=1#/../\r\nHost: x";
    api.images_of_user(user, TimeWindow { start: moment(0), end: moment(1) }).await.unwrap();
    let heard = heard.lock().unwrap().clone();
    assert!(
        heard[0].starts_with("/images?creator_username=a+b%26limit%3D1%23%2F..%2F%0D%0AHost%3A+x&start"),
        "{heard:?}"
    );
}
