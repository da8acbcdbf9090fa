//! Files of entities: every shape that people have, every way in which they break.

use super::*;
use crate::entity::{entity_json, tests::any_image};
use proptest::prelude::*;
use std::io::Write as _;

/// Ids read, then "line: reason" of each problem; or the error.
fn summary(text: &str) -> (Vec<u64>, Vec<String>) {
    match read_entities(text.as_bytes()) {
        Ok(entities) => (
            entities.images.iter().map(|image| image.id.0).collect(),
            entities.problems.iter().map(|problem| format!("{}: {}", problem.line, problem.reason)).collect(),
        ),
        Err(error) => (vec![], vec![error.to_string()]),
    }
}

#[track_caller]
fn check(case: &str, text: &str, ids: &[u64], problems: &[&str]) {
    let (found, said) = summary(text);
    assert_eq!(found, ids, "{case}");
    assert_eq!(said, problems, "{case}");
}

#[test]
fn every_shape_of_file_is_read() {
    check("JSON lines", "{\"id\":\"1\"}\n{\"id\":2}\n", &[1, 2], &[]);
    check("without a last line break, with blank lines and CRLF", "\n\r\n{\"id\":\"1\"}\r\n\n{\"id\":2}", &[1, 2], &[]);
    check("a byte order mark", "\u{feff}{\"id\":1}\n", &[1], &[]);
    check("a page on one line", "{\"data\":[{\"id\":\"1\"},{\"id\":\"2\"}]}", &[1, 2], &[]);
    check(
        "several pages, a line each",
        "{\"data\":[{\"id\":1}],\"paging\":{}}\n{\"data\":[{\"id\":2}]}\n",
        &[1, 2],
        &[],
    );
    check("a list", "[{\"id\":1},{\"id\":2}]", &[1, 2], &[]);
    check("a page over many lines", "{\n \"data\": [\n  {\"id\": 1},\n  {\"id\":\n 2}\n ]\n}\n", &[1, 2], &[]);
    check("one entity over many lines, and another", "{\n\"id\": 1\n}\n{\n\"id\": 2\n}\n", &[1, 2], &[]);
    check("nothing", "", &[], &[]);
    check("white space only", " \n\n ", &[], &[]);
    check("an empty list", "{\"data\":[]}", &[], &[]);
}

#[test]
fn one_bad_element_never_ends_a_file() {
    check(
        "lines",
        "{\"id\":1}\n{\"id\":\n{\"id\":-3}\nnonsense\n{\"altitude\":4}\n17\n{\"error\":{\"message\":\"no\",\"code\":1}}\n{\"id\":8}\n",
        &[1, 8],
        &[
            "2: broken JSON (EOF while parsing a value)",
            "3: its id is not 1 to 20 decimal digits",
            "4: broken JSON (expected ident)",
            "5: it has no id",
            "6: it is not an object",
            "7: it is an error answer: no",
        ],
    );
    check(
        "elements of a document over many lines",
        "{\"data\":[\n{\"id\":1},\n{\"id\":1.5},\n[],\n\"x\",\n{\"id\":6}\n]}",
        &[1, 6],
        &["3: its id is not 1 to 20 decimal digits", "4: it is a list, not an object", "5: it is not an object"],
    );
    check("a repeated id is left out", "{\"id\":1}\n{\"id\":\"1\",\"altitude\":3}\n{\"id\":2}", &[1, 2], &[]);
    let broken = "{\"id\":1}\n{\"data\":[{\"id\":2},{\"id\":3}";
    check("a page cut short counts for nothing", broken, &[1], &["2: broken JSON (EOF while parsing a list)"]);
}

#[test]
fn a_file_of_something_else_is_refused_with_its_line() {
    let refusal = |text: &str| summary(text).1[0].clone();
    assert_eq!(
        refusal("path,lat,lon\na.jpg,1,2\n"),
        "no image entity in the file (line 1: broken JSON (expected value)); give JSON lines or {\"data\":[…]}, each with an id"
    );
    assert_eq!(
        refusal("{\n\"data\": [\n{\"id\": 1},\n{\"id\" 2}\n]}"),
        "line 4: broken JSON (expected `:`); give image entities as JSON lines or as {\"data\":[…]}"
    );
    assert!(refusal("{\n\"data\": [\n").starts_with("line 2: broken JSON (EOF"), "{}", refusal("{\n\"data\": [\n"));
    assert!(refusal(&"[".repeat(100_000)).contains("EOF"), "deep nesting is skipped without recursion");
}

#[test]
fn many_problems_are_counted_and_few_kept() {
    let text = format!("{{\"id\":1}}\n{}", "{}\n".repeat(5_000));
    let entities = read_entities(text.as_bytes()).unwrap();
    assert_eq!((entities.problems.len(), entities.n_problems), (1_000, 5_000));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn lines_and_pages_hold_the_same_images(images in proptest::collection::vec(any_image(), 0..8)) {
        let mut images = images;
        images.sort_by_key(|image| image.id);
        images.dedup_by_key(|image| image.id);
        let entities: Vec<_> = images.iter().map(entity_json).collect();
        let lines = entities.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        prop_assert_eq!(read_entities(lines.as_bytes()).unwrap().images, images.clone());
        let page = serde_json::to_string_pretty(&serde_json::json!({"data": entities})).unwrap();
        prop_assert_eq!(read_entities(page.as_bytes()).unwrap().images, images);
    }

    #[test]
    fn mutated_files_never_panic(
        image in any_image(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = format!("{{\"data\":[{0},{0}]}}\n{0}\n", entity_json(&image)).into_bytes();
        for (place, byte) in edits {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        let _ = read_entities(bytes.as_slice());
    }

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = read_entities(bytes.as_slice());
    }
}

/// Recorded answers, where the shared data lies beside the repository.
#[test]
fn recorded_answers_are_read() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/real/graph-api");
    if !folder.is_dir() {
        let _ =
            writeln!(std::io::stderr(), "SKIPPED recorded_answers_are_read: no recorded data beside the repository");
        return;
    }
    for (name, expected) in [
        ("images_karlsruhe_94.json", 94),
        ("images_clovis_125.json", 125),
        ("images_morgantown_125.json", 125),
        ("trekview/images_by_creator.json", 1),
        ("josm/135511895288847.json", 1),
    ] {
        let entities = read_entities(io::BufReader::new(std::fs::File::open(folder.join(name)).unwrap())).unwrap();
        assert_eq!((entities.images.len(), entities.n_problems), (expected, 0), "{name}");
        assert!(entities.images.iter().all(|image| image.original.is_some()), "{name}");
    }
}
