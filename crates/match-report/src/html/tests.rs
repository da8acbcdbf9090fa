//! The page as bytes: what it must and must not hold. What a browser makes of it is tested in the end-to-end suite.

use super::*;
use crate::test_world::World;

#[test]
fn nothing_in_the_data_can_end_the_script() {
    assert_eq!(
        escaped("{\"a\":\"</script><b>&\u{2028}é\"}"),
        "{\"a\":\"\\u003c/script\\u003e\\u003cb\\u003e\\u0026\\u2028é\"}"
    );
    let told: Value = serde_json::from_str(&escaped("[\"<!--\u{2029}\"]")).unwrap();
    assert_eq!(told[0], "<!--\u{2029}", "what is read back is what was written");
}

#[test]
fn the_viewer_has_no_address_but_that_of_the_images() {
    let whole = [PAGE, STYLE, &SCRIPT.concat()].concat();
    let mut addresses: Vec<&str> =
        whole.match_indices("http").map(|(at, _)| whole[at..].split(['"', ' ', '\'']).next().unwrap()).collect();
    addresses.sort_unstable();
    addresses.dedup();
    assert_eq!(addresses, ["http-equiv=", "http://www.w3.org/2000/svg", "https://www.mapillary.com/app/?pKey="]);
    for way in [
        "innerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
        "fetch(",
        "XMLHttpRequest",
        "import(",
    ] {
        assert!(!whole.contains(way), "{way}");
    }
}

fn page_of(report: &Report<'_>) -> String {
    let mut page = Vec::new();
    write_report_html(report, None, &mut page).unwrap();
    String::from_utf8(page).unwrap()
}

fn data_of(page: &str) -> Value {
    let (_, rest) = page.split_once("id=\"data\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

/// A fifth of them, for the time that a test may take. `TIEPOINT_PAGE=FILE` makes all and keeps the page for a browser.
#[test]
fn a_hundred_thousand_photos_stay_below_15_mb() {
    let share = if std::env::var_os("TIEPOINT_PAGE").is_some() { 1 } else { 5 };
    let world = World::of(100_000 / share);
    let page = page_of(&world.report());
    assert!(page.len() * share < 15_000_000, "{} bytes", page.len());
    let data = data_of(&page);
    assert_eq!(data["head"]["thinned_to_every"], 1);
    assert_eq!(data["photos"]["name"].as_array().unwrap().len(), 100_000 / share);
    if let Some(path) = std::env::var_os("TIEPOINT_PAGE") {
        std::fs::write(path, &page).unwrap();
    }
}

#[test]
fn what_does_not_fit_is_thinned_evenly_and_said() {
    let world = World::of(2_000);
    let report = world.report();
    let (all, every) = thinned(&report, MOST_BYTES);
    assert_eq!(every, 1);
    let (some, every) = thinned(&report, all.len() / 3);
    assert!(some.len() <= all.len() / 3 && (3..=5).contains(&every), "{} of {}, every {every}", some.len(), all.len());
    let told: Value = serde_json::from_str(&some).unwrap();
    assert_eq!(told["name"].as_array().unwrap().len(), 2_000_usize.div_ceil(every));
}

#[test]
fn a_redacted_page_shows_no_name_no_id_and_no_place() {
    let world = World::of(500);
    let redaction = crate::Redaction::new([3; 32]);
    let page = page_of(&world.report().redacted_by(Some(&redaction)));
    let open = data_of(&page_of(&world.report()));
    for hidden in ["GOPR", "archive", "2024-05", "Seq0", open["photos"]["id"][0].as_str().unwrap()] {
        assert!(!page.contains(hidden), "{hidden}");
    }
    let data = data_of(&page);
    assert_eq!(data["photos"]["shift"], open["photos"]["shift"], "how far images were moved stays");
    assert_eq!(data["photos"]["lon"][0].as_i64().unwrap() % 100_000, 0, "a hundredth of a degree");
    assert_eq!(data["head"]["counts"], open["head"]["counts"]);
}

#[test]
fn a_sequence_without_a_clock_has_none_on_the_page() {
    let mut world = World::of(400);
    world.outcome.tracks[0].clock_offset_ms = None;
    let data = data_of(&page_of(&world.report()));
    assert_eq!(data["sequences"][0][1], 400);
    assert_eq!(data["sequences"][0][3], Value::Null, "no offset is not an offset of 0 s");
}
