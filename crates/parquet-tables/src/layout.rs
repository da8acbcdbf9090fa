//! How the columns of a table lie in a Parquet file.
//!
//! | column | Parquet |
//! | --- | --- |
//! | id | `UINT_64` |
//! | words, paths, lists joined by `\|` | `STRING` |
//! | moment | `TIMESTAMP(ms, UTC)` |
//! | time that may be a wall clock | `TIMESTAMP(ms, UTC)`, and a second column `…_wall` as `TIMESTAMP(ms, local)`: a row fills one of them |
//! | coordinate, length, angle, probability | `DOUBLE`, rounded as in CSV |
//! | whole number | `INT_64` |
//! | truth | `BOOLEAN` |
//! | pair of longitude and latitude | the two columns, and a point as WKB in `geometry`, `remote_geometry`, `computed_geometry` |
//!
//! The layout depends on the table alone, never on its rows, so that files of many runs can be stacked.

use match_report::{ColumnInfo, Kind, Table};
use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as PhysicalType};
use parquet::errors::ParquetError;
use parquet::schema::types::{Type, TypePtr};
use std::sync::Arc;

/// What a Parquet column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Physical {
    /// UTF-8 text.
    Text,
    /// An id without sign.
    Id,
    /// A whole number.
    Whole,
    /// True or false.
    Truth,
    /// A number with so many decimals.
    Number {
        /// Decimals to which it is rounded.
        decimals: usize,
    },
    /// A moment, ms since the epoch.
    Utc,
    /// A wall clock, ms as if UTC.
    Wall,
    /// A point as WKB; the places of its longitude and latitude among the table's columns.
    Point {
        /// Place of the longitude.
        longitude: usize,
        /// Place of the latitude.
        latitude: usize,
    },
}

/// One column of a Parquet file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhysicalColumn {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub physical: Physical,
    /// The table's column that fills it; of a point, that of its longitude.
    pub from: usize,
}

/// The columns of a table in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Its columns: those of the table in their order, then the points.
    pub columns: Vec<PhysicalColumn>,
}

/// Columns of time that may hold wall clocks.
fn may_be_wall(table: Table, name: &str) -> bool {
    match table {
        Table::Matches => name == "captured_at",
        Table::Sequences => matches!(name, "first_captured_at" | "last_captured_at"),
        Table::Scan => matches!(name, "captured_at" | "camera_time"),
        _ => false,
    }
}

impl Layout {
    /// That of a table.
    pub fn of(table: Table, columns: &[ColumnInfo]) -> Self {
        let mut laid = Vec::new();
        for (from, column) in columns.iter().enumerate() {
            let mut put = |name: String, physical| laid.push(PhysicalColumn { name, physical, from });
            let name = column.name.to_owned();
            match column.kind {
                Kind::Time => {
                    put(name, Physical::Utc);
                    if may_be_wall(table, column.name) {
                        put(format!("{}_wall", column.name), Physical::Wall);
                    }
                }
                Kind::Id => put(name, Physical::Id),
                Kind::Whole => put(name, Physical::Whole),
                Kind::Truth => put(name, Physical::Truth),
                kind => put(name, kind.decimals().map_or(Physical::Text, |decimals| Physical::Number { decimals })),
            }
        }
        laid.extend(points(columns));
        Self { columns: laid }
    }

    /// The schema of the file.
    pub(crate) fn schema(&self) -> Result<TypePtr, ParquetError> {
        let fields: Result<Vec<TypePtr>, ParquetError> = self.columns.iter().map(field).collect();
        Ok(Arc::new(Type::group_type_builder("schema").with_fields(fields?).build()?))
    }
}

/// A point for each pair of longitude and latitude.
fn points(columns: &[ColumnInfo]) -> impl Iterator<Item = PhysicalColumn> + '_ {
    let place = |name: &str| columns.iter().position(|column| column.name == name);
    columns.iter().enumerate().filter_map(move |(longitude, column)| {
        let prefix = column.name.strip_suffix("longitude").filter(|_| column.kind == Kind::Coordinate)?;
        let latitude = place(&format!("{prefix}latitude"))?;
        let physical = Physical::Point { longitude, latitude };
        Some(PhysicalColumn { name: format!("{prefix}geometry"), physical, from: longitude })
    })
}

fn field(column: &PhysicalColumn) -> Result<TypePtr, ParquetError> {
    let (physical, logical) = match column.physical {
        Physical::Text => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
        Physical::Id => (PhysicalType::INT64, Some(LogicalType::integer(64, false))),
        Physical::Whole => (PhysicalType::INT64, Some(LogicalType::integer(64, true))),
        Physical::Truth => (PhysicalType::BOOLEAN, None),
        Physical::Number { .. } => (PhysicalType::DOUBLE, None),
        Physical::Utc => (PhysicalType::INT64, Some(LogicalType::timestamp(true, TimeUnit::MILLIS))),
        Physical::Wall => (PhysicalType::INT64, Some(LogicalType::timestamp(false, TimeUnit::MILLIS))),
        Physical::Point { .. } => (PhysicalType::BYTE_ARRAY, None),
    };
    let field = Type::primitive_type_builder(&column.name, physical)
        .with_logical_type(logical)
        .with_repetition(Repetition::OPTIONAL);
    Ok(Arc::new(field.build()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_has_a_layout_of_its_own_columns() {
        for table in Table::ALL {
            let columns = table.columns();
            let layout = Layout::of(table, &columns);
            assert!(layout.schema().is_ok(), "{table:?}");
            let names: Vec<&str> = layout.columns.iter().map(|column| column.name.as_str()).collect();
            let own: Vec<&str> =
                names.iter().copied().filter(|name| !name.contains("geometry") && !name.ends_with("_wall")).collect();
            let declared: Vec<&str> = columns.iter().map(|column| column.name).collect();
            assert_eq!(own, declared, "{table:?}");
            for column in &columns {
                let is_known = may_be_wall(table, column.name);
                assert!(!is_known || column.kind == Kind::Time, "{table:?} {}", column.name);
            }
        }
        let names = |table: Table| -> Vec<String> {
            let layout = Layout::of(table, &table.columns());
            layout
                .columns
                .into_iter()
                .map(|column| column.name)
                .filter(|name| name.contains("geometry") || name.ends_with("_wall"))
                .collect()
        };
        assert_eq!(names(Table::Matches), ["captured_at_wall", "geometry", "remote_geometry", "computed_geometry"]);
        assert_eq!(names(Table::Shifts), ["geometry", "computed_geometry"]);
        assert_eq!(names(Table::Sequences), ["first_captured_at_wall", "last_captured_at_wall"]);
    }
}
