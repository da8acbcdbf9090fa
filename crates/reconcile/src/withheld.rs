//! Images that a tile shows where and when a photo was taken, and that the service does not hand out.
//!
//! They are deleted since the tile was made, or not for this token. The photo has no partner then, but whoever reads
//! "not published yet" should know that something was.

use capture_model::{LocalImages, Position, PublishedImages, Status, TimeKind};
use image_matcher::MatchOutcome;
use std::collections::{BTreeMap, HashMap};

/// A tile moves a place by up to 0.42 m; the published place may be a rounded one.
const SAME_PLACE_M: f64 = 5.0;
const SAME_TIME_MS: i64 = 1_500;
/// A wall clock differs from UTC by whole quarters of an hour.
const QUARTER_MS: i64 = 900_000;
/// Cells of the look-up in degrees: at 85° of latitude still wider than [`SAME_PLACE_M`].
const CELL_DEG: f64 = 0.001;

/// Adds to the notes of photos without a partner the image that a tile shows in their place.
pub(crate) fn note(outcome: &mut MatchOutcome, images: &LocalImages, withheld: &PublishedImages) {
    if withheld.is_empty() {
        return;
    }
    let cell = |place: Position| ((place.lon() / CELL_DEG).floor() as i64, (place.lat() / CELL_DEG).floor() as i64);
    let mut in_cell: BTreeMap<(i64, i64), Vec<usize>> = BTreeMap::new();
    for row in 0..withheld.len() {
        if let Some(place) = withheld.original(row) {
            in_cell.entry(cell(place)).or_default().push(row);
        }
    }
    let mut noted: HashMap<u32, usize> = outcome.notes.iter().enumerate().map(|(at, (row, _))| (*row, at)).collect();
    for row in (0..images.len()).filter(|&row| outcome.verdicts.get(row).reason.status() == Status::Unmatched) {
        let place = images.position(row);
        let (x, y) = cell(place);
        let around = (-1..=1).flat_map(|dx| (-1..=1).map(move |dy| (x + dx, y + dy)));
        let offset_ms = outcome.tracks.get(images.track[row] as usize).and_then(|track| track.clock_offset_ms);
        let near = around.filter_map(|cell| in_cell.get(&cell)).flatten().copied();
        let fitting = near.filter_map(|there| {
            let metres = distance_m(place, withheld.original(there)?);
            let late_ms = lateness_ms(images, row, withheld.captured_at(there)?.epoch_ms(), offset_ms)?;
            (metres <= SAME_PLACE_M && late_ms <= SAME_TIME_MS).then_some((late_ms, withheld.id[there]))
        });
        let Some((_, id)) = fitting.min() else { continue };
        let words = format!(
            "a tile shows image {id} at this place and time, but the service does not hand it out (deleted, or not for this token)"
        );
        match noted.remove(&(row as u32)) {
            Some(at) => outcome.notes[at].1 = format!("{}; {words}", outcome.notes[at].1),
            None => outcome.notes.push((row as u32, words)),
        }
    }
}

/// How far a published time is from a photo's, on the clock that was found or, where none was, on any zone's.
fn lateness_ms(images: &LocalImages, row: usize, published_ms: i64, offset_ms: Option<i64>) -> Option<i64> {
    let lag_ms = published_ms.checked_sub(images.sent_time_ms[row])?;
    match (images.time_kind[row], offset_ms) {
        (TimeKind::None, _) => None,
        (_, Some(offset_ms)) => Some(lag_ms.saturating_sub(offset_ms).saturating_abs()),
        (TimeKind::Absolute, None) => Some(lag_ms.saturating_abs()),
        (TimeKind::Wall, None) => {
            let beyond_ms = lag_ms.rem_euclid(QUARTER_MS);
            Some(beyond_ms.min(QUARTER_MS - beyond_ms))
        }
    }
}

/// On a sphere, for places that lie close together.
fn distance_m(a: Position, b: Position) -> f64 {
    let metres_per_deg = 111_320.0;
    let turn = (a.lon() - b.lon()).rem_euclid(360.0);
    let east = turn.min(360.0 - turn) * a.lat().to_radians().cos();
    (a.lat() - b.lat()).hypot(east) * metres_per_deg
}

#[cfg(test)]
mod tests {
    use super::*;
    use capture_model::{CapturedAt, Evidence, ImageId, PublishedImage, Reason};
    use image_matcher::Verdict;

    const NOON_MS: i64 = 1_716_026_400_000;

    fn shown(id: u64, lon: f64, time_ms: i64) -> PublishedImage {
        PublishedImage {
            original: Position::from_lon_lat(lon, 0.01).ok(),
            captured_at: Some(CapturedAt::from_epoch_ms(time_ms)),
            ..PublishedImage::bare(ImageId(id), Evidence::Tile)
        }
    }

    #[test]
    fn a_photo_in_whose_place_a_tile_shows_an_image_is_told_so() {
        let kinds = vec![TimeKind::Absolute, TimeKind::Wall, TimeKind::Absolute, TimeKind::None, TimeKind::Absolute];
        let longitude = vec![0.01, 0.02, 0.03, 0.04, 0.05];
        let images = LocalImages {
            file: (0..5).collect(),
            track: vec![0; 5].into(),
            sent_time_ms: vec![NOON_MS; 5].into(),
            latitude: vec![0.01; 5].into(),
            time_kind: kinds,
            longitude: longitude.clone().into(),
            tracks: vec![0, 5],
            ..LocalImages::default()
        };
        let reasons = [
            Reason::NotPublishedYet,
            Reason::NotPublishedYet,
            Reason::NotPublishedYet,
            Reason::NoTimeAndWeak,
            Reason::Exact,
        ];
        let verdict = |reason| Verdict {
            reason,
            image: None,
            probability: None,
            by_computed: false,
            used_time_ms: None,
            clock_offset_ms: None,
        };
        let verdicts = reasons.into_iter().map(verdict).collect();
        let mut outcome = MatchOutcome { verdicts, notes: vec![(1, "said".to_owned())], ..MatchOutcome::default() };
        let mut withheld = PublishedImages::default();
        for (row, lon) in longitude.into_iter().enumerate() {
            // The second is two hours later, as another zone would have it; the third a minute, as no zone would.
            let late_ms = [400, 7_200_000, 60_000, 0, 0][row];
            withheld.push(&shown(700 + row as u64, lon, NOON_MS + late_ms));
        }
        withheld.push(&shown(1, 0.01 + 1e-4, NOON_MS)); // 11 m away
        note(&mut outcome, &images, &withheld);
        let told: Vec<(u32, &str)> =
            outcome.notes.iter().map(|(row, words)| (*row, words.split(" at").next().unwrap())).collect();
        assert_eq!(told, [(1, "said; a tile shows image 701"), (0, "a tile shows image 700")]);
    }
}
