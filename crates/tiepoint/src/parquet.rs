//! The feature `parquet`: tables as `.parquet`, in and out. Without it, whoever names such a file is told how to get it.

use crate::exit;
use anyhow::Result;
use clap::Args;
use local_archive::TableFormat;
use match_report::{OtherTables, ReportError, Table, TableSink};
use std::path::Path;

/// Whether a file is Parquet by its ending.
pub(crate) fn is_parquet(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("parquet"))
}

/// Refuses a Parquet file where it can be neither read nor written.
pub(crate) fn check(path: &Path) -> Result<()> {
    if cfg!(feature = "parquet") || !is_parquet(path) {
        return Ok(());
    }
    Err(exit::usage(format!(
        "{}: this tiepoint was built without the feature parquet; build it with `cargo install --locked --path crates/tiepoint --features parquet`, \
         or use .csv or .jsonl",
        path.display()
    )))
}

/// The flag of verbs that write a folder of reports.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct ParquetFlag {
    /// Write the tables as .parquet too (GeoParquet where they have places)
    #[arg(long)]
    parquet: bool,
}

impl ParquetFlag {
    /// What writes the tables of a report once more, if that is wanted.
    pub(crate) fn others(self) -> Result<Option<OtherTables>> {
        if self.parquet {
            check(Path::new("matches.parquet"))?;
        }
        Ok(if self.parquet { others() } else { None })
    }
}

#[cfg(feature = "parquet")]
mod with {
    use super::{OtherTables, Path, ReportError, Result, Table, TableFormat, TableSink};
    use capture_model::{TypedRows, Wanted};
    use local_archive::{OpenTable, TableError};
    use match_report::OutputFile;
    use parquet_tables::{ParquetSink, ParquetTable, ParquetTableError};

    /// The format as the local side reads it.
    #[expect(clippy::unnecessary_wraps, reason = "there is none without the feature")]
    pub(crate) fn format() -> Option<&'static dyn TableFormat> {
        Some(&Parquet)
    }

    /// Writes a table into a file of its own.
    pub(crate) fn write(
        path: &Path,
        table: Table,
        send: &mut dyn FnMut(&mut dyn TableSink) -> Result<(), ReportError>,
    ) -> Result<(), ReportError> {
        let mut file = OutputFile::create(path)?;
        send(&mut ParquetSink::new(table, &mut file))?;
        file.commit()
    }

    /// What writes the tables of a report as Parquet too.
    #[expect(clippy::unnecessary_wraps, reason = "there is nothing without the feature")]
    pub(crate) fn others() -> Option<OtherTables> {
        Some(|folder, table, send| write(&folder.join(format!("{}.parquet", table.file_stem())), table, send))
    }

    #[derive(Debug)]
    struct Parquet;

    impl TableFormat for Parquet {
        fn is_of(&self, path: &Path) -> bool {
            ParquetTable::is_one(path)
        }
        fn open(&self, path: &Path) -> Result<Box<dyn OpenTable>, TableError> {
            Ok(Box::new(Opened(ParquetTable::open(path).map_err(told)?)))
        }
    }

    struct Opened(ParquetTable);

    impl OpenTable for Opened {
        fn names(&self) -> &[String] {
            self.0.names()
        }
        fn n_parts(&self) -> usize {
            self.0.n_parts()
        }
        fn read_part(
            &self,
            part: usize,
            wanted: &dyn Fn(usize) -> Wanted,
            rows: &mut dyn FnMut(&TypedRows<'_>),
        ) -> Result<(), TableError> {
            self.0.read_columns(part, wanted, rows).map_err(told)
        }
    }

    fn told(error: ParquetTableError) -> TableError {
        match error {
            ParquetTableError::File { path, source } => TableError::Read { path, source },
            ParquetTableError::Broken { path, detail } => TableError::Format { path, detail },
        }
    }
}

#[cfg(not(feature = "parquet"))]
mod with {
    use super::{OtherTables, Path, ReportError, Result, Table, TableFormat, TableSink};

    pub(crate) fn format() -> Option<&'static dyn TableFormat> {
        None
    }

    pub(crate) fn write(
        path: &Path,
        _: Table,
        _: &mut dyn FnMut(&mut dyn TableSink) -> Result<(), ReportError>,
    ) -> Result<(), ReportError> {
        let source = std::io::Error::from(std::io::ErrorKind::Unsupported);
        Err(ReportError::File { path: path.to_owned(), source }) // `check` comes first
    }

    pub(crate) fn others() -> Option<OtherTables> {
        None
    }
}

pub(crate) use with::{format, others, write};
