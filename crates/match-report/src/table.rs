//! Cells, columns, and the writers that turn them into CSV or JSON lines.
//!
//! CSV: RFC 4180, LF, a header always; coordinates 7 decimals, metres 2 (altitudes 3), angles 2, probabilities 4. Text cells
//! that a spreadsheet would run get a leading `'`; numbers, times and validated ids never do.

use crate::ReportError;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

/// What a file's ending says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputKind {
    /// `.csv`
    Csv,
    /// `.jsonl`
    JsonLines,
    /// `.geojson`
    GeoJson,
}

impl OutputKind {
    /// The kind of a file by its ending; `None` for an ending that says nothing.
    pub fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "csv" => Some(Self::Csv),
            "jsonl" => Some(Self::JsonLines),
            "geojson" => Some(Self::GeoJson),
            _ => None,
        }
    }
}

/// How CSV is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CsvStyle {
    /// Whether text cells are guarded against spreadsheets.
    pub guard: bool,
}

impl Default for CsvStyle {
    fn default() -> Self {
        Self { guard: true }
    }
}

/// One value with its meaning, which decides how it is written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell<'a> {
    /// Unknown or not applicable.
    Empty,
    /// Somebody's words: guarded.
    Text(Cow<'a, str>),
    /// Our own words, times, validated ids: never guarded.
    Word(Cow<'a, str>),
    /// An id: text in JSON, because it may pass 2^53.
    Id(u64),
    Whole(i64),
    Truth(bool),
    /// Degrees of a coordinate, 7 decimals.
    Coordinate(f64),
    /// Metres, 2 decimals.
    Metres(f64),
    /// Altitude in metres, 3 decimals.
    Altitude(f64),
    /// Degrees of an angle, 2 decimals.
    Angle(f64),
    /// 4 decimals.
    Probability(f64),
}

impl<'a> Cell<'a> {
    /// A word, or nothing where there is none.
    pub(crate) fn word(word: impl Into<Cow<'a, str>>) -> Self {
        let word = word.into();
        if word.is_empty() { Self::Empty } else { Self::Word(word) }
    }

    /// Somebody's text, or nothing where there is none.
    pub(crate) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Empty } else { Self::Text(text) }
    }

    /// A value that may be missing.
    pub(crate) fn of<T>(value: Option<T>, cell: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Empty, cell)
    }

    /// The text of the cell; empty for nothing and for numbers that are none.
    fn write_to(&self, out: &mut String) {
        match self {
            Self::Empty => {}
            Self::Text(text) | Self::Word(text) => out.push_str(text),
            Self::Id(id) => {
                let _ = write!(out, "{id}");
            }
            Self::Whole(number) => {
                let _ = write!(out, "{number}");
            }
            Self::Truth(truth) => out.push_str(if *truth { "true" } else { "false" }),
            Self::Coordinate(number) => fixed(*number, 7, out),
            Self::Metres(number) | Self::Angle(number) => fixed(*number, 2, out),
            Self::Altitude(number) => fixed(*number, 3, out),
            Self::Probability(number) => fixed(*number, 4, out),
        }
    }
}

/// A number with fixed decimals; never `-0.00`, nothing when it is no number.
fn fixed(number: f64, decimals: usize, out: &mut String) {
    if !number.is_finite() {
        return;
    }
    let start = out.len();
    let _ = write!(out, "{number:.decimals$}");
    if out[start..].starts_with('-') && out[start + 1..].bytes().all(|byte| byte == b'0' || byte == b'.') {
        out.remove(start);
    }
}

/// Writes rows of cells.
pub(crate) struct TableWriter<'w> {
    columns: &'static [&'static str],
    kind: Sink<'w>,
    style: CsvStyle,
    cell: String,
}

enum Sink<'w> {
    Csv(Box<csv::Writer<&'w mut dyn Write>>),
    JsonLines(&'w mut dyn Write),
}

impl<'w> TableWriter<'w> {
    /// Begins a table; CSV gets its header at once.
    pub(crate) fn new(
        columns: &'static [&'static str],
        kind: OutputKind,
        style: CsvStyle,
        out: &'w mut dyn Write,
    ) -> Result<Self, ReportError> {
        let kind = match kind {
            OutputKind::JsonLines => Sink::JsonLines(out),
            OutputKind::Csv | OutputKind::GeoJson => {
                let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(out);
                writer.write_record(columns).map_err(stream)?;
                Sink::Csv(Box::new(writer))
            }
        };
        Ok(Self { columns, kind, style, cell: String::new() })
    }

    /// One row; its cells stand in the order of the columns.
    pub(crate) fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), ReportError> {
        debug_assert_eq!(cells.len(), self.columns.len(), "a cell for each column");
        match &mut self.kind {
            Sink::Csv(writer) => {
                for cell in cells {
                    self.cell.clear();
                    if let Cell::Text(text) = cell
                        && self.style.guard
                        && text.starts_with(['=', '+', '-', '@', '\t', '\r'])
                    {
                        self.cell.push('\'');
                    }
                    cell.write_to(&mut self.cell);
                    writer.write_field(&self.cell).map_err(stream)?;
                }
                writer.write_record(None::<&[u8]>).map_err(stream)?;
            }
            Sink::JsonLines(out) => {
                let mut line = String::from("{");
                for (name, cell) in self.columns.iter().zip(cells) {
                    self.cell.clear();
                    cell.write_to(&mut self.cell);
                    if self.cell.is_empty() {
                        continue;
                    }
                    if line.len() > 1 {
                        line.push(',');
                    }
                    let is_text = matches!(cell, Cell::Text(_) | Cell::Word(_) | Cell::Id(_));
                    let _ = write!(line, "{}:", serde_json::Value::from(*name));
                    if is_text {
                        let _ = write!(line, "{}", serde_json::Value::from(self.cell.as_str()));
                    } else {
                        line.push_str(&self.cell);
                    }
                }
                line.push_str("}\n");
                out.write_all(line.as_bytes())?;
            }
        }
        Ok(())
    }

    /// Ends the table.
    pub(crate) fn finish(self) -> Result<(), ReportError> {
        match self.kind {
            Sink::Csv(mut writer) => Ok(writer.flush()?),
            Sink::JsonLines(out) => Ok(out.flush()?),
        }
    }
}

/// The cells of a row as a JSON object, numbers as numbers and ids as text.
pub(crate) fn json_object(columns: &[&'static str], cells: &[Cell<'_>]) -> serde_json::Map<String, serde_json::Value> {
    let mut object = serde_json::Map::new();
    for (name, cell) in columns.iter().zip(cells) {
        let mut text = String::new();
        cell.write_to(&mut text);
        if text.is_empty() {
            continue;
        }
        let value = match cell {
            Cell::Text(_) | Cell::Word(_) | Cell::Id(_) => serde_json::Value::from(text),
            _ => text.parse().map(serde_json::Value::Number).unwrap_or(serde_json::Value::from(text)),
        };
        object.insert((*name).to_owned(), value);
    }
    object
}

fn stream(error: csv::Error) -> ReportError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => ReportError::Stream(error),
        other => ReportError::Stream(std::io::Error::other(format!("{other:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[&str] = &["path", "id", "longitude", "probability", "note"];

    fn write(kind: OutputKind, guard: bool) -> String {
        let mut out: Vec<u8> = Vec::new();
        let mut table = TableWriter::new(COLUMNS, kind, CsvStyle { guard }, &mut out).unwrap();
        let row = |path: &'static str, id, longitude, probability, note: &'static str| {
            [
                Cell::text(path),
                Cell::Id(id),
                Cell::Coordinate(longitude),
                Cell::Probability(probability),
                Cell::text(note),
            ]
        };
        table.row(&row("ride/a, \"b\".jpg", 26_858_300_993_768_842, -1e-9, 0.999_96, "")).unwrap();
        table.row(&row("=2+2.jpg", 1, f64::NAN, 0.5, "-minus")).unwrap();
        table.row(&row("two\nlines.jpg", 2, -179.999_999_99, 0.0, "ключ")).unwrap();
        table.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn csv_is_as_the_contract_says() {
        insta::assert_snapshot!(write(OutputKind::Csv, true), @r#"
        path,id,longitude,probability,note
        "ride/a, ""b"".jpg",26858300993768842,0.0000000,1.0000,
        '=2+2.jpg,1,,0.5000,'-minus
        "two
        lines.jpg",2,-180.0000000,0.0000,ключ
        "#);
        assert!(write(OutputKind::Csv, false).contains("\n=2+2.jpg,"));
    }

    #[test]
    fn json_lines_keep_numbers_and_ids_apart() {
        insta::assert_snapshot!(write(OutputKind::JsonLines, true), @r#"
        {"path":"ride/a, \"b\".jpg","id":"26858300993768842","longitude":0.0000000,"probability":1.0000}
        {"path":"=2+2.jpg","id":"1","probability":0.5000,"note":"-minus"}
        {"path":"two\nlines.jpg","id":"2","longitude":-180.0000000,"probability":0.0000,"note":"ключ"}
        "#);
    }

    #[test]
    fn endings_say_the_kind() {
        assert_eq!(OutputKind::of(Path::new("a/B.CSV")), Some(OutputKind::Csv));
        assert_eq!(OutputKind::of(Path::new("a.parquet")), None);
        assert_eq!(OutputKind::of(Path::new("csv")), None);
    }
}
