//! The store: what is kept is found, by whoever opens the file, whatever happened to its writer.

use super::*;
use crate::{Verification, clear};
use proptest::prelude::*;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

fn key(name: &str) -> StoreKey {
    let url = url::Url::parse("https://tiles.example/").unwrap().join(name).unwrap();
    let request = polite_http::Request {
        url,
        auth: polite_http::Auth::None,
        endpoint: "tiles",
        quota: "tiles",
        largest_body: 1,
        divisible: false,
        confirm_open_end: false,
        most_tries: u32::MAX,
        store_use: polite_http::StoreUse::Normal,
    };
    request.key()
}

fn answer(kind: &str, fetched_at_ms: i64, body: &[u8]) -> StoredAnswer {
    StoredAnswer { kind: kind.to_owned(), status: 200, fetched_at_ms, body: body.to_vec() }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn what_is_kept_is_found_again() {
    let folder = folder();
    let store = ResponseStore::open(&folder.path().join("a/b")).unwrap();
    assert_eq!(store.get(&key("14/1/2")).unwrap(), None);
    let (first, second) = (answer("tile", 5, b"\x1a\0"), answer("empty_tile", 9, b""));
    store.put(&key("14/1/2"), &first).unwrap();
    assert_eq!(store.get(&key("14/1/2")).unwrap(), Some(first.clone()));
    store.put(&key("14/1/2"), &second).unwrap();
    store.put(&key("14/1/3"), &first).unwrap();
    drop(store);
    let store = ResponseStore::open(&folder.path().join("a/b")).unwrap();
    assert_eq!(store.get(&key("14/1/2")).unwrap(), Some(second));
    assert_eq!(store.get(&key("14/1/3")).unwrap(), Some(first));
}

#[test]
fn keys_of_a_kind_are_told_newest_first() {
    let (folder, memory) = (folder(), polite_http::MemoryStore::default());
    let file = ResponseStore::open(folder.path()).unwrap();
    let stores: [&dyn Store; 2] = [&file, &memory];
    for store in stores {
        for (name, at) in [("a", 5), ("d", 9), ("b", 9), ("c", 7)] {
            store.put(&key(name), &answer("tile", at, b"")).unwrap();
        }
        store.put(&key("e"), &answer("images", 8, b"")).unwrap();
        let expected = [("b", 9), ("d", 9), ("c", 7), ("a", 5)].map(|(name, at)| (key(name), at));
        assert_eq!(store.keys_of_kind("tile").unwrap(), expected);
    }
}

#[test]
fn the_file_is_safe_against_kills_and_power_cuts() {
    let folder = folder();
    let store = ResponseStore::open(folder.path()).unwrap();
    let mode: String = store.with(|c| c.pragma_query_value(None, "journal_mode", |row| row.get(0))).unwrap();
    let synchronous: i64 = store.with(|c| c.pragma_query_value(None, "synchronous", |row| row.get(0))).unwrap();
    assert_eq!((mode.as_str(), synchronous), ("wal", 1), "1 is NORMAL");
}

#[test]
fn days_are_counted_up_to_their_limit() {
    let folder = folder();
    let store = ResponseStore::open(folder.path()).unwrap();
    let counted = (0..5).map(|_| store.spend("tiles", 20_000, Some(3)).unwrap()).collect::<Vec<_>>();
    assert_eq!(counted, [true, true, true, false, false]);
    assert!(store.spend("tiles", 20_001, Some(3)).unwrap(), "another day");
    assert!(store.spend("entities", 20_000, None).unwrap(), "another quota");
    assert!(!store.spend("none", 20_000, Some(0)).unwrap());
    let minute = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() / 60).unwrap();
    store.spend("tiles/minute", minute, None).unwrap();
    store.spend("tiles/minute", minute - 90, None).unwrap();
    let reopened = ResponseStore::open(folder.path()).unwrap();
    assert_eq!(reopened.spent("tiles", 20_000).unwrap(), 3);
    assert_eq!(reopened.spent("tiles/minute", minute).unwrap(), 1);
    assert_eq!(reopened.spent("tiles/minute", minute - 90).unwrap(), 0, "of no use any more");
    assert_eq!(reopened.spent("tiles", 19_999).unwrap(), 0);
}

#[test]
fn threads_share_a_limit_exactly() {
    let folder = folder();
    let stores: Vec<_> = (0..4).map(|_| Arc::new(ResponseStore::open(folder.path()).unwrap())).collect();
    let count = |store: &ResponseStore| (0..50).filter(|_| store.spend("tiles", 1, Some(77)).unwrap()).count();
    let total: usize = std::thread::scope(|scope| {
        let workers: Vec<_> = stores.iter().map(|store| scope.spawn(move || count(store))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert_eq!(total, 77);
}

#[test]
fn care_tells_what_is_there() {
    let folder = folder();
    let store = ResponseStore::open(folder.path()).unwrap();
    store.put(&key("a"), &answer("tile", 10, &[1; 100])).unwrap();
    store.put(&key("b"), &answer("tile", 30, &[2; 50])).unwrap();
    store.put(&key("c"), &answer("images", 20, b"{}")).unwrap();
    store.spend("tiles", 7, None).unwrap();
    store.spend("tiles/minute", 28_000_000, None).unwrap();
    let info = store.info().unwrap();
    let kinds: Vec<_> =
        info.kinds.iter().map(|k| (k.kind.as_str(), k.answers, k.bytes, k.oldest_ms, k.newest_ms)).collect();
    assert_eq!(kinds, [("images", 1, 2, 20, 20), ("tile", 2, 150, 10, 30)]);
    assert_eq!((info.spent.len(), info.spent[0].requests, info.file_bytes > 0), (1, 1, true));
    assert_eq!(store.verify().unwrap(), Verification { answers: 3, ..Verification::default() });

    store.with(|c| c.execute("UPDATE answers SET body = x'00' WHERE request LIKE '%/a'", [])).unwrap();
    store.with(|c| c.execute("UPDATE answers SET status = 404 WHERE request LIKE '%/b'", [])).unwrap();
    let verification = store.verify().unwrap();
    assert_eq!((verification.answers, verification.n_damaged), (3, 2));
    assert!(verification.damaged.contains(&"tiles https://tiles.example/a".to_owned()), "{verification:?}");
    assert_eq!(store.get(&key("a")).unwrap(), None, "a damaged answer is no answer");
    store.put(&key("a"), &answer("tile", 40, b"new")).unwrap();
    assert!(store.get(&key("a")).unwrap().is_some(), "and can be replaced");

    assert_eq!(store.clear().unwrap(), 3);
    assert_eq!(store.info().unwrap().kinds, []);
    assert_eq!(store.spent("tiles", 7).unwrap(), 1, "the service counts on, so do we");
    drop(store);
    assert_eq!(clear(folder.path()).unwrap(), Some(0));
    assert_eq!(clear(&folder.path().join("nowhere")).unwrap(), Some(0));
}

#[test]
fn files_that_are_no_store_are_named() {
    let folder = folder();
    let path = folder.path().join(FILE_NAME);
    let refusal = || {
        ResponseStore::open(folder.path()).unwrap_err().to_string().replace(&*folder.path().to_string_lossy(), "DIR")
    };
    std::fs::write(
        &path,
        "this is no database, and longer than a header of one hundred bytes, which is what SQLite reads first",
    )
    .unwrap();
    assert_eq!(
        refusal(),
        "the store DIR/responses.sqlite is damaged (file is not a database); clear the cache or delete the file, and \
         the answers are fetched again"
    );
    assert_eq!(clear(folder.path()).unwrap(), None, "a damaged file is deleted");
    let store = ResponseStore::open(folder.path()).unwrap();
    store.with(|c| c.pragma_update(None, "user_version", 9)).unwrap();
    drop(store);
    assert_eq!(
        refusal(),
        "the store DIR/responses.sqlite is of version 9, this program knows up to 1; update the program or choose \
         another folder with --cache-dir DIR"
    );
    std::fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (a)").unwrap();
    assert_eq!(
        refusal(),
        "DIR/responses.sqlite is a database of another program; choose another folder with --cache-dir DIR"
    );
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert!(refusal().starts_with("the store DIR/responses.sqlite cannot be written"), "{}", refusal());
    std::fs::write(folder.path().join("file"), "").unwrap();
    let inside = ResponseStore::open(&folder.path().join("file/inside")).unwrap_err();
    assert!(matches!(inside, StoreError::Folder { .. }), "{inside}");
}

#[test]
fn a_full_disk_is_said_and_loses_nothing() {
    let folder = folder();
    let store = ResponseStore::open(folder.path()).unwrap();
    store.put(&key("a"), &answer("tile", 1, b"kept")).unwrap();
    store.with(|c| c.pragma_update_and_check(None, "max_page_count", 12, |_| Ok(()))).unwrap();
    let error = store.put(&key("b"), &answer("tile", 2, &vec![7; 1_000_000])).unwrap_err();
    assert!(error.to_string().contains("there is no room for the store"), "{error}");
    assert_eq!(store.get(&key("b")).unwrap(), None);
    assert_eq!(store.get(&key("a")).unwrap().unwrap().body, b"kept");
    assert!(ResponseStore::open(folder.path()).unwrap().verify().unwrap().is_sound());
}

/// The number of the answer says what it must hold.
fn numbered(writer: &str, number: u32) -> (StoreKey, StoredAnswer) {
    let body = number.to_le_bytes().repeat(200 + number as usize % 900);
    (key(&format!("{writer}/{number}")), answer("tile", i64::from(number), &body))
}

/// This test runs itself as its own child, which writes until it is killed and says after each answer that it is kept.
#[test]
fn killed_writers_lose_nothing_that_they_acknowledged() {
    if let Ok(place) = std::env::var("RESPONSE_STORE_TEST_WRITER") {
        let (writer, folder) = place.split_once('=').unwrap();
        let store = ResponseStore::open(Path::new(folder)).unwrap();
        for number in 0..20_000 {
            let (key, answer) = numbered(writer, number);
            store.put(&key, &answer).unwrap();
            store.spend("tiles", 1, None).unwrap();
            println!("\nkept {number}");
        }
        return;
    }
    let folder = folder();
    let name = "store::tests::killed_writers_lose_nothing_that_they_acknowledged";
    let mut acknowledged: Vec<(String, u32)> = Vec::new();
    for round in 0..12 {
        let start = |number: u32| {
            let writer = format!("{round}-{number}");
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args([name, "--exact", "--nocapture"]).stdout(Stdio::piped()).stderr(Stdio::null());
            command.env("RESPONSE_STORE_TEST_WRITER", format!("{writer}={}", folder.path().display()));
            (writer, command.spawn().unwrap())
        };
        let mut children = [start(0), start(1)]; // two processes at once, also at the making of the file
        std::thread::sleep(Duration::from_millis(60 + 17 * round));
        for (writer, child) in &mut children {
            child.kill().unwrap();
            let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
            let kept = lines.filter_map(|line| line.strip_prefix("kept ")?.parse().ok());
            acknowledged.extend(kept.map(|number: u32| (writer.clone(), number)));
            child.wait().unwrap();
        }
    }
    let store = ResponseStore::open(folder.path()).unwrap();
    assert!(acknowledged.len() > 100, "{} answers were written", acknowledged.len());
    for (writer, number) in &acknowledged {
        let (key, expected) = numbered(writer, *number);
        assert_eq!(store.get(&key).unwrap(), Some(expected), "{writer}/{number} was lost");
    }
    let verification = store.verify().unwrap();
    assert!(verification.is_sound() && verification.answers >= acknowledged.len() as u64, "{verification:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn damaged_files_never_give_wrong_answers(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let folder = folder();
        let written: Vec<_> = (0..12).map(|number| numbered("w", number)).collect();
        {
            let store = ResponseStore::open(folder.path()).unwrap();
            for (key, answer) in &written {
                store.put(key, answer).unwrap();
            }
            store.with(|c| c.pragma_update_and_check(None, "wal_checkpoint", "TRUNCATE", |_| Ok(()))).unwrap();
        }
        let path = folder.path().join(FILE_NAME);
        let mut bytes = std::fs::read(&path).unwrap();
        for (place, byte) in edits {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        std::fs::write(&path, &bytes).unwrap();
        if let Ok(store) = ResponseStore::open(folder.path()) {
            for (key, answer) in &written {
                if let Ok(Some(found)) = store.get(key) {
                    prop_assert_eq!(&found, answer);
                }
            }
            let _ = store.verify();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    /// A power cut leaves the log as far as it had reached the disk: cut anywhere, its last sector torn. What is found
    /// then is what was written up to some moment: no answer without all earlier ones.
    #[test]
    fn a_power_cut_leaves_a_beginning(
        n_written in 1..30_u32,
        cut in any::<prop::sample::Index>(),
        torn in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        let (alive, dead) = (folder(), folder());
        let store = ResponseStore::open(alive.path()).unwrap();
        store.with(|c| c.pragma_update_and_check(None, "wal_checkpoint", "TRUNCATE", |_| Ok(()))).unwrap();
        for number in 0..n_written {
            let (key, answer) = numbered("w", number);
            store.put(&key, &answer).unwrap();
        }
        let log = format!("{FILE_NAME}-wal");
        std::fs::copy(alive.path().join(FILE_NAME), dead.path().join(FILE_NAME)).unwrap();
        let mut bytes = std::fs::read(alive.path().join(&log)).unwrap();
        bytes.truncate(cut.index(bytes.len()));
        bytes.extend(torn);
        std::fs::write(dead.path().join(&log), bytes).unwrap();

        let survived = ResponseStore::open(dead.path()).unwrap();
        let found: Vec<bool> = (0..n_written)
            .map(|number| {
                let (key, expected) = numbered("w", number);
                survived.get(&key).unwrap().is_some_and(|answer| {
                    assert_eq!(answer, expected);
                    true
                })
            })
            .collect();
        prop_assert!(found.is_sorted_by_key(|&there| !there), "{found:?}");
        prop_assert!(survived.verify().unwrap().is_sound());
    }
}
