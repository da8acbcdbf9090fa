//! What ties say of uploads: a photo that is an image was published, and the tiles show the image's sequence or not.
//!
//! This needs no feed and no upload history. On the tiles route it needs no request either: the tiles were read. Sequences
//! that were found in another way are looked for in the tile of one of their images.
//!
//! A ride of which a few photos are missing is published: the service drops photos. A whole ride without any says that its
//! upload is not, whatever became of the other rides.

use super::evidence::{bear, is_in_tiles};
use super::run::Run;
use super::tracker::{Tracked, Wanted, counts_differ};
use crate::{Event, ReconcileError, Watcher};
use capture_model::{ClusterId, Position, PublishedImages, SequenceId, Status};
use cluster_tracker::{Seen, Standing, State};
use std::collections::{BTreeMap, BTreeSet};

/// The published side of some photos.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Ties {
    /// Sequences that hold their images.
    pub(super) sequences: BTreeSet<SequenceId>,
    /// Whether an image has no sequence that could be looked for.
    is_vague: bool,
}

impl Ties {
    fn add(&mut self, key: Option<&SequenceId>) {
        self.is_vague |= key.is_none();
        self.sequences.extend(key.cloned());
    }

    /// What documented calls show of the photos; nothing where none is tied.
    pub(super) fn seen(&self, in_tiles: &BTreeSet<SequenceId>) -> Option<Seen> {
        let is_tied = self.is_vague || !self.sequences.is_empty();
        let is_shown = !self.is_vague && self.sequences.is_subset(in_tiles);
        is_tied.then_some(if is_shown { Seen::InTiles } else { Seen::Visible })
    }
}

/// An upload as its photos tell it.
struct ByPhotos {
    wanted: Wanted,
    ties: Ties,
    /// The rides that its photos lie in, and whether something published may be one of their photos.
    rides: BTreeMap<Option<u32>, bool>,
}

impl ByPhotos {
    /// Rides of which nothing published is a photo.
    fn n_absent_rides(&self) -> usize {
        self.rides.values().filter(|has_candidate| !**has_candidate).count()
    }
}

impl Run<'_> {
    /// Judges by their tied photos the uploads of which the feed said nothing. Tiles are asked where none that was read
    /// shows a sequence.
    pub(super) fn look_at_ties(&mut self, since_ms: i64, watch: Watcher<'_>) -> Result<(), ReconcileError> {
        let (api, newer) = (&self.tracker.api, self.tracker.api.newer_than(since_ms));
        let (mut shown, mut problems) = (Vec::new(), Vec::new());
        let places = self.places_of_unshown();
        self.runtime.block_on(async {
            for (key, place) in places {
                let found = match is_in_tiles(api, &key, place).await {
                    // A tile that was read before may only be behind.
                    Ok(false) => is_in_tiles(&newer, &key, place).await,
                    other => other,
                };
                match found {
                    Ok(true) => shown.push(key),
                    Ok(false) => {}
                    Err(error) => bear(error, true, &mut problems)?, // the verdicts stand without it
                }
            }
            Ok::<(), super::TrackError>(())
        })?;
        problems.iter().for_each(|problem: &String| watch(Event::Problem(problem)));
        self.published.in_tiles.extend(shown);
        let of_clusters = self.ties_of_clusters();
        let n_images = if of_clusters.is_empty() { BTreeMap::new() } else { self.n_images_of_sequences() };
        for (cluster, of_photos) in of_clusters {
            let Some(seen) = of_photos.ties.seen(&self.published.in_tiles) else { continue };
            if self.tracked.get(&cluster).is_some_and(|known| known.upload.is_some()) {
                continue; // the feed knows more
            }
            let why = self
                .feed_failure
                .as_ref()
                .map_or_else(|| "by its photos".to_owned(), |error| format!("status unknown: {error}"));
            let (n_absent, n_rides) = (of_photos.n_absent_rides(), of_photos.rides.len());
            let ByPhotos { wanted, ties, .. } = of_photos;
            let count = |key: &SequenceId| n_images.get(key).copied().unwrap_or(0);
            let n_found = (!ties.is_vague).then(|| ties.sequences.iter().map(count).sum());
            let (seen, mut standing) = if n_absent == 0 {
                (seen, Standing::without_feed(seen, &why))
            } else {
                let note = format!("no photo of {n_absent} of its {n_rides} rides is published yet ({why})");
                (Seen::Unchecked, Standing { state: State::Unknown, stage: None, notes: vec![note] })
            };
            standing.notes.extend(counts_differ(None, n_found, wanted.n_images));
            let sequences = ties.sequences.into_iter().collect();
            self.tracked.insert(cluster, Tracked { wanted, upload: None, seen, sequences, n_found, standing });
        }
        Ok(())
    }

    /// The published side of the tied photos of a track.
    pub(super) fn ties_of_track(&self, track: usize) -> Ties {
        let mut ties = Ties::default();
        for row in self.local.images.rows_of(track) {
            if let Some(image) = self.image_of(row) {
                ties.add(self.sequence_of(image));
            }
        }
        ties
    }

    /// The published side of each upload that files name, with its local side.
    fn ties_of_clusters(&self) -> BTreeMap<ClusterId, ByPhotos> {
        let mut of_clusters: BTreeMap<ClusterId, ByPhotos> = BTreeMap::new();
        for row in 0..self.local.images.len() {
            let file = self.local.archive.files.get(self.local.images.file[row] as usize);
            let Some(cluster) = file.cluster_id().filter(|id| id.0 != 0) else { continue }; // 0: a dry run
            let ByPhotos { wanted, ties, rides } = of_clusters.entry(cluster).or_insert_with(|| {
                let name = file.track().map_or("", |track| &self.local.archive.tracks[track as usize].name);
                let wanted = Wanted { local_sequence: name.to_owned(), ..Wanted::bare(cluster) };
                ByPhotos { wanted, ties: Ties::default(), rides: BTreeMap::new() }
            });
            *rides.entry(file.track()).or_default() |=
                self.judged.outcome.verdicts.get(row).reason.status() != Status::Unmatched;
            wanted.n_images = Some(wanted.n_images.unwrap_or(0) + 1);
            if let Some(image) = self.image_of(row) {
                ties.add(self.sequence_of(image));
            }
        }
        of_clusters
    }

    /// How many images each sequence has, as far as they were fetched.
    fn n_images_of_sequences(&self) -> BTreeMap<SequenceId, usize> {
        let images = &self.published.images;
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        for &number in images.sequence.iter().filter(|number| **number != PublishedImages::NO_SEQUENCE) {
            *counts.entry(number).or_default() += 1;
        }
        counts.into_iter().map(|(number, count)| (images.sequences.value(number).clone(), count)).collect()
    }

    /// A place of each tied sequence that no tile has shown so far.
    fn places_of_unshown(&self) -> BTreeMap<SequenceId, Position> {
        let mut places = BTreeMap::new();
        for image in (0..self.local.images.len()).filter_map(|row| self.image_of(row)) {
            let (Some(key), Some(place)) = (self.sequence_of(image), self.published.images.original(image)) else {
                continue;
            };
            if !self.published.in_tiles.contains(key) && !places.contains_key(key) {
                places.insert(key.clone(), place);
            }
        }
        places
    }

    fn image_of(&self, row: usize) -> Option<usize> {
        self.judged.outcome.verdicts.get(row).image.map(|image| image as usize)
    }

    fn sequence_of(&self, image: usize) -> Option<&SequenceId> {
        let number = self.published.images.sequence[image];
        (number != PublishedImages::NO_SEQUENCE).then(|| self.published.images.sequences.value(number))
    }
}
