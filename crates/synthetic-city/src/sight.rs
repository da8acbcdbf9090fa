//! What whoever matches gets to see of the published images: whole entities, or no more than a coverage tile holds.
//!
//! A tile at zoom 14 has 4096 units on each side; a place becomes the nearest unit, in web mercator, and altitude, camera
//! and contributor are not in it. Capture time (ms) and compass are, exactly. Ids stay exact here: whether one came through
//! a double is the reader's matter, not the city's.

use capture_model::{Device, Evidence, Position, PublishedImage};

/// Tiles at zoom 14 by the units of a tile: how many units go around the world.
const UNITS_AROUND: f64 = 16_384.0 * 4_096.0;

/// How much is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Sight {
    /// Everything that the service tells.
    #[default]
    Entities,
    /// Tiles of the places as uploaded.
    OriginalTiles,
    /// Tiles of the places after structure from motion; images without such a place are not in them.
    ComputedTiles,
}

impl Sight {
    /// The image as it is seen, or `None` where it is not.
    pub(crate) fn of(self, image: &PublishedImage) -> Option<PublishedImage> {
        let (original, computed) = match self {
            Self::Entities => return Some(image.clone()),
            Self::OriginalTiles => (Some(on_grid(image.original?)), None),
            Self::ComputedTiles => (None, Some(on_grid(image.computed?))),
        };
        Some(PublishedImage {
            evidence: Evidence::Tile,
            original,
            computed,
            altitude_m: None,
            computed_altitude_m: None,
            computed_compass_deg: None,
            device: Device::default(),
            creator_id: None,
            ..image.clone()
        })
    }
}

/// The nearest unit of the tile's grid.
fn on_grid(place: Position) -> Position {
    use std::f64::consts::PI;
    let units = |share: f64| (share * UNITS_AROUND).round() / UNITS_AROUND;
    let east = units((place.lon() + 180.0) / 360.0);
    let south = units((1.0 - place.lat().to_radians().tan().asinh() / PI) / 2.0);
    let longitude = (east * 360.0).rem_euclid(360.0) - 180.0;
    let latitude = (PI * (1.0 - 2.0 * south)).sinh().atan().to_degrees();
    Position::from_lon_lat(longitude, latitude).expect("a unit of the grid lies on the globe")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CitySpec, Scenario, build};

    fn metres_between(a: Position, b: Position) -> f64 {
        let east = ((b.lon() - a.lon() + 540.0).rem_euclid(360.0) - 180.0) * a.lat().to_radians().cos();
        east.hypot(b.lat() - a.lat()) * 111_195.0
    }

    #[test]
    fn a_tile_moves_a_place_by_half_a_unit_at_most() {
        for (latitude, largest_m) in [(0.0, 0.43), (30.0, 0.38), (48.0, 0.29), (70.0, 0.15)] {
            for k in 0..200 {
                let place = Position::from_lon_lat(179.999 + 0.000_005 * f64::from(k), latitude + 0.000_003).unwrap();
                let moved_m = metres_between(place, on_grid(place));
                assert!(moved_m < largest_m, "{latitude}: {moved_m} m");
            }
        }
    }

    #[test]
    fn tiles_tell_time_and_sequence_and_neither_altitude_nor_camera() {
        for scenario in [Scenario::TileFrugal, Scenario::TileFrugalComputed] {
            let city = build(&CitySpec { scenario, photos: 100, seed: 4 });
            let seen = city.published_columns();
            assert!(seen.len() > city.published.len() * 9 / 10, "{scenario}");
            for row in 0..seen.len() {
                let image = seen.image(row);
                let whole = city.published.iter().find(|published| published.id == image.id).unwrap();
                assert_eq!((image.captured_at, &image.sequence), (whole.captured_at, &whole.sequence), "{scenario}");
                assert_eq!((image.altitude_m, image.device, image.evidence), (None, Device::default(), Evidence::Tile));
                let (kept, lost, before) = match scenario {
                    Scenario::TileFrugal => (image.original, image.computed, whole.original),
                    _ => (image.computed, image.original, whole.computed),
                };
                assert!(metres_between(kept.unwrap(), before.unwrap()) < 0.43 && lost.is_none(), "{scenario}");
            }
        }
    }

    #[test]
    fn a_photo_whose_image_is_not_seen_is_not_decidable() {
        let city = build(&CitySpec { scenario: Scenario::TileFrugalComputed, photos: 400, seed: 5 });
        let hidden = city.published.iter().filter(|image| image.computed.is_none()).map(|image| image.id);
        let hidden: std::collections::BTreeSet<_> = hidden.collect();
        let mut n_hidden = 0;
        for (ids, &decidable) in city.truth.iter().zip(&city.decidable) {
            let is_hidden = ids.iter().all(|id| hidden.contains(id));
            n_hidden += usize::from(is_hidden && !ids.is_empty());
            assert_eq!(decidable, !is_hidden);
        }
        assert!(n_hidden > 0, "the service gives a few images no computed place");
    }
}
