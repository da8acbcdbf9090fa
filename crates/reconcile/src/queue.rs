//! Many questions, few under way: a bounded queue that hands the answers on in the order of the questions.
//!
//! Questions are made when their turn comes and answers are let go as soon as they are used, so that a million of them
//! wait in the memory of a few dozen. Once a question ends in a way that every other would end in too, nothing more is
//! begun; what is under way may still come home, because a response that arrives is kept.

use mapillary_api::ApiError;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::task::{Id, JoinError, JoinSet};

const AT_ONCE: usize = 8;
/// A slow answer holds back those behind it; so many may wait for it.
const AHEAD: usize = 128;
/// What is under way when the run ends gets so long to come home.
const DRAIN: Duration = Duration::from_secs(2);

/// Runs the questions and hands each end to `take`, in order. `Err` is the first that ends the run.
pub(crate) async fn in_order<T, F>(
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
    loop {
        while running.len() < AT_ONCE
            && window.len() < AHEAD
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
        place.1 = Some(end);
        while let Some((_, Some(_))) = window.front() {
            if let Some((_, Some(end))) = window.pop_front() {
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
        in_order(questions, |end| {
            assert_eq!(end, Ok(taken));
            taken += 1;
            let ahead = shared.2.load(Ordering::Relaxed) as u64 - taken;
            assert!(ahead <= AHEAD as u64, "{ahead} answers wait for a slow one");
        })
        .await
        .unwrap();
        assert_eq!((taken, shared.1.load(Ordering::Relaxed)), (10_000, AT_ONCE));
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
        assert_eq!(in_order(questions, drop).await, Err(ApiError::TokenMissing));
        assert_eq!((home.lock().unwrap().clone(), started.elapsed()), (vec![0, 1, 4, 5, 6, 7], DRAIN));
    }
}
