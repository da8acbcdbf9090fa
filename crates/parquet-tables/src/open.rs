//! A Parquet file as a table of text cells.
//!
//! Columns of lists and structs are left out. A GeoParquet file whose primary column holds points has columns `longitude`
//! and `latitude` even where it only has the points.

use crate::ParquetTableError;
use crate::cells::{Cells, Meaning, meaning_of};
use crate::geo;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Rows that are held as text at once.
const BATCH: usize = 4096;

/// A file that was opened: its columns are known, its rows are still on the disk.
#[derive(Debug)]
pub struct ParquetTable {
    path: PathBuf,
    names: Vec<String>,
    columns: Vec<Column>,
    /// Number of the first row of each part, from 0.
    first_rows: Vec<u64>,
}

/// Where a column lies and what it means.
#[derive(Debug, Clone, Copy)]
struct Column {
    leaf: usize,
    meaning: Meaning,
}

impl ParquetTable {
    /// Whether a file is Parquet by its ending.
    pub fn is_one(path: &Path) -> bool {
        path.extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("parquet") || ending.eq_ignore_ascii_case("geoparquet"))
    }

    /// Opens a file and reads its footer.
    pub fn open(path: &Path) -> Result<Self, ParquetTableError> {
        guarded(path, || {
            let reader = open(path)?;
            let metadata = reader.metadata();
            let schema = metadata.file_metadata().schema_descr();
            let mut names = Vec::new();
            let mut columns = Vec::new();
            for (leaf, column) in schema.columns().iter().enumerate() {
                if let ([name], 0) = (column.path().parts(), column.max_rep_level()) {
                    names.push(name.clone());
                    columns.push(Column { leaf, meaning: meaning_of(column) });
                }
            }
            let told = metadata.file_metadata().key_value_metadata().into_iter().flatten();
            let told = told.filter(|pair| pair.key == geo::KEY).find_map(|pair| pair.value.as_deref());
            let primary = told.and_then(geo::primary_column);
            if let Some(at) = primary.and_then(|primary| names.iter().position(|name| *name == primary)) {
                let leaf = columns[at].leaf;
                for (name, meaning) in [("longitude", Meaning::Longitude), ("latitude", Meaning::Latitude)] {
                    if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                        names.push(name.to_owned());
                        columns.push(Column { leaf, meaning });
                    }
                }
                // the points themselves are no text
                names.remove(at);
                columns.remove(at);
            }
            let mut row = 0;
            let first_rows = metadata
                .row_groups()
                .iter()
                .map(|group| {
                    let first = row;
                    row += group.num_rows().max(0).cast_unsigned();
                    first
                })
                .collect();
            Ok(Self { path: path.to_owned(), names, columns, first_rows })
        })
    }

    /// Names of its columns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Parts that can be read on their own, in the order of the rows.
    pub fn n_parts(&self) -> usize {
        self.first_rows.len()
    }

    /// Reads one part: `row` is told the number of each row, from 1, and a cell for each column; the cells of columns that
    /// are not `wanted` are empty and cost nothing.
    pub fn read_part(
        &self,
        part: usize,
        wanted: &dyn Fn(usize) -> bool,
        row: &mut dyn FnMut(u64, &[&str]),
    ) -> Result<(), ParquetTableError> {
        let columns: Vec<(usize, Column)> =
            self.columns.iter().copied().enumerate().filter(|&(place, _)| wanted(place)).collect();
        guarded(&self.path, || {
            let reader = open(&self.path)?; // a file of its own: threads must not share the place in it
            let group = reader.get_row_group(part)?;
            let n_rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
            let mut sources = Vec::new();
            for (_, column) in &columns {
                sources.push((group.get_column_reader(column.leaf)?, Cells::default()));
            }
            let mut number = self.first_rows[part];
            let mut done = 0;
            while done < n_rows {
                let most = BATCH.min(n_rows - done);
                for ((_, column), (source, cells)) in columns.iter().zip(&mut sources) {
                    cells.read(source, column.meaning, most)?;
                    if cells.len() != most {
                        return Err(ParquetError::General("a column ends before the others".to_owned()));
                    }
                }
                let mut line = vec![""; self.columns.len()];
                for at in 0..most {
                    for ((place, _), (_, cells)) in columns.iter().zip(&sources) {
                        line[*place] = cells.get(at);
                    }
                    number += 1;
                    row(number, &line);
                }
                done += most;
            }
            Ok(())
        })
    }
}

fn open(path: &Path) -> Result<SerializedFileReader<File>, ParquetError> {
    SerializedFileReader::new(File::open(path).map_err(|error| ParquetError::External(Box::new(error)))?)
}

/// Errors with the file's name; a panic of the decoder over a hostile file is one as well.
fn guarded<T>(path: &Path, work: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetTableError> {
    let broken = |detail: String| ParquetTableError::Broken {
        path: path.to_owned(),
        detail: format!(
            "this Parquet file cannot be read ({detail}); write it again, packed by snappy, zstd, gzip or lz4"
        ),
    };
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(ParquetError::External(error))) => match error.downcast::<std::io::Error>() {
            Ok(source) => Err(ParquetTableError::File { path: path.to_owned(), source: *source }),
            Err(error) => Err(broken(error.to_string())),
        },
        Ok(Err(error)) => Err(broken(error.to_string())),
        Err(_) => Err(broken("its contents make no sense".to_owned())),
    }
}
