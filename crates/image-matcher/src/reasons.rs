//! One reason for every verdict, from the closed list.

use crate::Lookup;
use crate::block::Places;
use crate::claims::Claim;
use crate::plane::{are_within, distance_m2};
use crate::published_side::PublishedSide;
use crate::ride::Ride;
use crate::rivals::{Doubt, Standing};
use crate::votes::{EXACT_M, nearest_quarter_ms};
use capture_model::{LocalImages, Reason, TimeKind};

/// Times of one upload agree to this.
const EXACT_MS: i64 = 2;

/// How a pair agrees.
pub(crate) fn matched_reason(
    local: &LocalImages,
    side: &PublishedSide,
    ride: &Ride,
    standing: &Standing,
    claim: Claim,
    row: usize,
) -> Reason {
    let (photo, image) = (ride.photo_of(row), claim.image as usize);
    if side.by_tile(image) {
        return Reason::TileOnly;
    }
    if !ride.is_timed() || ride.is_interpolated(photo) || side.time_ms(image) == PublishedSide::NO_TIME {
        return Reason::OrderOnly;
    }
    if standing.block.places == Places::Computed {
        return Reason::Adjusted;
    }
    let own = (local.longitude[row], local.latitude[row]);
    let is_near = || {
        let place = ride.anchor.point(own.0, own.1);
        distance_m2(side.points(image, &ride.anchor)[0], place) < EXACT_M * EXACT_M
    };
    let is_placed = are_within(own, side.degrees(image)[0], EXACT_M).unwrap_or_else(is_near);
    let lag = |time_ms: i64, offset_ms: i64| (side.time_ms(image) - time_ms - offset_ms).abs();
    let offset_ms = standing.block.offset_at(ride.time_ms[photo]);
    let zone_ms = nearest_quarter_ms(offset_ms);
    if !is_placed {
        return Reason::Aligned;
    }
    let replayed = ride.time_ms[photo] != ride.written_ms(photo);
    match ride.kind {
        TimeKind::Absolute if lag(ride.written_ms(photo), 0) <= EXACT_MS => Reason::Exact,
        TimeKind::Absolute if replayed && lag(ride.time_ms[photo], 0) <= EXACT_MS => Reason::ExactAfterReplay,
        TimeKind::Wall if lag(ride.time_ms[photo], zone_ms) <= EXACT_MS => Reason::ExactAfterReplay,
        _ => Reason::Aligned,
    }
}

/// Why a pair is in doubt.
pub(crate) fn ambiguous_reason(side: &PublishedSide, standing: &Standing, claim: Claim, claims: &[Claim]) -> Reason {
    let same_block = claims.iter().filter(|other| other.standing() == claim.standing()).count();
    // a block that is sure leaves no other doubt: two photos may want one image
    if claim.is_unsure() && (same_block > 1 || standing.probability >= 0.9) {
        return Reason::BetweenNeighbours;
    }
    let time_ms = |claim: &Claim| side.time_ms(claim.image as usize);
    let is_again = |other: &Claim| {
        let is_timed = time_ms(&claim) != PublishedSide::NO_TIME;
        other.standing() != claim.standing() && is_timed && time_ms(other) == time_ms(&claim)
    };
    match standing.doubt {
        Doubt::OtherRide => Reason::RigUndecidable,
        Doubt::OtherSequence if claims.iter().any(is_again) => Reason::Reuploaded,
        Doubt::OtherSequence | Doubt::Companion => Reason::CompanionPossible,
        Doubt::Offset => Reason::OffsetUndecided,
        Doubt::Weak if claim.is_unsure() => Reason::BetweenNeighbours,
        Doubt::Weak => Reason::WeakEvidence,
    }
}

/// The matched images next to each photo of a track, as places in the published order.
pub(crate) struct Neighbours {
    before: Vec<Option<u32>>,
    after: Vec<Option<u32>>,
}

impl Neighbours {
    /// By the place of the image that each photo of the track is matched to, in order.
    pub(crate) fn new(places: impl Iterator<Item = Option<u32>>) -> Self {
        let mut before: Vec<Option<u32>> = places.collect();
        let mut after = before.clone();
        nearest_before(before.iter_mut());
        nearest_before(after.iter_mut().rev());
        Self { before, after }
    }

    /// The matched images before and after a photo of the track.
    pub(crate) fn of(&self, photo: usize) -> (Option<u32>, Option<u32>) {
        (self.before[photo], self.after[photo])
    }
}

/// Puts in the stead of each place the nearest one before it that is known.
fn nearest_before<'p>(places: impl Iterator<Item = &'p mut Option<u32>>) {
    let mut last = None;
    for place in places {
        let known = place.or(last);
        *place = std::mem::replace(&mut last, known);
    }
}

/// Whether two images follow each other in one sequence.
fn are_consecutive(side: &PublishedSide, a: u32, b: u32) -> bool {
    let (a, b) = (a as usize, b as usize);
    a.abs_diff(b) == 1 && side.sequence(a) == side.sequence(b)
}

/// Why a photo has no partner.
pub(crate) fn absent_reason(
    local: &LocalImages,
    side: &PublishedSide,
    (before, after): (Option<u32>, Option<u32>),
    lookup: Lookup,
    row: usize,
    has_claims: bool,
) -> Reason {
    let is_track_published = before.is_some() || after.is_some();
    if is_track_published && let Some(drop) = local.predicted_drop[row] {
        return drop;
    }
    match lookup {
        Lookup::Failed => return Reason::LookupFailed,
        Lookup::OutsideTiles if !is_track_published => return Reason::OutsideFetchedTiles,
        Lookup::NoCoverage if !is_track_published => return Reason::NoCoverage,
        _ => {}
    }
    match (before, after) {
        (Some(before), Some(after)) => {
            let is_timed = local.time_kind[row] != TimeKind::None;
            if is_timed && are_consecutive(side, before, after) {
                Reason::DroppedByService
            } else {
                Reason::InSequenceGap
            }
        }
        (Some(_), None) | (None, Some(_)) => Reason::PartlyPublished,
        (None, None) if local.time_kind[row] == TimeKind::None && has_claims => Reason::NoTimeAndWeak,
        (None, None) => Reason::NotPublishedYet,
    }
}
