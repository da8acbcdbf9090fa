//! Image points and sequence lines become a vector tile, as the service writes it or as an adversary might.
//!
//! Specification: Mapbox Vector Tile 2.1. The simulator serves these tiles, and the tests decode them again.

use capture_model::Position;
use std::collections::HashMap;
use tile_cover::{Tile, tile_at, world_coordinates};

/// One feature of the layer `image`.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageFeature {
    /// Image id.
    pub id: u64,
    /// Sequence key.
    pub sequence_id: String,
    /// Milliseconds since the epoch.
    pub captured_at_ms: Option<i64>,
    /// Place, rounded to the grid of the tile; a feature of another tile is not written.
    pub position: Position,
    /// Degrees.
    pub compass_angle_deg: Option<f64>,
    /// Whether it is a panorama.
    pub is_pano: Option<bool>,
    /// Contributor.
    pub creator_id: Option<u64>,
    /// Organization.
    pub organization_id: Option<u64>,
}

/// One feature of the layer `sequence`.
#[derive(Debug, Clone, PartialEq)]
pub struct SequenceFeature {
    /// Sequence key.
    pub id: String,
    /// Representative image.
    pub image_id: Option<u64>,
    /// Milliseconds since the epoch.
    pub captured_at_ms: Option<i64>,
    /// Whether it is made of panoramas.
    pub is_pano: Option<bool>,
    /// Contributor.
    pub creator_id: Option<u64>,
    /// Organization.
    pub organization_id: Option<u64>,
    /// The whole line; it is clipped to the tile into parts.
    pub line: Vec<Position>,
}

/// In which of the value variants numbers are written. A number that a variant cannot hold is written in one that can;
/// fractions stay doubles but in the last two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NumberKind {
    /// `int_value`.
    #[default]
    Int,
    /// `uint_value`.
    Uint,
    /// `sint_value` (zigzag).
    Sint,
    /// `double_value`: ids above 2^53 lose their last digits.
    Double,
    /// `float_value`: whole numbers above 2^24 lose their last digits, so ids and times are of no use.
    Float,
    /// `string_value`.
    Text,
}

/// How a tile is written; the default is what the service's documentation says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialect {
    /// Variant of whole numbers.
    pub numbers: NumberKind,
    /// Units along the tile's edge.
    pub extent: u32,
    /// Version field of the layers.
    pub version: u32,
    /// Every property but the sequence keys becomes a blank text, as in tiles that were edited afterwards.
    pub blank: bool,
    /// Features carry the vector tile's own ids 0, 1, …; a reader must not take them for image ids.
    pub feature_ids: bool,
    /// Properties that no feature has.
    pub without: &'static [&'static str],
    /// The layer's extent, keys and values stand before its name and features; the specification leaves the order open.
    pub tables_first: bool,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            numbers: NumberKind::Int,
            extent: 4096,
            version: 2,
            blank: false,
            feature_ids: false,
            without: &[],
            tables_first: false,
        }
    }
}

/// Writes a tile. Layers without features are left out, so a tile without features is an empty body.
pub fn encode(tile: Tile, images: &[ImageFeature], sequences: &[SequenceFeature], dialect: &Dialect) -> Vec<u8> {
    let mut out = Vec::new();
    let mut lines = LayerWriter::new("sequence", dialect);
    for sequence in sequences {
        let parts = clip(tile, &sequence.line, dialect.extent);
        if !parts.is_empty() {
            lines.feature(
                2,
                &line_commands(&parts),
                &[
                    ("captured_at", sequence.captured_at_ms.map(Property::Whole)),
                    ("creator_id", sequence.creator_id.map(Property::Id)),
                    ("id", Some(Property::Key(&sequence.id))),
                    ("image_id", sequence.image_id.map(Property::Id)),
                    ("is_pano", sequence.is_pano.map(Property::Truth)),
                    ("organization_id", sequence.organization_id.map(Property::Id)),
                ],
            );
        }
    }
    lines.finish(&mut out);
    let mut points = LayerWriter::new("image", dialect);
    for image in images {
        if tile_at(image.position, tile.zoom) == tile {
            let (x, y) = tile_units(tile, image.position, dialect.extent);
            // A place that would round to the far edge stays inside: recorded points lie in 0…extent − 1.
            let unit = |coordinate: f64| (coordinate.round() as i64).clamp(0, i64::from(dialect.extent) - 1);
            points.feature(
                1,
                &[9, zigzag(unit(x)), zigzag(unit(y))],
                &[
                    ("captured_at", image.captured_at_ms.map(Property::Whole)),
                    ("compass_angle", image.compass_angle_deg.map(Property::Real)),
                    ("creator_id", image.creator_id.map(Property::Id)),
                    ("id", Some(Property::Id(image.id))),
                    ("is_pano", image.is_pano.map(Property::Truth)),
                    ("organization_id", image.organization_id.map(Property::Id)),
                    ("sequence_id", Some(Property::Key(&image.sequence_id))),
                ],
            );
        }
    }
    points.finish(&mut out);
    out
}

#[derive(Clone, Copy)]
enum Property<'a> {
    Id(u64),
    Whole(i64),
    Real(f64),
    Truth(bool),
    Key(&'a str),
}

struct LayerWriter<'a> {
    name: &'a str,
    dialect: &'a Dialect,
    keys: Vec<&'static str>,
    values: Vec<u8>,
    numbers: HashMap<Vec<u8>, u64>,
    features: Vec<u8>,
    n_features: u64,
}

impl<'a> LayerWriter<'a> {
    fn new(name: &'a str, dialect: &'a Dialect) -> Self {
        let (keys, values, numbers, features) = (Vec::new(), Vec::new(), HashMap::new(), Vec::new());
        Self { name, dialect, keys, values, numbers, features, n_features: 0 }
    }

    fn feature(&mut self, kind: u64, commands: &[u64], properties: &[(&'static str, Option<Property<'_>>)]) {
        let mut tags = Vec::new();
        for &(name, property) in properties {
            let Some(property) = property.filter(|_| !self.dialect.without.contains(&name)) else { continue };
            let key = self.keys.iter().position(|key| *key == name).unwrap_or_else(|| {
                self.keys.push(name);
                self.keys.len() - 1
            });
            push_varint(&mut tags, key as u64);
            let value = self.value_number(property);
            push_varint(&mut tags, value);
        }
        let mut message = Vec::new();
        if self.dialect.feature_ids {
            push_number(&mut message, 1, self.n_features);
        }
        self.n_features += 1;
        push_bytes(&mut message, 2, &tags);
        push_number(&mut message, 3, kind);
        let mut packed = Vec::new();
        for &command in commands {
            push_varint(&mut packed, command);
        }
        push_bytes(&mut message, 4, &packed);
        push_bytes(&mut self.features, 2, &message);
    }

    fn value_number(&mut self, property: Property<'_>) -> u64 {
        let message = self.value_message(property);
        let next = self.numbers.len() as u64;
        *self.numbers.entry(message).or_insert_with_key(|message| {
            push_bytes(&mut self.values, 4, message);
            next
        })
    }

    fn value_message(&self, property: Property<'_>) -> Vec<u8> {
        let mut message = Vec::new();
        match property {
            Property::Key(text) => push_bytes(&mut message, 1, text.as_bytes()),
            _ if self.dialect.blank => push_bytes(&mut message, 1, b""),
            Property::Real(number) => self.push_real(&mut message, number),
            Property::Truth(truth) => push_number(&mut message, 7, u64::from(truth)),
            Property::Id(id) => self.push_whole(&mut message, i128::from(id)),
            Property::Whole(number) => self.push_whole(&mut message, i128::from(number)),
        }
        message
    }

    fn push_whole(&self, message: &mut Vec<u8>, number: i128) {
        match (self.dialect.numbers, i64::try_from(number), u64::try_from(number)) {
            (NumberKind::Int, Ok(signed), _) | (NumberKind::Uint, Ok(signed), Err(_)) => {
                push_number(message, 4, signed as u64);
            }
            (NumberKind::Sint, Ok(signed), _) => push_number(message, 6, zigzag(signed)),
            (NumberKind::Int | NumberKind::Uint | NumberKind::Sint, _, Ok(unsigned)) => {
                push_number(message, 5, unsigned);
            }
            (NumberKind::Text, ..) => push_bytes(message, 1, number.to_string().as_bytes()),
            _ => self.push_real(message, number as f64),
        }
    }

    fn push_real(&self, message: &mut Vec<u8>, number: f64) {
        match self.dialect.numbers {
            NumberKind::Float => {
                push_varint(message, 2 << 3 | 5);
                message.extend((number as f32).to_le_bytes());
            }
            NumberKind::Text => push_bytes(message, 1, number.to_string().as_bytes()),
            _ => {
                push_varint(message, 3 << 3 | 1);
                message.extend(number.to_le_bytes());
            }
        }
    }

    fn finish(self, out: &mut Vec<u8>) {
        if self.features.is_empty() {
            return;
        }
        let mut head = Vec::new();
        push_number(&mut head, 15, u64::from(self.dialect.version));
        push_bytes(&mut head, 1, self.name.as_bytes());
        let mut tables = Vec::new();
        self.keys.iter().for_each(|key| push_bytes(&mut tables, 3, key.as_bytes()));
        tables.extend(self.values);
        push_number(&mut tables, 5, u64::from(self.dialect.extent));
        let parts =
            if self.dialect.tables_first { [tables, head, self.features] } else { [head, self.features, tables] };
        push_bytes(out, 3, &parts.concat());
    }
}

/// Tile units from the tile's north-west corner, not yet rounded.
fn tile_units(tile: Tile, position: Position, extent: u32) -> (f64, f64) {
    let n = f64::from(tile.zoom.tiles_per_side());
    let (world_x, world_y) = world_coordinates(position, tile.zoom);
    let mut x = world_x - f64::from(tile.x);
    if x - 0.5 > n / 2.0 {
        x -= n; // over the antimeridian it goes the short way
    } else if x - 0.5 < -n / 2.0 {
        x += n;
    }
    (x * f64::from(extent), (world_y - f64::from(tile.y)) * f64::from(extent))
}

/// Parts of a line within the tile, in whole units (each segment by Liang and Barsky, 1984).
fn clip(tile: Tile, line: &[Position], extent: u32) -> Vec<Vec<(i64, i64)>> {
    let edge = f64::from(extent);
    let half_the_world = edge * f64::from(tile.zoom.tiles_per_side()) / 2.0;
    let points: Vec<(f64, f64)> = line.iter().map(|&position| tile_units(tile, position, extent)).collect();
    let mut parts: Vec<Vec<(i64, i64)>> = Vec::new();
    let mut is_open = false;
    for pair in points.windows(2) {
        let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
        let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
        for (p, q) in [(x0 - x1, x0), (x1 - x0, edge - x0), (y0 - y1, y0), (y1 - y0, edge - y0)] {
            if p < 0.0 {
                enter = enter.max(q / p);
            } else if p > 0.0 {
                leave = leave.min(q / p);
            } else if q < 0.0 {
                leave = -1.0; // parallel to this edge and beyond it
            }
        }
        let is_beyond = (x1 - x0).abs() > half_the_world; // the short way lies on the other side of the globe
        if enter > leave || is_beyond {
            is_open = false;
            continue;
        }
        let at = |t: f64| ((x0 + t * (x1 - x0)).round() as i64, (y0 + t * (y1 - y0)).round() as i64);
        if !is_open || enter > 0.0 {
            parts.push(vec![at(enter)]);
        }
        if let Some(part) = parts.last_mut()
            && part.last() != Some(&at(leave))
        {
            part.push(at(leave));
        }
        is_open = leave >= 1.0;
    }
    parts.retain(|part| part.len() > 1);
    parts
}

fn line_commands(parts: &[Vec<(i64, i64)>]) -> Vec<u64> {
    let mut commands = Vec::new();
    let (mut x, mut y) = (0, 0);
    for part in parts {
        for (index, &(to_x, to_y)) in part.iter().enumerate() {
            match index {
                0 => commands.push(1 << 3 | 1),
                1 => commands.push((part.len() as u64 - 1) << 3 | 2),
                _ => {}
            }
            commands.extend([zigzag(to_x - x), zigzag(to_y - y)]);
            (x, y) = (to_x, to_y);
        }
    }
    commands
}

fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

pub(crate) fn push_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

pub(crate) fn push_number(out: &mut Vec<u8>, field: u64, number: u64) {
    push_varint(out, field << 3);
    push_varint(out, number);
}

pub(crate) fn push_bytes(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    push_varint(out, field << 3 | 2);
    push_varint(out, bytes.len() as u64);
    out.extend(bytes);
}

#[cfg(test)]
mod tests;
