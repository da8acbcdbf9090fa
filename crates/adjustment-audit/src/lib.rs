//! Adjusted coordinates verified: how far each image was moved, which way, and which moves to distrust.
//!
//! The service moves what it reconstructs: by 2.5 m at the median, by 63 m at p99. In: published images with an uploaded
//! and an adjusted place. Out: per image its move, split along and across the track, its residual to the move of its
//! neighbours, and flags; per sequence the distribution, the common motion and what explains it. Start at [`audit()`].
//!
//! Nothing here sees a path, a URL or a clock; altitudes are not compared, because the computed one is another quantity.

mod audit;
mod flags;
mod frame;
mod moves;
mod oddities;
mod rigid;
mod sequence;
mod spread;
mod uploads;

pub use audit::{Audit, DeviceShift, audit};
pub use flags::{Flag, Flags};
pub use moves::ImageShift;
pub use sequence::{SequenceShift, SequenceVerdict};
pub use spread::Spread;
pub use uploads::Upload;
