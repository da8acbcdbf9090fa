//! `report.html` in a real browser. `TIEPOINT_SCREENSHOTS=FOLDER` keeps pictures of the page to look at.

mod driver;

use crate::support::{Service, rows, run, tiepoint};
use driver::{Browser, chromium};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What somebody might call a photo to take over the page; each with its number, so that names differ.
const HOSTILE: [&str; 20] = [
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=document.title='owned'>",
    "\"><svg onload=document.title='owned'>",
    "' onclick='document.title=1",
    "<!--",
    "--><script>alert(1)</script>",
    "&lt;b&gt;&amp;#x3c;",
    "\u{202e}gpj.evil",
    "صورة-تجربة",
    "תמונה \"שלי\"",
    "a\u{2028}b\u{2029}c",
    "javascript:alert(1)",
    "{{constructor.constructor('alert(1)')()}}",
    "<iframe srcdoc='<script>1</script>'>",
    "<style>body{display:none}</style>",
    "<base href='https://example.org/'>",
    "<meta http-equiv=refresh content=0>",
    "@DATA@ @SCRIPT@",
    "`${document.title='owned'}`",
    "new\nline\ttab\\back",
];
const N_PHOTOS: usize = 200;

fn name(k: usize) -> String {
    format!("{k:03} {}.jpg", HOSTILE[k % HOSTILE.len()].replace('/', "∕"))
}

/// A ride with hostile names; the last photos were never published, the published ones were moved by two metres.
fn hostile_report(folder: &Path) -> PathBuf {
    let mut table = csv::Writer::from_path(folder.join("local.csv")).unwrap();
    table.write_record(["path", "sequence", "lon", "lat", "altitude", "captured_at"]).unwrap();
    let mut entities = Vec::new();
    for k in 0..N_PHOTOS {
        let (lon, lat) = (8.4 + 0.000_1 * k as f64, 49.0 + 0.000_02 * (k % 7) as f64);
        let time_ms = 1_716_028_867_000 + 2_000 * k as i64;
        let sequence = "<img src=x onerror=document.title='owned'>";
        let fields = [lon, lat, 115.0 + 0.5 * k as f64].map(|value| format!("{value:.7}"));
        table.write_record([&name(k), sequence, &fields[0], &fields[1], &fields[2], &time_ms.to_string()]).unwrap();
        if k < 150 {
            entities.push(json!({
                "id": (700_000_000_000_000_u64 + 13 * k as u64).to_string(), "sequence": "hostile0sequence0key00",
                "captured_at": time_ms, "geometry": {"type": "Point", "coordinates": [lon, lat]},
                "computed_geometry": {"type": "Point", "coordinates": [lon + 0.000_02, lat + 0.000_01]},
                "altitude": 115.0 + 0.5 * k as f64,
            }));
        }
    }
    table.flush().unwrap();
    let service = Service::start(entities);
    let mut command = tiepoint(folder);
    service.serve(&mut command);
    run(command.args(["reconcile", "local.csv", "--out", "ties", "--progress", "none"]), 0);
    folder.join("ties")
}

fn by_status(table: &[BTreeMap<String, String>]) -> BTreeMap<&str, usize> {
    table.iter().fold(BTreeMap::new(), |mut counts, row| {
        *counts.entry(row["status"].as_str()).or_default() += 1;
        counts
    })
}

const EVIDENCE: &str = "document.getElementById('evidence').textContent";

#[test]
fn the_page_is_silent_honest_and_proof_against_names() {
    let Some(chromium) = chromium() else { return };
    let folder = tempfile::tempdir().unwrap();
    let ties = hostile_report(folder.path());
    let table = rows(&ties.join("matches.csv"));
    let mut browser = Browser::start(&chromium);
    browser.screen(1360, 860, false, "light");
    browser.open(&ties.join("report.html"));

    // Its numbers are those of the table.
    let totals = browser.text("document.getElementById('totals').textContent");
    let mut expected = format!("{} files: ", table.len());
    let counts = by_status(&table);
    assert!(counts["matched"] >= 140 && counts["unmatched"] >= 40, "{counts:?}");
    for (place, status) in ["matched", "ambiguous", "unmatched"].iter().filter(|s| counts.contains_key(*s)).enumerate()
    {
        let _ = write!(expected, "{}{} {status}", if place > 0 { ", " } else { "" }, counts[status]);
    }
    assert_eq!(totals, expected);

    // A filter changes the counts.
    let shown = "document.getElementById('shown').textContent";
    assert_eq!(browser.text(shown), format!("all {}", table.len()));
    browser.value("document.querySelector('[data-status=matched]').click()");
    assert_eq!(browser.text(shown), format!("{} of {}", table.len() - counts["matched"], table.len()));
    browser.value("document.querySelector('[data-status=matched]').click()");
    browser.value(
        "const least = document.getElementById('least'); least.value = 1000; least.dispatchEvent(new Event('input'))",
    );
    assert_eq!(browser.text(shown), format!("0 of {}", table.len()), "nothing was moved by a kilometre");
    browser.value("document.getElementById('all').click()");
    assert_eq!(browser.text(shown), format!("all {}", table.len()));

    // The search finds every name as it is written, and the evidence shows it as text.
    let matches: BTreeMap<&str, &BTreeMap<String, String>> =
        table.iter().map(|row| (row["path"].as_str(), row)).collect();
    let mut clicked = 0;
    for k in 0..N_PHOTOS {
        search(&mut browser, &format!("{k:03} "));
        let evidence = browser.text(EVIDENCE);
        assert!(evidence.contains(&name(k)), "{k}: {evidence}");
        let Some(row) = matches.get(name(k).as_str()) else { continue }; // a name that the table guards or encodes
        assert!(evidence.contains(&format!("{} · {}", row["status"], row["reason"])), "{evidence}");
        if row["status"] == "matched" {
            for figure in ["image_id", "probability", "distance_m", "shift_m"] {
                assert!(evidence.contains(&row[figure]), "{figure} {}: {evidence}", row[figure]);
            }
        }
        // A click on the photo, which now stands in the middle of the map, shows the same.
        if k % 40 == 0 {
            browser.value("document.getElementById('map').focus()");
            browser.press("Escape", None);
            assert!(!browser.text(EVIDENCE).contains(&name(k)), "Escape lets go");
            let middle = browser.value("(() => { const b = document.getElementById('map').getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2] })()");
            browser.click(middle[0].as_f64().unwrap(), middle[1].as_f64().unwrap());
            assert!(
                browser.text(EVIDENCE).contains(&name(k)),
                "a click shows the evidence: {}",
                browser.text(EVIDENCE)
            );
            clicked += 1;
        }
    }
    assert_eq!(clicked, 5);

    // What is stated stands beside what was measured where the truth is known.
    let sure = browser.text("document.getElementById('reliability').textContent");
    assert!(sure.contains(&format!("of the {} matches", counts["matched"])), "{sure}");
    let surest = table.iter().filter(|row| row["probability"].parse::<f64>().is_ok_and(|p| p >= 0.999)).count();
    assert!(
        sure.contains(&format!("0.999–1{surest} → ")) && sure.contains(" · held ") && sure.contains(" %"),
        "{sure}"
    );

    // The keyboard steps on, and the address remembers.
    browser.value("document.getElementById('map').focus()");
    let before = browser.text(EVIDENCE);
    browser.press("p", Some("p"));
    assert_ne!(browser.text(EVIDENCE), before);
    browser.until("location.hash.includes('photo=') && location.hash.includes('map=')");

    // Nothing on the page but what we put there.
    assert_eq!(browser.text("document.title"), "Tiepoint report");
    let intruders = "document.querySelectorAll('img,iframe,object,embed,base,link,svg [onload],form[action]').length + document.querySelectorAll('script').length - 2 + document.querySelectorAll('style').length - 1";
    assert_eq!(browser.value(intruders), json!(0));
    let handlers = "[...document.querySelectorAll('*')].flatMap(e => [...e.attributes]).filter(a => a.name.startsWith('on')).length";
    assert_eq!(browser.value(handlers), json!(0));
    let strangers = "[...document.querySelectorAll('[href],[src]')].map(e => e.getAttribute('href') || e.getAttribute('src')).filter(a => !/^https:\\/\\/www\\.mapillary\\.com\\/app\\/\\?pKey=[0-9]+$/.test(a))";
    assert_eq!(browser.value(strangers), json!([]));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

fn search(browser: &mut Browser, text: &str) {
    browser.value("document.getElementById('query').value = ''; document.getElementById('query').focus()");
    browser.write(text);
    browser.press("Enter", Some("\r"));
}

#[test]
fn the_page_works_on_phones_and_in_the_dark() {
    let Some(chromium) = chromium() else { return };
    let folder = tempfile::tempdir().unwrap();
    run(tiepoint(folder.path()).args(["demo", "--photos", "300", "--progress", "none"]), 0);
    let page = folder.path().join("tiepoint-demo/ties/report.html");
    let pictures = std::env::var_os("TIEPOINT_SCREENSHOTS").map(PathBuf::from);
    let mut browser = Browser::start(&chromium);
    let mut papers = Vec::new();
    for (kind, width, height, colours) in
        [("desktop", 1360, 860, "light"), ("dark", 1360, 860, "dark"), ("phone", 390, 844, "light")]
    {
        browser.screen(width, height, kind == "phone", colours);
        browser.open(&page);
        let wide = browser.value("document.documentElement.scrollWidth");
        assert!(wide.as_u64().is_some_and(|wide| wide <= u64::from(width)), "{kind}: {wide} wide, nothing to the side");
        let drawn = "(() => { const map = document.getElementById('map'), pen = map.getContext('2d'), seen = new Set(), row = pen.getImageData(0, 0, map.width, map.height).data; for (let k = 0; k < row.length; k += 4) seen.add(row[k] << 16 | row[k + 1] << 8 | row[k + 2]); return seen.size })()";
        let n_colours = browser.value(drawn);
        assert!(n_colours.as_u64().is_some_and(|n| n > 5), "{kind}: a map is drawn, {n_colours} colours");
        papers.push(browser.text("getComputedStyle(document.body).backgroundColor"));
        if let Some(folder) = &pictures {
            std::fs::create_dir_all(folder).unwrap();
            browser.picture(&folder.join(format!("{kind}.png")));
        }
    }
    assert_ne!(papers[0], papers[1], "dark is dark");
    assert_eq!(papers[0], papers[2]);
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_link_to_a_view_shows_it_again() {
    let Some(chromium) = chromium() else { return };
    let folder = tempfile::tempdir().unwrap();
    let ties = hostile_report(folder.path());
    let mut browser = Browser::start(&chromium);
    browser.screen(1360, 860, false, "light");
    browser.open(&ties.join("report.html"));
    search(&mut browser, "007 ");
    browser.value("document.querySelector('[data-status=unmatched]').click()");
    browser.until("location.hash.includes('hide=') && location.hash.includes('photo=')");
    let address = browser.text("location.href");
    let shown = browser.text("document.getElementById('shown').textContent");
    browser.call("Page.navigate", json!({"url": "about:blank"}));
    browser.call("Page.navigate", json!({"url": address}));
    browser.until("performance.getEntriesByName('complete').length === 1");
    assert!(browser.text(EVIDENCE).contains(&name(7)), "{}", browser.text(EVIDENCE));
    assert_eq!(browser.text("document.getElementById('shown').textContent"), shown);
    assert_eq!(browser.complaints(), Vec::<String>::new());
    let same: Value = browser.value(&format!("location.hash === new URL({}).hash", json!(address)));
    assert_eq!(same, json!(true));
}
