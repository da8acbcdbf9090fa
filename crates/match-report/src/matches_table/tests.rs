//! The contract of `matches.csv` and `sequences.csv`, frozen with awkward rows in.

use crate::{CsvStyle, OutputKind, Report, write_matches, write_matches_geojson, write_report_html, write_sequences};
use capture_model::*;
use image_matcher::{Candidate, ClockKind, Lists, MatchOutcome, TrackOutcome, TrackVerdict, Verdict};

fn file(path: &str, track: Option<u32>, state: FileState, lon: f64) -> LocalFile {
    let is_out = state != FileState::Usable;
    LocalFile {
        path: path.into(),
        track,
        state,
        observation: Observation {
            position: (!is_out).then(|| Position::from_lon_lat(lon, 51.5055).unwrap()),
            altitude: (!is_out).then_some(Metres(12.3456)),
            heading_deg: (!is_out).then_some(350.0),
            time: (!is_out).then_some(LocalTime::Wall(WallClock::from_ms_as_if_utc(1_716_028_867_250))),
            time_source: TimeSource::Original,
            ..Observation::default()
        },
        cluster_id: None,
        sent_time: None,
        predicted_drop: None,
        note: None,
    }
}

fn verdict(reason: Reason, image: Option<u32>, probability: Option<f64>) -> Verdict {
    Verdict {
        reason,
        image,
        probability,
        by_computed: false,
        used_time_ms: Some(1_716_028_867_250),
        clock_offset_ms: image.map(|_| -3_600_000),
    }
}

pub(crate) fn with_report(check: impl FnOnce(&Report<'_>)) {
    let mut archive = LocalArchive::default();
    archive.devices.number_of(&Device::default());
    archive.files = vec![
        file("ride/a, \"b\".jpg", Some(0), FileState::Usable, -0.0754),
        file("=2+2.jpg", Some(0), FileState::Usable, -0.0755),
        file("ride/3.jpg", Some(0), FileState::Usable, -0.0756),
        file("ride/no place.jpg", Some(0), FileState::Out(Reason::NoPlace), 0.0),
        file("<b>&amp;.jpg", None, FileState::Out(Reason::Damaged), 0.0),
    ]
    .into();
    archive.files.change(4, |file| file.note = Some("the file ends after 12 bytes".into()));
    archive.tracks = vec![Track { name: "1".into(), files: 0..4, clock_group: 0 }];
    let images = archive.usable_images();
    let mut published = PublishedImages::default();
    for (id, lon) in [(498_763_468_214_164, -0.0754), (26_858_300_993_768_842, -0.0755)] {
        published.push(&PublishedImage {
            sequence: Some(SequenceId::new("-E5o7bTMH0UtscOYxhVwID")),
            captured_at: Some(CapturedAt::from_epoch_ms(1_716_025_267_250)),
            original: Some(Position::from_lon_lat(lon, 51.5055).unwrap()),
            computed: Some(Position::from_lon_lat(lon + 0.00002, 51.50551).unwrap()),
            altitude_m: Some(12.346),
            compass_deg: Some(10.0),
            ..PublishedImage::bare(ImageId(id), Evidence::Entity)
        });
    }
    let mut candidates = Lists::default();
    candidates.push([Candidate { image: 0, probability: 0.999_84 }]);
    candidates.push([Candidate { image: 1, probability: 0.5312 }, Candidate { image: 0, probability: 0.4688 }]);
    candidates.push([]);
    let mut also_published = Lists::default();
    also_published.push([1]);
    also_published.push([]);
    also_published.push([]);
    let outcome = MatchOutcome {
        verdicts: [
            verdict(Reason::ExactAfterReplay, Some(0), Some(0.999_84)),
            verdict(Reason::RigUndecidable, None, Some(0.5312)),
            verdict(Reason::PartlyPublished, None, None),
        ]
        .into_iter()
        .collect(),
        candidates,
        also_published,
        notes: vec![(2, "the block ends at photo 2".to_owned())],
        tracks: vec![TrackOutcome {
            verdict: TrackVerdict::PartlyPublished,
            sequences: vec![0],
            clock_offset_ms: Some(-3_600_000),
            clock_kind: ClockKind::Zone,
            drift_ppm: None,
            clock_support: 1,
        }],
    };
    let (routes, tiles) = (Column::same(Route::Tiles, 2), ["14/8188/5448".to_owned()]);
    check(&Report::new(&archive, &images, &published, &outcome, &routes, &tiles));
}

fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn matches_are_as_the_contract_says() {
    with_report(|report| {
        let text = written(|out| write_matches(report, OutputKind::Csv, CsvStyle::default(), out).unwrap());
        insta::assert_snapshot!(text, @r#"
        path,local_sequence,status,reason,image_id,sequence_id,probability,candidates,candidate_probabilities,also_published_as,route,captured_at,longitude,latitude,altitude_m,remote_captured_at,remote_longitude,remote_latitude,time_delta_ms,clock_offset_ms,distance_m,altitude_delta_m,heading_delta_deg,computed_longitude,computed_latitude,shift_m,shift_bearing_deg,cluster_id,url,note
        "ride/a, ""b"".jpg",1,matched,exact_after_replay,498763468214164,-E5o7bTMH0UtscOYxhVwID,0.9998,498763468214164,0.9998,26858300993768842,tiles,2024-05-18T10:41:07.250,-0.0754000,51.5055000,12.346,2024-05-18T09:41:07.250Z,-0.0754000,51.5055000,0,-3600000,0.00,0.00,20.00,-0.0753800,51.5055100,1.78,51.30,,https://www.mapillary.com/app/?pKey=498763468214164,
        '=2+2.jpg,1,ambiguous,rig_undecidable,,,0.5312,26858300993768842|498763468214164,0.5312|0.4688,,,2024-05-18T10:41:07.250,-0.0755000,51.5055000,12.346,,,,,,,,,,,,,,,
        ride/3.jpg,1,unmatched,partly_published,,,,,,,,2024-05-18T10:41:07.250,-0.0756000,51.5055000,12.346,,,,,,,,,,,,,,,the block ends at photo 2
        ride/no place.jpg,1,rejected,no_place,,,,,,,,,,,,,,,,,,,,,,,,,,
        <b>&amp;.jpg,,unreadable,damaged,,,,,,,,,,,,,,,,,,,,,,,,,,the file ends after 12 bytes
        "#);
    });
}

#[test]
fn sequences_are_as_the_contract_says() {
    with_report(|report| {
        let text = written(|out| write_sequences(report, OutputKind::Csv, CsvStyle::default(), out).unwrap());
        insta::assert_snapshot!(text, @r#"
        local_sequence,images,matched,ambiguous,unmatched,rejected,verdict,sequence_ids,clock_offset_ms,clock_kind,drift_ppm,first_captured_at,last_captured_at,tiles,median_shift_m,max_shift_m,cluster_id,stage,error_code,note
        1,4,1,1,1,1,partly_published,-E5o7bTMH0UtscOYxhVwID,-3600000,zone,,2024-05-18T10:41:07.250,2024-05-18T10:41:07.250,14/8188/5448,1.78,1.78,,,,1 photo tells the clock
        "#);
    });
}

#[test]
fn every_feature_of_the_drawing_is_sound() {
    with_report(|report| {
        let text = written(|out| write_matches_geojson(report, out).unwrap());
        let drawn: serde_json::Value = serde_json::from_str(&text).unwrap();
        let kinds: Vec<_> =
            drawn["features"].as_array().unwrap().iter().map(|f| f["properties"]["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["local", "published", "computed", "shift", "local", "local"]);
        assert_eq!(drawn["features"][0]["properties"]["image_id"], "498763468214164");
    });
}

#[test]
fn hostile_names_stay_text_on_the_page() {
    with_report(|report| {
        let text = written(|out| write_report_html(report, None, out).unwrap());
        assert!(!text.contains("<b>&amp;"), "a name became markup");
        let data = text.split("id=\"data\">").nth(1).unwrap().split("</script>").next().unwrap();
        let data: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["head"]["counts"]["files"], 5);
        let photos = &data["photos"];
        assert_eq!(photos["name"][4], "<b>&amp;.jpg");
        assert_eq!(photos["name"].as_array().unwrap().len(), 5, "photos without a place are found by their name");
        let figures = ["p", "dt", "offset", "distance", "shift", "bearing"].map(|name| photos[name][0].as_i64());
        assert_eq!(
            figures,
            [9998, 0, -3_600_000, 0, 178, 5130].map(Some),
            "the figures of the table, without their points"
        );
        assert_eq!([&photos["lon"][0], &photos["lon"][1]], [-754_000, -1_000], "places as steps");
        assert_eq!(photos["candidates"][0][0], 1);
        assert_eq!(photos["candidates"][0][1][0], "26858300993768842");
        assert_eq!(photos["candidates"][0][1][1], "0.5312");
    });
}

#[test]
fn a_row_is_what_its_cells_say() {
    let check = |report: &Report<'_>| {
        let mut written = Vec::new();
        write_matches(report, OutputKind::Csv, CsvStyle { guard: false }, &mut written).unwrap();
        let mut expected = csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
        let columns = super::columns();
        expected.write_record(columns.iter().map(|column| column.info.name)).unwrap();
        for file in 0..report.archive.files.len() {
            let row = super::MatchRow::of(report, file);
            let cells = columns.iter().map(|column| {
                let mut text = String::new();
                (column.cell)(&row).write_to(column.info.kind, &mut text);
                text
            });
            expected.write_record(cells).unwrap();
        }
        let expected = String::from_utf8(expected.into_inner().unwrap()).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), expected);
    };
    with_report(check);
    check(&crate::test_world::World::of(5000).report()); // more than are made at once
}
