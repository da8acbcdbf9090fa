//! One round: the feed, then the evidence, then what both amount to.

use super::TrackError;
use super::evidence::{Evidence, Gatherer};
use capture_model::{CapturedAt, ClusterId, LocalArchive, SequenceId};
use cluster_tracker::{
    End, Feed, FeedError, FeedSettings, Memory, NewSequences, Search, Seen, Standing, State, Upload,
};
use image_matcher::MatchSettings;
use mapillary_api::{Api, ApiSettings, ErrorKind};
use polite_http::{Clock, Store};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Uploads that nobody asked for by name are looked at closely only if they are few.
const FEW: usize = 20;

/// What is tracked, and how.
#[derive(Clone)]
pub struct TrackSettings {
    /// The uploader's name, or `me` for the owner of a user token.
    pub user: String,
    /// The undocumented feed; `None` asks documented calls alone.
    pub feed: Option<FeedSettings>,
    /// The documented service.
    pub api: ApiSettings,
    /// Folder of the response cache; `None` keeps nothing.
    pub cache_dir: Option<PathBuf>,
    /// Uploads in question.
    pub wanted: Vec<Wanted>,
    /// Whether the newest uploads of the feed are in question as well.
    pub lists_newest: bool,
    /// What is known of the local side of uploads that are listed.
    pub known: BTreeMap<ClusterId, Wanted>,
    /// What was sent, each track one upload that is named by its cluster id; for uploads of which the feed says nothing.
    pub past: LocalArchive,
    /// Older uploads are not looked for.
    pub not_before: Option<CapturedAt>,
    /// So many of the newest uploads are listed.
    pub most: usize,
}

/// An upload in question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What the service called it.
    pub cluster_id: ClusterId,
    /// The local sequence, folder or path that went with it.
    pub local_sequence: String,
    /// Images that were sent, where known.
    pub n_images: Option<usize>,
    /// When it was uploaded, where known.
    pub uploaded: Option<CapturedAt>,
}

impl Wanted {
    /// An upload of which only the id is known.
    pub fn bare(cluster_id: ClusterId) -> Self {
        Self { cluster_id, local_sequence: String::new(), n_images: None, uploaded: None }
    }
}

/// One upload and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Tracked {
    /// The upload, with what is known of its local side.
    pub wanted: Wanted,
    /// The feed's words; `None` where it has none.
    pub upload: Option<Upload>,
    /// What documented calls show.
    pub seen: Seen,
    /// Sequences that it became.
    pub sequences: Vec<SequenceId>,
    /// Images that these have, where they were counted.
    pub n_found: Option<usize>,
    /// What all of it amounts to.
    pub standing: Standing,
}

/// What one round asks.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Uploads in question.
    pub wanted: &'a [Wanted],
    /// Whether the newest uploads of the feed are in question as well.
    pub lists_newest: bool,
    /// What the feed said of uploads before.
    pub remembered: &'a BTreeMap<ClusterId, Upload>,
    /// Whether a user whom nobody has seen yet may still publish.
    pub is_patient: bool,
}

impl<'a> Question<'a> {
    /// These uploads and nothing else.
    pub fn of(wanted: &'a [Wanted]) -> Self {
        static NONE: BTreeMap<ClusterId, Upload> = BTreeMap::new();
        Self { wanted, lists_newest: false, remembered: &NONE, is_patient: false }
    }
}

/// What one round brought.
#[derive(Debug, Clone)]
pub struct Round {
    /// Wanted uploads in the order wanted, or those of the feed, newest first.
    pub tracked: Vec<Tracked>,
    /// Sequences that are processed and in no tile yet.
    pub new_sequences: NewSequences,
    /// Why the feed said nothing, where it was to be asked.
    pub feed_failure: Option<FeedError>,
    /// What went wrong and did not end the round.
    pub problems: Vec<String>,
}

/// Asks rounds.
pub struct Tracker {
    pub(super) settings: TrackSettings,
    pub(super) api: Api,
    pub(super) feed: Option<Feed>,
    pub(super) memory: Memory,
    pub(super) clock: Arc<dyn Clock>,
    /// When this run began: milliseconds since the Unix epoch.
    pub(super) opened_ms: i64,
}

/// What the feed said in a round.
enum FeedSaid {
    NotAsked,
    Found(BTreeMap<ClusterId, Upload>, End),
    Silent(FeedError),
}

impl Tracker {
    /// Opens cache, API and feed. Nothing is sent.
    pub fn open(settings: TrackSettings, clock: Arc<dyn Clock>) -> Result<Self, TrackError> {
        let store = match &settings.cache_dir {
            Some(folder) => Some(Arc::new(response_store::ResponseStore::open(folder)?) as Arc<dyn Store>),
            None => None,
        };
        let memory = settings.cache_dir.as_ref().map_or_else(Memory::forgetful, |folder| memory_of(folder));
        let feed = settings.feed.clone().map(|feed| Feed::new(feed, store.clone(), memory.clone())).transpose()?;
        let api = Api::new(settings.api.clone(), store)?;
        let opened_ms = clock.epoch_ms();
        Ok(Self { settings, api, feed, memory, clock, opened_ms })
    }

    /// HTTP requests sent so far, documented and not.
    pub fn requests_sent(&self) -> u64 {
        self.api.usage().requests_sent() + self.feed.as_ref().map_or(0, |feed| feed.usage().sent())
    }

    /// Answers that the cache gave.
    pub fn answered_from_store(&self) -> u64 {
        self.api.usage().answered_from_store() + self.feed.as_ref().map_or(0, |feed| feed.usage().saved())
    }

    /// Asks where uploads stand. Answers fetched before `since_ms` do not serve.
    pub async fn round(&self, question: Question<'_>, since_ms: i64) -> Result<Round, TrackError> {
        let Question { wanted, lists_newest, remembered, is_patient } = question;
        let api = self.api.newer_than(since_ms);
        let mut problems = Vec::new();
        let user = self.user_name(&api).await?;
        let (said, new_sequences) = self.ask_feed(user.as_deref(), wanted, lists_newest, since_ms).await?;
        if self.feed.is_none() {
            let api = if is_patient { &self.api } else { &api }; // a watch need not ask this each round
            self.check_user(api, user.as_deref(), is_patient, &mut problems).await?;
        }

        let found = match &said {
            FeedSaid::Found(found, _) => found.clone(),
            FeedSaid::NotAsked | FeedSaid::Silent(_) => BTreeMap::new(),
        };
        let listed: Vec<Wanted> =
            if lists_newest { newest_first(&found, wanted, &self.settings.known) } else { wanted.to_vec() };
        // Where the feed is silent, what it said last still names images that can be looked for.
        let mut named = found.clone();
        if matches!(said, FeedSaid::Silent(_) | FeedSaid::Found(_, End::Failed(_))) {
            for id in wanted.iter().map(|wanted| wanted.cluster_id) {
                if let Some(upload) = remembered.get(&id) {
                    named.entry(id).or_insert_with(|| upload.clone());
                }
            }
        }
        let mut gatherer =
            Gatherer { api: &api, user: user.as_deref(), problems: &mut problems, has_feed: !found.is_empty() };
        let mut evidence = gatherer.of_images(&named).await?;
        gatherer.of_what_was_sent(&self.settings.past, &listed, &mut evidence, &MatchSettings::default()).await?;
        if listed.len() > FEW {
            // Of those that nobody named: readable, but whether the tiles show it is not looked at.
            let by_name: BTreeSet<ClusterId> = wanted.iter().map(|wanted| wanted.cluster_id).collect();
            evidence
                .iter_mut()
                .filter(|(cluster, known)| !by_name.contains(*cluster) && known.seen == Seen::Visible)
                .for_each(|(_, known)| known.seen = Seen::Unchecked);
        }
        gatherer.look_closely(&mut evidence).await?;
        let now = CapturedAt::from_epoch_ms(self.clock.epoch_ms());
        let tracked = listed.into_iter().map(|wanted| {
            let upload = found.get(&wanted.cluster_id).cloned();
            let evidence = evidence.remove(&wanted.cluster_id).unwrap_or_default();
            tracked(wanted, upload, evidence, &said, now)
        });
        let tracked = tracked.collect();
        let feed_failure = match said {
            FeedSaid::Silent(error) | FeedSaid::Found(_, End::Failed(error)) => Some(error),
            FeedSaid::Found(..) | FeedSaid::NotAsked => None,
        };
        Ok(Round { tracked, new_sequences, feed_failure, problems })
    }

    /// Sequences that are processed and in no tile yet, and nothing else.
    pub async fn new_sequences(&self, since_ms: i64) -> Result<Round, TrackError> {
        let user = self.user_name(&self.api).await?;
        let (mut new_sequences, mut feed_failure) = (NewSequences::default(), None);
        if let (Some(feed), Some(user)) = (&self.feed, user) {
            match feed.user(&user, since_ms).await {
                Ok(Some(known)) => new_sequences = known.new_sequences.unwrap_or_default(),
                Ok(None) => return Err(TrackError::UnknownUser { user }),
                Err(error) if error.is_own_stop() => return Err(error.into()),
                Err(error) => feed_failure = Some(error),
            }
        }
        Ok(Round { tracked: Vec::new(), new_sequences, feed_failure, problems: Vec::new() })
    }

    async fn ask_feed(
        &self,
        user: Option<&str>,
        wanted: &[Wanted],
        lists_newest: bool,
        since_ms: i64,
    ) -> Result<(FeedSaid, NewSequences), TrackError> {
        let (Some(feed), Some(user)) = (&self.feed, user) else {
            return Ok((FeedSaid::NotAsked, NewSequences::default()));
        };
        let known = match feed.user(user, since_ms).await {
            Ok(Some(known)) => known,
            Ok(None) => return Err(TrackError::UnknownUser { user: user.to_owned() }),
            Err(error) if error.is_own_stop() => return Err(error.into()),
            Err(error) => return Ok((FeedSaid::Silent(error), NewSequences::default())),
        };
        let search = Search {
            wanted: wanted.iter().map(|wanted| wanted.cluster_id).collect(),
            not_before: self.settings.not_before,
            lists_newest,
            most: self.settings.most,
            since_ms,
        };
        let found = feed.search(known.id, &search).await;
        match found.end {
            End::Failed(error) if error.is_own_stop() => Err(error.into()),
            end => Ok((FeedSaid::Found(found.uploads, end), known.new_sequences.unwrap_or_default())),
        }
    }

    /// Without the feed, whether anybody of that name has published anything.
    async fn check_user(
        &self,
        api: &Api,
        user: Option<&str>,
        is_patient: bool,
        problems: &mut Vec<String>,
    ) -> Result<(), TrackError> {
        let Some(user) = user else { return Ok(()) };
        match api.an_image_of_user(user).await {
            Ok(Some(_)) => Ok(()),
            Ok(None) if !is_patient => Err(TrackError::NobodySeen { user: user.to_owned() }),
            Ok(None) => {
                problems.push(format!("nobody called {user:?} has published an image yet"));
                Ok(())
            }
            Err(error) => super::evidence::bear(error, false, problems),
        }
    }
}

/// The uploads of the feed as if they were wanted, then those that are and of which it has none.
fn newest_first(
    found: &BTreeMap<ClusterId, Upload>,
    wanted: &[Wanted],
    known: &BTreeMap<ClusterId, Wanted>,
) -> Vec<Wanted> {
    let mut uploads: Vec<&Upload> = found.values().collect();
    uploads.sort_by_key(|upload| (std::cmp::Reverse(upload.created_at), upload.cluster_id));
    let local = |id| known.get(&id).cloned().unwrap_or_else(|| Wanted::bare(id));
    let of_feed = uploads.into_iter().map(|upload| local(upload.cluster_id));
    of_feed.chain(wanted.iter().filter(|wanted| !found.contains_key(&wanted.cluster_id)).cloned()).collect()
}

fn tracked(wanted: Wanted, upload: Option<Upload>, evidence: Evidence, said: &FeedSaid, now: CapturedAt) -> Tracked {
    let seen = evidence.seen;
    let mut standing = match (&upload, said) {
        (Some(upload), _) => Standing::of(upload, seen),
        (None, FeedSaid::Found(_, End::Failed(error)) | FeedSaid::Silent(error)) => {
            unknown(Standing::without_feed(seen, &format!("status unknown: {error}")))
        }
        (None, FeedSaid::Found(_, end @ End::Astray(_))) => unknown(Standing::without_feed(seen, &end.words())),
        (None, FeedSaid::Found(_, end)) => Standing::not_in_feed(seen, &format!("not in the feed ({})", end.words())),
        (None, FeedSaid::NotAsked) if seen == Seen::Unchecked && !evidence.has_failed => Standing::not_in_feed(
            seen,
            "without a feed token a cluster id alone cannot be looked up: give its upload history (--history DIR), or a feed token",
        ),
        (None, FeedSaid::NotAsked) => {
            Standing::without_feed(seen, "no feed token, so judged by documented calls alone")
        }
    };
    if evidence.has_failed {
        standing.notes.push("a documented call failed, so not all of this was checked".to_owned());
    }
    let since = upload.as_ref().and_then(|upload| upload.created_at).or(wanted.uploaded);
    standing.observe_age(since, now);
    let n_said = upload.as_ref().and_then(|upload| upload.item_count);
    standing.notes.extend(counts_differ(n_said, evidence.n_found, wanted.n_images));
    Tracked { wanted, upload, seen, sequences: evidence.sequences, n_found: evidence.n_found, standing }
}

/// A feed that broke off proves no absence.
fn unknown(standing: Standing) -> Standing {
    match standing.state {
        State::NotFound => Standing { state: State::Unknown, ..standing },
        _ => standing,
    }
}

/// What the feed counts, what can be read and what was sent should be one number.
pub(super) fn counts_differ(said: Option<u64>, found: Option<usize>, sent: Option<usize>) -> Option<String> {
    let said = said.map(|count| (count, "in the feed"));
    let found = found.map(|count| (count as u64, "readable"));
    let sent = sent.filter(|&count| count > 0).map(|count| (count as u64, "sent"));
    let known: Vec<_> = [said, found, sent].into_iter().flatten().collect();
    let distinct: BTreeSet<u64> = known.iter().map(|(count, _)| *count).collect();
    if distinct.len() < 2 {
        return None;
    }
    let told: Vec<String> = known.iter().map(|(count, what)| format!("{count} {what}")).collect();
    Some(format!("image counts differ: {}", told.join(", ")))
}

/// What a cache folder remembers of watches.
fn memory_of(cache_dir: &Path) -> Memory {
    Memory::in_folder(&cache_dir.join("tracker"))
}

/// Forgets who the owner of the token is and where watches stand; how long the feed wants to be left alone is kept.
pub fn forget_watches(cache_dir: &Path) -> Result<(), TrackError> {
    Ok(memory_of(cache_dir).forget()?)
}

/// Whether an error of the API ends the whole round.
pub(super) fn ends_it(kind: ErrorKind, has_feed: bool) -> bool {
    match kind {
        ErrorKind::Usage
        | ErrorKind::TokenRefused
        | ErrorKind::Blocked
        | ErrorKind::Quota
        | ErrorKind::Stopped
        | ErrorKind::Store => true,
        ErrorKind::TokenMissing => !has_feed, // the feed's words stand for themselves
        _ => false,
    }
}

/// Whether waiting can still bring an upload further.
pub(super) fn is_open(state: State) -> bool {
    !state.is_settled()
}
