//! `uploads.csv`: where each upload stands.

use crate::table::{Cell, Column, Kind, TableSink, column, send, write_table};
use crate::{CsvStyle, OutputKind, ReportError};
use capture_model::{CapturedAt, ClusterId, ImageId, LocalTime};
use std::io::Write;

/// One upload. Words are the service's, in lower case; empty where it says nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UploadRow {
    /// The upload; `None` for one that no id is known of.
    pub cluster_id: Option<ClusterId>,
    /// What kind of upload.
    pub kind: String,
    /// The whole of it, or `not_found`.
    pub status: String,
    /// The stage that it is at, of our own list.
    pub stage: &'static str,
    /// First stage.
    pub ingestion: String,
    /// Second stage.
    pub initial_processing: String,
    /// Third stage.
    pub anonymization: String,
    /// Fourth stage.
    pub tiler: String,
    /// What went wrong.
    pub error_code: String,
    /// Images in it, as the service counts.
    pub item_count: Option<u64>,
    /// One image of it.
    pub image_id: Option<ImageId>,
    /// Sequences that it became, joined by `|`.
    pub sequence_ids: String,
    /// When it was uploaded.
    pub created_at: Option<CapturedAt>,
    /// When its first image was taken.
    pub captured_at: Option<CapturedAt>,
    /// Hours since it was uploaded.
    pub age_hours: Option<f64>,
    /// Time zone of the place, as the service writes it.
    pub timezone: String,
    /// The local sequence, or path, that went with it.
    pub local_sequence: String,
    /// Further words.
    pub note: String,
}

/// Writes uploads as CSV or JSON lines.
pub fn write_uploads(
    rows: &[UploadRow],
    kind: OutputKind,
    style: CsvStyle,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    write_table(kind, style, out, |sink| send_uploads(rows, sink))
}

/// Sends uploads to any sink.
pub fn send_uploads(rows: &[UploadRow], sink: &mut dyn TableSink) -> Result<(), ReportError> {
    send(&columns(), rows.iter(), sink)
}

/// The contract: these columns, in this order. Words of the service are guarded like anybody's.
pub(crate) fn columns<'a>() -> [Column<&'a UploadRow>; 18] {
    [
        column("cluster_id", Kind::Id, "The upload", |row| Cell::of(row.cluster_id, |id| Cell::Id(id.0))),
        column("type", Kind::Text, "What kind of upload, in the service's words", |row| Cell::text(&*row.kind)),
        column("status", Kind::Text, "The whole of it, in the service's words; not_found where it is nowhere", |row| {
            Cell::text(&*row.status)
        }),
        column("stage", Kind::Word, "ingestion, image_processing, map_data, map_update or in_tiles", |row| {
            Cell::text(row.stage)
        }),
        column("ingestion", Kind::Text, "First stage, in the service's words", |row| Cell::text(&*row.ingestion)),
        column("initial_processing", Kind::Text, "Second stage, image processing", |row| {
            Cell::text(&*row.initial_processing)
        }),
        column("anonymization", Kind::Text, "Third stage, map data", |row| Cell::text(&*row.anonymization)),
        column("tiler", Kind::Text, "Fourth stage, map update", |row| Cell::text(&*row.tiler)),
        column("error_code", Kind::Text, "What went wrong, as the service writes it", |row| {
            Cell::text(&*row.error_code)
        }),
        column("item_count", Kind::Whole, "Images in it, as the service counts", |row| {
            Cell::of(row.item_count.and_then(|count| i64::try_from(count).ok()), Cell::Whole)
        }),
        column("image_id", Kind::Id, "One image of it", |row| Cell::of(row.image_id, |id| Cell::Id(id.0))),
        column("sequence_id", Kind::Keys, "The published sequence that it became", |row| {
            Cell::text(&*row.sequence_ids)
        }),
        column("created_at", Kind::Time, "When it was uploaded", |row| time(row.created_at)),
        column("captured_at", Kind::Time, "When its first image was taken", |row| time(row.captured_at)),
        column("age_hours", Kind::Metres, "Hours since it was uploaded", |row| Cell::of(row.age_hours, Cell::Number)),
        column("timezone", Kind::Text, "Time zone of the place, as the service writes it", |row| {
            Cell::text(&*row.timezone)
        }),
        column("local_sequence", Kind::Text, "The local sequence, or path, that went with it", |row| {
            Cell::text(&*row.local_sequence)
        }),
        column("note", Kind::Text, "What the words mean, what was checked, and what to do next", |row| {
            Cell::text(&*row.note)
        }),
    ]
}

fn time(time: Option<CapturedAt>) -> Cell<'static> {
    Cell::of(time, |time| Cell::Time(LocalTime::Absolute(time)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uploads_are_written_as_the_contract_says() {
        let rows = [
            UploadRow {
                cluster_id: Some(ClusterId(151_552_211_058_876)),
                kind: "upload".into(),
                status: "finished".into(),
                stage: "in_tiles",
                item_count: Some(43),
                image_id: Some(ImageId(26_858_300_993_768_842)),
                sequence_ids: "-d7DlxwUTp6JZaIWKHGtnM".into(),
                created_at: Some(CapturedAt::from_epoch_ms(1_683_759_912_000)),
                age_hours: Some(1.5),
                timezone: "EUROPE_MADRID".into(),
                local_sequence: "=2+2".into(),
                ..UploadRow::default()
            },
            UploadRow { cluster_id: Some(ClusterId(5)), status: "not_found".into(), ..UploadRow::default() },
            UploadRow { status: "@shout".into(), note: "a, b".into(), ..UploadRow::default() },
        ];
        let mut out = Vec::new();
        write_uploads(&rows, OutputKind::Csv, CsvStyle { guard: true }, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(
            lines,
            [
                "151552211058876,upload,finished,in_tiles,,,,,,43,26858300993768842,-d7DlxwUTp6JZaIWKHGtnM,\
                 2023-05-10T23:05:12.000Z,,1.50,EUROPE_MADRID,'=2+2,",
                "5,,not_found,,,,,,,,,,,,,,,",
                ",,'@shout,,,,,,,,,,,,,,,\"a, b\"",
            ]
        );
    }
}
