//! Rows in any order become sequences in capture order, and each sequence is audited by itself.

use crate::moves::{add_residuals, add_track_parts, headings_of, places_of, shift_of};
use crate::oddities::{flag_bad_stretches, flag_frozen, flag_sides, flag_swaps};
use crate::sequence::sum_up;
use crate::{ImageShift, SequenceShift, Spread};
use capture_model::{DeviceIndex, PublishedImages};
use std::collections::BTreeMap;

/// Images without a sequence key belong together while their contributor is one and no gap is longer.
const LONGEST_GAP_MS: u64 = 60_000;

/// The moves of some published images.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Audit {
    /// One per image, by (sequence key, capture time, id); images without a key last.
    pub images: Vec<ImageShift>,
    /// One per sequence, in the same order.
    pub sequences: Vec<SequenceShift>,
}

/// The moves of the images that one device took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DeviceShift {
    /// Its number in the table of published devices.
    pub device: DeviceIndex,
    /// The lengths of the moves.
    pub spread: Spread,
}

/// Audits some rows of the published images. The answer does not depend on the order of the rows; a row counts once.
///
/// ```
/// use adjustment_audit::{Flag, audit};
/// use capture_model::{Evidence, ImageId, Position, PublishedImage, PublishedImages};
/// let mut images = PublishedImages::default();
/// images.push(&PublishedImage {
///     original: Position::from_lon_lat(-0.0754000, 51.5055000).ok(),
///     computed: Position::from_lon_lat(-0.0753800, 51.5055100).ok(),
///     ..PublishedImage::bare(ImageId(1), Evidence::Entity)
/// });
/// let shift = audit(&images, &[0]).images[0];
/// assert_eq!(format!("{:.2} m towards {:.0}°", shift.shift_m.unwrap(), shift.bearing_deg.unwrap()), "1.78 m towards 51°");
/// assert!(shift.flags.has(Flag::Moved));
/// ```
pub fn audit(published: &PublishedImages, rows: &[u32]) -> Audit {
    let order = in_order(published, rows);
    let mut audit = Audit { images: Vec::with_capacity(order.len()), sequences: Vec::new() };
    for rows in order.chunk_by(|&a, &b| are_together(published, a as usize, b as usize)) {
        let places = places_of(published, rows);
        let first = audit.images.len();
        audit.images.extend(rows.iter().map(|&row| shift_of(published, row)));
        let shifts = &mut audit.images[first..];
        let headings = headings_of(&places);
        add_residuals(&places, shifts);
        add_track_parts(&headings, shifts);
        flag_bad_stretches(shifts);
        flag_frozen(published, &places, shifts);
        flag_swaps(&places, shifts);
        flag_sides(&places, &headings, shifts);
        audit.sequences.push(sum_up(published, &places, shifts, first));
    }
    audit
}

fn in_order(published: &PublishedImages, rows: &[u32]) -> Vec<u32> {
    let keys = published.sequences.values();
    let mut by_key: Vec<u32> = (0..keys.len() as u32).collect();
    by_key.sort_unstable_by_key(|&number| &keys[number as usize]);
    let mut rank = vec![0_u32; keys.len()];
    for (place, &number) in by_key.iter().enumerate() {
        rank[number as usize] = place as u32;
    }
    let mut order = rows.to_vec();
    order.sort_unstable_by_key(|&row| {
        let at = row as usize;
        let rank = rank.get(published.sequence[at] as usize).copied();
        let creator = if rank.is_none() { published.creator_id[at] } else { 0 };
        (rank.unwrap_or(u32::MAX), creator, published.captured_at_ms[at], published.id[at], row)
    });
    order.dedup();
    order
}

fn are_together(published: &PublishedImages, a: usize, b: usize) -> bool {
    if published.sequence[a] != PublishedImages::NO_SEQUENCE || published.sequence[b] != PublishedImages::NO_SEQUENCE {
        return published.sequence[a] == published.sequence[b];
    }
    let (before, after) = (published.captured_at_ms[a], published.captured_at_ms[b]);
    published.creator_id[a] == published.creator_id[b]
        && before != PublishedImages::NO_TIME
        && after.abs_diff(before) <= LONGEST_GAP_MS
}

impl Audit {
    /// The lengths of all moves; `None` without any.
    pub fn spread(&self) -> Option<Spread> {
        let mut lengths: Vec<f64> = self.images.iter().filter_map(|shift| shift.shift_m).collect();
        Spread::of(&mut lengths)
    }

    /// The lengths of the moves by device, in the order of make, model and size.
    pub fn by_device(&self, published: &PublishedImages) -> Vec<DeviceShift> {
        let mut lengths: BTreeMap<DeviceIndex, Vec<f64>> = BTreeMap::new();
        for (row, shift_m) in self.images.iter().filter_map(|shift| Some((shift.row, shift.shift_m?))) {
            lengths.entry(published.device[row as usize]).or_default().push(shift_m);
        }
        let spread_of = |(device, mut lengths): (DeviceIndex, Vec<f64>)| {
            Some(DeviceShift { device, spread: Spread::of(&mut lengths)? })
        };
        let mut devices: Vec<DeviceShift> = lengths.into_iter().filter_map(spread_of).collect();
        devices.sort_by_key(|shift| published.devices.value(shift.device));
        devices
    }
}

#[cfg(test)]
mod tests;
