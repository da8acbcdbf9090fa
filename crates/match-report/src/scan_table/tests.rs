//! A row of each state, frozen.

use super::*;
use capture_model::LocalFile;
use capture_model::{ClusterId, Observation, TimeSource, WallClock};

#[test]
fn a_row_says_what_the_file_says() {
    let mut archive = LocalArchive::default();
    let camera = Device { make: Some("@Cam".into()), width: Some(4000), height: Some(3000), ..Device::default() };
    let device = archive.devices.number_of(&camera);
    let observation = Observation {
        position: Position::from_lon_lat(-0.0754, 51.5055).ok(),
        altitude: Some(Metres(-3.25)),
        heading_deg: Some(359.999),
        time: Some(LocalTime::Wall(WallClock::from_ms_as_if_utc(1_716_028_867_250))),
        time_source: TimeSource::Original,
        device,
        orientation: Some(6),
        ..Observation::default()
    };
    let file = |path: &str, state| LocalFile {
        path: path.into(),
        track: (state == FileState::Usable).then_some(0),
        state,
        observation: observation.clone(),
        cluster_id: None,
        sent_time: None,
        predicted_drop: None,
        note: None,
    };
    let mut dropped = file("a/2.jpg", FileState::Usable);
    dropped.predicted_drop = Some(Reason::DroppedDuplicate);
    dropped.note = Some("no altitude reference".into());
    dropped.cluster_id = Some(ClusterId(151_552_211_058_876));
    archive.files =
        vec![file("a/1.jpg", FileState::Usable), dropped, file("b.jpg", FileState::Out(Reason::NullIsland))].into();
    archive.tracks = vec![Track { name: "1".into(), files: 0..2, clock_group: 0 }];
    let mut out = Vec::new();
    write_scan(&archive, OutputKind::Csv, CsvStyle::default(), &mut out).unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r"
    path,local_sequence,sequence_index,status,reason,captured_at,time_source,camera_time,gps_time,longitude,latitude,altitude_m,heading_deg,make,model,width,height,orientation,cluster_id,note
    a/1.jpg,1,0,usable,,2024-05-18T10:41:07.250,original,,,-0.0754000,51.5055000,-3.250,360.00,'@Cam,,4000,3000,6,,
    a/2.jpg,1,1,usable,,2024-05-18T10:41:07.250,original,,,-0.0754000,51.5055000,-3.250,360.00,'@Cam,,4000,3000,6,151552211058876,predicted: dropped_duplicate; no altitude reference
    b.jpg,,,rejected,null_island,2024-05-18T10:41:07.250,original,,,-0.0754000,51.5055000,-3.250,360.00,'@Cam,,4000,3000,6,,
    ");
}
