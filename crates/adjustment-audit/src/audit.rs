//! Rows in any order become sequences in capture order, and each sequence is audited by itself.

use crate::moves::{Place, add_residuals, add_track_parts, headings_of, places_of, shift_of};
use crate::oddities::{flag_bad_stretches, flag_frozen, flag_sides, flag_swaps};
use crate::sequence::sum_up;
use crate::{ImageShift, SequenceShift, Spread};
use capture_model::{Device, PublishedImages};
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

/// The moves of the images that one make and model took.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceShift {
    /// Make and model; without a size, because an upright and a lying photo are of one camera.
    pub device: Device,
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
    by_sequence(published, rows, |rows, places, shifts| {
        shifts.extend(rows.iter().map(|&row| shift_of(published, row)));
        let headings = headings_of(places);
        add_residuals(places, shifts);
        add_track_parts(&headings, shifts);
        flag_bad_stretches(shifts);
        flag_frozen(published, places, shifts);
        flag_swaps(places, shifts);
        flag_sides(places, &headings, shifts);
    })
}

/// Fills in the moves of each sequence, then sums it up.
fn by_sequence(
    published: &PublishedImages,
    rows: &[u32],
    moves: impl Fn(&[u32], &[Option<Place>], &mut Vec<ImageShift>),
) -> Audit {
    let order = in_order(published, rows);
    let mut audit = Audit { images: Vec::with_capacity(order.len()), sequences: Vec::new() };
    let mut shifts = Vec::new();
    for rows in order.chunk_by(|&a, &b| are_together(published, a as usize, b as usize)) {
        let places = places_of(published, rows);
        shifts.clear();
        moves(rows, &places, &mut shifts);
        audit.sequences.push(sum_up(published, &places, &shifts, audit.images.len()));
        audit.images.extend_from_slice(&shifts);
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
    /// Moves that an earlier audit found, at most one for each row: they stay as they are, and only their sequences are
    /// summed up. So a report that is read back says again what it said, though its places are rounded.
    pub fn of_moves(published: &PublishedImages, moves: &[ImageShift]) -> Self {
        let mut move_of_row: Vec<Option<ImageShift>> = vec![None; published.len()];
        moves.iter().for_each(|shift| move_of_row[shift.row as usize] = Some(*shift));
        let rows: Vec<u32> = moves.iter().map(|shift| shift.row).collect();
        by_sequence(published, &rows, |rows, _, shifts| {
            shifts.extend(rows.iter().filter_map(|&row| move_of_row[row as usize]));
        })
    }

    /// How much of any figure may be rounding: 0 m for places of entities, up to 0.84 m for those of tiles.
    pub fn rounding_m(&self) -> f64 {
        self.images.iter().filter(|shift| shift.shift_m.is_some()).map(|shift| shift.rounding_m).fold(0.0, f64::max)
    }

    /// The lengths of all moves; `None` without any.
    pub fn spread(&self) -> Option<Spread> {
        let mut lengths: Vec<f64> = self.images.iter().filter_map(|shift| shift.shift_m).collect();
        Spread::of(&mut lengths)
    }

    /// The lengths of the moves by make and model, in their order.
    pub fn by_device(&self, published: &PublishedImages) -> Vec<DeviceShift> {
        let mut lengths: BTreeMap<Device, Vec<f64>> = BTreeMap::new();
        let devices: Vec<Device> = published.devices.values().iter().map(without_size).collect();
        for (row, shift_m) in self.images.iter().filter_map(|shift| Some((shift.row, shift.shift_m?))) {
            let device = &devices[published.device[row as usize] as usize];
            match lengths.get_mut(device) {
                Some(lengths) => lengths.push(shift_m),
                None => drop(lengths.insert(device.clone(), vec![shift_m])),
            }
        }
        let spread_of =
            |(device, mut lengths): (Device, Vec<f64>)| Some(DeviceShift { device, spread: Spread::of(&mut lengths)? });
        lengths.into_iter().filter_map(spread_of).collect()
    }
}

fn without_size(device: &Device) -> Device {
    Device { width: None, height: None, ..device.clone() }
}

#[cfg(test)]
mod tests;
