//! All generations of entries, errors, videos, and hostile text.

use super::*;
use crate::assemble::assemble;
use proptest::prelude::*;
use uploader_replay::Rules;

const MIXED: &str = r#"[
 {"filename":"/disk/ride/GSAC5840.JPG","md5sum":"655077ac078951d8bb52c38e0f41fb31","filetype":"image","filesize":4711,
  "MAPLatitude":50.8966219,"MAPLongitude":-0.5591297,"MAPCaptureTime":"2021_08_28_10_06_42_000","MAPAltitude":77.42,
  "MAPCompassHeading":{"TrueHeading":133.54,"MagneticHeading":133.54},"MAPSequenceUUID":"0","MAPDeviceMake":"GoPro",
  "MAPDeviceModel":"GoPro Max","MAPOrientation":1},
 {"filename":"old.jpg","MAPLatitude":1.5,"MAPLongitude":2.5,"MAPCaptureTime":"2019_08_28_10_06_42_5",
  "MAPSequenceUUID":"0"},
 {"filename":"older.jpg","filetype":"image","MAPLatitude":1.5,"MAPLongitude":2.5,"MAPCaptureTime":"2019_08_28_10_06_42_000",
  "MAPSequenceUUID":"f3a5d3b0-52dd-4e44-8f61-0d9dd2ff9c68","MAPPhotoUUID":"x"},
 {"filename":"dup.jpg","filetype":"image","error":{"type":"MapillaryDuplicationError","message":"Duplicate of its previous image",
  "vars":{"distance":0.02,"desc":{"filename":"dup.jpg","filetype":"image","MAPLatitude":1.5,"MAPLongitude":2.5,
  "MAPCaptureTime":"2021_08_28_10_06_43_000"}}}},
 {"filename":"bare.jpg","error":{"message":"no GPS"}},
 {"filename":"v.mp4","filetype":"gopro","MAPGPSTrack":[[0,-13.942725,28.5107049,549.857,null],[200,-13.94,28.52,null,null,1.5],
  ["x"]],"MAPDeviceMake":"GoPro"},
 {"filename":"nowhere.jpg","filetype":"image","MAPCaptureTime":"2021_08_28_10_06_44_000"},
 {"filename":"null.jpg","filetype":"image","MAPLatitude":0,"MAPLongitude":0.0}
]"#;

fn read(content: &[u8]) -> Result<LooseFiles, TableError> {
    let mut loose = LooseFiles::default();
    read_description(Path::new("d.json"), content, &mut loose)?;
    Ok(loose)
}

fn rows(loose: &LooseFiles) -> Vec<String> {
    let row = |file: LooseFile| {
        let seen = &file.observation;
        let mut words = vec![file.path.to_string()];
        words.extend(file.sequence.as_ref().map(|sequence| format!("seq {}", sequence.name)));
        if let FileState::Out(reason) = file.state {
            words.push(reason.to_string());
        }
        words.extend(seen.position.map(|position| position.to_string()));
        words.extend(seen.time.map(|time| format!("{} {time}", seen.time_source.as_str())));
        words.extend(file.note.as_ref().map(|note| format!("({note})")));
        words.join(" ")
    };
    (0..loose.len()).map(|at| row(loose.get(at))).collect()
}

#[test]
fn every_generation_and_kind_is_read() {
    let loose = read(MIXED.as_bytes()).unwrap();
    assert_eq!(
        rows(&loose),
        [
            "/disk/ride/GSAC5840.JPG seq 0 -0.5591297,50.8966219 description 2021-08-28T10:06:42.000Z",
            "old.jpg seq 0 2.5000000,1.5000000 description 2019-08-28T10:06:42.500",
            "older.jpg seq f3a5d3b0-52dd-4e44-8f61-0d9dd2ff9c68 2.5000000,1.5000000 description 2019-08-28T10:06:42.000",
            "dup.jpg rejected_by_uploader 2.5000000,1.5000000 description 2021-08-28T10:06:43.000Z \
             (MapillaryDuplicationError: Duplicate of its previous image)",
            "bare.jpg rejected_by_uploader (no GPS)",
            "v.mp4 video -13.9427250,28.5107049 (gopro: 2 track points over 0.2 s from -13.9427250,28.5107049 to -13.9400000,28.5200000)",
            "nowhere.jpg no_place description 2021-08-28T10:06:44.000Z (no usable coordinates)",
            "null.jpg null_island 0.0000000,0.0000000",
        ]
    );
    let first = loose.get(0).observation;
    assert_eq!((first.altitude, first.heading_deg, first.orientation), (Some(Metres(77.42)), Some(133.54), Some(1)));
    let archive = assemble(loose, &Rules::default());
    assert_eq!(archive.files.len(), 8, "each entry exactly once");
    assert_eq!(&*archive.tracks[0].name, "0");
}

#[test]
fn broken_descriptions_name_the_entry() {
    let words = |content: &str| {
        let error = read(content.as_bytes()).unwrap_err();
        assert!(error.is_broken_input());
        error.to_string()
    };
    let bad = words(
        "[{\"filename\":\"a\"},\n{\"MAPLatitude\":\"north\",\n\"MAPLongitude\":1,\"MAPCaptureTime\":\"soon\"},\n3]",
    );
    assert!(bad.starts_with(
        "d.json: line 2, column MAPLatitude: \"north\"; line 2, column MAPCaptureTime: \"soon\"; line 4, column (the whole entry): \"3\""
    ), "{bad}");
    assert!(
        words("[{\"filename\":\n").starts_with("d.json, line 2, column 0: broken JSON (EOF"),
        "{}",
        words("[{\"filename\":\n")
    );
    assert!(words("").contains("holds nothing"), "{}", words(""));
    assert!(words("{\"a\":1}").contains("expected a list"), "{}", words("{\"a\":1}"));
}

#[test]
fn descriptions_are_told_from_tables() {
    assert!(is_description(MIXED.as_bytes()));
    assert!(is_description(b"\xef\xbb\xbf [ {\"error\": {}}]"));
    assert!(!is_description(b"[{\"path\":\"a\",\"lat\":1,\"lon\":2}]"));
    assert!(!is_description(b"{\"data\":[{\"MAPLatitude\":1}]}"));
    assert!(!is_description(b""));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn no_description_panics(edits in proptest::collection::vec((any::<u16>(), any::<u8>()), 0..10), cut in any::<u16>()) {
        let mut bytes = MIXED.as_bytes().to_vec();
        let n = bytes.len();
        for (at, byte) in edits {
            bytes[usize::from(at) % n] = byte;
        }
        bytes.truncate(usize::from(cut) % (3 * n));
        if let Ok(loose) = read(&bytes) {
            let _ = assemble(loose, &Rules::default());
        }
    }
}
