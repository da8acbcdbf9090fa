//! The paths of many files in one text: an allocation for each would take more memory than most paths do.

use crate::RowOrder;

/// Bits of a place that hold the length of a path.
const LENGTH_BITS: u32 = 24;
/// The length that says that a path is kept apart.
const IS_LONG: u64 = (1 << LENGTH_BITS) - 1;

/// Paths by row.
#[derive(Debug, Clone, Default)]
pub struct Paths {
    text: String,
    /// Where each begins in the text, above its length; of a path that is kept apart, its number.
    places: Vec<u64>,
    /// What is as long as no path of a file system.
    long: Vec<Box<str>>,
}

impl Paths {
    /// How many.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The path of a row.
    ///
    /// # Panics
    /// When there is no such row.
    #[inline]
    pub fn get(&self, row: usize) -> &str {
        let place = self.places[row];
        let (begin, length) = ((place >> LENGTH_BITS) as usize, place & IS_LONG);
        if length == IS_LONG { &self.long[begin] } else { &self.text[begin..begin + length as usize] }
    }

    /// The eight bytes of a path from `from` on, which it has, as a number, and zeros behind its end: they order paths that
    /// differ in them, and never the wrong way.
    #[inline]
    pub(crate) fn head(&self, row: usize, from: usize) -> u64 {
        let place = self.places[row];
        let (begin, length) = ((place >> LENGTH_BITS) as usize, place & IS_LONG);
        let n_bytes = (length as usize).saturating_sub(from); // of one that is kept apart, the length is not known here
        match self.text.as_bytes().get(begin + from..).and_then(<[u8]>::first_chunk) {
            Some(&bytes) if length != IS_LONG && n_bytes > 0 => {
                let n_others = 8_usize.saturating_sub(n_bytes) as u32;
                u64::from_be_bytes(bytes) >> (8 * n_others) << (8 * n_others)
            }
            _ => {
                let mut bytes = [0; 8];
                let path = &self.get(row).as_bytes()[from..];
                bytes.iter_mut().zip(path).for_each(|(byte, &own)| *byte = own);
                u64::from_be_bytes(bytes)
            }
        }
    }

    /// Adds one.
    #[inline]
    pub fn push(&mut self, path: &str) {
        let place = self.place(path);
        self.places.push(place);
    }

    /// Puts another path into a row.
    pub fn set(&mut self, row: usize, path: &str) {
        if self.get(row) != path {
            self.places[row] = self.place(path);
        }
    }

    /// Keeps a text.
    #[inline]
    fn place(&mut self, path: &str) -> u64 {
        let length = path.len() as u64;
        let place = self.text.len() as u64;
        if length >= IS_LONG {
            self.long.push(path.into());
            return ((self.long.len() - 1) as u64) << LENGTH_BITS | IS_LONG;
        }
        self.text.push_str(path);
        place << LENGTH_BITS | length
    }

    /// Adds all of another list, which is empty then.
    pub fn append(&mut self, other: &mut Self) {
        let (text, long) = ((self.text.len() as u64) << LENGTH_BITS, (self.long.len() as u64) << LENGTH_BITS);
        let moved = |place: u64| place + if place & IS_LONG == IS_LONG { long } else { text };
        self.places.extend(other.places.drain(..).map(moved));
        self.text.push_str(&other.text);
        other.text.clear();
        self.long.append(&mut other.long);
    }

    /// Makes room for so many more, as long as those so far, if there is any.
    pub fn expect(&mut self, n_rows: usize) {
        let n_bytes = self.text.len() as u128 * n_rows as u128 / self.len().max(1) as u128;
        let _ = self.places.try_reserve(n_rows); // without it the list grows as it must
        let _ = self.text.try_reserve(usize::try_from(n_bytes).unwrap_or(0));
    }

    /// Brings them into another order.
    pub fn permute(&mut self, order: &RowOrder<'_>) {
        order.apply(&mut self.places);
    }

    /// Takes back the rows behind so many, where nothing but pushes came after the first of them.
    pub fn truncate(&mut self, n_rows: usize) {
        for place in self.places.drain(n_rows.min(self.places.len())..).rev() {
            if place & IS_LONG == IS_LONG {
                self.long.pop();
            } else {
                self.text.truncate((place >> LENGTH_BITS) as usize);
            }
        }
    }

    /// Leaves out the rows for which it is said.
    pub fn leave_out(&mut self, is_out: &[bool]) {
        crate::column::leave_out(&mut self.places, is_out);
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|row| self.get(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_what_they_are() {
        let long = "x".repeat(IS_LONG as usize + 1);
        let (mut paths, mut more) = (Paths::default(), Paths::default());
        ["a/b.jpg", "", &long].into_iter().for_each(|path| paths.push(path));
        [&long[1..], "ü/é"].into_iter().for_each(|path| more.push(path));
        paths.append(&mut more);
        more.push("later");
        paths.append(&mut more);
        let expected = ["a/b.jpg", "", &long, &long[1..], "ü/é", "later"];
        assert!(paths.iter().eq(expected));
        paths.permute(&RowOrder::new(&[4, 1, 2, 0, 5, 3], 6));
        paths.set(1, "other");
        paths.leave_out(&[false, false, true, false, false, true]);
        assert_eq!(paths.iter().collect::<Vec<_>>(), ["ü/é", "other", "a/b.jpg", "later"]);
        assert_eq!(paths.head(1, 2), u64::from_be_bytes(*b"her\0\0\0\0\0"));
        let before = format!("{paths:?}");
        ["", "some", &long, "more"].into_iter().for_each(|path| paths.push(path));
        paths.truncate(4);
        paths.truncate(5);
        assert_eq!(format!("{paths:?}"), before, "no text is left of what is taken back");
    }
}
