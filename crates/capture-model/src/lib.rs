//! The nouns of Tiepoint: positions, instants, wall clocks, lengths, ids, local files, tracks, published images.
//!
//! No IO and no wire formats live here; every other crate speaks in these types. Longitude comes before
//! latitude, times are milliseconds, lengths are metres, angles are degrees.

mod compact;
mod device;
mod ids;
mod instant;
mod local;
mod names;
mod position;
mod published;
mod verdict;

pub use compact::CompactObservation;
pub use device::{Device, DeviceIndex};
pub use ids::{ClusterId, ImageId, InvalidId, SequenceId};
pub use instant::{CapturedAt, LocalTime, TimeSource, WallClock};
pub use local::{FileState, LocalArchive, LocalFile, LocalImages, Observation, TimeKind, Track, Video, VideoPoint};
pub use names::Names;
pub use position::{InvalidPosition, Latitude, Longitude, Metres, Position};
pub use published::{Evidence, PublishedImage, PublishedImages};
pub use verdict::{Reason, Route, Status};
