//! What uploads add to the verdicts: reasons of photos without partner, the verdict and the stage of a local sequence.

use super::run::Run;
use super::tracker::Tracked;
use capture_model::{ClusterId, Reason};
use cluster_tracker::{Standing, State};
use image_matcher::{MatchOutcome, TrackVerdict};
use match_report::TrackUpload;

impl Run<'_> {
    /// What the uploads of a track say of it; photos without partner get the reason that their upload gives them.
    pub(super) fn tell(&self, track: usize, outcome: &mut MatchOutcome) -> TrackUpload {
        let mut named = self.clusters_of(track);
        named.remove(&ClusterId(0)); // a dry run
        let known: Vec<&Tracked> = named.iter().filter_map(|id| self.tracked.get(id)).collect();
        let Some(worst) = known.iter().min_by_key(|tracked| (rank(tracked.standing.state), tracked.standing.stage))
        else {
            return self.told_by_ties(track, "by its photos, no upload id is known").unwrap_or_default();
        };
        let is_told_of_all = known.len() == named.len();
        if worst.standing.state == State::InTiles && !is_told_of_all {
            return self.told_by_ties(track, "by its photos, one of its uploads is not known").unwrap_or_default();
        }
        if worst.standing.state == State::Unknown
            && let Some(told) = self.told_by_ties(track, "by its photos")
        {
            return told; // other rides of its upload are not where this one is
        }
        for row in self.local.images.rows_of(track) {
            let file = self.local.archive.files.get(self.local.images.file[row] as usize);
            let Some(tracked) = file.cluster_id().and_then(|id| self.tracked.get(&id)) else { continue };
            let state = tracked.standing.state;
            let is_open = match outcome.verdicts.get(row).reason {
                Reason::NotPublishedYet | Reason::NoCoverage | Reason::OutsideFetchedTiles => true,
                // The rest of a ride whose other part went with another upload.
                Reason::PartlyPublished => matches!(state, State::Processing | State::Failed),
                _ => false,
            };
            if !is_open {
                continue;
            }
            let reason = match state {
                State::Processing => Reason::Processing,
                State::Failed => Reason::FailedOnServer,
                State::Published if tracked.upload.is_some() => Reason::PublishedNotInTiles,
                _ => continue,
            };
            outcome.verdicts.change(row, |verdict| verdict.reason = reason);
            let stage = tracked.standing.stage.map_or("unknown", cluster_tracker::Stage::as_str);
            outcome.notes.retain(|(of, _)| *of as usize != row);
            outcome.notes.push((row as u32, format!("upload {}: {stage}", tracked.wanted.cluster_id)));
        }
        let verdict = &mut outcome.tracks[track].verdict;
        if *verdict == TrackVerdict::NotFound {
            match worst.standing.state {
                State::Failed => *verdict = TrackVerdict::Failed,
                State::Processing | State::Published => *verdict = TrackVerdict::Processing,
                State::Unknown | State::NotFound | State::InTiles => {}
            }
        }
        TrackUpload {
            stage: worst.standing.stage.map_or("", cluster_tracker::Stage::as_str),
            error_code: worst.upload.as_ref().and_then(|upload| upload.error_code.clone()).unwrap_or_default(),
            note: worst.standing.notes.join("; "),
        }
    }

    /// Where a local sequence stands as far as its own photos are tied, `why` nothing else tells it.
    fn told_by_ties(&self, track: usize, why: &str) -> Option<TrackUpload> {
        let seen = self.ties_of_track(track).seen(&self.published.in_tiles)?;
        let standing = Standing::without_feed(seen, why);
        Some(TrackUpload {
            stage: standing.stage.map_or("", cluster_tracker::Stage::as_str),
            error_code: String::new(),
            note: standing.notes.join("; "),
        })
    }
}

/// Of several uploads of one track the worst is told; only where all of them are in the tiles, "in the tiles" is.
fn rank(state: State) -> u8 {
    match state {
        State::Failed => 0,
        State::Processing => 1,
        State::Published => 2,
        State::Unknown => 3,
        State::NotFound => 4,
        State::InTiles => 5,
    }
}
