//! Scenarios that an unkind tester would build: services that know seconds only, bursts beyond them, clocks that go back,
//! archives that were worked on after the upload, folders too small to speak for themselves.

use super::{DAY_MS, Plan, RidePlan, Route, Sizes, TWICE, Times, Upload, moved, ride};
use crate::Scenario;
use crate::camera::{Camera, Clock, DASH};

/// Photos of a small folder.
const FEW: usize = 8;

/// Turns the plain plan into that of the scenario.
pub(super) fn add(plan: &mut Plan, scenario: Scenario, n: usize) {
    if let Scenario::SmallDays | Scenario::SmallDaysSeconds = scenario {
        plan.rides = small_days(scenario, n);
        return;
    }
    let first = &mut plan.rides[0];
    match scenario {
        Scenario::Burst5hzServerSeconds | Scenario::Burst5hzBothSeconds | Scenario::Burst5hzFrozenSeconds => {
            (first.interval_ms, first.speed_m_s, first.times) = (200.0, 8.0, Times::Whole);
            (first.clock, first.drops_repeats) = (Clock::zone(120), false);
            match scenario {
                Scenario::Burst5hzBothSeconds => first.camera = DASH,
                Scenario::Burst5hzFrozenSeconds => (first.repeats, first.is_decidable) = (5, false),
                _ => {}
            }
        }
        Scenario::Burst10hz => {
            (first.interval_ms, first.speed_m_s) = (100.0, 12.0);
            (first.clock, first.places) = (Clock::wrong(305_000), moved(1.4, 1.3));
        }
        Scenario::ServerRounds => (first.times, first.clock) = (Times::Rounded, Clock::zone(345)),
        Scenario::ServerRoundsAdjusted | Scenario::ServerSecondsAdjusted => {
            let is_rounded = scenario == Scenario::ServerRoundsAdjusted;
            first.times = if is_rounded { Times::Rounded } else { Times::Whole };
            (first.clock, first.places) = (Clock::wrong(-1_195_000), moved(1.4, 1.3));
        }
        Scenario::ClockSetBack => {
            (first.clock, first.times) = (Clock { jump: Some((0.5, -37_400)), ..Clock::zone(60) }, Times::True);
        }
        Scenario::LongParking => {
            (first.route, first.clock) = (Route::Standing { every: n, photos: n / 2 }, Clock::wrong(51_000));
            first.places = moved(1.4, 1.3);
        }
        Scenario::Tripod => {
            (first.repeats, first.drops_repeats, first.interval_ms) = (n, false, 5_000.0);
            first.clock = Clock::zone(120);
        }
        Scenario::ReuploadThrice => {
            (first.upload, first.loses_anew) = (Upload::Own { from: 0.0, to: 1.0, times: 3 }, true);
            (first.lost, first.lost_in_a_row) = (0.01, 4);
        }
        Scenario::ReuploadSmaller => (first.upload, first.sizes) = (TWICE, Sizes::LaterSmaller),
        Scenario::SmallerOnly => (first.sizes, first.clock) = (Sizes::Smaller, Clock::zone(120)),
        Scenario::GpxShifted => (first.regeotagged_late_ms, first.clock) = (4_000, Clock::zone(120)),
        Scenario::WalkSeconds => {
            (first.camera, first.interval_ms, first.speed_m_s) = (DASH, 1_000.0, 1.2);
            (first.times, first.clock, first.places) = (Times::True, Clock::zone(120), moved(1.4, 1.3));
        }
        Scenario::AltitudeEdited => (first.altitude_raised_m, first.clock) = (47.3, Clock::wrong(61_000)),
        Scenario::Burst2hzSeconds => {
            (first.camera, first.times) = (Camera { rounds_time: true, ..DASH }, Times::Whole);
            (first.interval_ms, first.speed_m_s) = (500.0, 8.0);
            (first.clock, first.places) = (Clock::wrong(25_153_000), moved(1.4, 1.3));
        }
        Scenario::StraightDrive | Scenario::StraightWalk => {
            (first.route, first.camera, first.interval_ms) = (Route::Straight, DASH, 1_000.0);
            first.clock = Clock::wrong(305_000);
            (first.speed_m_s, first.places) = (14.0, moved(2.0, 1.3));
            if scenario == Scenario::StraightWalk {
                // of a part in the middle, neither end tells where it belongs
                (first.speed_m_s, first.places, first.is_decidable) = (1.4, moved(3.0, 1.3), false);
                first.upload = Upload::Own { from: 0.2, to: 0.8, times: 1 };
            }
        }
        _ => {}
    }
}

/// A folder a day, by one camera.
fn small_days(scenario: Scenario, n: usize) -> Vec<RidePlan> {
    let day = |k: usize| {
        let plain = ride(&format!("day{k:03}"), FEW);
        let start_ms = plain.start_ms + k as i64 * DAY_MS + (k as i64 % 7) * 1_234_567;
        if scenario == Scenario::SmallDays {
            RidePlan { start_ms, clock: Clock::wrong(305_000), places: moved(1.4, 1.3), ..plain }
        } else {
            RidePlan { start_ms, clock: Clock::zone(120), camera: DASH, times: Times::True, ..plain }
        }
    };
    (0..n.div_ceil(FEW)).map(day).collect()
}
