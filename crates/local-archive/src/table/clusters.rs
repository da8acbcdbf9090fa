//! Tables that say which upload a photo or a sequence went with: `cluster_id` and a path or a sequence.

use super::local::{PATH, SEQUENCE};
use super::{BadCells, Columns, Known, MissingColumn, PartReader, Row, RowReader, read_table};
use crate::errors::TableError;
use capture_model::{ClusterId, LocalArchive};
use std::collections::HashMap;
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
/// a file's path as typed or its end (whole names), a sequence is the name of a local sequence. How many files were told.
pub fn join_clusters(archive: &mut LocalArchive, rows: &[ClusterRow]) -> usize {
    let named = |of: fn(&ClusterRow) -> Option<&str>| -> HashMap<&str, ClusterId> {
        rows.iter().filter_map(|row| Some((of(row)?, row.cluster_id))).collect()
    };
    let by_path = named(|row| row.path.as_deref());
    let by_sequence = named(|row| row.sequence.as_deref().filter(|_| row.path.is_none()));
    let mut n_told = 0;
    for file in &mut archive.files {
        let ends = std::iter::successors(Some(&*file.path), |path| path.split_once('/').map(|(_, rest)| rest));
        let of_path = ends.filter(|end| !end.is_empty()).find_map(|end| by_path.get(end).copied());
        let of_sequence = || by_sequence.get(&*archive.tracks[file.track? as usize].name).copied();
        if file.cluster_id.is_none() {
            file.cluster_id = of_path.or_else(of_sequence);
            n_told += usize::from(file.cluster_id.is_some());
        }
    }
    n_told
}

#[cfg(test)]
mod tests {
    use super::*;
    use capture_model::{CompactObservation, FileState, LocalFile, Track};

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
            observation: CompactObservation::default(),
            cluster_id: (path == "x/known.jpg").then_some(ClusterId(9)),
            sent_time: None,
            predicted_drop: None,
            note: None,
        };
        let mut archive = LocalArchive {
            files: vec![file("x/a/1.jpg", 0), file("x/ba/1.jpg", 0), file("x/known.jpg", 1), file("x/2.jpg", 1)],
            tracks: ["1", "2"].map(|name| Track { name: name.into(), files: 0..0, clock_group: 0 }).into(),
            ..LocalArchive::default()
        };
        let rows = read("path,cluster_id,sequence\na/1.jpg,5,\n,6,2\n").unwrap();
        assert_eq!(join_clusters(&mut archive, &rows), 2);
        let told: Vec<_> = archive.files.iter().map(|file| file.cluster_id.map(|id| id.0)).collect();
        assert_eq!(told, [Some(5), None, Some(9), Some(6)]);
    }
}
