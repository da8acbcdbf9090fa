//! A feed of ten thousand uploads is read in the memory of a page: counted by the allocator, between every two pages.

#![expect(clippy::unwrap_used, reason = "a test may")]

use capture_model::ClusterId;
use cluster_tracker::{Feed, FeedSettings, Memory, Queries, Search};
use polite_http::{
    Cancel, Reply, ReplyFuture, RequestLimit, Secret, SystemClock, Transport, TransportFault, WireRequest,
};
use serde_json::{Value, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, Stats, StatsAlloc};
use std::alloc::System;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Bytes that are allocated and not freed.
fn live_bytes() -> i64 {
    let Stats { bytes_allocated, bytes_deallocated, .. } = ALLOCATOR.stats();
    bytes_allocated as i64 - bytes_deallocated as i64
}

/// A feed of `n` uploads, newest first; what is live is noted at each page that is asked for.
struct Service {
    n: u64,
    live: Mutex<Vec<i64>>,
    sent: AtomicUsize,
}

impl Transport for Service {
    fn send<'a>(&'a self, request: &'a WireRequest) -> ReplyFuture<'a> {
        self.live.lock().unwrap().push(live_bytes());
        let variables = request.url.query_pairs().find(|(name, _)| name == "variables").unwrap().1.into_owned();
        let variables: Value = serde_json::from_str(&variables).unwrap();
        let from = variables["after"].as_str().map_or(0, |cursor| cursor.trim_start_matches('c').parse().unwrap());
        let to = (from + variables["first"].as_u64().unwrap()).min(self.n);
        let node = |at: u64| {
            json!({"cluster_id": (1_000_000_000_000_000 + self.n - at).to_string(), "type": "UPLOAD", "item_count": 43,
                   "created_at_seconds": 1_600_000_000 + self.n - at, "captured_at_seconds": 1_600_000_000, "status": "FINISHED",
                   "thumb_url": format!("https://scontent.example/{}", "x".repeat(400)), "image_id": at.to_string(),
                   "initial_processing_status": "FINISHED", "anonymization_status": "FINISHED", "tiler_status": "FINISHED",
                   "error_code": "UNSET", "timezone": "EUROPE_MADRID", "__typename": "ClusterLatestActivityItem"})
        };
        let next = (to < self.n).then(|| format!("c{to:089}")); // as long as recorded ones
        let info = json!({"start_cursor": null, "end_cursor": next, "has_next_page": next.is_some()});
        let nodes: Vec<Value> = (from..to).map(node).collect();
        let body =
            json!({"data": {"fetch__User": {"id": "7", "feed": {"page_info": info, "nodes": nodes}}}}).to_string();
        self.sent.fetch_add(body.len(), Ordering::Relaxed);
        Box::pin(async move { Ok::<_, TransportFault>(Reply { status: 200, body: body.into(), ..Reply::default() }) })
    }
}

#[test]
fn ten_thousand_uploads_are_paged_through_in_bounded_memory() {
    let service =
        Arc::new(Service { n: 10_000, live: Mutex::new(Vec::with_capacity(1_000)), sent: AtomicUsize::new(0) });
    let settings = FeedSettings {
        graph_url: "http://127.0.0.1:1".parse().unwrap(),
        token: Some(Secret::new("MLY|1|feed0123feed0123feed0123feed0123")),
        queries: Queries::default(),
        offline: false,
        max_requests: RequestLimit::default(),
        cancel: Cancel::default(),
    };
    let feed =
        Feed::over(settings, None, Memory::forgetful(), service.clone(), Arc::new(SystemClock::default())).unwrap();
    let wanted = BTreeSet::from([ClusterId(1), ClusterId(1_000_000_000_000_001)]); // one is nowhere, one is the last
    let search = Search { wanted, most: 500, ..Search::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let found = runtime.block_on(feed.search(7, &search));
    assert_eq!((found.pages, found.items, found.uploads.len()), (200, 10_000, 1));

    let live = service.live.lock().unwrap();
    let (first, most) = (live[1], live[1..].iter().max().unwrap());
    let grown = most - first;
    let sent = service.sent.load(Ordering::Relaxed);
    eprintln!("10,000 uploads, {sent} bytes of pages: {grown} bytes more are live at the last page than at the second");
    assert!(sent > 7_000_000, "{sent}");
    // An id and a place in a table for each upload, a cursor for each page: what tells circles.
    assert!(grown < 64 * 10_000, "{grown} bytes are kept of 10,000 uploads");
}
