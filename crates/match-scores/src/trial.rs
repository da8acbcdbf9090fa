//! One city, scanned: both sides of a match and the truth between them.

use crate::Tally;
use capture_model::{ImageId, LocalArchive, LocalImages, PublishedImages};
use image_matcher::{Lookup, MatchOutcome, MatchSettings, match_images};
use local_archive::{HistoryPlace, ScanOptions, ScanSettings, scan};
use std::collections::BTreeMap;
use std::path::Path;
use synthetic_city::{City, CitySpec, build};

/// A city that cannot be tried.
#[derive(Debug, thiserror::Error)]
pub enum ScoreError {
    /// No folder for its photos.
    #[error("cannot make a temporary folder: {0}; free some space in it")]
    Folder(#[from] std::io::Error),
    /// Its photos cannot be written.
    #[error(transparent)]
    City(#[from] synthetic_city::CityError),
    /// Its photos cannot be read.
    #[error("the photos of the city cannot be scanned: {0}")]
    Scan(#[from] local_archive::ScanError),
    /// The loopback service does not start.
    #[error(transparent)]
    Simulator(#[from] mapillary_simulator::SimulatorError),
    /// The run over the loopback service failed.
    #[error(transparent)]
    Run(#[from] reconcile::ReconcileError),
    /// An answer of the loopback service is missing.
    #[error("the loopback service left a question open: {0}")]
    Open(#[from] mapillary_api::ApiError),
}

/// What is known of one local row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// The images that the photo became.
    pub(crate) ids: Vec<ImageId>,
    /// Whether anything can decide it.
    pub(crate) is_decidable: bool,
}

/// A city with its photos scanned; matched as often as wanted.
#[derive(Debug)]
pub struct Trial {
    images: LocalImages,
    published: PublishedImages,
    known: Vec<Known>,
    /// Photos of the city, readable or not, and how many of them can be decided.
    n_photos: usize,
    n_decidable: usize,
}

impl Trial {
    /// Builds the city, writes its photos, and scans them.
    pub fn of(spec: &CitySpec) -> Result<Self, ScoreError> {
        let city = build(spec);
        let folder = tempfile::tempdir()?;
        city.write_photos(folder.path())?;
        let archive = scan(&[folder.path().to_owned()], &ScanSettings::from(scan_options()))?;
        let images = archive.usable_images();
        let known = known_rows(&city, &archive, &images, folder.path());
        Ok(Self {
            published: city.published_columns(),
            n_photos: city.photos.len(),
            n_decidable: city.decidable.iter().filter(|decidable| **decidable).count(),
            images,
            known,
        })
    }

    /// What the matcher makes of it when everything around the photos was read.
    pub fn matched(&self, settings: &MatchSettings) -> MatchOutcome {
        match_images(&self.images, &self.published, &vec![Lookup::Complete; self.images.len()], settings)
    }

    /// The same, counted.
    pub fn tally(&self, settings: &MatchSettings) -> Tally {
        let mut tally = Tally::of_photos(self.n_photos, self.n_decidable);
        tally.add(&self.matched(settings), &self.published, &self.known);
        tally
    }

    /// Mean logistic loss of the probabilities that the truth was given, and over how many rows.
    pub(crate) fn loss(&self, settings: &MatchSettings) -> (f64, usize) {
        let outcome = self.matched(settings);
        let sum = self.known.iter().enumerate().map(|(row, known)| {
            let of = |is_wanted: &dyn Fn(&ImageId) -> bool| {
                let candidates = outcome.candidates_of(row);
                let wanted = candidates
                    .iter()
                    .filter(|candidate| is_wanted(&ImageId(self.published.id[candidate.image as usize])));
                wanted.map(|candidate| candidate.probability).sum::<f64>()
            };
            let given = if known.ids.is_empty() { 1.0 - of(&|_| true) } else { of(&|id| known.ids.contains(id)) };
            -given.clamp(LEAST_GIVEN, 1.0).ln()
        });
        (sum.sum(), self.known.len())
    }
}

/// The matcher keeps no claim below this: a truth that it does not name is as unlikely as that.
const LEAST_GIVEN: f64 = 0.003;

/// The photos alone: what the machine's owner uploaded before is none of a trial's business.
pub(crate) fn scan_options() -> ScanOptions {
    ScanOptions { history: HistoryPlace::Off, ..ScanOptions::default() }
}

/// What is known of each usable row.
pub(crate) fn known_rows(city: &City, archive: &LocalArchive, images: &LocalImages, folder: &Path) -> Vec<Known> {
    let prefix = format!("{}/", folder.display());
    let by_path: BTreeMap<&str, Known> = city
        .photos
        .iter()
        .zip(city.truth.iter().zip(&city.decidable))
        .map(|(photo, (ids, decidable))| (photo.path.as_str(), Known { ids: ids.clone(), is_decidable: *decidable }))
        .collect();
    let of_file = |file: &u32| {
        let path = archive.files.get(*file as usize).path();
        by_path[path.strip_prefix(prefix.as_str()).unwrap_or(path)].clone()
    };
    images.file.iter().map(of_file).collect()
}
