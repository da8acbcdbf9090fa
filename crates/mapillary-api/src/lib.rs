//! The documented API v4 with types: tiles, ids of a sequence, images by id, by sequence, by user; the meaning of failures.
//!
//! The only crate that knows the JSON keys of the documented API. [`entity_json`] and [`read_entities`] are the same
//! knowledge for files: the simulator writes with the first, tables of the published side are read with the second.

mod entities_file;
mod entity;
mod loose;
mod page;

pub use entities_file::{Entities, EntitiesError, read_entities};
pub use entity::entity_json;
pub use page::EntityProblem;
