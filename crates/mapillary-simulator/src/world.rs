//! Entities with the indexes that the routes need: by id, sequence, contributor and z14 tile.

use crate::entities::id_of;
use capture_model::Position;
use coverage_tile::{Dialect, ImageFeature, SequenceFeature, encode};
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap};
use tile_cover::{Tile, Zoom, tile_at};

/// Everything that is published.
#[derive(Debug, Default)]
pub struct World {
    entities: Vec<Value>,
    by_id: HashMap<u64, usize>,
    by_sequence: HashMap<String, Vec<usize>>,
    by_user: HashMap<String, Vec<usize>>,
    by_tile: [HashMap<Tile, BTreeSet<usize>>; 2],
}

/// Which of its two places an image is drawn at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Places {
    Original = 0,
    Computed = 1,
}

impl Places {
    fn field(self) -> &'static str {
        match self {
            Self::Original => "geometry",
            Self::Computed => "computed_geometry",
        }
    }
}

impl World {
    /// Indexes entities; of several with one id the last stays.
    pub fn new(entities: Vec<Value>) -> Self {
        let mut world = Self { entities, ..Self::default() };
        for (at, entity) in world.entities.iter().enumerate() {
            let Some(id) = id_of(entity) else { continue };
            world.by_id.insert(id, at);
        }
        let mut alive: Vec<usize> = world.by_id.values().copied().collect();
        alive.sort_by_key(|&at| (time_of(&world.entities[at]), id_of(&world.entities[at])));
        for at in alive {
            let entity = &world.entities[at];
            if let Some(key) = entity["sequence"].as_str() {
                world.by_sequence.entry(key.to_owned()).or_default().push(at);
            }
            if let Some(user) = entity["creator"]["username"].as_str() {
                world.by_user.entry(user.to_owned()).or_default().push(at);
            }
            for places in [Places::Original, Places::Computed] {
                if let Some(position) = position_of(entity, places) {
                    let tiles = &mut world.by_tile[places as usize];
                    tiles.entry(tile_at(position, Zoom::COVERAGE)).or_default().insert(at);
                }
            }
        }
        world
    }

    /// How many entities.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether nothing is published.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    pub(crate) fn image(&self, id: u64) -> Option<&Value> {
        self.by_id.get(&id).map(|&at| &self.entities[at])
    }

    /// Images of a sequence in capture order; empty for a key that is nobody's.
    pub(crate) fn sequence(&self, key: &str) -> impl Iterator<Item = &Value> {
        self.by_sequence.get(key).into_iter().flatten().map(|&at| &self.entities[at])
    }

    /// Images of a user, newest first; `None` for a user who has none.
    pub(crate) fn user(&self, name: &str) -> Option<impl Iterator<Item = &Value>> {
        self.by_user.get(name).map(|images| images.iter().rev().map(|&at| &self.entities[at]))
    }

    /// Images within a box of (west, south, east, north) degrees.
    pub(crate) fn within(&self, [west, south, east, north]: [f64; 4]) -> impl Iterator<Item = &Value> {
        let is_inside = move |entity: &&Value| {
            position_of(entity, Places::Original)
                .is_some_and(|p| (west..=east).contains(&p.lon()) && (south..=north).contains(&p.lat()))
        };
        self.entities.iter().filter(is_inside)
    }

    /// The coverage tile of a z14 place; no bytes where there is nothing.
    pub(crate) fn tile(&self, tile: Tile, places: Places) -> Vec<u8> {
        if tile.zoom != Zoom::COVERAGE {
            return Vec::new();
        }
        let Some(inside) = self.by_tile[places as usize].get(&tile) else { return Vec::new() };
        let images: Vec<ImageFeature> =
            inside.iter().filter_map(|&at| image_feature(&self.entities[at], places)).collect();
        let keys: BTreeSet<&str> = inside.iter().filter_map(|&at| self.entities[at]["sequence"].as_str()).collect();
        let sequences: Vec<SequenceFeature> = keys.into_iter().map(|key| self.sequence_feature(key, places)).collect();
        encode(tile, &images, &sequences, &Dialect::default())
    }

    fn sequence_feature(&self, key: &str, places: Places) -> SequenceFeature {
        let images: Vec<&Value> = self.sequence(key).collect();
        let first = images.first().copied().unwrap_or(&Value::Null);
        SequenceFeature {
            id: key.to_owned(),
            image_id: id_of(first),
            captured_at_ms: time_of(first),
            is_pano: first["is_pano"].as_bool(),
            creator_id: whole(&first["creator"]["id"]),
            organization_id: whole(&first["organization"]["id"]),
            line: images.iter().filter_map(|image| position_of(image, places)).collect(),
        }
    }
}

fn image_feature(entity: &Value, places: Places) -> Option<ImageFeature> {
    let compass = if places == Places::Computed { &entity["computed_compass_angle"] } else { &entity["compass_angle"] };
    Some(ImageFeature {
        id: id_of(entity)?,
        sequence_id: entity["sequence"].as_str().unwrap_or_default().to_owned(),
        captured_at_ms: time_of(entity),
        position: position_of(entity, places)?,
        compass_angle_deg: compass.as_f64(),
        is_pano: entity["is_pano"].as_bool(),
        creator_id: whole(&entity["creator"]["id"]),
        organization_id: whole(&entity["organization"]["id"]),
    })
}

fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// Capture time in ms; text of a time is left to the reader of the entity.
pub(crate) fn time_of(entity: &Value) -> Option<i64> {
    entity["captured_at"].as_i64()
}

fn position_of(entity: &Value, places: Places) -> Option<Position> {
    let coordinates = &entity[places.field()]["coordinates"];
    Position::from_lon_lat(coordinates[0].as_f64()?, coordinates[1].as_f64()?).ok()
}

/// The asked fields of an entity and its id; what the entity lacks stays absent.
pub(crate) fn project(entity: &Value, fields: &[&str]) -> Value {
    let mut object = Map::new();
    for field in fields.iter().copied().chain(["id"]) {
        if let Some(value) = entity.get(field).filter(|value| !value.is_null()) {
            object.insert(field.to_owned(), value.clone());
        }
    }
    if let Some(id) = id_of(entity) {
        object.insert("id".to_owned(), Value::from(id.to_string())); // ids are text on the Graph side, always
    }
    Value::Object(object)
}
