//! Everything that is applied can be taken back, to the byte.

use super::*;

fn change(folder: &Path, name: &str, before: Option<&str>, after: Option<&str>) -> Change {
    Change { file: folder.join(name), before: before.map(str::to_owned), after: after.map(str::to_owned) }
}

fn held(folder: &Path, name: &str) -> Option<String> {
    std::fs::read_to_string(folder.join(name)).ok()
}

fn files(folder: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = std::fs::read_dir(folder).unwrap().map(name).collect();
    names.sort();
    names
}

#[test]
fn changes_of_several_runs_are_taken_back_together() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("old"), "mine\r\n").unwrap();
    std::fs::write(at.join("gone"), "was ours").unwrap();
    let first = vec![
        change(at, "new", None, Some("1")),
        change(at, "old", Some("mine\r\n"), Some("mine and ours")),
        change(at, "gone", Some("was ours"), None),
    ];
    let done = apply(&Plan { changes: first, ..Plan::default() }, at).unwrap();
    assert_eq!((done.changed, done.left_alone), (3, vec![]));
    assert_eq!(files(at), [JOURNAL, "new", "old"]);
    let second = vec![change(at, "new", Some("1"), Some("2"))];
    assert_eq!(apply(&Plan { changes: second, ..Plan::default() }, at).unwrap().changed, 1);
    assert_eq!(held(at, "new").as_deref(), Some("2"));
    assert_eq!(undo(at).unwrap().changed, 4);
    assert_eq!(files(at), ["gone", "old"]);
    assert_eq!((held(at, "old").as_deref(), held(at, "gone").as_deref()), (Some("mine\r\n"), Some("was ours")));
    assert!(matches!(undo(at), Err(JournalError::Nothing { .. })));
}

#[test]
fn what_somebody_changed_since_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let plan = Plan {
        changes: vec![
            change(at, "a", None, Some("1")),
            change(at, "b", None, Some("1")),
            change(at, "c", None, Some("1")),
        ],
        ..Plan::default()
    };
    std::fs::write(at.join("c"), "appeared meanwhile").unwrap();
    let done = apply(&plan, at).unwrap();
    assert_eq!((done.changed, done.left_alone.len()), (2, 1));
    std::fs::write(at.join("a"), "edited").unwrap();
    let back = undo(at).unwrap();
    assert_eq!((back.changed, back.left_alone.len()), (1, 2), "{back:?}");
    assert_eq!((held(at, "a").as_deref(), held(at, "c").as_deref()), (Some("edited"), Some("appeared meanwhile")));
    std::fs::remove_file(at.join("a")).unwrap();
    std::fs::remove_file(at.join("c")).unwrap();
    assert_eq!(undo(at).unwrap(), Outcome::default(), "they are as they were before");
    assert!(files(at).is_empty());
}

#[test]
fn an_interrupted_run_can_be_taken_back_and_a_spoilt_journal_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let changes = [change(at, "a", None, Some("1")), change(at, "b", None, Some("1"))];
    let whole = changes.each_ref().map(|change| (change.file.to_str().unwrap().to_owned(), change));
    write_ahead(&at.join(JOURNAL), &whole).unwrap();
    replace(&changes[0].file, None, Some("1")).unwrap(); // and then the power went
    let mut text = held(at, JOURNAL).unwrap();
    text.push_str("{\"file\":\"c\",\"bef");
    std::fs::write(at.join(JOURNAL), &text).unwrap();
    assert_eq!(undo(at).unwrap().changed, 1);
    assert!(files(at).is_empty());
    std::fs::write(at.join(JOURNAL), "{\"file\":\"a\",\"before\":null,\"after\":null}\nno\n").unwrap();
    let told = undo(at).unwrap_err().to_string();
    assert!(told.contains("line 2") && told.contains("nothing was changed"), "{told}");
}

#[test]
fn a_folder_that_is_away_is_taken_back_when_it_is_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let (at, ride, away) = (folder.path(), folder.path().join("ride"), folder.path().join("away"));
    std::fs::create_dir(&ride).unwrap();
    let changes = vec![change(&ride, "a", None, Some("1"))];
    apply(&Plan { changes, ..Plan::default() }, at).unwrap();
    std::fs::rename(&ride, &away).unwrap();
    let back = undo(at).unwrap();
    assert_eq!(back.left_alone[0].reason, "its folder is not there any more");
    std::fs::rename(&away, &ride).unwrap();
    assert_eq!(undo(at).unwrap().changed, 1);
    assert_eq!((files(at), files(&ride)), (vec!["ride".to_owned()], vec![]));
}

#[cfg(unix)]
#[test]
fn permissions_stay_and_links_are_left_alone() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("old"), "mine").unwrap();
    std::fs::set_permissions(at.join("old"), std::fs::Permissions::from_mode(0o640)).unwrap();
    symlink(at.join("old"), at.join("link")).unwrap();
    let changes = vec![change(at, "old", Some("mine"), Some("ours")), change(at, "link", Some("mine"), Some("ours"))];
    let done = apply(&Plan { changes, ..Plan::default() }, at).unwrap();
    assert_eq!((done.changed, done.left_alone[0].reason.as_str()), (1, "it is a link or no file"));
    assert_eq!(std::fs::metadata(at.join("old")).unwrap().permissions().mode() & 0o777, 0o640);
    undo(at).unwrap();
    assert_eq!(held(at, "old").as_deref(), Some("mine"));
}
