//! Large files that go to the disk while they are written.
//!
//! # Method
//! An output is flushed to the disk before it gets its name. Left to itself, a large one waits in the page cache until then:
//! as much memory as it is long is touched first (in a virtual machine such a page can cost more than the text in it), and
//! the flush waits for all of it at once. From the first megabytes on, the kernel is asked to begin at once and not to keep
//! what is on the disk (`RWF_DONTCACHE`, pwritev2(2); Linux 6.14). Where it cannot, the file is written as any other.

use std::io::{Result, Write};
use tempfile::NamedTempFile;

/// So much of a file stays in the page cache: whoever opens a small output next finds it there, bytes.
const KEPT: u64 = 16 << 20;

/// A file of which only the first bytes are kept in memory.
#[derive(Debug)]
pub(crate) struct WriteBehind {
    file: NamedTempFile,
    n_written: u64,
    /// Whether the system has not refused yet.
    can_ask: bool,
}

impl WriteBehind {
    pub(crate) fn new(file: NamedTempFile) -> Self {
        Self { file, n_written: 0, can_ask: true }
    }

    /// The file itself.
    pub(crate) fn into_inner(self) -> NamedTempFile {
        self.file
    }

    /// Writes what shall not be kept; `None` where the system cannot be asked for that.
    #[cfg(target_os = "linux")]
    fn write_through(&self, bytes: &[u8]) -> Option<Result<usize>> {
        use rustix::io::{Errno, ReadWriteFlags, pwritev2};
        const DONTCACHE: ReadWriteFlags = ReadWriteFlags::from_bits_retain(0x80); // linux/fs.h
        const WHERE_THE_FILE_STANDS: u64 = u64::MAX;
        let bytes = [std::io::IoSlice::new(bytes)];
        match pwritev2(self.file.as_file(), &bytes, WHERE_THE_FILE_STANDS, DONTCACHE) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL | Errno::PERM) => None,
            written => Some(written.map_err(Into::into)),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn write_through(&self, _: &[u8]) -> Option<Result<usize>> {
        None
    }
}

impl Write for WriteBehind {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let mut written = None;
        if self.n_written >= KEPT && self.can_ask {
            written = self.write_through(bytes);
            self.can_ask = written.is_some();
        }
        let n_bytes = written.unwrap_or_else(|| self.file.write(bytes))?;
        self.n_written += n_bytes as u64;
        Ok(n_bytes)
    }

    fn flush(&mut self) -> Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_file_holds_what_was_written() {
        let file = WriteBehind::new(NamedTempFile::new().unwrap());
        let mut out = std::io::BufWriter::with_capacity(1 << 16, file);
        let line = |n: u64| format!("{n:>1000}\n");
        for n in 0..KEPT / 500 {
            out.write_all(line(n).as_bytes()).unwrap();
        }
        let file = out.into_inner().unwrap();
        assert_eq!(file.n_written, KEPT / 500 * 1001);
        let text = std::fs::read_to_string(file.into_inner().path()).unwrap();
        assert!(text.lines().map(|line| line.trim().parse::<u64>().unwrap()).eq(0..KEPT / 500));
    }
}
