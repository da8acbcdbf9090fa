//! The matcher measured on synthetic cities, where the truth is known.
//!
//! Start at [`Trial::of`]: it builds a city, writes its photos as files and scans them as a user's are, so that EXIF,
//! grouping and replay take part. A trial is matched ([`Trial::tally`]) or asked about over a loopback service
//! ([`tally_by_route`]); [`Tally`] sums what came of it, [`Floors`] keep its figures from falling, [`fit()`] moves the weights
//! to where the logistic loss is least, and [`reliability_svg`] draws how far a probability is a frequency.

mod fit;
mod floors;
mod reliability;
mod route;
mod table;
mod tally;
mod trial;

pub use fit::{Fitted, Step, fit, mean_loss};
pub use floors::{Fall, Floors, FloorsError};
pub use reliability::{Bin, Reliability, reliability_svg};
pub use route::tally_by_route;
pub use table::{HEADER, row};
pub use tally::{Figures, Tally};
pub use trial::{ScoreError, Trial};
