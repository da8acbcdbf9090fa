//! Takes a table and writes it as Parquet, a group of rows at a time.

use crate::geo::{self, Extent};
use crate::layout::{Layout, Physical, PhysicalColumn};
use capture_model::LocalTime;
use match_report::{Cell, ColumnInfo, Kind, ReportError, Table, TableSink};
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use serde_json::json;
use std::io::Write;
use std::sync::Arc;

/// Rows of a group: a few tens of megabytes are held, and readers can work on several groups at once.
const ROWS_OF_A_GROUP: usize = 1 << 16;

/// A table on its way into a Parquet file.
pub struct ParquetSink<'w> {
    table: Table,
    out: &'w mut dyn Write,
    open: Option<Open>,
}

/// What exists between the first and the last row.
struct Open {
    /// Writes into memory, which is emptied after each group: the way out need not be `Send`.
    writer: SerializedFileWriter<Vec<u8>>,
    layout: Layout,
    kinds: Vec<Kind>,
    buffers: Vec<Buffer>,
    n_rows: usize,
}

impl<'w> ParquetSink<'w> {
    /// A sink for one table.
    pub fn new(table: Table, out: &'w mut dyn Write) -> Self {
        Self { table, out, open: None }
    }
}

impl TableSink for ParquetSink<'_> {
    fn begin(&mut self, columns: &[ColumnInfo]) -> Result<(), ReportError> {
        let layout = Layout::of(self.table, columns);
        let packing = Compression::ZSTD(ZstdLevel::try_new(1).map_err(stream)?);
        let properties = WriterProperties::builder()
            .set_compression(packing)
            .set_created_by(concat!("tiepoint ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let schema = layout.schema().map_err(stream)?;
        let writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).map_err(stream)?;
        let buffers = layout.columns.iter().map(|column| Buffer::new(column.physical)).collect();
        let kinds = columns.iter().map(|column| column.kind).collect();
        self.open = Some(Open { writer, layout, kinds, buffers, n_rows: 0 });
        Ok(())
    }

    fn row(&mut self, cells: &mut dyn Iterator<Item = Cell<'_>>) -> Result<(), ReportError> {
        let open = self.open.as_mut().expect("a table begins before its rows");
        let cells: Vec<Cell<'_>> = cells.collect();
        for (column, buffer) in open.layout.columns.iter().zip(&mut open.buffers) {
            let cell = cells.get(column.from).unwrap_or(&Cell::Empty);
            if let Physical::Point { longitude, latitude } = column.physical {
                buffer.point(cells.get(longitude), cells.get(latitude));
            } else {
                buffer.cell(cell, column.physical, open.kinds[column.from]);
            }
        }
        open.n_rows += 1;
        if open.n_rows == ROWS_OF_A_GROUP {
            open.end_group(self.out)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        let mut open = self.open.take().expect("a table begins before it ends");
        open.end_group(self.out)?;
        let points: Vec<(&str, Extent)> = open
            .layout
            .columns
            .iter()
            .zip(&open.buffers)
            .filter(|(column, _)| matches!(column.physical, Physical::Point { .. }))
            .map(|(column, buffer)| (column.name.as_str(), buffer.extent))
            .collect();
        if let Some(told) = geo::metadata(&points) {
            open.writer.append_key_value_metadata(KeyValue::new(geo::KEY.to_owned(), told));
        }
        let pandas = pandas_metadata(&open.layout);
        open.writer.append_key_value_metadata(KeyValue::new("pandas".to_owned(), pandas));
        let rest = open.writer.into_inner().map_err(stream)?;
        self.out.write_all(&rest)?;
        Ok(self.out.flush()?)
    }
}

impl Open {
    /// Writes the rows that are held.
    fn end_group(&mut self, out: &mut dyn Write) -> Result<(), ReportError> {
        if self.n_rows > 0 {
            self.n_rows = 0;
            write_group(&mut self.writer, &mut self.buffers).map_err(stream)?;
            self.writer.flush()?;
            out.write_all(&std::mem::take(self.writer.inner_mut()))?;
        }
        Ok(())
    }
}

fn write_group(writer: &mut SerializedFileWriter<Vec<u8>>, buffers: &mut [Buffer]) -> Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    for buffer in buffers {
        let Some(mut column) = group.next_column()? else { break };
        let levels = Some(buffer.levels.as_slice());
        match &buffer.values {
            Values::Bytes(values) => column.typed::<ByteArrayType>().write_batch(values, levels, None)?,
            Values::Whole(values) => column.typed::<Int64Type>().write_batch(values, levels, None)?,
            Values::Number(values) => column.typed::<DoubleType>().write_batch(values, levels, None)?,
            Values::Truth(values) => column.typed::<BoolType>().write_batch(values, levels, None)?,
        };
        column.close()?;
        buffer.clear();
    }
    group.close()?;
    Ok(())
}

/// What keeps pandas from making floats of whole numbers where some are missing: ids beyond 2^53 would change.
fn pandas_metadata(layout: &Layout) -> String {
    let types = |physical| match physical {
        Physical::Id => Some(("uint64", "UInt64")),
        Physical::Whole => Some(("int64", "Int64")),
        Physical::Truth => Some(("bool", "boolean")),
        _ => None,
    };
    let column = |column: &PhysicalColumn| {
        let (pandas, numpy) = types(column.physical)?;
        let name = &column.name;
        Some(json!({"name": name, "field_name": name, "pandas_type": pandas, "numpy_type": numpy, "metadata": null}))
    };
    let columns: Vec<_> = layout.columns.iter().filter_map(column).collect();
    json!({"columns": columns, "index_columns": [], "column_indexes": [], "pandas_version": "2.0.0"}).to_string()
}

fn stream(error: ParquetError) -> ReportError {
    ReportError::Stream(std::io::Error::other(error))
}

/// The values of one column of one group; a level is 1 where a row has a value.
struct Buffer {
    levels: Vec<i16>,
    values: Values,
    /// Of a column of points, over all groups.
    extent: Extent,
    text: String,
}

enum Values {
    Bytes(Vec<ByteArray>),
    Whole(Vec<i64>),
    Number(Vec<f64>),
    Truth(Vec<bool>),
}

impl Buffer {
    fn new(physical: Physical) -> Self {
        let values = match physical {
            Physical::Text | Physical::Point { .. } => Values::Bytes(Vec::new()),
            Physical::Id | Physical::Whole | Physical::Utc | Physical::Wall => Values::Whole(Vec::new()),
            Physical::Number { .. } => Values::Number(Vec::new()),
            Physical::Truth => Values::Truth(Vec::new()),
        };
        Self { levels: Vec::new(), values, extent: Extent::default(), text: String::new() }
    }

    fn clear(&mut self) {
        self.levels.clear();
        match &mut self.values {
            Values::Bytes(values) => values.clear(),
            Values::Whole(values) => values.clear(),
            Values::Number(values) => values.clear(),
            Values::Truth(values) => values.clear(),
        }
    }

    fn cell(&mut self, cell: &Cell<'_>, physical: Physical, kind: Kind) {
        let is_there = match (&mut self.values, physical, cell) {
            (Values::Bytes(values), _, cell) => {
                self.text.clear();
                cell.write_to(kind, &mut self.text);
                if !self.text.is_empty() {
                    values.push(ByteArray::from(self.text.as_str()));
                }
                !self.text.is_empty()
            }
            (Values::Whole(values), Physical::Id, Cell::Id(id)) => push(values, id.cast_signed()), // unsigned by its logical type
            (Values::Whole(values), Physical::Whole, Cell::Whole(number)) => push(values, *number),
            (Values::Whole(values), Physical::Utc, Cell::Time(LocalTime::Absolute(time))) => {
                push(values, time.epoch_ms())
            }
            (Values::Whole(values), Physical::Wall, Cell::Time(LocalTime::Wall(time))) => {
                push(values, time.ms_as_if_utc())
            }
            (Values::Number(values), Physical::Number { decimals }, Cell::Number(number)) if number.is_finite() => {
                push(values, rounded(*number, decimals))
            }
            (Values::Truth(values), _, Cell::Truth(truth)) => push(values, *truth),
            _ => false,
        };
        self.levels.push(i16::from(is_there));
    }

    fn point(&mut self, longitude: Option<&Cell<'_>>, latitude: Option<&Cell<'_>>) {
        let number = |cell: Option<&Cell<'_>>| match cell {
            Some(Cell::Number(number)) if number.is_finite() => Some(rounded(*number, 7)),
            _ => None,
        };
        let place = number(longitude).zip(number(latitude));
        if let (Some((longitude, latitude)), Values::Bytes(values)) = (place, &mut self.values) {
            values.push(ByteArray::from(geo::point(longitude, latitude)));
            self.extent.add(longitude, latitude);
        }
        self.levels.push(i16::from(place.is_some()));
    }
}

fn push<T>(values: &mut Vec<T>, value: T) -> bool {
    values.push(value);
    true
}

/// The number that CSV shows: whole steps over a power of ten round to the nearest double of that decimal.
fn rounded(number: f64, decimals: usize) -> f64 {
    let scale = 10_f64.powi(decimals as i32);
    let rounded = (number * scale).round() / scale;
    if rounded.is_finite() { rounded + 0.0 } else { number } // adding 0 turns -0 into 0
}
