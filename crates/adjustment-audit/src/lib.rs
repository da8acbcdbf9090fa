//! Adjusted coordinates verified: how far each image was moved, which way, and which moves to distrust.
//!
//! In: published images with an uploaded and an adjusted place. Out: per image its move, split along and across the track,
//! its residual to the move of its neighbours, and flags. Start at [`audit`].

mod flags;
mod shift;

pub use flags::{Flag, Flags};
pub use shift::{ImageShift, audit};
