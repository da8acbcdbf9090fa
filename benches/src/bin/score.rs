//! Scores the matcher on every scenario of `synthetic-city` and prints one table: `score [PHOTOS] [SEEDS…]`.
//!
//! Photos are written as files and scanned as a user's are, so EXIF, grouping and replay take part. Precision and recall
//! count the photos that something can decide; ECE is the expected calibration error over all rows with a probability.

use anyhow::Result;
use capture_model::{ImageId, Status};
use image_matcher::{Lookup, MatchSettings, match_images};
use local_archive::{ScanSettings, scan};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use synthetic_city::{CitySpec, Scenario, build};

/// Sums of one scenario over its seeds.
#[derive(Default)]
struct Score {
    photos: usize,
    decidable: usize,
    matched: usize,
    right: usize,
    right_decidable: usize,
    ambiguous: usize,
    reused: usize,
    bins: [(f64, f64, usize); 10],
    worst_wrong: f64,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let photos: usize = arguments.next().map_or(Ok(300), |text| text.parse())?;
    let mut seeds: Vec<u64> = Vec::new();
    let mut only: Vec<Scenario> = Vec::new();
    for text in arguments {
        match text.parse() {
            Ok(seed) => seeds.push(seed),
            Err(_) => only.push(text.parse()?),
        }
    }
    if seeds.is_empty() {
        seeds = vec![11, 12, 13];
    }
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "| scenario | photos | decidable | precision | recall | ambiguous | wrong | worst wrong p | reused ids | ECE |"
    )?;
    writeln!(out, "|---|---|---|---|---|---|---|---|---|---|")?;
    let mut all_bins = [(0.0, 0.0, 0_usize); 10];
    for &scenario in Scenario::ALL.iter().filter(|scenario| only.is_empty() || only.contains(scenario)) {
        let mut score = Score::default();
        for &seed in &seeds {
            add(&mut score, &CitySpec { scenario, photos, seed })?;
        }
        for (all, own) in all_bins.iter_mut().zip(score.bins) {
            *all = (all.0 + own.0, all.1 + own.1, all.2 + own.2);
        }
        let share = |part: usize, whole: usize| if whole == 0 { 1.0 } else { part as f64 / whole as f64 };
        writeln!(
            out,
            "| {scenario} | {} | {} | {:.4} | {:.4} | {:.4} | {} | {:.4} | {} | {:.4} |",
            score.photos,
            score.decidable,
            share(score.right, score.matched),
            share(score.right_decidable, score.decidable),
            share(score.ambiguous, score.photos),
            score.matched - score.right,
            score.worst_wrong,
            score.reused,
            calibration_error(&score.bins),
        )?;
    }
    writeln!(out, "\nECE over all rows: {:.4}", calibration_error(&all_bins))?;
    Ok(())
}

fn add(score: &mut Score, spec: &CitySpec) -> Result<()> {
    let city = build(spec);
    let folder = tempfile::tempdir()?;
    city.write_photos(folder.path())?;
    let archive = scan(&[folder.path().to_owned()], &ScanSettings::default())?;
    let images = archive.usable_images();
    let published = city.published_columns();
    let outcome = match_images(&images, &published, &vec![Lookup::Complete; images.len()], &MatchSettings::default());
    let prefix = format!("{}/", folder.path().display());
    let known: BTreeMap<&str, (&[ImageId], bool)> = city
        .photos
        .iter()
        .zip(city.truth.iter().zip(&city.decidable))
        .map(|(photo, (ids, decidable))| (photo.path.as_str(), (ids.as_slice(), *decidable)))
        .collect();
    score.photos += city.photos.len();
    score.decidable += city.decidable.iter().filter(|decidable| **decidable).count();
    let mut used = BTreeSet::new();
    for (row, verdict) in outcome.verdicts.iter().enumerate() {
        let path = &archive.files[images.file[row] as usize].path;
        let (truth, decidable) = known[path.strip_prefix(prefix.as_str()).unwrap_or(path)];
        let is_true = |image: u32| truth.contains(&ImageId(published.id[image as usize]));
        if let Some(image) = verdict.image {
            score.matched += 1;
            score.right += usize::from(is_true(image));
            score.right_decidable += usize::from(is_true(image) && decidable);
            score.reused += usize::from(!used.insert(image));
            if !is_true(image) {
                score.worst_wrong = score.worst_wrong.max(verdict.probability.unwrap_or(1.0));
            }
        }
        score.ambiguous += usize::from(verdict.reason.status() == Status::Ambiguous);
        if let Some(best) = outcome.candidates.of(row).first() {
            let bin = &mut score.bins[((best.probability * 10.0) as usize).min(9)];
            *bin = (bin.0 + best.probability, bin.1 + f64::from(u8::from(is_true(best.image))), bin.2 + 1);
        }
    }
    Ok(())
}

fn calibration_error(bins: &[(f64, f64, usize); 10]) -> f64 {
    let all: usize = bins.iter().map(|bin| bin.2).sum();
    bins.iter().map(|bin| (bin.0 - bin.1).abs()).sum::<f64>() / all.max(1) as f64
}
