//! What was written is read back as it was; what was spoilt is named by file, line and column.

use super::*;
use crate::matches_table::tests::with_report;
use crate::{CsvStyle, OutputKind, write_matches, write_sequences, write_shifts};
use adjustment_audit::Flag;
use capture_model::{ImageId, LocalTime, Reason, Status, WallClock};

/// The folder of a small run with awkward names in it.
fn folder(style: CsvStyle) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    with_report(|report| {
        let file = |name: &str| std::fs::File::create(folder.path().join(name)).unwrap();
        write_matches(report, OutputKind::Csv, style, &mut file(MATCHES)).unwrap();
        write_sequences(report, OutputKind::Csv, style, &mut file(SEQUENCES)).unwrap();
        let audit = adjustment_audit::audit(report.published, &[0, 1]);
        write_shifts(report.published, &audit, OutputKind::Csv, style, &mut file(SHIFTS)).unwrap();
    });
    folder
}

fn all<R: rows::Record>(records: Result<Records<R>, FolderError>) -> Vec<R> {
    records.unwrap().collect::<Result<_, _>>().unwrap()
}

#[test]
fn rows_come_back_as_they_were_written() {
    for style in [CsvStyle { guard: true }, CsvStyle { guard: false }] {
        let folder = folder(style);
        let report = ReportFolder::open(folder.path()).unwrap();
        let matches = all(report.matches());
        let paths: Vec<&str> = matches.iter().map(|row| row.path.as_str()).collect();
        let written = ["ride/a, \"b\".jpg", "=2+2.jpg", "ride/3.jpg", "ride/no place.jpg", "<b>&amp;.jpg"];
        assert_eq!(paths, written, "the guard is undone: {style:?}");
        let first = &matches[0];
        assert_eq!((first.status, first.reason), (Status::Matched, Reason::ExactAfterReplay));
        assert_eq!(first.image_id, Some(ImageId(498_763_468_214_164)));
        assert_eq!(first.sequence_id.as_ref().unwrap().as_str(), "-E5o7bTMH0UtscOYxhVwID");
        assert_eq!(first.also_published_as, [ImageId(26_858_300_993_768_842)]);
        let time = LocalTime::Wall(WallClock::from_ms_as_if_utc(1_716_028_867_250));
        assert_eq!(first.captured_at, Some(time), "a wall clock stays one");
        assert_eq!(first.remote_captured_at.unwrap().epoch_ms(), 1_716_025_267_250);
        assert_eq!((first.clock_offset_ms, first.time_delta_ms), (Some(-3_600_000), Some(0)));
        assert_eq!(first.computed_position.unwrap().lat(), 51.50551);
        let second = [(ImageId(26_858_300_993_768_842), 0.5312), (ImageId(498_763_468_214_164), 0.4688)];
        assert_eq!(matches[1].candidates, second);
        assert_eq!(matches[4].note, "the file ends after 12 bytes");
        let sequence = &all(report.sequences())[0];
        assert_eq!((sequence.images, sequence.rejected, sequence.clock_kind.as_str()), (4, 1, "zone"));
        assert_eq!(sequence.tiles, ["14/8188/5448"]);
        assert!(report.has_shifts());
        let shift = &all(report.shifts())[0];
        assert_eq!((shift.vector_m, shift.bearing_deg), (Some([1.39, 1.11]), Some(51.3)));
        assert_eq!((shift.altitude_m, shift.flags.iter().collect::<Vec<_>>()), (Some(12.346), vec![Flag::Moved]));
    }
}

#[test]
fn what_a_spreadsheet_does_to_a_table_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let text = "\u{feff}mine,reason,path,status,image_id\r\nx,exact,a.jpg,matched,18446744073709551615\r\n";
    std::fs::write(folder.path().join(MATCHES), text).unwrap();
    let rows = all(ReportFolder::open(folder.path()).unwrap().matches());
    assert_eq!((rows[0].path.as_str(), rows[0].image_id), ("a.jpg", Some(ImageId(u64::MAX))));
    assert_eq!((rows[0].position, rows[0].note.as_str()), (None, ""), "deleted columns are unknown");
}

/// The error that reading one table of matches ends with.
#[track_caller]
fn check(case: &str, text: &[u8], told: &str) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(MATCHES), text).unwrap();
    let report = ReportFolder::open(folder.path()).unwrap();
    let rows: Result<Vec<MatchRecord>, FolderError> = report.matches().and_then(Iterator::collect);
    let error = rows.expect_err(case);
    assert!(error.is_broken_input(), "{case}");
    let error = error.to_string();
    assert!(error.contains("matches.csv") && error.contains(told), "{case}: {error}");
}

#[test]
fn spoilt_tables_are_named_by_line_and_column() {
    let header = "path,status,reason,image_id,longitude,latitude,captured_at,candidates,candidate_probabilities\n";
    let with = |row: &str| format!("{header}ok.jpg,unmatched,no_coverage,,,,,,\n{row}\n").into_bytes();
    check("no report", b"id,name\n1,2\n", "no column `path`");
    check("empty", b"", "no column `path`");
    check("a float id", &with("a.jpg,matched,exact,1.5e3,,,,,"), "line 3, column `image_id`: \"1.5e3\" is not an id");
    check("no status", &with("a.jpg,,exact,1,,,,,"), "line 3, column `status`");
    check("a strange reason", &with("a.jpg,matched,because,1,,,,,"), "column `reason`: \"because\"");
    check("a reason of another status", &with("a.jpg,unmatched,exact,,,,,,"), "a reason of the status beside it");
    check("a place off the globe", &with("a.jpg,matched,exact,1,7,91,,,"), "column `latitude`: \"7,91\"");
    check("a time of a spreadsheet", &with("a.jpg,matched,exact,1,,,18.05.2024 10:41,,"), "column `captured_at`");
    check("candidates cut", &with("a.jpg,ambiguous,twin_set,,,,,1|2,0.5"), "one probability for each candidate");
    check("a row cut short", &with("a.jpg,matc"), "line 3: 2 cells where the header has 9");
    check("no text", &[header.as_bytes(), b"\xff.jpg,matched,exact,1,,,,,\n"].concat(), "line 2: invalid utf-8");
}

#[test]
fn folders_without_a_report_say_what_makes_one() {
    let folder = tempfile::tempdir().unwrap();
    let error = ReportFolder::open(folder.path()).unwrap_err();
    assert!(!error.is_broken_input() && error.to_string().contains("tiepoint reconcile PATH --out DIR"), "{error}");
    std::fs::write(folder.path().join(MATCHES), "path,status,reason\n").unwrap();
    let report = ReportFolder::open(folder.path()).unwrap();
    assert!(!report.has_shifts() && report.shifts().is_err());
    assert_eq!(all(report.matches()), []);
}
