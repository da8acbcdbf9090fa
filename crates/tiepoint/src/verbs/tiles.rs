//! `tiepoint tiles`: the zoom-14 XYZ tiles of photos or of one coordinate.

use crate::arguments::Shared;
use crate::exit;
use crate::local_flags::LocalFlags;
use crate::output::{check, write_to};
use crate::progress::{Progress, say};
use anyhow::Result;
use capture_model::Position;
use clap::Args;
use match_report::OutputKind;
use std::io::Write;
use std::path::PathBuf;
use tile_cover::{Tile, Zoom, cover, mid_tile, tile_at};

/// Zoom-14 XYZ tiles, `14/x/y` a line
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tiepoint tiles ~/rides/2026-05                       every tile that holds a photo
  tiepoint tiles ~/rides/2026-05 --mid                  of each track the tile of its middle image
  tiepoint tiles --lon -0.0754 --lat 51.5055            14/8188/5448
  tiepoint tiles ~/rides/2026-05 -o tiles.geojson       outlines for QGIS or JOSM")]
pub(crate) struct Tiles {
    /// Folders of photos, photos, description files, or tables
    #[arg(value_name = "PATH", required_unless_present_any = ["lon", "lat"], conflicts_with_all = ["lon", "lat"])]
    paths: Vec<PathBuf>,
    /// Of each track only the tile of image number floor(n/2), from 0, in capture order
    #[arg(long)]
    mid: bool,
    /// Longitude in degrees
    #[arg(long, value_name = "X", requires = "lat", allow_hyphen_values = true)]
    lon: Option<f64>,
    /// Latitude in degrees
    #[arg(long, value_name = "Y", requires = "lon", allow_hyphen_values = true)]
    lat: Option<f64>,
    /// Write here instead of stdout; .geojson writes outlines, .csv a line a tile
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    local: LocalFlags,
}

impl Tiles {
    pub(crate) fn run(&self, shared: &Shared) -> Result<u8> {
        check(self.output.as_deref(), &[OutputKind::Csv, OutputKind::GeoJson])?;
        let (tiles, beyond) = match (self.lon, self.lat) {
            (Some(lon), Some(lat)) => {
                let position = Position::from_lon_lat(lon, lat).map_err(|error| exit::usage(error.to_string()))?;
                (vec![tile_at(position, Zoom::COVERAGE)], usize::from(tile_cover::is_beyond_mercator(position)))
            }
            _ => self.of_photos(shared)?,
        };
        if beyond > 0 && !shared.talk.quiet {
            say(&format!("notice: {beyond} positions lie beyond ±85.0511°, where there are no tiles: y was clamped"));
        }
        write_to(self.output.as_deref(), |kind, out| match kind {
            OutputKind::GeoJson => write_outlines(&tiles, out),
            _ => tiles.iter().try_for_each(|tile| writeln!(out, "{tile}")),
        })?;
        Ok(0)
    }

    /// Tiles and how many photos lie beyond them.
    fn of_photos(&self, shared: &Shared) -> Result<(Vec<Tile>, usize)> {
        let progress = Progress::new(&shared.talk);
        let images = self.local.scan(&self.paths, shared, &progress)?.usable_images();
        progress.finish();
        if images.is_empty() {
            return Err(exit::error(
                exit::NOTHING_TO_READ,
                "no photo with a place was found: there is nothing to tile",
            ));
        }
        let positions: Vec<Position> = (0..images.len()).map(|row| images.position(row)).collect();
        let covered = cover(positions.iter().copied(), Zoom::COVERAGE);
        if !self.mid {
            return Ok((covered.tiles, covered.beyond_mercator));
        }
        let tracks = (0..images.n_tracks()).map(|track| &positions[images.rows_of(track)]);
        Ok((tracks.filter_map(|track| mid_tile(track, Zoom::COVERAGE)).collect(), covered.beyond_mercator))
    }
}

/// One polygon a tile, its name as the property `tile`.
fn write_outlines(tiles: &[Tile], out: &mut dyn Write) -> std::io::Result<()> {
    let features: Vec<serde_json::Value> = tiles
        .iter()
        .map(|tile| {
            let ring: Vec<[f64; 2]> = tile.outline().iter().map(|corner| [corner.lon(), corner.lat()]).collect();
            serde_json::json!({
                "type": "Feature",
                "properties": {"tile": tile.to_string()},
                "geometry": {"type": "Polygon", "coordinates": [ring]},
            })
        })
        .collect();
    serde_json::to_writer(&mut *out, &serde_json::json!({"type": "FeatureCollection", "features": features}))?;
    writeln!(out)
}
