//! A file seen through a window: only what is asked for is read, and never more than a budget.
//!
//! The metadata of a photo lies in its first kilobytes, or is pointed to from there. The first read takes 8 KiB, in which
//! 51 of 54 recorded JPEG photos with EXIF have all that is wanted (49 in 4 KiB, 52 in 16 KiB); later reads take what is
//! asked for. A hostile or odd file that sends its reader to and fro ends
//! at the budget, not at the end of the disk.

use std::io::{self, Read, Seek, SeekFrom};

/// What the first read takes.
const FIRST_READ: usize = 8 * 1024;
/// What a later read takes at least.
const LATER_READ: usize = 256;
/// What one file may cost in bytes read.
pub(crate) const BUDGET: u64 = 1 << 20;

/// Why bytes are not there.
#[derive(Debug)]
pub(crate) enum Unread {
    /// The file ends before them.
    Truncated,
    /// The budget is spent.
    TooMuch,
    /// The system says no.
    Io(io::Error),
}

/// The window over a file of known length.
#[derive(Debug)]
pub(crate) struct Window<R> {
    source: R,
    length: u64,
    start: u64,
    /// Memory for what is loaded, of which the first `n_loaded` bytes are.
    memory: Vec<u8>,
    n_loaded: usize,
    left: u64,
    /// Where the source stands; a seek to there is spared.
    at: u64,
    n_loads: u32,
}

impl<R: Read + Seek> Window<R> {
    /// A window over `length` bytes; the source stands at its beginning.
    #[cfg(test)]
    pub(crate) fn new(source: R, length: u64) -> Self {
        Self { source, length, start: 0, memory: Vec::new(), n_loaded: 0, left: BUDGET, at: 0, n_loads: 0 }
    }

    /// A window over a file whose head is read at once, by one call of the system, into memory that was used before; how
    /// long the file is, is asked afterwards. The source stands at its beginning.
    pub(crate) fn open(
        mut source: R,
        mut memory: Vec<u8>,
        length: impl FnOnce(&R) -> io::Result<u64>,
    ) -> io::Result<Self> {
        if memory.len() < FIRST_READ {
            memory.resize(FIRST_READ, 0);
        }
        let mut n_loaded = fill(&mut source, &mut memory[..FIRST_READ], 1)?;
        let length = length(&source)?;
        let expected = length.min(FIRST_READ as u64) as usize;
        if n_loaded < expected {
            n_loaded += fill(&mut source, &mut memory[n_loaded..expected], usize::MAX)?;
        }
        let (left, at) = (BUDGET - n_loaded as u64, n_loaded as u64);
        Ok(Self { source, length, start: 0, memory, n_loaded: n_loaded.min(expected), left, at, n_loads: 1 })
    }

    /// Bytes of the file.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// How often the source was read.
    pub(crate) fn n_loads(&self) -> u32 {
        self.n_loads
    }

    /// The memory, for the next window.
    pub(crate) fn into_memory(self) -> Vec<u8> {
        self.memory
    }

    /// The source, for a reader that seeks by itself; it is still to be kept within [`BUDGET`].
    pub(crate) fn source(&mut self) -> &mut R {
        self.at = u64::MAX; // it will have moved
        self.n_loads += 1;
        &mut self.source
    }

    /// `length` bytes from `offset`; all of them or an error.
    pub(crate) fn bytes(&mut self, offset: u64, length: usize) -> Result<&[u8], Unread> {
        let available = self.available(offset, length)?;
        if available.len() < length { Err(Unread::Truncated) } else { Ok(&available[..length]) }
    }

    /// What is in memory of `length` bytes from `offset`; nothing is read.
    pub(crate) fn loaded(&self, offset: u64, length: usize) -> &[u8] {
        let Some(from) = offset.checked_sub(self.start) else { return &[] };
        let from = usize::try_from(from).unwrap_or(usize::MAX).min(self.n_loaded);
        &self.memory[from..self.n_loaded.min(from.saturating_add(length))]
    }

    /// As many of `length` bytes from `offset` as the file has.
    pub(crate) fn available(&mut self, offset: u64, length: usize) -> Result<&[u8], Unread> {
        if offset >= self.length {
            return Ok(&[]);
        }
        let length = length.min(usize::try_from(self.length - offset).unwrap_or(usize::MAX));
        let is_inside = offset >= self.start && offset + length as u64 <= self.start + self.n_loaded as u64;
        if !is_inside {
            self.load(offset, length)?;
        }
        Ok(self.loaded(offset, length)) // the file may be shorter than it said
    }

    fn load(&mut self, offset: u64, length: usize) -> Result<(), Unread> {
        let least = if self.n_loads == 0 { FIRST_READ } else { LATER_READ };
        let wanted = (length.max(least) as u64).min(self.length - offset);
        if wanted > self.left {
            return Err(Unread::TooMuch);
        }
        self.left -= wanted;
        if self.at != offset {
            self.source.seek(SeekFrom::Start(offset)).map_err(Unread::Io)?;
        }
        let wanted = wanted as usize; // at most the budget
        if self.memory.len() < wanted {
            self.memory.resize(wanted, 0);
        }
        (self.start, self.n_loaded, self.n_loads) = (offset, 0, self.n_loads + 1);
        self.n_loaded = fill(&mut self.source, &mut self.memory[..wanted], usize::MAX).map_err(Unread::Io)?;
        self.at = offset + self.n_loaded as u64;
        Ok(())
    }
}

/// Reads until the buffer is full, the source ends, or it was read so often; how many bytes there are.
fn fill(source: &mut impl Read, buffer: &mut [u8], mut most_reads: usize) -> io::Result<usize> {
    let mut n = 0;
    while n < buffer.len() && most_reads > 0 {
        match source.read(&mut buffer[n..]) {
            Ok(0) => break,
            Ok(read) => (n, most_reads) = (n + read, most_reads - 1),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(n)
}

/// A reader that ends after a number of bytes, wherever it seeks; for parsers that read by themselves.
#[derive(Debug)]
pub(crate) struct Rationed<R> {
    source: R,
    left: u64,
}

impl<R> Rationed<R> {
    /// At most [`BUDGET`] bytes.
    pub(crate) fn new(source: R) -> Self {
        Self { source, left: BUDGET }
    }
}

impl<R: Read> Read for Rationed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.source.read(&mut buffer[..most])?;
        self.left -= read as u64;
        Ok(read)
    }
}

impl<R: Seek> Seek for Rationed<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.source.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn a_window_gives_what_the_file_has_and_stops_at_the_budget() {
        let file: Vec<u8> = (0..2_000_000_u32).map(|n| n as u8).collect();
        let mut window = Window::new(Cursor::new(&file), file.len() as u64);
        assert_eq!(window.bytes(300, 3).unwrap(), [44, 45, 46]);
        assert_eq!(window.bytes(100_000, 2).unwrap(), &file[100_000..100_002]);
        assert!(matches!(window.bytes(1_999_999, 2), Err(Unread::Truncated)));
        assert_eq!(window.available(1_999_999, 2).unwrap().len(), 1);
        assert!(matches!(window.bytes(u64::MAX - 1, 1), Err(Unread::Truncated)));
        assert!(matches!(window.bytes(0, 1_100_000), Err(Unread::TooMuch)));
        let jumps = (0..10_000).find(|k| window.bytes((k % 2) * 1_000_000 + k, 1).is_err());
        assert!(
            jumps.is_some_and(|k| k > 1_000),
            "many small reads fit into the budget, endless ones do not: {jumps:?}"
        );
    }

    #[test]
    fn an_empty_file_has_nothing() {
        let mut window = Window::new(Cursor::new(Vec::new()), 0);
        assert!(window.available(0, 12).unwrap().is_empty());
        assert!(matches!(window.bytes(0, 1), Err(Unread::Truncated)));
    }
}
