//! The published side: images as the service shows them, one at a time and as columns.

use crate::column::leave_out;
use crate::{CapturedAt, Column, Device, DeviceIndex, ImageId, Names, Position, SequenceId};
use std::collections::HashSet;

/// What an image's values were read from; decides how exact its place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Evidence {
    /// A coverage tile: the place is rounded to the tile's grid (0.6 m · cos φ at zoom 14), no altitude, no device.
    Tile,
    /// An image entity of the Graph API, or a table of such: places to 7 decimals.
    Entity,
}

/// One published image. Whatever the source lacks is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishedImage {
    /// Image id.
    pub id: ImageId,
    /// False when the id came as a float above 2^53 and may be off by a few units.
    pub id_exact: bool,
    /// What the values were read from.
    pub evidence: Evidence,
    /// Sequence key.
    pub sequence: Option<SequenceId>,
    /// Capture time as published.
    pub captured_at: Option<CapturedAt>,
    /// `geometry`: the place as uploaded.
    pub original: Option<Position>,
    /// `computed_geometry`: the place after structure from motion.
    pub computed: Option<Position>,
    /// Uploaded altitude in metres, the 32-bit wrap undone.
    pub altitude_m: Option<f64>,
    /// Computed altitude in metres: another quantity, shown and never scored.
    pub computed_altitude_m: Option<f64>,
    /// Uploaded heading in degrees.
    pub compass_deg: Option<f64>,
    /// Computed heading in degrees.
    pub computed_compass_deg: Option<f64>,
    /// Make, model and size.
    pub device: Device,
    /// Whether it is a panorama.
    pub is_pano: Option<bool>,
    /// The contributor's id.
    pub creator_id: Option<u64>,
}

impl PublishedImage {
    /// An image of which only the id is known.
    pub fn bare(id: ImageId, evidence: Evidence) -> Self {
        Self {
            id,
            id_exact: true,
            evidence,
            sequence: None,
            captured_at: None,
            original: None,
            computed: None,
            altitude_m: None,
            computed_altitude_m: None,
            compass_deg: None,
            computed_compass_deg: None,
            device: Device::default(),
            is_pano: None,
            creator_id: None,
        }
    }
}

/// Published images as columns (struct of arrays); those that tables often lack take no memory then. Missing floats are NaN,
/// missing times [`Self::NO_TIME`], a missing sequence [`Self::NO_SEQUENCE`], a missing creator 0; [`Self::image`] gives the
/// honest `Option`s back.
#[derive(Debug, Clone, Default)]
pub struct PublishedImages {
    /// Image ids.
    pub id: Vec<u64>,
    /// False where the id may be off (float above 2^53).
    pub id_exact: Column<bool>,
    /// Source of the values.
    pub evidence: Column<Evidence>,
    /// Number of the sequence in [`Self::sequences`].
    pub sequence: Vec<u32>,
    /// Milliseconds since the epoch.
    pub captured_at_ms: Vec<i64>,
    /// Uploaded longitude, degrees.
    pub longitude: Vec<f64>,
    /// Uploaded latitude, degrees.
    pub latitude: Vec<f64>,
    /// Computed longitude, degrees.
    pub computed_longitude: Vec<f64>,
    /// Computed latitude, degrees.
    pub computed_latitude: Vec<f64>,
    /// Uploaded altitude, metres.
    pub altitude_m: Vec<f32>,
    /// Computed altitude, metres.
    pub computed_altitude_m: Column<f32>,
    /// Uploaded heading, degrees.
    pub compass_deg: Column<f32>,
    /// Computed heading, degrees.
    pub computed_compass_deg: Column<f32>,
    /// Number of the device in [`Self::devices`]; device 0 of a pushed unknown device is an ordinary entry.
    pub device: Column<DeviceIndex>,
    /// Whether it is a panorama.
    pub is_pano: Column<Option<bool>>,
    /// The contributor's id.
    pub creator_id: Column<u64>,
    /// Sequence keys by number.
    pub sequences: Names<SequenceId>,
    /// Devices by number.
    pub devices: Names<Device>,
}

impl PublishedImages {
    /// Stands for a missing capture time.
    pub const NO_TIME: i64 = i64::MIN;
    /// Stands for a missing sequence.
    pub const NO_SEQUENCE: u32 = u32::MAX;

    /// How many images.
    pub fn len(&self) -> usize {
        self.id.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.id.is_empty()
    }

    /// The memory of what its columns hold, bytes.
    pub fn n_bytes(&self) -> usize {
        size_of_val(&*self.id)
            + self.id_exact.n_bytes()
            + self.evidence.n_bytes()
            + size_of_val(&*self.sequence)
            + size_of_val(&*self.captured_at_ms)
            + size_of_val(&*self.longitude)
            + size_of_val(&*self.latitude)
            + size_of_val(&*self.computed_longitude)
            + size_of_val(&*self.computed_latitude)
            + size_of_val(&*self.altitude_m)
            + self.computed_altitude_m.n_bytes()
            + self.compass_deg.n_bytes()
            + self.computed_compass_deg.n_bytes()
            + self.device.n_bytes()
            + self.is_pano.n_bytes()
            + self.creator_id.n_bytes()
    }

    /// Adds one image as the last row.
    pub fn push(&mut self, image: &PublishedImage) {
        let sequence = image.sequence.as_ref().map_or(Self::NO_SEQUENCE, |key| self.sequences.number_of(key));
        let device = self.devices.number_of(&image.device);
        self.push_numbered(image, sequence, device);
    }

    /// Adds one image whose sequence and device have numbers here already; the image's own are not looked at.
    pub fn push_numbered(&mut self, image: &PublishedImage, sequence: u32, device: DeviceIndex) {
        let small = |value: Option<f64>| value.map_or(f32::NAN, |v| v as f32);
        self.id.push(image.id.0);
        self.id_exact.push(image.id_exact);
        self.evidence.push(image.evidence);
        self.sequence.push(sequence);
        self.captured_at_ms.push(image.captured_at.map_or(Self::NO_TIME, CapturedAt::epoch_ms));
        self.longitude.push(image.original.map_or(f64::NAN, Position::lon));
        self.latitude.push(image.original.map_or(f64::NAN, Position::lat));
        self.computed_longitude.push(image.computed.map_or(f64::NAN, Position::lon));
        self.computed_latitude.push(image.computed.map_or(f64::NAN, Position::lat));
        self.altitude_m.push(small(image.altitude_m));
        self.computed_altitude_m.push(small(image.computed_altitude_m));
        self.compass_deg.push(small(image.compass_deg));
        self.computed_compass_deg.push(small(image.computed_compass_deg));
        self.device.push(device);
        self.is_pano.push(image.is_pano);
        self.creator_id.push(image.creator_id.unwrap_or(0));
    }

    /// Adds all rows of another collection behind the own ones; the other is empty then, and its memory can be used again.
    pub fn append(&mut self, other: &mut Self) {
        let sequences: Vec<u32> = other.sequences.values().iter().map(|key| self.sequences.number_of(key)).collect();
        let devices: Vec<u32> = other.devices.values().iter().map(|device| self.devices.number_of(device)).collect();
        let number = |own: u32| sequences.get(own as usize).copied().unwrap_or(Self::NO_SEQUENCE);
        self.sequence.extend(other.sequence.drain(..).map(number));
        self.device.each().extend(other.device.each().drain(..).map(|own| devices[own as usize]));
        self.id.append(&mut other.id);
        self.id_exact.append(&mut other.id_exact);
        self.evidence.append(&mut other.evidence);
        self.captured_at_ms.append(&mut other.captured_at_ms);
        self.longitude.append(&mut other.longitude);
        self.latitude.append(&mut other.latitude);
        self.computed_longitude.append(&mut other.computed_longitude);
        self.computed_latitude.append(&mut other.computed_latitude);
        self.altitude_m.append(&mut other.altitude_m);
        self.computed_altitude_m.append(&mut other.computed_altitude_m);
        self.compass_deg.append(&mut other.compass_deg);
        self.computed_compass_deg.append(&mut other.computed_compass_deg);
        self.is_pano.append(&mut other.is_pano);
        self.creator_id.append(&mut other.creator_id);
        other.sequences.clear();
        other.devices.clear();
    }

    /// Cuts all columns to so many rows, of which some may have more than others.
    pub fn truncate(&mut self, n_rows: usize) {
        self.id.truncate(n_rows);
        self.id_exact.truncate(n_rows);
        self.evidence.truncate(n_rows);
        self.sequence.truncate(n_rows);
        self.captured_at_ms.truncate(n_rows);
        self.longitude.truncate(n_rows);
        self.latitude.truncate(n_rows);
        self.computed_longitude.truncate(n_rows);
        self.computed_latitude.truncate(n_rows);
        self.altitude_m.truncate(n_rows);
        self.computed_altitude_m.truncate(n_rows);
        self.compass_deg.truncate(n_rows);
        self.computed_compass_deg.truncate(n_rows);
        self.device.truncate(n_rows);
        self.is_pano.truncate(n_rows);
        self.creator_id.truncate(n_rows);
    }

    /// Leaves out rows whose id an earlier row has.
    pub fn keep_first_of_each(&mut self) {
        let Some(repeated) = repeated(&self.id) else { return };
        leave_out(&mut self.id, &repeated);
        self.id_exact.leave_out(&repeated);
        self.evidence.leave_out(&repeated);
        leave_out(&mut self.sequence, &repeated);
        leave_out(&mut self.captured_at_ms, &repeated);
        leave_out(&mut self.longitude, &repeated);
        leave_out(&mut self.latitude, &repeated);
        leave_out(&mut self.computed_longitude, &repeated);
        leave_out(&mut self.computed_latitude, &repeated);
        leave_out(&mut self.altitude_m, &repeated);
        self.computed_altitude_m.leave_out(&repeated);
        self.compass_deg.leave_out(&repeated);
        self.computed_compass_deg.leave_out(&repeated);
        self.device.leave_out(&repeated);
        self.is_pano.leave_out(&repeated);
        self.creator_id.leave_out(&repeated);
    }

    /// One row with honest `Option`s.
    pub fn image(&self, row: usize) -> PublishedImage {
        let large = |value: f32| (!value.is_nan()).then_some(f64::from(value));
        PublishedImage {
            id: ImageId(self.id[row]),
            id_exact: self.id_exact[row],
            evidence: self.evidence[row],
            sequence: self.sequence_id(row).cloned(),
            captured_at: self.captured_at(row),
            original: self.original(row),
            computed: self.computed(row),
            altitude_m: large(self.altitude_m[row]),
            computed_altitude_m: large(self.computed_altitude_m[row]),
            compass_deg: large(self.compass_deg[row]),
            computed_compass_deg: large(self.computed_compass_deg[row]),
            device: self.devices.value(self.device[row]).clone(),
            is_pano: self.is_pano[row],
            creator_id: (self.creator_id[row] != 0).then_some(self.creator_id[row]),
        }
    }

    /// Sequence key of a row.
    #[inline]
    pub fn sequence_id(&self, row: usize) -> Option<&SequenceId> {
        (self.sequence[row] != Self::NO_SEQUENCE).then(|| self.sequences.value(self.sequence[row]))
    }

    /// Capture time of a row.
    #[inline]
    pub fn captured_at(&self, row: usize) -> Option<CapturedAt> {
        (self.captured_at_ms[row] != Self::NO_TIME).then(|| CapturedAt::from_epoch_ms(self.captured_at_ms[row]))
    }

    /// Uploaded place of a row.
    #[inline]
    pub fn original(&self, row: usize) -> Option<Position> {
        Position::from_lon_lat(self.longitude[row], self.latitude[row]).ok()
    }

    /// Computed place of a row.
    #[inline]
    pub fn computed(&self, row: usize) -> Option<Position> {
        Position::from_lon_lat(self.computed_longitude[row], self.computed_latitude[row]).ok()
    }
}

/// Which ids an earlier place has already; `None` when all differ.
///
/// A set of millions of ids costs more than reading them, so a table of bits is asked first: ids that find their bit taken
/// (equal ids, and a few by chance) go into a second table, small enough to stay in the caches, and only ids that it knows
/// go into a set.
fn repeated(ids: &[u64]) -> Option<Vec<bool>> {
    let mut taken = Bits::for_ids(8 * ids.len(), 0x9e37_79b9_7f4a_7c15); // 2^64 over the golden ratio: Fibonacci hashing
    let late: Vec<u64> = ids.iter().copied().filter(|&id| taken.take(id)).collect();
    let mut known = Bits::for_ids(32 * late.len(), 0xd134_2543_de82_ef95); // (another one, of good lattices)
    for &id in &late {
        known.take(id);
    }
    let mut seen = HashSet::new();
    let mut is_repeated = Vec::new();
    for (row, &id) in ids.iter().enumerate().filter(|_| !late.is_empty()) {
        if known.has(id) && !seen.insert(id) {
            is_repeated.resize(ids.len(), false);
            is_repeated[row] = true;
        }
    }
    (!is_repeated.is_empty()).then_some(is_repeated)
}

/// A table of bits, one for each id and many.
struct Bits {
    words: Vec<u64>,
    factor: u64,
    shift: u32,
}

impl Bits {
    /// At least so many bits, none of them taken.
    fn for_ids(bits: usize, factor: u64) -> Self {
        let bits = bits.next_power_of_two().max(64);
        Self { words: vec![0; bits / 64], factor, shift: 64 - bits.trailing_zeros() }
    }

    fn place(&self, id: u64) -> (usize, u64) {
        let place = (id.wrapping_mul(self.factor) >> self.shift) as usize;
        (place / 64, 1 << (place % 64))
    }

    fn has(&self, id: u64) -> bool {
        let (word, bit) = self.place(id);
        self.words[word] & bit != 0
    }

    /// Takes the bit of an id; whether it was taken.
    fn take(&mut self, id: u64) -> bool {
        let (word, bit) = self.place(id);
        let was_taken = self.words[word] & bit != 0;
        self.words[word] |= bit;
        was_taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equal_ids_stays() {
        let images = |ids: &[u64]| {
            let mut images = PublishedImages::default();
            for &id in ids {
                let key = SequenceId::new(&format!("s{}", images.len()));
                images.push(&PublishedImage {
                    sequence: Some(key),
                    ..PublishedImage::bare(ImageId(id), Evidence::Entity)
                });
            }
            images
        };
        let mut all = images(&[7, 8, 7, 9]);
        all.append(&mut images(&[9, 10, 7]));
        assert_eq!(all.sequences.len(), 4, "equal keys of both are one");
        all.keep_first_of_each();
        assert_eq!(all.id, [7, 8, 9, 10]);
        let keys: Vec<&str> = (0..4).filter_map(|row| all.sequence_id(row)).map(SequenceId::as_str).collect();
        assert_eq!(keys, ["s0", "s1", "s3", "s1"]);
        let many: Vec<u64> = (0..10_000).map(|k| k * k % 9_973).collect();
        let mut seen = HashSet::new();
        let expected: Vec<bool> = many.iter().map(|&id| !seen.insert(id)).collect();
        assert_eq!(repeated(&many), Some(expected));
        assert_eq!(repeated(&(0..10_000).map(|k| k * 7_919).collect::<Vec<_>>()), None);
        assert_eq!(repeated(&[]), None);
    }
}
