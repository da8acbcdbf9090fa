//! The order that the matcher works in (by sequence, then time, then id), kept in far less than a number an image.
//!
//! Sequences mostly come whole and in order of time, so rows mostly follow each other: of [`BLOCK`] places that do, the first
//! row is kept; only of other blocks each row.

use crate::plane::{Chart, distance_m2, point};
use capture_model::PublishedImages;
use rayon::prelude::*;
use std::ops::Range;

/// Without a sequence, images of one creator form one as long as they follow within this, ms.
const PSEUDO_GAP_MS: i64 = 60_000;
/// Places that are kept together.
const BLOCK: usize = 64;

/// Rows by place.
#[derive(Debug, Default)]
pub(crate) struct WorkingOrder {
    blocks: Vec<Block>,
    /// Rows of the blocks that are listed.
    listed: Vec<u32>,
    /// Rows of the last block, as long as it is not full.
    last: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Block {
    /// Its first row, or where its rows are listed.
    first: u32,
    is_listed: bool,
}

impl WorkingOrder {
    /// The order of some images, and where each working sequence begins, with the number of images at the end.
    ///
    /// Stretches of rows are sorted instead of rows. Sequences go by their least image id: in which order they came in must
    /// not be seen. Images without a sequence come last.
    pub(crate) fn of(images: &PublishedImages) -> (Self, Vec<u32>) {
        let (mut stretches, n_keyed) = stretches(images);
        stretches.sort_unstable_by_key(|stretch| (stretch.sequence, stretch.start));
        let sequences: Vec<&[Stretch]> = stretches.chunk_by(|a, b| a.sequence == b.sequence).collect();
        let rows_of =
            |stretches: &&[Stretch]| sequence_rows(stretches, stretches[0].sequence as usize >= n_keyed, images);
        let sequences: Vec<Rows> = sequences.par_iter().with_min_len(64).map(rows_of).collect();
        let (mut order, mut starts) = (Self::default(), Vec::with_capacity(sequences.len() + 1));
        order.blocks.reserve(images.len() / BLOCK + 1);
        for (rank, rows) in sequences.into_iter().enumerate() {
            starts.push(order.len() as u32);
            match rows {
                Rows::Following(rows) => order.extend_by_range(rows),
                Rows::Listed(rows) => {
                    if rank >= n_keyed {
                        starts.extend(breaks(&rows, images).map(|at| (order.len() + at) as u32));
                    }
                    rows.into_iter().for_each(|row| order.push(row));
                }
            }
        }
        starts.push(images.len() as u32);
        order.listed.shrink_to_fit();
        (order, starts)
    }

    /// How many places.
    pub(crate) fn len(&self) -> usize {
        self.blocks.len() * BLOCK + self.last.len()
    }

    /// Row at a place.
    pub(crate) fn row(&self, at: usize) -> u32 {
        let Some(block) = self.blocks.get(at / BLOCK) else { return self.last[at % BLOCK] };
        if block.is_listed { self.listed[block.first as usize + at % BLOCK] } else { block.first + (at % BLOCK) as u32 }
    }

    /// Rows of a range of places, where they follow each other.
    pub(crate) fn rows(&self, places: Range<usize>) -> Option<Range<usize>> {
        let first = self.row(places.start);
        let follows = |at: usize| self.row(at) as usize == first as usize + (at - places.start);
        let mut at = places.start;
        while at < places.end {
            let end = ((at / BLOCK + 1) * BLOCK).min(places.end);
            let is_listed = self.blocks.get(at / BLOCK).is_none_or(|block| block.is_listed);
            let asked = at..if is_listed { end } else { at + 1 };
            if !asked.into_iter().all(follows) {
                return None;
            }
            at = end;
        }
        Some(first as usize..first as usize + places.len())
    }

    fn push(&mut self, row: u32) {
        self.last.push(row);
        if self.last.len() == BLOCK {
            let first = self.last[0];
            let is_listed = !self.last.iter().zip(first..).all(|(row, following)| *row == following);
            self.blocks.push(Block { first: if is_listed { self.listed.len() as u32 } else { first }, is_listed });
            if is_listed {
                self.listed.extend_from_slice(&self.last);
            }
            self.last.clear();
        }
    }

    fn extend_by_range(&mut self, rows: Range<u32>) {
        let n_first = if self.last.is_empty() { 0 } else { (BLOCK - self.last.len()).min(rows.len()) as u32 };
        let whole = rows.start + n_first;
        (rows.start..whole).for_each(|row| self.push(row));
        let rest = whole + (rows.end - whole) / BLOCK as u32 * BLOCK as u32;
        self.blocks.extend((whole..rest).step_by(BLOCK).map(|first| Block { first, is_listed: false }));
        (rest..rows.end).for_each(|row| self.push(row));
    }
}

/// Rows of one working sequence.
enum Rows {
    Following(Range<u32>),
    Listed(Vec<u32>),
}

/// Orders the rows of one sequence, or of all images without one.
fn sequence_rows(stretches: &[Stretch], is_unkeyed: bool, images: &PublishedImages) -> Rows {
    let time_ms = &images.captured_at_ms;
    let whole = stretches[0].start..stretches[stretches.len() - 1].end;
    let is_whole = !is_unkeyed && stretches.windows(2).all(|two| two[0].end == two[1].start);
    if is_whole && time_ms[whole.start as usize..whole.end as usize].is_sorted_by(|a, b| a < b) {
        return Rows::Following(whole);
    }
    let mut rows: Vec<u32> = stretches.iter().flat_map(|stretch| stretch.start..stretch.end).collect();
    if is_unkeyed || !are_in_order(&rows, images) {
        let key = |row: u32| {
            let r = row as usize;
            (if is_unkeyed { images.creator_id[r] } else { 0 }, time_ms[r], images.id[r], row)
        };
        // seconds that were cut come in order, those of one second in any: there is little to sort
        let in_time = |row: u32| time_ms[row as usize];
        if !is_unkeyed && rows.is_sorted_by_key(|&row| in_time(row)) {
            let ties = rows.chunk_by_mut(|&a, &b| in_time(a) == in_time(b)).filter(|tie| tie.len() > 1);
            ties.for_each(|tie| tie.sort_unstable_by_key(|&row| key(row)));
        } else {
            rows.sort_unstable_by_key(|&row| key(row));
        }
    }
    if !is_unkeyed {
        order_equal_times(&mut rows, images);
    }
    if is_whole && rows.is_sorted() { Rows::Following(whole) } else { Rows::Listed(rows) }
}

/// Where sequences end among images without one: what one creator took without a pause is one.
fn breaks(rows: &[u32], images: &PublishedImages) -> impl Iterator<Item = usize> {
    let is_new = |a: usize, b: usize| {
        let time_ms = |r: usize| images.captured_at_ms[r];
        images.creator_id[a] != images.creator_id[b] || time_ms(b).saturating_sub(time_ms(a)) > PSEUDO_GAP_MS
    };
    (1..rows.len()).filter(move |&at| is_new(rows[at - 1] as usize, rows[at] as usize))
}

/// Rows that follow each other and are of one sequence.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    /// Number of the sequence, then its rank.
    sequence: u32,
    start: u32,
    end: u32,
    least_id: u64,
}

/// All stretches with the ranks of their sequences by least id, and how many sequences have images; images without a
/// sequence come behind them.
fn stretches(images: &PublishedImages) -> (Vec<Stretch>, usize) {
    const AT_ONCE: usize = 1 << 16;
    let part = |(part, numbers): (usize, &[u32])| {
        let (mut stretches, mut at) = (Vec::new(), 0);
        while at < numbers.len() {
            let end = at + n_equal(&numbers[at..]);
            let rows = part * AT_ONCE + at..part * AT_ONCE + end;
            let (start, least_id) = (rows.start as u32, least(&images.id[rows.clone()]));
            stretches.push(Stretch { sequence: numbers[at], start, end: rows.end as u32, least_id });
            at = end;
        }
        stretches
    };
    let parts: Vec<Vec<Stretch>> = images.sequence.par_chunks(AT_ONCE).enumerate().map(part).collect();
    let mut stretches = parts.concat();
    let mut least: Vec<(u64, u32)> = (0..images.sequences.len() as u32).map(|number| (u64::MAX, number)).collect();
    let mut has_images = vec![false; least.len()];
    for stretch in &stretches {
        if let Some(known) = least.get_mut(stretch.sequence as usize) {
            known.0 = known.0.min(stretch.least_id);
            has_images[stretch.sequence as usize] = true;
        }
    }
    least.retain(|&(_, number)| has_images[number as usize]);
    least.sort_unstable();
    let mut ranks = vec![0; has_images.len()];
    least.iter().zip(0..).for_each(|(&(_, number), rank)| ranks[number as usize] = rank);
    let rank = |number: u32| ranks.get(number as usize).copied().unwrap_or(least.len() as u32);
    stretches.iter_mut().for_each(|stretch| stretch.sequence = rank(stretch.sequence));
    (stretches, least.len())
}

/// How many values are equal to the first before another comes.
fn n_equal(values: &[u32]) -> usize {
    const LANES: usize = 16;
    let first = values[0];
    let is_equal = |values: &&[u32; LANES]| values.iter().fold(0, |all, value| all | (value ^ first)) == 0;
    let whole = values.as_chunks::<LANES>().0.iter().take_while(is_equal).count() * LANES;
    whole + values[whole..].iter().take_while(|&&value| value == first).count()
}

/// The least of some ids.
fn least(ids: &[u64]) -> u64 {
    const LANES: usize = 4;
    let mut least = [u64::MAX; LANES];
    let (whole, rest) = ids.as_chunks::<LANES>();
    for ids in whole {
        for lane in 0..LANES {
            least[lane] = least[lane].min(ids[lane]);
        }
    }
    least.iter().chain(rest).copied().min().unwrap_or(u64::MAX)
}

/// Whether rows come in order of time, and those of one time in order of their ids.
fn are_in_order(rows: &[u32], images: &PublishedImages) -> bool {
    let key = |row: u32| (images.captured_at_ms[row as usize], images.id[row as usize]);
    rows.is_sorted_by(|&a, &b| key(a) < key(b))
}

/// Images of one sequence at one time follow each other by their way from the image before (or back from the one after):
/// ids say nothing about capture order, and chains must rise on both sides.
fn order_equal_times(row: &mut [u32], images: &PublishedImages) {
    let time = |r: u32| images.captured_at_ms[r as usize];
    let (mut end, mut chart, mut tie) = (0, None, Vec::new());
    while let Some(equal) = row[end..].windows(2).position(|two| time(two[0]) == time(two[1])) {
        let start = end + equal;
        let own = time(row[start]);
        end = start + row[start..].iter().take_while(|&&r| time(r) == own).count();
        if own == PublishedImages::NO_TIME {
            continue;
        }
        let before = start.checked_sub(1).map(|k| row[k]);
        let Some(from) = before.or(row.get(end).copied()) else { continue };
        let place = (images.longitude[from as usize], images.latitude[from as usize]);
        let chart = chart.get_or_insert_with(|| Chart::at(place.0, place.1));
        tie.clear();
        tie.extend(row[start..end].iter().map(|&r| (way_m2(chart, images, from, r), images.id[r as usize], r)));
        tie.sort_by(|a: &(f64, u64, u32), b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        if before.is_none() {
            tie.reverse();
        }
        row[start..end].iter_mut().zip(&tie).for_each(|(slot, &(_, _, r))| *slot = r);
    }
}

/// The squared way between the uploaded places of two rows, m²; NaN where one is missing.
fn way_m2(chart: &Chart, images: &PublishedImages, from: u32, to: u32) -> f64 {
    let [from, to] = [from, to].map(|r| (images.longitude[r as usize], images.latitude[r as usize]));
    if chart.holds(from.0, from.1) && chart.holds(to.0, to.1) {
        let [east_m, north_m] = chart.offset_m(from, to);
        east_m * east_m + north_m * north_m
    } else {
        distance_m2(point(from.0, from.1), point(to.0, to.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use capture_model::{CapturedAt, Evidence, ImageId, PublishedImage, SequenceId};

    #[test]
    fn rows_come_back_however_they_were_put_in() {
        let pieces: [(Range<u32>, bool); 7] = [
            (0..100, true),
            (500..530, true),
            (530..531, true),
            (300..420, false),
            (600..900, true),
            (7..9, false),
            (9..80, true),
        ];
        let (mut order, mut expected) = (WorkingOrder::default(), Vec::new());
        for (rows, is_range) in pieces {
            expected.extend(rows.clone());
            if is_range { order.extend_by_range(rows) } else { rows.for_each(|row| order.push(row)) }
        }
        for row in [5, 3, 1, 2, 4] {
            expected.push(row);
            order.push(row);
        }
        assert_eq!(order.len(), expected.len());
        assert_eq!((0..order.len()).map(|at| order.row(at)).collect::<Vec<_>>(), expected);
        assert!(order.listed.len() < expected.len() / 2);
        for start in 0..expected.len() {
            for end in [start + 1, start + 2, start + 63, start + 64, start + 65, start + 200] {
                let Some(rows) = expected.get(start..end) else { continue };
                let follows = rows.windows(2).all(|two| two[0] + 1 == two[1]);
                let told = order.rows(start..end);
                assert_eq!(told, follows.then(|| rows[0] as usize..rows[0] as usize + rows.len()), "{start}..{end}");
            }
        }
    }

    #[test]
    fn rows_go_by_time_and_then_id_whether_seconds_were_cut_or_not() {
        let ids = || (0..60_u64).map(|k| (k * 37 + 11) % 101);
        let in_order = (0..60_i64).map(|k| (k + 2) / 3 * 1_000).collect::<Vec<_>>();
        let mixed = (0..60_i64).map(|k| (k * 7 % 60 + 1) / 2).collect::<Vec<_>>();
        for time_ms in [in_order, mixed] {
            let mut images = PublishedImages::default();
            for (id, &ms) in ids().zip(&time_ms) {
                images.push(&PublishedImage {
                    sequence: Some(SequenceId::new("s")),
                    captured_at: Some(CapturedAt::from_epoch_ms(ms)),
                    ..PublishedImage::bare(ImageId(id), Evidence::Entity)
                });
            }
            let (order, starts) = WorkingOrder::of(&images);
            let mut expected: Vec<u32> = (0..60).collect();
            expected.sort_by_key(|&row| (time_ms[row as usize], images.id[row as usize]));
            assert_eq!((0..60).map(|at| order.row(at)).collect::<Vec<_>>(), expected);
            assert_eq!(starts, [0, 60]);
        }
    }

    #[test]
    fn equal_values_and_least_ids_are_found_at_any_length() {
        for n in 1..70 {
            let mut values = vec![3; n];
            values.push(4);
            assert_eq!(n_equal(&values), n);
            let ids: Vec<u64> = (0..n as u64).map(|k| (k * 37 + 11) % 101).collect();
            assert_eq!(least(&ids), ids.iter().copied().min().unwrap());
        }
    }
}
