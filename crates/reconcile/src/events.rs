//! What a run tells its watcher while it works.

/// A step of the run; counts are totals so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// Files are found and read.
    Scanning {
        /// Files found so far.
        found: u64,
        /// Files read so far.
        read: u64,
    },
    /// The local side is known.
    Scanned {
        /// Local files.
        files: usize,
        /// Photos that can take part.
        usable: usize,
        /// Local sequences.
        tracks: usize,
    },
    /// Coverage tiles arrive.
    Tiles {
        /// Answered, of `total`.
        done: usize,
        /// Tiles to read.
        total: usize,
    },
    /// The tiles are read and sequences are ruled out.
    Shortlisted {
        /// Sequences in question.
        in_question: usize,
        /// Sequences seen in the tiles.
        seen: usize,
    },
    /// Images of sequences arrive.
    Entities {
        /// Batches answered, of `total`.
        done: usize,
        /// Batches to ask for.
        total: usize,
    },
    /// Images of a user arrive.
    UserImages {
        /// Images so far.
        images: usize,
    },
    /// The matcher works.
    Matching {
        /// Photos.
        photos: usize,
        /// Published images.
        images: usize,
    },
    /// A watch waits for its next round.
    Waiting {
        /// Sequences or uploads that are not where they should be.
        open: usize,
        /// Of so many.
        followed: usize,
        /// Until the next round.
        seconds: u64,
    },
    /// Something went wrong that does not end the run.
    Problem(&'a str),
    /// Reports are written.
    Writing,
}

/// Where events go.
pub type Watcher<'a> = &'a (dyn Fn(Event<'_>) + Sync);
