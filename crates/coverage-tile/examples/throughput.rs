//! How fast tiles decode: images and bytes a second, beside mvt-reader, on a tile made here and on files given.
//!
//! `cargo run --release -p coverage-tile --example throughput -- [FILE.mvt…]`
//!
//! The readers take turns; the best of the rounds counts, because other work on the machine only ever slows one down.

use capture_model::Position;
use coverage_tile::{
    CoverageTile, DecodeError, Dialect, ImageFeature, SequenceFeature, decode, decode_with_mvt_reader, encode,
};
use std::hint::black_box;
use std::time::{Duration, Instant};
use tile_cover::Tile;

const ROUNDS: usize = 15;

type Decode = fn(&[u8], Tile) -> Result<CoverageTile, DecodeError>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tile: Tile = "14/8723/5686".parse()?;
    report("31,250 images of 250 sequences", &busy_tile(tile, 250, 125), tile);
    report("250,000 images of 1,000 sequences", &busy_tile(tile, 1_000, 250), tile);
    for path in std::env::args().skip(1) {
        report(&path, &std::fs::read(&path)?, tile);
    }
    Ok(())
}

/// Rides on a grid of streets, with every property that the service has been seen to write.
fn busy_tile(tile: Tile, n_sequences: u64, n_images: u64) -> Vec<u8> {
    let place = |sequence: u64, image: u64| -> Position {
        let along = image as f64 / n_images as f64;
        let across = ((sequence * 37) % n_sequences) as f64 / n_sequences as f64;
        if sequence.is_multiple_of(2) { tile.position_at(along, across) } else { tile.position_at(across, along) }
    };
    let key = |sequence: u64| format!("{sequence:022}");
    let mut images = Vec::new();
    let mut sequences = Vec::new();
    for sequence in 0..n_sequences {
        let begin_ms = 1_600_000_000_000 + sequence as i64 * 7_654_321;
        images.extend((0..n_images).map(|image| ImageFeature {
            id: 100_000_000_000_000 + (sequence * n_images + image) * 2_654_435_761 % 900_000_000_000_000,
            sequence_id: key(sequence),
            captured_at_ms: Some(begin_ms + image as i64 * 1_003),
            position: place(sequence, image),
            compass_angle_deg: Some((image * 7_919 % 3_600) as f64 / 10.0),
            is_pano: Some(sequence.is_multiple_of(9)),
            creator_id: Some(102_609_045_317_136 + sequence % 40),
            organization_id: sequence.is_multiple_of(5).then_some(1_805_883_732_926_354),
        }));
        sequences.push(SequenceFeature {
            id: key(sequence),
            image_id: Some(100_000_000_000_000 + sequence),
            captured_at_ms: Some(begin_ms),
            is_pano: Some(sequence.is_multiple_of(9)),
            creator_id: Some(102_609_045_317_136 + sequence % 40),
            organization_id: None,
            line: (0..n_images).map(|image| place(sequence, image)).collect(),
        });
    }
    encode(tile, &images, &sequences, &Dialect::default())
}

#[expect(clippy::print_stdout, reason = "an example is a command line")]
fn report(name: &str, bytes: &[u8], tile: Tile) {
    let readers: [(&str, Decode); 2] = [("tiepoint", decode), ("mvt-reader", decode_with_mvt_reader)];
    let mut best = [Duration::MAX; 2];
    let mut n_images = 0;
    for _ in 0..ROUNDS {
        for ((_, reader), best) in readers.iter().zip(&mut best) {
            let begin = Instant::now();
            if let Ok(decoded) = reader(black_box(bytes), tile) {
                *best = begin.elapsed().min(*best);
                n_images = decoded.n_images();
            }
        }
    }
    println!("{name}: {} bytes, {n_images} images", bytes.len());
    for ((name, _), best) in readers.iter().zip(best) {
        let seconds = best.as_secs_f64();
        println!(
            "  {name:10} {:9.3} ms {:8.1} MiB/s {:8.2} M images/s",
            seconds * 1e3,
            bytes.len() as f64 / 1_048_576.0 / seconds,
            n_images as f64 / 1e6 / seconds,
        );
    }
}
