//! Text that is held before it goes out.

use super::digits::CellText;

/// Text in memory that is zeroed beforehand, so that a word is stored in place and only its first bytes are kept.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Of which the first `length` bytes are the text.
    memory: Vec<u8>,
    length: usize,
}

impl Held {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.memory[..self.length]
    }

    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Takes back the last bytes.
    pub(crate) fn shorten(&mut self, n: usize) {
        self.length = self.length.saturating_sub(n);
    }

    pub(crate) fn clear(&mut self) {
        self.length = 0;
    }

    /// The next `n` bytes of the memory, which grows where it is too small.
    #[inline]
    fn slot(&mut self, n: usize) -> &mut [u8] {
        let end = self.length + n;
        if end > self.memory.len() {
            self.grow(end);
        }
        &mut self.memory[self.length..end]
    }

    #[cold]
    fn grow(&mut self, least: usize) {
        self.memory.resize(least.max(2 * self.memory.len()).max(4096), 0);
    }
}

impl CellText for Held {
    #[inline]
    fn text(&mut self, text: &str) {
        let text = text.as_bytes();
        let slot = self.slot(text.len());
        // a copy of a length that is not known is a call: most texts are short, and two words that overlap hold them
        match (text.len(), text.first_chunk::<8>(), text.last_chunk::<8>()) {
            (8..=16, Some(first), Some(last)) => {
                slot[..8].copy_from_slice(first);
                slot[text.len() - 8..].copy_from_slice(last);
            }
            (4..=7, ..) => {
                slot[..4].copy_from_slice(&text[..4]);
                slot[text.len() - 4..].copy_from_slice(&text[text.len() - 4..]);
            }
            _ => slot.copy_from_slice(text),
        }
        self.length += text.len();
    }

    #[inline]
    fn ascii(&mut self, word: u64, length: usize) {
        self.slot(8).copy_from_slice(&word.to_le_bytes());
        self.length += length;
    }
}
