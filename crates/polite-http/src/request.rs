//! What is asked and what is answered.

use crate::{Reading, RedactedUrl, Reply, Secret, StoreKey, WireRequest};
use std::sync::Arc;
use url::{Host, Url};

/// Where the token travels.
#[derive(Debug, Clone)]
pub enum Auth {
    /// No token is needed.
    None,
    /// A token is needed and there is none: such a request is answered from the store or not at all.
    Missing,
    /// `Authorization: scheme token`.
    Header {
        /// Word before the token.
        scheme: &'static str,
        /// The token.
        token: Secret,
    },
    /// Query parameter.
    Query {
        /// Name of the parameter.
        name: &'static str,
        /// The token.
        token: Secret,
    },
}

/// How a request uses the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum StoreUse {
    /// A fresh answer is taken from the store; a new one is kept.
    #[default]
    Normal,
    /// Like `Normal`, but an answer of this kind is not good enough (offline it is).
    UnlessKind(&'static str),
    /// Like `Normal`, but an answer fetched before this moment (ms since the Unix epoch) is not good enough (offline it
    /// is). Whoever polls asks so: each round anew, and after a kill the rest of the round only.
    Since(i64),
    /// The store is not read and not written.
    Bypass,
}

/// One question (a GET).
#[derive(Debug, Clone)]
pub struct Request {
    /// Without any token.
    pub url: Url,
    /// The token.
    pub auth: Auth,
    /// Label under which it is counted.
    pub endpoint: &'static str,
    /// Name of the quota that it draws on.
    pub quota: &'static str,
    /// Cap on the body, decompressed, in bytes.
    pub largest_body: usize,
    /// True when the caller can ask for less: a second timeout then ends the request as too much.
    pub divisible: bool,
    /// True when a cut body would look whole to the classification. A reply without length or framing is then asked
    /// for again until two agree.
    pub confirm_open_end: bool,
    /// Tries in all, if fewer than the policy grants: a question that is itself a second attempt needs little patience.
    pub most_tries: u32,
    /// How the store is used.
    pub store_use: StoreUse,
}

impl Request {
    /// The key of the store. Parameters are sorted, so that their order does not matter.
    pub fn key(&self) -> StoreKey {
        let mut pairs: Vec<_> = self.url.query_pairs().into_owned().collect();
        pairs.sort();
        let mut url = self.url.clone();
        url.set_fragment(None);
        if pairs.is_empty() {
            url.set_query(None);
        } else {
            url.query_pairs_mut().clear().extend_pairs(pairs);
        }
        StoreKey(format!("{} {url}", self.endpoint))
    }

    /// The URL that people may see.
    pub fn shown(&self) -> RedactedUrl {
        RedactedUrl::new(&self.url)
    }

    pub(crate) fn token(&self) -> Option<&Secret> {
        match &self.auth {
            Auth::Header { token, .. } | Auth::Query { token, .. } => Some(token),
            Auth::None | Auth::Missing => None,
        }
    }

    /// The one place where the token joins the request.
    pub(crate) fn wire(&self) -> WireRequest {
        let mut url = self.url.clone();
        let authorization = match &self.auth {
            Auth::Query { name, token } => {
                url.query_pairs_mut().append_pair(name, token.expose());
                None
            }
            Auth::Header { scheme, token } => Some((*scheme, token.clone())),
            Auth::None | Auth::Missing => None,
        };
        WireRequest { url, authorization, largest_body: self.largest_body }
    }
}

/// Where an answer came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Asked for now.
    Service,
    /// Kept from an earlier time.
    Store,
}

/// An accepted answer. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What the classification called it.
    pub kind: Arc<str>,
    /// HTTP status.
    pub status: u16,
    /// When it was fetched: milliseconds since the Unix epoch.
    pub fetched_at_ms: i64,
    /// The body, scrubbed of the token.
    pub body: Arc<Vec<u8>>,
    /// Where it came from.
    pub source: Source,
}

/// Says what a reply means. The caller knows the service; this crate does not.
pub trait Classify: Send + Sync {
    /// Reads status, headers and body.
    fn classify(&self, reply: &Reply) -> Reading;
}

impl<F: Fn(&Reply) -> Reading + Send + Sync> Classify for F {
    fn classify(&self, reply: &Reply) -> Reading {
        self(reply)
    }
}

/// Whether a URL points to this machine, by address or by the name `localhost`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether a URL may be asked at all: https, or http on loopback.
pub fn may_be_asked(url: &Url) -> bool {
    match url.scheme() {
        "https" => url.has_host(),
        "http" => is_loopback(url),
        _ => false,
    }
}
