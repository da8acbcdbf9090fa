//! What times tell beyond the second: whether one clock was told twice, what its beat is worth, and how likely its offset is.
//!
//! A fellow traveller's times agree to the second all along. His shutter's beat does not, unless both cameras are timers; nor is his
//! clock off by the same odd time in every folder.

use super::Work;
use super::place::share_of;
use super::time::TimeFit;
use crate::agreement::AGREED_MS;
use crate::errors::TimeClass;
use crate::medians::median;
use crate::votes::nearest_quarter_ms;
use capture_model::TimeKind;
use std::f64::consts::PI;

/// Offsets of a clock that was right agree to this with none, or with a zone's.
const RIGHT_TO_THE_LETTER_MS: f64 = 6.0;
/// A beat in seconds says at least this, in nats, or nothing.
pub(super) const LEAST_BEAT: f64 = 12.0;

/// How one clock's times, if they are one clock's, were told twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// To the millisecond, nearly all of them.
    Exactly,
    /// Once cut to seconds: each true time lies in its second, and by chance they would not.
    Cut,
    /// In whole seconds that agree, as those of two timers of one interval would.
    ByTimers,
    /// By two clocks, as far as the residuals tell.
    Apart,
}

pub(super) fn told(work: &Work<'_>, chain: &[usize], time: &TimeFit) -> Told {
    const EXACT_S: f64 = 0.004;
    let lag = |pair: usize| work.lag_s[pair];
    // A timer beside another of its interval lies in the same part of the second, or in another's, all along: one observation.
    let told_by_beat = |told| if is_told_by_beat(work, chain) { told } else { Told::ByTimers };
    match time.class {
        TimeClass::Laplace { centre_s, .. } if time.class.is_exact() => {
            let own: Vec<usize> =
                chain.iter().copied().filter(|&pair| work.ride.width_s(work.photo[pair] as usize) == 0.0).collect();
            let exact = share_of(&own, |pair| (lag(pair) - centre_s).abs() <= EXACT_S);
            match () {
                () if exact < 0.8 => Told::Apart,
                // whole seconds on both sides agree at every whole offset
                () if is_within_seconds(work, chain) => Told::Exactly,
                () => told_by_beat(Told::Exactly),
            }
        }
        TimeClass::Second { edge_s, .. } => {
            let inside = share_of(chain, |pair| (edge_s - EXACT_S..edge_s + 1.0 + EXACT_S).contains(&lag(pair)));
            if inside >= 0.95 { told_by_beat(Told::Cut) } else { Told::Apart }
        }
        TimeClass::Laplace { .. } => Told::Apart,
    }
}

/// Whether the beat of a ride tells something that is known to the second on one side: that of the photos or of the images,
/// whichever is less. Timers tell nothing, however many of their ticks agree.
fn is_told_by_beat(work: &Work<'_>, chain: &[usize]) -> bool {
    let both = both_sides(work, chain);
    both.iter().all(|times_ms| surprise_up_to(LEAST_BEAT, times_ms, 1_000) > LEAST_BEAT)
        || beyond_timers_of(&both) > LEAST_BEAT
}

/// What the beat of a ride tells that no timer can follow, of the photos or of the images, whichever is less, in nats. A shutter that
/// goes by distance strays from every timer like a walk, and another's strays from it as much: that it stays within the two
/// seconds that two cuts leave open, frame after frame, is as improbable as for a walk between two walls.
pub(super) fn beyond_timers(work: &Work<'_>, chain: &[usize]) -> f64 {
    beyond_timers_of(&both_sides(work, chain))
}

fn beyond_timers_of(both_sides: &[Vec<i64>; 2]) -> f64 {
    const APART: usize = 16;
    const FEWEST: usize = 4 * APART;
    const OPEN_S: f64 = 2.0;
    const CUT_S2: f64 = 0.27; // variance of a difference of two cut seconds, and of a timer's own jitter
    const TEMPER: f64 = 0.5;
    let surprise = |times_ms: &[i64]| {
        if times_ms.len() < FEWEST {
            return 0.0;
        }
        let spans: Vec<f64> = times_ms.windows(APART + 1).map(|w| (w[APART] - w[0]) as f64 / 1000.0).collect();
        let middle = median(&spans);
        let deviation_s = median(&spans.iter().map(|span| (span - middle).abs()).collect::<Vec<_>>()) / 0.6745;
        let of_a_frame = (deviation_s * deviation_s - CUT_S2).max(0.0) / APART as f64;
        TEMPER * times_ms.len() as f64 * PI * PI * of_a_frame / (2.0 * OPEN_S * OPEN_S)
    };
    surprise(&both_sides[0]).min(surprise(&both_sides[1]))
}

/// Times as written of the photos and of the images that a chain spans, in order, ms.
fn both_sides(work: &Work<'_>, chain: &[usize]) -> [Vec<i64>; 2] {
    let (first, last) = (chain[0], chain[chain.len() - 1]);
    let photos = work.ride.raw_ms[work.photo[first] as usize..=work.photo[last] as usize].to_vec();
    let (first, last) = (work.place(first), work.place(last));
    let mut images = work.times_ms[first.min(last)..=first.max(last)].to_vec();
    images.sort_unstable();
    [photos, images]
}

/// What the irregular beat of a shutter tells where it agrees to the millisecond, in nats: the surprise of the intervals
/// between neighbours, those about the middle one or a multiple of it being no surprise. A timer tells nothing.
pub(super) fn rhythm(work: &Work<'_>, chain: &[usize], centre_s: f64) -> f64 {
    const MOST: f64 = 40.0;
    const COPIED_S: f64 = 0.001_5;
    const TEMPER: f64 = 0.5; // neighbouring intervals share a photo
    let is_copied = share_of(chain, |pair| (work.lag_s[pair] - centre_s).abs() <= COPIED_S) >= 0.8;
    let resolution_ms = match () {
        () if work.ride.whole_seconds => 1_000,
        () if is_copied => 2,
        () => 8, // no beat is told more finely than its copies agree
    };
    let surprise = |times_ms: &[i64]| surprise_up_to(MOST / TEMPER, times_ms, resolution_ms);
    let images: Vec<i64> = chain.iter().map(|&pair| work.time_ms(pair)).collect();
    let of_images = surprise(&images);
    if of_images == 0.0 {
        return 0.0;
    }
    // a fast timer's photo stands beside any image on its grid
    let photos = &work.ride.time_ms[work.photo[chain[0]] as usize..=work.photo[chain[chain.len() - 1]] as usize];
    (TEMPER * of_images.min(surprise(photos))).min(MOST)
}

/// The surprise in the intervals of some rising times, in nats: those about the middle one or a multiple of it are none.
pub(crate) fn surprise_of_beat(times_ms: &[i64], resolution_ms: i64) -> f64 {
    surprise_up_to(f64::INFINITY, times_ms, resolution_ms)
}

/// The same where it is no more than so many nats; else no less than that. Each interval adds to the surprise of the others, so
/// that a few of them may tell enough.
fn surprise_up_to(most: f64, times_ms: &[i64], resolution_ms: i64) -> f64 {
    const FEW: usize = 64;
    const SLACK: f64 = 1e-6; // of sums in another order
    let mut intervals: Vec<i64> = times_ms.windows(2).map(|two| two[1].saturating_sub(two[0])).collect();
    let mut few = [0; FEW];
    let is_asked = intervals.len() > FEW && most.is_finite();
    if is_asked {
        few.copy_from_slice(&intervals[..FEW]);
    }
    if intervals.is_empty() {
        return 0.0;
    }
    let at = intervals.len() / 2;
    let middle = *intervals.select_nth_unstable(at).1;
    if is_asked {
        let of_few = surprise_about(middle, &mut few, resolution_ms);
        if of_few > most + SLACK {
            return of_few;
        }
    }
    surprise_about(middle, &mut intervals, resolution_ms)
}

/// The surprise in some intervals of which those about the middle one or a multiple of it are none.
fn surprise_about(middle: i64, intervals: &mut [i64], resolution_ms: i64) -> f64 {
    intervals.sort_unstable();
    intervals.iter_mut().for_each(|interval| {
        // a timer's ticks, and those around a frame that is missing
        let ticks = (*interval + middle / 2).checked_div(middle).unwrap_or(1).max(1);
        let is_usual = interval.abs_diff(ticks.saturating_mul(middle)) <= resolution_ms.unsigned_abs();
        *interval = if is_usual { middle } else { *interval }.div_euclid(resolution_ms);
    });
    let n = intervals.len() as f64;
    intervals.chunk_by(|a, b| a == b).map(|equal| equal.len() as f64 * (n / equal.len() as f64).ln()).sum()
}

/// How many intervals of a few photos no timer explains: those that differ from each other, and the first of them if it is none
/// that timers are set to.
pub(super) fn distinct_beats(work: &Work<'_>, chain: &[usize]) -> usize {
    const SAME_MS: i64 = 8;
    const SET_TO_MS: i64 = 500;
    const JITTER_MS: i64 = 20;
    let times: Vec<i64> = chain.iter().map(|&pair| work.ride.time_ms[work.photo[pair] as usize]).collect();
    let mut intervals: Vec<i64> = times.windows(2).map(|two| two[1].saturating_sub(two[0])).collect();
    intervals.sort_unstable();
    let is_set = |ms: i64| (ms.saturating_add(JITTER_MS)).rem_euclid(SET_TO_MS) <= 2 * JITTER_MS;
    let is_new = |two: &&[i64]| two[1] - two[0] > SAME_MS;
    usize::from(intervals.first().is_some_and(|&first| !is_set(first))) + intervals.windows(2).filter(is_new).count()
}

/// Whether a clock would have to be wrong for this offset, and no other folder of its camera shows that it is: a friend is some
/// seconds behind in each.
pub(super) fn is_odd(work: &Work<'_>, time: &TimeFit, agreed: &[i64]) -> bool {
    const BEHIND_MS: f64 = 20_000.0;
    let offset = bare_offset_ms(time);
    let away_ms = if work.ride.kind == TimeKind::Absolute { offset.abs() } else { zone_gap_ms(offset) };
    away_ms >= 1_200.0 && (away_ms < BEHIND_MS || !is_agreed(offset, agreed))
}

/// Whether images fall on three fractions of a second at least.
pub(super) fn is_within_seconds(work: &Work<'_>, chain: &[usize]) -> bool {
    let mut fractions = chain.iter().map(|&pair| work.time_ms(pair).rem_euclid(1000));
    let Some(first) = fractions.next() else { return false };
    let Some(second) = fractions.find(|&fraction| fraction != first) else { return false };
    fractions.any(|fraction| fraction != first && fraction != second)
}

/// What the moment of a timer tells on a clock that was not fitted: how well it agrees with UTC or a zone, to the millisecond
/// at best; one photo's worth. The camera's other folders are no witness: those of a rig have the same moments.
pub(super) fn anchor(work: &Work<'_>, chain: &[usize], time: &TimeFit) -> f64 {
    let offset = bare_offset_ms(time);
    let away_ms = match work.ride.kind {
        TimeKind::Absolute => offset.abs(),
        _ => zone_gap_ms(offset),
    };
    of_moment(work, chain, away_ms)
}

/// What the same moment tells against chance, where the camera's other folders show the clock: theirs was not fitted here either.
pub(super) fn agreed_moment(work: &Work<'_>, chain: &[usize], time: &TimeFit, agreed: &[i64]) -> f64 {
    let offset = bare_offset_ms(time);
    let away_ms = agreed.iter().map(|&known| (offset - known as f64).abs()).fold(f64::INFINITY, f64::min);
    of_moment(work, chain, away_ms)
}

/// What it tells that a chain known to the millisecond is so far from where its clock should be, in nats.
fn of_moment(work: &Work<'_>, chain: &[usize], away_ms: f64) -> f64 {
    const EXACT_S: f64 = 0.004;
    const LONGEST_S: f64 = 1.0; // also of one photo, that has no interval
    let interval_s = if work.ride.len() > 1 { work.ride.interval_s() } else { LONGEST_S };
    let within_s = (2.0 * away_ms / 1000.0).max(EXACT_S);
    if is_fine(work, chain) { (interval_s.clamp(EXACT_S, LONGEST_S) / within_s).ln().max(0.0) } else { 0.0 }
}

/// Whether images have times that are no whole seconds.
fn is_fine(work: &Work<'_>, chain: &[usize]) -> bool {
    chain.iter().any(|&pair| work.time_ms(pair) % 1000 != 0)
}

/// Whether an offset is none at all, or a zone's, as closely as times are told: few that were found by places are.
pub(super) fn is_right_to_the_letter(work: &Work<'_>, chain: &[usize], time: &TimeFit) -> bool {
    is_fine(work, chain) && !work.ride.whole_seconds && zone_gap_ms(bare_offset_ms(time)) <= RIGHT_TO_THE_LETTER_MS
}

/// How far an offset lies beside whole ticks of a timer off a zone's.
pub(super) struct BesideTicks {
    pub(super) ms: f64,
    /// Whether times are known to the second alone.
    pub(super) is_by_seconds: bool,
}

/// How far beside whole ticks of a timer an offset is off a zone's: a clock that was right tells its times as well, some frames on.
/// `None` where the beat or the distance says no.
pub(super) fn beside_ticks(work: &Work<'_>, chain: &[usize], time: &TimeFit) -> Option<BesideTicks> {
    const FURTHEST_MS: f64 = 20_000.0;
    const LEAST_BEAT: f64 = 2.0;
    let away_ms = zone_gap_ms(bare_offset_ms(time));
    let tick_ms = work.ride.interval_s() * 1000.0;
    let ticks = (away_ms / tick_ms).round();
    if ticks < 1.0 || away_ms >= FURTHEST_MS || rhythm(work, chain, centre_of(time)) >= LEAST_BEAT {
        return None;
    }
    let is_by_seconds = work.ride.whole_seconds || !is_fine(work, chain);
    Some(BesideTicks { ms: (away_ms - ticks * tick_ms).abs(), is_by_seconds })
}

fn is_agreed(offset_ms: f64, agreed: &[i64]) -> bool {
    agreed.iter().any(|&known| (offset_ms - known as f64).abs() < AGREED_MS)
}

/// The offset to be judged: where whole seconds were cut, the edge belongs to the cut, not to the clock.
fn bare_offset_ms(time: &TimeFit) -> f64 {
    match time.class {
        TimeClass::Second { edge_s, .. } => time.offset_ms - edge_s * 1000.0,
        TimeClass::Laplace { .. } => time.offset_ms,
    }
}

pub(super) fn centre_of(time: &TimeFit) -> f64 {
    match time.class {
        TimeClass::Laplace { centre_s, .. } => centre_s,
        TimeClass::Second { edge_s, .. } => edge_s,
    }
}

/// What the offset of a clock says of who is behind it.
pub(super) fn clock_identity(work: &Work<'_>, time: &TimeFit, told: Told, agreed: &[i64]) -> f64 {
    let offset = bare_offset_ms(time);
    let is_one_clock = matches!(told, Told::Exactly | Told::Cut);
    match work.ride.kind {
        TimeKind::Absolute if time.offset_ms.abs() < 1_200.0 && is_one_clock => 3.2,
        // Two clocks that are both right differ by a little; one clock that is told twice does not.
        TimeKind::Absolute if time.offset_ms.abs() < 1_200.0 => -3.0,
        _ if work.ride.kind != TimeKind::Absolute && zone_gap_ms(offset) < 1_200.0 && is_one_clock => 3.2,
        // friends live in zones too
        _ if work.ride.kind != TimeKind::Absolute && zone_gap_ms(offset) < 1_200.0 => 0.0,
        // what all of a camera's folders need; a right clock agrees with everybody's
        _ if is_agreed(offset, agreed) => 1.0,
        TimeKind::Absolute => -6.3,
        _ => -3.0,
    }
}

fn zone_gap_ms(offset_ms: f64) -> f64 {
    let quarter = nearest_quarter_ms(offset_ms.round() as i64);
    if quarter.abs() > 50_400_000 { f64::MAX } else { (offset_ms - quarter as f64).abs() }
}

/// Log prior of an offset.
pub(super) fn log_prior(work: &Work<'_>, time: &TimeFit, agreed: &[i64]) -> f64 {
    let offset = time.offset_ms;
    if is_agreed(offset, agreed) {
        return -0.5;
    }
    if work.ride.kind == TimeKind::Absolute {
        return if offset.abs() < 1_200.0 { -0.05 } else { -11.5 };
    }
    if zone_gap_ms(offset) >= 1_200.0 {
        return -11.0;
    }
    let is_hour = nearest_quarter_ms(offset.round() as i64) % 3_600_000 == 0;
    if is_hour { (0.7_f64 / 27.0).ln() } else { (0.05_f64 / 86.0).ln() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::Numbers;

    #[test]
    fn a_few_intervals_never_tell_more_than_all() {
        let mut numbers = Numbers(5);
        for jitter_ms in [0.0, 1.0, 6.0, 40.0, 900.0] {
            for n in [0, 1, 2, 40, 65, 66, 400] {
                let mut time_ms = 0;
                let mut next = || {
                    time_ms += 1_000 + (jitter_ms * numbers.next()) as i64;
                    time_ms
                };
                let times_ms: Vec<i64> = (0..n).map(|_| next()).collect();
                for resolution_ms in [2, 8, 1_000] {
                    let all = surprise_of_beat(&times_ms, resolution_ms);
                    for most in [0.0, 12.0, 80.0, 300.0, 1e6] {
                        let told = surprise_up_to(most, &times_ms, resolution_ms);
                        assert!(told == all || (most < told && told <= all), "{jitter_ms} {n} {most}: {told} of {all}");
                    }
                }
            }
        }
    }
}
