//! The pace against an obvious slow count, and the rules of holding.

use super::*;
use proptest::prelude::*;

mod reference;

fn quota(per_minute: Option<u32>) -> QuotaSettings {
    QuotaSettings {
        name: "tiles",
        per_minute,
        per_day: None,
        at_once: 4,
        first_hold: Duration::from_mins(1),
        longest_hold: Duration::from_mins(15),
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Sends as fast as allowed until `end`; the times.
fn send_until(state: &mut PaceState, mut now: Duration, end: Duration) -> Vec<Duration> {
    let mut sent = Vec::new();
    while now < end {
        match state.next_slot(now) {
            Slot::Go => sent.push(now),
            Slot::NotBefore(moment) => {
                assert!(moment > now, "a wait must lead somewhere");
                now = moment;
            }
        }
    }
    sent
}

#[test]
fn a_small_run_is_not_slowed_and_a_long_one_keeps_the_pace() {
    let mut state = PaceState::new(&quota(Some(60)));
    let sent = send_until(&mut state, Duration::ZERO, seconds(610));
    assert_eq!(sent.iter().filter(|&&at| at == Duration::ZERO).count(), 60, "the first sixty go at once");
    assert_eq!(sent.len(), 600);
}

#[test]
fn what_an_earlier_run_sent_counts() {
    let mut state = PaceState::new(&quota(Some(60)));
    state.sent_before(seconds(20), 45);
    state.sent_before(seconds(0), 10);
    let sent = send_until(&mut state, Duration::ZERO, seconds(62));
    let by = |second| sent.iter().filter(|&&at| at <= seconds(second)).count();
    assert_eq!((by(0), by(40), by(41), by(60), by(61)), (5, 5, 50, 50, 65), "as the earlier ones leave the window");
    let mut flooded = PaceState::new(&quota(Some(60)));
    flooded.sent_before(seconds(0), u64::MAX);
    assert_eq!(flooded.next_slot(Duration::ZERO), Slot::NotBefore(seconds(61)));
    let mut unpaced = PaceState::new(&quota(None));
    unpaced.sent_before(seconds(0), u64::MAX);
    assert_eq!(unpaced.next_slot(Duration::ZERO), Slot::Go);
}

#[test]
fn the_service_decides_how_long_a_hold_lasts() {
    let mut state = PaceState::new(&quota(None));
    state.throttled(seconds(0), seconds(1), Some(seconds(7)));
    assert_eq!(state.next_slot(seconds(1)), Slot::NotBefore(seconds(8)));
    assert_eq!(state.next_slot(seconds(8)), Slot::Go);
    state.throttled(seconds(8), seconds(9), Some(seconds(4_000)));
    assert_eq!(state.next_slot(seconds(9)), Slot::NotBefore(seconds(4_009)), "up as well as down");
}

#[test]
fn holds_double_by_episode_and_not_by_worker() {
    let mut state = PaceState::new(&quota(None));
    for _ in 0..32 {
        state.throttled(seconds(0), seconds(1), None);
    }
    assert_eq!(state.next_slot(seconds(1)), Slot::NotBefore(seconds(61)), "32 workers, one episode");
    state.throttled(seconds(61), seconds(62), None);
    assert_eq!(state.next_slot(seconds(62)), Slot::NotBefore(seconds(182)));
    for episode in 1..50 {
        state.throttled(seconds(10_000 * episode), seconds(10_000 * episode + 1), None);
    }
    assert_eq!(state.next_slot(seconds(490_001)), Slot::NotBefore(seconds(490_901)), "the longest hold");
    state.answered(seconds(490_901));
    state.throttled(seconds(490_902), seconds(490_902), None);
    assert_eq!(state.next_slot(seconds(490_902)), Slot::NotBefore(seconds(490_962)), "a good answer ends the episode");
}

#[test]
fn after_a_hold_the_pace_is_halved_and_grows_back() {
    let mut state = PaceState::new(&quota(Some(60)));
    state.throttled(seconds(0), seconds(0), Some(seconds(1)));
    let sent = send_until(&mut state, seconds(1), seconds(62));
    assert_eq!(sent.len(), 30, "half the pace");
    assert!(sent.windows(2).all(|pair| pair[1] >= pair[0] + seconds(2)), "evenly spaced");
    for _ in 0..25 {
        state.answered(seconds(62));
    }
    assert_eq!(send_until(&mut state, seconds(200), seconds(261)).len(), 60, "whole again after 25 good answers");
}

#[test]
fn told_usage_slows_and_stops() {
    let sent_at = |percent| {
        let mut state = PaceState::new(&quota(Some(100)));
        state.usage(Duration::ZERO, percent);
        send_until(&mut state, Duration::ZERO, seconds(61)).len()
    };
    assert_eq!(sent_at(69.0), 100);
    assert_eq!(sent_at(82.5), 50);
    assert_eq!(sent_at(95.0), 1, "one request a hold, to learn whether it has fallen");
    assert_eq!(sent_at(300.0), 1);

    let mut state = PaceState::new(&quota(Some(100)));
    state.usage(seconds(0), 95.0);
    for _ in 0..50 {
        state.answered(seconds(61));
    }
    assert_eq!(send_until(&mut state, seconds(100), seconds(161)).len(), 100, "silence about usage lets the pace grow");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_minute_holds_more_than_the_budget(
        per_minute in 1..40_u32,
        events in proptest::collection::vec((0..8_u8, 0..90_u64), 1..120),
    ) {
        let mut state = PaceState::new(&quota(Some(per_minute)));
        let (mut now, mut sent, mut held_until) = (Duration::ZERO, Vec::new(), Duration::ZERO);
        for (event, size) in events {
            match event {
                0 => {
                    state.throttled(now, now, Some(seconds(size)));
                    held_until = held_until.max(now + seconds(size));
                }
                1 => state.usage(now, size as f64),
                2 => state.answered(now),
                3 => now += Duration::from_millis(size * 37),
                4 => now += Duration::from_millis(size * 700),
                _ => for _ in 0..size {
                    match state.next_slot(now) {
                        Slot::Go => {
                            prop_assert!(now >= held_until, "sent during a hold");
                            sent.push(now);
                        }
                        Slot::NotBefore(moment) => {
                            prop_assert!(moment > now, "a wait that leads nowhere");
                            if event == 5 {
                                break;
                            }
                            now = moment; // as early as it may
                        }
                    }
                },
            }
        }
        for &start in &sent {
            let in_minute = sent.iter().filter(|&&at| at >= start && at < start + seconds(60)).count();
            prop_assert!(in_minute <= per_minute as usize, "{} in a minute", in_minute);
        }
    }
}
