//! The nouns of Tiepoint: positions, instants, wall clocks, lengths, ids, local files, tracks, published images,
//! and the cells of the tables that they come in.
//!
//! No IO and no wire formats live here; every other crate speaks in these types. Longitude comes before
//! latitude, times are milliseconds, lengths are metres, angles are degrees.

mod column;
mod device;
mod digits;
mod ids;
mod instant;
mod local;
mod local_files;
mod names;
mod observations;
mod path_ranks;
mod paths;
mod position;
mod published;
mod row_order;
mod shared;
mod table_number;
mod verdict;

pub use column::Column;
pub use device::{Device, DeviceIndex};
pub use digits::{sixteen_digits, tail_digits};
pub use ids::{ClusterId, ImageId, InvalidId, SequenceId};
pub use instant::{CapturedAt, LocalTime, TimeSource, WallClock};
pub use local::{FileState, LocalArchive, LocalImages, Observation, TimeKind, Track, Video, VideoPoint};
pub use local_files::{FileColumns, FileRow, LocalFile, LocalFiles};
pub use names::Names;
pub use observations::{Observations, TableObservations};
pub use paths::Paths;
pub use position::{InvalidPosition, Latitude, Longitude, Metres, Position};
pub use published::{Evidence, PublishedImage, PublishedImages};
pub use row_order::RowOrder;
pub use shared::Shared;
pub use table_number::{TableNumber, TableTexts, TypedColumn, TypedRow, TypedRows, Wanted};
pub use verdict::{Reason, Route, Status};
