//! Where one sequence ends and the next begins.

use crate::chord::chord_m;
use crate::{Photo, Photos, Rules};

/// Cuts a list into pieces: `cut` sees each element with the one before it and says whether a piece begins.
pub(crate) fn pieces(members: &[u32], mut cut: impl FnMut(u32, u32) -> bool) -> Vec<Vec<u32>> {
    let mut pieces: Vec<Vec<u32>> = Vec::new();
    for (at, &member) in members.iter().enumerate() {
        match pieces.last_mut() {
            Some(piece) if !cut(members[at - 1], member) => piece.push(member),
            _ => pieces.push(vec![member]),
        }
    }
    pieces
}

/// Sums of the piece that is being filled.
#[derive(Debug, Default)]
pub(crate) struct Filled {
    images: usize,
    bytes: u64,
    pixels: u64,
}

impl Filled {
    /// Adds a photo; true when it is too much for the piece and begins the next.
    pub(crate) fn overflows(&mut self, photo: &Photo, rules: &Rules) -> bool {
        self.images += 1;
        self.bytes = self.bytes.saturating_add(photo.bytes);
        self.pixels = self.pixels.saturating_add(photo.pixels);
        let is_full = self.images > rules.max_images || self.bytes > rules.max_bytes || self.pixels > rules.max_pixels;
        if is_full {
            self.restart(photo);
        }
        is_full
    }

    /// Begins a piece with this photo.
    pub(crate) fn restart(&mut self, photo: &Photo) {
        *self = Self { images: 1, bytes: photo.bytes, pixels: photo.pixels };
    }
}

/// Cuts by count, bytes and pixels, and at gaps longer than `max_gap_ms` where times are given.
pub(crate) fn by_size_and_gap<P: Photos + ?Sized>(
    members: &[u32],
    photos: &P,
    rules: &Rules,
    gap_ms: impl Fn(u32, u32) -> i64,
) -> Vec<Vec<u32>> {
    if rules.cuts_nothing() {
        return whole(members);
    }
    let mut filled = Filled::default();
    if let Some(&first) = members.first() {
        filled.restart(&photos.photo(first));
    }
    pieces(members, |before, member| {
        let photo = &photos.photo(member);
        if gap_ms(before, member) > rules.max_gap_ms {
            filled.restart(photo);
            return true;
        }
        filled.overflows(photo, rules)
    })
}

/// Cuts where neighbours are further apart than `max_distance_m`.
pub(crate) fn by_distance<P: Photos + ?Sized>(members: &[u32], photos: &P, rules: &Rules) -> Vec<Vec<u32>> {
    if rules.max_distance_m.is_infinite() {
        return whole(members);
    }
    pieces(members, |before, member| is_far(photos, rules, before, member))
}

/// All in one piece.
fn whole(members: &[u32]) -> Vec<Vec<u32>> {
    if members.is_empty() { Vec::new() } else { vec![members.to_vec()] }
}

/// Whether two photos, both with a place, are too far apart for one sequence.
pub(crate) fn is_far<P: Photos + ?Sized>(photos: &P, rules: &Rules, a: u32, b: u32) -> bool {
    match (photos.position(a), photos.position(b)) {
        (Some(a), Some(b)) => rules.max_distance_m.is_finite() && chord_m(a, b) > rules.max_distance_m,
        _ => false,
    }
}
