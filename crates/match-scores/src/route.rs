//! The whole run over a loopback service: what the tiles route asks, and what it makes of the answers.

use crate::Tally;
use crate::trial::{ScoreError, known_rows, scan_options};
use image_matcher::MatchSettings;
use mapillary_api::ApiSettings;
use mapillary_simulator::{SimulatorSettings, entities_of};
use polite_http::Secret;
use reconcile::{RouteRule, Settings, TileRule, reconcile};
use synthetic_city::{CitySpec, build};

/// Builds the city, serves it, reconciles its photos by the tiles route without a cache, and counts answers and requests.
///
/// The service tells everything, whatever the scenario hides from the matcher alone.
pub fn tally_by_route(spec: &CitySpec) -> Result<Tally, ScoreError> {
    let city = build(spec);
    let folder = tempfile::tempdir()?;
    let photos = folder.path().join("photos");
    city.write_photos(&photos)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let entities = entities_of(city.published.iter());
    let simulator = runtime.block_on(mapillary_simulator::start(entities, SimulatorSettings::default()))?;
    let base = url::Url::parse(simulator.base_url()).expect("the simulator has an address");
    let settings = Settings {
        paths: vec![photos.clone()],
        scan: scan_options(),
        out: folder.path().join("ties"),
        route: RouteRule::Tiles,
        sequences: Vec::new(),
        user: None,
        tiles: TileRule::Track,
        matching: MatchSettings::default(),
        api: ApiSettings {
            graph_url: base.clone(),
            tiles_url: base,
            token: Some(Secret::new("MLY|1|00000000000000000000000000000000")), // the simulator's, good for nothing else
            ..ApiSettings::default()
        },
        cache_dir: None,
        csv_guard: true,
        other_tables: None,
        redaction: None,
        basemap: None,
        decisions: Vec::new(),
    };
    let ended = reconcile(&settings, &|_| {});
    let n_requests = simulator.requests().len();
    runtime.block_on(simulator.stop());
    let done = ended?;
    if let Some(failure) = done.failure {
        return Err(failure.into());
    }
    let n_decidable = city.decidable.iter().filter(|decidable| **decidable).count();
    let mut tally = Tally::of_photos(city.photos.len(), n_decidable);
    tally.add(&done.outcome, &done.published, &known_rows(&city, &done.archive, &done.images, &photos));
    tally.requests.push(n_requests as f64 / done.images.n_tracks().max(1) as f64);
    Ok(tally)
}
