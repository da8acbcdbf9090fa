//! An image as the Graph API writes it: the JSON names of its fields, both ways.
//!
//! Reading is lenient field by field: whatever is absent, null, of the wrong type or out of range is `None`; unknown
//! fields are ignored; only the id must be there. Times are read as milliseconds or as ISO 8601 (without a zone: UTC,
//! the clock of the service), and 0 means unknown. An altitude above 2^31 m is a negative one that wrapped around
//! 2^32 (recorded: 4294967281 for −15).

use crate::loose::{Scalar, everything_else_is_missing};
use capture_model::{CapturedAt, Device, Evidence, ImageId, Position, PublishedImage, SequenceId};
use chrono::{DateTime, NaiveDateTime};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, json};

/// The fields that the matcher and the audit need, in the order in which they are asked for. Fields that cost the
/// service URL signing or further edges (`thumb_*`, `mesh`, `sfm_cluster`, `detections`) are left out on purpose.
pub(crate) const FIELDS: &str = "id,sequence,captured_at,geometry,altitude,compass_angle,computed_geometry,\
computed_altitude,computed_compass_angle,make,model,width,height,is_pano,exif_orientation,creator";

/// Beyond this no camera takes pictures; such a number is an error of its writer.
const HIGHEST_ALTITUDE_M: f64 = 100_000.0;

/// The image as the Graph API would answer it: ids as text, times in ms, absent fields left out.
pub fn entity_json(image: &PublishedImage) -> Value {
    let point = |place: Position| json!({"type": "Point", "coordinates": [place.lon(), place.lat()]});
    let device = &image.device;
    let fields = [
        ("id", Some(json!(image.id.to_string()))),
        ("sequence", image.sequence.as_ref().map(|key| json!(key.as_str()))),
        ("captured_at", image.captured_at.map(|time| json!(time.epoch_ms()))),
        ("geometry", image.original.map(point)),
        ("altitude", image.altitude_m.map(|metres| json!(metres))),
        ("compass_angle", image.compass_deg.map(|degrees| json!(degrees))),
        ("computed_geometry", image.computed.map(point)),
        ("computed_altitude", image.computed_altitude_m.map(|metres| json!(metres))),
        ("computed_compass_angle", image.computed_compass_deg.map(|degrees| json!(degrees))),
        ("make", device.make.as_deref().map(|make| json!(make))),
        ("model", device.model.as_deref().map(|model| json!(model))),
        ("width", device.width.map(|pixels| json!(pixels))),
        ("height", device.height.map(|pixels| json!(pixels))),
        ("is_pano", image.is_pano.map(|flag| json!(flag))),
        ("creator", image.creator_id.map(|id| json!({"id": id.to_string()}))),
    ];
    let present = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(present.collect::<Map<_, _>>())
}

/// The fields of one object that may be an image, as they came.
#[derive(Debug, Default)]
pub(crate) struct EntityFields {
    id: Option<Scalar>,
    sequence: Option<String>,
    captured_at: Option<CapturedAt>,
    original: Option<Position>,
    computed: Option<Position>,
    altitude_m: Option<f64>,
    computed_altitude_m: Option<f64>,
    compass_deg: Option<f64>,
    computed_compass_deg: Option<f64>,
    make: Option<String>,
    model: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    is_pano: Option<bool>,
    creator_id: Option<u64>,
}

/// The keys that mean something in an answer; matched once, without keeping the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Id,
    Sequence,
    CapturedAt,
    Geometry,
    ComputedGeometry,
    Altitude,
    ComputedAltitude,
    CompassAngle,
    ComputedCompassAngle,
    Make,
    Model,
    Width,
    Height,
    IsPano,
    Creator,
    /// The list of a page.
    Data,
    /// Where the next page is.
    Paging,
    /// An error envelope.
    Error,
    Other,
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl Visitor<'_> for KeyVisitor {
            type Value = Key;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a key")
            }
            fn visit_str<E>(self, key: &str) -> Result<Key, E> {
                Ok(match key {
                    "id" => Key::Id,
                    "sequence" => Key::Sequence,
                    "captured_at" => Key::CapturedAt,
                    "geometry" => Key::Geometry,
                    "computed_geometry" => Key::ComputedGeometry,
                    "altitude" => Key::Altitude,
                    "computed_altitude" => Key::ComputedAltitude,
                    "compass_angle" => Key::CompassAngle,
                    "computed_compass_angle" => Key::ComputedCompassAngle,
                    "make" => Key::Make,
                    "model" => Key::Model,
                    "width" => Key::Width,
                    "height" => Key::Height,
                    "is_pano" => Key::IsPano,
                    "creator" => Key::Creator,
                    "data" => Key::Data,
                    "paging" => Key::Paging,
                    "error" => Key::Error,
                    _ => Key::Other,
                })
            }
        }
        deserializer.deserialize_identifier(KeyVisitor)
    }
}

impl EntityFields {
    /// Takes the value of `key` from the map if it is a field of an image; otherwise skips it.
    pub(crate) fn take<'de, A: MapAccess<'de>>(&mut self, key: Key, map: &mut A) -> Result<(), A::Error> {
        match key {
            Key::Id => self.id = Some(map.next_value()?),
            Key::Sequence => self.sequence = map.next_value::<Scalar>()?.text(),
            Key::CapturedAt => self.captured_at = captured_at(&map.next_value()?),
            Key::Geometry => self.original = map.next_value::<Place>()?.0,
            Key::ComputedGeometry => self.computed = map.next_value::<Place>()?.0,
            Key::Altitude => self.altitude_m = altitude(&map.next_value()?),
            Key::ComputedAltitude => self.computed_altitude_m = altitude(&map.next_value()?),
            Key::CompassAngle => self.compass_deg = bearing(&map.next_value()?),
            Key::ComputedCompassAngle => self.computed_compass_deg = bearing(&map.next_value()?),
            Key::Make => self.make = map.next_value::<Scalar>()?.text(),
            Key::Model => self.model = map.next_value::<Scalar>()?.text(),
            Key::Width => self.width = map.next_value::<Scalar>()?.small_count(),
            Key::Height => self.height = map.next_value::<Scalar>()?.small_count(),
            Key::IsPano => self.is_pano = map.next_value::<Scalar>()?.flag(),
            Key::Creator => self.creator_id = map.next_value::<Creator>()?.0,
            Key::Data | Key::Paging | Key::Error | Key::Other => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }

    /// The image, or why there is none.
    pub(crate) fn into_image(self) -> Result<PublishedImage, &'static str> {
        let id = match self.id.as_ref() {
            None | Some(Scalar::Missing) => return Err("it has no id"),
            Some(scalar) => scalar.id().ok_or("its id is not 1 to 20 decimal digits")?,
        };
        Ok(PublishedImage {
            sequence: self.sequence.as_deref().map(SequenceId::new),
            captured_at: self.captured_at,
            original: self.original,
            computed: self.computed,
            altitude_m: self.altitude_m,
            computed_altitude_m: self.computed_altitude_m,
            compass_deg: self.compass_deg,
            computed_compass_deg: self.computed_compass_deg,
            device: Device::new(self.make.as_deref(), self.model.as_deref(), self.width, self.height),
            is_pano: self.is_pano,
            creator_id: self.creator_id,
            ..PublishedImage::bare(ImageId(id), Evidence::Entity)
        })
    }
}

fn captured_at(value: &Scalar) -> Option<CapturedAt> {
    let ms = match value {
        Scalar::Whole(ms) => i64::try_from(*ms).ok()?,
        Scalar::Negative(ms) => *ms,
        Scalar::Text(text) => match text.trim().parse() {
            Ok(ms) => ms,
            Err(_) => iso_ms(text.trim())?,
        },
        // Dumps that passed through a table of floats: whole milliseconds below 2^53 survive that.
        Scalar::Float(ms) => (ms.abs() < 9e15).then(|| ms.round() as i64)?,
        Scalar::Missing | Scalar::Flag(_) => return None,
    };
    (ms != 0).then(|| CapturedAt::from_epoch_ms(ms))
}

fn iso_ms(text: &str) -> Option<i64> {
    for format in ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z"] {
        if let Ok(time) = DateTime::parse_from_str(text, format) {
            return Some(time.timestamp_millis());
        }
    }
    for format in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"] {
        if let Ok(time) = NaiveDateTime::parse_from_str(text.trim_end_matches('Z'), format) {
            return Some(time.and_utc().timestamp_millis());
        }
    }
    None
}

fn altitude(value: &Scalar) -> Option<f64> {
    const WRAP: f64 = 4_294_967_296.0;
    let metres = value.number()?;
    let metres = if metres > WRAP / 2.0 { metres - WRAP } else { metres };
    (metres.abs() <= HIGHEST_ALTITUDE_M).then_some(metres)
}

/// Degrees as they came when within 0…360, else turned into that range; nonsense beyond ten turns is `None`.
fn bearing(value: &Scalar) -> Option<f64> {
    match value.number()? {
        degrees @ 0.0..=360.0 => Some(degrees),
        degrees if degrees.abs() <= 3_600.0 => Some(degrees.rem_euclid(360.0)),
        _ => None,
    }
}

/// A GeoJSON point: the first two coordinates, longitude first; also as texts.
struct Place(Option<Position>);

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PlaceVisitor;
        impl<'de> Visitor<'de> for PlaceVisitor {
            type Value = Place;
            everything_else_is_missing!(_visitor => Place(None));
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Place, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Place(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Place, A::Error> {
                let mut place = None;
                while let Some(key) = map.next_key::<String>()? {
                    if key == "coordinates" {
                        place = map.next_value::<Coordinates>()?.0;
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Place(place))
            }
        }
        deserializer.deserialize_any(PlaceVisitor)
    }
}

struct Coordinates(Option<Position>);

impl<'de> Deserialize<'de> for Coordinates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CoordinatesVisitor;
        impl<'de> Visitor<'de> for CoordinatesVisitor {
            type Value = Coordinates;
            everything_else_is_missing!(_visitor => Coordinates(None));
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Coordinates, A::Error> {
                let longitude = list.next_element::<Scalar>()?.and_then(|value| value.number());
                let latitude = list.next_element::<Scalar>()?.and_then(|value| value.number());
                while list.next_element::<IgnoredAny>()?.is_some() {}
                let place = longitude.zip(latitude).and_then(|(lon, lat)| Position::from_lon_lat(lon, lat).ok());
                Ok(Coordinates(place))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Coordinates, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Coordinates(None))
            }
        }
        deserializer.deserialize_any(CoordinatesVisitor)
    }
}

/// `{"id": "…", "username": "…"}`; dumps write the bare id.
struct Creator(Option<u64>);

impl<'de> Deserialize<'de> for Creator {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CreatorVisitor;
        impl<'de> Visitor<'de> for CreatorVisitor {
            type Value = Creator;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("any JSON value")
            }
            fn visit_unit<E>(self) -> Result<Creator, E> {
                Ok(Creator(None))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Creator, E> {
                Ok(Creator(None))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Creator, E> {
                Ok(Creator(None))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Creator, E> {
                Ok(Creator(None))
            }
            fn visit_u64<E>(self, id: u64) -> Result<Creator, E> {
                Ok(Creator(Some(id)))
            }
            fn visit_str<E>(self, id: &str) -> Result<Creator, E> {
                Ok(Creator(id.parse::<ImageId>().ok().map(|id| id.0)))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Creator, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Creator(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Creator, A::Error> {
                let mut id = None;
                while let Some(key) = map.next_key::<String>()? {
                    let value = map.next_value::<Scalar>()?;
                    if key == "id" {
                        id = value.id();
                    }
                }
                Ok(Creator(id))
            }
        }
        deserializer.deserialize_any(CreatorVisitor)
    }
}

#[cfg(test)]
pub(crate) mod tests;
