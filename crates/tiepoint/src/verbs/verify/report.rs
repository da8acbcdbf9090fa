//! The moves that a folder of reports tells.
//!
//! With `shifts.csv` the moves are what the run found, word for word; only their sequences are summed up again. Without
//! it (`match --out`) the matched rows of `matches.csv` are audited afresh: they hold both places of their image, and that
//! of the local file.

use adjustment_audit::{Audit, ImageShift, Upload, audit};
use anyhow::Result;
use capture_model::{Evidence, ImageId, PublishedImage, PublishedImages, Reason};
use match_report::{MatchRecord, ReportFolder, ShiftRecord};
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// The images and moves of a report.
pub(super) fn read(folder: &Path) -> Result<(PublishedImages, Audit)> {
    let folder = ReportFolder::open(folder)?;
    if folder.has_shifts() { moves_of(&folder) } else { matches_of(&folder) }
}

fn moves_of(folder: &ReportFolder) -> Result<(PublishedImages, Audit)> {
    let (mut published, mut moves, mut seen) = (PublishedImages::default(), Vec::new(), HashSet::new());
    for record in folder.shifts()? {
        let record = record?;
        if seen.insert(record.image_id) {
            moves.push(move_of(&record, published.len() as u32));
            published.push(&image_of_shift(&record));
        }
    }
    let audit = Audit::of_moves(&published, &moves);
    Ok((published, audit))
}

fn matches_of(folder: &ReportFolder) -> Result<(PublishedImages, Audit)> {
    let (mut published, mut uploads, mut row_of_id) = (PublishedImages::default(), Vec::new(), HashMap::new());
    for record in folder.matches()? {
        let record = record?;
        let Some(id) = record.image_id else { continue };
        let row = *row_of_id.entry(id).or_insert_with(|| {
            published.push(&image_of_match(&record, id));
            published.len() as u32 - 1
        });
        uploads.extend(record.position.map(|place| Upload { row, place }));
    }
    let rows: Vec<u32> = (0..published.len() as u32).collect();
    let mut audit = audit(&published, &rows);
    audit.check_uploads(&published, uploads);
    Ok((published, audit))
}

fn image_of_shift(record: &ShiftRecord) -> PublishedImage {
    PublishedImage {
        sequence: record.sequence_id.clone(),
        captured_at: record.captured_at,
        original: record.position,
        computed: record.computed_position,
        altitude_m: record.altitude_m,
        computed_altitude_m: record.computed_altitude_m,
        ..PublishedImage::bare(record.image_id, Evidence::Entity)
    }
}

fn move_of(record: &ShiftRecord, row: u32) -> ImageShift {
    ImageShift {
        row,
        vector_m: record.vector_m,
        shift_m: record.shift_m,
        bearing_deg: record.bearing_deg,
        along_across_m: record.along_across_m,
        residual_m: record.residual_m,
        compass_turn_deg: record.compass_turn_deg,
        rounding_m: 0.0,
        flags: record.flags,
    }
}

fn image_of_match(record: &MatchRecord, id: ImageId) -> PublishedImage {
    let evidence = if record.reason == Reason::TileOnly { Evidence::Tile } else { Evidence::Entity };
    PublishedImage {
        sequence: record.sequence_id.clone(),
        captured_at: record.remote_captured_at,
        original: record.remote_position,
        computed: record.computed_position,
        altitude_m: record.altitude_m.zip(record.altitude_delta_m).map(|(local_m, delta_m)| local_m + delta_m),
        ..PublishedImage::bare(id, evidence)
    }
}
