//! The tables of reports as (Geo)Parquet, and Parquet as rows for whoever reads tables.
//!
//! [`ParquetSink`] takes any [`match_report::Table`] by the same declarations as CSV; [`ParquetTable`] opens what it wrote,
//! or what DuckDB, pandas, polars or GeoPandas wrote. The low-level half of the crate parquet does the work, without Arrow:
//! columns of our few kinds need no second memory format, and a build takes a fifth of the time.

mod error;
mod geo;
mod layout;
mod sink;

mod cells;
mod numbers;
mod open;

pub use error::ParquetTableError;
pub use layout::{Layout, Physical, PhysicalColumn};
pub use open::ParquetTable;
pub use sink::ParquetSink;
