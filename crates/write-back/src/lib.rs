//! What a photo became, written beside it: XMP sidecars (`photo.jpg.xmp`) and an enriched
//! `mapillary_image_description.json`.
//!
//! In: rows of a report. Out: a [`Plan`] of changes, each a file before and after; it can be shown as a diff
//! ([`Change::diff`]), carried out ([`apply`]) and taken back to the byte ([`undo`]). Photos themselves are never opened.
//!
//! A sidecar that exists already is merged: only properties of our own namespace are replaced, every other byte stays. One
//! that cannot be understood is left alone and named.

mod description;
mod journal;
mod packet;
mod plan;
mod xml_text;

pub use description::{DESCRIPTION, plan_description};
pub use journal::{JOURNAL, JournalError, Outcome, apply, undo};
pub use packet::NAMESPACE;
pub use plan::{Change, LeftAlone, Plan, plan_sidecars};
