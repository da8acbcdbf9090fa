//! Which rides each scenario is made of.

mod further;
mod unkind;

use crate::Scenario;
use crate::camera::{ACTION, Camera, Clock, DASH, PANO, PHONE};
use crate::noise::Moves;
use crate::sight::Sight;
use crate::street::Origin;

/// Whose images a ride became.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Upload {
    /// Never uploaded.
    None,
    /// The owner's, from one share of the ride to another, so many times.
    Own { from: f64, to: f64, times: u8 },
    /// Somebody else's; there are no local photos of it.
    Stranger,
}

/// Where a published time comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Times {
    /// What the uploader reads in the file.
    AsSent,
    /// The true moment, to the millisecond.
    True,
    /// The true moment and up to a fifth of a second.
    Loose,
    /// The true moment, cut to its second.
    Whole,
    /// The true moment, rounded to a second.
    Rounded,
}

/// Where a published place comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Places {
    /// The place in the file.
    Exact,
    /// Off by so many metres, each on its own.
    Loose(f64),
    /// Moved as the service moves, and the uploaded place is not shown.
    Moved(Moves),
    /// The same, drawn anew for each sequence.
    MovedAsReal { heavy: bool },
}

/// The route of a ride.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Route {
    /// A route of its own.
    Fresh,
    /// The frames of an earlier ride of the plan, so much later and so many metres to the side.
    Along { ride: usize, later_ms: i64, aside_m: f64, turned_deg: f64 },
    /// A route of its own, and after a pause the other side of the same road back.
    ThereAndBack { pause_ms: i64 },
    /// One block, so many times around.
    Laps { n_laps: usize },
    /// A route of its own, standing for so many photos in every so many.
    Standing { every: usize, photos: usize },
    /// A route of its own; in the middle the receiver keeps its last place for so many photos.
    Tunnel { photos: usize },
    /// A straight road at one speed.
    Straight,
}

/// What a published image says of its altitude.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Altitudes {
    /// What the file says.
    AsSent,
    /// Nothing.
    Missing,
    /// What another receiver measured.
    Measured,
}

/// How large a published image is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sizes {
    /// As taken.
    AsTaken,
    /// As taken at first, and half as large in later uploads.
    LaterSmaller,
    /// Half as large as taken.
    Smaller,
}

/// One ride.
#[derive(Debug, Clone)]
pub(crate) struct RidePlan {
    pub(crate) folder: String,
    /// What file names begin with.
    pub(crate) prefix: &'static str,
    pub(crate) camera: Camera,
    pub(crate) clock: Clock,
    pub(crate) n_frames: usize,
    pub(crate) start_ms: i64,
    pub(crate) interval_ms: f64,
    pub(crate) speed_m_s: f64,
    pub(crate) route: Route,
    pub(crate) upload: Upload,
    pub(crate) times: Times,
    pub(crate) places: Places,
    /// Share of the photos that are dropped by the service.
    pub(crate) lost: f64,
    /// How many of them follow each other.
    pub(crate) lost_in_a_row: usize,
    /// Whether each upload loses photos of its own.
    pub(crate) loses_anew: bool,
    /// How many photos repeat one place, at a time; 1 for a live receiver.
    pub(crate) repeats: usize,
    /// Whether the uploader drops repetitions.
    pub(crate) drops_repeats: bool,
    /// Share of the photos that lost their time.
    pub(crate) untimed: f64,
    pub(crate) altitudes: Altitudes,
    /// By how much the published compass is turned.
    pub(crate) compass_turn_deg: f64,
    /// The second half of the files was nudged so far after the upload, metres.
    pub(crate) nudged_m: f64,
    /// The files keep places to so many seconds of arc; the upload knew them better.
    pub(crate) coarse_arcsec: Option<f64>,
    /// A second upload read the clock in a zone so much later, for another account.
    pub(crate) second_reading_ms: i64,
    pub(crate) sizes: Sizes,
    /// After the upload the files got the places of a track that was so late.
    pub(crate) regeotagged_late_ms: i64,
    /// After the upload their altitudes were raised by this, metres.
    pub(crate) altitude_raised_m: f64,
    /// Whether anything can decide its photos.
    pub(crate) is_decidable: bool,
}

/// A whole city.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) origin: Origin,
    /// Whether the city is laid so that the first ride has the origin in its middle.
    pub(crate) is_centred: bool,
    pub(crate) reach_m: f64,
    /// How high the ground lies at least, metres.
    pub(crate) ground_m: f64,
    pub(crate) rides: Vec<RidePlan>,
    /// Sequences of strangers.
    pub(crate) foreign: usize,
    /// Files that are no usable photos: damaged, no text, no place, null island.
    pub(crate) odd_files: bool,
    pub(crate) sight: Sight,
}

pub(crate) const DAY_MS: i64 = 86_400_000;
pub(crate) const MAY_18_MS: i64 = 1_716_026_400_000; // 2024-05-18 10:00 UTC
const ALL: Upload = Upload::Own { from: 0.0, to: 1.0, times: 1 };

const TWICE: Upload = Upload::Own { from: 0.0, to: 1.0, times: 2 };

pub(crate) fn ride(folder: &str, n_frames: usize) -> RidePlan {
    RidePlan {
        folder: folder.to_owned(),
        prefix: "IMG_",
        camera: PHONE,
        clock: Clock::UTC,
        n_frames,
        start_ms: MAY_18_MS,
        interval_ms: 1_400.0,
        speed_m_s: 5.0,
        route: Route::Fresh,
        upload: ALL,
        times: Times::AsSent,
        places: Places::Exact,
        lost: 0.01,
        lost_in_a_row: 1,
        loses_anew: false,
        repeats: 1,
        drops_repeats: true,
        untimed: 0.0,
        altitudes: Altitudes::AsSent,
        compass_turn_deg: 0.0,
        nudged_m: 0.0,
        coarse_arcsec: None,
        second_reading_ms: 0,
        sizes: Sizes::AsTaken,
        regeotagged_late_ms: 0,
        altitude_raised_m: 0.0,
        is_decidable: true,
    }
}

/// The rides of a scenario with about `photos` local photos.
pub(crate) fn plan(scenario: Scenario, photos: usize) -> Plan {
    let n = photos.max(1);
    let origin = Origin { longitude: 11.575, latitude: 48.137 };
    let rides = vec![ride("ride", n)];
    let mut plan = Plan {
        origin,
        is_centred: false,
        reach_m: 900.0,
        ground_m: 5.0,
        rides,
        foreign: 12,
        odd_files: false,
        sight: Sight::Entities,
    };
    let first = &mut plan.rides[0];
    match scenario {
        Scenario::Demo => return demo(n),
        Scenario::Clean | Scenario::ComputedRealistic => {}
        Scenario::Jitter => (first.places, first.times) = (Places::Loose(1.5), Times::Loose),
        Scenario::IntegerSeconds => (first.camera, first.times) = (DASH, Times::True),
        Scenario::DenseCity => (plan.foreign, plan.reach_m) = (100, 700.0),
        Scenario::ClockOffset => first.clock = Clock::wrong(3 * DAY_MS + 1_401_317),
        Scenario::TzNaive => first.clock = Clock::zone(345),
        Scenario::DstHour => {
            let mut later = ride("autumn", n / 2);
            later.start_ms += 180 * DAY_MS;
            later.clock = Clock::zone(60);
            (first.clock, first.n_frames) = (Clock::zone(120), n - n / 2);
            plan.rides.push(later);
        }
        Scenario::Drift => {
            (first.clock, first.times) = (Clock { drift_ppm: 250.0, ..Clock::zone(120) }, Times::True);
            first.interval_ms = 3_600_000.0 / n as f64;
            first.speed_m_s = 3.0;
        }
        Scenario::AdjustedShift => first.places = moved(6.0, 0.0),
        Scenario::AdjustedSmooth => first.places = moved(2.0, 2.0),
        Scenario::AdjustedHeavytail => first.places = Places::MovedAsReal { heavy: true },
        Scenario::FrozenGps => (first.repeats, first.drops_repeats) = (4, false),
        Scenario::FrozenGpsDropped => first.repeats = 4,
        Scenario::MissingAltitude => first.camera.writes_altitude = false,
        Scenario::MissingTime => (first.untimed, first.times) = (1.0, Times::True),
        Scenario::MissingTimeSome => (first.untimed, first.times) = (0.33, Times::True),
        Scenario::Burst5hz | Scenario::BurstSamePlace => {
            (first.camera, first.interval_ms, first.times) = (DASH, 200.0, Times::True);
            first.speed_m_s = 8.0;
            first.repeats = if scenario == Scenario::Burst5hz { 1 } else { 10 };
            first.drops_repeats = false;
        }
        Scenario::RigTwoModels | Scenario::RigHeadings | Scenario::RigUndecidable => rig(&mut plan, scenario, n),
        Scenario::TwoPassesOneDay => {
            let again = RidePlan {
                folder: "again".to_owned(),
                n_frames: n / 2,
                route: along(0, 4 * 3_600_000, 0.8, 0.0),
                ..ride("", n)
            };
            first.n_frames = n - n / 2;
            plan.rides.push(again);
        }
        Scenario::TwoUsersSameRoute | Scenario::CompanionOnly => {
            let friend = RidePlan {
                upload: Upload::Stranger,
                camera: PHONE,
                route: along(0, 700, 1.5, 0.0),
                ..ride("friend", n)
            };
            if scenario == Scenario::CompanionOnly {
                first.upload = Upload::None;
            }
            plan.rides.push(friend);
        }
        Scenario::Antimeridian => {
            (plan.origin, plan.is_centred) = (Origin { longitude: 180.0, latitude: -16.8 }, true);
        }
        Scenario::NearPole => (plan.origin, plan.foreign) = (Origin { longitude: 12.0, latitude: 85.3 }, 2),
        Scenario::TileEdges => {
            // The corner of 14/8719/5685 … 14/8720/5686: four tiles meet in the middle of the ride.
            (plan.origin, plan.is_centred) = (Origin { longitude: 11.601_562_5, latitude: 48.136_767 }, true);
        }
        Scenario::Split500 => first.n_frames = n.max(1_200),
        Scenario::PartialPublication => first.upload = Upload::Own { from: 0.0, to: 0.55, times: 1 },
        Scenario::NothingPublished => first.upload = Upload::None,
        Scenario::NothingPublishedCommute => {
            first.upload = Upload::None;
            let earlier = RidePlan {
                upload: Upload::Stranger,
                route: along(0, -7 * DAY_MS - 93_211, 0.9, 0.0),
                ..ride("earlier", n)
            };
            plan.rides.push(earlier);
        }
        Scenario::ReuploadSame => first.upload = TWICE,
        Scenario::TileFrugal => plan.sight = Sight::OriginalTiles,
        Scenario::TileFrugalComputed => plan.sight = Sight::ComputedTiles,
        Scenario::GpsTime => first.clock = Clock { writes_gps_time: true, ..Clock::wrong(-7_412_000) },
        Scenario::AdjustedClock => {
            (first.camera, first.clock) = (DASH, Clock::wrong(2 * 3_600_000 + 305_000));
            first.places = moved(2.0, 1.3);
        }
        Scenario::Burst3hzGaps => {
            (first.camera, first.interval_ms, first.times) = (DASH, 333.3, Times::True);
            (first.speed_m_s, first.places) = (8.0, moved(1.4, 1.3));
            (first.lost, first.lost_in_a_row) = (0.01, 8);
        }
        Scenario::CommuteTwice => {
            (first.n_frames, first.places, first.clock) = (n - n / 2, moved(2.0, 4.0), Clock::wrong(1_195_000));
            let again = RidePlan {
                folder: "next week".to_owned(),
                n_frames: n / 2,
                route: along(0, 7 * DAY_MS + 93_211, 0.9, 0.0),
                ..first.clone()
            };
            plan.rides.push(again);
        }
        Scenario::SinglePhotos => {
            plan.rides = (0..n)
                .map(|k| RidePlan {
                    start_ms: MAY_18_MS + k as i64 * 5_400_000,
                    lost: 0.1,
                    ..ride(&format!("walk{k:04}"), 1)
                })
                .collect();
        }
        _ => further::add(&mut plan, scenario, n),
    }
    plan
}

/// Moved by a common shift and a wander.
pub(crate) fn moved(shift_m: f64, wander_m: f64) -> Places {
    Places::Moved(Moves { shift_m, wander_m, white_m: 0.2, bad_stretch: false, outliers: 0.0 })
}

pub(crate) fn along(ride: usize, later_ms: i64, aside_m: f64, turned_deg: f64) -> Route {
    Route::Along { ride, later_ms, aside_m, turned_deg }
}

/// Two cameras on one car: of different make, of different heading, or with nothing to tell them apart.
fn rig(plan: &mut Plan, scenario: Scenario, n: usize) {
    let each = n.div_ceil(2); // equally many: a count must not decide what nothing else can
    let mut left = ride("left", each);
    let mut right = ride("right", each);
    right.route = along(0, 0, 0.0, if scenario == Scenario::RigHeadings { 180.0 } else { 0.0 });
    match scenario {
        Scenario::RigTwoModels => (left.camera, right.camera) = (PHONE, ACTION),
        Scenario::RigHeadings => {}
        _ => {
            left.camera.writes_heading = false;
            right.camera.writes_heading = false;
            (left.is_decidable, right.is_decidable) = (false, false);
            (left.lost, right.lost) = (0.0, 0.0);
        }
    }
    plan.rides = vec![left, right];
}

/// A bit of everything.
fn demo(n: usize) -> Plan {
    let part = |share: f64| ((n as f64 * share) as usize).max(20);
    let at = |day: i64, hour: i64| MAY_18_MS + day * DAY_MS + hour * 3_600_000;
    let city_tour = RidePlan { clock: Clock::zone(120), ..ride("2024-05-18 city", part(0.22)) };
    let wrong_clock = RidePlan {
        camera: ACTION,
        clock: Clock::wrong(-(47 * 60_000 + 13_405)),
        start_ms: at(1, 2),
        interval_ms: 1_050.0,
        speed_m_s: 8.0,
        ..ride("2024-05-19 bike", part(0.2))
    };
    let years_off = RidePlan {
        camera: DASH,
        clock: Clock { zone_min: 0, ..Clock::wrong(-2_312 * DAY_MS + 71_000) },
        start_ms: at(3, 1),
        interval_ms: 1_200.0,
        speed_m_s: 11.0,
        ..ride("dashcam/0001", part(0.15))
    };
    let stuck = RidePlan { start_ms: at(4, 5), repeats: 3, ..ride("2024-05-22 stuck receiver", part(0.1)) };
    let unpublished = RidePlan {
        start_ms: at(6, 0),
        upload: Upload::None,
        clock: Clock::zone(120),
        ..ride("2024-05-24 to do", part(0.1))
    };
    let twice = RidePlan { camera: PANO, start_ms: at(8, 3), upload: TWICE, ..ride("2024-05-26 panoramas", part(0.1)) };
    let cut_short = RidePlan {
        camera: ACTION,
        clock: Clock::wrong(-(47 * 60_000 + 13_405)),
        start_ms: at(9, 2),
        upload: Upload::Own { from: 0.0, to: 0.6, times: 1 },
        ..ride("2024-05-27 bike", part(0.13))
    };
    Plan {
        origin: Origin { longitude: 11.575, latitude: 48.137 },
        is_centred: false,
        reach_m: 900.0,
        ground_m: 5.0,
        rides: vec![city_tour, wrong_clock, years_off, stuck, unpublished, twice, cut_short],
        foreign: 25,
        odd_files: true,
        sight: Sight::Entities,
    }
}
