//! What a block is worth: against chance, and against a fellow traveller who truly was there.
//!
//! Photos of a ride are not independent, so metre-level terms count a third and are clipped. A companion on the same ride
//! agrees at metre level all along; only what an upload copies (exact places, exact altitudes, exact times, the device, a
//! clock that runs on a zone) tells him apart.

use super::clock::{
    LEAST_BEAT, Told, agreed_moment, anchor, beside_ticks, beyond_timers, centre_of, clock_identity, distinct_beats,
    is_odd, is_right_to_the_letter, is_within_seconds, log_prior, rhythm, told,
};
use super::doubt;
use super::place::{EXACT_ALTITUDE_M, PlaceFit, is_exact_place, roughness, share_of};
use super::ties::{is_equal_pair, left_of_crowds};
use super::time::TimeFit;
use super::{Block, Clock, Work};
use crate::at_most::collect_at_most;
use crate::plane::length_m;
use capture_model::TimeKind;

/// Ways to upload that set headings anew are more frequent than a rig of equal cameras of which only the others' images
/// are published.
const MOST_BY_TURN: f64 = 6.0;
/// The same where places were moved as well.
const MOST_BY_TURN_MOVED: f64 = 12.0;
/// Headings of one ride are one observation many times over.
const MOST_BY_HEADING: f64 = 20.0;
/// Headings of one upload agree to this, degrees.
pub(crate) const EXACT_HEADING_DEG: f64 = 0.02;
/// Headings that are known on both sides and never equal were not copied.
const NOT_COPIED: f64 = -2.0;
/// Fewer headings do not show whether they were copied.
const FEWEST_HEADINGS: usize = 8;
/// An upload copies place, altitude and time; a block that shares none of them is somebody else's.
const NOTHING_COPIED: f64 = 10.0;
/// The same where altitudes are not known on both sides.
const NEITHER_PLACE_NOR_TIME: f64 = 6.0;
/// A clock that knows its zone is seldom wrong: where nothing but two timers agrees, a companion's was right.
const WRONG_TIMER: f64 = 2.0;
/// Fewer exact places than these show no copy where most places are not exact.
const FEWEST_EXACT: usize = 3;
/// How far beside a timer's ticks an offset may be that a right clock and a late track explain, ms: where places are equal now and
/// then, where they always are, and where times are known to the second.
const SELDOM_WITHIN_MS: f64 = 6.0;
const ALWAYS_WITHIN_MS: f64 = 3.0;
const SECONDS_WITHIN_MS: f64 = 1_000.0;
/// Places that were rounded otherwise are as far from their copies.
const LAST_DIGITS_M: f64 = 0.15;
/// Shares of the places that are known.
const NEARLY_ALL: f64 = 0.95;
const MOST_OF: f64 = 0.7;
/// Places on the grid of a tile that count, at most.
const MOST_IN_PLACE: usize = 11;
/// Fewer photos than these do not show whether a timer took them.
const FEWEST_BEATS: usize = 6;
/// What remains of identity where nothing but two timers agrees, and a clock is off.
const MOST_BY_TICKS: f64 = -8.0;
/// Fewer ticks than these of two timers fall together somewhere on many a road.
const FEWEST_TICKS: usize = 8;
/// Times that agree to the millisecond and are worth less than this were told by nothing but timers.
const LEAST_TOLD: f64 = 2.0;
/// A beat that agrees to the millisecond cannot say more than this.
const MOST_BY_BEAT: f64 = 15.0;
/// What copied altitudes or headings say at most.
const MOST_COPIED: f64 = 12.0;
/// A field costs no more than this where the times agree to the millisecond.
const MOST_BY_BEND: f64 = 6.0;

/// Few upload copies of another size, and few cameras of one model are set to two sizes of one ratio.
const SCALED: f64 = -2.0;

/// Adds up the evidence of the block's best chain.
pub(super) fn judge(
    block: &mut Block,
    work: &Work<'_>,
    chain: &[usize],
    place: &PlaceFit,
    time: Option<&TimeFit>,
    [log_time, heading, altitude]: [&[f64]; 3],
    agreed: &[i64],
) {
    let weights = &work.weights;
    let clipped = |values: &[f64], limit: f64| chain.iter().map(|&pair| values[pair].clamp(-limit, limit)).sum::<f64>();
    let exact = collect_at_most(chain.len(), chain.iter().copied().filter(|&pair| is_exact_place(work, pair)));
    let most_places = 8.max(chain.len() / 10 + 1); // no more are asked for
    let n_places = n_distinct_of(
        most_places,
        exact.iter().map(|&pair| work.ride.place()[work.photo[pair] as usize].map(|x| (x * 100.0).round() as i64)),
    );
    // One place in fifty may agree to centimetres by chance, where somebody rode along; one or two of many do in some ride.
    let n_known = chain.iter().filter(|&&pair| !work.to_original[pair][0].is_nan()).count();
    let is_by_chance = n_places * 10 <= chain.len() || (exact.len() < FEWEST_EXACT && exact.len() * 3 <= n_known);
    let n_places = if is_by_chance { 0 } else { n_places };
    let exact_places = 8.0 * n_places.min(8) as f64;
    let told = time.map_or(Told::Apart, |time| told(work, chain, time));
    let headings = (weights.heading_temper * clipped(heading, 6.0)).clamp(-MOST_BY_HEADING, MOST_BY_HEADING);

    let density = density_of(work, chain);
    let mut evidence = density * weights.place_temper * clipped(&place.ratio, 3.0)
        + exact_places
        + headings
        + of_altitudes(weights.altitude_temper, chain.iter().map(|&pair| altitude[pair]).sum());
    evidence += 3.0 * exact_altitudes(work, &exact, 3) as f64;
    match time {
        Some(_) => evidence += density * weights.time_temper * clipped(log_time, 3.0),
        None => evidence *= 0.5,
    }
    let (first, last) = (chain[0], chain[chain.len() - 1]);
    let lone_images = (work.rank[last] - work.rank[first]) as usize + 1 - chain.len();
    let lone_images = lone_images.saturating_sub(left_of_crowds(work, chain));
    let lone_photos = (work.photo[last] - work.photo[first]) as usize + 1 - chain.len();
    // Photos that lost their times share a sequence with those that did not: images between them may be the others'.
    let counted = if time.is_some() { lone_images } else { lone_images.min(chain.len()) };
    evidence -= weights.lone_image * counted as f64 + weights.lone_photo * lone_photos as f64;
    let bend = bend(work, chain, place, time.is_some());
    evidence -= bend;

    let mut identity = match () {
        () if n_places > 0 => exact_places,
        () if chain.iter().any(|&pair| work.to_original[pair][0].is_nan()) => -0.3,
        () => -3.0, // an upload copies the place; another way to upload may not
    };
    let at_agreed = match time {
        Some(time) if told == Told::Exactly || chain.len() == 1 => agreed_moment(work, chain, time, agreed),
        _ => 0.0,
    };
    let (beat, moment) = match time {
        Some(time) if told == Told::Exactly => (rhythm(work, chain, centre_of(time)), anchor(work, chain, time)),
        _ => (0.0, 0.0),
    };
    let rhythm = beat + moment;
    let is_exact = told == Told::Exactly;
    let of_few = match told {
        Told::Exactly if chain.len() < FEWEST_BEATS => 3.0 * distinct_beats(work, chain) as f64,
        _ => 0.0,
    };
    // Two timers whose clocks were fitted to each other agree to the millisecond, whoever set them.
    let told = match told {
        Told::Exactly if rhythm.max(of_few) < LEAST_TOLD => Told::ByTimers,
        told => told,
    };
    let altitude_identity = altitudes(work, chain);
    let heading_identity = heading_identity(work, chain, headings);
    // what headings that were copied are worth does not depend on what they say against chance
    block.copies = copies(work, chain, altitude_identity.max(heading_identity) >= MOST_COPIED);
    if n_places == 0 && time.is_some() && matches!(told, Told::Apart | Told::ByTimers) {
        identity -= match altitude_identity {
            known if known < 0.0 => NOTHING_COPIED,
            known if known > 0.0 => 0.0,
            _ if told == Told::Apart || heading_identity <= NOT_COPIED => NEITHER_PLACE_NOR_TIME,
            _ if work.ride.kind == TimeKind::Absolute => WRONG_TIMER,
            _ => 0.0,
        };
    }
    identity += altitude_identity + heading_identity + rhythm;
    // A field that bends is another's ride, unless something that no other ride has was copied.
    let is_copied = rhythm.max(altitude_identity) >= 2.0 * MOST_BY_BEND;
    identity -= if is_copied { bend.min(MOST_BY_BEND) } else { bend };
    let whole_m = |&pair: &usize| work.ride.place()[work.photo[pair] as usize].map(|x| x.round() as i64);
    let is_on_grid = is_on_tile_grid(work, chain);
    let n_in_place = if is_on_grid { n_distinct_of(MOST_IN_PLACE, chain.iter().map(whole_m)) } else { 0 };
    if !place.is_exact && n_in_place > 0 {
        // a slow ride some frames on lies as close
        let is_of_tile = || share_of(chain, |pair| work.side.by_tile(work.image(pair))) > 0.9;
        identity += 6.0 + if is_of_tile() { 2.0 * n_in_place.saturating_sub(FEWEST_EXACT) as f64 } else { 0.0 };
    }
    let (device_evidence, device_identity) = device(block.sequence, work);
    evidence += device_evidence;
    identity += device_identity;
    block.metre_level = evidence - device_evidence - exact_places - headings;
    evidence += at_agreed;
    if let Some(time) = time {
        if told == Told::Exactly {
            // the beat is the same in both cameras of a rig whose clocks differ, the moment is not
            identity += beat.max(of_few - moment).min(MOST_BY_BEAT) + moment;
            // whole seconds agree at every whole offset
            evidence += rhythm.max(if is_within_seconds(work, chain) { of_few } else { 0.0 });
        }
        if told == Told::Cut {
            identity += beyond_timers(work, chain).min(MOST_BY_BEAT);
        }
        identity += clock_identity(work, time, told, agreed);
    }
    // A follower on ticks of the same interval agrees in all that is left: whoever of the two was published is anybody's guess.
    let shows_nothing = n_places == 0 && told == Told::ByTimers && altitude_identity == 0.0 && heading_identity <= 0.0;
    let is_odd = || time.is_some_and(|time| is_odd(work, time, agreed));
    // Metres lie between two receivers: who agrees to the grid of a tile on the way was not measured beside.
    let is_in_place = n_in_place >= FEWEST_EXACT;
    if shows_nothing && (chain.len() < FEWEST_TICKS || is_odd()) && !is_in_place {
        identity = identity.min(MOST_BY_TICKS);
    }
    let most_by_turn = if n_places == 0 { MOST_BY_TURN_MOVED } else { MOST_BY_TURN };
    block.by_heading = heading_identity;
    block.mate = device_identity + heading_identity.max(-most_by_turn);
    block.evidence_alone = evidence;
    block.evidence = evidence + time.map_or(0.0, |time| log_prior(work, time, agreed));
    block.identity = identity;
    block.clock = match time {
        Some(time) if is_late(work, chain, time, n_places, told) => Clock::SomeFramesOff,
        Some(time) if is_exact && (beat >= LEAST_BEAT || is_right_to_the_letter(work, chain, time)) => Clock::Right,
        _ => Clock::Fitted,
    };
    block.shows_nothing = shows_nothing && !is_in_place;
    if time.is_some() && n_places == 0 && !place.is_exact && (block.shows_nothing || doubt::is_open(block)) {
        block.by_moves = doubt::by_moves(work, chain, block.places, told);
    }
}

/// Whether places may have been set from a track that was late, and led to other frames. Copies are equal all along; such places are equal
/// now and then, or always where the track was whole ticks of a timer late: then a clock that was right tells the times as well.
fn is_late(work: &Work<'_>, chain: &[usize], time: &TimeFit, n_places: usize, told: Told) -> bool {
    if n_places == 0 && !is_on_tile_grid(work, chain) {
        return false;
    }
    let beside = beside_ticks(work, chain, time);
    if beside.is_none() && told != Told::Apart {
        return false;
    }
    let is_known = |pair: &usize| !work.to_original[*pair][0].is_nan();
    let known = collect_at_most(chain.len(), chain.iter().copied().filter(is_known));
    let close = share_of(&known, |pair| length_m(work.to_original[pair]) < LAST_DIGITS_M);
    let within_ms = if close < NEARLY_ALL { SELDOM_WITHIN_MS } else { ALWAYS_WITHIN_MS };
    let is_by_ticks = match beside {
        Some(beside) if !beside.is_by_seconds => beside.ms <= within_ms,
        Some(beside) => n_places > 0 && close < NEARLY_ALL && beside.ms <= SECONDS_WITHIN_MS,
        None => false,
    };
    is_by_ticks || (n_places > 0 && close < MOST_OF && told == Told::Apart)
}

/// What equal altitudes say against chance. Those of a long ride are few observations many times over, and count little each;
/// the first dozen is another matter.
fn of_altitudes(temper: f64, sum: f64) -> f64 {
    const TEMPER: f64 = 0.7;
    (temper * sum).max((TEMPER * sum).min(MOST_COPIED))
}

/// Places that agree to the grid of a coverage tile all along: rounded, not measured anew.
fn is_on_tile_grid(work: &Work<'_>, chain: &[usize]) -> bool {
    const LARGEST_ROUNDING_M: f64 = 0.45; // half the diagonal of a grid cell at the equator
    share_of(chain, |pair| length_m(work.to_original[pair]) < LARGEST_ROUNDING_M) > 0.9
}

/// What a field costs: one that bends more than real wander does, or lies far away.
fn bend(work: &Work<'_>, chain: &[usize], place: &PlaceFit, is_timed: bool) -> f64 {
    if place.is_exact {
        return 0.0;
    }
    let (rough_m, shift_m) = roughness(&place.field);
    let photos = [chain[0], chain[chain.len() - 1]].map(|pair| work.photo[pair] as usize);
    let seconds = (work.ride.time_ms[photos[1]] - work.ride.time_ms[photos[0]]) as f64 / 1000.0;
    let free = if is_timed { seconds / 13.0 } else { chain.len() as f64 / 13.0 }.max(1.0).min(chain.len() as f64);
    let rough =
        if place.field.len() >= 15 { (0.7 * free * (rough_m.max(0.1) / 2.5).ln().max(0.0)).min(80.0) } else { 0.0 };
    rough + (0.5 * (shift_m / 15.0).powi(2)).min(8.0)
}

/// How many different values there are, of which no more than so many count: where they are few it looks no further.
fn n_distinct_of<T: Ord>(most: usize, values: impl Iterator<Item = T>) -> usize {
    const FEW: usize = 64;
    if most > FEW {
        let mut values: Vec<T> = values.collect();
        values.sort_unstable();
        values.dedup();
        return values.len().min(most);
    }
    let mut known: Vec<T> = Vec::with_capacity(most);
    for value in values {
        if !known.contains(&value) {
            known.push(value);
        }
        if known.len() >= most {
            break;
        }
    }
    known.len()
}

/// Whether altitudes or headings of a chain were copied, and differ along the way.
pub(super) fn is_copied(work: &Work<'_>, chain: &[usize]) -> bool {
    altitudes(work, chain) >= MOST_COPIED || heading_identity(work, chain, 0.0) >= MOST_COPIED
}

/// How many pairs of a chain were copied to the letter: in their place, or in an altitude or heading where these were.
fn copies(work: &Work<'_>, chain: &[usize], is_copied: bool) -> usize {
    let is_copy = |&&pair: &&usize| {
        let is_equal = || is_equal_pair(work, pair) == Some(true);
        is_exact_place(work, pair) || (is_copied && is_equal())
    };
    chain.iter().filter(is_copy).count()
}

/// The altitude of a photo is passed on as it is: what those that are equal say, less what the ride's own neighbours have
/// in common anyway.
fn altitudes(work: &Work<'_>, chain: &[usize]) -> f64 {
    let difference = |pair: usize| work.climb_m[pair];
    let known = collect_at_most(chain.len(), chain.iter().copied().filter(|&pair| difference(pair).is_finite()));
    if known.is_empty() {
        return 0.0;
    }
    let is_equal = |pair: usize| difference(pair).abs() < work.equal_altitude_m;
    let tenths = known
        .iter()
        .filter(|&&pair| is_equal(pair))
        .map(|&pair| (work.ride.altitude_m(work.photo[pair] as usize) * 10.0).round() as i64);
    let distinct = n_distinct_of((MOST_COPIED / 2.5).ceil() as usize, tenths);
    match share_of(&known, is_equal) {
        share if share > 0.6 => (2.5 * distinct as f64).min(MOST_COPIED),
        share if share < 0.2 => -3.0,
        _ => 0.0,
    }
}

/// Distinct altitudes that agree at places that agree, so many at most: chance seldom gives both.
fn exact_altitudes(work: &Work<'_>, exact: &[usize], most: usize) -> usize {
    let altitude = |pair: usize| work.ride.altitude_m(work.photo[pair] as usize);
    let agrees = |pair: usize| work.climb_m[pair].abs() < EXACT_ALTITUDE_M;
    let tenths = exact
        .iter()
        .filter(|&&pair| agrees(pair) && altitude(pair) != 0.0)
        .map(|&pair| (altitude(pair) * 10.0).round() as i64);
    n_distinct_of(most, tenths)
}

/// A fellow traveller looks the same way, so agreement says nothing unless it is to the hundredth of a degree;
/// disagreement speaks against the block.
fn heading_identity(work: &Work<'_>, chain: &[usize], headings: f64) -> f64 {
    let own = |pair: usize| work.ride.heading_deg(work.photo[pair] as usize);
    let turn = |pair: usize| work.turn_deg[pair];
    let known = collect_at_most(chain.len(), chain.iter().copied().filter(|&pair| turn(pair).is_finite()));
    if let Some(copied) = cut_headings(work, &known) {
        let anew = if known.len() >= FEWEST_HEADINGS { NOT_COPIED } else { 0.0 };
        return if copied > 0.0 { copied } else { headings.min(anew) };
    }
    let is_equal = |pair: usize| turn(pair).abs() < EXACT_HEADING_DEG;
    let equal = share_of(&known, is_equal);
    if known.is_empty() || equal < 0.6 {
        let is_anew = known.len() >= FEWEST_HEADINGS && equal < 0.2;
        return headings.min(0.0).min(if is_anew { NOT_COPIED } else { 0.0 });
    }
    let tenths = known.iter().filter(|&&pair| is_equal(pair)).map(|&pair| (own(pair) * 10.0).round() as i64);
    (2.5 * n_distinct_of((MOST_COPIED / 2.5).ceil() as usize, tenths) as f64).min(MOST_COPIED)
}

/// What headings say that are told in whole degrees, as coverage tiles may: nearly all are the photos', cut or rounded, and
/// differ along the way; 0 where they are not. `None` where headings are told more finely.
fn cut_headings(work: &Work<'_>, known: &[usize]) -> Option<f64> {
    const COPIED: f64 = 0.95;
    let of = |pair: usize| {
        (work.side.heading_deg(work.image(pair)), work.ride.heading_deg(work.photo[pair] as usize).rem_euclid(360.0))
    };
    let is_whole = known.iter().all(|&pair| of(pair).0.fract() == 0.0);
    if !is_whole || known.iter().all(|&pair| of(pair).1.fract() == 0.0) {
        return None;
    }
    let cut = share_of(known, |pair| of(pair).1.floor() == of(pair).0);
    let rounded = share_of(known, |pair| of(pair).1.round() % 360.0 == of(pair).0 % 360.0);
    let whole = known.iter().map(|&pair| of(pair).0 as i64);
    Some(if cut.max(rounded) < COPIED { 0.0 } else { n_distinct_of(MOST_COPIED as usize, whole) as f64 })
}

/// (evidence against chance, evidence of identity) of the devices.
fn device(sequence: u32, work: &Work<'_>) -> (f64, f64) {
    match (&work.ride.device, work.side.device(sequence)) {
        (Some(own), Some(other)) if own.agrees_with(other) => {
            ((0.98 / work.side.share_of_device(sequence).max(0.05)).ln(), 1.6)
        }
        (Some(own), Some(other)) if own.is_scaled(other) => (SCALED, SCALED),
        (Some(_), Some(_)) => (-14.0, -14.0),
        _ => (0.0, 0.0),
    }
}

/// Photos a fraction of a second apart share the wander of the receiver: each counts as its share of a second.
fn density_of(work: &Work<'_>, chain: &[usize]) -> f64 {
    const LEAST: f64 = 0.2;
    let time = |pair: usize| work.ride.time_ms[work.photo[pair] as usize];
    let span_ms = time(chain[chain.len() - 1]).saturating_sub(time(chain[0]));
    match chain.len() {
        n if n < 2 || !work.ride.is_timed() => 1.0,
        n => (span_ms as f64 / 1000.0 / (n - 1) as f64).clamp(LEAST, 1.0),
    }
}
