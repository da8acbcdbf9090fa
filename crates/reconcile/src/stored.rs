//! What stored answers hold already: a sequence is asked for once, however later runs pack their questions.
//!
//! An answer is stored for the batch that was asked. Photos that are added change how sequences are packed; without this
//! the new batches would ask for the old sequences again. Of several answers that hold a sequence the newest counts, so
//! that a refresh stands although the batches of before it are still there.

use capture_model::SequenceId;
use mapillary_api::{Api, ApiError, StoredBatch};
use std::collections::{BTreeSet, HashMap};

/// Which stored answer holds which sequence.
#[derive(Debug, Default)]
pub(crate) struct Stored {
    batches: Vec<StoredBatch>,
    batch_of: HashMap<SequenceId, usize>,
}

/// Some wanted sequences and the stored answer that holds them.
pub(crate) struct StoredPart<T> {
    /// What was asked then: asked again, it costs no request.
    pub(crate) asked: Vec<SequenceId>,
    /// When it was fetched: milliseconds since the Unix epoch.
    pub(crate) fetched_at_ms: i64,
    /// What is wanted of it.
    pub(crate) wanted: Vec<T>,
}

impl<T> StoredPart<T> {
    /// What is wanted, unless that is all of the answer.
    pub(crate) fn less_than_asked(&self, key_of: impl Fn(&T) -> SequenceId) -> Option<BTreeSet<SequenceId>> {
        (self.wanted.len() < self.asked.len()).then(|| self.wanted.iter().map(key_of).collect())
    }
}

impl Stored {
    pub(crate) fn of(api: &Api) -> Result<Self, ApiError> {
        Ok(Self::of_batches(api.stored_batches()?))
    }

    /// Of batches with the newest first.
    fn of_batches(batches: Vec<StoredBatch>) -> Self {
        let mut batch_of = HashMap::new();
        for (number, batch) in batches.iter().enumerate() {
            for key in &batch.sequences {
                batch_of.entry(key.clone()).or_insert(number);
            }
        }
        Self { batches, batch_of }
    }

    /// Parts what is wanted into that of stored answers and the rest, each in the order given.
    pub(crate) fn part<T>(
        &self,
        wanted: impl IntoIterator<Item = T>,
        key_of: impl Fn(&T) -> &SequenceId,
    ) -> (Vec<StoredPart<T>>, Vec<T>) {
        let (mut parts, mut rest): (Vec<StoredPart<T>>, _) = (Vec::new(), Vec::new());
        let mut part_of: HashMap<usize, usize> = HashMap::new();
        for item in wanted {
            let Some(&batch) = self.batch_of.get(key_of(&item)) else {
                rest.push(item);
                continue;
            };
            let part = *part_of.entry(batch).or_insert_with(|| {
                let StoredBatch { sequences, fetched_at_ms } = self.batches[batch].clone();
                parts.push(StoredPart { asked: sequences, fetched_at_ms, wanted: Vec::new() });
                parts.len() - 1
            });
            parts[part].wanted.push(item);
        }
        (parts, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_taken_by_its_answer_and_the_rest_is_left() {
        let keys = |text: &str| text.split(' ').map(SequenceId::new).collect::<Vec<_>>();
        let batch = |text, fetched_at_ms| StoredBatch { sequences: keys(text), fetched_at_ms };
        let stored = Stored::of_batches(vec![batch("a b c", 9), batch("c d", 5)]);
        let (parts, rest) = stored.part(keys("x c d a y"), |key| key);
        let told: Vec<_> = parts.into_iter().map(|part| (part.asked, part.wanted, part.fetched_at_ms)).collect();
        assert_eq!(told, [(keys("a b c"), keys("c a"), 9), (keys("c d"), keys("d"), 5)]);
        assert_eq!(rest, keys("x y"));
        assert_eq!(Stored::default().part(keys("a"), |key| key).1, keys("a"));
    }
}
