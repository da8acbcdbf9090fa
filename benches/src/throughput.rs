//! What tables and tiles cost by the byte, on one core: CPU seconds, so that other work on the machine hardly shows.

use crate::usage::cpu_s;
use crate::{Clocks, World, street_drives};
use anyhow::{Context, Result};
use capture_model::{
    CapturedAt, Column, FileState, LocalArchive, LocalFile, LocalTime, Metres, Observation, Position, Route, Track,
};
use coverage_tile::{Dialect, ImageFeature, decode, decode_with_mvt_reader, encode};
use image_matcher::{Lookup, MatchSettings, match_images};
use local_archive::read_published_table;
use match_report::{CsvStyle, OutputKind, Report, write_matches};
use rayon::ThreadPoolBuilder;
use std::fmt::Write as _;
use std::io::{self, Write};
use tile_cover::{Tile, Zoom, tile_at};

const MIB: f64 = 1_048_576.0;

/// Bytes, and the CPU seconds that they took.
#[derive(Debug, Clone, Copy)]
pub struct Throughput {
    bytes: usize,
    /// CPU seconds.
    pub cpu_s: f64,
}

impl Throughput {
    fn of(bytes: usize, work: impl FnOnce()) -> Self {
        let begin = cpu_s();
        work();
        Self { bytes, cpu_s: cpu_s() - begin }
    }

    /// In words.
    pub fn told(&self) -> String {
        let mib = self.bytes as f64 / MIB;
        format!("{mib:.0} MiB at {:.0} MiB/s", mib / self.cpu_s)
    }
}

/// Reads the published side of a world from CSV.
pub fn read_csv(world: &World) -> Result<Throughput> {
    let published = &world.published;
    let mut text =
        String::from("id,sequence,latitude,longitude,computed_latitude,computed_longitude,altitude,captured_at\n");
    for row in 0..published.len() {
        let (lon, lat) = (published.longitude[row], published.latitude[row]);
        let key = published.sequence_id(row).map_or("", |key| key.as_str());
        let (id, altitude_m, time_ms) = (published.id[row], published.altitude_m[row], published.captured_at_ms[row]);
        writeln!(text, "{id},{key},{lat:.7},{lon:.7},{lat:.7},{lon:.7},{altitude_m:.2},{time_ms}")?;
    }
    let file = tempfile::Builder::new().suffix(".csv").tempfile().context("no room for a table")?;
    file.as_file().write_all(text.as_bytes())?;
    let bytes = text.len();
    drop(text);
    let one = ThreadPoolBuilder::new().num_threads(1).build()?;
    let mut read = Ok(0);
    let cost = Throughput::of(bytes, || {
        read = one.install(|| read_published_table(file.path(), None)).map(|images| images.len());
    });
    anyhow::ensure!(read? == published.len(), "rows were lost");
    Ok(cost)
}

/// Writes the matches of a world as CSV, into nothing.
pub fn write_csv(world: &World) -> Result<Throughput> {
    let local = &world.local;
    let file = |row: usize| {
        let time = LocalTime::Absolute(CapturedAt::from_epoch_ms(local.time_ms[row]));
        LocalFile {
            path: format!("2026/ride {}/IMG_{row:07}.jpg", local.track[row]).into(),
            track: Some(local.track[row]),
            state: FileState::Usable,
            observation: Observation {
                position: Some(local.position(row)),
                altitude: Some(Metres(f64::from(local.altitude_m[row]))),
                time: Some(time),
                ..Observation::default()
            },
            cluster_id: None,
            sent_time: None,
            predicted_drop: None,
            note: None,
        }
    };
    let track = |number: usize| Track {
        name: number.to_string().into(),
        files: local.rows_of(number),
        clock_group: number as u32,
    };
    let archive = LocalArchive {
        files: (0..local.len()).map(file).collect(),
        tracks: (0..local.n_tracks()).map(track).collect(),
        devices: local.devices.clone(),
        ..LocalArchive::default()
    };
    let lookups = vec![Lookup::Complete; local.len()];
    let outcome = match_images(local, &world.published, &lookups, &MatchSettings::default());
    let routes = Column::same(Route::Table, world.published.len());
    let tiles = vec![String::from("14/8188/5448"); local.n_tracks()];
    let report = Report::new(&archive, local, &world.published, &outcome, &routes, &tiles);
    let mut counted = Counted(0);
    let mut written = Ok(());
    let cost = Throughput::of(0, || {
        written = write_matches(&report, OutputKind::Csv, CsvStyle::default(), &mut counted);
    });
    written?;
    Ok(Throughput { bytes: counted.0, ..cost })
}

/// Counts what it is given.
struct Counted(usize);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Decodes a dense tile again and again: the columnar reader, then mvt-reader.
pub fn decode_tile(n_images: usize) -> Result<[Throughput; 2]> {
    let (tile, bytes) = dense_tile(n_images);
    decode(&bytes, tile)?;
    let times = 20;
    let columnar = Throughput::of(bytes.len() * times, || (0..times).for_each(|_| drop(decode(&bytes, tile))));
    let other = Throughput::of(bytes.len(), || drop(decode_with_mvt_reader(&bytes, tile)));
    Ok([columnar, other])
}

/// All images of a world moved into one tile.
///
/// # Panics
/// When a place leaves the tile, which the arithmetic keeps it from.
pub fn dense_tile(n_images: usize) -> (Tile, Vec<u8>) {
    let world = street_drives(0, n_images, Clocks::Exact, 7);
    let tile = tile_at(Position::from_lon_lat(11.5, 48.1).expect("a place"), Zoom::COVERAGE);
    let corner = tile.outline()[0];
    let images: Vec<ImageFeature> = (0..n_images)
        .map(|row| ImageFeature {
            id: world.published.id[row],
            sequence_id: world.published.sequence_id(row).map(ToString::to_string).unwrap_or_default(),
            captured_at_ms: Some(world.published.captured_at_ms[row]),
            position: Position::from_lon_lat(
                corner.lon() + 0.02 * (row as f64 / n_images as f64),
                corner.lat() - 0.014 * ((row * 7 % n_images) as f64 / n_images as f64),
            )
            .expect("inside the tile"),
            compass_angle_deg: Some(row as f64 % 360.0),
            is_pano: Some(false),
            creator_id: Some(102_609_045_317_136),
            organization_id: None,
        })
        .collect();
    (tile, encode(tile, &images, &[], &Dialect::default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_tiles_are_whole() {
        let world = street_drives(300, 2_000, Clocks::Exact, 7);
        assert!(read_csv(&world).unwrap().bytes > 2_000 * 80);
        assert!(write_csv(&world).unwrap().bytes > 300 * 100);
        assert!(decode_tile(500).unwrap()[0].bytes > 500 * 20);
    }
}
