//! The numbers of the uploader, and which version had which.
//!
//! | from | what changed |
//! | --- | --- |
//! | 0.8 | groups by folder; splits at 60 s or 600 m; duplicates within 0.1 m and 5° dropped; 500 images, 2 GB, 6 Gpx a sequence |
//! | 0.10.1 | equal times are spread; times are sent as UTC (before: the wall clock as it stood) |
//! | 0.10.2 | GPS time goes before the camera's time |
//! | 0.13.0 | 1,000 images, 10 GB |
//! | 0.13.1 | 110 GB |
//! | 0.14.0 | groups by camera as well; too fast sequences dropped; one photo at (0, 0) drops its sequence; size is split with time, distance last |
//! | 0.14.6 | 100 m; (0, 0) drops only itself; zig-zag photos dropped |

use crate::Version;

/// What a photo at exactly (0, 0) does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NullIslandRule {
    /// It is uploaded like any other.
    Kept,
    /// Its whole sequence stays behind.
    DropsSequence,
    /// It stays behind.
    DropsItself,
}

/// Every number by which the uploader groups, cuts and drops.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each rule is on or off, independently of the others")]
pub struct Rules {
    /// Photos of one folder are grouped by camera (serial number, make, model, size) as well.
    pub groups_by_camera: bool,
    /// Equal times are spread over the rest of their second.
    pub spreads_equal_times: bool,
    /// GPS time is sent where a photo has both it and the camera's time.
    pub prefers_gps_time: bool,
    /// Times without a zone are sent as they stand, as if they were UTC.
    pub sends_wall_clock_as_utc: bool,
    /// Cuts where two photos are further apart in time, ms.
    pub max_gap_ms: i64,
    /// Cuts where two kept photos are further apart, metres.
    pub max_distance_m: f64,
    /// Whether the cut by distance comes last (after drops), and the cut by size first; the other way round before 0.14.
    pub cuts_by_distance_last: bool,
    /// Cuts before a sequence has more images.
    pub max_images: usize,
    /// Cuts before a sequence has more bytes.
    pub max_bytes: u64,
    /// Cuts before a sequence has more pixels.
    pub max_pixels: u64,
    /// What a photo at (0, 0) does.
    pub null_island: NullIslandRule,
    /// A photo this close to the last kept one is a duplicate, metres …
    pub duplicate_distance_m: f64,
    /// … unless both have headings that differ by more, degrees.
    pub duplicate_angle_deg: f64,
    /// A sequence that is faster on average stays behind, km/h; infinite where there is no such rule.
    pub max_speed_kmh: f64,
    /// Whether photos that jump off the path and back stay behind.
    pub drops_zig_zag: bool,
}

impl Rules {
    /// The rules of one version.
    pub fn of(version: Version) -> Self {
        let since = |minor, patch| version >= Version::new(0, minor, patch);
        Self {
            groups_by_camera: since(14, 0),
            spreads_equal_times: since(10, 1),
            prefers_gps_time: since(10, 2),
            sends_wall_clock_as_utc: !since(10, 1),
            max_gap_ms: 60_000,
            max_distance_m: if since(14, 6) { 100.0 } else { 600.0 },
            cuts_by_distance_last: since(14, 0),
            max_images: if since(13, 0) { 1000 } else { 500 },
            max_bytes: match (since(13, 1), since(13, 0)) {
                (true, _) => 110 << 30,
                (false, true) => 10 << 30,
                (false, false) => 2 << 30,
            },
            max_pixels: 6_000_000_000,
            null_island: match (since(14, 6), since(14, 0)) {
                (true, _) => NullIslandRule::DropsItself,
                (false, true) => NullIslandRule::DropsSequence,
                (false, false) => NullIslandRule::Kept,
            },
            duplicate_distance_m: 0.1,
            duplicate_angle_deg: 5.0,
            max_speed_kmh: if since(14, 0) { 400.0 } else { f64::INFINITY },
            drops_zig_zag: since(14, 6),
        }
    }

    /// The same rules for photos whose sequences are given: nothing is cut.
    pub fn without_cuts(self) -> Self {
        Self {
            max_gap_ms: i64::MAX,
            max_distance_m: f64::INFINITY,
            max_images: usize::MAX,
            max_bytes: u64::MAX,
            max_pixels: u64::MAX,
            ..self
        }
    }

    /// Whether neither size nor gaps cut.
    pub(crate) fn cuts_nothing(&self) -> bool {
        self.max_gap_ms == i64::MAX
            && self.max_images == usize::MAX
            && self.max_bytes == u64::MAX
            && self.max_pixels == u64::MAX
    }
}

/// The newest rules that are known (June 2026).
impl Default for Rules {
    fn default() -> Self {
        Self::of(Version::new(0, 14, 7))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(version: &str, metres: f64, images: usize, gigabytes: u64, null_island: NullIslandRule, flags: &str) {
        let rules = Rules::of(version.parse().unwrap());
        assert_eq!(rules.max_distance_m, metres, "{version}");
        assert_eq!((rules.max_images, rules.max_bytes >> 30), (images, gigabytes), "{version}");
        assert_eq!(rules.null_island, null_island, "{version}");
        let set = [
            (rules.groups_by_camera, "camera"),
            (rules.spreads_equal_times, "spread"),
            (rules.prefers_gps_time, "gps"),
            (rules.sends_wall_clock_as_utc, "wall"),
            (rules.max_speed_kmh.is_finite(), "speed"),
            (rules.drops_zig_zag, "zigzag"),
        ];
        let words: Vec<_> = set.iter().filter(|(is_set, _)| *is_set).map(|(_, word)| *word).collect();
        assert_eq!(words.join(" "), flags, "{version}");
    }

    #[test]
    fn each_version_has_its_rules() {
        use NullIslandRule::{DropsItself, DropsSequence, Kept};
        check("0.8.0", 600.0, 500, 2, Kept, "wall");
        check("0.10.0", 600.0, 500, 2, Kept, "wall");
        check("0.10.1", 600.0, 500, 2, Kept, "spread");
        check("0.10.2", 600.0, 500, 2, Kept, "spread gps");
        check("0.12.3", 600.0, 500, 2, Kept, "spread gps");
        check("0.13.0", 600.0, 1000, 10, Kept, "spread gps");
        check("0.13.3", 600.0, 1000, 110, Kept, "spread gps");
        check("0.14.0", 600.0, 1000, 110, DropsSequence, "camera spread gps speed");
        check("0.14.5", 600.0, 1000, 110, DropsSequence, "camera spread gps speed");
        check("0.14.6", 100.0, 1000, 110, DropsItself, "camera spread gps speed zigzag");
        assert_eq!(Rules::default(), Rules::of(Version::new(0, 15, 0)), "the newest rules are the default");
    }
}
