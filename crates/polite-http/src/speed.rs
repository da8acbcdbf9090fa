//! A connection that drips is dropped: below 1 kB/s over 20 s.

use std::time::Duration;

/// Watches the bytes of one body; times are counted from its first byte.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SpeedWatch {
    window: Duration,
    least_per_second: u64,
    window_start: Duration,
    window_bytes: u64,
}

impl SpeedWatch {
    pub(crate) fn new(window: Duration, least_per_second: u64) -> Self {
        Self { window, least_per_second, window_start: Duration::ZERO, window_bytes: 0 }
    }

    /// Counts bytes that came at a time; true when a whole window went by below the least speed.
    pub(crate) fn is_too_slow(&mut self, at: Duration, bytes: usize) -> bool {
        self.window_bytes += bytes as u64;
        let elapsed = at.saturating_sub(self.window_start);
        if elapsed < self.window {
            return false;
        }
        let slow = (self.window_bytes as f64) < self.least_per_second as f64 * elapsed.as_secs_f64();
        (self.window_start, self.window_bytes) = (at, 0);
        slow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outlasts(bytes_per_second: usize, seconds: u64) -> bool {
        let mut watch = SpeedWatch::new(Duration::from_secs(20), 1_000);
        (1..=seconds).all(|second| !watch.is_too_slow(Duration::from_secs(second), bytes_per_second))
    }

    #[test]
    fn only_a_drip_is_dropped() {
        assert!(outlasts(1_000, 300));
        assert!(outlasts(1, 19), "a pause is no drip");
        assert!(!outlasts(999, 20));
    }
}
