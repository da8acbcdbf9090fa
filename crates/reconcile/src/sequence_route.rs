//! The sequence route: whole sequences whose keys are known beforehand, from the command line or from a tracker.

use crate::{Event, Watcher, pool::Pool, queue::in_order};
use capture_model::{Route, SequenceId};
use mapillary_api::{Api, ApiError, SEQUENCES_PER_REQUEST};

/// Images of the sequences, each key asked for once; up to 20 sequences a request.
pub(crate) async fn fetch(api: &Api, sequences: &[SequenceId], watch: Watcher<'_>) -> Result<Pool, ApiError> {
    let mut keys = sequences.to_vec();
    keys.sort_unstable();
    keys.dedup();
    let questions = keys.chunks(SEQUENCES_PER_REQUEST).map(|batch| {
        let (api, batch) = (api.clone(), batch.to_vec());
        async move { api.images_of_sequences(&batch).await }
    });
    let total = keys.len().div_ceil(SEQUENCES_PER_REQUEST);
    let (mut pool, mut done, mut failure) = (Pool::default(), 0, None);
    in_order(questions, |answer| {
        done += 1;
        watch(Event::Entities { done, total });
        match answer {
            Ok(images) => images.into_iter().for_each(|image| pool.add(image, Route::Sequence)),
            // Whoever names a sequence wants it: without it the run would tell half a story.
            Err(error) => drop(failure.get_or_insert(error)),
        }
    })
    .await?;
    failure.map_or(Ok(pool), Err)
}
