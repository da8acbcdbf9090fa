//! One layer: its tables of property names and values, then its features, one at a time.
//!
//! # Method
//! A layer is walked twice: first the tables are read and the features only passed over, because a feature may come before
//! the names and values that it points to; then the features. A feature is two borrowed slices, so it costs no memory.

use crate::grid::Grid;
use crate::limits::Budget;
use crate::values::Value;
use crate::wire::{Field, Fields, Packed, key};
use crate::{DecodeError, geometry};

// Fields of a layer.
const FEATURE: u64 = key(2, 2);
const KEY: u64 = key(3, 2);
const VALUE: u64 = key(4, 2);
const EXTENT: u64 = key(5, 0);
// Fields of a feature.
const TAGS: u64 = key(2, 2);
const KIND: u64 = key(3, 0);
const COMMANDS: u64 = key(4, 2);

/// A layer of which only the name is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NamedLayer<'a> {
    pub(crate) name: &'a str,
    pub(crate) message: &'a [u8],
}

/// The layers of a tile.
pub(crate) fn layers<'a>(bytes: &'a [u8], budget: &mut Budget) -> Result<Vec<NamedLayer<'a>>, DecodeError> {
    let mut layers = Vec::new();
    let mut fields = Fields::new(bytes);
    while let Some((number, field)) = fields.next()? {
        if let (3, Field::Bytes(message)) = (number, field) {
            budget.spend_layer()?;
            layers.push(NamedLayer { name: name_of(message)?, message });
        }
    }
    Ok(layers)
}

/// The name is nearly always the first or second field, so the walk is short.
fn name_of(message: &[u8]) -> Result<&str, DecodeError> {
    let mut fields = Fields::new(message);
    while let Some((number, field)) = fields.next()? {
        if let (1, Field::Bytes(name)) = (number, field) {
            return Ok(std::str::from_utf8(name).unwrap_or_default());
        }
    }
    Ok("")
}

/// A layer with its tables, its features still to be walked.
pub(crate) struct Layer<'a> {
    pub(crate) extent: u32,
    pub(crate) n_features: usize,
    features: &'a [u8],
    keys: Vec<&'a [u8]>,
    values: Vec<Value<'a>>,
}

impl<'a> Layer<'a> {
    pub(crate) fn read(message: &'a [u8], budget: &mut Budget) -> Result<Self, DecodeError> {
        let mut layer =
            Self { extent: Grid::USUAL_EXTENT, n_features: 0, features: &[], keys: Vec::new(), values: Vec::new() };
        let mut features = 0..0;
        let mut fields = Fields::new(message);
        loop {
            let begin = fields.at();
            let Some(key) = fields.next_key()? else { break };
            match key {
                FEATURE => {
                    fields.bytes()?;
                    features.start = if layer.n_features == 0 { begin } else { features.start };
                    features.end = fields.at();
                    layer.n_features += 1;
                }
                KEY => {
                    budget.spend_key()?;
                    layer.keys.push(fields.bytes()?);
                }
                VALUE => {
                    budget.spend_value()?;
                    layer.values.push(Value::read(fields.bytes()?));
                }
                EXTENT => layer.extent = u32::try_from(fields.varint()?).unwrap_or(0),
                _ => fields.skip(key)?,
            }
        }
        budget.spend_features(layer.n_features)?;
        layer.features = &message[features];
        Ok(layer)
    }

    /// How many features can have a geometry at all, for reserving: the smallest such message takes nine bytes.
    pub(crate) fn most_rows(&self) -> usize {
        self.n_features.min(self.features.len() / 9)
    }

    /// Calls `each` for every feature; answers how many messages are broken.
    pub(crate) fn each_feature(
        &self,
        mut each: impl FnMut(&Feature<'a>) -> Result<(), DecodeError>,
    ) -> Result<u32, DecodeError> {
        let mut n_broken = 0;
        let mut fields = Fields::new(self.features);
        while let Some(key) = fields.next_key()? {
            if key != FEATURE {
                fields.skip(key)?;
                continue;
            }
            match Feature::read(fields.bytes()?) {
                Some(feature) => each(&feature)?,
                None => n_broken += 1,
            }
        }
        Ok(n_broken)
    }

    /// How many values the table has.
    pub(crate) fn n_values(&self) -> usize {
        self.values.len()
    }

    /// A value by its index; [`NO_VALUE`] and what lies outside the table are nothing.
    #[inline]
    pub(crate) fn value(&self, index: u32) -> Value<'a> {
        self.values.get(index as usize).copied().unwrap_or(Value::Nothing)
    }

    /// Which of the wanted properties each key of this layer is, so that a feature looks up numbers, not texts.
    pub(crate) fn slots<const N: usize>(&self, names: [&str; N]) -> Slots<N> {
        let slot_of = |key: &&[u8]| names.iter().position(|name| name.as_bytes() == *key).unwrap_or(N) as u8;
        Slots { slot_of_key: self.keys.iter().map(slot_of).collect() }
    }
}

/// The index of a value that a feature does not have.
pub(crate) const NO_VALUE: u32 = u32::MAX;

/// Finds the values of N wanted properties in a feature's tags.
pub(crate) struct Slots<const N: usize> {
    /// By key; N for a property that nobody wants.
    slot_of_key: Vec<u8>,
}

impl<const N: usize> Slots<N> {
    /// Index of each wanted property's value; the last of several wins.
    #[inline]
    pub(crate) fn find(&self, tags: &[u8]) -> [u32; N] {
        let mut found = [NO_VALUE; N];
        let mut numbers = Packed(tags);
        while let (Some(key), Some(value)) = (numbers.next(), numbers.next()) {
            let slot = usize::try_from(key).ok().and_then(|key| self.slot_of_key.get(key));
            if let Some(index) = slot.and_then(|&slot| found.get_mut(usize::from(slot))) {
                *index = u32::try_from(value).unwrap_or(NO_VALUE);
            }
        }
        found
    }
}

/// What a feature says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Written by nobody honest; the geometry decides.
    Unknown,
    Point,
    Line,
    Other,
}

/// One feature, borrowed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Feature<'a> {
    pub(crate) kind: Kind,
    pub(crate) tags: &'a [u8],
    pub(crate) commands: &'a [u8],
}

impl<'a> Feature<'a> {
    /// `None` for a message that breaks, or whose tags or geometry come in several pieces: the specification has them
    /// packed in one.
    #[inline]
    pub(crate) fn read(message: &'a [u8]) -> Option<Self> {
        let mut kind = Kind::Unknown;
        let (mut tags, mut commands) = (None, None);
        let mut fields = Fields::new(message);
        while let Some(key) = fields.next_key().ok()? {
            match key {
                TAGS if tags.is_none() => tags = Some(fields.bytes().ok()?),
                COMMANDS if commands.is_none() => commands = Some(fields.bytes().ok()?),
                KIND => {
                    kind = match fields.varint().ok()? {
                        0 => Kind::Unknown,
                        1 => Kind::Point,
                        2 => Kind::Line,
                        _ => Kind::Other,
                    }
                }
                _ if matches!(key >> 3, 2 | 4) => return None,
                _ => fields.skip(key).ok()?,
            }
        }
        Some(Self { kind, tags: tags.unwrap_or_default(), commands: commands.unwrap_or_default() })
    }

    /// The first point, in tile units.
    #[inline]
    pub(crate) fn point(&self) -> Option<(i32, i32)> {
        geometry::point(self.commands)
    }
}
