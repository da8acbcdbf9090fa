//! What may be odd about an archive, by name.

use std::fmt;
use std::str::FromStr;

macro_rules! scenarios {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal,)+) => {
        /// What is odd about an archive.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Scenario {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Scenario {
            /// All scenarios.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Its name in snake case.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }
        }
    };
}

scenarios! {
    /// A bit of everything, as real archives are.
    Demo = "demo",
    /// Untouched uploads, clocks on UTC.
    Clean = "clean",
    /// Another upload path: places off by 1.5 m, times by 0.2 s.
    Jitter = "jitter",
    /// Whole seconds in EXIF, true milliseconds on the service.
    IntegerSeconds = "integer_seconds",
    /// Thousands of others' images in the same tile.
    DenseCity = "dense_city",
    /// Clocks off by days and odd seconds.
    ClockOffset = "clock_offset",
    /// Wall clocks at +05:45.
    TzNaive = "tz_naive",
    /// One camera before and after the change to summer time.
    DstHour = "dst_hour",
    /// A clock that gains 250 ppm.
    Drift = "drift",
    /// Published places shifted by a constant.
    AdjustedShift = "adjusted_shift",
    /// Published places that wander slowly.
    AdjustedSmooth = "adjusted_smooth",
    /// The same with bad stretches and outliers.
    AdjustedHeavytail = "adjusted_heavytail",
    /// Exact uploaded places, adjusted ones beside them.
    ComputedRealistic = "computed_realistic",
    /// A receiver that repeats its place.
    FrozenGps = "frozen_gps",
    /// The same, and the uploader dropped the repetitions.
    FrozenGpsDropped = "frozen_gps_dropped",
    /// No altitude in the photos.
    MissingAltitude = "missing_altitude",
    /// No times in the photos.
    MissingTime = "missing_time",
    /// A third of the photos lost their times.
    MissingTimeSome = "missing_time_some",
    /// Five frames a second, whole seconds in EXIF.
    Burst5hz = "burst_5hz",
    /// Bursts that stand still.
    BurstSamePlace = "burst_same_place",
    /// Two cameras of different make on one car.
    RigTwoModels = "rig_two_models",
    /// Two equal cameras that look to different sides.
    RigHeadings = "rig_headings",
    /// Two equal cameras that nothing tells apart.
    RigUndecidable = "rig_undecidable",
    /// The same road twice in one day.
    TwoPassesOneDay = "two_passes_one_day",
    /// Another user rode along; both published.
    TwoUsersSameRoute = "two_users_same_route",
    /// A friend rode along and published; the owner did not.
    CompanionOnly = "companion_only",
    /// A ride over the antimeridian.
    Antimeridian = "antimeridian",
    /// Beyond the last tile in the north.
    NearPole = "near_pole",
    /// A ride along the edge of a tile.
    TileEdges = "tile_edges",
    /// A ride that the service cut at 500 images.
    Split500 = "split_500",
    /// Only the first part is published.
    PartialPublication = "partial_publication",
    /// Nothing of it is published.
    NothingPublished = "nothing_published",
    /// An earlier commute is published, today's is not.
    NothingPublishedCommute = "nothing_published_commute",
    /// The same photos uploaded twice.
    ReuploadSame = "reupload_same",
    /// Single photos far apart.
    SinglePhotos = "single_photos",
    /// Nothing but tiles was read.
    TileFrugal = "tile_frugal",
    /// Nothing but tiles of adjusted places was read.
    TileFrugalComputed = "tile_frugal_computed",
    /// The camera's clock is wrong, but its receiver writes GPS time, and the uploader takes that.
    GpsTime = "gps_time",
    /// Adjusted places, whole seconds and a clock that is off by odd minutes, all at once.
    AdjustedClock = "adjusted_clock",
    /// Three frames a second in whole seconds, adjusted places, and the service lost frames by the dozen.
    Burst3hzGaps = "burst_3hz_gaps",
    /// The same commute on two days, both published with a strong wander.
    CommuteTwice = "commute_twice",
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that no scenario has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no scenario {name:?}; there are: {}", Scenario::ALL.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(", "))]
pub struct UnknownScenario {
    /// What was asked for.
    pub name: String,
}

impl FromStr for Scenario {
    type Err = UnknownScenario;
    fn from_str(name: &str) -> Result<Self, UnknownScenario> {
        let found = Self::ALL.iter().copied().find(|scenario| scenario.as_str() == name);
        found.ok_or_else(|| UnknownScenario { name: name.to_owned() })
    }
}
