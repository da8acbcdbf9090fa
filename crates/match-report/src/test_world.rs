//! A large report for tests: rides through a town, most photos matched and moved a little, some in doubt, some missing.

use crate::Report;
use capture_model::*;
use image_matcher::{Candidate, ClockKind, Lists, MatchOutcome, TrackOutcome, TrackVerdict, Verdict};

/// All parts of a report, owned.
pub(crate) struct World {
    pub(crate) archive: LocalArchive,
    pub(crate) images: LocalImages,
    pub(crate) published: PublishedImages,
    pub(crate) outcome: MatchOutcome,
    pub(crate) routes: Column<Route>,
    pub(crate) tiles: Vec<String>,
}

/// Numbers without a pattern that meets the eye, the same ones every time.
struct Dice(u64);

impl Dice {
    fn next(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn share(&mut self) -> f64 {
        self.next(1_000_000) as f64 / 1e6
    }
}

const PHOTOS_PER_RIDE: usize = 400;
const OFFSET_MS: i64 = -7_200_000;

impl World {
    /// Rides of 400 photos with everything that a page must show.
    pub(crate) fn of(n_photos: usize) -> Self {
        let mut dice = Dice(7);
        let mut archive = LocalArchive::default();
        archive.devices.number_of(&Device::default());
        let mut published = PublishedImages::default();
        let mut outcome = MatchOutcome { candidates: Lists::default(), ..MatchOutcome::default() };
        let (mut lon, mut lat, mut heading) = (8.40, 49.00, 0.0_f64);
        for k in 0..n_photos {
            let (ride, place) = (k / PHOTOS_PER_RIDE, k % PHOTOS_PER_RIDE);
            if place == 0 {
                (lon, lat) = (8.30 + 0.2 * dice.share(), 48.95 + 0.12 * dice.share());
                heading = 90.0 * dice.next(4) as f64;
                archive.tracks.push(Track { name: (ride + 1).to_string().into(), files: k..k, clock_group: 0 });
            }
            if dice.next(25) == 0 {
                heading += if dice.next(2) == 0 { 90.0 } else { -90.0 };
            }
            let step = 0.000_07 * (0.9 + 0.2 * dice.share());
            lon += 1.5 * step * heading.to_radians().sin();
            lat += step * heading.to_radians().cos();
            let local_ms = 1_716_028_867_000 + ride as i64 * 7_200_000 + place as i64 * 2_000 + dice.next(400) as i64;
            let position = Position::from_lon_lat(lon, lat).unwrap();
            archive.files.push(LocalFile {
                path: format!("archive/2024-05-{:02} ride {ride}/GOPR{k:06}.JPG", 1 + ride % 28).into(),
                track: Some(ride as u32),
                state: FileState::Usable,
                observation: Observation {
                    position: Some(position),
                    altitude: Some(Metres(115.0 + dice.share())),
                    heading_deg: Some(heading.rem_euclid(360.0)),
                    time: Some(LocalTime::Wall(WallClock::from_ms_as_if_utc(local_ms))),
                    time_source: TimeSource::Original,
                    ..Observation::default()
                },
                cluster_id: None,
                sent_time: None,
                predicted_drop: None,
                note: None,
            });
            archive.tracks[ride].files.end = k + 1;
            let is_lost = place > 380 || dice.next(200) == 0;
            let image = published.len() as u32;
            if !is_lost {
                let moved = |dice: &mut Dice, degrees: f64| degrees + (dice.share() - 0.5) * 4e-5;
                published.push(&PublishedImage {
                    sequence: Some(SequenceId::new(&format!("Seq{ride:019}"))),
                    captured_at: Some(CapturedAt::from_epoch_ms(local_ms + OFFSET_MS)),
                    original: Some(position),
                    computed: Position::from_lon_lat(moved(&mut dice, lon), moved(&mut dice, lat)).ok(),
                    altitude_m: Some(115.0),
                    compass_deg: Some(heading.rem_euclid(360.0)),
                    ..PublishedImage::bare(
                        ImageId(100_000_000_000_000 + dice.next(1 << 30) * 900_000 + k as u64),
                        Evidence::Entity,
                    )
                });
            }
            let in_doubt = !is_lost && place > 20 && dice.next(40) == 0;
            let (reason, p) = match (is_lost, in_doubt) {
                (true, _) => (Reason::PartlyPublished, None),
                (_, true) => (Reason::BetweenNeighbours, Some(0.5 + 0.3 * dice.share())),
                _ => (Reason::Aligned, Some(1.0 - 0.002 * dice.share().powi(3))),
            };
            outcome.verdicts.push(Verdict {
                reason,
                image: (!is_lost && !in_doubt).then_some(image),
                probability: p,
                by_computed: false,
                used_time_ms: Some(local_ms),
                clock_offset_ms: (!is_lost).then_some(OFFSET_MS),
            });
            let candidates = p.map(|probability| Candidate { image, probability });
            let rival = in_doubt.then(|| Candidate { image: image - 1, probability: 0.18 });
            outcome.candidates.push(candidates.into_iter().chain(rival));
            outcome.also_published.push([]);
        }
        outcome.tracks = (0..archive.tracks.len() as u32)
            .map(|track| TrackOutcome {
                verdict: TrackVerdict::PartlyPublished,
                sequences: vec![track.min(published.sequences.len() as u32 - 1)],
                clock_offset_ms: Some(OFFSET_MS),
                clock_kind: ClockKind::Zone,
                drift_ppm: None,
                clock_support: 371,
            })
            .collect();
        let images = archive.usable_images();
        let routes = Column::same(Route::Tiles, published.len());
        let tiles = vec!["14/8574/5632".to_owned(); archive.tracks.len()];
        Self { archive, images, published, outcome, routes, tiles }
    }

    pub(crate) fn report(&self) -> Report<'_> {
        Report::new(&self.archive, &self.images, &self.published, &self.outcome, &self.routes, &self.tiles)
    }
}
