//! What became of each track as a whole.

use crate::ride::Ride;
use crate::rivals::Standing;
use crate::votes::nearest_quarter_ms;
use crate::{ClockKind, TrackOutcome, TrackVerdict, Verdict, Verdicts};
use capture_model::{LocalImages, PublishedImages, Reason, Status, TimeKind};
use rayon::prelude::*;

const SLACK_MS: i64 = 1_200;

/// One outcome per track, from its verdicts and the block that carried most of them.
pub(crate) fn track_outcomes(
    local: &LocalImages,
    published: &PublishedImages,
    rides: &[Ride],
    standings: &[Standing],
    verdicts: &Verdicts,
) -> Vec<TrackOutcome> {
    let mut best: Vec<Option<usize>> = vec![None; local.n_tracks()];
    for (number, standing) in standings.iter().enumerate().filter(|(_, standing)| standing.twin_of.is_none()) {
        let track = rides[standing.ride].track;
        let weight = |number: usize| standings[number].probability * f64::from(standings[number].photos);
        if standing.probability >= 0.5 && best[track].is_none_or(|known| weight(number) > weight(known)) {
            best[track] = Some(number);
        }
    }
    (0..local.n_tracks())
        .into_par_iter()
        .map(|track| {
            let rows = local.rows_of(track);
            let mut sequences = Vec::new();
            let mut first_offset = None;
            for verdict in verdicts.of_rows(rows.clone()) {
                let Some(image) = verdict.image else { continue };
                first_offset = first_offset.or(verdict.clock_offset_ms);
                let sequence = published.sequence[image as usize];
                if sequence != PublishedImages::NO_SEQUENCE && !sequences.contains(&sequence) {
                    sequences.push(sequence);
                }
            }
            let clock = best[track].filter(|_| first_offset.is_some());
            TrackOutcome {
                verdict: verdict_of(verdicts.of_rows(rows)),
                sequences,
                clock_offset_ms: first_offset,
                clock_kind: clock
                    .map_or(ClockKind::Unknown, |number| kind_of(&rides[standings[number].ride], &standings[number])),
                drift_ppm: clock.map(|number| standings[number].block.slope * 1e6).filter(|ppm| *ppm != 0.0),
                clock_support: clock.map_or(0, |number| standings[number].photos),
            }
        })
        .collect()
}

/// What became of a track, by the verdicts of its photos.
pub fn verdict_of(verdicts: impl Iterator<Item = Verdict>) -> TrackVerdict {
    let is_explained = |reason: Reason| {
        matches!(
            reason,
            Reason::DroppedDuplicate
                | Reason::DroppedByUploader
                | Reason::DroppedByService
                | Reason::InSequenceGap
                | Reason::IdTaken
        )
    };
    let (mut n_matched, mut n_ambiguous, mut is_open) = (0_usize, 0_usize, false);
    for reason in verdicts.map(|verdict| verdict.reason) {
        match reason.status() {
            Status::Matched => n_matched += 1,
            Status::Ambiguous => n_ambiguous += 1,
            Status::Unmatched => is_open |= !is_explained(reason),
            _ => {}
        }
    }
    match (n_matched, n_ambiguous) {
        (0, 0) => TrackVerdict::NotFound,
        (matched, ambiguous) if ambiguous > matched => TrackVerdict::Undecided,
        (_, 0) if !is_open => TrackVerdict::Published,
        _ => TrackVerdict::PartlyPublished,
    }
}

fn kind_of(ride: &Ride, standing: &Standing) -> ClockKind {
    if !ride.is_timed() || !standing.block.is_timed {
        return ClockKind::Unknown;
    }
    let block = &standing.block;
    let offset_ms = block.offset_ms.round() as i64;
    let whole = nearest_quarter_ms(offset_ms);
    match ride.kind {
        _ if block.slope != 0.0 => ClockKind::Drift,
        TimeKind::Absolute if offset_ms.abs() < SLACK_MS => ClockKind::NoneNeeded,
        _ if (offset_ms - whole).abs() < SLACK_MS && whole.abs() <= 50_400_000 => ClockKind::Zone,
        _ => ClockKind::Offset,
    }
}
