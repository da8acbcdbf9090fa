//! Mutations of valid inputs for as long as wanted: no panic, no hang.
//!
//! By default each target gets a fixed number of inputs, so that tests stay short. With `TIEPOINT_FUZZ_SECONDS=60` each
//! target runs for that time: `TIEPOINT_FUZZ_SECONDS=60 cargo test --release -p local-archive fuzz`. A failing input is
//! shown in hexadecimal in the panic.

use crate::loose::LooseFiles;
use crate::photo::read_photo;
use crate::test_photos::{heic, jpeg, ordinary, png, tiff, webp};
use crate::window::Window;
use std::fmt::Write as _;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

/// Inputs of a target when no time is given.
const FEW: u64 = 300;
/// An input that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(1);

/// Xorshift: small, seeded, the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }

    /// Flips, overwrites, cuts, repeats.
    fn mutated(&mut self, seed: &[u8]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..=self.below(8) {
            let at = self.below(bytes.len());
            match self.below(6) {
                0 => bytes.truncate(at + 1),
                1 => {
                    let end = (at + 1 + self.below(64)).min(bytes.len());
                    let part = bytes[at..end].to_vec();
                    bytes.splice(at..at, part);
                }
                2 => bytes[at] = [0, 1, 0x7f, 0x80, 0xfe, 0xff][self.below(6)],
                3 => bytes[at] ^= 1 << self.below(8),
                4 => {
                    let end = (at + 4).min(bytes.len());
                    bytes[at..end].fill(0xff);
                }
                _ => bytes[at] = self.below(256) as u8,
            }
        }
        bytes
    }
}

/// Runs one target over mutations of its seeds.
#[track_caller]
fn fuzz(target: &str, seeds: &[Vec<u8>], run: impl Fn(&[u8])) {
    let seconds = std::env::var("TIEPOINT_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let end = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut n_runs = 0_u64;
    while end.map_or(n_runs < FEW, |end| Instant::now() < end) {
        let seed = &seeds[random.below(seeds.len())];
        let input = random.mutated(seed);
        let begin = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| run(&input)));
        let is_slow = end.is_some() && begin.elapsed() > LONGEST; // a loaded machine must not fail the short run
        if result.is_err() || is_slow {
            let mut shown = String::new();
            input.iter().for_each(|byte| write!(shown, "{byte:02x}").unwrap());
            panic!("{target}: input {n_runs} {}: {shown}", if is_slow { "hangs" } else { "panics" });
        }
        n_runs += 1;
    }
    println!("{target}: {n_runs} inputs");
}

#[test]
fn fuzz_photos() {
    let block = tiff(&ordinary(), true);
    let xmp = "<a exif:GPSLatitude=\"45,30.6N\" exif:GPSLongitude='1W'/>";
    let seeds =
        [jpeg(&ordinary()), png(Some(&block), Some(xmp)), webp(&block), heic(&block), block, tiff(&ordinary(), false)];
    fuzz("photos", &seeds, |bytes| {
        let _ = read_photo(&mut Window::new(Cursor::new(bytes), bytes.len() as u64));
    });
}

#[test]
fn fuzz_descriptions() {
    let seed = r#"[{"filename":"a","filetype":"image","md5sum":"655077ac078951d8bb52c38e0f41fb31","MAPLatitude":50.8,"MAPLongitude":-0.5,
        "MAPCaptureTime":"2021_08_28_10_06_42_000","MAPCompassHeading":{"TrueHeading":133.54},"MAPSequenceUUID":"0"},
        {"filename":"v","filetype":"gopro","MAPGPSTrack":[[0,-13.9,28.5,549.8,null]]},
        {"filename":"e","error":{"type":"MapillaryDuplicationError","message":"m","vars":{"desc":{"MAPLatitude":1}}}}]"#;
    fuzz("descriptions", &[seed.as_bytes().to_vec()], |bytes| {
        let mut loose = LooseFiles::default();
        if crate::description::read_description(Path::new("d"), bytes, &mut loose).is_ok() {
            let _ = crate::assemble::assemble(loose, &uploader_replay::Rules::default());
        }
    });
}

#[test]
fn fuzz_histories() {
    let seed = r#"{"params":{"version":"0.14.1"},"summary":{"sequence_md5sum":"ab","cluster_id":"4711","upload_end_time":9.5},
        "descs":[{"filename":"/x/a.jpg","filetype":"image","filesize":4711,"MAPLatitude":50.8,"MAPLongitude":-0.5,
        "MAPCaptureTime":"2021_08_28_10_06_42_000"}]}"#;
    fuzz("histories", &[seed.as_bytes().to_vec()], crate::history::try_bytes);
}
