//! Points as WKB, and the GeoParquet metadata (version 1.1) that tells readers of them.

use serde_json::{Value, json};

/// Key of the metadata in the footer.
pub(crate) const KEY: &str = "geo";
const POINT: u32 = 1;
const POINT_BYTES: usize = 21;

/// A point in little-endian WKB: longitude, then latitude.
pub(crate) fn point(longitude: f64, latitude: f64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(POINT_BYTES);
    bytes.push(1); // little-endian
    bytes.extend_from_slice(&POINT.to_le_bytes());
    bytes.extend_from_slice(&longitude.to_le_bytes());
    bytes.extend_from_slice(&latitude.to_le_bytes());
    bytes
}

/// Longitude and latitude of a point of any byte order, with or without height, in WKB or its PostGIS dialect.
pub(crate) fn read_point(bytes: &[u8]) -> Option<(f64, f64)> {
    let is_little = match bytes.first()? {
        0 => false,
        1 => true,
        _ => return None,
    };
    let four = |at: usize| -> Option<u32> {
        let bytes: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
        Some(if is_little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    };
    let eight = |at: usize| -> Option<f64> {
        let bytes: [u8; 8] = bytes.get(at..at + 8)?.try_into().ok()?;
        Some(if is_little { f64::from_le_bytes(bytes) } else { f64::from_be_bytes(bytes) })
    };
    let kind = four(1)?;
    let has_srid = kind & 0x2000_0000 != 0;
    let is_point = (kind & 0x0fff_ffff) % 1000 == POINT; // 1001 and so on have heights
    let at = if has_srid { 9 } else { 5 };
    is_point.then_some((eight(at)?, eight(at + 8)?))
}

/// The extent of the points of one column.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Extent(Option<[f64; 4]>);

impl Extent {
    pub(crate) fn add(&mut self, longitude: f64, latitude: f64) {
        let [west, south, east, north] = self.0.unwrap_or([longitude, latitude, longitude, latitude]);
        self.0 = Some([west.min(longitude), south.min(latitude), east.max(longitude), north.max(latitude)]);
    }
}

/// The metadata of some columns of points, the first of which is the primary one. No `crs` means longitude and latitude on
/// WGS 84 (OGC:CRS84).
pub(crate) fn metadata(columns: &[(&str, Extent)]) -> Option<String> {
    let (primary, _) = columns.first()?;
    let told = |extent: &Extent| match extent.0 {
        Some(bbox) => json!({"encoding": "WKB", "geometry_types": ["Point"], "bbox": bbox}),
        None => json!({"encoding": "WKB", "geometry_types": []}),
    };
    let told: serde_json::Map<String, Value> =
        columns.iter().map(|(name, extent)| ((*name).to_owned(), told(extent))).collect();
    Some(json!({"version": "1.1.0", "primary_column": primary, "columns": told}).to_string())
}

/// Name of the primary column, where it holds WKB.
pub(crate) fn primary_column(metadata: &str) -> Option<String> {
    let told: Value = serde_json::from_str(metadata).ok()?;
    let primary = told.get("primary_column")?.as_str()?;
    let encoding = told.pointer("/columns")?.get(primary)?.get("encoding")?.as_str()?;
    encoding.eq_ignore_ascii_case("wkb").then(|| primary.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_read_in_every_dialect() {
        assert_eq!(read_point(&point(-0.1, 51.5)), Some((-0.1, 51.5)));
        let mut big = vec![0];
        big.extend(1001_u32.to_be_bytes());
        [8.4_f64, 49.0, 115.0].iter().for_each(|number| big.extend(number.to_be_bytes()));
        assert_eq!(read_point(&big), Some((8.4, 49.0)), "big-endian with a height");
        let mut postgis = vec![1];
        postgis.extend((0x2000_0001_u32).to_le_bytes());
        postgis.extend(4326_u32.to_le_bytes());
        [8.4_f64, 49.0].iter().for_each(|number| postgis.extend(number.to_le_bytes()));
        assert_eq!(read_point(&postgis), Some((8.4, 49.0)));
        let mut line = point(1.0, 2.0);
        line[1] = 2;
        assert_eq!(read_point(&line), None);
        for cut in 0..POINT_BYTES {
            assert_eq!(read_point(&point(1.0, 2.0)[..cut]), None);
        }
    }

    #[test]
    fn metadata_names_the_primary_column() {
        let mut extent = Extent::default();
        extent.add(8.4, 49.0);
        extent.add(-1.0, 50.0);
        let told = metadata(&[("geometry", extent), ("remote_geometry", Extent::default())]).unwrap();
        assert_eq!(primary_column(&told).as_deref(), Some("geometry"));
        assert!(told.contains("[-1.0,49.0,8.4,50.0]"), "{told}");
        assert_eq!(metadata(&[]), None);
        assert_eq!(primary_column("{}"), None);
    }
}
