//! Tables in every form of the contract, and errors that name the cell.

use crate::assemble::assemble;
use crate::errors::TableError;
use crate::loose::LooseFiles;
use capture_model::FileState;
use proptest::prelude::*;
use std::fs;
use uploader_replay::Rules;

fn read(name: &str, content: &[u8]) -> Result<LooseFiles, TableError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    let mut loose = LooseFiles::default();
    super::read_local_table(&path, None, &mut loose)?;
    Ok(loose)
}

fn row(loose: &LooseFiles, at: usize) -> String {
    let file = loose.get(at);
    let seen = &file.observation;
    let device = loose.devices.value(seen.device);
    let mut words = vec![file.path.to_string()];
    words.extend(file.sequence.as_ref().map(|sequence| format!("seq {}", sequence.name)));
    match file.state {
        FileState::Usable => words.extend(seen.position.map(|position| position.to_string())),
        FileState::Out(reason) => words.push(reason.to_string()),
    }
    words.extend(seen.altitude.map(|altitude| format!("{}m", altitude.0)));
    words.extend(seen.heading_deg.map(|heading| format!("{heading}°")));
    words.extend(seen.time.map(|time| format!("{} {time}", seen.time_source.as_str())));
    words.extend(device.make.as_ref().map(ToString::to_string));
    words.extend(device.width.map(|width| format!("{width}px")));
    words.extend(file.note.as_ref().map(|note| format!("({note})")));
    words.join(" ")
}

#[track_caller]
fn check(case: &str, name: &str, content: &str, expected: &[&str]) {
    let loose = read(name, content.as_bytes()).unwrap_or_else(|error| panic!("{case}: {error}"));
    let rows: Vec<String> = (0..loose.len()).map(|at| row(&loose, at)).collect();
    assert_eq!(rows, expected, "{case}");
}

#[track_caller]
fn check_error(case: &str, name: &str, content: &[u8], expected: &str) {
    let error = read(name, content).err().unwrap_or_else(|| panic!("{case}: no error"));
    assert!(error.is_broken_input(), "{case}");
    let text = error.to_string();
    let (_, words) = text.split_once(name).unwrap();
    assert_eq!(words, expected, "{case}");
}

#[test]
fn columns_go_by_many_names() {
    check(
        "the contract's own names",
        "t.csv",
        "path,sequence,latitude,longitude,altitude_m,captured_at,heading_deg,make,model,width,height\n\
         ride/1.jpg,s1,50.5,-0.25,12.5,2021-08-28T10:06:42.000Z,370,GoPro,MAX,5760.0,2880\n",
        &["ride/1.jpg seq s1 -0.2500000,50.5000000 12.5m 10° table 2021-08-28T10:06:42.000Z GoPro 5760px"],
    );
    check(
        "exiftool's names, unsigned with references, mixed case, a mark at the start",
        "t.csv",
        "\u{feff}sourcefile,GPSLATITUDE,GPSLatitudeRef,GPSLongitude,GPSLongitudeRef,DateTimeOriginal\r\n\
         a.jpg,33.5,S,18.25,East,2024:05:18 10:41:07.25\r\n\
         b.jpg,-33.5,South,\"18 deg 15' 0.00\"\" W\",W,\r\n",
        &["a.jpg 18.2500000,-33.5000000 table 2024-05-18T10:41:07.250", "b.jpg -18.2500000,-33.5000000"],
    );
    check(
        "the uploader's names as JSON",
        "t.jsonl",
        r#"{"filename":"a.jpg","MAPLatitude":1.5,"MAPLongitude":2.5,"MAPCaptureTime":"2021_08_28_10_06_42_000","MAPAltitude":3,"MAPCompassHeading":{"TrueHeading":4.5,"MagneticHeading":5},"MAPSequenceUUID":"0"}"#,
        &["a.jpg seq 0 2.5000000,1.5000000 3m 4.5° table 2021-08-28T10:06:42.000Z"],
    );
    check(
        "no path: the id",
        "t.csv",
        "id,lat,lon,timestamp\n7,1,2,1630145202000\n",
        &["7 2.0000000,1.0000000 table 2021-08-28T10:06:42.000Z"],
    );
    check(
        "no path, no id: the row",
        "t.csv",
        "lat,lng\n1,2\n3,4\n",
        &["row:1 2.0000000,1.0000000", "row:2 4.0000000,3.0000000"],
    );
    check(
        "cells are verbatim",
        "t.csv",
        "path,lat,lon\n'=2+2.jpg,1,2\n\"a, \"\"b\"\"\nc.jpg\",1,2\n",
        &["'=2+2.jpg 2.0000000,1.0000000", "a, \"b\"\nc.jpg 2.0000000,1.0000000"],
    );
}

#[test]
fn json_comes_as_lines_lists_and_pages() {
    let expected = ["a.jpg 2.0000000,1.0000000", "b.jpg no_place (no coordinates)"];
    let (a, b) = (r#"{"path":"a.jpg","lat":1,"lon":2.0}"#, r#"{"path":"b.jpg","x":[1]}"#);
    check("lines", "t.jsonl", &format!("{a}\n\n{b}\n"), &expected);
    check("a list", "t.json", &format!(" [{a},\n{b}]"), &expected);
    check("a page on one line", "t.json", &format!("{{\"data\":[{a},{b}]}}"), &expected);
    check("a page over many lines", "t.json", &format!("{{\n\"data\": [{a},\n{b}]\n}}\n"), &expected);
    let turned = ["b.jpg no_place (no coordinates)", "a.jpg 2.0000000,1.0000000"];
    check("the first object need not have every key", "t.jsonl", &format!("{b}\n{a}\n"), &turned);
    check(
        "null is unknown",
        "t.jsonl",
        r#"{"path":"a","lat":null,"lon":null,"captured_at":null}"#,
        &["a no_place (no coordinates)"],
    );
}

#[test]
fn unknown_values_make_rows_not_errors() {
    check(
        "empty, NaN, off the globe, zero",
        "t.csv",
        "path,lat,lon,captured_at,altitude\na,,2,,\nb,NaN,2,0,nan\nc,91,2,NaT,\nd,0,0,,\ne,1\n",
        &[
            "a no_place (no latitude)",
            "b no_place (latitude NaN is not within -90 to 90 degrees)",
            "c no_place (latitude 91 is not within -90 to 90 degrees)",
            "d null_island",
            "e no_place (no longitude)",
        ],
    );
}

#[test]
fn broken_tables_name_line_column_and_value() {
    check_error(
        "a word for a number",
        "t.csv",
        b"path,lat,lon\na,1,2\nb,north,2\n",
        ": line 3, column lat: \"north\" cannot be read; correct them, or leave them empty where the value is unknown",
    );
    check_error(
        "a time that is none",
        "t.csv",
        b"lat,lon,captured_at\n1,2,yesterday\n",
        ": line 2, column captured_at: \"yesterday\" cannot be read; correct them, or leave them empty where the value is unknown",
    );
    let many: Vec<String> = (0..25).map(|n| format!("x{n},2")).collect();
    let error = read("t.csv", format!("lat,lon\n{}", many.join("\n")).as_bytes()).unwrap_err().to_string();
    assert!(error.contains("\"x9\" cannot be read, and 15 more") && !error.contains("x10"), "{error}");
    check_error(
        "no place",
        "t.csv",
        b"path,captured_at,lat\na,,1\n",
        " has no column lon or lng or longitude or MAPLongitude or GPSLongitude; its columns are path, captured_at, lat",
    );
    check_error(
        "an empty file",
        "t.csv",
        b"",
        " has no column lon or lng or longitude or MAPLongitude or GPSLongitude; its columns are none: the file is empty",
    );
    check_error(
        "semicolons",
        "t.csv",
        b"path;lat;lon\na;49,1;8,4\n",
        " has no column lon or lng or longitude or MAPLongitude or GPSLongitude; its columns are path;lat;lon \
         (they are separated by semicolons: save the table with commas)",
    );
    check_error(
        "an open quote",
        "t.csv",
        b"path,lat,lon\n\"a,1,2\nb,1,2\n",
        ", line 2, column 1: a quote is opened and never closed",
    );
    check_error(
        "text behind a quote",
        "t.csv",
        b"path,lat,lon\n\"a\"b,1,2\n",
        ", line 2, column 4: text follows a closing quote",
    );
    check_error(
        "bytes that are no text",
        "t.csv",
        b"path,lat,lon\n\xff\xfe,1,2\n",
        ", line 2, column path: \"\u{fffd}\u{fffd}\" is not UTF-8",
    );
    check_error(
        "broken JSON",
        "t.jsonl",
        b"{\"lat\":1,\"lon\":2}\n{\"lat\":1,,}\n",
        ", line 2, column 10: broken JSON (key must be a string)",
    );
    check_error(
        "a list that is cut",
        "t.json",
        b"[{\"lat\":1,\"lon\":2},\n{\"lat\":",
        ", line 2, column 7: broken JSON (EOF while parsing a value)",
    );
    check_error(
        "an object in a cell",
        "t.jsonl",
        b"{\"lat\":{\"deg\":1},\"lon\":2}\n",
        ": line 1, column lat: \"{\\\"deg\\\":1}\" cannot be read; correct them, or leave them empty where the value is unknown",
    );
}

#[test]
fn a_scan_is_read_back_with_all_it_says() {
    let scan = "path,local_sequence,sequence_index,status,reason,captured_at,time_source,camera_time,gps_time,longitude,latitude,altitude_m,heading_deg,make,model,width,height,orientation,cluster_id,note\n\
        ride/2.jpg,1,0,usable,,2021-08-28T10:06:42.000Z,gps,2021-08-28T12:06:43.000,2021-08-28T10:06:42.000Z,-0.5591297,50.8966219,77.420,133.54,GoPro,GoPro Max,5760,2880,1,4711,\n\
        '-3.jpg,1,1,usable,,2021-08-28T10:06:44.000,original,2021-08-28T10:06:44.000,,-0.5590980,50.8966029,,,GoPro,GoPro Max,5760,2880,1,,the uploader drops it\n\
        ride/4.jpg,,,unreadable,damaged,,none,,,,,,,,,,,,,the file ends too early\n\
        ride/5.jpg,,,rejected,null_island,,none,,,0.0000000,0.0000000,,,,,,,,,\n";
    let loose = read("photos.csv", scan.as_bytes()).unwrap();
    assert_eq!(
        row(&loose, 0),
        "ride/2.jpg seq 1 -0.5591297,50.8966219 77.42m 133.54° gps 2021-08-28T10:06:42.000Z GoPro 5760px"
    );
    assert_eq!(row(&loose, 1), "-3.jpg seq 1 -0.5590980,50.8966029 original 2021-08-28T10:06:44.000 GoPro 5760px");
    assert_eq!(row(&loose, 2), "ride/4.jpg damaged (the file ends too early)");
    assert_eq!(row(&loose, 3), "ride/5.jpg null_island");
    let first = loose.get(0);
    assert_eq!(first.observation.camera_time.unwrap().to_string(), "2021-08-28T12:06:43.000");
    assert_eq!(first.observation.gps_time.unwrap().to_string(), "2021-08-28T10:06:42.000Z");
    assert_eq!((first.cluster_id.unwrap().0, first.observation.orientation), (4711, Some(1)));
    let archive = assemble(loose, &Rules::default());
    let tracks: Vec<(&str, std::ops::Range<usize>)> =
        archive.tracks.iter().map(|track| (&*track.name, track.files.clone())).collect();
    assert_eq!(tracks[0], ("1", 0..2), "named tracks stay, rows without a track come last");
    assert_eq!(archive.files.get(0).path(), "ride/2.jpg");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn no_table_panics(is_csv: bool, edits in proptest::collection::vec((any::<u16>(), any::<u8>()), 0..8), cut in any::<u16>()) {
        let (name, valid) = if is_csv {
            ("t.csv", "path,lat,lon,captured_at,width\n\"a,\"\"b\",1.5,2,2021-08-28T10:06:42Z,10\nc,-3,4,1630145202000,\n".to_owned())
        } else {
            ("t.json", "[{\"path\":\"a\",\"lat\":1.5,\"lon\":2,\"captured_at\":1630145202000},\n{\"lat\":{\"TrueHeading\":[1]},\"lon\":\"x\"}]".to_owned())
        };
        let mut bytes = valid.into_bytes();
        let n = bytes.len();
        for (at, byte) in edits {
            bytes[usize::from(at) % n] = byte;
        }
        bytes.truncate(usize::from(cut) % (2 * n));
        let _ = read(name, &bytes);
    }
}
