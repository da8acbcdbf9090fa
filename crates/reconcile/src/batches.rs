//! Sequences packed into requests.

/// So many sequences are asked for in one request …
pub(crate) const SEQUENCES_PER_BATCH: usize = 20;
/// … if they have at most so many images together; a longer sequence goes alone.
pub(crate) const IMAGES_PER_BATCH: usize = 1_500;

/// Packs sequences by how many images each has: numbers of the sequences, batch by batch. Each goes into the first batch
/// that has room for it.
pub(crate) fn batches(n_images: &[usize]) -> Vec<Vec<usize>> {
    let mut batches: Vec<(Vec<usize>, usize)> = Vec::new();
    let mut first_open = 0;
    for (sequence, &images) in n_images.iter().enumerate() {
        let is_open =
            |(members, filled): &(Vec<usize>, usize)| members.len() < SEQUENCES_PER_BATCH && *filled < IMAGES_PER_BATCH;
        while batches.get(first_open).is_some_and(|batch| !is_open(batch)) {
            first_open += 1;
        }
        let has_room =
            |batch: &&mut (Vec<usize>, usize)| is_open(batch) && batch.1.saturating_add(images) <= IMAGES_PER_BATCH;
        match batches[first_open..].iter_mut().find(has_room) {
            Some((members, filled)) => {
                members.push(sequence);
                *filled += images;
            }
            None => batches.push((vec![sequence], images)),
        }
    }
    batches.into_iter().map(|(members, _)| members).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn batches_hold_twenty_sequences_or_fifteen_hundred_images() {
        let sizes = |n_images: &[usize]| batches(n_images).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(&[10; 45]), [20, 20, 5]);
        assert_eq!(sizes(&[700; 4]), [2, 2]);
        assert_eq!(sizes(&[10, 5_000, 10]), [2, 1], "a long one goes alone");
        assert_eq!(sizes(&[1_000, 1_000, 500, 500]), [2, 2], "gaps are filled");
        assert!(batches(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn each_sequence_goes_once_and_no_batch_is_too_large(
            n_images in proptest::collection::vec(prop_oneof![0..40_usize, 0..3_000_usize], 0..400),
        ) {
            let batches = batches(&n_images);
            let mut all: Vec<usize> = batches.iter().flatten().copied().collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..n_images.len()).collect::<Vec<_>>());
            let filled = |batch: &[usize]| batch.iter().map(|&sequence| n_images[sequence]).sum::<usize>();
            for batch in &batches {
                prop_assert!(batch.len() <= SEQUENCES_PER_BATCH);
                prop_assert!(filled(batch) <= IMAGES_PER_BATCH || batch.len() == 1);
            }
            // No two batches could have been one.
            for (number, batch) in batches.iter().enumerate() {
                for other in &batches[number + 1..] {
                    let joined = filled(batch) + filled(other);
                    prop_assert!(batch.len() + other.len() > SEQUENCES_PER_BATCH || joined > IMAGES_PER_BATCH);
                }
            }
        }
    }
}
