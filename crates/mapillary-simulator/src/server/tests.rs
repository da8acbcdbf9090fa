//! The server as a real client sees it: connections, faults of the socket, packing, the log.

use super::*;
use proptest::prelude::*;
use reqwest::Client;
use serde_json::json;
use std::time::Instant;
use tokio::runtime::Runtime;

const TOKEN: &str = "MLY|1|0123456789abcdef0123456789abcdef";
const ENTITY: &str = "/100?fields=id,captured_at";
const TILE: &str = "/maps/vtp/mly1_public/2/14/8192/8191?access_token=MLY%7C1%7C0123456789abcdef0123456789abcdef";

fn entities() -> Vec<Value> {
    let image = |k: i64| {
        json!({"id": (100 + k).to_string(), "sequence": "aaa", "captured_at": 1_716_026_400_000 + k * 1_000,
            "geometry": {"type": "Point", "coordinates": [0.01 + k as f64 * 1e-5, 0.01]}})
    };
    (0..50).map(image).collect()
}

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default(); // the second test finds it installed
    Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

async fn simulator(faults: &str) -> Simulator {
    start(entities(), SimulatorSettings { faults: faults.parse().unwrap(), ..Default::default() }).await.unwrap()
}

/// Status and body, or that there was no whole answer.
async fn get(client: &Client, simulator: &Simulator, target: &str) -> Option<(u16, Vec<u8>)> {
    let mut request = client.get(format!("{}{target}", simulator.base_url()));
    if !target.starts_with("/maps") {
        request = request.header("Authorization", format!("OAuth {TOKEN}"));
    }
    let reply = request.send().await.ok()?;
    Some((reply.status().as_u16(), reply.bytes().await.ok()?.to_vec()))
}

fn run<T>(future: impl Future<Output = T>) -> T {
    Runtime::new().unwrap().block_on(future)
}

#[test]
fn a_client_is_answered_and_every_request_is_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("requests.jsonl");
    run(async {
        let settings = SimulatorSettings { log: Some(log.clone()), ..Default::default() };
        let simulator = start(entities(), settings).await.unwrap();
        let client = client();
        let (status, body) = get(&client, &simulator, ENTITY).await.unwrap();
        assert_eq!((status, body), (200, b"{\"captured_at\":1716026400000,\"id\":\"100\"}".to_vec()));
        let (status, tile) = get(&client, &simulator, TILE).await.unwrap();
        assert_eq!(
            (status, coverage_tile::decode(&tile, "14/8192/8191".parse().unwrap()).unwrap().n_images()),
            (200, 50)
        );
        assert_eq!(get(&client, &simulator, &TILE.replace("8192", "1")).await, Some((204, Vec::new())));
        let records = simulator.requests();
        assert_eq!(records.iter().map(|r| r.endpoint).collect::<Vec<_>>(), ["entity", "tiles", "tiles"]);
        assert_eq!(records[1].bytes, tile.len());
        simulator.stop().await;
    });
    let log = std::fs::read_to_string(log).unwrap();
    assert_eq!(log.lines().count(), 3);
    assert!(!log.contains("0123456789abcdef"), "{log}");
}

#[test]
fn faults_look_as_they_are_called() {
    // What a client gets: a status and the body's length or beginning, or no whole answer at all.
    let check = |fault: &str, target: &str, expected: Option<(u16, &str)>| {
        run(async {
            let simulator = simulator(&format!("{fault}:1,retry_after_s=7,pause_ms=1")).await;
            let told = get(&client(), &simulator, target).await;
            let told = told.as_ref().map(|(status, body)| (*status, String::from_utf8_lossy(body)));
            match (&told, expected) {
                (Some((status, body)), Some((expected, beginning))) => {
                    assert!(*status == expected && body.starts_with(beginning), "{fault}: {told:?}");
                }
                _ => assert_eq!(told.is_none(), expected.is_none(), "{fault}: {told:?}"),
            }
            let name = fault.split('@').next();
            assert_eq!(simulator.requests()[0].fault, name, "{fault}");
            simulator.stop().await;
        });
    };
    check("429", ENTITY, Some((429, "")));
    check("403", ENTITY, Some((403, "{\"error\"")));
    check("500", ENTITY, Some((500, "{\"error\"")));
    check("too_much", ENTITY, Some((500, "{\"error\":{\"code\":1,")));
    check("368", ENTITY, Some((400, "{\"error\":{\"code\":368,")));
    check("login", TILE, Some((302, "")));
    check("html", TILE, Some((200, "<!DOCTYPE")));
    check("envelope", ENTITY, Some((200, "{\"error\"")));
    check("empty", TILE, Some((200, "")));
    check("404", TILE, Some((404, "")));
    check("502", ENTITY, Some((502, "<html>")));
    check("503", ENTITY, Some((503, "<html>")));
    check("cut", ENTITY, None);
    check("reset", ENTITY, None);
    check("slow", ENTITY, Some((200, "{\"captured_at\":1716026400000,\"id\":\"100\"}")));
    check("drip", ENTITY, Some((200, "{\"captured_at\":1716026400000,\"id\":\"100\"}")));
}

#[test]
fn a_body_cut_without_a_length_ends_early_and_nobody_says_so() {
    run(async {
        let simulator = simulator("cut_open:1").await;
        let (status, body) = get(&client(), &simulator, TILE).await.unwrap();
        assert_eq!((status, body.len()), (200, simulator.requests()[0].bytes / 2));
        simulator.stop().await;
    });
}

#[test]
fn slow_answers_wait_and_throttles_say_how_long() {
    run(async {
        let simulator = simulator("slow:1x,drip:1x,429:1x,503:1,pause_ms=40,retry_after_s=7").await;
        let client = client();
        for _ in 0..2 {
            let begun = Instant::now();
            assert_eq!(get(&client, &simulator, ENTITY).await.unwrap().0, 200);
            assert!(begun.elapsed() >= Duration::from_millis(40), "a pause is a lower bound, so no race");
        }
        for status in [429, 503] {
            let request = client.get(format!("{}{ENTITY}", simulator.base_url()));
            let reply = request.header("Authorization", format!("OAuth {TOKEN}")).send().await.unwrap();
            assert_eq!((reply.status().as_u16(), &reply.headers()["retry-after"].to_str().unwrap()), (status, &"7"));
        }
        simulator.stop().await;
    });
}

#[test]
fn packed_bodies_unpack_to_the_same() {
    run(async {
        let mut bodies = Vec::new();
        for packing in ["off", "on", "bare"] {
            let simulator = simulator(&format!("gzip={packing}")).await;
            let (_, tile) = get(&client(), &simulator, TILE).await.unwrap();
            bodies.push((tile, simulator.requests()[0].bytes));
            simulator.stop().await;
        }
        assert_eq!(bodies[0].0, bodies[1].0, "an announced packing is the client's to undo");
        assert!(bodies[1].1 < bodies[0].1, "{} bytes were sent", bodies[1].1);
        assert!(bodies[2].0.starts_with(&[0x1f, 0x8b]), "a bare member is nobody's");
    });
}

#[test]
fn many_clients_at_once_are_all_answered() {
    run(async {
        let simulator = Arc::new(simulator("").await);
        let client = client();
        let mut asked = JoinSet::new();
        for k in 0..200 {
            let (client, simulator) = (client.clone(), Arc::clone(&simulator));
            asked.spawn(async move { get(&client, &simulator, &format!("/{}", 100 + k % 60)).await.unwrap().0 });
        }
        let statuses = asked.join_all().await;
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 170);
        assert_eq!(simulator.requests().len(), 200);
    });
}

#[test]
fn a_stopped_simulator_lets_go_of_its_port_and_its_clients() {
    run(async {
        let simulator = simulator("").await;
        let address = simulator.base_url().trim_start_matches("http://").to_owned();
        let mut idle = TcpStream::connect(&address).await.unwrap();
        idle.write_all(b"GET /100 HTTP/1.1\r\n").await.unwrap();
        simulator.stop().await;
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(5), idle.read_to_end(&mut rest)).await;
        assert!(ended.is_ok() && rest.is_empty(), "an open connection is closed");
        assert!(TcpStream::connect(&address).await.is_err(), "nobody listens any more");
        let port = address.rsplit(':').next().unwrap().parse().unwrap();
        let again = start(entities(), SimulatorSettings { port, ..Default::default() }).await.unwrap();
        let taken = start(entities(), SimulatorSettings { port, ..Default::default() }).await;
        assert!(taken.err().unwrap().to_string().contains("choose another port"));
        again.stop().await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever arrives, the server goes on for everybody else.
    #[test]
    fn nonsense_on_one_connection_harms_no_other(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        cut in 0..120_usize,
        at in 0..120_usize,
    ) {
        let mut mutated = format!("GET {TILE} HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n").into_bytes();
        let at = at.min(mutated.len());
        let end = (at + cut).min(mutated.len());
        mutated.splice(at..end, bytes.iter().copied().take(20));
        run(async {
            let simulator = simulator("").await;
            let address = simulator.base_url().trim_start_matches("http://").to_owned();
            for nonsense in [&bytes, &mutated] {
                let mut stream = TcpStream::connect(&address).await.unwrap();
                let _ = stream.write_all(nonsense).await;
                let _ = stream.shutdown().await;
                let mut answer = Vec::new();
                let ended = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await;
                assert!(ended.is_ok(), "the server hangs on {nonsense:?}");
                assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 "), "{answer:?}");
            }
            assert_eq!(get(&client(), &simulator, ENTITY).await.unwrap().0, 200);
            simulator.stop().await;
        });
    }
}

#[test]
fn the_feed_wants_a_token_of_its_own_and_moves_its_clock() {
    run(async {
        let key = "aaa";
        let feeds = serde_json::from_value(json!({
            "users": [{"id": "7", "username": "anna", "readable_from": {key: 1}, "in_tiles_from": {key: 2},
                       "uploads": [{"cluster_id": "5", "steps": [{"after": 1, "set": {"status": "FINISHED"}}]}]}],
            "me": "anna",
        }))
        .unwrap();
        let settings = SimulatorSettings { feeds: Some(feeds), ..Default::default() };
        let simulator = start(entities(), settings).await.unwrap();
        let client = client();
        let feed = format!(
            "/graphql?doc=query%20getLatestActivity(&variables=%7B%22id%22:%227%22%7D&access_token=MLY%7C2%7C{}",
            "f".repeat(32)
        );
        let ask = async |token: bool| {
            let mut request = client.get(format!("{}{feed}", simulator.base_url()));
            if token {
                request = request.header("Authorization", format!("OAuth {TOKEN}"));
            }
            let reply = request.send().await.unwrap();
            (reply.status().as_u16(), reply.text().await.unwrap())
        };
        let readable = async || get(&client, &simulator, ENTITY).await.unwrap().0 == 200;
        let in_tiles = async || get(&client, &simulator, TILE).await.unwrap().0 == 200;
        assert_eq!((readable().await, in_tiles().await), (false, false));
        assert_eq!(ask(true).await.0, 401, "the token of the other side");
        assert!(!ask(false).await.1.contains("FINISHED"));
        assert!(!readable().await);
        assert!(ask(false).await.1.contains("FINISHED"));
        assert_eq!((readable().await, in_tiles().await), (true, false));
        simulator.next_round();
        assert_eq!((readable().await, in_tiles().await), (true, true));
        let (status, me) = get(&client, &simulator, "/me?fields=id,username").await.unwrap();
        assert_eq!((status, me), (200, br#"{"id":"7","username":"anna"}"#.to_vec()));
        simulator.stop().await;
    });
}

#[test]
fn without_a_script_every_sequence_is_a_finished_upload() {
    run(async {
        let mut entities = entities();
        entities.iter_mut().for_each(|entity| entity["creator"] = json!({"id": "7", "username": "anna"}));
        let simulator = start(entities, SimulatorSettings::default()).await.unwrap();
        let url = format!(
            "{}/graphql?doc=query%20getLatestActivity(&variables=%7B%22id%22:%227%22%7D&access_token=MLY%7C2%7C{}",
            simulator.base_url(),
            "f".repeat(32)
        );
        let text = client().get(url).send().await.unwrap().text().await.unwrap();
        assert!(text.contains("\"image_id\":\"100\"") && text.contains("\"item_count\":50"), "{text}");
        simulator.stop().await;
    });
}
