//! Two processes over one ledger never count, and so never send, more together than the limit: checking and counting are one
//! step for both.

#![expect(clippy::unwrap_used, reason = "the whole file is a test")]

use polite_http::Store;
use response_store::ResponseStore;
use std::path::Path;
use std::process::{Command, Stdio};

const CHILD: &str = "RESPONSE_STORE_TEST_LEDGER";
const LIMIT: u64 = 600;
/// Far ahead: minutes of the past are cleared away when a store is opened.
const MINUTE: i64 = 100_000_000;

/// Counts as long as fewer than the limit are counted; whether this one may is decided from what was read before.
fn work(folder: &Path) -> u64 {
    let store = ResponseStore::open(folder).unwrap();
    let mut claimed = 0;
    loop {
        let counted = [MINUTE - 1, MINUTE].map(|minute| store.spent("tiles/minute", minute).unwrap());
        if counted[1] >= LIMIT {
            return claimed;
        }
        claimed += u64::from(store.spend_if("tiles/minute", MINUTE, counted).unwrap());
    }
}

#[test]
fn two_processes_count_no_more_than_the_limit() {
    if let Some(folder) = std::env::var_os(CHILD) {
        println!("claimed {}", work(Path::new(&folder)));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let store = ResponseStore::open(folder.path()).unwrap();
    assert!(store.spend("tiles/minute", MINUTE - 1, None).unwrap());
    let child = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "two_processes_count_no_more_than_the_limit", "--nocapture"]);
        command.env(CHILD, folder.path()).stdout(Stdio::piped()).spawn().unwrap()
    };
    let claimed: Vec<u64> = [child(), child()]
        .map(|child| {
            let told = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
            let line = told.lines().find_map(|line| line.split_once("claimed ")).unwrap();
            line.1.trim().parse().unwrap()
        })
        .to_vec();
    assert_eq!(claimed.iter().sum::<u64>(), LIMIT, "{claimed:?} of {:?}", store.spent("tiles/minute", MINUTE));
    assert_eq!(store.spent("tiles/minute", MINUTE).unwrap(), LIMIT);
    assert!(!store.spend_if("tiles/minute", MINUTE, [0, LIMIT]).unwrap(), "the minute before counts as well");
    assert!(!store.spend_if("tiles/minute", MINUTE + 1, [LIMIT - 1, 0]).unwrap());
    assert!(store.spend_if("tiles/minute", MINUTE + 1, [LIMIT, 0]).unwrap(), "the first of a minute");
    assert!(!store.spend_if("tiles/minute", MINUTE + 1, [LIMIT, 0]).unwrap());
}
