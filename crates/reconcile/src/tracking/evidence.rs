//! Words become evidence: image → sequence → its images → the tiles, all by documented calls.

use super::TrackError;
use super::tracker::{Wanted, ends_it};
use crate::user_route;
use capture_model::{ClusterId, ImageId, LocalArchive, Position, PublishedImage, SequenceId};
use cluster_tracker::{Seen, Upload};
use coverage_tile::decode;
use image_matcher::{Lookup, MatchSettings, match_images};
use mapillary_api::{Api, ApiError, ErrorKind, Tileset};
use std::collections::{BTreeMap, BTreeSet};
use tile_cover::{Zoom, is_beyond_mercator, tile_at};

/// What documented calls show of one upload.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence {
    pub(super) seen: Seen,
    /// Sequences that it became.
    pub(super) sequences: Vec<SequenceId>,
    /// Places of some of its images, one a sequence.
    places: Vec<Position>,
    /// Images of these sequences.
    pub(super) n_found: Option<usize>,
    /// Whether a call failed, so that nothing may be concluded from what was not seen.
    pub(super) has_failed: bool,
}

pub(super) struct Gatherer<'a> {
    pub(super) api: &'a Api,
    pub(super) user: Option<&'a str>,
    pub(super) problems: &'a mut Vec<String>,
    /// Whether the feed's words can stand for themselves where a call cannot be made.
    pub(super) has_feed: bool,
}

/// A failed call is told and borne, unless every further one would fail as well.
pub(super) fn bear(error: ApiError, has_feed: bool, problems: &mut Vec<String>) -> Result<(), TrackError> {
    if ends_it(error.kind(), has_feed) {
        return Err(error.into());
    }
    let words = match error.kind() {
        ErrorKind::TokenMissing => {
            "no access token: what the feed says was not checked with documented calls".to_owned()
        }
        _ => error.to_string(),
    };
    if !problems.contains(&words) {
        problems.push(words);
    }
    Ok(())
}

impl Gatherer<'_> {
    /// The one image that the feed names of each upload.
    pub(super) async fn of_images(
        &mut self,
        found: &BTreeMap<ClusterId, Upload>,
    ) -> Result<BTreeMap<ClusterId, Evidence>, TrackError> {
        let mut evidence: BTreeMap<ClusterId, Evidence> = BTreeMap::new();
        let mut named: Vec<(ClusterId, ImageId)> =
            found.values().filter_map(|upload| Some((upload.cluster_id, upload.image_id?))).collect();
        if named.is_empty() {
            return Ok(evidence);
        }
        let ids: Vec<ImageId> = named.iter().map(|(_, image)| *image).collect();
        let images = match self.api.images_by_ids(&ids).await {
            Ok(found) => {
                let mut failed = BTreeSet::new();
                for (id, error) in found.failed {
                    bear(error, self.has_feed, self.problems)?;
                    failed.insert(id);
                }
                for (cluster, _) in named.iter().filter(|(_, id)| failed.contains(id)) {
                    evidence.entry(*cluster).or_default().has_failed = true;
                }
                named.retain(|(_, id)| !failed.contains(id));
                found.images
            }
            Err(error) => {
                bear(error, self.has_feed, self.problems)?;
                for (cluster, _) in named {
                    evidence.entry(cluster).or_default().has_failed = true;
                }
                return Ok(evidence);
            }
        };
        let images: BTreeMap<u64, PublishedImage> = images.into_iter().map(|image| (image.id.0, image)).collect();
        for (cluster, id) in named {
            let entry = evidence.entry(cluster).or_default();
            entry.seen = Seen::Invisible;
            if let Some(image) = images.get(&id.0) {
                entry.seen = Seen::Visible;
                entry.sequences.extend(image.sequence.clone());
                entry.places.extend(image.original);
            }
        }
        Ok(evidence)
    }

    /// Uploads of which no image is known: what was sent is matched with what the user published in that time.
    pub(super) async fn of_what_was_sent(
        &mut self,
        past: &LocalArchive,
        wanted: &[Wanted],
        evidence: &mut BTreeMap<ClusterId, Evidence>,
        matching: &MatchSettings,
    ) -> Result<(), TrackError> {
        let Some(user) = self.user else { return Ok(()) };
        let open: BTreeSet<String> = wanted
            .iter()
            .filter(|wanted| !evidence.contains_key(&wanted.cluster_id))
            .map(|wanted| wanted.cluster_id.to_string())
            .collect();
        let mut past = past.clone();
        past.tracks.retain(|track| open.contains(&*track.name));
        let images = past.usable_images();
        if images.is_empty() {
            return Ok(());
        }
        let clusters: Vec<ClusterId> =
            past.tracks.iter().map(|track| track.name.parse().unwrap_or(ClusterId(0))).collect();
        let pool = match user_route::fetch(self.api, user, &images, &|_| {}).await {
            Ok(pool) => pool,
            Err(error) => {
                bear(error, self.has_feed, self.problems)?;
                for cluster in clusters {
                    evidence.entry(cluster).or_default().has_failed = true;
                }
                return Ok(());
            }
        };
        let (published, _) = pool.into_columns();
        let outcome = match_images(&images, &published, &vec![Lookup::Complete; images.len()], matching);
        for (track, cluster) in clusters.into_iter().enumerate() {
            let entry = evidence.entry(cluster).or_default();
            entry.seen = Seen::Invisible;
            for &number in &outcome.tracks[track].sequences {
                entry.seen = Seen::Visible;
                entry.sequences.push(published.sequences.value(number).clone());
                let mut rows = (0..published.len()).filter(|&row| published.sequence[row] == number);
                entry.places.extend(rows.find_map(|row| published.original(row)));
            }
        }
        Ok(())
    }

    /// Counts the images of each sequence, and reads the tile in which it must be.
    pub(super) async fn look_closely(
        &mut self,
        evidence: &mut BTreeMap<ClusterId, Evidence>,
    ) -> Result<(), TrackError> {
        for entry in evidence.values_mut().filter(|entry| entry.seen == Seen::Visible) {
            let (mut n_found, mut n_in_tiles) = (0, 0);
            let mut is_counted = true;
            for (number, key) in entry.sequences.iter().enumerate() {
                match self.api.image_ids(key).await {
                    Ok(ids) => n_found += ids.len(),
                    Err(error) => {
                        is_counted = false;
                        bear(error, self.has_feed, self.problems)?;
                    }
                }
                let Some(&place) = entry.places.get(number) else { continue };
                match is_in_tiles(self.api, key, place).await {
                    Ok(is_in_tiles) => n_in_tiles += usize::from(is_in_tiles),
                    Err(error) => {
                        entry.has_failed = true;
                        if self.has_feed {
                            entry.seen = Seen::Unchecked; // its words stand for themselves
                        }
                        bear(error, self.has_feed, self.problems)?;
                    }
                }
            }
            entry.n_found = is_counted.then_some(n_found);
            if n_in_tiles > 0 && n_in_tiles == entry.sequences.len() {
                entry.seen = Seen::InTiles;
            }
        }
        Ok(())
    }
}

/// Whether the tile of a place shows a sequence.
pub(super) async fn is_in_tiles(api: &Api, sequence: &SequenceId, place: Position) -> Result<bool, ApiError> {
    if is_beyond_mercator(place) {
        return Ok(false);
    }
    let tile = tile_at(place, Zoom::COVERAGE);
    let answer = api.coverage_tile(tile, Tileset::Original).await?;
    if answer.is_empty() {
        return Ok(false);
    }
    let coverage = decode(&answer.bytes, tile).map_err(|error| ApiError::nonsense(format!("tile {tile}: {error}")))?;
    Ok(coverage.sequence_ids().contains(sequence))
}
