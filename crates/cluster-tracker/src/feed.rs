//! The feed as functions: a user's id, his new sequences, a page of his uploads.
//!
//! Its pace is slow whatever is asked. A page that is too much is halved and the smaller size is remembered. "Too many
//! requests" ends everything for hours, and the moment is remembered, so that a later run sends nothing either. The token
//! goes into a header and nowhere else; it is never the token of the documented API.

use crate::memory::{FeedCare, Memory};
use crate::node::{Node, id_of};
use crate::queries::{LATEST_ACTIVITY, NEW_SEQUENCES, USER};
use crate::reading::{FEED_PAUSE, Root};
use crate::{FeedError, NewSequences, Queries, Query, Upload};
use capture_model::CapturedAt;
use polite_http::{
    Auth, Cancel, Client, ClientSettings, Clock, FetchError, QuotaSettings, Request, RequestLimit, ReqwestTransport,
    RetryPolicy, Secret, Store, StoreUse, SystemClock, Transport, Usage, WireLimits, is_loopback,
};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

const QUOTA: &str = "feed";
/// Pages a minute; nobody but this is in a hurry.
const PER_MINUTE: u32 = 4;
const PER_DAY: u64 = 1_000;
/// What the web app asks for.
const UPLOADS_PER_PAGE: u32 = 50;
/// Failed uploads stay in the feed for this long; the web app asks for 14 days.
const DAYS_OF_FAILURES: u32 = 90;
const LARGEST_BODY: usize = 8 << 20;
const DAY_MS: i64 = 86_400_000;

/// How the feed is reached.
#[derive(Clone)]
pub struct FeedSettings {
    /// Base of the Graph API.
    pub graph_url: Url,
    /// The feed's own token.
    pub token: Option<Secret>,
    /// What is asked.
    pub queries: Queries,
    /// Nothing is sent; stored answers of any age serve.
    pub offline: bool,
    /// HTTP requests that may be sent, tries included.
    pub max_requests: RequestLimit,
    /// The switch that stops the run.
    pub cancel: Cancel,
}

/// A user as the feed knows him.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedUser {
    /// Numeric id.
    pub id: u64,
    /// What is processed and in no tile yet; `None` where the feed could not say.
    pub new_sequences: Option<NewSequences>,
}

/// The undocumented feed. Cheap to clone.
#[derive(Clone)]
pub struct Feed(Arc<Inner>);

struct Inner {
    settings: FeedSettings,
    client: Client,
    clock: Arc<dyn Clock>,
    memory: Memory,
}

/// One page of uploads.
#[derive(Debug, Clone)]
pub(crate) struct ActivityPage {
    pub(crate) uploads: Vec<Upload>,
    pub(crate) unusable: usize,
    pub(crate) has_next: bool,
    pub(crate) next: Option<String>,
}

impl Feed {
    /// A feed over HTTP.
    pub fn new(settings: FeedSettings, store: Option<Arc<dyn Store>>, memory: Memory) -> Result<Self, FeedError> {
        let limits = if is_loopback(&settings.graph_url) { WireLimits::for_loopback() } else { WireLimits::default() };
        let transport = Arc::new(ReqwestTransport::new(concat!("tiepoint/", env!("CARGO_PKG_VERSION")), limits)?);
        Self::over(settings, store, memory, transport, Arc::new(SystemClock::default()))
    }

    /// A feed over any transport and clock.
    pub fn over(
        settings: FeedSettings,
        store: Option<Arc<dyn Store>>,
        memory: Memory,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, FeedError> {
        if settings.token.as_ref().is_some_and(|token| !token.is_sendable()) {
            return Err(FeedError::TokenMalformed);
        }
        let own_machine = is_loopback(&settings.graph_url);
        let (first_hold, longest_hold) = if own_machine {
            (Duration::from_millis(100), Duration::from_millis(500))
        } else {
            (Duration::from_mins(10), Duration::from_mins(50))
        };
        let quota = QuotaSettings {
            name: QUOTA,
            per_minute: (!own_machine).then_some(PER_MINUTE),
            per_day: (!own_machine).then_some(PER_DAY),
            at_once: 1,
            first_hold,
            longest_hold,
        };
        let patient = RetryPolicy {
            tries: 3,
            first_wait: Duration::from_secs(5),
            longest_wait: Duration::from_mins(1),
            most_throttles: 2,
            ..RetryPolicy::default()
        };
        let behaviour = ClientSettings {
            quotas: vec![quota],
            retry: if own_machine {
                RetryPolicy { tries: 3, most_throttles: 3, ..RetryPolicy::for_loopback() }
            } else {
                patient
            },
            freshness: |_| Duration::from_hours(24), // each question says since when an answer counts
            offline: settings.offline,
            refresh: false,
            max_requests: settings.max_requests.clone(),
            cancel: settings.cancel.clone(),
        };
        let client = Client::new(behaviour, transport, store, Arc::clone(&clock));
        Ok(Self(Arc::new(Inner { settings, client, clock, memory })))
    }

    /// The user of a name, with what is new of him; `None` when there is no such user.
    pub async fn user(&self, name: &str, since_ms: i64) -> Result<Option<FeedUser>, FeedError> {
        let variables = json!({"username": name});
        match self.ask(Root::NewSequences, &variables, since_ms, false).await {
            Ok(root) => {
                let Some(id) = id_of(&root["id"]) else { return Ok(None) };
                return Ok(Some(FeedUser { id, new_sequences: Some(NewSequences::of(&root["new_sequences"])) }));
            }
            // Of very active users the feed does not tell what is new, and the question has no smaller form.
            Err(FeedError::TooMuch { .. } | FeedError::Broken { .. }) => {}
            Err(error) => return Err(error),
        }
        let root = self.ask(Root::User, &variables, since_ms, false).await?;
        Ok(id_of(&root["id"]).map(|id| FeedUser { id, new_sequences: None }))
    }

    /// One page of a user's uploads, newest first. A page that is too much is asked for again at half its size.
    pub(crate) async fn activity(
        &self,
        user_id: u64,
        after: Option<&str>,
        since_ms: i64,
    ) -> Result<ActivityPage, FeedError> {
        loop {
            let first = self.page_size();
            let variables =
                json!({"id": user_id.to_string(), "first": first, "after": after, "hide_after": DAYS_OF_FAILURES});
            match self.ask(Root::Activity, &variables, since_ms, true).await {
                Ok(root) => return Ok(page_of(&root)),
                Err(FeedError::TooMuch { .. }) if first > 1 => {
                    let mut care = self.0.memory.feed_care();
                    care.page_size = first / 2;
                    care.page_size_since_ms = self.now_ms();
                    self.remember(&care)?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// What the run has cost so far.
    pub fn usage(&self) -> Usage {
        self.0.client.usage()
    }

    fn page_size(&self) -> u32 {
        let care = self.care();
        let is_recent = self.now_ms().saturating_sub(care.page_size_since_ms) < DAY_MS;
        if care.page_size > 0 && is_recent { care.page_size.min(UPLOADS_PER_PAGE) } else { UPLOADS_PER_PAGE }
    }

    fn now_ms(&self) -> i64 {
        self.0.clock.epoch_ms()
    }

    async fn ask(&self, root: Root, variables: &Value, since_ms: i64, divisible: bool) -> Result<Value, FeedError> {
        let settings = &self.0.settings;
        let request = Request {
            url: self.url(root, variables),
            auth: settings.token.clone().map_or(Auth::Missing, |token| Auth::Header { scheme: "OAuth", token }),
            endpoint: QUOTA,
            quota: QUOTA,
            largest_body: LARGEST_BODY,
            divisible,
            confirm_open_end: false, // a cut document does not parse
            most_tries: u32::MAX,
            store_use: StoreUse::Since(since_ms),
        };
        let paused_until_ms = self.care().paused_until_ms;
        if !settings.offline && self.now_ms() < paused_until_ms {
            return Err(FeedError::Paused { until: CapturedAt::from_epoch_ms(paused_until_ms) });
        }
        match self.0.client.fetch(&request, &root).await {
            Ok(answer) => root
                .of(&answer.body)
                .ok_or_else(|| FeedError::Broken { detail: "a stored answer is damaged".to_owned() }),
            Err(FetchError::Throttled { wait, .. }) => {
                let pause = wait.unwrap_or(FEED_PAUSE).max(FEED_PAUSE);
                let until_ms = self.now_ms().saturating_add(i64::try_from(pause.as_millis()).unwrap_or(i64::MAX));
                self.remember(&FeedCare { paused_until_ms: until_ms, ..self.0.memory.feed_care() })?;
                Err(FeedError::Paused { until: CapturedAt::from_epoch_ms(until_ms) })
            }
            Err(error) => Err(error.into()),
        }
    }

    fn care(&self) -> FeedCare {
        self.0.memory.feed_care()
    }

    fn remember(&self, care: &FeedCare) -> Result<(), FeedError> {
        Ok(self.0.memory.keep_feed_care(care)?)
    }

    fn url(&self, root: Root, variables: &Value) -> Url {
        let queries = &self.0.settings.queries;
        let (name, query) = match root {
            Root::Activity => (LATEST_ACTIVITY, &queries.latest_activity),
            Root::NewSequences => (NEW_SEQUENCES, &queries.new_sequences),
            Root::User => (USER, &queries.user),
        };
        let mut url = self.0.settings.graph_url.clone();
        let mut path = url.path_segments_mut().expect("a checked base URL has a path");
        path.pop_if_empty().push("graphql");
        if matches!(query, Query::DocId(_)) {
            path.push(""); // the newer web app asks /graphql/
        }
        drop(path);
        let mut pairs = url.query_pairs_mut();
        match query {
            Query::Document(text) => pairs.append_pair("doc", text).append_pair("operationName", name),
            Query::DocId(number) => pairs.append_pair("doc_id", number),
        };
        pairs.append_pair("variables", &variables.to_string());
        drop(pairs);
        url
    }
}

/// Reads a page; items of no use are counted.
fn page_of(root: &Value) -> ActivityPage {
    let feed = &root["feed"];
    let nodes = feed["nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let read = |node: &Value| Upload::of(&Node(node.as_object()?.clone()));
    let uploads: Vec<Upload> = nodes.iter().filter_map(read).collect();
    let about = &feed["page_info"];
    let next = about["end_cursor"].as_str().filter(|cursor| (1..=2_000).contains(&cursor.len())).map(str::to_owned);
    let has_next = match &about["has_next_page"] {
        Value::Bool(has_next) => *has_next,
        _ => next.is_some() && !nodes.is_empty(), // not said: a cursor behind a page that holds something leads on
    };
    ActivityPage { unusable: nodes.len() - uploads.len(), uploads, has_next, next }
}

#[cfg(test)]
mod tests;
