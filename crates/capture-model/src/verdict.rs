//! The closed list of statuses and reasons that a local file can end with.

use std::fmt;

/// How a local file ends. Every file has exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Tied to one published image, with p at or above the accept threshold.
    Matched,
    /// Candidates exist, none is sure.
    Ambiguous,
    /// No candidate above the review threshold.
    Unmatched,
    /// Cannot have been uploaded.
    Rejected,
    /// Could not be read as a photo.
    Unreadable,
}

impl Status {
    /// All statuses, in the order in which reports list them.
    pub const ALL: [Self; 5] = [Self::Matched, Self::Ambiguous, Self::Unmatched, Self::Rejected, Self::Unreadable];

    /// The word of the `status` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::Ambiguous => "ambiguous",
            Self::Unmatched => "unmatched",
            Self::Rejected => "rejected",
            Self::Unreadable => "unreadable",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $status:ident $word:literal,)*) => {
        /// Why a file has its status: the closed list of the `reason` column.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason { $($(#[$doc])* $name,)* }

        impl Reason {
            /// All reasons, grouped by status.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word of the `reason` column.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// The one status that this reason belongs to.
            pub fn status(self) -> Status {
                match self { $(Self::$name => Status::$status,)* }
            }
        }
    };
}

reasons! {
    /// Place, time (and altitude where known) agree as uploaded.
    Exact = Matched "exact",
    /// They agree once the uploader's rules (spread, rounding) are replayed.
    ExactAfterReplay = Matched "exact_after_replay",
    /// They agree within the noise of a fitted clock and place field.
    Aligned = Matched "aligned",
    /// Matched by the computed (adjusted) positions.
    Adjusted = Matched "adjusted",
    /// Only the order along the sequence decides, or the place alone where the image has no time.
    OrderOnly = Matched "order_only",
    /// Only tile evidence (quantised place, time) was at hand.
    TileOnly = Matched "tile_only",
    /// As many equal images as equal photos.
    TwinSet = Ambiguous "twin_set",
    /// The same photo was published more than once.
    Reuploaded = Ambiguous "reuploaded",
    /// Cameras of one rig that nothing tells apart.
    RigUndecidable = Ambiguous "rig_undecidable",
    /// Two clock offsets explain the track alike.
    OffsetUndecided = Ambiguous "offset_undecided",
    /// Two neighbouring images fit alike.
    BetweenNeighbours = Ambiguous "between_neighbours",
    /// A fellow traveller's images would fit alike.
    CompanionPossible = Ambiguous "companion_possible",
    /// Something fits, but too little to say so.
    WeakEvidence = Ambiguous "weak_evidence",
    /// Nothing published fits the whole folder; its tiles were read.
    NotPublishedYet = Unmatched "not_published_yet",
    /// The tiles hold no coverage.
    NoCoverage = Unmatched "no_coverage",
    /// The place lies outside the tiles that were fetched, or where there are none.
    OutsideFetchedTiles = Unmatched "outside_fetched_tiles",
    /// Neighbours on both sides are matched to consecutive images.
    InSequenceGap = Unmatched "in_sequence_gap",
    /// The published part ends before this photo.
    PartlyPublished = Unmatched "partly_published",
    /// The uploader's duplicate rule drops it.
    DroppedDuplicate = Unmatched "dropped_duplicate",
    /// The uploader's speed or zig-zag rule drops it.
    DroppedByUploader = Unmatched "dropped_by_uploader",
    /// Neighbours are published and no uploader's rule explains the gap.
    DroppedByService = Unmatched "dropped_by_service",
    /// Another photo has the image with a higher probability.
    IdTaken = Unmatched "id_taken",
    /// An answer is missing: nothing may be concluded.
    LookupFailed = Unmatched "lookup_failed",
    /// Without a time, and the place alone is too weak.
    NoTimeAndWeak = Unmatched "no_time_and_weak",
    /// The tracker says that the upload is being processed.
    Processing = Unmatched "processing",
    /// The tracker says that the upload failed.
    FailedOnServer = Unmatched "failed_on_server",
    /// Published, but the tiles do not show it yet.
    PublishedNotInTiles = Unmatched "published_not_in_tiles",
    /// No position.
    NoPlace = Rejected "no_place",
    /// Position (0, 0).
    NullIsland = Rejected "null_island",
    /// An error entry of the uploader.
    RejectedByUploader = Rejected "rejected_by_uploader",
    /// The file's structure is broken.
    Damaged = Unreadable "damaged",
    /// The ending says image, the bytes do not.
    NotAnImage = Unreadable "not_an_image",
    /// The file may not be opened.
    NoPermission = Unreadable "no_permission",
    /// The file changed while it was read.
    ChangedWhileReading = Unreadable "changed_while_reading",
    /// A video entry.
    Video = Unreadable "video",
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How the published side was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Route {
    /// Coverage tiles.
    Tiles,
    /// A user's images.
    User,
    /// Known sequence keys.
    Sequence,
    /// A table given by the user.
    Table,
}

impl Route {
    /// The word of the `route` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tiles => "tiles",
            Self::User => "user",
            Self::Sequence => "sequence",
            Self::Table => "table",
        }
    }
}
