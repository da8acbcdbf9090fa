//! The rules of writing, with awkward values in; and the two formats against readers of their own.

use super::csv_sink::GUARDED;
use super::*;
use capture_model::{CapturedAt, LocalTime, WallClock};
use proptest::prelude::*;

struct Row {
    path: &'static str,
    key: &'static str,
    id: u64,
    longitude: f64,
    share: f64,
    time: Option<LocalTime>,
}

fn columns() -> [Column<Row>; 6] {
    [
        column("path", Kind::Text, "Where", |row| Cell::text(row.path)),
        column("key", Kind::Keys, "Which", |row| Cell::text(row.key)),
        column("id", Kind::Id, "Who", |row| Cell::Id(row.id)),
        column("longitude", Kind::Coordinate, "East", |row| Cell::Number(row.longitude)),
        column("share", Kind::Probability, "How sure", |row| Cell::Number(row.share)),
        column("time", Kind::Time, "When", |row| Cell::of(row.time, Cell::Time)),
    ]
}

fn written(kind: OutputKind, guard: bool) -> String {
    let wall = LocalTime::Wall(WallClock::from_ms_as_if_utc(1_716_028_867_250));
    let utc = LocalTime::Absolute(CapturedAt::from_epoch_ms(-1));
    let row = |path, key, id, longitude, share, time| Row { path, key, id, longitude, share, time };
    let rows = [
        row("ride/a, \"b\".jpg", "-E5o7bTMH0UtscOYxhVwID", 26_858_300_993_768_842, -1e-9, 0.999_96, Some(wall)),
        row("=2+2.jpg", "-my own key", 1, f64::NAN, 0.5, Some(utc)),
        row("two\nlines.jpg", "a|-b", u64::MAX, -179.999_999_99, 0.0, None),
        row("ключ\u{202e}gpj.jpg", "", 2, f64::INFINITY, -0.00004, None),
        row("\t@\r", "a b|c", 3, -0.1, 1.0, None),
    ];
    let mut out: Vec<u8> = Vec::new();
    write_table(kind, CsvStyle { guard }, &mut out, |sink| send(&columns(), rows.into_iter(), sink)).unwrap();
    String::from_utf8(out).unwrap().replace('\u{202e}', "«RLO»").replace('\r', "␍")
}

#[test]
fn csv_is_as_the_contract_says() {
    insta::assert_snapshot!(written(OutputKind::Csv, true), @r#"
    path,key,id,longitude,share,time
    "ride/a, ""b"".jpg",-E5o7bTMH0UtscOYxhVwID,26858300993768842,0.0000000,1.0000,2024-05-18T10:41:07.250
    '=2+2.jpg,'-my own key,1,,0.5000,1969-12-31T23:59:59.999Z
    "two
    lines.jpg",a|-b,18446744073709551615,-180.0000000,0.0000,
    ключ«RLO»gpj.jpg,,2,,0.0000,
    "'	@␍",a b|c,3,-0.1000000,1.0000,
    "#);
    assert!(written(OutputKind::Csv, false).contains("\n=2+2.jpg,-my own key,"));
}

#[test]
fn json_lines_keep_numbers_and_ids_apart() {
    insta::assert_snapshot!(written(OutputKind::JsonLines, true), @r#"
    {"path":"ride/a, \"b\".jpg","key":"-E5o7bTMH0UtscOYxhVwID","id":"26858300993768842","longitude":0.0000000,"share":1.0000,"time":"2024-05-18T10:41:07.250"}
    {"path":"=2+2.jpg","key":"-my own key","id":"1","share":0.5000,"time":"1969-12-31T23:59:59.999Z"}
    {"path":"two\nlines.jpg","key":"a|-b","id":"18446744073709551615","longitude":-180.0000000,"share":0.0000}
    {"path":"ключ«RLO»gpj.jpg","id":"2","share":0.0000}
    {"path":"\t@\r","key":"a b|c","id":"3","longitude":-0.1000000,"share":1.0000}
    "#);
}

#[test]
fn endings_say_the_kind() {
    for (path, kind) in [
        ("a/B.CSV", Some(OutputKind::Csv)),
        ("x.jsonl", Some(OutputKind::JsonLines)),
        ("x.csv.geojson", Some(OutputKind::GeoJson)),
        ("a.parquet", None),
        ("csv", None),
        (".csv", None),
    ] {
        assert_eq!(OutputKind::of(Path::new(path)), kind, "{path}");
    }
}

#[derive(Debug)]
struct Anything {
    text: String,
    key: String,
    number: f64,
    whole: i64,
    id: u64,
}

fn any_columns() -> [Column<Anything>; 7] {
    [
        column("text", Kind::Text, "", |row| Cell::text(row.text.as_str())),
        column("key", Kind::Keys, "", |row| Cell::text(row.key.as_str())),
        column("coordinate", Kind::Coordinate, "", |row| Cell::Number(row.number)),
        column("metres", Kind::Metres, "", |row| Cell::Number(row.number)),
        column("whole", Kind::Whole, "", |row| Cell::Whole(row.whole)),
        column("id", Kind::Id, "", |row| Cell::Id(row.id)),
        column("truth", Kind::Truth, "", |row| Cell::Truth(row.id % 2 == 0)),
    ]
}

prop_compose! {
    fn anything()(
        text in "[=+@'\\-\\t\\r\\n\\x00,\"a-c\u{202e}é ]{0,6}", key in "[-=a-z|_ ]{0,8}",
        number in prop_oneof![any::<f64>(), -1e3..1e3_f64], whole: i64, id: u64,
    ) -> Anything {
        Anything { text, key, number, whole, id }
    }
}

fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !text.is_empty() && digits.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

proptest! {
    /// No cell of somebody's words begins a formula, numbers are numbers, and what was written is read back.
    #[test]
    fn csv_gives_back_what_it_was_given(rows in proptest::collection::vec(anything(), 1..8)) {
        let expected: Vec<(String, String, i64, u64)> =
            rows.iter().map(|row| (row.text.clone(), row.key.clone(), row.whole, row.id)).collect();
        let mut out = Vec::new();
        let style = CsvStyle::default();
        write_table(OutputKind::Csv, style, &mut out, |sink| send(&any_columns(), rows.into_iter(), sink)).unwrap();
        let mut reader = csv::Reader::from_reader(out.as_slice());
        let read: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        prop_assert_eq!(read.len(), expected.len());
        let mut by_crate = csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
        by_crate.write_record(reader.headers().unwrap()).unwrap();
        read.iter().for_each(|record| by_crate.write_record(record).unwrap());
        prop_assert_eq!(&by_crate.into_inner().unwrap(), &out, "quotes are those of the csv crate");
        for (record, (text, key, whole, id)) in read.iter().zip(expected) {
            prop_assert!(!record[0].starts_with(GUARDED), "{:?} runs", &record[0]);
            let unguarded = record[0].strip_prefix('\'').filter(|rest| rest.starts_with(GUARDED)).unwrap_or(&record[0]);
            prop_assert!(unguarded == text || record[0] == text, "{record:?} {text:?}");
            prop_assert!(record[1] == key || record[1] == format!("'{key}"), "{} for {key}", &record[1]);
            for number in [&record[2], &record[3]] {
                prop_assert!(number.is_empty() || is_decimal(number), "{number}");
                prop_assert!(number.parse::<f64>().map_or(true, |n| n != 0.0 || n.is_sign_positive()), "{number}");
            }
            prop_assert_eq!(record[4].parse::<i64>().unwrap(), whole);
            prop_assert_eq!(record[5].parse::<u64>().unwrap(), id);
        }
    }

    #[test]
    fn json_lines_give_back_what_they_were_given(row in anything()) {
        let (text, key, id) = (row.text.clone(), row.key.clone(), row.id.to_string());
        let mut out = Vec::new();
        let style = CsvStyle::default();
        let rows = std::iter::once(row);
        write_table(OutputKind::JsonLines, style, &mut out, |sink| send(&any_columns(), rows, sink)).unwrap();
        prop_assert_eq!(out.split(|&byte| byte == b'\n').count(), 2, "a row is a line");
        let read: serde_json::Value = serde_json::from_slice(&out).unwrap();
        prop_assert_eq!(read["text"].as_str().unwrap_or(""), text);
        prop_assert_eq!(read["key"].as_str().unwrap_or(""), key);
        prop_assert_eq!(read["id"].as_str(), Some(id.as_str()));
        prop_assert!(read["coordinate"].is_null() || read["coordinate"].is_number());
    }
}

#[test]
fn bytes_and_characters_that_begin_a_formula_are_the_same() {
    for byte in 0..=u8::MAX {
        assert_eq!(super::csv_sink::may_begin_formula(byte), GUARDED.contains(&char::from(byte)), "{byte}");
    }
}

struct Moved(Option<[f64; 2]>, Option<[f64; 2]>);

#[test]
fn a_table_with_places_is_drawn_and_one_without_is_refused() {
    fn cell(place: Option<[f64; 2]>, axis: usize) -> Cell<'static> {
        Cell::of(place.map(|place| place[axis]), Cell::Number)
    }
    let columns: [Column<Moved>; 4] = [
        column("latitude", Kind::Coordinate, "North", |row| cell(row.0, 1)),
        column("longitude", Kind::Coordinate, "East", |row| cell(row.0, 0)),
        column("computed_longitude", Kind::Coordinate, "East", |row| cell(row.1, 0)),
        column("computed_latitude", Kind::Coordinate, "North", |row| cell(row.1, 1)),
    ];
    let rows = || {
        let (a, b) = (Some([8.5, 49.0]), Some([8.5, 49.25]));
        [Moved(a, b), Moved(a, a), Moved(a, None), Moved(None, None)].into_iter()
    };
    let drawn = |columns: &[Column<Moved>]| -> Result<serde_json::Value, ReportError> {
        let mut out: Vec<u8> = Vec::new();
        write_table(OutputKind::GeoJson, CsvStyle::default(), &mut out, |sink| send(columns, rows(), sink))?;
        Ok(serde_json::from_slice(&out).unwrap())
    };
    let kinds = |columns: &[Column<Moved>]| -> Vec<String> {
        let drawn = drawn(columns).unwrap();
        let kind = |feature: &serde_json::Value| feature["properties"]["kind"].as_str().unwrap().to_owned();
        drawn["features"].as_array().unwrap().iter().map(kind).collect()
    };
    assert_eq!(kinds(&columns), ["published", "computed", "shift", "published", "computed", "published"]);
    assert_eq!(kinds(&columns[..2]), ["local"; 3]);
    assert!(matches!(drawn(&columns[2..]), Err(ReportError::NotADrawing)));
    let first = drawn(&columns).unwrap()["features"][0].clone();
    assert_eq!(first["geometry"]["coordinates"], serde_json::json!([8.5, 49]));
    assert_eq!(first["properties"]["computed_latitude"], 49.25);
}
