//! The token is on the wire and nowhere else: runs that meet every kind of failure, over a service that repeats the token in
//! each answer, plain, percent-encoded and in base64; then everything that they said and left on the disk is searched.

use crate::support::{run, tiepoint};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

const TOKEN: &str = "MLY|4223665974375089|deadbeefcafe0123deadbeefcafe0123";
/// What no output may hold: the token's heart, whole and in base64 (wherever it begins), and the token as a URL has it.
fn canaries() -> Vec<String> {
    let core = "deadbeefcafe0123deadbeefcafe0123";
    let mut canaries = vec![core.to_owned(), "deadbeefcafe0123".to_owned(), "4223665974375089%7C".to_owned()];
    for text in [core, TOKEN] {
        for before in ["", "x", "xx"] {
            let encoded = STANDARD.encode(format!("{before}{text}yyy"));
            canaries.push(encoded[4..encoded.len() - 8].to_owned());
        }
    }
    canaries
}

const TABLE: &str =
    "path,lat,lon,captured_at\nr/a.jpg,0.01,0.01,2024-05-18T10:00:00Z\nr/b.jpg,0.01,0.0101,2024-05-18T10:00:01Z\n";

/// The token in every dress.
fn echo() -> String {
    let percent: String = url::form_urlencoded::byte_serialize(TOKEN.as_bytes()).collect();
    let json = TOKEN.replace('|', "\\u007c");
    format!("{TOKEN} {percent} {} {} {}", json, STANDARD.encode(TOKEN), URL_SAFE_NO_PAD.encode(format!("x{TOKEN}")))
}

/// A raw answer: a status, headers that repeat the token, a body.
fn answer(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let echo = echo();
    let head = format!(
        "HTTP/1.1 {status} {TOKEN}\r\nX-Echo: {echo}\r\nSet-Cookie: token={TOKEN}\r\n{headers}Connection: close\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn envelope(status: u16, code: i64) -> Vec<u8> {
    let body = format!("{{\"error\":{{\"message\":\"{} {code}\",\"type\":\"{TOKEN}\",\"code\":{code}}}}}", echo());
    answer(status, "", body.as_bytes())
}

/// A tile with one sequence of two images beside the photos; its key is not the token's.
fn sound_tile() -> Vec<u8> {
    use capture_model::Position;
    use coverage_tile::{Dialect, ImageFeature, encode};
    let image = |id: u64, lon: f64| ImageFeature {
        id,
        sequence_id: "QztYSJSr-EanBuImZ1ClSw".to_owned(),
        captured_at_ms: Some(1_716_026_400_000 + id as i64 * 1_000),
        position: Position::from_lon_lat(lon, 0.01).unwrap(),
        compass_angle_deg: None,
        is_pano: None,
        creator_id: None,
        organization_id: None,
    };
    let tile = "14/8192/8191".parse().unwrap();
    answer(200, "", &encode(tile, &[image(0, 0.01), image(1, 0.0101)], &[], &Dialect::default()))
}

/// What the service answers: to tiles, to the Graph side.
struct Scenario {
    name: &'static str,
    tile: Vec<u8>,
    graph: Vec<u8>,
}

/// Every class of failure on either side; a page of images whose links and texts repeat the token among them.
fn scenarios() -> Vec<Scenario> {
    let echo = echo();
    let images = format!(
        r#"{{"data":[{{"id":"7","sequence":"QztYSJSr-EanBuImZ1ClSw","make":"{TOKEN}","model":"{echo}","captured_at":1716026400000,
        "geometry":{{"type":"Point","coordinates":[0.01,0.01]}}}},{{"id":"{TOKEN}"}},{{"id":8,"sequence":"{TOKEN}"}}],
        "paging":{{"next":"http://127.0.0.1:9/images?after=x&access_token={TOKEN}","cursors":{{"after":"{TOKEN}"}}}}}}"#
    );
    let failures: Vec<(&'static str, Vec<u8>)> = vec![
        ("no token", envelope(500, 190)),
        ("an expired token", envelope(400, 190)),
        ("an unknown token", envelope(401, 190)),
        ("a session", envelope(400, 102)),
        ("a bare 401", answer(401, "", echo.as_bytes())),
        ("no permission", envelope(403, 10)),
        ("another permission", envelope(400, 200)),
        ("a bare 403", answer(403, "", echo.as_bytes())),
        ("blocked", envelope(400, 368)),
        ("the application's limit", envelope(403, 4)),
        ("the user's limit", envelope(400, 17)),
        ("this call's limit", envelope(400, 613)),
        ("429", answer(429, "Retry-After: 0\r\n", echo.as_bytes())),
        ("429, told the token to wait", answer(429, &format!("Retry-After: {TOKEN}\r\n"), b"")),
        ("a redirect with the token", answer(302, &format!("Location: https://x.example/?t={TOKEN}\r\n"), b"")),
        ("gone", envelope(400, 100)),
        ("a bare 404", answer(404, "", echo.as_bytes())),
        ("a bad question", envelope(400, 2500)),
        ("unknown", envelope(500, 1)),
        ("temporary", envelope(500, 2)),
        ("a strange code", envelope(418, 999_999)),
        ("502", answer(502, "Content-Type: text/html\r\n", echo.as_bytes())),
        ("503", answer(503, "Retry-After: 0\r\n", echo.as_bytes())),
        ("200 with an envelope", envelope(200, 2)),
        ("200 with a page", answer(200, "Content-Type: text/html\r\n", format!("<html>{echo}").as_bytes())),
        ("200 with text", answer(200, "", echo.as_bytes())),
        ("200 with broken JSON", answer(200, "", format!("{{\"data\":[{{\"id\":\"{echo}").as_bytes())),
        ("200 with other JSON", answer(200, "", format!("[\"{TOKEN}\"]").as_bytes())),
        ("200 with gzip that is none", answer(200, "Content-Encoding: gzip\r\n", echo.as_bytes())),
        ("no HTTP", format!("{echo}\r\n\r\n").into_bytes()),
        ("no length", format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{echo}").into_bytes()),
        ("cut short", format!("HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n{echo}").into_bytes()),
        ("nothing at all", Vec::new()),
    ];
    let sound = answer(200, "", images.as_bytes());
    let mut all = vec![Scenario { name: "a sound answer", tile: sound_tile(), graph: sound.clone() }];
    for (name, failure) in failures {
        all.push(Scenario { name, tile: failure.clone(), graph: sound.clone() });
        all.push(Scenario { name, tile: sound_tile(), graph: failure });
    }
    all
}

fn serve(mut socket: TcpStream, scenario: &Scenario) -> std::io::Result<()> {
    let (mut head, mut buffer) = (Vec::new(), [0; 4096]);
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        match socket.read(&mut buffer)? {
            0 => return Ok(()),
            n => head.extend_from_slice(&buffer[..n]),
        }
    }
    let text = String::from_utf8_lossy(&head);
    let is_tile = text.starts_with("GET /maps/vtp/");
    // The token travels as the service wants it, and never twice.
    assert_eq!(text.contains("access_token=MLY%7C4223665974375089%7Cdead"), is_tile, "{text}");
    assert_eq!(text.to_lowercase().contains("authorization: oauth mly|"), !is_tile, "{text}");
    assert!(!text.to_lowercase().contains("referer"), "{text}");
    socket.write_all(if is_tile { &scenario.tile } else { &scenario.graph })
}

#[track_caller]
fn search(scenario: &str, place: &str, bytes: &[u8], canaries: &[String]) {
    for canary in canaries {
        if let Some(at) = memchr::memmem::find(bytes, canary.as_bytes()) {
            let from = at.saturating_sub(150);
            panic!("{scenario}: {place} holds the token: …{}", String::from_utf8_lossy(&bytes[from..at + 8]));
        }
    }
}

fn search_folder(scenario: &str, folder: &Path, canaries: &[String]) -> usize {
    let mut n_files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            n_files += search_folder(scenario, &path, canaries);
        } else if !path.ends_with("token.txt") {
            search(scenario, &path.display().to_string(), &std::fs::read(&path).unwrap(), canaries);
            n_files += 1;
        }
    }
    n_files
}

/// One run of a verb: what it said, what its process shows of itself, and what it left.
fn run_and_search(scenario: &Arc<Scenario>, verb: &[&str], canaries: &[String]) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = Arc::clone(scenario);
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let served = Arc::clone(&served);
            std::thread::spawn(move || serve(socket, &served));
        }
    });
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("photos.csv"), TABLE).unwrap();
    std::fs::write(folder.path().join("token.txt"), format!("{TOKEN}\n")).unwrap();
    let mut command = tiepoint(folder.path());
    command.args(verb).args(["--token-file", "token.txt", "-vv", "--silence", "0.5", "--max-requests", "6"]);
    command.args(["--graph-url", &url, "--tiles-url", &url]).env("RUST_LOG", "trace").env("RUST_BACKTRACE", "1");
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    for shown in ["cmdline", "environ", "comm"] {
        let bytes = std::fs::read(format!("/proc/{}/{shown}", child.id())).unwrap_or_default();
        search(scenario.name, shown, &bytes, canaries);
    }
    let output = child.wait_with_output().unwrap();
    search(scenario.name, "stdout", &output.stdout, canaries);
    search(scenario.name, "stderr", &output.stderr, canaries);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!told.contains("panicked") && output.status.code().is_some(), "{}: {told}", scenario.name);
    assert!(told.contains("asked"), "{}: the requests were logged: {told}", scenario.name);
    assert!(search_folder(scenario.name, folder.path(), canaries) >= 2);
}

#[test]
fn the_token_is_on_the_wire_and_nowhere_else() {
    let (canaries, scenarios) = (canaries(), scenarios());
    assert!(scenarios.len() >= 60, "{}", scenarios.len());
    let scenarios: Vec<Arc<Scenario>> = scenarios.into_iter().map(Arc::new).collect();
    let reconcile = ["reconcile", "photos.csv", "--user", "anna", "--progress", "plain"];
    std::thread::scope(|scope| {
        for part in scenarios.chunks(scenarios.len().div_ceil(8)) {
            let canaries = &canaries;
            scope.spawn(move || {
                for scenario in part {
                    let verb: &[&str] = if scenario.tile == sound_tile() { &reconcile[..4] } else { &reconcile[..2] };
                    run_and_search(scenario, verb, canaries);
                }
            });
        }
        for scenario in scenarios.iter().filter(|scenario| scenario.tile == sound_tile()).take(12) {
            run_and_search(scenario, &["doctor"], &canaries);
        }
    });
}

#[test]
fn a_token_on_the_command_line_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    run(tiepoint(folder.path()).args(["doctor", "--token", TOKEN]), 2);
}
