//! Why a body is no coverage tile.

/// What is wrong with a whole body; single bad features are counted in [`crate::Skipped`] instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Text where a tile was due.
    #[error("{bytes} bytes of text (it begins with {head:?}), not a vector tile; is it an error page?")]
    Text {
        /// Length of the body.
        bytes: usize,
        /// Its first characters.
        head: String,
    },
    /// The wire format breaks.
    #[error("not a vector tile: {what} at byte {at} of {bytes}; fetch the tile again")]
    Broken {
        /// What breaks.
        what: &'static str,
        /// Where.
        at: usize,
        /// Length of the body.
        bytes: usize,
    },
    /// The layers of the service's third version.
    #[error(
        "a tile of the old v3 scheme (layers {layers}); coverage tiles of API v4 have the layers `sequence` and `image`: \
         fetch it from the tileset mly1_public"
    )]
    OldScheme {
        /// The layers that it has.
        layers: String,
    },
    /// More than any honest tile holds.
    #[error("a tile of unreasonable size: {what} {found}, and {limit} is the limit; it is left unread")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much.
        found: u64,
        /// How much is allowed.
        limit: u64,
    },
    /// The compressed body breaks.
    #[error("the compressed tile cannot be inflated: {reason}; fetch the tile again")]
    Compressed {
        /// Why.
        reason: String,
    },
    /// The alternative reader refuses the tile.
    #[error("mvt-reader cannot read this tile: {reason}; try the reader `tiepoint`")]
    OtherReader {
        /// Its own words.
        reason: String,
    },
}
