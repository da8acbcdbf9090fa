//! The tables by name, with their columns: version 1 of the contract, frozen.

use crate::table::{ColumnInfo, infos};
use crate::{
    coverage_table, matches_table, scan_table, sequences_table, shifts_table, uploads_table, video_points_table,
};

/// A table that Tiepoint writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    /// `matches.csv`: a row per local file.
    Matches,
    /// `sequences.csv`: a row per local sequence.
    Sequences,
    /// `shifts.csv`: a row per published image.
    Shifts,
    /// `--by-sequence`: a row per published sequence.
    ShiftsBySequence,
    /// `scan`: a row per local file.
    Scan,
    /// `coverage`: a row per feature of a tile.
    Coverage,
    /// `uploads.csv`: a row per upload.
    Uploads,
    /// `scan --video-points`: a row per point of a video's track.
    VideoPoints,
}

impl Table {
    /// All tables.
    pub const ALL: [Self; 8] = [
        Self::Matches,
        Self::Sequences,
        Self::Shifts,
        Self::ShiftsBySequence,
        Self::Scan,
        Self::Coverage,
        Self::Uploads,
        Self::VideoPoints,
    ];

    /// The name of its file without an ending.
    pub fn file_stem(self) -> &'static str {
        match self {
            Self::Matches => "matches",
            Self::Sequences => "sequences",
            Self::Shifts => "shifts",
            Self::ShiftsBySequence => "shifts_by_sequence",
            Self::Scan => "scan",
            Self::Coverage => "coverage",
            Self::Uploads => "uploads",
            Self::VideoPoints => "video_points",
        }
    }

    /// Its columns, in the order of the header.
    pub fn columns(self) -> Vec<ColumnInfo> {
        match self {
            Self::Matches => infos(&matches_table::columns()),
            Self::Sequences => infos(&sequences_table::columns()),
            Self::Shifts => infos(&shifts_table::columns()),
            Self::ShiftsBySequence => infos(&shifts_table::columns_by_sequence()),
            Self::Scan => infos(&scan_table::columns()),
            Self::Coverage => infos(&coverage_table::columns()),
            Self::Uploads => infos(&uploads_table::columns()),
            Self::VideoPoints => infos(&video_points_table::columns()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(table: Table, header: &str) {
        let columns = table.columns();
        let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
        assert_eq!(names.join(", "), header, "{table:?}");
        for column in columns {
            assert!(!column.doc.is_empty() && !column.doc.ends_with('.'), "{table:?} {}", column.name);
        }
    }

    #[test]
    fn the_columns_are_those_of_version_1() {
        check(
            Table::Matches,
            "path, local_sequence, status, reason, image_id, sequence_id, probability, candidates, \
             candidate_probabilities, also_published_as, route, captured_at, longitude, latitude, altitude_m, \
             remote_captured_at, remote_longitude, remote_latitude, time_delta_ms, clock_offset_ms, distance_m, \
             altitude_delta_m, heading_delta_deg, computed_longitude, computed_latitude, shift_m, shift_bearing_deg, \
             cluster_id, url, note",
        );
        check(
            Table::Sequences,
            "local_sequence, images, matched, ambiguous, unmatched, rejected, verdict, sequence_ids, clock_offset_ms, \
             clock_kind, drift_ppm, first_captured_at, last_captured_at, tiles, median_shift_m, max_shift_m, cluster_id, \
             stage, error_code, note",
        );
        check(
            Table::Shifts,
            "image_id, sequence_id, captured_at, longitude, latitude, computed_longitude, computed_latitude, shift_m, \
             shift_east_m, shift_north_m, shift_bearing_deg, along_m, across_m, residual_m, altitude_m, \
             computed_altitude_m, compass_turn_deg, flags",
        );
        check(
            Table::ShiftsBySequence,
            "sequence_id, images, with_computed, median_m, p90_m, p99_m, max_m, worst_image_id, shift_east_m, \
             shift_north_m, rotation_deg, scale, explained_by_shift, explained_by_line, explained_by_field, verdict",
        );
        check(
            Table::Scan,
            "path, local_sequence, sequence_index, status, reason, captured_at, time_source, camera_time, gps_time, \
             longitude, latitude, altitude_m, heading_deg, make, model, width, height, orientation, cluster_id, note",
        );
        check(
            Table::Coverage,
            "layer, tile, image_id, sequence_id, captured_at, longitude, latitude, compass_angle, is_pano, \
             organization_id, creator_id, id_exact",
        );
        check(
            Table::Uploads,
            "cluster_id, type, status, stage, ingestion, initial_processing, anonymization, tiler, error_code, item_count, \
             image_id, sequence_id, created_at, captured_at, age_hours, timezone, local_sequence, note",
        );
        check(
            Table::VideoPoints,
            "path, point_index, offset_ms, captured_at, longitude, latitude, altitude_m, heading_deg",
        );
    }
}
