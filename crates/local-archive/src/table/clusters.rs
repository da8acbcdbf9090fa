//! Tables that say which upload a photo or a sequence went with: `cluster_id` and a path or a sequence.

use super::local::{PATH, SEQUENCE};
use super::{BadCells, Columns, Known, MissingColumn, PartReader, Row, RowReader, read_table};
use crate::errors::TableError;
use capture_model::{ClusterId, LocalArchive};
use std::collections::{HashMap, HashSet};
use std::path::Path;

const CLUSTER: Known = Known(&["cluster_id"]);

/// One row: an upload, and what went with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterRow {
    /// The upload.
    pub cluster_id: ClusterId,
    /// A local file.
    pub path: Option<String>,
    /// A local sequence.
    pub sequence: Option<String>,
}

/// Reads a table of uploads (`.csv`, `.jsonl`, `.json`). Rows whose cluster id is empty or 0 (a dry run) are left out.
pub fn read_cluster_table(path: &Path) -> Result<Vec<ClusterRow>, TableError> {
    let mut rows = ClusterRows::default();
    read_table(path, None, &mut rows)?;
    Ok(rows.rows)
}

#[derive(Default)]
struct ClusterRows {
    columns: Columns,
    cluster: Option<usize>,
    path: Option<usize>,
    sequence: Option<usize>,
    rows: Vec<ClusterRow>,
}

impl PartReader for ClusterRows {
    fn part(&self) -> Self {
        Self { columns: self.columns.clone(), rows: Vec::new(), ..*self }
    }

    fn append(&mut self, part: &mut Self) {
        self.rows.append(&mut part.rows);
    }
}

impl RowReader for ClusterRows {
    fn header(&mut self, names: &[&str]) -> Result<(), MissingColumn> {
        self.columns = Columns::new(names);
        (self.path, self.sequence) = (self.columns.first(PATH), self.columns.first(SEQUENCE));
        self.cluster = self.columns.first(CLUSTER);
        self.cluster.map(drop).ok_or_else(|| MissingColumn { missing: CLUSTER.0.join(" or ") })
    }

    fn row(&mut self, row: &Row<'_>, bad: &mut BadCells) {
        let Some(cluster) = self.cluster else { return };
        let text = row.cell(cluster);
        let id = match text.parse::<ClusterId>() {
            Ok(id) if id.0 != 0 => id,
            Ok(_) => return,
            Err(_) if text.is_empty() => return,
            Err(_) => return bad.add(row.line, self.columns.name(cluster), text),
        };
        let cell = |place: Option<usize>| {
            place.map(|place| row.cell(place)).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        self.rows.push(ClusterRow { cluster_id: id, path: cell(self.path), sequence: cell(self.sequence) });
    }
}

/// Tells the files of an archive which upload they went with, where they do not know it themselves. A path of the table is
/// a file's path as typed or its end (whole names), a sequence is the name of a local sequence. Gives back the rows that
/// name neither a file nor a sequence of the archive.
pub fn join_clusters<'r>(archive: &mut LocalArchive, rows: &'r [ClusterRow]) -> Vec<&'r ClusterRow> {
    let named = |of: fn(&ClusterRow) -> Option<&str>| -> HashMap<&str, usize> {
        rows.iter().enumerate().filter_map(|(number, row)| Some((of(row)?, number))).collect()
    };
    let by_path = named(|row| row.path.as_deref());
    let by_sequence = named(|row| row.sequence.as_deref().filter(|_| row.path.is_none()));
    let mut is_idle = vec![true; rows.len()];
    for row in 0..archive.files.len() {
        let file = archive.files.get(row);
        let ends = std::iter::successors(Some(file.path()), |path| path.split_once('/').map(|(_, rest)| rest));
        let of_path = ends.filter(|end| !end.is_empty()).find_map(|end| by_path.get(end).copied());
        let of_sequence =
            file.track().and_then(|track| by_sequence.get(&*archive.tracks[track as usize].name).copied());
        [of_path, of_sequence].into_iter().flatten().for_each(|row| is_idle[row] = false);
        if let (None, Some(upload)) = (file.cluster_id(), of_path.or(of_sequence)) {
            archive.files.change(row, |file| file.cluster_id = Some(rows[upload].cluster_id));
        }
    }
    // Of rows that name the same, the last one counts, and none of them is idle.
    let key = |row: &'r ClusterRow| (row.path.as_deref(), row.sequence.as_deref().filter(|_| row.path.is_none()));
    let used: HashSet<_> = rows.iter().zip(&is_idle).filter(|(_, idle)| !**idle).map(|(row, _)| key(row)).collect();
    rows.iter().filter(|row| !used.contains(&key(row))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use capture_model::{FileState, LocalFile, Observation, Track};

    fn read(text: &str) -> Result<Vec<ClusterRow>, TableError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clusters.csv");
        std::fs::write(&path, text).unwrap();
        read_cluster_table(&path)
    }

    #[test]
    fn rows_name_an_upload_and_a_path_or_a_sequence() {
        let rows = read("SourceFile,cluster_id,MAPSequenceUUID\na/1.jpg,26858300993768842,\n,5,7\nb.jpg,0,\nc.jpg,,\n")
            .unwrap();
        let told: Vec<_> =
            rows.iter().map(|row| (row.cluster_id.0, row.path.as_deref(), row.sequence.as_deref())).collect();
        assert_eq!(told, [(26_858_300_993_768_842, Some("a/1.jpg"), None), (5, None, Some("7"))]);
        let error = read("path,cluster_id\na.jpg,x\n").unwrap_err().to_string();
        assert!(error.contains("cluster_id") && error.contains('2') && error.contains('x'), "{error}");
        assert!(read("path,id\na.jpg,5\n").unwrap_err().to_string().contains("cluster_id"));
    }

    #[test]
    fn files_learn_their_upload_by_path_then_by_sequence() {
        let file = |path: &str, track| LocalFile {
            path: path.into(),
            track: Some(track),
            state: FileState::Usable,
            observation: Observation::default(),
            cluster_id: (path == "x/known.jpg").then_some(ClusterId(9)),
            sent_time: None,
            predicted_drop: None,
            note: None,
        };
        let mut archive = LocalArchive {
            files: vec![file("x/a/1.jpg", 0), file("x/ba/1.jpg", 0), file("x/known.jpg", 1), file("x/2.jpg", 1)].into(),
            tracks: ["1", "2"].map(|name| Track { name: name.into(), files: 0..0, clock_group: 0 }).into(),
            ..LocalArchive::default()
        };
        let rows = read("path,cluster_id,sequence\na/1.jpg,4,\na/1.jpg,5,\n,6,2\nnone.jpg,7,\n,8,3\nx/known.jpg,9,\n")
            .unwrap();
        let idle: Vec<u64> = join_clusters(&mut archive, &rows).iter().map(|row| row.cluster_id.0).collect();
        assert_eq!(idle, [7, 8], "what names nothing here");
        let told: Vec<_> = archive.files.iter().map(|file| file.cluster_id().map(|id| id.0)).collect();
        assert_eq!(told, [Some(5), None, Some(9), Some(6)]);
    }
}
