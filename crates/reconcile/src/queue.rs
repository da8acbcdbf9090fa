//! Many questions, few under way: a bounded queue that hands the answers on in the order of the questions.
//!
//! Questions are made when their turn comes and answers are let go as soon as they are used, so that a million of them
//! wait in the memory of a few dozen. Answers that wait for a slow one before them are counted in bytes as well: nothing is
//! begun while they are large together. Once a question ends in a way that every other would end in too, nothing more is
//! begun; what is under way may still come home, because a response that arrives is kept.

use capture_model::PublishedImage;
use mapillary_api::{ApiError, Found, TileAnswer};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::task::{Id, JoinError, JoinSet};

/// A slow answer holds back those behind it; so many may wait for it.
const AHEAD: usize = 128;
/// … and no more is begun while so many bytes do.
const AHEAD_BYTES: usize = 32 << 20;
/// What is under way when the run ends gets so long to come home.
const DRAIN: Duration = Duration::from_secs(2);

/// How many questions are under way at once, and what an answer weighs that has to wait.
pub(crate) struct Bounds<T> {
    pub(crate) at_once: usize,
    /// Bytes, about.
    pub(crate) weigh: fn(&T) -> usize,
}

impl<K> Bounds<Found<K>> {
    /// Whole sequences, and images by id.
    pub(crate) const IMAGES: Self =
        Self { at_once: 8, weigh: |found| found.images.len() * size_of::<PublishedImage>() };
}

impl Bounds<TileAnswer> {
    /// Tiles, which may have 32 MB each; they are asked for one a second.
    pub(crate) const TILES: Self = Self { at_once: 4, weigh: |tile| tile.bytes.len() };
}

/// Runs the questions and hands each end to `take`, in order. `Err` is the first that ends the run.
pub(crate) async fn in_order<T, F>(
    bounds: &Bounds<T>,
    questions: impl IntoIterator<Item = F>,
    mut take: impl FnMut(Result<T, ApiError>),
) -> Result<(), ApiError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, ApiError>> + Send + 'static,
{
    let mut waiting = questions.into_iter();
    let mut running = JoinSet::new();
    // The questions from the first that is not used yet, under way or answered.
    let mut window: VecDeque<(Id, Option<Result<T, ApiError>>)> = VecDeque::new();
    let weigh = |end: &Result<T, ApiError>| end.as_ref().map_or(0, bounds.weigh);
    let mut bytes_waiting = 0;
    loop {
        while running.len() < bounds.at_once
            && window.len() < AHEAD
            && bytes_waiting < AHEAD_BYTES
            && let Some(question) = waiting.next()
        {
            window.push_back((running.spawn(question).id(), None));
        }
        let Some(joined) = running.join_next_with_id().await else { return Ok(()) };
        let (id, end) = joined.map_err(JoinError::into_panic).unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        if let Err(error) = &end
            && error.ends_the_run()
        {
            let rest = async { while running.join_next().await.is_some() {} };
            let _ = tokio::time::timeout(DRAIN, rest).await;
            return Err(error.clone());
        }
        let place = window.iter_mut().find(|(known, _)| *known == id).expect("it was begun here and not used yet");
        bytes_waiting += weigh(&end);
        place.1 = Some(end);
        while let Some((_, Some(_))) = window.front() {
            if let Some((_, Some(end))) = window.pop_front() {
                bytes_waiting -= weigh(&end);
                take(end);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};

    const NUMBERS: Bounds<u64> = Bounds { at_once: 8, weigh: |_| 8 };

    #[tokio::test(start_paused = true)]
    async fn ends_come_in_order_and_few_are_under_way() {
        let (under_way, most, begun) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        let shared = Arc::new((under_way, most, begun));
        let questions = (0..10_000_u64).map(|number| {
            let shared = shared.clone();
            shared.2.fetch_add(1, Ordering::Relaxed);
            async move {
                shared.1.fetch_max(shared.0.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(if number % 100 == 0 { 2_000 } else { number * 7 % 13 }))
                    .await;
                shared.0.fetch_sub(1, Ordering::Relaxed);
                Ok(number)
            }
        });
        let mut taken = 0;
        in_order(&NUMBERS, questions, |end| {
            assert_eq!(end, Ok(taken));
            taken += 1;
            let ahead = shared.2.load(Ordering::Relaxed) as u64 - taken;
            assert!(ahead <= AHEAD as u64, "{ahead} answers wait for a slow one");
        })
        .await
        .unwrap();
        assert_eq!((taken, shared.1.load(Ordering::Relaxed)), (10_000, NUMBERS.at_once));
    }

    /// The first answer is slow, those behind it are as large as a tile may be.
    #[tokio::test(start_paused = true)]
    async fn large_answers_that_wait_are_bounded_in_bytes() {
        const LARGEST: usize = 32 << 20;
        let bounds = Bounds::<usize> { at_once: Bounds::TILES.at_once, weigh: |bytes| *bytes };
        let (held, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let shared = Arc::new((held, most));
        let questions = (0..200_u64).map(|number| {
            let shared = shared.clone();
            async move {
                tokio::time::sleep(Duration::from_millis(if number % 50 == 0 { 60_000 } else { 10 })).await;
                shared.1.fetch_max(shared.0.fetch_add(LARGEST, Ordering::Relaxed) + LARGEST, Ordering::Relaxed);
                Ok(LARGEST)
            }
        });
        let mut taken = 0;
        in_order(&bounds, questions, |end| {
            taken += 1;
            shared.0.fetch_sub(end.unwrap(), Ordering::Relaxed);
        })
        .await
        .unwrap();
        let most = shared.1.load(Ordering::Relaxed);
        assert_eq!(taken, 200);
        assert!(most <= AHEAD_BYTES + bounds.at_once * LARGEST, "{most} bytes of answers at once");
        assert!(most < 256_000_000 * 3 / 4, "{most}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_of_the_run_begins_nothing_and_waits_for_what_is_under_way() {
        let home = Arc::new(Mutex::new(Vec::new()));
        let questions = (0..100_u64).map(|number| {
            let home = home.clone();
            async move {
                match number {
                    2 => return Err(ApiError::TokenMissing),
                    3 => tokio::time::sleep(Duration::from_hours(1)).await, // held by its pace
                    _ => tokio::time::sleep(Duration::from_millis(900)).await,
                }
                home.lock().unwrap().push(number);
                Ok(number)
            }
        });
        let started = tokio::time::Instant::now();
        assert_eq!(in_order(&NUMBERS, questions, drop).await, Err(ApiError::TokenMissing));
        assert_eq!((home.lock().unwrap().clone(), started.elapsed()), (vec![0, 1, 4, 5, 6, 7], DRAIN));
    }
}
