//! Which files, and which images, belong to a list.
//!
//! Every local file is in exactly one of [`FileList::Matched`], [`FileList::Ambiguous`] and [`FileList::Unmatched`].
//! Every published image that was looked at is tied to a file (as its match, as a further copy, as a candidate of an
//! ambiguous one) or in [`Report::remote_only`].

use crate::Report;
use capture_model::{Evidence, FileRow, FileState, PublishedImages, Reason, Status};
use image_matcher::TrackVerdict;
use std::collections::{HashMap, HashSet};

/// A pair less probable than this is never safe.
const SAFE: f64 = 0.999;

/// The last stage of an upload, as the tracker names it.
const FINISHED: &str = "in_tiles";

/// A list of local files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileList {
    /// Tied to one published image.
    Matched,
    /// Candidates, none sure.
    Ambiguous,
    /// Everything else: unmatched, rejected and unreadable files. None of them is known to be published.
    Unmatched,
    /// A part of the matched ones: exact, published, free of twins, and of an upload that the tracker calls finished.
    SafeToDelete,
}

impl Report<'_> {
    /// The files of a list, in the order of the report.
    pub fn files_of(&self, list: FileList) -> Vec<usize> {
        let files = 0..self.archive.files.len();
        let status = |file: &usize| self.reason_of(*file).status();
        match list {
            FileList::Matched => files.filter(|file| status(file) == Status::Matched).collect(),
            FileList::Ambiguous => files.filter(|file| status(file) == Status::Ambiguous).collect(),
            FileList::Unmatched => {
                files.filter(|file| !matches!(status(file), Status::Matched | Status::Ambiguous)).collect()
            }
            FileList::SafeToDelete => {
                let mut safe = self.safe_once_finished();
                safe.retain(|&file| self.is_upload_finished(file));
                safe
            }
        }
    }

    /// Files that are safe to delete, but for what the tracker says of their uploads.
    pub fn safe_once_finished(&self) -> Vec<usize> {
        let rivals = Rivals::of(self);
        (0..self.archive.files.len()).filter(|&file| self.is_surely_published(file, &rivals)).collect()
    }

    /// Of some published rows those that no local file is, and none may be, in their order.
    pub fn remote_only(&self, rows: &[u32]) -> Vec<u32> {
        let mut is_tied = vec![false; self.published.len()];
        for file in 0..self.archive.files.len() {
            self.image_of(file).into_iter().for_each(|image| is_tied[image] = true);
            self.also_published_of(file).iter().for_each(|&image| is_tied[image as usize] = true);
            self.candidates_of(file).iter().for_each(|candidate| is_tied[candidate.image as usize] = true);
        }
        rows.iter().copied().filter(|&row| !is_tied[row as usize]).collect()
    }

    /// Whether the service surely shows what this file holds. All of these must be true:
    ///
    /// - it is matched, for the reason `exact` or `exact_after_replay`, with a probability of at least 0.999;
    /// - the image was read as an entity with an exact id, not from a tile;
    /// - nothing else competes: one candidate, no further copy, no other file that may be the same image, no other file
    ///   with the same time and place, no other published image with the same time and place;
    /// - no other row has the same path.
    fn is_surely_published(&self, file: usize, rivals: &Rivals) -> bool {
        let Some(image) = self.image_of(file) else { return false };
        let is_exact = matches!(self.reason_of(file), Reason::Exact | Reason::ExactAfterReplay);
        let probability = self.verdict_of(file).and_then(|verdict| verdict.probability);
        let is_entity = self.published.evidence[image] == Evidence::Entity && self.published.id_exact[image];
        let candidates = self.candidates_of(file);
        let stands_alone = candidates.iter().all(|candidate| candidate.image as usize == image)
            && self.also_published_of(file).is_empty()
            && rivals.claims_of_image[image] == 1
            && rivals.images_at[&moment_of_image(self.published, image)] == 1
            && moment_of_file(self.archive.files.get(file)).is_some_and(|moment| rivals.files_at[&moment] == 1)
            && rivals.files_of_path[self.archive.files.get(file).path()] == 1;
        let is_certain = is_exact && probability.is_some_and(|p| p >= SAFE) && is_entity;
        is_certain && stands_alone
    }

    /// Whether the tracker says that all uploads of its local sequence are in the tiles, and speaks of no error. The feed
    /// says so or, where it was not asked, documented calls show it; what nobody has tracked is not finished.
    fn is_upload_finished(&self, file: usize) -> bool {
        let Some(track) = self.archive.files.get(file).track().map(|track| track as usize) else { return false };
        let verdict = self.outcome.tracks.get(track).map(|outcome| outcome.verdict);
        let is_open = matches!(verdict, Some(TrackVerdict::Processing | TrackVerdict::Failed));
        let upload = self.uploads_of_tracks.get(track);
        !is_open && upload.is_some_and(|told| told.stage == FINISHED && told.error_code.is_empty())
    }
}

/// A time and a place, bit by bit.
type Moment = (i64, u64, u64);

fn moment_of_image(published: &PublishedImages, image: usize) -> Moment {
    let bits = |degrees: f64| (degrees + 0.0).to_bits(); // no negative zero
    (published.captured_at_ms[image], bits(published.longitude[image]), bits(published.latitude[image]))
}

fn moment_of_file(file: FileRow<'_>) -> Option<Moment> {
    let (time, place) = (file.time()?, file.position()?);
    Some((time.ms(), (place.lon() + 0.0).to_bits(), (place.lat() + 0.0).to_bits()))
}

/// How often each thing occurs that may occur once only.
struct Rivals<'a> {
    claims_of_image: Vec<u32>,
    images_at: HashMap<Moment, u32>,
    files_at: HashMap<Moment, u32>,
    files_of_path: HashMap<&'a str, u32>,
}

impl<'a> Rivals<'a> {
    fn of(report: &'a Report<'_>) -> Self {
        let mut rivals = Self {
            claims_of_image: vec![0; report.published.len()],
            images_at: HashMap::new(),
            files_at: HashMap::new(),
            files_of_path: HashMap::new(),
        };
        for image in 0..report.published.len() {
            *rivals.images_at.entry(moment_of_image(report.published, image)).or_default() += 1;
        }
        for (number, file) in report.archive.files.iter().enumerate() {
            *rivals.files_of_path.entry(file.path()).or_default() += 1;
            if let Some(moment) = moment_of_file(file).filter(|_| file.state() == FileState::Usable) {
                *rivals.files_at.entry(moment).or_default() += 1;
            }
            let images = report.candidates_of(number).iter().map(|candidate| candidate.image).collect::<HashSet<_>>();
            let own = report.image_of(number).map(|image| image as u32);
            for image in images.into_iter().chain(own).collect::<HashSet<_>>() {
                rivals.claims_of_image[image as usize] += 1;
            }
        }
        rivals
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TrackUpload;
    use crate::matches_table::tests::with_report;
    use capture_model::Metres;

    fn paths<'a>(report: &'a Report<'_>, list: FileList) -> Vec<&'a str> {
        report.files_of(list).into_iter().map(|file| report.archive.files.get(file).path()).collect()
    }

    #[test]
    fn lists_part_the_files_and_the_images() {
        with_report(|report| {
            assert_eq!(paths(report, FileList::Matched), ["ride/a, \"b\".jpg"]);
            assert_eq!(paths(report, FileList::Ambiguous), ["=2+2.jpg"]);
            assert_eq!(paths(report, FileList::Unmatched), ["ride/3.jpg", "ride/no place.jpg", "<b>&amp;.jpg"]);
            assert_eq!(
                report.remote_only(&[0, 1]),
                Vec::<u32>::new(),
                "one is a match, the other a further copy of it"
            );
            assert_eq!(paths(report, FileList::SafeToDelete), [""; 0], "it was published twice");
        });
    }

    /// What a change makes of a file that is safe.
    #[track_caller]
    fn check(case: &str, expected: usize, change: impl FnOnce(&mut World)) {
        check_tracked(case, &upload("in_tiles", ""), expected, change);
    }

    fn upload(stage: &'static str, error_code: &str) -> [TrackUpload; 1] {
        [TrackUpload { stage, error_code: error_code.into(), ..TrackUpload::default() }]
    }

    /// The same with what the tracker says.
    #[track_caller]
    fn check_tracked(case: &str, uploads: &[TrackUpload], expected: usize, change: impl FnOnce(&mut World)) {
        with_report(|report| {
            let mut world = World {
                archive: report.archive.clone(),
                published: report.published.clone(),
                outcome: report.outcome.clone(),
            };
            world.outcome.also_published = image_matcher::Lists::default();
            (0..3).for_each(|_| world.outcome.also_published.push([]));
            world.outcome.candidates = image_matcher::Lists::default();
            world.outcome.candidates.push([image_matcher::Candidate { image: 0, probability: 0.99984 }]);
            world.outcome.candidates.push([image_matcher::Candidate { image: 1, probability: 0.5312 }]);
            world.outcome.candidates.push([]);
            change(&mut world);
            let World { archive, published, outcome } = &world;
            let images = archive.usable_images();
            let report = Report::new(archive, &images, published, outcome, report.routes, report.track_tiles);
            let report = report.with_uploads(uploads);
            assert_eq!(report.is_tracked(), !uploads.is_empty(), "{case}");
            assert_eq!(report.files_of(FileList::SafeToDelete).len(), expected, "{case}");
        });
    }

    struct World {
        archive: capture_model::LocalArchive,
        published: PublishedImages,
        outcome: image_matcher::MatchOutcome,
    }

    #[test]
    fn a_file_is_safe_only_when_nothing_speaks_against_it() {
        check("as it is", 1, |_| {});
        check("another reason", 0, |world| {
            world.outcome.verdicts.change(0, |verdict| verdict.reason = Reason::Aligned);
        });
        check("a little doubt", 0, |world| {
            world.outcome.verdicts.change(0, |verdict| verdict.probability = Some(0.99));
        });
        check("probability unknown", 0, |world| world.outcome.verdicts.change(0, |verdict| verdict.probability = None));
        check("seen in a tile only", 0, |world| world.published.evidence[0] = Evidence::Tile);
        check("an id that may be off", 0, |world| world.published.id_exact[0] = false);
        check("a published twin", 0, |world| {
            world.published.longitude[1] = world.published.longitude[0];
        });
        check("a local twin", 0, |world| {
            let place = world.archive.files.get(0).position();
            world.archive.files.change(2, |file| file.observation.position = place);
        });
        check("a neighbour at another time", 1, |world| {
            world.archive.files.change(2, |file| file.observation.altitude = Some(Metres(1.0)));
        });
        check("two rows of one path", 0, |world| {
            let path = world.archive.files.get(0).path().into();
            world.archive.files.change(4, |file| file.path = path);
        });
        check("another file may be it", 0, |world| {
            world.outcome.candidates = image_matcher::Lists::default();
            let candidate = |image| image_matcher::Candidate { image, probability: 0.5 };
            world.outcome.candidates.push([candidate(0)]);
            world.outcome.candidates.push([candidate(1), candidate(0)]);
            world.outcome.candidates.push([]);
        });
        check("a second candidate", 0, |world| {
            world.outcome.candidates = image_matcher::Lists::default();
            let candidate = |image| image_matcher::Candidate { image, probability: 0.5 };
            world.outcome.candidates.push([candidate(0), candidate(1)]);
            world.outcome.candidates.push([]);
            world.outcome.candidates.push([]);
        });
        check_tracked("not tracked at all", &[], 0, |_| {});
        check_tracked("its upload is not known", &upload("", ""), 0, |_| {});
        for stage in ["ingestion", "image_processing", "map_data", "map_update", "a later stage"] {
            check_tracked(stage, &upload(stage, ""), 0, |_| {});
        }
        check_tracked("with an error", &upload("in_tiles", "FAILED"), 0, |_| {});
        check("a sequence that failed", 0, |world| world.outcome.tracks[0].verdict = TrackVerdict::Failed);
        check("a further copy", 0, |world| {
            world.outcome.also_published = image_matcher::Lists::default();
            world.outcome.also_published.push([1]);
            (0..2).for_each(|_| world.outcome.also_published.push([]));
        });
    }
}
