//! Scenarios that physics suggests beyond the named ones: other ways to tag, clocks that jump, rides that look like each
//! other, receivers and services with habits of their own.
//!
//! What nothing can decide is marked here, from how the ride was made: nobody's upload leaves nothing to find. A shutter that
//! is not regular decides more than one may think: an uneven beat to the millisecond is told twice at one offset only, so it
//! tells even the laps of one block apart, and an altitude that was copied tells photos without times apart.

use super::{Altitudes, DAY_MS, MAY_18_MS, Plan, RidePlan, Route, Times, Upload, along, moved, ride, unkind};
use crate::Scenario;
use crate::camera::{ACTION, Camera, Clock, DASH, PHONE};
use crate::street::Origin;

const HOUR_MS: i64 = 3_600_000;

/// Turns the plain plan into that of the scenario.
pub(super) fn add(plan: &mut Plan, scenario: Scenario, n: usize) {
    match scenario {
        Scenario::RigFour | Scenario::MixedFolder => cameras(plan, scenario, n),
        Scenario::FriendBehind
        | Scenario::FriendBehindOnly
        | Scenario::CompanionWrongClock
        | Scenario::CommutePartly
        | Scenario::HourLaterOnly
        | Scenario::LapsOnePublished
        | Scenario::LapsAdjusted
        | Scenario::ThereAndBack
        | Scenario::ThereAndBackAdjusted => look_alikes(plan, scenario, n),
        Scenario::SinglePhotosClock => {
            plan.rides = (0..n)
                .map(|k| RidePlan {
                    start_ms: MAY_18_MS + k as i64 * 5_400_000,
                    clock: Clock::wrong(-1_195_400),
                    ..ride(&format!("walk{k:04}"), 1)
                })
                .collect();
        }
        Scenario::SouthWest => plan.origin = Origin { longitude: -68.303, latitude: -54.807 },
        Scenario::HighLatitude => plan.origin = Origin { longitude: 0.000_4, latitude: 78.223 },
        Scenario::BelowSea => {
            (plan.origin, plan.ground_m) = (Origin { longitude: 35.474, latitude: 31.545 }, -435.0);
            plan.rides[0].clock = Clock::wrong(41_300);
        }
        _ => one_ride(plan, scenario, n),
    }
}

/// One ride with something odd about its clock, its receiver, its files or its service.
fn one_ride(plan: &mut Plan, scenario: Scenario, n: usize) {
    let first = &mut plan.rides[0];
    match scenario {
        Scenario::GpxGeotagged => {
            (first.places, first.altitudes, first.compass_turn_deg) = (moved(1.0, 2.0), Altitudes::Measured, 3.7);
            (first.camera, first.clock, first.times) = (ACTION, Clock::zone(120), Times::True);
        }
        Scenario::ClockJump => {
            (first.clock, first.times) =
                (Clock { jump: Some((0.4, -2_900 * DAY_MS)), ..Clock::zone(120) }, Times::True);
        }
        Scenario::DstInFolder => {
            (first.clock, first.times) = (Clock { jump: Some((0.6, HOUR_MS)), ..Clock::zone(60) }, Times::True);
        }
        Scenario::DriftStrong => {
            (first.clock, first.times) = (Clock { drift_ppm: 3_000.0, ..Clock::wrong(12_345) }, Times::True);
        }
        Scenario::ReuploadOtherZone => {
            (first.upload, first.second_reading_ms) = (Upload::Own { from: 0.0, to: 1.0, times: 2 }, 2 * HOUR_MS);
            first.clock = Clock::zone(120);
        }
        Scenario::RoundedSeconds => {
            (first.camera, first.times) = (Camera { rounds_time: true, ..DASH }, Times::True);
            (first.clock, first.places) = (Clock::zone(-300), moved(1.4, 1.3));
        }
        Scenario::CoarseCoordinates => (first.coarse_arcsec, first.clock) = (Some(0.01), Clock::wrong(305_000)),
        Scenario::HalfEdited => (first.nudged_m, first.clock) = (12.0, Clock::wrong(-88_000)),
        Scenario::Tunnel => {
            (first.route, first.drops_repeats) = (Route::Tunnel { photos: n / 6 }, false);
            (first.clock, first.places) = (Clock::wrong(51_000), moved(1.4, 1.3));
        }
        Scenario::WalkStanding => {
            (first.route, first.speed_m_s, first.interval_ms) =
                (Route::Standing { every: 40, photos: 15 }, 1.3, 2_000.0);
            (first.clock, first.places) = (Clock::wrong(-305_700), moved(1.4, 1.3));
        }
        Scenario::LostBlocks => {
            (first.lost, first.lost_in_a_row, first.places) = (0.01, 25, moved(2.0, 1.3));
            first.clock = Clock::wrong(1_401_317);
        }
        Scenario::Split500Gaps => {
            (first.n_frames, first.lost, first.lost_in_a_row) = (n.max(1_200), 0.01, 10);
            (first.camera, first.clock, first.places) = (DASH, Clock::wrong(61_000), moved(1.4, 1.3));
        }
        Scenario::ServerSeconds => (first.times, first.clock) = (Times::Whole, Clock::zone(345)),
        Scenario::MissingAltitudeRemote => {
            (first.altitudes, first.clock, first.places) =
                (Altitudes::Missing, Clock::wrong(4_127_000), moved(1.4, 1.3));
        }
        // with moved places as well, it would be the other camera of a rig
        Scenario::HeadingWrong => (first.compass_turn_deg, first.clock) = (90.0, Clock::wrong(77_700)),
        Scenario::RegularShutter => {
            (first.camera, first.interval_ms, first.speed_m_s) = (DASH, 1_000.0, 8.0);
            (first.clock, first.places) = (Clock::wrong(7_000), moved(2.0, 1.3));
        }
        Scenario::UntimedAdjusted => {
            (first.untimed, first.times, first.places) = (1.0, Times::True, moved(2.0, 1.3));
        }
        _ => unkind::add(plan, scenario, n),
    }
}

/// Several cameras.
fn cameras(plan: &mut Plan, scenario: Scenario, n: usize) {
    if scenario == Scenario::MixedFolder {
        let (mut phone, mut action) = (ride("trip", n - n / 2), ride("trip", n / 2));
        (phone.clock, phone.start_ms) = (Clock::zone(120), MAY_18_MS);
        (action.camera, action.prefix) = (ACTION, "GOPR");
        (action.clock, action.start_ms) = (Clock::wrong(-(47 * 60_000 + 13_405)), MAY_18_MS + 260_000);
        plan.rides = vec![phone, action];
        return;
    }
    let mut front = ride("front", n.div_ceil(4));
    front.clock = Clock::zone(120);
    let turned = |folder: &str, turned_deg: f64| RidePlan {
        folder: folder.to_owned(),
        route: along(0, 0, 0.0, turned_deg),
        ..front.clone()
    };
    let others = [turned("right", 90.0), turned("back", 180.0), turned("left", 270.0)];
    plan.rides = std::iter::once(front.clone()).chain(others).collect();
}

/// Rides that look like another: a friend's, yesterday's, the same block again, the same road back.
fn look_alikes(plan: &mut Plan, scenario: Scenario, n: usize) {
    let first = &mut plan.rides[0];
    let stranger = |route: Route| RidePlan { upload: Upload::Stranger, route, ..ride("stranger", n) };
    match scenario {
        Scenario::FriendBehind | Scenario::FriendBehindOnly => {
            first.clock = Clock::zone(120);
            if scenario == Scenario::FriendBehindOnly {
                first.upload = Upload::None;
            }
            plan.rides.push(stranger(along(0, 2_000, 0.5, 0.0)));
        }
        Scenario::CompanionWrongClock => {
            (first.clock, first.upload) = (Clock::wrong(51_300), Upload::None);
            plan.rides.push(RidePlan { camera: PHONE, ..stranger(along(0, 700, 1.5, 0.0)) });
        }
        Scenario::CommutePartly => {
            (first.clock, first.upload) = (Clock::zone(120), Upload::Own { from: 0.0, to: 0.4, times: 1 });
            plan.rides.push(stranger(along(0, -DAY_MS + 42_000, 0.9, 0.0)));
        }
        Scenario::HourLaterOnly => {
            (first.clock, first.upload) = (Clock::zone(120), Upload::None);
            plan.rides.push(stranger(along(0, HOUR_MS, 0.9, 0.0)));
        }
        Scenario::LapsOnePublished | Scenario::LapsAdjusted => {
            (first.route, first.clock) = (Route::Laps { n_laps: 5 }, Clock::wrong(93_210));
            first.upload = Upload::Own { from: 0.4, to: 0.6, times: 1 };
            if scenario == Scenario::LapsAdjusted {
                (first.places, first.altitudes) = (moved(2.0, 1.3), Altitudes::Measured);
                first.is_decidable = n >= 20; // two photos a lap have one interval: no beat
            }
        }
        _ => {
            (first.route, first.clock) = (Route::ThereAndBack { pause_ms: 240_000 }, Clock::wrong(-1_195_000));
            if scenario == Scenario::ThereAndBackAdjusted {
                first.places = moved(2.0, 1.3);
            }
        }
    }
}
