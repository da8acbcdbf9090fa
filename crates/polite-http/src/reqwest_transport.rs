//! The real transport: the only file that knows reqwest.
//!
//! One request, one reply. Redirects are not followed and no `Referer` is sent (a redirect would carry the token to
//! another host), nothing is retried here, and no error text of the library leaves this file, because it holds the
//! whole URL. The body is read in chunks up to its cap, counted after decompression, so that half a megabyte of gzip
//! cannot become a gigabyte of memory.
//!
//! Plain HTTP on loopback has its own inner client, which knows neither proxies nor certificates, so that a machine
//! without any CA certificate can still talk to itself. The others are built when they are first needed.

use crate::speed::SpeedWatch;
use crate::{InvalidSetup, Reply, ReplyFuture, Transport, TransportFault, WireRequest, is_loopback, may_be_asked};
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderValue, TRANSFER_ENCODING};
use std::error::Error;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// Limits of one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WireLimits {
    /// To open a connection.
    pub connect: Duration,
    /// Between two pieces of a reply.
    pub read: Duration,
    /// For the whole exchange.
    pub total: Duration,
    /// A body slower than this over `slow_window` is dropped; bytes per second.
    pub least_bytes_per_second: u64,
    /// See `least_bytes_per_second`.
    pub slow_window: Duration,
}

impl Default for WireLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            read: Duration::from_secs(30),
            total: Duration::from_mins(2),
            least_bytes_per_second: 1_000,
            slow_window: Duration::from_secs(20),
        }
    }
}

impl WireLimits {
    /// For a service on this machine, which has no network to wait for.
    pub fn for_loopback() -> Self {
        Self {
            connect: Duration::from_secs(5),
            read: Duration::from_secs(10),
            total: Duration::from_mins(1),
            slow_window: Duration::from_secs(10),
            ..Self::default()
        }
    }
}

/// A body grows by no more than this at a time.
const LARGEST_STEP: usize = 4 << 20;

/// HTTP over TLS (rustls with ring); plain HTTP on loopback only.
pub struct ReqwestTransport {
    user_agent: String,
    limits: WireLimits,
    plain_loopback: reqwest::Client,
    /// Never through a proxy.
    secure_loopback: OnceLock<Result<reqwest::Client, String>>,
    /// Through the proxy that the standard variables name.
    outside: OnceLock<Result<reqwest::Client, String>>,
}

impl ReqwestTransport {
    /// Builds the transport. `user_agent` names the program to the service.
    pub fn new(user_agent: &str, limits: WireLimits) -> Result<Self, InvalidSetup> {
        // Another part of the process may have installed a provider; then that one serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let plain_loopback = builder(user_agent, limits).no_proxy().tls_certs_only([]);
        let plain_loopback = built(plain_loopback).map_err(|detail| InvalidSetup::Http { detail })?;
        let (secure_loopback, outside) = (OnceLock::new(), OnceLock::new());
        Ok(Self { user_agent: user_agent.to_owned(), limits, plain_loopback, secure_loopback, outside })
    }

    fn client(&self, url: &Url) -> Result<&reqwest::Client, TransportFault> {
        let secure = || builder(&self.user_agent, self.limits).https_only(true);
        let client = match (is_loopback(url), url.scheme()) {
            (true, "http") => return Ok(&self.plain_loopback),
            (true, _) => self.secure_loopback.get_or_init(|| built(secure().no_proxy())),
            (false, _) => self.outside.get_or_init(|| built(secure())),
        };
        client.as_ref().map_err(|detail| TransportFault::Unreachable(detail.clone()))
    }

    async fn exchange(&self, request: &WireRequest) -> Result<Reply, TransportFault> {
        if !may_be_asked(&request.url) {
            return Err(TransportFault::Forbidden);
        }
        let mut sending = self.client(&request.url)?.get(request.url.clone());
        if let Some((scheme, token)) = &request.authorization {
            let text = zeroize::Zeroizing::new(format!("{scheme} {}", token.expose()));
            let mut value = HeaderValue::from_str(&text).map_err(|_| TransportFault::Forbidden)?;
            value.set_sensitive(true);
            sending = sending.header(AUTHORIZATION, value);
        }
        let mut response = sending.send().await.map_err(fault)?;
        let framed = response.version() >= reqwest::Version::HTTP_2
            || response.headers().contains_key(CONTENT_LENGTH)
            || response.headers().contains_key(TRANSFER_ENCODING)
            || response.content_length() == Some(0);
        let mut reply = Reply {
            status: response.status().as_u16(),
            headers: readable(response.headers()),
            body: Vec::new(),
            open_ended: !framed,
        };
        let first_byte = Instant::now();
        let mut watch = SpeedWatch::new(self.limits.slow_window, self.limits.least_bytes_per_second);
        while let Some(chunk) = response.chunk().await.map_err(fault)? {
            if reply.body.len() + chunk.len() > request.largest_body {
                return Err(TransportFault::TooLarge { cap: request.largest_body });
            }
            if watch.is_too_slow(first_byte.elapsed(), chunk.len()) {
                let rate = self.limits.least_bytes_per_second;
                return Err(TransportFault::Timeout(format!("slower than {rate} bytes a second")));
            }
            // Doubling would take twice the size of a large body.
            if reply.body.capacity() < reply.body.len() + chunk.len() {
                reply.body.reserve_exact(chunk.len().max(reply.body.len().min(LARGEST_STEP)));
            }
            reply.body.extend_from_slice(&chunk);
        }
        Ok(reply)
    }
}

impl Transport for ReqwestTransport {
    fn send<'a>(&'a self, request: &'a WireRequest) -> ReplyFuture<'a> {
        Box::pin(self.exchange(request))
    }
}

fn builder(user_agent: &str, limits: WireLimits) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(user_agent)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .connect_timeout(limits.connect)
        .read_timeout(limits.read)
        .timeout(limits.total)
        .pool_max_idle_per_host(16)
}

fn built(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, String> {
    builder.build().map_err(|error| reasons(&error.without_url()))
}

fn readable(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
    headers.iter().filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?))).collect()
}

/// A timeout inside a body calls itself a decoding error too, so it is looked for first.
fn fault(error: reqwest::Error) -> TransportFault {
    let error = error.without_url();
    let words = reasons(&error);
    match () {
        () if error.is_timeout() => TransportFault::Timeout(words),
        () if error.is_connect() => TransportFault::Unreachable(words),
        () => TransportFault::Broken(words),
    }
}

/// The last of the chain of causes is the one that says something.
fn reasons(error: &reqwest::Error) -> String {
    let mut last: &dyn Error = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last.to_string()
}

#[cfg(test)]
mod tests;
