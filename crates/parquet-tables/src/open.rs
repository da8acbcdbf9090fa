//! A Parquet file as a table of cells: numbers as they are for whoever wants them so, text for all others.
//!
//! Columns of lists and structs are left out. A GeoParquet file whose primary column holds points has columns `longitude`
//! and `latitude` even where it only has the points.

use crate::ParquetTableError;
use crate::cells::{Cells, Meaning, meaning_of};
use crate::geo;
use crate::numbers::{Numbers, is_number};
use capture_model::{TypedColumn, TypedRow, TypedRows, Wanted};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Rows that are held at once: the cells of a dozen columns stay in the caches from the decoder to the reader.
const BATCH: usize = 2048;

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
    /// Whether [`Numbers`] can read it.
    is_number: bool,
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
                    let meaning = meaning_of(column);
                    columns.push(Column { leaf, meaning, is_number: is_number(column.physical_type(), meaning) });
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
                        columns.push(Column { leaf, meaning, is_number: true });
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

    /// Reads one part: `row` is told the number of each row, from 1, and for each column its text and its number. A column
    /// that is [`Wanted::Any`] and holds numbers (or moments, or points) has no text; the cells of columns that are
    /// [`Wanted::Not`] are empty and cost nothing.
    pub fn read_part(
        &self,
        part: usize,
        wanted: &dyn Fn(usize) -> Wanted,
        row: &mut TypedRow<'_>,
    ) -> Result<(), ParquetTableError> {
        self.read_columns(part, wanted, &mut |rows| rows.each(row))
    }

    /// The same, column by column for some rows at a time.
    pub fn read_columns(
        &self,
        part: usize,
        wanted: &dyn Fn(usize) -> Wanted,
        rows: &mut dyn FnMut(&TypedRows<'_>),
    ) -> Result<(), ParquetTableError> {
        guarded(&self.path, || {
            let reader = open(&self.path)?; // a file of its own: threads must not share the place in it
            let group = reader.get_row_group(part)?;
            let n_rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
            let (mut texts, mut numbers) = (Vec::new(), Vec::new());
            for (place, column) in self.columns.iter().enumerate() {
                let source = || group.get_column_reader(column.leaf);
                match wanted(place) {
                    Wanted::Not => {}
                    Wanted::Any if column.is_number => {
                        numbers.push((place, column.meaning, source()?, Numbers::default()));
                    }
                    Wanted::Any | Wanted::Text => texts.push((place, column.meaning, source()?, Cells::default())),
                }
            }
            let first_row = self.first_rows[part] + 1;
            let mut done = 0;
            while done < n_rows {
                let most = BATCH.min(n_rows - done);
                let mut columns = vec![TypedColumn::Empty; self.columns.len()];
                for (place, meaning, source, cells) in &mut texts {
                    cells.read(source, *meaning, most)?;
                    is_whole(cells.len(), most)?;
                    columns[*place] = TypedColumn::Texts(cells.texts());
                }
                for (place, meaning, source, cells) in &mut numbers {
                    cells.read(source, *meaning, most)?;
                    is_whole(cells.len(), most)?;
                    columns[*place] = cells.column();
                }
                rows(&TypedRows { first: first_row + done as u64, n_rows: most, columns: &columns });
                done += most;
            }
            Ok(())
        })
    }
}

fn is_whole(n_cells: usize, n_rows: usize) -> Result<(), ParquetError> {
    if n_cells == n_rows {
        return Ok(());
    }
    Err(ParquetError::General("a column ends before the others".to_owned()))
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
