//! Routes as a client sees them, without sockets.

use super::*;
use coverage_tile::decode;

const BASE: &str = "http://127.0.0.1:1";

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
    ask_of(&world(), "", target, token)
}

/// Asks a world with habits.
fn ask_of(world: &World, habits: &str, target: &str, token: Option<&str>) -> Reply {
    let authorization = token.map(|token| format!("Authorization: OAuth {token}\r\n")).unwrap_or_default();
    let head = format!("GET {target} HTTP/1.1\r\n{authorization}\r\n");
    let (request, _) = Request::read(head.as_bytes()).unwrap().unwrap();
    let habits = habits.parse::<crate::Faults>().unwrap().habits;
    answer(world, &habits, &request, BASE)
}

fn json_of(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap()
}

fn ids(target: &str) -> Vec<String> {
    ids_of(&world(), "", target)
}

fn ids_of(world: &World, habits: &str, target: &str) -> Vec<String> {
    let reply = ask_of(world, habits, target, Some(TOKEN));
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
fn bad_questions_are_refused_as_the_service_does() {
    let check = |target: &str, word: &str| {
        let reply = ask(target, Some(TOKEN));
        let error = &json_of(&reply)["error"];
        assert_eq!((reply.status, error["code"].as_i64()), (400, Some(100)), "{target}");
        assert!(error["message"].as_str().unwrap().contains(word), "{target}: {error}");
    };
    check("/images?sequence_ids=aaa&fields=id,alttitude", "alttitude");
    check("/100?fields=colour", "colour");
    check("/images?bbox=0,0,0.01,0.001", "0.01");
    check("/images?bbox=0.5,0,0.4,0.001", "0.01");
    check("/images?bbox=NaN,0,1,0.001", "0.01");
    check("/images?bbox=0,0,1", "required");
    check("/images", "required");
    check("/image_ids", "sequence_id");
    check("/images?creator_username=anna&start_captured_at=yesterday", "start_captured_at");
    check("/me?fields=id", "me");
}

#[test]
fn contributors_are_entities_too() {
    assert_eq!(json_of(&ask("/7?fields=id,username", Some(TOKEN))), json!({"id": "7", "username": "anna"}));
    assert_eq!(json_of(&ask("/?ids=103,999,100&fields=sequence", Some(TOKEN)))["103"]["sequence"], "bbb");
}

#[test]
fn lines_are_seen_from_afar_and_images_are_not() {
    let decode_at = |name: &str| {
        let reply = ask(&format!("/maps/vtp/mly1_public/2/{name}?access_token={TOKEN}"), None);
        let tile = (reply.status == 200).then(|| decode(&reply.body, name.parse().unwrap()).unwrap());
        (reply.status, tile.map(|tile| (tile.sequences.sequence.len(), tile.n_images())))
    };
    assert_eq!(decode_at("14/8192/8191"), (200, Some((2, 5))));
    assert_eq!(decode_at("10/512/511"), (200, Some((2, 0))));
    assert_eq!(decode_at("6/31/31"), (204, None), "no coverage there");
    assert_eq!(decode_at("5/16/15"), (204, None), "the overview is not simulated");
    assert_eq!(decode_at("15/16384/16383"), (404, None), "there is no such tile");
}

#[test]
fn habits_change_what_is_seen() {
    let many = |k: i64| {
        let key = format!("s{}", k / 4);
        let coordinates = [0.001 + k as f64 * 1e-5, 0.01];
        json!({"id": (1_000 + k).to_string(), "sequence": key, "captured_at": 1_716_026_400_000 + k * 1_000,
            "geometry": {"type": "Point", "coordinates": coordinates}, "creator": {"id": "7", "username": "anna"}})
    };
    let world = World::new((0..400).map(many).collect());
    let tile = "/maps/vtp/mly1_public/2/14/8192/8191";
    let query = format!("?access_token={TOKEN}");
    let n_in_tile = |habits: &str| {
        decode(&ask_of(&world, habits, &format!("{tile}{query}"), None).body, "14/8192/8191".parse().unwrap())
            .unwrap()
            .n_images()
    };
    let by_user = "/images?creator_username=anna&fields=id";
    let n_in_graph = |habits: &str| ids_of(&world, habits, by_user).len();
    assert_eq!((n_in_tile(""), n_in_graph("")), (400, 400));
    assert_eq!(n_in_graph("lag=0.3"), 400, "the Graph API knows what tiles do not show yet");
    assert!((200..360).contains(&n_in_tile("lag=0.3")) && n_in_tile("lag=0.3") % 4 == 0, "whole sequences lag");
    assert_eq!(n_in_tile("gone=0.3"), 400, "tiles still show what is gone");
    assert!((240..320).contains(&n_in_graph("gone=0.3")));
    let empty = format!("/maps/vtp/mly1_public/2/14/1/1{query}");
    for status in [200, 204, 404] {
        assert_eq!(ask_of(&world, &format!("empty={status}"), &empty, None).status, status);
    }
    let one_second = "&start_captured_at=2024-05-18T10:00:01Z&end_captured_at=2024-05-18T10:00:01Z";
    assert_eq!(ids_of(&world, "", &format!("{by_user}{one_second}")), ["1001"]);
    assert_eq!(ids_of(&world, "times=sloppy", &format!("{by_user}{one_second}")).len(), 400);
    let told = ask_of(&world, "usage=97", by_user, Some(TOKEN));
    assert!(told.headers.iter().any(|(name, value)| *name == "x-app-usage" && value.contains("97")));
}

#[test]
fn too_much_at_once_is_too_much() {
    let one = |k: i64| json!({"id": k.to_string(), "sequence": "long", "captured_at": k, "geometry": {"coordinates": [0.0, 0.0]}});
    let world = World::new((1..=2_001).map(one).collect());
    let reply = ask_of(&world, "", "/images?sequence_ids=long&fields=id", Some(TOKEN));
    assert_eq!((reply.status, json_of(&reply)["error"]["code"].as_i64()), (500, Some(1)));
    assert_eq!(ids_of(&world, "", "/image_ids?sequence_id=long").len(), 2_001, "ids have no such limit");
    let sample = ids_of(&world, "", "/images?bbox=0,0,0.001,0.001&limit=100&fields=id");
    assert_eq!((sample.len(), sample[99].as_str()), (100, "1981"), "a sample from all over, not the first hundred");
}

#[test]
fn times_are_read_as_the_filters_write_them() {
    assert_eq!(time("2024-05-18T10:00:00Z"), Some(1_716_026_400_000));
    assert_eq!(time("1970-01-01T00:00:00Z"), Some(0));
    assert_eq!(time("2000-02-29T12:00:00Z"), Some(951_825_600_000));
    assert_eq!(time("yesterday"), None);
}
