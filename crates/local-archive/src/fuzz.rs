//! Mutations of valid inputs for as long as wanted: no panic, no hang, no more memory than a reader may hold.
//!
//! By default each target gets a fixed number of inputs, so that tests stay short. With `TIEPOINT_FUZZ_SECONDS=60` each
//! target runs for that time: `TIEPOINT_FUZZ_SECONDS=60 cargo test --release -p local-archive fuzz -- --nocapture`. A failing
//! input is shown in hexadecimal in the panic.

use crate::loose::LooseFiles;
use crate::photo::read_photo;
use crate::test_photos::{heic, jpeg, jpeg_of, ordinary, png, segment, tiff, webp};
use crate::window::Window;
use allocation_counter::measure;
use std::fmt::Write as _;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

/// Inputs of a target when no time is given.
const FEW: u64 = 2_000;
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

/// What a photo may cost at once, whatever its bytes say: its reader reads one MiB at most.
const PHOTO_BYTES: u64 = 4 << 20;
/// What the readers of JSON may hold at once: so much, and so much for each byte of the text. A digit and a comma of a list
/// become a value of 32 bytes, in a list that grows by doubling.
const JSON_BYTES: u64 = 32 << 10;
const JSON_BYTES_PER_BYTE: u64 = 64;

/// Runs one target over mutations of its seeds; `most` bytes may be held at once for an input of so many.
#[track_caller]
fn fuzz(target: &str, seeds: &[Vec<u8>], most: impl Fn(u64) -> u64 + Send, run: impl Fn(&[u8]) + Send) {
    // memory is counted by thread: what works on many must work on this one
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    one_thread.install(|| fuzz_here(target, seeds, most, run));
}

fn fuzz_here(target: &str, seeds: &[Vec<u8>], most: impl Fn(u64) -> u64, run: impl Fn(&[u8])) {
    let seconds = std::env::var("TIEPOINT_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let end = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut n_runs, mut peak, mut longest) = (0_u64, 0, Duration::ZERO);
    while end.map_or(n_runs < FEW, |end| Instant::now() < end) {
        let seed = &seeds[random.below(seeds.len())];
        let input = random.mutated(seed);
        let begin = Instant::now();
        let mut result = Ok(());
        let counted = measure(|| result = catch_unwind(AssertUnwindSafe(|| run(&input))));
        let took = begin.elapsed();
        let is_slow = end.is_some() && took > LONGEST; // a loaded machine must not fail the short run
        let is_large = counted.bytes_max > most(input.len() as u64);
        if result.is_err() || is_slow || is_large {
            let mut shown = String::new();
            input.iter().for_each(|byte| write!(shown, "{byte:02x}").expect("text grows"));
            let fault = match (result.is_err(), is_slow) {
                (true, _) => "panics".to_owned(),
                (_, true) => format!("takes {took:?}"),
                _ => format!("holds {} bytes", counted.bytes_max),
            };
            panic!("{target}: input {n_runs} of {} bytes {fault}: {shown}", input.len());
        }
        (n_runs, peak, longest) = (n_runs + 1, counted.bytes_max.max(peak), took.max(longest));
    }
    println!("{target}: {n_runs} inputs, at most {peak} bytes at once, at most {longest:?}");
}

#[test]
fn fuzz_photos() {
    let block = tiff(&ordinary(), true);
    let xmp = "<a exif:GPSLatitude=\"45,30.6N\" exif:GPSLongitude='1W'/>";
    let packet = segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", xmp.as_bytes()].concat());
    let big_endian = segment(0xe1, &[b"Exif\0\0", &tiff(&ordinary(), false)[..]].concat());
    let seeds = [
        jpeg(&ordinary()),
        jpeg_of(&[packet, big_endian]),
        png(Some(&block), Some(xmp)),
        webp(&block),
        heic(&block),
        block,
        tiff(&ordinary(), false),
    ];
    fuzz(
        "photos",
        &seeds,
        |_| PHOTO_BYTES,
        |bytes| {
            let _ = read_photo(&mut Window::new(Cursor::new(bytes), bytes.len() as u64));
        },
    );
}

fn json_bytes(input: u64) -> u64 {
    JSON_BYTES + JSON_BYTES_PER_BYTE * input
}

#[test]
fn fuzz_descriptions() {
    let seed = r#"[{"filename":"a","filetype":"image","md5sum":"655077ac078951d8bb52c38e0f41fb31","MAPLatitude":50.8,"MAPLongitude":-0.5,
        "MAPCaptureTime":"2021_08_28_10_06_42_000","MAPCompassHeading":{"TrueHeading":133.54},"MAPSequenceUUID":"0"},
        {"filename":"v","filetype":"gopro","MAPGPSTrack":[[0,-13.9,28.5,549.8,null]]},
        {"filename":"e","error":{"type":"MapillaryDuplicationError","message":"m","vars":{"desc":{"MAPLatitude":1}}}}]"#;
    let old = r#"[{"filename":"a.jpg","MAPLatitude":50,"MAPLongitude":0,"MAPCaptureTime":"2021_08_28_10_06_42_5","MAPPhotoUUID":"x",
        "MAPMetaTags":{"strings":[{"key":"k","value":"v"}]}},[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]]"#;
    fuzz("descriptions", &[seed.as_bytes().to_vec(), old.as_bytes().to_vec()], json_bytes, |bytes| {
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
    fuzz("histories", &[seed.as_bytes().to_vec()], json_bytes, crate::history::try_bytes);
}
