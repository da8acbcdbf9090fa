//! Where the service is, who asks, how politely.

use crate::{ApiError, error::BadBaseUrl};
use polite_http::{Cancel, QuotaSettings, RequestLimit, RetryPolicy, Secret, WireLimits, is_loopback, may_be_asked};
use std::time::Duration;
use url::Url;

/// Tiles that the service allows an application in a day.
pub const TILES_PER_DAY: u64 = 50_000;
/// Entity requests that we allow ourselves in a day; the service only limits the minute (to 60,000).
pub const ENTITIES_PER_DAY: u64 = 200_000;
/// Searches that we allow ourselves in a day; the service only limits the minute (to 10,000).
pub const SEARCHES_PER_DAY: u64 = 100_000;

/// Tiles a minute when nothing else is said: some 370 a minute are met with a redirect to a login page.
const TILES_PER_MINUTE: u32 = 60;
const ENTITIES_PER_MINUTE: u32 = 600;
const SEARCHES_PER_MINUTE: u32 = 300;

/// Names of the quotas, as in the ledger of days.
pub(crate) const TILES: &str = "tiles";
pub(crate) const ENTITIES: &str = "entities";
pub(crate) const SEARCHES: &str = "searches";

/// How [`crate::Api`] reaches the service.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// Base of the Graph API.
    pub graph_url: Url,
    /// Base of the coverage tiles.
    pub tiles_url: Url,
    /// The access token. Without one, only what is stored is answered.
    pub token: Option<Secret>,
    /// Nothing is sent; stored answers of any age serve.
    pub offline: bool,
    /// Stored answers of earlier runs do not serve.
    pub refresh: bool,
    /// HTTP requests that may be sent, tries included; clones of these settings share it.
    pub max_requests: RequestLimit,
    /// Tiles a minute; also paces loopback, which is not paced otherwise.
    pub tile_rate_per_min: Option<u32>,
    /// The switch that stops the run.
    pub cancel: Cancel,
    /// Time limits of one exchange; `None` chooses them by where the service is.
    pub limits: Option<WireLimits>,
    /// How long a connection may be silent, in place of what `limits` says.
    pub silence: Option<Duration>,
    /// Bounds of trying again; `None` chooses them by where the service is.
    pub retry: Option<RetryPolicy>,
}

impl Default for ApiSettings {
    fn default() -> Self {
        let url = |text| Url::parse(text).expect("a constant that parses");
        Self {
            graph_url: url("https://graph.mapillary.com"),
            tiles_url: url("https://tiles.mapillary.com"),
            token: None,
            offline: false,
            refresh: false,
            max_requests: RequestLimit::default(),
            tile_rate_per_min: None,
            cancel: Cancel::default(),
            limits: None,
            silence: None,
            retry: None,
        }
    }
}

/// Reads a base URL: https, or http on loopback; a path is allowed, anything else in it is not.
///
/// ```
/// use mapillary_api::base_url;
/// assert!(base_url("http://127.0.0.1:8080/").is_ok());
/// assert!(base_url("http://graph.example").is_err());
/// ```
pub fn base_url(text: &str) -> Result<Url, ApiError> {
    let refused = |why| ApiError::BaseUrl { text: text.chars().take(100).collect(), why };
    let url = Url::parse(text.trim()).map_err(|_| refused(BadBaseUrl::NotAUrl))?;
    check_base(&url).map_err(refused)?;
    Ok(url)
}

impl ApiSettings {
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        for url in [&self.graph_url, &self.tiles_url] {
            check_base(url)
                .map_err(|why| ApiError::BaseUrl { text: polite_http::RedactedUrl::new(url).to_string(), why })?;
        }
        match &self.token {
            Some(token) if !self.offline && !token.is_sendable() => Err(ApiError::TokenMalformed),
            _ => Ok(()),
        }
    }

    pub(crate) fn retry(&self) -> RetryPolicy {
        let by_place = || if self.is_on_this_machine() { RetryPolicy::for_loopback() } else { RetryPolicy::default() };
        self.retry.unwrap_or_else(by_place)
    }

    pub(crate) fn wire_limits(&self) -> WireLimits {
        let by_place = || if self.is_on_this_machine() { WireLimits::for_loopback() } else { WireLimits::default() };
        let limits = self.limits.unwrap_or_else(by_place);
        let Some(silence) = self.silence else { return limits };
        WireLimits {
            connect: limits.connect.min(silence),
            read: silence,
            total: limits.total.max(silence * 4),
            slow_window: limits.slow_window.min(silence),
            ..limits
        }
    }

    fn is_on_this_machine(&self) -> bool {
        is_loopback(&self.graph_url) && is_loopback(&self.tiles_url)
    }

    pub(crate) fn quotas(&self) -> Vec<QuotaSettings> {
        let quota = |name, url: &Url, rate: u32, per_day, at_once| {
            let own_machine = is_loopback(url);
            let (first_hold, longest_hold) = if own_machine {
                (Duration::from_millis(50), Duration::from_millis(500))
            } else {
                (Duration::from_mins(1), Duration::from_mins(15))
            };
            QuotaSettings {
                name,
                per_minute: (!own_machine).then_some(rate),
                per_day: (!own_machine).then_some(per_day),
                at_once,
                first_hold,
                longest_hold,
            }
        };
        let tile_rate = self.tile_rate_per_min.unwrap_or(TILES_PER_MINUTE);
        let mut tiles = quota(TILES, &self.tiles_url, tile_rate, TILES_PER_DAY, 4);
        tiles.per_minute = tiles.per_minute.or(self.tile_rate_per_min);
        vec![
            tiles,
            quota(ENTITIES, &self.graph_url, ENTITIES_PER_MINUTE, ENTITIES_PER_DAY, 8),
            quota(SEARCHES, &self.graph_url, SEARCHES_PER_MINUTE, SEARCHES_PER_DAY, 4),
        ]
    }
}

fn check_base(url: &Url) -> Result<(), BadBaseUrl> {
    match () {
        () if !url.has_host() || url.cannot_be_a_base() => Err(BadBaseUrl::NotAUrl),
        () if !may_be_asked(url) => Err(BadBaseUrl::NotHttps),
        () if !url.username().is_empty() || url.password().is_some() => Err(BadBaseUrl::HasLogin),
        () if url.query().is_some() || url.fragment().is_some() => Err(BadBaseUrl::HasQuery),
        () => Ok(()),
    }
}

/// How long an answer of a kind is fresh. Published originals never change, computed places do within days; coverage
/// follows uploads within a day; an empty tile may be a hiccup of the tile host.
pub(crate) fn freshness(kind: &str) -> Duration {
    match kind {
        crate::reading::EMPTY_TILE | crate::reading::EMPTY_TILE_CONFIRMED => Duration::from_hours(6),
        crate::reading::USER_PAGE => Duration::from_hours(12),
        crate::reading::TILE => Duration::from_hours(24),
        _ => Duration::from_hours(7 * 24), // entities, ids of sequences, what was too much
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_urls_are_checked() {
        for (text, expected) in [
            ("https://graph.mapillary.com", Ok("https://graph.mapillary.com/")),
            (" http://127.0.0.1:4321/api/ ", Ok("http://127.0.0.1:4321/api/")),
            ("http://localhost:1", Ok("http://localhost:1/")),
            ("http://[::1]:1", Ok("http://[::1]:1/")),
            ("http://graph.mapillary.com", Err("is plain http, which only loopback may use; give an https URL")),
            ("http://localhost.evil.example", Err("is plain http, which only loopback may use; give an https URL")),
            ("file:///etc/passwd", Err("is not a URL with a host; give one like https://graph.mapillary.com")),
            ("mailto:a@b", Err("is not a URL with a host; give one like https://graph.mapillary.com")),
            ("graph.mapillary.com", Err("is not a URL with a host; give one like https://graph.mapillary.com")),
            ("https://u:p@h.example", Err("holds a user name or password; give the bare URL")),
            ("https://h.example/?access_token=x", Err("holds a query or fragment; give the bare URL")),
        ] {
            let found = base_url(text).map(|url| url.to_string()).map_err(|error| match error {
                ApiError::BaseUrl { why, .. } => why.to_string(),
                other => panic!("{other}"),
            });
            assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned), "{text}");
        }
    }

    #[test]
    fn loopback_is_paced_only_on_demand() {
        let local = |rate| ApiSettings {
            graph_url: base_url("http://127.0.0.1:1").unwrap(),
            tiles_url: base_url("http://127.0.0.1:1").unwrap(),
            tile_rate_per_min: rate,
            ..ApiSettings::default()
        };
        let rates = |settings: &ApiSettings| settings.quotas().iter().map(|quota| quota.per_minute).collect::<Vec<_>>();
        assert_eq!(rates(&local(None)), [None, None, None]);
        assert_eq!(rates(&local(Some(30))), [Some(30), None, None]);
        assert_eq!(rates(&ApiSettings::default()), [Some(60), Some(600), Some(300)]);
    }
}
