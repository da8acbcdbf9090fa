//! What the official uploader would have made of a folder: grouping, spread times, splits and drops, by version.
//!
//! mapillary_tools changes what it uploads. Equal times are spread over their second, a ride is cut at gaps, and photos
//! that look like duplicates or like errors of the receiver stay behind. Whoever replays these steps on the local files
//! knows the uploaded times to the millisecond, and why a photo has no published twin.
//!
//! The rules were restated from the tool's documentation and its tags from 0.8 to June 2026; every number sits in
//! [`Rules`]. Nothing here knows paths, clocks of the machine, or how a photo was read.

mod as_is;
mod chord;
mod drops;
mod replay;
mod rules;
mod split;
mod spread;
mod version;

pub use as_is::is_sent_as_is;
pub use chord::chord_m;
pub use replay::{Drop, Fate, Photo, Photos, replay_group};
pub use rules::{NullIslandRule, Rules};
pub use version::{InvalidVersion, Version};
