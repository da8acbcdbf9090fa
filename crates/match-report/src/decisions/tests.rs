//! Decisions: what is read, what contradicts itself, and what they may and may not change.

use super::*;
use crate::test_world::World;
use capture_model::Status;

fn read(text: &str) -> Result<Vec<Decision>, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("review.csv");
    std::fs::write(&file, text).unwrap();
    read_decisions(&file).map_err(|error| error.to_string())
}

fn image(path: &str, id: u64) -> Decision {
    Decision { path: path.to_owned(), choice: Choice::Image(ImageId(id)) }
}

fn none(path: &str) -> Decision {
    Decision { path: path.to_owned(), choice: Choice::NoImage }
}

#[test]
fn a_filled_in_review_is_read_with_what_spreadsheets_do_to_it() {
    let url = "https://www.mapillary.com/app/?pKey=498763468214164";
    let text = format!(
        "\u{feff}path,decision,url,image_id\r\n\
         a.jpg,no,https://www.mapillary.com/app/?pKey=11,11\r\n\
         a.jpg,YES,{url},4.98763E+14\r\n\
         '=b.jpg,none,,\r\n\
         c.jpg,,,\r\n\
         d.jpg,77,,\r\n\
         e.jpg,no,,12\r\n\
         e.jpg,n,,13\r\n"
    );
    let expected = vec![image("a.jpg", 498_763_468_214_164), none("=b.jpg"), image("d.jpg", 77), none("e.jpg")];
    assert_eq!(read(&text).unwrap(), expected);
    assert_eq!(read("path;decision;url\na.jpg;none;\n").unwrap(), vec![none("a.jpg")], "semicolons");
    let mut written = Vec::new();
    write_decisions(&expected, &mut written).unwrap();
    assert_eq!(read(std::str::from_utf8(&written).unwrap()).unwrap(), expected, "what is written is read back");
}

#[test]
fn contradictions_are_told_with_their_lines() {
    for (text, words) in [
        ("path,decision,image_id\na.jpg,yes,1\na.jpg,yes,2\n", ["line 3", "a.jpg is decided twice: image 1 in line 2"]),
        ("path,decision,image_id\na.jpg,yes,1\na.jpg,none,\n", ["line 3", "none here"]),
        (
            "path,decision,image_id\na.jpg,yes,1\nb.jpg,yes,1\n",
            ["line 3", "image 1 is given to b.jpg here and to a.jpg in line 2"],
        ),
        ("path,decision,image_id\na.jpg,yes,4.9E+14\n", ["line 2", "neither `url` nor `image_id`"]),
        ("path,decision\na.jpg,4.98763E+14\n", ["line 2", "a spreadsheet rounded it"]),
        ("path,decision\na.jpg,maybe\n", ["line 2", "`maybe` is neither"]),
        ("path,decision\r\n\r\na.jpg,none\r\nb.jpg,maybe\r\n", ["line 4", "`maybe` is neither"]),
        ("file,decision\na.jpg,none\n", ["line 1", "no column `path`"]),
    ] {
        let told = read(text).unwrap_err();
        assert!(words.iter().all(|word| told.contains(word)), "{told}");
    }
}

#[test]
fn drawings_and_json_lines_are_read_as_tables_are() {
    let feature = |kind: &str, more: &str| format!(r#"{{"type":"Feature","properties":{{"kind":"{kind}",{more}}}}}"#);
    let drawn =
        |features: &[String]| format!("{{\"type\":\"FeatureCollection\",\"features\":[{}]}}", features.join(",\n"));
    let url = "https://www.mapillary.com/app/?pKey=498763468214164";
    let text = drawn(&[
        feature("photo", r#""path":"a.jpg","decision":"","image_id":"11""#),
        feature("candidate", r#""path":"a.jpg","decision":"no","image_id":"11""#),
        feature("candidate", &format!(r#""path":"a.jpg","decision":"yes","url":"{url}""#)),
        feature("photo", r#""path":"b.jpg","decision":"none""#),
        feature("candidate", r#""path":"b.jpg","image_id":12"#),
        feature("candidate", r#""path":"c.jpg","decision":"no","image_id":"13""#),
        feature("pair", r#""path":"c.jpg","decision":"no","image_id":"13""#),
        feature("candidate", r#""path":"d.jpg","decision":"no","image_id":"14""#),
        feature("candidate", r#""path":"d.jpg","decision":"","image_id":"15""#),
        feature("candidate", r#""path":"e.jpg","decision":77"#),
    ]);
    let expected = vec![image("a.jpg", 498_763_468_214_164), none("b.jpg"), none("c.jpg"), image("e.jpg", 77)];
    assert_eq!(read(&text).unwrap(), expected);
    let lines = "{\"path\":\"a.jpg\",\"decision\":\"yes\",\"image_id\":\"7\"}\n{\"path\":\"b.jpg\"}\n";
    assert_eq!(read(lines).unwrap(), vec![image("a.jpg", 7)]);
    for (text, words) in [
        (drawn(&[feature("photo", r#""path":"a","decision":"yes","image_id":"1""#)]), "feature 1: `yes`, but neither"),
        (drawn(&[feature("candidate", r#""name":1"#)]), "feature 1: no member `path`"),
        (drawn(&[feature("candidate", r#""path":"a","decision":"perhaps""#)]), "feature 1: the decision `perhaps`"),
        ("{\"path\":\"a\"}\n{\"path\"".to_owned(), "line 2: broken JSON"),
    ] {
        let told = read(&text).unwrap_err();
        assert!(told.contains(words), "{told}");
    }
}

fn decide(world: &mut World, decisions: &[Decision]) -> (usize, Vec<String>) {
    apply_decisions(&world.archive, &world.images, &world.published, &mut world.outcome, decisions)
}

/// Row, path and id of the best candidate of some ambiguous photo.
fn an_open_photo(world: &World) -> (usize, String, u64) {
    let row = world.outcome.verdicts.iter().position(|verdict| verdict.reason == Reason::BetweenNeighbours).unwrap();
    let best = world.outcome.candidates_of(row)[0].image;
    (row, world.archive.files.get(row).path().to_string(), world.published.id[best as usize])
}

#[test]
fn a_decision_is_shown_as_a_persons_and_moves_nothing_else() {
    let mut world = World::of(800);
    let before = world.outcome.clone();
    let (row, path, id) = an_open_photo(&world);
    assert_eq!(decide(&mut world, &[image(&path, id)]), (1, Vec::new()));
    let verdict = world.outcome.verdicts.get(row);
    assert_eq!(verdict.image.map(|image| world.published.id[image as usize]), Some(id));
    assert_eq!(verdict.probability, before.verdicts.get(row).probability, "never surer than the matcher was");
    assert!(verdict.probability.unwrap() < 0.9);
    let report = world.report();
    let note = report.note_of(row);
    assert!(note.starts_with(BY_A_PERSON) && note.contains("between_neighbours"), "{note}");
    for other in (0..before.verdicts.len()).filter(|&other| other != row) {
        assert_eq!(world.outcome.verdicts.get(other), before.verdicts.get(other));
    }

    let mut world = World::of(800);
    assert_eq!(decide(&mut world, &[none(&path)]), (1, Vec::new()));
    assert_eq!(world.outcome.verdicts.get(row).reason.status(), Status::Unmatched);
    assert!(world.outcome.candidates_of(row).is_empty());
}

#[test]
fn a_decision_that_cannot_be_is_refused_with_both_names() {
    let mut world = World::of(800);
    let before = world.outcome.clone();
    let (row, path, _) = an_open_photo(&world);
    let owner = before.verdicts.iter().position(|verdict| verdict.image.is_some()).unwrap();
    let (owners_path, owned) =
        (world.archive.files.get(owner).path().to_string(), before.verdicts.get(owner).image.unwrap());
    let id = world.published.id[owned as usize];
    let (taken, refused) = decide(&mut world, &[image(&path, id), image("gone.jpg", 1), image(&owners_path, 5)]);
    assert_eq!(taken, 0);
    assert_eq!(refused.len(), 3, "{refused:?}");
    let told = refused.join("\n");
    for word in [&path, &owners_path, "gone.jpg", "which this run did not see", "decide about that photo too"] {
        assert!(told.contains(word), "{word} is missing in {told}");
    }
    assert_eq!(world.outcome, before);

    // Where both are decided, both are taken.
    let open = before.candidates.of(row)[0].image;
    let swap = [image(&path, id), image(&owners_path, world.published.id[open as usize])];
    assert_eq!(decide(&mut world, &swap), (2, Vec::new()));
    assert_eq!([row, owner].map(|row| world.outcome.verdicts.get(row).image), [Some(owned), Some(open)]);
    assert!(world.report().note_of(owner).contains("had not named this image"));
}
