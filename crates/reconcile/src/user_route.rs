//! The user route: a named user's images in the time windows of the local tracks.

use crate::{Event, Watcher, pool::Pool};
use capture_model::{CapturedAt, LocalImages, Route, TimeKind};
use mapillary_api::{Api, ApiError, TimeWindow};

const HOUR_MS: i64 = 3_600_000;
/// Zones lie within ±14 h of UTC; an absolute clock is trusted to an hour here, the tiles find the rest.
const WALL_PAD_MS: i64 = 14 * HOUR_MS;
const ABSOLUTE_PAD_MS: i64 = HOUR_MS;

/// All images of the user that may be partners of the photos.
pub(crate) async fn fetch(api: &Api, user: &str, images: &LocalImages, watch: Watcher<'_>) -> Result<Pool, ApiError> {
    let mut pool = Pool::default();
    let mut n_images = 0;
    for (window, _) in windows(images) {
        for image in api.images_of_user(user, window).await? {
            n_images += 1;
            pool.add(image, Route::User);
        }
        watch(Event::UserImages { images: n_images });
    }
    Ok(pool)
}

/// Padded time windows of the photos, merged where they touch, in order; and how many photos lie in each.
pub(crate) fn windows(images: &LocalImages) -> Vec<(TimeWindow, usize)> {
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
    let mut merged: Vec<(i64, i64, usize)> = Vec::new();
    for (start, end) in windows {
        match merged.last_mut() {
            Some((_, last_end, n_photos)) if start <= *last_end => {
                *last_end = end.max(*last_end);
                *n_photos += 1;
            }
            _ => merged.push((start, end, 1)),
        }
    }
    let moment = CapturedAt::from_epoch_ms;
    merged.into_iter().map(|(start, end, n)| (TimeWindow { start: moment(start), end: moment(end) }, n)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_padded_by_what_the_clock_may_hide_and_merged() {
        let images = LocalImages {
            file: vec![0, 1, 2, 3],
            time_ms: vec![0, 10 * HOUR_MS, 100 * HOUR_MS, 0].into(),
            time_kind: vec![TimeKind::Wall, TimeKind::Wall, TimeKind::Absolute, TimeKind::None],
            ..LocalImages::default()
        };
        let hours = |(window, n_photos): (TimeWindow, usize)| {
            (window.start.epoch_ms() / HOUR_MS, window.end.epoch_ms() / HOUR_MS, n_photos)
        };
        let found: Vec<_> = windows(&images).into_iter().map(hours).collect();
        assert_eq!(found, [(-14, 24, 2), (99, 101, 1)]);
    }
}
