//! An image that moved and one that has no adjusted place, frozen.

use super::*;
use capture_model::{CapturedAt, Evidence, ImageId, PublishedImage, SequenceId};

fn written(write: impl FnOnce(&PublishedImages, &Audit, &mut Vec<u8>)) -> String {
    let mut published = PublishedImages::default();
    let bare = |id, lon| PublishedImage {
        sequence: Some(SequenceId::new("-E5o7bTMH0UtscOYxhVwID")),
        captured_at: Some(CapturedAt::from_epoch_ms(1_716_025_267_250)),
        original: Position::from_lon_lat(lon, 51.5055).ok(),
        altitude_m: Some(12.346),
        ..PublishedImage::bare(ImageId(id), Evidence::Entity)
    };
    published.push(&PublishedImage {
        computed: Position::from_lon_lat(-0.07538, 51.50551).ok(),
        ..bare(26_858_300_993_768_842, -0.0754)
    });
    published.push(&bare(498_763_468_214_164, -0.0755));
    let audit = adjustment_audit::audit(&published, &[0, 1]);
    let mut out = Vec::new();
    write(&published, &audit, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn shifts_are_as_the_contract_says() {
    let text = written(|published, audit, out| {
        write_shifts(published, audit, OutputKind::Csv, CsvStyle::default(), out).unwrap();
    });
    insta::assert_snapshot!(text, @r"
    image_id,sequence_id,captured_at,longitude,latitude,computed_longitude,computed_latitude,shift_m,shift_east_m,shift_north_m,shift_bearing_deg,along_m,across_m,residual_m,altitude_m,computed_altitude_m,compass_turn_deg,flags
    498763468214164,-E5o7bTMH0UtscOYxhVwID,2024-05-18T09:41:07.250Z,-0.0755000,51.5055000,,,,,,,,,,12.346,,,not_computed
    26858300993768842,-E5o7bTMH0UtscOYxhVwID,2024-05-18T09:41:07.250Z,-0.0754000,51.5055000,-0.0753800,51.5055100,1.78,1.39,1.11,51.30,1.39,-1.11,,12.346,,,moved
    ");
}

#[test]
fn sums_are_as_the_contract_says() {
    let text = written(|published, audit, out| {
        write_shifts_by_sequence(published, audit, OutputKind::Csv, CsvStyle::default(), out).unwrap();
    });
    insta::assert_snapshot!(text, @r"
    sequence_id,images,with_computed,median_m,p90_m,p99_m,max_m,worst_image_id,shift_east_m,shift_north_m,rotation_deg,scale,explained_by_shift,explained_by_line,explained_by_field,verdict
    -E5o7bTMH0UtscOYxhVwID,2,1,1.78,1.78,1.78,1.78,26858300993768842,1.39,1.11,,,1.0000,1.0000,,shifted
    ");
}
