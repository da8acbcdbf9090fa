//! The documented API v4 with types: tiles, ids of a sequence, images by id, by sequence, by user; the meaning of failures.
//!
//! The only crate that knows the JSON keys of the documented API. [`entity_json`] and [`read_entities`] are the same
//! knowledge for files: the simulator writes with the first, tables of the published side are read with the second.

mod api;
mod entities_file;
mod entity;
mod error;
mod halving;
mod loose;
mod many;
mod page;
mod pages;
mod questions;
mod reading;
mod settings;
mod usage;
mod users;

pub use api::Api;
pub use entities_file::{Entities, EntitiesError, read_entities};
pub use entity::entity_json;
pub use error::{ApiError, BadBaseUrl, ErrorKind};
pub use halving::Found;
pub use many::{IMAGES_PER_PAGE, IMAGES_PER_REQUEST, SEQUENCES_PER_REQUEST};
pub use page::EntityProblem;
pub use questions::{QuotaToday, StoredBatch, TileAnswer, Tileset, TimeWindow};
pub use settings::{ApiSettings, ENTITIES_PER_DAY, SEARCHES_PER_DAY, TILES_PER_DAY, base_url};
pub use usage::Usage;
pub use users::User;
