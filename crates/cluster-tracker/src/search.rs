//! Paging through the feed: newest first, until all that is wanted was seen, the pages end, or enough was read.
//!
//! Only what is wanted is kept, so that a feed of any length is read in the memory of a page. Absence is concluded only
//! from a chain of pages that came to its proper end.

use crate::feed::{ActivityPage, Feed};
use crate::{FeedError, Upload};
use capture_model::{CapturedAt, ClusterId};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// 200,000 uploads at the usual size; a longer feed is not read to its end.
const MOST_PAGES: usize = 4_000;
/// Pages that tell nothing new, in a row.
const MOST_STALE_PAGES: usize = 3;

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// These uploads, however far down they are.
    pub wanted: BTreeSet<ClusterId>,
    /// The newest uploads as well, or, where none is wanted, alone.
    pub lists_newest: bool,
    /// Uploads older than this end the search.
    pub not_before: Option<CapturedAt>,
    /// No more than this many are kept of which none is wanted.
    pub most: usize,
    /// Answers fetched before this moment (ms since the Unix epoch) do not serve.
    pub since_ms: i64,
}

/// Why a search ended.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// All that was wanted was seen.
    AllSeen,
    /// The feed has no further page.
    LastPage,
    /// The rest is older than was asked for.
    TooOld,
    /// As many as were asked for.
    Enough,
    /// The pages lead in a circle, or say that more follows and not where.
    Astray(&'static str),
    /// The feed stopped answering.
    Failed(FeedError),
}

impl End {
    /// Whether an upload that was not seen is not in the feed.
    pub fn proves_absence(&self) -> bool {
        matches!(self, Self::AllSeen | Self::LastPage)
    }

    /// Why what was not seen may still be there.
    pub fn words(&self) -> String {
        match self {
            Self::AllSeen | Self::LastPage => "the feed was read to its end".to_owned(),
            Self::TooOld => "not among the uploads since the given age".to_owned(),
            Self::Enough => "not among the newest uploads".to_owned(),
            Self::Astray(what) => format!("status unknown: the pages of the feed {what}"),
            Self::Failed(error) => format!("status unknown: {error}"),
        }
    }
}

/// What a search found.
#[derive(Debug, Clone)]
pub struct Found {
    /// Uploads that were wanted, each once, by cluster id.
    pub uploads: BTreeMap<ClusterId, Upload>,
    /// Why it ended.
    pub end: End,
    /// Pages that were read.
    pub pages: usize,
    /// Items that were read.
    pub items: usize,
    /// Items without a usable cluster id.
    pub unusable: usize,
}

impl Feed {
    /// Looks for uploads of a user. What was found before a failure is kept; the end says what happened.
    pub async fn search(&self, user_id: u64, search: &Search) -> Found {
        let mut found = Found { uploads: BTreeMap::new(), end: End::LastPage, pages: 0, items: 0, unusable: 0 };
        let mut trail = Trail::default();
        let mut after: Option<String> = None;
        loop {
            let page = match self.activity(user_id, after.as_deref(), search.since_ms).await {
                Ok(page) => page,
                Err(error) => {
                    found.end = End::Failed(error);
                    return found;
                }
            };
            let is_news = take(&page, search, &mut found, &mut trail);
            if let Some(end) = end_of(&page, search, &found, &mut trail, is_news) {
                found.end = end;
                return found;
            }
            after = page.next;
        }
    }
}

/// Where the pages have led so far.
#[derive(Debug, Default)]
struct Trail {
    cursors: HashSet<String>,
    known: HashSet<ClusterId>,
    stale_pages: usize,
    n_listed: usize,
    is_too_old: bool,
}

/// Keeps what is wanted; whether the page told of any upload for the first time.
fn take(page: &ActivityPage, search: &Search, found: &mut Found, trail: &mut Trail) -> bool {
    found.pages += 1;
    found.items += page.uploads.len() + page.unusable;
    found.unusable += page.unusable;
    let mut is_news = false;
    let mut n_old = 0;
    for upload in &page.uploads {
        let id = upload.cluster_id;
        is_news |= trail.known.insert(id);
        if search.not_before.is_some_and(|limit| upload.created_at.is_some_and(|created| created < limit)) {
            n_old += 1;
            if !search.wanted.contains(&id) {
                continue;
            }
        }
        let is_listed = !search.wanted.contains(&id);
        if is_listed && !search.lists_newest {
            continue;
        }
        match found.uploads.get(&id) {
            // New uploads push the pages while they are read, so an upload may come twice; and it may have moved on.
            Some(known) if known.weight() > upload.weight() => {}
            None if is_listed && trail.n_listed >= search.most => {}
            known => {
                trail.n_listed += usize::from(is_listed && known.is_none());
                found.uploads.insert(id, upload.clone());
            }
        }
    }
    trail.is_too_old = n_old > 0 && n_old == page.uploads.len();
    is_news
}

fn end_of(page: &ActivityPage, search: &Search, found: &Found, trail: &mut Trail, is_news: bool) -> Option<End> {
    let all_seen = search.wanted.iter().all(|id| found.uploads.contains_key(id));
    if all_seen && !search.lists_newest {
        return Some(End::AllSeen);
    }
    if !page.has_next {
        return Some(End::LastPage);
    }
    if trail.is_too_old {
        return Some(End::TooOld);
    }
    if all_seen && trail.n_listed >= search.most {
        return Some(End::Enough);
    }
    trail.stale_pages = if is_news { 0 } else { trail.stale_pages + 1 };
    match &page.next {
        None => Some(End::Astray("say that more follows, and not where")),
        Some(cursor) if !trail.cursors.insert(cursor.clone()) => Some(End::Astray("lead in a circle")),
        Some(_) if trail.stale_pages >= MOST_STALE_PAGES => Some(End::Astray("repeat themselves")),
        Some(_) if found.pages >= MOST_PAGES => Some(End::Astray("go on for ever")),
        Some(_) => None,
    }
}
