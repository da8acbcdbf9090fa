//! The sequence route: whole sequences whose keys are known beforehand, from the command line or from a tracker.

use crate::{
    Event, Watcher,
    pool::Pool,
    queue::{Bounds, in_order},
    stored::Stored,
};
use capture_model::{PublishedImage, Route, SequenceId};
use mapillary_api::{Api, ApiError, SEQUENCES_PER_REQUEST};
use std::collections::BTreeSet;

/// Images of the sequences, each key asked for once; up to 20 sequences a request.
pub(crate) async fn fetch(api: &Api, sequences: &[SequenceId], watch: Watcher<'_>) -> Result<Pool, ApiError> {
    let mut keys = sequences.to_vec();
    keys.sort_unstable();
    keys.dedup();
    let wanted: BTreeSet<SequenceId> = keys.iter().cloned().collect();
    let (parts, rest) = Stored::of(api)?.part(keys, |key| key);
    let batches: Vec<Vec<SequenceId>> = parts
        .into_iter()
        .map(|part| part.asked)
        .chain(rest.chunks(SEQUENCES_PER_REQUEST).map(<[SequenceId]>::to_vec))
        .collect();
    let total = batches.len();
    let questions = batches.into_iter().map(|batch| {
        let api = api.clone();
        async move { api.images_of_sequences(&batch).await }
    });
    let (mut pool, mut done, mut failure) = (Pool::default(), 0, None);
    in_order(&Bounds::IMAGES, questions, |answer| {
        done += 1;
        watch(Event::Entities { done, total });
        match answer {
            Ok(found) => {
                let is_wanted = |image: &PublishedImage| image.sequence.as_ref().is_none_or(|key| wanted.contains(key));
                let asked_for = found.images.into_iter().filter(is_wanted);
                asked_for.for_each(|image| pool.add(image, Route::Sequence));
                // Whoever names a sequence wants it: without it the run would tell half a story.
                let missing = found.failed.into_iter().find(|(key, _)| wanted.contains(key));
                failure = failure.take().or(missing.map(|(_, error)| error));
            }
            Err(error) => drop(failure.get_or_insert(error)),
        }
    })
    .await?;
    failure.map_or(Ok(pool), Err)
}
