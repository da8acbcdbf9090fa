//! Both tilesets of the same images, decoded: the original places from one, the computed ones from the other.
//!
//! Their places lie on the grid of the tiles, so every figure has that error bar. An id that came as a float may stand
//! for several images; such an image is tied by its time and sequence as well.

use crate::exit;
use crate::progress::Progress;
use crate::verbs::match_tables::read_remote;
use anyhow::Result;
use capture_model::{PublishedImage, PublishedImages};
use coverage_tile::Tileset;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use tile_cover::Tile;

/// What the two tilesets agree to call one image.
type Key = (u64, Option<i64>, Option<Box<str>>);

/// Whether a file is a vector tile by its ending.
pub(super) fn is_tile(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ["mvt", "pbf"].iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

/// The images of the original tileset, each with its computed place where the other tileset has it.
pub(super) fn read(
    original: &[PathBuf],
    computed: &[PathBuf],
    tile: Option<Tile>,
    progress: &Progress,
) -> Result<PublishedImages> {
    let mut places: HashMap<Key, PublishedImage> = HashMap::new();
    for image in images_of(computed, Tileset::Computed, tile, progress)? {
        places.entry(key_of(&image)).or_insert(image);
    }
    let n_computed = places.len();
    let mut published = PublishedImages::default();
    let mut seen = std::collections::HashSet::new();
    let mut n_paired = 0;
    for image in images_of(original, Tileset::Original, tile, progress)? {
        let key = key_of(&image);
        if !seen.insert(key.clone()) {
            continue; // it stands in the margin of two tiles
        }
        let other = places.remove(&key);
        n_paired += usize::from(other.is_some());
        let computed = other.as_ref().and_then(|other| other.computed.or(other.original));
        let computed_compass_deg = other.as_ref().and_then(|other| other.computed_compass_deg.or(other.compass_deg));
        let evidence = other.map_or(image.evidence, |other| image.evidence.min(other.evidence));
        published.push(&PublishedImage {
            computed: computed.or(image.computed),
            computed_compass_deg: computed_compass_deg.or(image.computed_compass_deg),
            evidence,
            ..image
        });
    }
    if !computed.is_empty() && n_paired < n_computed.max(published.len()) {
        progress.warn(&format!(
            "{n_paired} images are in both tilesets, {} in the original alone, {} in the computed alone",
            published.len() - n_paired,
            n_computed - n_paired
        ));
    }
    Ok(published)
}

fn key_of(image: &PublishedImage) -> Key {
    if image.id_exact {
        return (image.id.0, None, None);
    }
    let sequence = image.sequence.as_ref().map(|key| key.as_str().into());
    (image.id.0, image.captured_at.map(capture_model::CapturedAt::epoch_ms), sequence)
}

fn images_of(
    files: &[PathBuf],
    tileset: Tileset,
    tile: Option<Tile>,
    progress: &Progress,
) -> Result<Vec<PublishedImage>> {
    let mut images = Vec::new();
    for file in files {
        if is_tile(file) {
            let bytes = std::fs::read(file).map_err(|error| {
                exit::error(exit::NOTHING_TO_READ, format!("cannot read {}: {error}", file.display()))
            })?;
            let coverage = coverage_tile::decode(&bytes, place_of(file, tile)?)
                .map_err(|error| exit::error(exit::UNREADABLE_TABLE, format!("{}: {error}", file.display())))?;
            images.extend(coverage.published_images(tileset));
        } else {
            let table = read_remote(file, progress)?;
            images.extend((0..table.len()).map(|row| table.image(row)));
        }
    }
    Ok(images)
}

/// Where a tile lies: what its path says (`…/14/8188/5448.mvt`), else what was typed.
fn place_of(file: &Path, typed: Option<Tile>) -> Result<Tile> {
    let without_ending = file.with_extension("");
    let parts: Vec<&str> = without_ending.iter().rev().take(3).filter_map(std::ffi::OsStr::to_str).collect();
    let told = match parts.as_slice() {
        [y, x, z] => format!("{z}/{x}/{y}").parse::<Tile>().ok(),
        _ => None,
    };
    told.or(typed).ok_or_else(|| {
        exit::usage(format!("{}: say where this tile lies with --tile z/x/y, or name it …/z/x/y.mvt", file.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_where_its_tile_lies() {
        let place = |path: &str, typed: Option<&str>| {
            place_of(Path::new(path), typed.map(|text| text.parse().unwrap())).map(|tile| tile.to_string()).ok()
        };
        assert_eq!(place("tiles/14/8188/5448.mvt", None).as_deref(), Some("14/8188/5448"));
        assert_eq!(place("14/8188/5448.mvt", Some("14/1/2")).as_deref(), Some("14/8188/5448"));
        assert_eq!(place("a.mvt", Some("14/1/2")).as_deref(), Some("14/1/2"));
        assert_eq!(place("5448.mvt", None), None);
    }
}
