//! Routes as a client sees them, without sockets.

use super::*;
use coverage_tile::decode;

const TOKEN: &str = "MLY|1|0123456789abcdef0123456789abcdef";

fn world() -> World {
    let image = |k: i64| {
        json!({
            "id": (100 + k).to_string(), "sequence": if k < 3 { "aaa" } else { "bbb" }, "captured_at": 1_716_026_400_000 + k * 1_000,
            "geometry": {"type": "Point", "coordinates": [0.01 + k as f64 * 1e-4, 0.01]}, "altitude": null,
            "computed_geometry": {"type": "Point", "coordinates": [0.03 + k as f64 * 1e-4, 0.01]},
            "creator": {"id": "7", "username": "anna"},
        })
    };
    World::new((0..5).map(image).collect())
}

fn ask(target: &str, token: Option<&str>) -> Reply {
    let url = Url::parse("http://simulator").unwrap().join(target).unwrap();
    let request = Request { method: "GET".to_owned(), url, authorization: token.map(|token| format!("OAuth {token}")) };
    answer(&world(), &request, "http://127.0.0.1:1")
}

fn json_of(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap()
}

fn ids(target: &str) -> Vec<String> {
    let reply = ask(target, Some(TOKEN));
    assert_eq!(reply.status, 200, "{target}");
    json_of(&reply)["data"].as_array().unwrap().iter().map(|image| image["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn tokens_are_asked_for_where_and_as_the_service_does() {
    let check = |target: &str, token: Option<&str>, status: u16, code: i64| {
        let reply = ask(target, token);
        assert_eq!(reply.status, status, "{target} {token:?}");
        if code != 0 {
            assert_eq!(json_of(&reply)["error"]["code"], code, "{target} {token:?}");
        }
    };
    check("/image_ids?sequence_id=aaa", None, 500, 190);
    check("/image_ids?sequence_id=aaa", Some("nonsense"), 401, 190);
    check("/image_ids?sequence_id=aaa&access_token=nonsense", None, 400, 190);
    let tile = "/maps/vtp/mly1_public/2/14/8192/8191";
    check(tile, Some(TOKEN), 403, 0);
    check(tile, None, 500, 190);
    check(&format!("{tile}?access_token={}", TOKEN.replace('|', "%7C")), None, 200, 0);
}

#[test]
fn lists_hold_what_was_asked_for() {
    assert_eq!(ids("/image_ids?sequence_id=aaa"), ["100", "101", "102"]);
    assert!(ids("/image_ids?sequence_id=AAA").is_empty(), "keys are case-sensitive, unknown ones are empty");
    assert_eq!(ids("/images?image_ids=104,999,100&fields=id").len(), 2, "unknown ids are left out");
    assert_eq!(ids("/images?sequence_ids=bbb,aaa&fields=id").len(), 5);
    assert_eq!(
        ids(
            "/images?creator_username=anna&start_captured_at=2024-05-18T10:00:01Z&end_captured_at=2024-05-18T10:00:03Z"
        )
        .len(),
        3
    );
    assert!(ids("/images?creator_username=nobody").is_empty());
    assert_eq!(ids("/images?bbox=0.0099,0.009,0.01015,0.011").len(), 2);
    let unknown = ask("/999?fields=id", Some(TOKEN));
    assert_eq!((unknown.status, json_of(&unknown)["error"]["error_subcode"].as_i64()), (400, Some(33)));
    let entity = json_of(&ask("/100?fields=id,altitude,captured_at", Some(TOKEN)));
    assert_eq!(entity, json!({"id": "100", "captured_at": 1_716_026_400_000_i64}), "what is unknown is absent");
}

#[test]
fn a_users_pages_follow_each_other() {
    let first = json_of(&ask("/images?creator_username=anna&limit=2&fields=id", Some(TOKEN)));
    let next = Url::parse(first["paging"]["next"].as_str().unwrap()).unwrap();
    assert_eq!(ids(&format!("{}?{}", next.path(), next.query().unwrap())).len(), 2);
    assert_eq!(first["data"][0]["id"], "104", "newest first");
}

#[test]
fn both_tilesets_decode_to_their_places() {
    let decode_at = |set: &str, name: &str| {
        let reply = ask(&format!("/maps/vtp/{set}/2/{name}?access_token={TOKEN}"), None);
        (reply.status, decode(&reply.body, name.parse().unwrap()).unwrap().n_images())
    };
    assert_eq!(decode_at("mly1_public", "14/8192/8191"), (200, 5));
    assert_eq!(decode_at("mly1_computed_public", "14/8193/8191"), (200, 5));
    assert_eq!(decode_at("mly1_public", "14/8193/8191"), (204, 0));
}

#[test]
fn times_are_read_as_the_filters_write_them() {
    assert_eq!(time("2024-05-18T10:00:00Z"), Some(1_716_026_400_000));
    assert_eq!(time("1970-01-01T00:00:00Z"), Some(0));
    assert_eq!(time("2000-02-29T12:00:00Z"), Some(951_825_600_000));
    assert_eq!(time("yesterday"), None);
}
