//! What is made for people: the story of a photo, decisions about open ones, reports for strangers, the block at the end.

use crate::support::{Service, printed, rows, run, said, tiepoint};
use std::collections::BTreeMap;
use std::path::Path;

type Row = BTreeMap<String, String>;

/// An archive whose cameras nothing tells apart, matched into `ties`.
fn open_report(folder: &Path) -> Vec<Row> {
    let archive =
        ["simulate", "archive", "--photos", "60", "--seed", "3", "--scenario", "rig_undecidable", "--out", "a"];
    run(tiepoint(folder).args(archive), 0);
    match_again(folder, &[])
}

fn match_again(folder: &Path, further: &[&str]) -> Vec<Row> {
    let arguments =
        ["match", "--local", "a/local.csv", "--remote", "a/remote.jsonl", "--out", "ties", "--history", "none"];
    run(tiepoint(folder).args(arguments).args(further), 0);
    rows(&folder.join("ties/matches.csv"))
}

fn ambiguous(table: &[Row]) -> Vec<&Row> {
    table.iter().filter(|row| row["status"] == "ambiguous").collect()
}

/// Fills the column `decision` of a review, as a person in a spreadsheet would.
fn fill(folder: &Path, decide: impl Fn(&Row) -> String) {
    let table = rows(&folder.join("review.csv"));
    let header = csv::Reader::from_path(folder.join("review.csv")).unwrap().headers().unwrap().clone();
    let mut filled = csv::Writer::from_path(folder.join("filled.csv")).unwrap();
    filled.write_record(&header).unwrap();
    for mut row in table {
        let decision = decide(&row);
        row.insert("decision".to_owned(), decision);
        row.insert("image_id".to_owned(), "4.98763E+14".to_owned()); // a spreadsheet's idea of an id
        filled.write_record(header.iter().map(|name| &row[name])).unwrap();
    }
    filled.flush().unwrap();
}

#[test]
fn decisions_go_out_come_back_and_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let before = open_report(folder);
    let open = ambiguous(&before);
    assert!(open.len() >= 20, "{} ambiguous", open.len());
    run(tiepoint(folder).args(["review", "export", "--report", "ties", "-o", "review.csv"]), 0);
    let review = rows(&folder.join("review.csv"));
    assert_eq!(review.len(), open.iter().map(|row| row["candidates"].split('|').count()).sum::<usize>());
    assert!(
        review
            .iter()
            .all(|row| !row["distance_m"].is_empty() && row["url"].contains("pKey=") && row["decision"].is_empty())
    );
    run(tiepoint(folder).args(["review", "export", "--report", "ties", "-o", "review.geojson"]), 0);
    let drawn: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("review.geojson")).unwrap()).unwrap();
    let n_of =
        |kind: &str| drawn["features"].as_array().unwrap().iter().filter(|f| f["properties"]["kind"] == kind).count();
    assert_eq!([n_of("photo"), n_of("candidate"), n_of("pair")], [open.len(), review.len(), review.len()]);

    // What is filled in on the map comes back as well.
    let mut filled = drawn.clone();
    for feature in filled["features"].as_array_mut().unwrap() {
        let properties = &mut feature["properties"];
        assert_eq!(properties["decision"], "", "a field to fill in");
        if properties["kind"] == "candidate"
            && properties["path"] == open[0]["path"].as_str()
            && properties["candidate"] == 2
        {
            properties["decision"] = "yes".into();
        }
    }
    std::fs::write(folder.join("filled.geojson"), filled.to_string()).unwrap();
    let told = said(&run(tiepoint(folder).args(["review", "import", "--report", "ties", "filled.geojson"]), 0));
    assert!(told.contains("1 decisions taken"), "{told}");
    std::fs::remove_file(folder.join("ties/decisions.csv")).unwrap();

    // One photo is its second candidate, one is none, the rest stay open.
    let (first, second) = (open[0]["path"].clone(), open[1]["path"].clone());
    let chosen = open[0]["candidates"].split('|').nth(1).unwrap().to_owned();
    fill(folder, |row| match (row["path"] == first, row["path"] == second, row["candidate"].as_str()) {
        (true, _, "2") => "yes".to_owned(),
        (_, true, "1") => "none".to_owned(),
        _ => String::new(),
    });
    let told = said(&run(tiepoint(folder).args(["review", "import", "--report", "ties", "filled.csv"]), 0));
    assert!(told.contains("2 decisions taken"), "{told}");

    for round in 0..2 {
        let after = match_again(folder, &[]);
        let find = |path: &str| after.iter().find(|row| row["path"] == path).unwrap();
        let (decided, none) = (find(&first), find(&second));
        assert_eq!([&decided["status"], &decided["image_id"]], ["matched", chosen.as_str()], "run {round}");
        let own = open[0]["candidate_probabilities"].split('|').nth(1).unwrap();
        assert_eq!(decided["probability"], own, "never counted as the matcher's own certainty");
        assert!(decided["note"].starts_with("decided by a person"), "{}", decided["note"]);
        assert!(decided["candidates"].starts_with(&chosen));
        assert_eq!(none["status"], "unmatched");
        assert!(none["note"].starts_with("decided by a person"), "{}", none["note"]);
        let changed = |row: &&Row| *row != before.iter().find(|old| old["path"] == row["path"]).unwrap();
        assert_eq!(after.iter().filter(changed).count(), 2, "nothing else moves");
    }
    let hidden = match_again(folder, &["--redact"]);
    assert!(hidden.iter().all(|row| row["note"].is_empty() && row["url"].is_empty()));
    let told = said(&run(tiepoint(folder).args(["review", "export", "--report", "ties"]), 2));
    assert!(told.contains("is redacted"), "{told}");
    let named = match_again(folder, &["--decisions", "filled.csv"]);
    assert_eq!(
        named.iter().find(|row| row["path"] == first).unwrap()["image_id"],
        chosen,
        "a filled-in review may be named"
    );
}

#[test]
fn decisions_that_cannot_be_are_refused_with_lines_and_names() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let table = open_report(folder);
    let open = ambiguous(&table);
    let (one, other) = (&open[0]["path"], &open[1]["path"]);
    let id = open[0]["candidates"].split('|').next().unwrap();
    for (text, words) in [
        (
            format!("path,decision\n{one},{id}\n{other},{id}\n"),
            vec!["line 3", one.as_str(), other.as_str(), "keep one"],
        ),
        (format!("path,decision\n{one},perhaps\n"), vec!["line 2", "`perhaps`"]),
        ("path,decision\nnobody.jpg,none\n".to_owned(), vec!["nobody.jpg is no file of the report"]),
    ] {
        std::fs::write(folder.join("bad.csv"), text).unwrap();
        let told = said(&run(tiepoint(folder).args(["review", "import", "--report", "ties", "bad.csv"]), 4));
        assert!(words.iter().all(|word| told.contains(word)), "{told}");
        assert!(!folder.join("ties/decisions.csv").exists(), "nothing is kept of what was refused");
    }
    run(tiepoint(folder).args(["review", "import", "--report", "ties", "missing.csv"]), 3);
    run(tiepoint(folder).args(["review", "export", "--report", "a"]), 3);
    std::fs::write(folder.join("far.csv"), format!("path,decision\n{one},77\n")).unwrap();
    let told = said(&run(tiepoint(folder).args(["review", "import", "--report", "ties", "far.csv"]), 0));
    assert!(told.contains("not among the candidates"), "{told}");
    let arguments =
        ["match", "--local", "a/local.csv", "--remote", "a/remote.jsonl", "--out", "ties", "--history", "none"];
    let told = said(&run(tiepoint(folder).args(arguments), 0));
    assert!(told.contains("image 77, which this run did not see"), "{told}");
}

#[test]
fn explain_tells_the_story_of_a_photo_and_of_an_image() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run(tiepoint(folder).args(["demo", "--photos", "300", "--progress", "none"]), 0);
    let ties = "tiepoint-demo/ties";
    let table = rows(&folder.join(ties).join("matches.csv"));
    let explain = |what: &str, code| printed(&run(tiepoint(folder).args(["explain", what, "--report", ties]), code));
    let matched = table.iter().find(|row| row["status"] == "matched" && !row["shift_m"].is_empty()).unwrap();
    let story = explain(&matched["path"], 0);
    let lines = [
        "file", "uploader", "sequence", "clock", "agrees", "weights", "rivals", "could be", "moved", "decision", "next",
    ];
    for name in lines {
        assert!(story.lines().any(|line| line.starts_with(&format!("  {name} "))), "{name} is missing in\n{story}");
    }
    assert!((10..=15).contains(&story.lines().count()), "{story}");
    for figure in ["image_id", "reason", "distance_m", "shift_m", "url"] {
        assert!(story.contains(&matched[figure]), "{figure}: {story}");
    }
    assert!(explain(&matched["image_id"], 0).ends_with(&story), "the same by the image's id");
    let ends = matched["path"].rsplit_once('/').unwrap().1;
    assert!(explain(ends, 0).contains(&matched["path"]), "the end of a path will do");
    for status in ["unmatched", "rejected", "unreadable"] {
        let row = table.iter().find(|row| row["status"] == status).unwrap();
        let story = explain(&row["path"], 0);
        assert!(story.contains(&row["reason"]) && story.contains("  next "), "{story}");
    }
    let shifts = rows(&folder.join(ties).join("shifts.csv"));
    let tied: Vec<&String> = table.iter().map(|row| &row["image_id"]).collect();
    let named =
        |id: &String| table.iter().any(|row| row["also_published_as"].contains(id) || row["candidates"].contains(id));
    if let Some(alone) = shifts.iter().map(|row| &row["image_id"]).find(|id| !tied.contains(id) && !named(id)) {
        assert!(explain(alone, 0).contains("no local file is tied to it"));
    }
    explain("nobody.jpg", 3);
    explain("123456789", 3);
    run(tiepoint(folder).args(["explain", "x.jpg", "--report", "tiepoint-demo/photos"]), 3);

    // The evidence is a pure function of the input.
    let evidence = std::fs::read(folder.join(ties).join("evidence.jsonl")).unwrap();
    run(tiepoint(folder).args(["demo", "--photos", "300", "--progress", "none", "--threads", "1"]), 0);
    assert_eq!(std::fs::read(folder.join(ties).join("evidence.jsonl")).unwrap(), evidence);
    assert!(evidence.len() < table.len() * 400, "{} bytes for {} photos", evidence.len(), table.len());
}

#[test]
fn a_redacted_report_names_nobody_and_no_place() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let archive =
        ["simulate", "archive", "--photos", "60", "--seed", "5", "--scenario", "demo", "--out", "annas archive"];
    run(tiepoint(folder).args(archive), 0);
    let text = std::fs::read_to_string(folder.join("annas archive/remote.jsonl")).unwrap();
    let service = Service::start(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect());
    let reconcile = |out: &str, further: &[&str]| {
        let mut command = tiepoint(folder);
        service.serve(&mut command);
        let arguments = ["reconcile", "annas archive/photos", "--out", out, "--history", "none", "--progress", "none"];
        run(command.args(arguments).args(further), 0);
    };
    reconcile("open", &[]);
    reconcile("hidden", &["--redact"]);
    reconcile("again", &["--redact"]);
    std::fs::write(folder.join("key"), "a key of my own, of some length").unwrap();
    reconcile("otherwise", &["--redact", "--redact-key", "key"]);

    let table = rows(&folder.join("open/matches.csv"));
    let mut secrets: Vec<String> = vec!["annas".to_owned()];
    for row in &table {
        for column in ["image_id", "sequence_id"] {
            secrets.extend(Some(row[column].clone()).filter(|text| text.len() > 8));
        }
        for column in ["longitude", "latitude", "computed_longitude", "remote_latitude"] {
            let degrees = row[column].trim_end_matches('0');
            secrets.extend((degrees.len() > 6).then(|| degrees.to_owned()));
        }
        secrets.extend(row["path"].rsplit('/').next().map(ToOwned::to_owned).filter(|name| name.len() > 6));
        secrets.extend(Some(row["captured_at"].clone()).filter(|text| !text.is_empty()));
    }
    let mut n_files = 0;
    for entry in std::fs::read_dir(folder.join("hidden")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        n_files += 1;
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{secret} stands in {}", path.display());
        }
        if path.file_name().unwrap() != "summary.json" {
            let again = std::fs::read_to_string(folder.join("again").join(path.file_name().unwrap())).unwrap();
            assert!(text == again, "{} differs between two runs with one key", path.display());
        }
    }
    assert!(n_files >= 7, "{n_files} files");

    // What explains the match stays.
    let (hidden, otherwise) = (rows(&folder.join("hidden/matches.csv")), rows(&folder.join("otherwise/matches.csv")));
    for (row, shown) in table.iter().zip(&hidden) {
        for column in [
            "status",
            "reason",
            "probability",
            "distance_m",
            "time_delta_ms",
            "clock_offset_ms",
            "shift_m",
            "local_sequence",
        ] {
            assert_eq!(row[column], shown[column], "{column}");
        }
    }
    let pairs = |table: &[Row]| table.iter().filter(|row| !row["image_id"].is_empty()).count();
    assert_eq!(pairs(&hidden), pairs(&table));
    assert!(hidden.iter().zip(&otherwise).all(|(a, b)| a["path"] != b["path"]), "another key, other names");
    let listed: Vec<&String> = hidden.iter().map(|row| &row["image_id"]).filter(|id| !id.is_empty()).collect();
    let shifts = rows(&folder.join("hidden/shifts.csv"));
    assert!(listed.iter().all(|id| shifts.iter().any(|row| &row["image_id"] == *id)), "ids are the same in every file");
    let key = std::fs::metadata(folder.join("cache/redact.key")).unwrap();
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&key.permissions()) & 0o077, 0, "the key is its owner's alone");
    assert_eq!(key.len(), 32);
    std::fs::write(folder.join("key"), "short").unwrap();
    run(tiepoint(folder).args(["match", "--local", "x", "--remote", "y", "--redact", "--redact-key", "key"]), 2);
}

#[test]
fn the_block_at_the_end_fits_a_terminal_and_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(tiepoint(folder.path()).args(["demo", "--photos", "300", "--progress", "none"]), 0);
    let (told, summary) = (said(&output), printed(&output));
    for line in told.lines().chain(summary.lines()) {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(!told.contains('\x1b') && !summary.contains('\x1b'), "no colour where nobody sees it");
    for word in ["files in", "matched", "unmatched", "next:", "report.html", "tiepoint explain"] {
        assert!(told.contains(word), "{word} is missing in\n{told}");
    }
    let quiet = said(&run(tiepoint(folder.path()).args(["demo", "--photos", "100", "--quiet"]), 0));
    assert_eq!(quiet, "");
}

#[test]
fn a_basemap_is_only_for_those_who_ask() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("p.csv"), "path,lon,lat,captured_at\na.jpg,8.4,49.0,2024-05-18T10:00:00Z\n").unwrap();
    let service = Service::start(Vec::new());
    let page = |further: &[&str], code| {
        let mut command = tiepoint(folder);
        service.serve(&mut command);
        run(command.args(["reconcile", "p.csv", "--out", "ties", "--history", "none"]).args(further), code);
        std::fs::read_to_string(folder.join("ties/report.html")).unwrap()
    };
    assert!(!page(&[], 0).contains("openstreetmap"));
    let with = page(&["--basemap"], 0);
    assert!(with.contains("img-src data: https://tile.openstreetmap.org;"), "the policy names the one host");
    assert!(
        page(&["--basemap=https://tiles.example.org/{z}/{x}/{y}.png"], 0)
            .contains("img-src data: https://tiles.example.org;")
    );
    page(&["--basemap=http://tiles.example.org/{z}/{x}/{y}.png"], 2);
}
