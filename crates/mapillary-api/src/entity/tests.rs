//! What is read out of an entity, and that writing and reading are inverse.

use super::*;
use crate::page::{Collector, read_document};
use proptest::prelude::*;

fn read(json: &str) -> Result<PublishedImage, String> {
    let mut collector = Collector::default();
    read_document(json.as_bytes(), &mut collector).map_err(|error| error.to_string())?;
    collector.images.pop().ok_or_else(|| collector.problems[0].reason.clone())
}

fn read_one(fields: &str) -> PublishedImage {
    read(&format!("{{\"id\":\"7\",{fields}}}")).unwrap()
}

#[test]
fn a_recorded_shape_is_read_whole() {
    let image = read(
        r#"{"altitude":48.737,"atomic_scale":0.86,"camera_parameters":[],"camera_type":"spherical",
        "captured_at":1683629264000,"compass_angle":43.370713358692,"computed_altitude":-1.5965,
        "computed_compass_angle":165.86,"computed_geometry":{"type":"Point","coordinates":[-0.5463367,50.9011422]},
        "geometry":{"coordinates":[-0.5463302,50.9011354],"type":"Point"},"make":"GoPro","model":"GoPro Max",
        "width":5760,"height":2880.0,"is_pano":true,"merge_cc":4.546427159383e+18,
        "mesh":{"id":"9","url":"x"},"creator":{"username":"someone","id":"101176865463974"},
        "detections":{"data":[{"id":"1"}]},"sequence":"d7DlxwUTp6JZaIWKHGtnMQ","id":"26858300993768842"}"#,
    )
    .unwrap();
    assert_eq!(image.id, ImageId(26_858_300_993_768_842));
    assert_eq!(image.sequence.unwrap().as_str(), "d7DlxwUTp6JZaIWKHGtnMQ");
    assert_eq!(image.captured_at, Some(CapturedAt::from_epoch_ms(1_683_629_264_000)));
    assert_eq!(image.original, Position::from_lon_lat(-0.546_330_2, 50.901_135_4).ok());
    assert_eq!(image.computed, Position::from_lon_lat(-0.546_336_7, 50.901_142_2).ok());
    assert_eq!(image.altitude_m, Some(48.737));
    assert_eq!(image.device, Device::new(Some("GoPro"), Some("GoPro Max"), Some(5760), Some(2880)));
    assert_eq!((image.is_pano, image.creator_id), (Some(true), Some(101_176_865_463_974)));
    assert!(image.id_exact);
}

#[test]
fn odd_values_cost_their_field_only() {
    let altitude = |value: &str| read_one(&format!("\"altitude\":{value}")).altitude_m;
    assert_eq!(altitude("4294967281"), Some(-15.0), "wrapped around 2^32");
    assert_eq!(altitude("315"), Some(315.0));
    assert_eq!(altitude("\"314.7\""), Some(314.7));
    assert_eq!(altitude("1e300"), None);
    assert_eq!(altitude("[1]"), None);
    let time = |value: &str| read_one(&format!("\"captured_at\":{value}")).captured_at.map(CapturedAt::epoch_ms);
    assert_eq!(time("1630145202250"), Some(1_630_145_202_250));
    assert_eq!(time("\"1630145202250\""), Some(1_630_145_202_250));
    assert_eq!(time("1.63014520225e12"), Some(1_630_145_202_250));
    assert_eq!(time("\"2021-08-28T10:06:42.250Z\""), Some(1_630_145_202_250));
    assert_eq!(time("\"2021-08-28T12:06:42.25+0200\""), Some(1_630_145_202_250));
    assert_eq!(time("\"2021-08-28T12:06:42.25+02:00\""), Some(1_630_145_202_250));
    assert_eq!(time("\"2021-08-28 10:06:42\""), Some(1_630_145_202_000), "no zone: UTC");
    assert_eq!(time("0"), None, "0 is the service's unknown");
    assert_eq!(time("-1000"), Some(-1000));
    assert_eq!(time("99999999999999999999"), None);
    assert_eq!(time("\"yesterday\""), None);
    let bearing = |value: &str| read_one(&format!("\"compass_angle\":{value}")).compass_deg;
    assert_eq!(bearing("360"), Some(360.0));
    assert_eq!(bearing("-90.5"), Some(269.5));
    assert_eq!(bearing("1e9"), None);
    let place = |value: &str| read_one(&format!("\"geometry\":{value}")).original.map(|p| (p.lon(), p.lat()));
    assert_eq!(place(r#"{"type":"Point","coordinates":["-83.49","31.35"]}"#), Some((-83.49, 31.35)));
    assert_eq!(place(r#"{"type":"Point","coordinates":[8.4,49.0,112.0]}"#), Some((8.4, 49.0)));
    assert_eq!(place(r#"{"coordinates":[8.4]}"#), None);
    assert_eq!(place(r#"{"coordinates":[8.4,91]}"#), None);
    assert_eq!(place(r#"{"coordinates":[[1,2],[3,4]]}"#), None);
    assert_eq!(place("null"), None);
    assert_eq!(place("[8.4,49.0]"), None);
    assert_eq!(read_one(r#""creator":"12""#).creator_id, Some(12));
    assert_eq!(read_one(r#""creator":{"id":13}"#).creator_id, Some(13));
    assert_eq!(read_one(r#""creator":null"#).creator_id, None);
    assert_eq!(read_one(r#""make":"none","model":"","width":"wide","is_pano":7"#).device, Device::default());
    assert_eq!(read_one(r#""altitude":1,"altitude":2"#).altitude_m, Some(2.0), "of a repeated key the last");
    assert_eq!(read(r#"{"altitude":1}"#).unwrap_err(), "it has no id");
    assert_eq!(read(r#"{"id":null}"#).unwrap_err(), "it has no id");
    assert_eq!(read(r#"{"id":"../../etc/passwd"}"#).unwrap_err(), "its id is not 1 to 20 decimal digits");
    assert_eq!(read(r#"{"id":1e30}"#).unwrap_err(), "its id is not 1 to 20 decimal digits");
}

pub(crate) fn any_image() -> impl Strategy<Value = PublishedImage> {
    let place = || {
        proptest::option::of(
            (-180.0..=180.0f64, -90.0..=90.0f64).prop_map(|(x, y)| Position::from_lon_lat(x, y).unwrap()),
        )
    };
    let head =
        (any::<u64>(), proptest::option::of("[A-Za-z0-9_-]{22}"), proptest::option::of(1..4_000_000_000_000_i64));
    let numbers = proptest::collection::vec(proptest::option::of(0.0..360.0f64), 4);
    let device = ("[A-Za-z ]{0,8}", "[A-Za-z0-9 ]{0,8}", 0..20_000_u32, 0..20_000_u32);
    let rest = (proptest::option::of(any::<bool>()), proptest::option::of(1..u64::MAX));
    (head, place(), place(), numbers, device, rest).prop_map(
        |((id, sequence, time), original, computed, numbers, (make, model, width, height), (is_pano, creator_id))| {
            PublishedImage {
                sequence: sequence.as_deref().map(SequenceId::new),
                captured_at: time.map(CapturedAt::from_epoch_ms),
                original,
                computed,
                altitude_m: numbers[0],
                computed_altitude_m: numbers[1],
                compass_deg: numbers[2],
                computed_compass_deg: numbers[3],
                device: Device::new(Some(&make), Some(&model), Some(width), Some(height)),
                is_pano,
                creator_id,
                ..PublishedImage::bare(ImageId(id), Evidence::Entity)
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_written_is_read_back(image in any_image()) {
        prop_assert_eq!(read(&entity_json(&image).to_string()), Ok(image));
    }
}
