//! Flat tables and the output of `coverage`.

use super::*;
use std::fs;

fn read(name: &str, content: &str) -> Result<PublishedImages, TableError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    read_published_table(&path, None)
}

fn row(images: &PublishedImages, at: usize) -> String {
    let image = images.image(at);
    let mut words = vec![image.id.to_string()];
    words.extend(image.sequence.map(|key| key.to_string()));
    words.extend(image.captured_at.map(|time| time.to_string()));
    words.extend(image.original.map(|place| place.to_string()));
    words.extend(image.computed.map(|place| format!("to {place}")));
    words.extend(image.altitude_m.map(|metres| format!("{metres}m")));
    words.extend(image.compass_deg.map(|degrees| format!("{degrees}°")));
    words.extend(image.device.model.map(String::from));
    words.extend(image.creator_id.map(|id| format!("by {id}")));
    words.push(format!("{:?}", image.evidence));
    if !image.id_exact {
        words.push("about".to_owned());
    }
    words.join(" ")
}

#[test]
fn flat_tables_are_read_by_their_columns() {
    let images = read(
        "remote.csv",
        "id,sequence,captured_at,longitude,latitude,computed_longitude,computed_latitude,altitude,compass_angle,make,model,width,height,creator_id,more\n\
         26858300993768842,aE5o7bTMH0UtscOYxhVwID,1630145202250,-0.5,50.5,-0.6,50.6,4294967281,29.875,GoPro,GoPro Max,5760.0,2880.0,102,x\n\
         7,,2021-08-28T10:06:42,,,1.5,2.5,,,,,,,,\n\
         26858300993768842,again,0,1,1,,,,,,,,,,\n",
    )
    .unwrap();
    assert_eq!(images.len(), 2, "an image that comes twice counts once");
    assert_eq!(
        row(&images, 0),
        "26858300993768842 aE5o7bTMH0UtscOYxhVwID 2021-08-28T10:06:42.250Z -0.5000000,50.5000000 to -0.6000000,50.6000000 -15m 29.875° GoPro Max by 102 Entity"
    );
    assert_eq!(
        row(&images, 1),
        "7 2021-08-28T10:06:42.000Z to 1.5000000,2.5000000 Entity",
        "UTC is the clock of the service"
    );
}

#[test]
fn coverage_output_is_tile_evidence() {
    let images = read(
        "coverage.csv",
        "layer,tile,image_id,sequence_id,captured_at,longitude,latitude,compass_angle,is_pano,organization_id,creator_id,id_exact\n\
         sequence,14/1/2,99,key,2021-08-28T10:06:42.000Z,,,,false,,,true\n\
         image,14/1/2,7,key,2021-08-28T10:06:42.000Z,1.5,2.5,10.00,true,,5,true\n\
         image,14/1/2,9007199254740994,key,,1.5,2.5,,,,,false\n\
         image,14/1/2,,key,,1.5,2.5,,,,,\n",
    )
    .unwrap();
    let rows: Vec<String> = (0..images.len()).map(|at| row(&images, at)).collect();
    assert_eq!(
        rows,
        [
            "7 key 2021-08-28T10:06:42.000Z 1.5000000,2.5000000 10° by 5 Tile",
            "9007199254740994 key 1.5000000,2.5000000 Tile about",
        ]
    );
    assert_eq!(images.image(0).is_pano, Some(true));
}

#[test]
fn json_lines_keep_every_digit_of_an_id() {
    let text = "{\"image_id\":26858300993768843,\"sequence_id\":\"k\",\"longitude\":1,\"latitude\":2,\"captured_at\":1630145202000}\n";
    assert_eq!(
        row(&read("r.jsonl", text).unwrap(), 0),
        "26858300993768843 k 2021-08-28T10:06:42.000Z 1.0000000,2.0000000 Entity"
    );
}

#[test]
fn broken_tables_say_where() {
    let words = |name: &str, content: &str| {
        let error = read(name, content).unwrap_err();
        assert!(error.is_broken_input());
        error.to_string().split_once(name).unwrap().1.to_owned()
    };
    assert!(words("r.csv", "sequence,longitude,latitude\nk,1,2\n").starts_with(" has no column id or image_id"));
    assert!(words("r.csv", "id,longitude\n1,2\n").starts_with(" has no column latitude"));
    assert!(words("r.csv", "id,longitude,latitude\n1,2,3\n1.5e10,2,3\nx,2,y\n").starts_with(
        ": line 3, column id: \"1.5e10\"; line 4, column latitude: \"y\"; line 4, column id: \"x\" cannot be read"
    ));
    assert!(
        !read_published_table(Path::new("no/such.csv"), None).unwrap_err().is_broken_input(),
        "absent is not broken"
    );
}
