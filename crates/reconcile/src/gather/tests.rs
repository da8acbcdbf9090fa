//! The tiles route over a service in memory: what is asked, what is repaired, and what stays open.

use super::*;
use crate::TileRule;
use capture_model::{Column, Position, TimeKind};
use coverage_tile::{Dialect, ImageFeature, SequenceFeature, encode};
use mapillary_api::{ApiSettings, base_url};
use polite_http::{Reply, ReplyFuture, Secret, SystemClock, Transport, TransportFault, WireRequest};
use std::sync::{Arc, Mutex};
use tile_cover::{Tile, Zoom, tile_at};

const START_MS: i64 = 1_716_026_400_000;

/// Image `n` of sequence `key`: 8 m and a second after the one before it.
#[derive(Clone)]
struct Image {
    id: u64,
    key: &'static str,
    n: i64,
}

impl Image {
    fn position(&self) -> Position {
        Position::from_lon_lat(0.010 + self.n as f64 * 8e-5, 0.010).unwrap()
    }
    fn entity(&self) -> String {
        let Self { id, key, n } = self;
        let (lon, time) = (self.position().lon(), START_MS + n * 1_000);
        format!(
            r#"{{"id":"{id}","sequence":"{key}","captured_at":{time},"geometry":{{"type":"Point","coordinates":[{lon:.7},0.01]}}}}"#
        )
    }
}

type Answer = Result<Reply, TransportFault>;
/// What is asked, its value, and the honest reply; the reply that is sent.
type Change = dyn Fn(&str, &str, Reply) -> Answer + Send + Sync;

/// Knows images; answers the Graph side as its function changes it. Keeps what it was asked.
struct Service {
    tiles: Box<dyn Fn(Tile) -> Vec<u8> + Send + Sync>,
    images: Vec<Image>,
    change: Box<Change>,
    asked: Mutex<Vec<String>>,
}

impl Transport for Service {
    fn send<'a>(&'a self, request: &'a WireRequest) -> ReplyFuture<'a> {
        let asked_for = |name: &str| request.url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value);
        let (what, value, body) = if let Some(keys) = asked_for("sequence_ids") {
            let is_asked = |image: &&Image| keys.split(',').any(|key| key == image.key);
            ("sequences", keys.to_string(), listed(self.images.iter().filter(is_asked)))
        } else if let Some(ids) = asked_for("image_ids") {
            let is_asked = |image: &&Image| ids.split(',').any(|id| id == image.id.to_string());
            ("ids", ids.to_string(), listed(self.images.iter().filter(is_asked)))
        } else {
            let name = request.url.path().split_once("/2/").unwrap().1.to_owned();
            let bytes = (self.tiles)(name.parse().unwrap());
            ("tile", name, bytes)
        };
        self.asked.lock().unwrap().push(format!("{what} {value}"));
        let answer = (self.change)(what, &value, Reply { status: 200, body, ..Reply::default() });
        Box::pin(async move { answer })
    }
}

fn listed<'a>(images: impl Iterator<Item = &'a Image>) -> Vec<u8> {
    format!("{{\"data\":[{}]}}", images.map(Image::entity).collect::<Vec<_>>().join(",")).into_bytes()
}

/// A tile as the service makes it, of the images for which `is_shown` says so; lines are complete.
fn drawn(images: &[Image], tile: Tile, is_shown: impl Fn(&Image) -> bool) -> Vec<u8> {
    let features: Vec<ImageFeature> = images
        .iter()
        .filter(|image| is_shown(image) && tile_at(image.position(), Zoom::COVERAGE) == tile)
        .map(|image| ImageFeature {
            id: image.id,
            sequence_id: image.key.to_owned(),
            captured_at_ms: Some(START_MS + image.n * 1_000),
            position: image.position(),
            compass_angle_deg: None,
            is_pano: None,
            creator_id: None,
            organization_id: None,
        })
        .collect();
    let keys: BTreeSet<&str> = images.iter().map(|image| image.key).collect();
    let line = |key: &&str| SequenceFeature {
        id: (*key).to_owned(),
        image_id: None,
        captured_at_ms: Some(START_MS),
        is_pano: None,
        creator_id: None,
        organization_id: None,
        line: images.iter().filter(|image| image.key == *key).map(Image::position).collect(),
    };
    let lines: Vec<SequenceFeature> = keys.iter().map(line).collect();
    encode(tile, &features, &lines, &Dialect::default())
}

/// Photos at the places and times of these images.
fn photos(images: &[Image]) -> LocalImages {
    let n = images.len();
    LocalImages {
        file: (0..n as u32).collect(),
        track: vec![0; n].into(),
        longitude: images.iter().map(|image| image.position().lon()).collect(),
        latitude: vec![0.01; n].into(),
        altitude_m: vec![f32::NAN; n],
        heading_deg: vec![f32::NAN; n],
        time_ms: images.iter().map(|image| START_MS + image.n * 1_000).collect(),
        sent_time_ms: images.iter().map(|image| START_MS + image.n * 1_000).collect(),
        time_kind: vec![TimeKind::Absolute; n],
        time_resolution_ms: vec![1; n],
        camera_time_ms: Column::same(LocalImages::NO_TIME, n),
        device: Column::same(0, n),
        path_rank: (0..n as u32).collect(),
        predicted_drop: Column::same(None, n),
        devices: [capture_model::Device::default()].iter().fold(
            capture_model::Names::default(),
            |mut names, device| {
                names.number_of(device);
                names
            },
        ),
        tracks: vec![0, n as u32],
        clock_group: vec![0],
    }
}

fn ride(key: &'static str, first_id: u64, n: i64) -> Vec<Image> {
    (0..n).map(|n| Image { id: first_id + n as u64, key, n }).collect()
}

struct Run {
    gathered: Gathered,
    lookups: Vec<Lookup>,
    asked: Vec<String>,
}

/// Gathers for photos of `local` out of the service.
async fn gather(
    local: &[Image],
    published: Vec<Image>,
    is_shown: impl Fn(&Image) -> bool + Send + Sync + 'static,
    change: impl Fn(&str, &str, Reply) -> Answer + Send + Sync + 'static,
) -> Run {
    gather_for(&photos(local), published, is_shown, change).await
}

/// Gathers for these photos.
async fn gather_for(
    images: &LocalImages,
    published: Vec<Image>,
    is_shown: impl Fn(&Image) -> bool + Send + Sync + 'static,
    change: impl Fn(&str, &str, Reply) -> Answer + Send + Sync + 'static,
) -> Run {
    let in_tiles = published.clone();
    let service = Arc::new(Service {
        tiles: Box::new(move |tile| drawn(&in_tiles, tile, &is_shown)),
        images: published,
        change: Box::new(change),
        asked: Mutex::default(),
    });
    let settings = ApiSettings {
        graph_url: base_url("http://127.0.0.1:1").unwrap(),
        tiles_url: base_url("http://127.0.0.1:1").unwrap(),
        token: Some(Secret::new("MLY|1|0123456789abcdef0123456789abcdef")),
        ..ApiSettings::default()
    };
    let api = Api::over(settings, None, service.clone(), Arc::new(SystemClock::default())).unwrap();
    let plan = TilePlan::new(images, TileRule::Track);
    let gathered = by_tiles(&api, images, &plan, &BTreeSet::new(), &|_| {}).await.unwrap();
    let lookups = gathered.lookups(&plan, images);
    let asked = service.asked.lock().unwrap().clone();
    Run { gathered, lookups, asked }
}

fn ids(pool: &Pool) -> Vec<u64> {
    pool.clone().into_columns().0.id
}

#[tokio::test(start_paused = true)]
async fn a_ride_costs_its_tiles_and_one_request() {
    let published = ride("mine", 100, 60);
    let run = gather(&published, published.clone(), |_| true, |_, _, reply| Ok(reply)).await;
    assert_eq!(run.asked, ["tile 14/8192/8191", "sequences mine"]);
    assert_eq!(ids(&run.gathered.pool), (100..160).collect::<Vec<_>>());
    assert!(run.lookups.iter().all(|lookup| *lookup == Lookup::Complete));
}

#[tokio::test(start_paused = true)]
async fn a_sequence_whose_images_the_tiles_lack_is_asked_for() {
    let mut published = ride("mine", 100, 60);
    published.extend((0..60).map(|n| Image { id: 900 + n as u64, key: "far", n: n + 5_000 })); // 44 km away
    let shows_none = |image: &Image| image.key != "mine";
    let run = gather(&published[..60], published.clone(), shows_none, |_, _, reply| Ok(reply)).await;
    assert_eq!(run.asked, ["tile 14/8192/8191", "sequences mine"]);
    assert_eq!(ids(&run.gathered.pool), (100..160).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_cut_answer_is_repaired_by_id_and_single_deletions_are_not() {
    let published = ride("mine", 100, 60);
    let keep = |n_kept: usize| {
        let kept = published[..n_kept].to_vec();
        move |what: &str, _: &str, reply: Reply| {
            let body = if what == "sequences" { listed(kept.iter()) } else { reply.body.clone() };
            Ok(Reply { body, ..reply })
        }
    };
    let cut = gather(&published, published.clone(), |_| true, keep(40)).await;
    assert_eq!(cut.asked.len(), 3, "{:?}", cut.asked);
    assert!(cut.asked[2].starts_with("ids 140,141,"), "{:?}", cut.asked);
    assert_eq!(ids(&cut.gathered.pool).len(), 60);
    let deleted = gather(&published, published.clone(), |_| true, keep(50)).await;
    assert_eq!(deleted.asked.len(), 2, "{:?}", deleted.asked);
    assert_eq!(ids(&deleted.gathered.pool).len(), 50);
}

#[tokio::test(start_paused = true)]
async fn repairs_of_what_answers_lack_are_one_for_twenty_sequences_unless_an_answer_was_cut() {
    // 25 sequences that went the same way at the same time; the tiles show them, and they have been deleted since.
    let key = |k: u64| -> &'static str { Box::leak(format!("deleted-{k:02}").into_boxed_str()) };
    let deleted: Vec<Image> = (0..25).flat_map(|k| ride(key(k), 10_000 + 100 * k, 40)).collect();
    let alive = ride("alive", 90_000, 40);
    let published = [deleted.clone(), alive.clone()].concat();
    let only_alive = move |what: &str, asked: &str, reply: Reply| {
        let body = match what {
            "tile" => reply.body.clone(),
            _ if asked.contains("alive") => listed(alive.iter()),
            _ => listed([].iter()),
        };
        Ok(Reply { body, ..reply })
    };
    let run = gather(&deleted[..40], published, |_| true, only_alive).await;
    let count = |what: &str| run.asked.iter().filter(|asked| asked.starts_with(what)).count();
    assert_eq!((count("tile"), count("sequences"), count("ids")), (1, 2, 2), "T + B + R: {:?}", run.asked);
    assert!(run.lookups.iter().all(|lookup| *lookup == Lookup::Complete), "everything was read");
    assert_eq!(ids(&run.gathered.pool), (90_000..90_040).collect::<Vec<_>>());
    assert_eq!(run.gathered.withheld.len(), 25 * 40, "what is gone is known");
    // An answer that was cut shows itself by the first, and then all of it is asked for.
    let published = ride("mine", 100, 900);
    let kept = published[..100].to_vec();
    let cut = move |what: &str, _: &str, reply: Reply| {
        let body = if what == "sequences" { listed(kept.iter()) } else { reply.body.clone() };
        Ok(Reply { body, ..reply })
    };
    let run = gather(&published, published.clone(), |_| true, cut).await;
    let by_id = run.asked.iter().filter(|asked| asked.starts_with("ids"));
    let n_ids: Vec<usize> = by_id.map(|asked| asked.split(',').count()).collect();
    assert!(n_ids.iter().all(|&n| n <= 200) && n_ids.iter().sum::<usize>() == 800, "each once: {n_ids:?}");
    assert_eq!(ids(&run.gathered.pool).len(), 900);
}

#[tokio::test(start_paused = true)]
async fn a_missing_answer_leaves_its_tiles_open_and_their_evidence() {
    let published = ride("mine", 100, 60);
    let kept = published[..20].to_vec();
    for (case, missing) in [("sequences", "sequences"), ("the repair", "ids")] {
        let kept = kept.clone();
        let run = gather(
            &published,
            published.clone(),
            |_| true,
            move |what, _, reply| match what {
                _ if what == missing => Ok(Reply { status: 500, ..Reply::default() }),
                "sequences" => Ok(Reply { body: listed(kept.iter()), ..reply }),
                _ => Ok(reply),
            },
        )
        .await;
        assert!(run.lookups.iter().all(|lookup| *lookup == Lookup::Failed), "{case}");
        assert_eq!(ids(&run.gathered.pool).len(), 60, "{case}: what the tile shows stays");
        assert!(run.gathered.failure.is_some(), "{case}");
    }
    let hidden = gather(
        &published,
        published.clone(),
        |_| false,
        |what, _, reply| match what {
            "sequences" => Ok(Reply { status: 500, ..Reply::default() }),
            _ => Ok(reply),
        },
    )
    .await;
    assert!(hidden.lookups.iter().all(|lookup| *lookup == Lookup::Failed), "no tile shows where they lie");
}

#[tokio::test(start_paused = true)]
async fn a_sequence_that_fails_leaves_open_only_the_tracks_for_which_it_is_in_question() {
    // Two rides an hour apart on one street: what is asked for the one is nothing to the other.
    let first = ride("good", 100, 60);
    let second: Vec<Image> = (0..60).map(|n| Image { id: 500 + n as u64, key: "bad", n: 400 + n }).collect();
    let published = [first.clone(), second].concat();
    let mut images = photos(&published);
    (images.tracks, images.clock_group) = (vec![0, 60, 120], vec![0, 1]);
    images.track[60..].fill(1);
    for (case, status, body) in [
        ("unsupported", 400, r#"{"error":{"code":100,"error_subcode":33,"message":"Unsupported get request"}}"#),
        ("broken on the server", 500, ""),
        ("nowhere, says a gateway", 404, ""),
    ] {
        let fails = move |what: &str, asked: &str, reply: Reply| match what {
            "sequences" if asked.contains("bad") => Ok(Reply { status, body: body.into(), ..Reply::default() }),
            _ => Ok(reply),
        };
        let run = gather_for(&images, published.clone(), |_| true, fails).await;
        assert!(run.lookups[..60].iter().all(|lookup| *lookup == Lookup::Complete), "{case}");
        assert!(run.lookups[60..].iter().all(|lookup| *lookup == Lookup::Failed), "{case}");
        let (columns, _) = run.gathered.pool.clone().into_columns();
        let evidence = |row: usize| columns.evidence[row];
        assert!((0..60).all(|row| evidence(row) == capture_model::Evidence::Entity), "{case}: good is whole");
        assert!((60..120).all(|row| evidence(row) == capture_model::Evidence::Tile), "{case}: bad is as its tile says");
        assert!(run.gathered.failure.is_some(), "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_hands_out_nothing_proves_nothing() {
    let published = ride("mine", 100, 60);
    let nothing = |what: &str, _: &str, reply: Reply| {
        let body = if what == "tile" { reply.body.clone() } else { listed([].iter()) };
        Ok(Reply { body, ..reply })
    };
    let run = gather(&published, published.clone(), |_| true, nothing).await;
    assert!(run.lookups.iter().all(|lookup| *lookup == Lookup::Failed));
    assert_eq!(ids(&run.gathered.pool), (100..160).collect::<Vec<_>>(), "the tiles' word stands");
    let failure = run.gathered.failure.unwrap();
    assert!(matches!(failure, ApiError::NothingHandedOut { images: 60 }), "{failure}");
    assert!(failure.to_string().contains("`tiepoint doctor`"), "{failure}");
    // A few images may well have been deleted.
    let few = ride("mine", 100, 4);
    let run = gather(&few, few.clone(), |_| true, nothing).await;
    assert!(run.lookups.iter().all(|lookup| *lookup == Lookup::Complete) && run.gathered.failure.is_none());
    assert_eq!(run.gathered.withheld.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_ride_that_was_deleted_is_no_blind_token() {
    // Beside it the tile shows a sequence that nobody asked about, farther along the street.
    let mine = ride("mine", 100, 60);
    let other: Vec<Image> = (100..130).map(|n| Image { id: 9_000 + n as u64, key: "other", n }).collect();
    let published = [mine.clone(), other.clone()].concat();
    let deleted = move |what: &str, asked: &str, reply: Reply| {
        let body = match what {
            "tile" => reply.body.clone(),
            "ids" if asked == "9100" => listed(other[..1].iter()),
            _ => listed([].iter()),
        };
        Ok(Reply { body, ..reply })
    };
    let run = gather(&mine, published.clone(), |_| true, deleted).await;
    assert_eq!(run.asked.len(), 4, "tile, sequence, repair, witness: {:?}", run.asked);
    assert_eq!(run.asked[3], "ids 9100");
    assert!(run.gathered.failure.is_none(), "{:?}", run.gathered.failure);
    assert!(run.lookups.iter().all(|lookup| *lookup == Lookup::Complete));
    assert_eq!(run.gathered.withheld.len(), 60, "what is gone is known");
    let blind = |what: &str, _: &str, reply: Reply| {
        let body = if what == "tile" { reply.body.clone() } else { listed([].iter()) };
        Ok(Reply { body, ..reply })
    };
    let run = gather(&mine, published, |_| true, blind).await;
    assert!(matches!(run.gathered.failure, Some(ApiError::NothingHandedOut { images: 60 })));
}

#[tokio::test(start_paused = true)]
async fn a_tile_that_is_read_in_part_proves_nothing() {
    let published = ride("mine", 100, 6);
    let run = gather(
        &published,
        published.clone(),
        |_| true,
        |what, _, reply| {
            if what != "tile" {
                return Ok(reply);
            }
            // Layer `image` with one feature whose geometry is an unknown command.
            let feature: &[u8] = &[0x18, 1, 0x22, 1, 0x07];
            let mut layer =
                vec![0x0a, 5, b'i', b'm', b'a', b'g', b'e', 0x78, 2, 0x28, 0x80, 0x20, 0x12, feature.len() as u8];
            layer.extend_from_slice(feature);
            let body = [&[0x1a, layer.len() as u8][..], &layer].concat();
            Ok(Reply { body, ..reply })
        },
    )
    .await;
    assert!(run.lookups.iter().all(|lookup| *lookup == Lookup::Failed), "{:?}", run.lookups);
    assert!(run.gathered.failure.is_none(), "{:?}", run.gathered.failure);
}

#[tokio::test(start_paused = true)]
async fn an_empty_tile_is_asked_for_twice_before_it_is_no_coverage() {
    let published = ride("mine", 100, 6);
    let run = gather(&published, Vec::new(), |_| true, |_, _, reply| Ok(reply)).await;
    assert_eq!(run.asked, ["tile 14/8192/8191", "tile 14/8192/8191"]);
    assert!(run.lookups.iter().all(|lookup| *lookup == Lookup::NoCoverage));
}

/// Resident memory of this process in bytes, and its peak; `None` where the system does not tell.
fn resident_bytes() -> Option<(u64, u64)> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    Some((kilobytes("VmRSS:")? * 1_024, kilobytes("VmHWM:")? * 1_024))
}

/// 5,000 of them, or as many as `TIEPOINT_SOAK_QUEUED` says (`cargo xtask soak`: a million). Each tile holds 300 images
/// that lie far from the photos.
#[tokio::test(start_paused = true)]
async fn a_million_questions_wait_in_little_memory() {
    let n_tiles: u32 = std::env::var("TIEPOINT_SOAK_QUEUED").map_or(5_000, |text| text.parse().unwrap());
    let somewhere: Vec<Image> = (0..300).map(|n| Image { id: 9_000 + n as u64, key: "far", n: n + 5_000 }).collect();
    let busy = drawn(&somewhere, tile_at(somewhere[0].position(), Zoom::COVERAGE), |_| true);
    read_tiles_in_little_memory(n_tiles, busy).await;
}

/// Tiles as large as they may be.
#[tokio::test(start_paused = true)]
#[ignore = "cargo xtask soak runs it, in release"]
async fn the_largest_tiles_are_read_in_little_memory() {
    // A layer that nobody knows, filled up by a field of which nobody knows anything.
    let varint = |mut rest: usize| {
        let mut bytes = Vec::new();
        while rest >= 0x80 {
            bytes.push((rest as u8 & 0x7f) | 0x80);
            rest >>= 7;
        }
        bytes.push(rest as u8);
        bytes
    };
    let padding = (32 << 20) - 64;
    let mut layer = vec![0x0a, 1, b'x', 0x78, 2, 0x82, 1];
    layer.extend(varint(padding));
    layer.resize(layer.len() + padding, 7);
    let mut tile = vec![0x1a];
    tile.extend(varint(layer.len()));
    tile.append(&mut layer);
    assert!(tile.len() <= 32 << 20);
    read_tiles_in_little_memory(100, tile).await;
}

async fn read_tiles_in_little_memory(n_tiles: u32, busy: Vec<u8>) {
    let local = ride("mine", 100, 60);
    let bytes_of_tile = busy.len();
    let service = Arc::new(Service {
        tiles: Box::new(move |_| busy.clone()),
        images: Vec::new(),
        change: Box::new(|_, _, reply| Ok(reply)),
        asked: Mutex::default(),
    });
    let url = base_url("http://127.0.0.1:1").unwrap();
    let token = Some(Secret::new("MLY|1|0123456789abcdef0123456789abcdef"));
    let settings = ApiSettings { graph_url: url.clone(), tiles_url: url, token, ..ApiSettings::default() };
    let forgetful = Arc::new(Forgetful(service));
    let api = Api::over(settings, None, forgetful, Arc::new(SystemClock::default())).unwrap();
    let images = photos(&local);
    let tiles = (0..n_tiles).map(|k| Tile { zoom: Zoom::COVERAGE, x: k % 16_384, y: k / 16_384 }).collect();
    let plan = TilePlan { tiles, ..TilePlan::new(&images, TileRule::Track) };
    let before = resident_bytes();
    let seen = SeenInTiles::read(&api, &plan, &NearPhotos::new(&images), &|_| {}).await.unwrap();
    assert_eq!((seen.states.len(), seen.images.len()), (n_tiles as usize, 0));
    let Some(((before, _), (_, peak))) = before.zip(resident_bytes()) else { return };
    let mb = |bytes: u64| bytes as f64 / 1e6;
    eprintln!(
        "{n_tiles} questions queued, answers of {bytes_of_tile} bytes: {:.0} MB resident before, {:.0} MB at the peak",
        mb(before),
        mb(peak)
    );
    assert!(peak < 256_000_000, "{:.0} MB at the peak", mb(peak));
}

/// A service that keeps no list of what it was asked.
struct Forgetful(Arc<Service>);

impl Transport for Forgetful {
    fn send<'a>(&'a self, request: &'a WireRequest) -> ReplyFuture<'a> {
        let answer = self.0.send(request);
        self.0.asked.lock().unwrap().clear();
        answer
    }
}
