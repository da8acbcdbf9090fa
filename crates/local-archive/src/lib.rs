//! Folders, description files and tables become observations and tracks; an unreadable photo becomes a reason.
//!
//! [`scan()`] reads whatever the user has: folders of photos (recursively, on all cores), single photos,
//! `mapillary_image_description.json`, tables. [`assemble()`] puts what was read into the order of reports, with tracks,
//! times and drops as the official uploader would make them; [`set_copies_aside()`] leaves one of each that lies there twice. [`read_published_table`] reads the published side from a flat
//! table.
//!
//! Every byte is foreign: files are read within budgets, one bad photo is one row with a reason, and only an input that is
//! broken as a whole ends a scan.

mod assemble;
mod copies;
mod grouping;
mod loose;

mod description;
mod gpx;
mod history;
mod merge;
mod recall;
mod scan;

mod angle_text;
mod container;
mod decimal;
mod exif_block;
mod exif_fields;
mod photo;
mod photo_file;
mod report_path;
mod time_text;
mod window;
mod xmp;

mod published_table;
mod table;

mod errors;
mod json_list;

pub use assemble::assemble;
pub use copies::set_copies_aside;
pub use errors::{BadCell, ScanError, TableError};
pub use gpx::GpxTrack;
pub use history::{HistoryPlace, PastUpload, PastUploads, read_past_uploads};
pub use loose::{GivenSequence, LooseFile, LooseFiles, TextIndex, Texts};
pub use photo_file::{PhotoContents, PhotoReader};
pub use published_table::{read_published_table, read_published_tiles};
pub use report_path::{is_photo, path_of_row};
pub use scan::{ScanOptions, ScanProgress, ScanSettings, scan};
pub use table::{ClusterRow, OpenTable, TableFormat, join_clusters, read_cluster_table};

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod test_photos;
