//! `tiepoint coverage`: what coverage tiles hold, from files or from the service.

use crate::arguments::Shared;
use crate::exit;
use crate::output::{check, write_table, write_to};
use crate::progress::say;
use anyhow::Result;
use capture_model::{CapturedAt, Position};
use clap::{Args, ValueEnum};
use coverage_tile::{CoverageTile, decode, decode_with_mvt_reader};
use match_report::{CoverageRow, CsvStyle, OutputKind, Table, send_coverage};
use rayon::prelude::*;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tile_cover::Tile;

/// Decodes coverage tiles: one row a feature of the layers `image` and `sequence`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tiepoint coverage 3251-6258.mvt --tile 14/3251/6258 -o coverage.csv     a file that says nothing of its place
  tiepoint coverage 14/8188/5448 --tileset computed -o coverage.csv        from the service (needs a token)
  tiepoint coverage 14/8188/5448 -o coverage.geojson                       points and lines for QGIS

The output is valid input of `tiepoint match --remote`.")]
pub(crate) struct Coverage {
    /// Tile files, or tiles z/x/y of the service
    #[arg(required = true, value_name = "FILE|z/x/y")]
    sources: Vec<PathBuf>,
    /// Where the tile of a file lies
    #[arg(long, value_name = "z/x/y")]
    tile: Option<Tile>,
    /// Uploaded or computed places
    #[arg(long, value_enum, default_value_t = TilesetChoice::Original)]
    tileset: TilesetChoice,
    /// Which reader decodes
    #[arg(long, value_enum, default_value_t = Reader::Tiepoint)]
    reader: Reader,
    /// Write here instead of stdout; .csv, .jsonl or .geojson
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TilesetChoice {
    Original,
    Computed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Reader {
    /// The columnar reader of Tiepoint
    Tiepoint,
    /// The crate mvt-reader, behind a check that its memory stays small
    MvtReader,
}

impl Coverage {
    pub(crate) fn run(&self, shared: &Shared) -> Result<u8> {
        check(self.output.as_deref(), &[OutputKind::Csv, OutputKind::JsonLines, OutputKind::GeoJson])?;
        let mut files: Vec<&Path> = Vec::new();
        let mut from_service: Vec<Tile> = Vec::new();
        for source in &self.sources {
            match source.to_str().and_then(|text| text.parse::<Tile>().ok()) {
                Some(tile) if !source.exists() => from_service.push(tile),
                _ => files.push(source),
            }
        }
        // by all cores, and the first fault in the order of the command line is told
        let decoded: Vec<Result<CoverageTile>> = files.par_iter().map(|file| self.read_file(file)).collect();
        let mut decoded = decoded.into_iter().collect::<Result<Vec<CoverageTile>>>()?;
        if !from_service.is_empty() {
            decoded.extend(self.fetch(&from_service, shared)?);
        }
        if !shared.talk.quiet {
            decoded.iter().for_each(|tile| say(&summary(tile)));
        }
        let style = CsvStyle { guard: !shared.matching.no_csv_guard };
        if self.output.as_deref().and_then(OutputKind::of) == Some(OutputKind::GeoJson) {
            write_to(self.output.as_deref(), |_, out| write_drawing(&decoded, out))?;
        } else {
            let rows = || decoded.iter().flat_map(rows);
            write_table(self.output.as_deref(), Table::Coverage, style, |sink| send_coverage(rows(), sink))?;
        }
        Ok(0)
    }

    fn read_file(&self, path: &Path) -> Result<CoverageTile> {
        let Some(tile) = self.tile else {
            return Err(exit::usage(format!("{}: say where this tile lies with --tile z/x/y", path.display())));
        };
        let bytes = std::fs::read(path)
            .map_err(|error| exit::error(exit::NOTHING_TO_READ, format!("cannot read {}: {error}", path.display())))?;
        self.decode(&bytes, tile)
            .map_err(|error| exit::error(exit::UNREADABLE_TABLE, format!("{}: {error}", path.display())))
    }

    fn decode(&self, bytes: &[u8], tile: Tile) -> Result<CoverageTile, coverage_tile::DecodeError> {
        match self.reader {
            Reader::Tiepoint => decode(bytes, tile),
            Reader::MvtReader => decode_with_mvt_reader(bytes, tile),
        }
    }

    fn fetch(&self, tiles: &[Tile], shared: &Shared) -> Result<Vec<CoverageTile>> {
        let tileset = match self.tileset {
            TilesetChoice::Original => mapillary_api::Tileset::Original,
            TilesetChoice::Computed => mapillary_api::Tileset::Computed,
        };
        let store = response_store::ResponseStore::open(&shared.network.cache_dir()?)?;
        let api = mapillary_api::Api::new(shared.network.api_settings()?, Some(Arc::new(store)))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut answers = Vec::new();
        for &tile in tiles {
            answers.push((tile, runtime.block_on(api.coverage_tile(tile, tileset))?.bytes));
        }
        let decode = |(tile, bytes): &(Tile, Arc<Vec<u8>>)| {
            self.decode(bytes, *tile).map_err(|error| {
                exit::error(exit::NONSENSE, format!("the service's tile {tile} cannot be decoded: {error}"))
            })
        };
        let decoded: Vec<Result<CoverageTile>> = answers.par_iter().map(decode).collect();
        decoded.into_iter().collect()
    }
}

fn summary(tile: &CoverageTile) -> String {
    let skipped = tile.skipped.broken + tile.skipped.without_geometry + tile.skipped.of_other_kind;
    let skipped = if skipped > 0 { format!("; {skipped} features could not be used") } else { String::new() };
    format!(
        "{}: {} images, {} sequence features, {} sequences{skipped}",
        tile.tile,
        tile.n_images(),
        tile.sequences.len(),
        tile.sequence_ids().len()
    )
}

/// The rows of one tile: sequences first, as the tile has them.
fn rows(tile: &CoverageTile) -> Vec<CoverageRow<'_>> {
    let key = |number: Option<u32>| number.map(|number| tile.sequence_names.value(number).as_str());
    let known = |id: u64| (id != 0).then_some(id);
    let lines = &tile.sequences;
    let points = &tile.images;
    let sequences = (0..lines.len()).map(|row| CoverageRow {
        layer: "sequence",
        tile: tile.tile.to_string(),
        image_id: known(lines.image_id[row]),
        sequence_id: key(lines.sequence[row]),
        captured_at: lines.captured_at_ms[row].map(CapturedAt::from_epoch_ms),
        position: None,
        compass_angle_deg: None,
        is_pano: lines.is_pano[row],
        organization_id: known(lines.organization_id[row]),
        creator_id: known(lines.creator_id[row]),
        id_exact: lines.image_id_exact[row],
    });
    let images = (0..tile.n_images()).map(|row| CoverageRow {
        layer: "image",
        tile: tile.tile.to_string(),
        image_id: known(points.id[row]),
        sequence_id: key(points.sequence[row]),
        captured_at: points.captured_at_ms[row].map(CapturedAt::from_epoch_ms),
        position: Position::from_lon_lat(points.longitude[row], points.latitude[row]).ok(),
        compass_angle_deg: Some(f64::from(points.compass_deg[row])).filter(|degrees| degrees.is_finite()),
        is_pano: points.is_pano[row],
        organization_id: known(points.organization_id[row]),
        creator_id: known(points.creator_id[row]),
        id_exact: points.id_exact[row],
    });
    sequences.chain(images).collect()
}

/// Points and lines with the columns of the table.
fn write_drawing(tiles: &[CoverageTile], out: &mut dyn Write) -> std::io::Result<()> {
    let mut features = Vec::new();
    for tile in tiles {
        for (row, columns) in rows(tile).into_iter().enumerate() {
            let geometry = if let Some(place) = columns.position {
                serde_json::json!({"type": "Point", "coordinates": [place.lon(), place.lat()]})
            } else {
                let parts: Vec<&[(f64, f64)]> = tile.sequences.parts(row).collect();
                serde_json::json!({"type": "MultiLineString", "coordinates": parts})
            };
            features.push(serde_json::json!({
                "type": "Feature",
                "geometry": geometry,
                "properties": {
                    "layer": columns.layer,
                    "tile": columns.tile,
                    "image_id": columns.image_id.map(|id| id.to_string()),
                    "sequence_id": columns.sequence_id,
                    "captured_at": columns.captured_at.map(|time| time.to_string()),
                    "compass_angle": columns.compass_angle_deg,
                    "is_pano": columns.is_pano,
                },
            }));
        }
    }
    serde_json::to_writer(&mut *out, &serde_json::json!({"type": "FeatureCollection", "features": features}))?;
    writeln!(out)
}
