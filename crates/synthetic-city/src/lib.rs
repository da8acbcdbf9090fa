//! Seeded streets, rides, and cameras with faults; their photos, their published counterpart, and the truth.
//!
//! Start at [`build`]: a scenario, a size and a seed give one city, the same on every machine. The published side is what
//! the official uploader and the service would have made of the photos; whoever reads only the photos cannot know it.

mod camera;
mod city;
mod exif_writer;
mod files;
mod noise;
mod plan;
mod publish;
mod scenario;
mod sight;
mod street;

pub use camera::{PhotoKind, SyntheticPhoto};
pub use city::{City, CitySpec, build};
pub use files::CityError;
pub use scenario::{Scenario, UnknownScenario};
