//! Every reply that the service is known to give, and what it means.

use super::*;
use proptest::prelude::*;

fn reply(status: u16, headers: &[(&str, &str)], body: &str) -> Reply {
    let headers = headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    Reply { status, headers, body: body.as_bytes().to_vec(), open_ended: false }
}

fn list(body: &str) -> Reply {
    reply(200, &[], body)
}

#[track_caller]
fn graph(case: &str, reply: Reply, expected: Class) {
    let about = About::Images(BTreeSet::from([1, 2]));
    assert_eq!(GraphList { kind: IMAGES, about }.classify(&reply).class, expected, "{case}");
}

#[track_caller]
fn tile(case: &str, reply: Reply, expected: Class) {
    assert_eq!(TileReply { empty_kind: EMPTY_TILE }.classify(&reply).class, expected, "{case}");
}

fn refused(refusal: Refusal) -> Class {
    Class::Refused(refusal)
}

fn throttled(seconds: Option<u64>) -> Class {
    Class::Throttled { wait: seconds.map(Duration::from_secs) }
}

const IMAGES_ANSWER: Class = Class::Answer { kind: IMAGES };

#[test]
fn the_code_in_the_body_decides_before_the_status() {
    let error = |status, code: &str, message: &str| {
        reply(
            status,
            &[],
            &format!("{{\"error\":{{\"message\":\"{message}\",\"type\":\"OAuthException\",\"code\":{code}}}}}"),
        )
    };
    graph("no token sent", error(500, "190", "Invalid OAuth 2.0 Access Token"), refused(Refusal::Token));
    graph("malformed token", error(401, "190", "Failed to decode"), refused(Refusal::Token));
    graph("never issued token", error(400, "190", "Error validating application"), refused(Refusal::Token));
    graph("session", error(400, "102", "Session"), refused(Refusal::Token));
    graph(
        "unknown id",
        reply(400, &[], r#"{"error":{"message":"Unsupported","code":100,"error_subcode":33}}"#),
        refused(Refusal::Gone),
    );
    graph("bad field", error(400, "100", "Tried accessing nonexisting field"), refused(Refusal::Question));
    graph("no permission", error(403, "10", "x"), refused(Refusal::Permission));
    graph("no permission", error(400, "200", "x"), refused(Refusal::Permission));
    graph("application limit", error(403, "4", "Application request limit reached"), throttled(None));
    for code in ["17", "32", "341", "613", "80003"] {
        graph(code, error(400, code, "limit"), throttled(None));
    }
    graph(
        "too much",
        error(500, "1", "Please reduce the amount of data you're asking for, then retry"),
        Class::TooMuch,
    );
    graph("unknown error", error(500, "1", "An unknown error occurred"), Class::Transient);
    graph("temporarily unavailable", error(500, "2", "Service temporarily unavailable"), Class::Transient);
    graph("minus one", error(400, "-1", "x"), Class::Transient);
    graph("blocked", error(400, "368", "please log in"), refused(Refusal::Blocked));
    graph("an envelope inside a 200", error(200, "4", "limit"), throttled(None));
    graph("an unknown code is read by its status", error(500, "987654", "x"), Class::Transient);
    graph(
        "said to be transient",
        reply(400, &[], r#"{"error":{"message":"x","code":5,"is_transient":true}}"#),
        Class::Transient,
    );
}

#[test]
fn without_a_code_the_status_decides() {
    graph("an unauthorised page", reply(401, &[], "<html>"), refused(Refusal::Token));
    graph("throttled as XML", reply(429, &[("retry-after", "7")], "<?xml version='1.0'?>"), throttled(Some(7)));
    graph("throttled without a word", reply(429, &[], ""), throttled(None));
    graph("a gateway", reply(502, &[("content-type", "text/html")], "<html>Bad Gateway</html>"), Class::Transient);
    graph("unavailable until told", reply(503, &[("retry-after", "9")], ""), throttled(Some(9)));
    graph("a request timeout", reply(408, &[], ""), Class::Transient);
    graph("a redirect", reply(302, &[("location", "https://www.mapillary.com/login")], ""), throttled(None));
    graph("a path that a gateway does not know", reply(404, &[], ""), Class::Transient);
    graph("gone, says the service", reply(404, &[], r#"{"error":{"message":"x"}}"#), refused(Refusal::Gone));
    graph("a strange status", reply(299, &[], "x"), Class::Nonsense);
}

#[test]
fn the_service_says_how_long_to_wait() {
    let body = r#"{"error":{"message":"x","code":4},"backoff":2000}"#;
    graph("backoff wins over the header", reply(403, &[("retry-after", "60")], body), throttled(Some(2)));
    graph(
        "inside the error",
        reply(403, &[], r#"{"error":{"message":"x","code":4,"backoff":500}}"#),
        Class::Throttled { wait: Some(Duration::from_millis(500)) },
    );
    graph(
        "a hostile backoff",
        reply(403, &[], r#"{"error":{"message":"x","code":4},"backoff":-1e308}"#),
        throttled(None),
    );
}

#[test]
fn an_answer_must_be_about_the_question() {
    graph("all of it", list(r#"{"data":[{"id":"2"},{"id":"1"}]}"#), IMAGES_ANSWER);
    graph("less than was asked", list(r#"{"data":[]}"#), IMAGES_ANSWER);
    graph("elements without an id are counted elsewhere", list(r#"{"data":[{"id":"1"},{}]}"#), IMAGES_ANSWER);
    graph("another's data", list(r#"{"data":[{"id":"1"},{"id":"3"}]}"#), Class::Nonsense);
    graph("an empty object", list("{}"), Class::Nonsense);
    graph("one image instead of a list", list(r#"{"id":"1"}"#), Class::Nonsense);
    graph("a number", list("17"), Class::Nonsense);
    graph("a page of HTML", list("<!DOCTYPE html><html>"), Class::Nonsense);
    graph("cut short", list(r#"{"data":[{"id":"1"},{"#), Class::Transient);
    graph("nothing at all", list(""), Class::Transient);
    graph("two answers in one", list(r#"{"data":[]}{"data":[]}"#), Class::Nonsense);
    let endless = format!("{{\"data\":[{}{{}}]}}", "{\"id\":1},".repeat(200_001));
    graph("a list that would fill the memory", list(&endless), Class::Nonsense);
    let about = About::Sequences(BTreeSet::from(["abc".to_owned()]));
    let sequences = GraphList { kind: IMAGES, about };
    let read = |body: &str| sequences.classify(&list(body)).class;
    assert_eq!(read(r#"{"data":[{"id":"9","sequence":"abc"},{"id":"8"}]}"#), IMAGES_ANSWER);
    assert_eq!(read(r#"{"data":[{"id":"9","sequence":"Abc"}]}"#), Class::Nonsense, "keys are case-sensitive");
}

#[test]
fn tiles_are_whole_or_empty_or_no_tiles() {
    let layer = [0x1a, 0x03, 0x78, 0x02, 0x20];
    let bytes = |body: &[u8]| Reply { status: 200, body: body.to_vec(), ..Reply::default() };
    tile("one layer", bytes(&layer), Class::Answer { kind: TILE });
    tile("two layers", bytes(&[layer, layer].concat()), Class::Answer { kind: TILE });
    tile("compressed", bytes(&[0x1f, 0x8b, 8, 0]), Class::Answer { kind: TILE });
    tile("cut inside a layer", bytes(&layer[..4]), Class::Nonsense);
    tile("cut inside a length", bytes(&[0x1a, 0x80]), Class::Nonsense);
    tile(
        "a length beyond all memory",
        bytes(&[0x1a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        Class::Nonsense,
    );
    tile("no layer at all", bytes(&[0x08, 0x01]), Class::Nonsense);
    for (case, empty) in [
        ("no content", reply(204, &[], "")),
        ("not found", reply(404, &[], "")),
        ("not found, in JSON", reply(404, &[], r#"{"error":{"message":"x","code":100,"error_subcode":33}}"#)),
        ("no bytes", reply(200, &[], "")),
    ] {
        tile(case, empty, Class::Answer { kind: EMPTY_TILE });
    }
    tile("a login page elsewhere", reply(302, &[("location", "/login")], ""), throttled(None));
    tile("a login page", reply(200, &[("content-type", "text/html; charset=utf-8")], "please log in"), throttled(None));
    tile("a page without a type", reply(200, &[], "<html>"), throttled(None));
    tile("an error inside a 200", reply(200, &[], r#"{"error":{"message":"x","code":190}}"#), refused(Refusal::Token));
    tile("JSON that is nothing", reply(200, &[], "{}"), Class::Nonsense);
    tile("what the tile host forbids is the token", reply(403, &[], ""), refused(Refusal::Token));
    tile("a gateway", reply(503, &[], "<html>"), Class::Transient);
    tile("throttled", reply(429, &[("retry-after", "3")], ""), throttled(Some(3)));
}

#[test]
fn usage_is_the_largest_percentage_told() {
    let usage = |name: &str, value: &str| usage_percent(&reply(200, &[(name, value)], ""));
    assert_eq!(usage("x-app-usage", r#"{"call_count":28,"total_time":96,"total_cputime":25}"#), Some(96.0));
    assert_eq!(usage("x-app-usage", r#"{"call_volume":12}"#), Some(12.0));
    assert_eq!(
        usage(
            "x-business-use-case-usage",
            r#"{"17":[{"type":"x","call_count":71,"estimated_time_to_regain_access":99}]}"#
        ),
        Some(71.0)
    );
    assert_eq!(usage("x-app-usage", "broken"), None);
    assert_eq!(usage("x-app-usage", "[]"), None);
    let answer = reply(200, &[("x-app-usage", r#"{"call_count":96}"#)], r#"{"data":[]}"#);
    let reading = GraphList { kind: IMAGES, about: About::Anything }.classify(&answer);
    assert_eq!((reading.class, reading.usage_percent), (IMAGES_ANSWER, Some(96.0)));
}

#[test]
fn words_name_status_code_and_message() {
    let words = |reply: &Reply| failure(reply).detail;
    assert_eq!(
        words(&reply(403, &[], r#"{"error":{"message":"limit reached","code":4}}"#)),
        "HTTP 403, code 4: limit reached"
    );
    assert_eq!(words(&reply(502, &[], "<html>")), "HTTP 502, a body that begins with \"<html>\"");
    assert_eq!(words(&reply(503, &[], "")), "HTTP 503");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_reply_makes_a_panic_and_no_refusal_an_answer(
        status in 100..600_u16,
        body in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            "[\\[\\]{}\":,0-9a-z]{0,80}".prop_map(String::into_bytes),
            mutated_envelope(),
        ],
        header in "[ -~]{0,40}",
    ) {
        let headers = ["retry-after", "x-app-usage", "x-business-use-case-usage", "content-type"];
        let headers = headers.map(|name| (name.to_owned(), header.clone())).to_vec();
        let reply = Reply { status, headers, body, open_ended: false };
        let about = About::Images(BTreeSet::from([1, 2]));
        for reading in [GraphList { kind: IMAGES, about }.classify(&reply), TileReply { empty_kind: EMPTY_TILE }.classify(&reply)] {
            if let Class::Answer { kind } = reading.class {
                let empty = kind == EMPTY_TILE && [200, 204, 404].contains(&status);
                prop_assert!(status == 200 || empty, "{} as {kind}", status);
            }
        }
    }

    #[test]
    fn a_tile_that_was_cut_is_never_whole(layers in proptest::collection::vec(0..300_usize, 1..4), at in any::<prop::sample::Index>()) {
        let mut tile = Vec::new();
        let mut ends = vec![0];
        for size in layers {
            tile.push(0x1a);
            tile.extend([(size % 128) as u8 | 0x80, (size / 128) as u8]);
            tile.extend(vec![0xff; size]);
            ends.push(tile.len());
        }
        prop_assert!(is_framed(&tile));
        let cut = at.index(tile.len());
        // A cut between two layers is the one that framing cannot show; such a reply has no length either and is confirmed.
        prop_assert_eq!(is_framed(&tile[..cut]), cut > 0 && ends.contains(&cut));
    }
}

fn mutated_envelope() -> impl Strategy<Value = Vec<u8>> {
    let envelope = br#"{"data":[{"id":"1","sequence":"s","geometry":{"coordinates":[1.5,2]}}],"paging":{"next":"http://x"},"error":{"message":"reduce the amount","code":1,"error_subcode":33,"is_transient":true,"backoff":100}}"#;
    proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4).prop_map(move |edits| {
        let mut bytes = envelope.to_vec();
        for (place, byte) in edits {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        bytes
    })
}
