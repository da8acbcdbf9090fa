//! The weights of the evidence, in one place: what is not measured in the data at hand but fitted beforehand.
//!
//! The defaults are checked by `cargo xtask fit`, which moves each of them to where the logistic loss is least, on cities
//! of other seeds than those that `cargo xtask score` scores. These hold few rides in doubt: the weights of doubts begin where a
//! logistic regression on rides of other generators ended, one observation a ride. Residuals, clocks and error classes are no weights: every
//! block fits its own.

/// How much each kind of evidence counts. All in natural-log units or as a factor on them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    /// Log odds that a photo and its image are both there: one photo in twenty has none, one image in fifty.
    pub pair: f64,
    /// Factor on what places say about a block: photos of a ride are not independent.
    pub place_temper: f64,
    /// Factor on what times say about a block.
    pub time_temper: f64,
    /// Factor on what headings say about a block.
    pub heading_temper: f64,
    /// Factor on what altitudes say about a block.
    pub altitude_temper: f64,
    /// What an image inside the span of a block costs when no photo has it.
    pub lone_image: f64,
    /// What a photo inside the span of a block costs when it has no image.
    pub lone_photo: f64,
    /// Log odds against a fellow traveller, before anything is seen.
    pub companion: f64,
    /// Factor on the difference between two clock offsets.
    pub offset_temper: f64,
    /// Factor on the difference at metre level between two sequences that claim the same photos.
    pub rival_temper: f64,
    /// Log odds of own images among rides in doubt whose moves are a metre long and stray by a metre.
    pub doubt: f64,
    /// What each e-fold of the median stray of the moves takes from them.
    pub doubt_spread: f64,
    /// What each e-fold of the common move takes from them.
    pub doubt_shift: f64,
    /// What times that stray from each other take from them: they are two clocks'.
    pub doubt_apart: f64,
    /// What a rig of which only another camera's images are published adds: an upload that set headings anew is more frequent.
    pub doubt_rig: f64,
    /// What remains of the log odds of a ride in doubt.
    pub doubt_temper: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            pair: 5.0,
            place_temper: 0.3,
            time_temper: 0.3,
            heading_temper: 0.5,
            altitude_temper: 0.2,
            lone_image: 0.5,
            lone_photo: 0.15,
            companion: 9.2,
            offset_temper: 0.5,
            rival_temper: 0.15,
            doubt: 2.04,
            doubt_spread: 1.51,
            doubt_shift: 0.49,
            doubt_apart: 0.89,
            doubt_rig: 2.06,
            doubt_temper: 0.18,
        }
    }
}
