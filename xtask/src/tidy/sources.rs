//! What the tracked files themselves must and must not hold.

use anyhow::{Context, Result};
use std::path::Path;

const LARGEST_FILE_BYTES: u64 = 600 * 1024;
const LONGEST_SOURCE_LINES: usize = 600;

/// Crates that decide from values alone: no path, URL, clock, runtime or thread of their own.
const PURE: [&str; 5] = ["image-matcher", "adjustment-audit", "uploader-replay", "tile-cover", "coverage-tile"];
/// The only places that may name the crate of the undocumented feed: delete it and these, and the rest still builds.
const TRACKERS_NEIGHBOURS: [&str; 5] = [
    "crates/cluster-tracker/",
    "crates/reconcile/src/tracking",
    "crates/tiepoint/src/verbs/track",
    "crates/tiepoint/src/feed",
    "xtask/src/tidy/",
];
const IMPURE_WORDS: [&str; 8] =
    ["std::fs", "std::net", "std::path", "std::env", "std::time", "SystemTime", "Instant::now", "std::thread"];

/// Every broken rule, one line each.
pub(super) fn broken(root: &Path, files: &[String]) -> Result<Vec<String>> {
    let mut broken = Vec::new();
    for needed in
        ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE", "Cargo.lock", ".ci/run"]
    {
        if !files.iter().any(|file| file == needed) {
            broken.push(format!("{needed} is missing"));
        }
    }
    for file in files {
        let path = root.join(file);
        let bytes = std::fs::metadata(&path).with_context(|| format!("cannot look at {file}"))?.len();
        if bytes > LARGEST_FILE_BYTES {
            broken.push(format!("{file}: {bytes} bytes; large data is generated, not tracked"));
            continue;
        }
        let Ok(text) = std::fs::read_to_string(&path) else { continue }; // binary fixtures have no lines
        broken.extend(broken_rules_of(file, &text));
    }
    Ok(broken)
}

fn broken_rules_of(file: &str, text: &str) -> Vec<String> {
    let mut broken = Vec::new();
    if file != "Cargo.lock" {
        for (number, line) in numbered(text) {
            if machine_paths().iter().any(|path| line.contains(path.as_str())) {
                broken.push(format!("{file}:{number}: a machine's path"));
            }
        }
    }
    if Path::new(file).extension().is_none_or(|extension| extension != "rs") {
        return broken;
    }
    if !text.starts_with("//!") {
        broken.push(format!("{file}: does not open with a doc comment"));
    }
    let lines = text.lines().count();
    if lines > LONGEST_SOURCE_LINES {
        broken.push(format!("{file}: {lines} lines; a file is one idea"));
    }
    if names_the_tracker(text) && !TRACKERS_NEIGHBOURS.iter().any(|place| file.starts_with(place)) {
        broken.push(format!(
            "{file}: names the tracker, which must stay deletable without touching the documented route"
        ));
    }
    let pure = PURE.iter().any(|name| file.starts_with(&format!("crates/{name}/src/")));
    let is_test_file = file.ends_with("tests.rs") || file.contains("/tests/");
    for (number, line) in numbered(text) {
        if left_overs().iter().any(|word| line.contains(word.as_str())) {
            broken.push(format!("{file}:{number}: a left-over"));
        }
        if pure
            && !is_test_file
            && IMPURE_WORDS.iter().any(|word| line.contains(word))
            && !line.trim().starts_with("//")
        {
            broken.push(format!("{file}:{number}: a pure crate sees no path, clock, socket or thread"));
        }
    }
    broken
}

/// Whether a source uses the tracker's crate.
fn names_the_tracker(text: &str) -> bool {
    text.contains("cluster_tracker")
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

// The words are put together here so that this file does not break its own rules.
fn left_overs() -> [String; 6] {
    ["todo", "unimplemented", "dbg"]
        .map(|name| format!("{name}!("))
        .into_iter()
        .chain([format!("#[{}]", "ignore"), format!("// {}", "TODO"), format!("// {}", "FIXME")])
        .collect::<Vec<_>>()
        .try_into()
        .expect("three and three words")
}

fn machine_paths() -> [String; 3] {
    ["work", "root", "farm"].map(|folder| format!("/{folder}/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(case: &str, file: &str, text: &str, expected: &[&str]) {
        let found = broken_rules_of(file, text);
        assert_eq!(found.len(), expected.len(), "{case}: {found:?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.contains(expected), "{case}: {found}");
        }
    }

    #[test]
    fn files_that_break_the_house_rules_are_named() {
        check("a clean file", "crates/a/src/lib.rs", "//! Doc.\nfn f() {}\n", &[]);
        check("no doc comment", "crates/a/src/lib.rs", "fn f() {}\n", &["doc comment"]);
        check(
            "a left-over",
            "crates/a/src/lib.rs",
            &format!("//! D.\nfn f() {{ {}!() }}\n", "todo"),
            &["2: a left-over"],
        );
        check("a machine's path", "README.md", &format!("see /{}/x\n", "work"), &["1: a machine"]);
        check(
            "a clock in a pure crate",
            "crates/tile-cover/src/lib.rs",
            "//! D.\nuse std::time::Instant;\n",
            &["2: a pure"],
        );
        check("a clock elsewhere", "crates/reconcile/src/lib.rs", "//! D.\nuse std::time::Instant;\n", &[]);
        check("a path in a pure crate's tests", "crates/tile-cover/src/tests.rs", "//! D.\nuse std::fs;\n", &[]);
        check(
            "the tracker where it may be",
            "crates/reconcile/src/tracking/mod.rs",
            "//! D.\nuse cluster_tracker::Feed;\n",
            &[],
        );
        check(
            "the tracker elsewhere",
            "crates/reconcile/src/run.rs",
            "//! D.\nuse cluster_tracker::Feed;\n",
            &["deletable"],
        );
        check("a long file", "crates/a/src/lib.rs", &format!("//! D.\n{}", "\n".repeat(700)), &["701 lines"]);
    }
}
