//! The user route: a named user's images in the time windows of the local tracks.

use crate::{Event, Watcher, pool::Pool};
use capture_model::{CapturedAt, LocalImages, Route, TimeKind};
use image_matcher::{MatchOutcome, TrackVerdict};
use mapillary_api::{Api, ApiError, TimeWindow};

const HOUR_MS: i64 = 3_600_000;
/// Zones lie within ±14 h of UTC; an absolute clock is trusted to an hour here, the tiles find the rest.
const WALL_PAD_MS: i64 = 14 * HOUR_MS;
const ABSOLUTE_PAD_MS: i64 = HOUR_MS;

/// All images of the user that may be partners of the photos.
pub(crate) async fn fetch(api: &Api, user: &str, images: &LocalImages, watch: Watcher<'_>) -> Result<Pool, ApiError> {
    let mut pool = Pool::default();
    let mut n_images = 0;
    for (start_ms, end_ms) in windows(images) {
        let window = TimeWindow { start: CapturedAt::from_epoch_ms(start_ms), end: CapturedAt::from_epoch_ms(end_ms) };
        for image in api.images_of_user(user, window).await? {
            n_images += 1;
            pool.add(image, Route::User);
        }
        watch(Event::UserImages { images: n_images });
    }
    Ok(pool)
}

/// Of each track, whether anything about it is still open.
pub(crate) fn open_tracks(outcome: &MatchOutcome) -> Vec<bool> {
    outcome.tracks.iter().map(|track| track.verdict != TrackVerdict::Published).collect()
}

/// Padded time windows of the photos, merged where they touch, in order.
fn windows(images: &LocalImages) -> Vec<(i64, i64)> {
    let mut windows: Vec<(i64, i64)> = (0..images.len())
        .filter_map(|row| {
            let pad = match images.time_kind[row] {
                TimeKind::Absolute => ABSOLUTE_PAD_MS,
                TimeKind::Wall => WALL_PAD_MS,
                TimeKind::None => return None,
            };
            Some((images.time_ms[row].saturating_sub(pad), images.time_ms[row].saturating_add(pad)))
        })
        .collect();
    windows.sort_unstable();
    windows.dedup();
    let mut merged: Vec<(i64, i64)> = Vec::new();
    for (start, end) in windows {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_padded_by_what_the_clock_may_hide_and_merged() {
        let images = LocalImages {
            file: vec![0, 1, 2, 3],
            time_ms: vec![0, 10 * HOUR_MS, 100 * HOUR_MS, 0],
            time_kind: vec![TimeKind::Wall, TimeKind::Wall, TimeKind::Absolute, TimeKind::None],
            ..LocalImages::default()
        };
        assert_eq!(windows(&images), [(-14 * HOUR_MS, 24 * HOUR_MS), (99 * HOUR_MS, 101 * HOUR_MS)]);
    }
}
