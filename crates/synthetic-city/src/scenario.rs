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
    /// Geotagged from a track after the ride: other places, other altitudes.
    GpxGeotagged = "gpx_geotagged",
    /// A battery was changed on the way, and the clock fell back to years ago.
    ClockJump = "clock_jump",
    /// Summer time began on the way.
    DstInFolder = "dst_in_folder",
    /// A clock that gains 3,000 ppm.
    DriftStrong = "drift_strong",
    /// Uploaded by two accounts which read the clock in different zones.
    ReuploadOtherZone = "reupload_other_zone",
    /// Seconds rounded, not cut, on adjusted places.
    RoundedSeconds = "rounded_seconds",
    /// Files that keep places to a hundredth of a second of arc.
    CoarseCoordinates = "coarse_coordinates",
    /// Half of the files were nudged after the upload.
    HalfEdited = "half_edited",
    /// A receiver that keeps its last place through a tunnel.
    Tunnel = "tunnel",
    /// A walk with long stops.
    WalkStanding = "walk_standing",
    /// The service lost images by blocks of 25.
    LostBlocks = "lost_blocks",
    /// A ride cut at 500 images, with gaps, whole seconds and adjusted places.
    Split500Gaps = "split_500_gaps",
    /// The service knows whole seconds only.
    ServerSeconds = "server_seconds",
    /// The service does not know altitudes.
    MissingAltitudeRemote = "missing_altitude_remote",
    /// Compasses turned by 90 degrees.
    HeadingWrong = "heading_wrong",
    /// A photo each second on the second, adjusted places, a clock that is off by whole seconds.
    RegularShutter = "regular_shutter",
    /// No times, and adjusted places only.
    UntimedAdjusted = "untimed_adjusted",
    /// Four equal cameras that look to four sides.
    RigFour = "rig_four",
    /// Two cameras with different clocks in one folder.
    MixedFolder = "mixed_folder",
    /// A friend rode two seconds behind with the same camera; both published.
    FriendBehind = "friend_behind",
    /// The same, and only the friend published.
    FriendBehindOnly = "friend_behind_only",
    /// Only a friend published, and the own clock is wrong.
    CompanionWrongClock = "companion_wrong_clock",
    /// Today's commute is published in part, yesterday's in full.
    CommutePartly = "commute_partly",
    /// The same road an hour later is published, this ride is not.
    HourLaterOnly = "hour_later_only",
    /// Five laps of one block, of which one is published.
    LapsOnePublished = "laps_one_published",
    /// The same with adjusted places on an unknown clock.
    LapsAdjusted = "laps_adjusted",
    /// Back on the same road minutes later.
    ThereAndBack = "there_and_back",
    /// The same with adjusted places.
    ThereAndBackAdjusted = "there_and_back_adjusted",
    /// Single photos on a clock that is off by odd minutes.
    SinglePhotosClock = "single_photos_clock",
    /// South of the equator, west of Greenwich.
    SouthWest = "south_west",
    /// Far in the north, at Greenwich.
    HighLatitude = "high_latitude",
    /// Below the level of the sea.
    BelowSea = "below_sea",
    /// Five frames a second at exact places, and the service knows whole seconds only.
    Burst5hzServerSeconds = "burst_5hz_server_seconds",
    /// The same, and the camera writes whole seconds too.
    Burst5hzBothSeconds = "burst_5hz_both_seconds",
    /// The same with a receiver that speaks once a second: nothing tells five frames apart.
    Burst5hzFrozenSeconds = "burst_5hz_frozen_seconds",
    /// Ten frames a second, adjusted places, a clock off by odd minutes.
    Burst10hz = "burst_10hz",
    /// The service rounds times to the second.
    ServerRounds = "server_rounds",
    /// The same with adjusted places on a clock off by odd minutes.
    ServerRoundsAdjusted = "server_rounds_adjusted",
    /// The service cuts times to the second, adjusted places, a clock off by odd minutes.
    ServerSecondsAdjusted = "server_seconds_adjusted",
    /// The clock was set back by 37 s on the way: half a minute happens twice.
    ClockSetBack = "clock_set_back",
    /// Half of the photos show one parking place, at adjusted places on a wrong clock.
    LongParking = "long_parking",
    /// One place, a photo every five seconds, on a wall clock.
    Tripod = "tripod",
    /// The same photos uploaded three times; the service lost others each time.
    ReuploadThrice = "reupload_thrice",
    /// Uploaded a second time in a smaller size.
    ReuploadSmaller = "reupload_smaller",
    /// Only copies of a smaller size were uploaded.
    SmallerOnly = "smaller_only",
    /// A few photos a day, adjusted places, a clock off by five minutes.
    SmallDays = "small_days",
    /// A few photos a day in whole seconds, exact places, a wall clock.
    SmallDaysSeconds = "small_days_seconds",
    /// Geotagged anew after the upload, from a track that was four seconds late.
    GpxShifted = "gpx_shifted",
    /// A walk with a photo a second in whole seconds, at adjusted places closer than they moved.
    WalkSeconds = "walk_seconds",
    /// Altitudes were set anew after the upload.
    AltitudeEdited = "altitude_edited",
    /// Two frames a second, seconds rounded here and cut by the service, adjusted places, a clock off by odd seconds: only the
    /// altitudes tell a frame from the next.
    Burst2hzSeconds = "burst_2hz_seconds",
    /// A straight and level road, a frame each second on the second and 14 m, adjusted places, a clock off by whole seconds.
    StraightDrive = "straight_drive",
    /// A straight and level path, a frame each second on the second and 1.4 m, moved by twice that, a clock off by whole seconds, and only
    /// the middle is published: nothing tells a frame from the next.
    StraightWalk = "straight_walk",
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
