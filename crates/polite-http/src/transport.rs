//! How bytes travel: a request goes out, a capped reply or a fault comes back.

use crate::Secret;
use std::future::Future;
use std::pin::Pin;
use url::Url;

/// One request as it goes on the wire, token included: never printed, never kept.
pub struct WireRequest {
    /// With the token, when it travels in the query.
    pub url: Url,
    /// Value of the `Authorization` header: scheme word and token.
    pub authorization: Option<(&'static str, Secret)>,
    /// The body is cut off here, counted after decompression.
    pub largest_body: usize,
}

/// A reply, whatever its status.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Header names in lower case, with values that are valid UTF-8.
    pub headers: Vec<(String, String)>,
    /// The body, decompressed.
    pub body: Vec<u8>,
    /// True when neither a length nor a framing said where the body ends, so that a cut would have gone unnoticed.
    pub open_ended: bool,
}

impl Reply {
    /// The first header of that (lower-case) name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Why there is no reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransportFault {
    /// No connection: refused, no route, no such host, TLS.
    Unreachable(String),
    /// Nothing (more) came in time, or too slowly.
    Timeout(String),
    /// The connection broke, the body was cut or its compression is damaged.
    Broken(String),
    /// The body is longer than the request allows.
    TooLarge {
        /// The cap in bytes.
        cap: usize,
    },
    /// The URL may not be asked: plain http outside loopback, or not http at all.
    Forbidden,
}

/// What [`Transport::send`] returns.
pub type ReplyFuture<'a> = Pin<Box<dyn Future<Output = Result<Reply, TransportFault>> + Send + 'a>>;

/// Carries one request, exactly once: no redirects, no retries of its own.
pub trait Transport: Send + Sync {
    /// Sends the request and reads the reply to its end or its cap.
    fn send<'a>(&'a self, request: &'a WireRequest) -> ReplyFuture<'a>;
}
