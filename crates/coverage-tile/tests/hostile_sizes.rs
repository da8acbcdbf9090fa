//! Bodies made to exhaust memory: whatever they hold, both readers stay below 64 MiB and a multiple of the body's size.
//!
//! The kernel's own count is asserted: resident memory at its peak (`VmHWM`, reset before each body) and address space ever
//! asked for (`VmPeak`). One test, because the count is of the whole process.

#![expect(clippy::unwrap_used, reason = "the whole file is a test")]

use coverage_tile::{CoverageTile, DecodeError, decode, decode_with_mvt_reader};
use std::fs;
use std::io::Write as _;
use tile_cover::Tile;

type Decode = fn(&[u8], Tile) -> Result<CoverageTile, DecodeError>;

fn varint(mut number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
    out
}

/// A field of wire type 2.
fn field(number: u64, bytes: &[u8]) -> Vec<u8> {
    [&varint(number << 3 | 2), &varint(bytes.len() as u64), bytes].concat()
}

/// A tile of one layer.
fn tile_of(name: &str, key: &str, features: &[u8], values: &[u8]) -> Vec<u8> {
    field(3, &[field(1, name.as_bytes()).as_slice(), features, &field(3, key.as_bytes()), values].concat())
}

fn feature(kind: u8, tags: &[u8], commands: &[u8]) -> Vec<u8> {
    field(2, &[&field(2, tags), &[0x18, kind][..], &field(4, commands)].concat())
}

fn text(text: &str) -> Vec<u8> {
    field(4, &field(1, text.as_bytes()))
}

/// A line of the process's status in bytes; `None` where there is no such file.
fn status(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

#[track_caller]
fn check(case: &str, body: &[u8], outcome: fn(Result<CoverageTile, DecodeError>) -> bool) {
    let tile: Tile = "14/8723/5686".parse().unwrap();
    let readers: [(&str, Decode, u64); 2] = [("own", decode, 16), ("mvt-reader", decode_with_mvt_reader, 40)];
    for (reader, decode, bytes_per_byte) in readers {
        fs::write("/proc/self/clear_refs", "5").unwrap();
        let (resident, size, peak_before) =
            (status("VmRSS").unwrap(), status("VmSize").unwrap(), status("VmPeak").unwrap());
        let decoded = decode(body, tile);
        let limit = (64 << 20) + bytes_per_byte * body.len() as u64;
        let used = status("VmHWM").unwrap().saturating_sub(resident);
        assert!(used <= limit, "{case}, {reader}: {used} bytes resident for {} bytes", body.len());
        let peak = status("VmPeak").unwrap();
        let asked = if peak > peak_before { peak - size } else { 0 };
        assert!(asked <= 2 * limit, "{case}, {reader}: asked for {asked} bytes for {} bytes", body.len());
        if reader == "own" {
            assert!(outcome(decoded), "{case}");
        }
    }
}

fn is_too_large(decoded: Result<CoverageTile, DecodeError>) -> bool {
    matches!(decoded, Err(DecodeError::TooLarge { .. }))
}

#[test]
fn memory_stays_bounded() {
    if status("VmHWM").is_none() || fs::write("/proc/self/clear_refs", "5").is_err() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: this system does not count the memory of a process");
        return;
    }
    let point = feature(1, &[0, 0], &[9, 2, 2]);
    let empty_features = [0x12, 0].repeat(5_000_000);
    check("10 MB of empty features", &tile_of("image", "id", &empty_features, &[]), is_too_large);
    let points = [0x12, 7, 0x18, 1, 0x22, 3, 9, 2, 2].repeat(500_000);
    check("points without properties", &tile_of("image", "id", &points, &[]), |decoded| {
        decoded.unwrap().n_images() == 500_000
    });
    let values = [0x22, 0].repeat(2_000_000);
    check("empty values", &tile_of("image", "id", &point, &values), |decoded| decoded.unwrap().n_images() == 1);
    let parts = [9, 2, 2, 10, 2, 2].repeat(100_000);
    check("100,000 parts", &tile_of("sequence", "id", &feature(2, &[0, 0], &parts), &text("a")), |decoded| {
        decoded.unwrap().skipped.without_geometry == 1 // the line leaves the tile and its neighbours
    });
    let parts = [9, 2, 2, 10, 1, 1].repeat(100_000);
    check(
        "100,000 parts at one place",
        &tile_of("sequence", "id", &feature(2, &[0, 0], &parts), &text("a")),
        |decoded| decoded.unwrap().sequences.parts(0).len() == 100_000,
    );
    let vertices = [&[9, 0, 0][..], &varint(2_000_000 << 3 | 2), &[0, 0].repeat(2_000_000)].concat();
    check("2,000,000 vertices", &tile_of("sequence", "id", &feature(2, &[], &vertices), &[]), |decoded| {
        decoded.unwrap().sequences.parts(0).next().unwrap().len() == 2_000_001
    });
    let long = text(&"x".repeat(100_000));
    check("a long key shared 3,000 times", &tile_of("image", "sequence_id", &point.repeat(3_000), &long), |decoded| {
        let decoded = decoded.unwrap();
        (decoded.n_images(), decoded.sequence_ids().len()) == (3_000, 1)
    });
    let digits = text(&"0".repeat(100_000));
    check(
        "a long number shared 200,000 times",
        &tile_of("image", "captured_at", &point.repeat(200_000), &digits),
        |decoded| decoded.unwrap().images.captured_at_ms.iter().all(Option::is_none),
    );
    let mut features = Vec::new();
    let mut values = Vec::new();
    for key in 0..150_000_u64 {
        features.extend(feature(1, &[vec![0], varint(key)].concat(), &[9, 2, 2]));
        values.extend(text(&format!("{key:x}")));
    }
    check("150,000 sequences", &tile_of("image", "sequence_id", &features, &values), |decoded| {
        decoded.unwrap().sequence_ids().len() == 150_000
    });
    check("a body of 65 MiB", &vec![0x1a; 65 << 20], is_too_large);
}
