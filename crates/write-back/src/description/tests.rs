//! Entries of the uploader keep their values to the byte; ids are added as text.

use super::*;
use crate::packet::tests::matched;
use capture_model::{Reason, Status};

const UPLOADERS: &str = r#"[
  {"filename": "a.jpg", "filetype": "image", "MAPLatitude": 51.50550000000001, "MAPLongitude": -7.54e-2,
   "MAPCaptureTime": "2024_05_18_09_41_07_250", "MAPMetaTags": {"strings": [{"key": "b", "value": "ü"}]}},
  {"error": {"type": "MapillaryDuplicationError"}, "filename": "gone.jpg"}
]"#;

fn unmatched(path: &str) -> MatchRecord {
    MatchRecord { status: Status::Unmatched, reason: Reason::NoCoverage, image_id: None, ..matched(path, 1) }
}

fn after(plan: &Plan) -> Vec<Value> {
    serde_json::from_str(plan.changes[0].after.as_deref().unwrap()).unwrap()
}

#[test]
fn entries_of_the_uploader_get_ids_and_keep_their_values() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("ride")).unwrap();
    std::fs::write(folder.path().join("ride").join(DESCRIPTION), UPLOADERS).unwrap();
    let target = folder.path().join(DESCRIPTION);
    let rows =
        [matched("ride/a.jpg", u64::MAX), unmatched("ride/gone.jpg"), matched("ride/new.jpg", 5), matched("row:7", 6)];
    let plan = plan_description(&rows, folder.path(), &target);
    assert_eq!((plan.changes.len(), plan.absent, plan.left_alone.len()), (1, 1, 0), "{plan:?}");
    let text = plan.changes[0].after.as_deref().unwrap();
    assert!(text.contains("\"MAPLatitude\": 51.50550000000001,\n    \"MAPLongitude\": -7.54e-2"), "{text}");
    let entries = after(&plan);
    assert_eq!(entries.len(), 3, "{entries:?}");
    assert_eq!(entries[0]["filename"], "ride/a.jpg", "told from where the photos' paths were typed");
    assert_eq!(entries[0]["tiepoint"]["image_id"], "18446744073709551615");
    assert_eq!(entries[0]["tiepoint"]["computed_latitude"], 51.50551);
    assert_eq!(entries[0]["MAPMetaTags"]["strings"][0]["value"], "ü");
    assert_eq!(entries[1].get("tiepoint"), None);
    assert_eq!(entries[2]["MAPCaptureTime"], "2024_05_18_09_41_07_250");
    assert_eq!((&entries[2]["filename"], &entries[2]["MAPAltitude"]), (&json!("ride/new.jpg"), &json!(12.346)));

    std::fs::write(&target, text).unwrap();
    let again = plan_description(&rows, folder.path(), &target);
    assert_eq!((again.changes.len(), again.unchanged), (0, 1), "{again:?}");
    let lost = [unmatched("ride/a.jpg"), unmatched("ride/gone.jpg"), matched("ride/new.jpg", 8)];
    let entries = after(&plan_description(&lost, folder.path(), &target));
    assert_eq!(entries[0].get("tiepoint"), None, "what is not sure any more is taken out");
    assert_eq!(entries[2]["tiepoint"]["image_id"], "8");
}

#[test]
fn a_file_that_is_no_description_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join(DESCRIPTION);
    for text in ["", "{}", "[1]", "[{\"a\":", "null"] {
        std::fs::write(&target, text).unwrap();
        let plan = plan_description(&[matched("a.jpg", 5)], folder.path(), &target);
        assert_eq!((plan.changes.len(), plan.left_alone.len()), (0, 1), "{text:?}");
    }
    std::fs::remove_file(&target).unwrap();
    let nothing = plan_description(&[unmatched("a.jpg")], folder.path(), &target);
    assert_eq!(nothing.changes, []);
}
