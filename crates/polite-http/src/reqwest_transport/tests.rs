//! The wire against a lying server on loopback: one raw answer per connection, byte for byte.

use super::*;
use crate::Secret;
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Pieces of a raw answer with a pause before each.
type Pieces = Vec<(u64, Vec<u8>)>;

struct LyingServer {
    url: Url,
    heard: Arc<Mutex<Vec<String>>>,
}

impl LyingServer {
    async fn start(pieces: Pieces) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/tile?a=b", listener.local_addr().unwrap())).unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let log = heard.clone();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut head = Vec::new();
                let mut buffer = [0; 4096];
                while !head.windows(4).any(|four| four == b"\r\n\r\n") {
                    match socket.read(&mut buffer).await {
                        Ok(n) if n > 0 => head.extend_from_slice(&buffer[..n]),
                        _ => break,
                    }
                }
                log.lock().unwrap().push(String::from_utf8_lossy(&head).into_owned());
                for (pause_ms, piece) in &pieces {
                    tokio::time::sleep(Duration::from_millis(*pause_ms)).await;
                    if socket.write_all(piece).await.is_err() {
                        break;
                    }
                }
            }
        });
        Self { url, heard }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

fn limits() -> WireLimits {
    WireLimits {
        connect: Duration::from_secs(2),
        read: Duration::from_millis(300),
        total: Duration::from_millis(1_500),
        least_bytes_per_second: 1_000,
        slow_window: Duration::from_millis(400),
    }
}

async fn send(url: Url, largest_body: usize) -> Result<Reply, TransportFault> {
    let transport = ReqwestTransport::new("tiepoint-test", limits()).unwrap();
    let token = Secret::new("canary-token");
    transport.send(&WireRequest { url, authorization: Some(("OAuth", token)), largest_body }).await
}

async fn send_raw(answer: &[u8]) -> Result<Reply, TransportFault> {
    let server = LyingServer::start(vec![(0, answer.to_vec())]).await;
    let result = send(server.url.clone(), 1_000).await;
    assert_eq!(server.heard().len(), 1, "each request is sent exactly once");
    result
}

#[tokio::test]
async fn a_plain_answer_arrives_with_its_headers() {
    let server =
        LyingServer::start(vec![(0, b"HTTP/1.1 200 OK\r\nX-App-Usage: {}\r\nContent-Length: 4\r\n\r\ntile".to_vec())])
            .await;
    let reply = send(server.url.clone(), 4).await.unwrap();
    assert_eq!((reply.status, reply.body.as_slice(), reply.open_ended), (200, b"tile".as_slice(), false));
    assert_eq!(reply.header("x-app-usage"), Some("{}"));
    let heard = server.heard().remove(0).to_lowercase();
    assert!(
        heard.contains("authorization: oauth canary-token") && heard.contains("user-agent: tiepoint-test"),
        "{heard}"
    );
    assert!(heard.contains("accept-encoding: gzip") && !heard.contains("referer"), "{heard}");
}

#[tokio::test]
async fn cut_bodies_are_noticed_or_marked() {
    let broken =
        |result: Result<Reply, TransportFault>| assert!(matches!(result, Err(TransportFault::Broken(_))), "{result:?}");
    broken(send_raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").await);
    broken(send_raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n").await);
    broken(send_raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\nnot gzip at ").await);
    broken(send_raw(b"").await);
    broken(send_raw(b"garbage\r\n\r\n").await);
    let open = send_raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf").await.unwrap();
    assert_eq!((open.body.as_slice(), open.open_ended), (b"half".as_slice(), true));
    assert!(!send_raw(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap().open_ended);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let elsewhere = LyingServer::start(vec![(0, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec())]).await;
    let location = format!("HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n", elsewhere.url);
    let server = LyingServer::start(vec![(0, location.into_bytes())]).await;
    assert_eq!(send(server.url.clone(), 1_000).await.unwrap().status, 302);
    assert_eq!(elsewhere.heard(), Vec::<String>::new());
}

#[tokio::test]
async fn bodies_end_at_their_cap_also_after_gzip() {
    let cap = Err(TransportFault::TooLarge { cap: 1_000 });
    let long = [b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n".as_slice(), &[b'x'; 1_001]].concat();
    assert_eq!(send_raw(&long).await, cap);
    let exact = [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n".as_slice(), &[b'x'; 1_000]].concat();
    assert_eq!(send_raw(&exact).await.unwrap().body.len(), 1_000);
    // A gzip member of stored blocks of zeros would be as long as its content; this one is 10 MB of zeros in 10 kB.
    let bomb = gzip_of_zeros(10_000_000);
    assert!(bomb.len() < 20_000, "{}", bomb.len());
    let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", bomb.len());
    assert_eq!(send_raw(&[head.as_bytes(), &bomb].concat()).await, cap);
}

fn gzip_of_zeros(n_bytes: usize) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![0; n_bytes]).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn silence_and_dripping_end_in_time() {
    let timed_out = |result: Result<Reply, TransportFault>| {
        assert!(matches!(result, Err(TransportFault::Timeout(_))), "{result:?}");
    };
    let silent = LyingServer::start(vec![(60_000, Vec::new())]).await;
    timed_out(send(silent.url.clone(), 1_000).await);
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n".to_vec();
    let drip = std::iter::once((0, head)).chain((0..900).map(|_| (50, vec![b'x']))).collect();
    let dripping = LyingServer::start(drip).await;
    let result = send(dripping.url.clone(), 1_000).await;
    assert_eq!(result, Err(TransportFault::Timeout("slower than 1000 bytes a second".to_owned())));
}

#[tokio::test]
async fn no_fault_tells_the_url_or_the_token() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url = Url::parse(&format!("http://{closed}/secret-path?access_token=canary-token")).unwrap();
    let fault = send(url, 10).await.unwrap_err();
    assert!(matches!(&fault, TransportFault::Unreachable(_)), "{fault:?}");
    for word in ["secret-path", "canary-token"] {
        assert!(!format!("{fault:?}").contains(word), "{fault:?}");
    }
    for url in ["http://169.254.169.254/latest", "http://example.org/", "ftp://127.0.0.1/"] {
        assert_eq!(send(Url::parse(url).unwrap(), 10).await, Err(TransportFault::Forbidden), "{url}");
    }
    let unsendable = WireRequest {
        url: Url::parse("http://127.0.0.1:9/").unwrap(),
        authorization: Some(("OAuth", Secret::new("a\nb"))),
        largest_body: 1,
    };
    let transport = ReqwestTransport::new("tiepoint-test", limits()).unwrap();
    assert_eq!(transport.send(&unsendable).await, Err(TransportFault::Forbidden));
}

/// Runs a test of this file again, as a child with variables of its own.
async fn run_again(name: &str, variables: Vec<(&'static str, String)>) {
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args([format!("reqwest_transport::tests::{name}").as_str(), "--exact"]);
    child.env_remove("NO_PROXY").env_remove("no_proxy").envs(variables);
    let ended = tokio::task::spawn_blocking(move || child.output().unwrap()).await.unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
}

#[tokio::test]
async fn a_machine_without_certificates_can_talk_to_itself() {
    if let Ok(target) = std::env::var("POLITE_HTTP_TEST_TARGET") {
        assert_eq!(send(Url::parse(&target).unwrap(), 1_000).await.unwrap().body, b"direct");
        let outside = send(Url::parse("https://tiles.service.invalid/").unwrap(), 1_000).await.unwrap_err();
        let TransportFault::Unreachable(words) = outside else { panic!("{outside:?}") };
        assert!(words.contains("No CA certificates were loaded"), "{words}");
        return;
    }
    let direct = LyingServer::start(vec![(0, b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ndirect".to_vec())]).await;
    let nowhere = || "/nowhere/at/all".to_owned();
    let variables = vec![
        ("POLITE_HTTP_TEST_TARGET", direct.url.to_string()),
        ("SSL_CERT_FILE", nowhere()),
        ("SSL_CERT_DIR", nowhere()),
    ];
    run_again("a_machine_without_certificates_can_talk_to_itself", variables).await;
    assert_eq!(direct.heard().len(), 1);
}

/// The proxy variables belong to a process, so this test runs itself as a child that has them set.
#[tokio::test]
async fn proxies_are_honoured_except_for_loopback() {
    if let Ok(target) = std::env::var("POLITE_HTTP_TEST_TARGET") {
        assert_eq!(send(Url::parse(&target).unwrap(), 1_000).await.unwrap().body, b"direct");
        let outside = Url::parse("https://tiles.service.invalid/2/14/1/2?access_token=canary-token").unwrap();
        let fault = send(outside, 1_000).await.unwrap_err();
        assert!(matches!(fault, TransportFault::Unreachable(_)), "{fault:?}");
        return;
    }
    let direct = LyingServer::start(vec![(0, b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ndirect".to_vec())]).await;
    let proxy = LyingServer::start(vec![(0, b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n".to_vec())]).await;
    let address = format!("http://{}", proxy.url.authority());
    let proxies = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"];
    let mut variables: Vec<_> = proxies.into_iter().map(|variable| (variable, address.clone())).collect();
    variables.push(("POLITE_HTTP_TEST_TARGET", direct.url.to_string()));
    run_again("proxies_are_honoured_except_for_loopback", variables).await;
    assert_eq!(direct.heard().len(), 1);
    let heard = proxy.heard();
    if heard.is_empty() && rustls_finds_no_certificates().await {
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED proxies_are_honoured_except_for_loopback: this machine has no CA certificates"
        );
        return;
    }
    assert!(
        !heard.is_empty() && heard.iter().all(|head| head.starts_with("CONNECT tiles.service.invalid:443")),
        "{heard:?}"
    );
    assert!(!format!("{heard:?}").contains("canary-token"), "{heard:?}");
}

async fn rustls_finds_no_certificates() -> bool {
    let outside = send(Url::parse("https://127.0.0.1:9/").unwrap(), 1).await;
    matches!(outside, Err(TransportFault::Unreachable(words)) if words.contains("No CA certificates"))
}
