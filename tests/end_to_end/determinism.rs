//! The bytes of a report depend on what was taken and what is published, on nothing else.

use crate::support::{run, tiepoint};
use std::path::Path;

/// Lines in an order that a number gives; the first `n_kept` stay.
fn shuffled(text: &str, n_kept: usize, number: u64) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let mut state = number | 1;
    for k in (n_kept + 1..lines.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        lines.swap(k, n_kept + (state >> 33) as usize % (k + 1 - n_kept));
    }
    lines.join("\n") + "\n"
}

fn matches(folder: &Path, local: &str, remote: &str, threads: &str) -> Vec<u8> {
    std::fs::write(folder.join("l.csv"), local).unwrap();
    std::fs::write(folder.join("r.jsonl"), remote).unwrap();
    let arguments = ["match", "--local", "l.csv", "--remote", "r.jsonl", "-o", "m.csv", "--threads", threads];
    run(tiepoint(folder).args(arguments), 0);
    std::fs::read(folder.join("m.csv")).unwrap()
}

/// Entities by the tile that holds them, eastern tiles first: as other tiles would bring them, a sequence in pieces.
fn by_tile(remote: &str) -> String {
    let tile = |line: &str| {
        let entity: serde_json::Value = serde_json::from_str(line).unwrap();
        let place = &entity["geometry"]["coordinates"];
        let at = |axis: usize| (place[axis].as_f64().unwrap_or(0.0) * 200.0).floor() as i64;
        (std::cmp::Reverse(at(0)), at(1))
    };
    let mut lines: Vec<&str> = remote.lines().collect();
    lines.sort_by_key(|line| tile(line));
    lines.join("\n") + "\n"
}

#[test]
fn matches_have_the_same_bytes_for_any_order_and_number_of_threads() {
    for scenario in ["demo", "rig_undecidable", "adjusted_clock", "reupload_same"] {
        let folder = tempfile::tempdir().unwrap();
        let make = ["simulate", "archive", "--photos", "150", "--seed", "5", "--scenario", scenario, "--out", "city"];
        run(tiepoint(folder.path()).args(make), 0);
        let read = |name: &str| std::fs::read_to_string(folder.path().join("city").join(name)).unwrap();
        let (local, remote) = (read("local.csv"), read("remote.jsonl"));
        let expected = matches(folder.path(), &local, &remote, "1");
        assert!(expected.split(|&byte| byte == b'\n').count() > 140, "{scenario}");
        for (number, threads) in [(7, "2"), (8, "8")] {
            let (local, remote) = (shuffled(&local, 1, number), shuffled(&remote, 0, number));
            let again = matches(folder.path(), &local, &remote, threads);
            assert!(again == expected, "{scenario}: shuffled, {threads} threads");
        }
        let in_pieces = matches(folder.path(), &local, &by_tile(&remote), "2");
        assert!(in_pieces == expected, "{scenario}: tile by tile");
    }
}
