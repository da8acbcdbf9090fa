//! The real transport: the only file that knows reqwest.
//!
//! One request, one reply. Redirects are not followed and no `Referer` is sent (a redirect would carry the token to
//! another host), nothing is retried here, and no error text of the library leaves this file, because it holds the
//! whole URL. The body is read in chunks up to its cap, counted after decompression, so that half a megabyte of gzip
//! cannot become a gigabyte of memory. Two inner clients: one for loopback, which never uses a proxy, and one for
//! everything else, which honours the standard proxy variables.

use crate::speed::SpeedWatch;
use crate::{InvalidSetup, Reply, ReplyFuture, Transport, TransportFault, WireRequest, is_loopback, may_be_asked};
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, HeaderValue, TRANSFER_ENCODING};
use std::error::Error;
use std::time::Duration;
use tokio::time::Instant;

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

/// HTTP over TLS (rustls with ring); plain HTTP on loopback only.
pub struct ReqwestTransport {
    loopback: reqwest::Client,
    outside: reqwest::Client,
    limits: WireLimits,
}

impl ReqwestTransport {
    /// Builds the inner clients. `user_agent` names the program to the service.
    pub fn new(user_agent: &str, limits: WireLimits) -> Result<Self, InvalidSetup> {
        // Another part of the process may have installed a provider; then that one serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || {
            reqwest::Client::builder()
                .user_agent(user_agent)
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .retry(reqwest::retry::never())
                .connect_timeout(limits.connect)
                .read_timeout(limits.read)
                .timeout(limits.total)
                .pool_max_idle_per_host(16)
        };
        let failed = |error: reqwest::Error| InvalidSetup::Http { detail: reasons(&error.without_url()) };
        let loopback = builder().no_proxy().build().map_err(failed)?;
        let outside = builder().https_only(true).build().map_err(failed)?;
        Ok(Self { loopback, outside, limits })
    }

    async fn exchange(&self, request: &WireRequest) -> Result<Reply, TransportFault> {
        if !may_be_asked(&request.url) {
            return Err(TransportFault::Forbidden);
        }
        let client = if is_loopback(&request.url) { &self.loopback } else { &self.outside };
        let mut sending = client.get(request.url.clone());
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
