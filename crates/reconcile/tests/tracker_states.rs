//! The simulator is walked through all states of uploads, in any order, and the tracker must say in each round what a model
//! says: failures at each stage, items that vanish and come back, that come twice, pages that lead nowhere.

#![expect(clippy::unwrap_used, reason = "a test may")]

use capture_model::{ClusterId, LocalArchive};
use mapillary_api::{ApiSettings, base_url};
use mapillary_simulator::{SimulatorSettings, start};
use polite_http::{Cancel, RequestLimit, Secret, SystemClock};
use proptest::prelude::*;
use reconcile::tracking::{FeedSettings, Queries, Question, Seen, Stage, State, TrackSettings, Tracker, Wanted};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What an upload says of itself in one round.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    Absent,
    Ingestion,
    Processing,
    MapData,
    MapUpdate,
    OwnWord,
    Done,
    FailedAt(usize),
}

const PHASES: [Phase; 11] = [
    Phase::Absent,
    Phase::Ingestion,
    Phase::Processing,
    Phase::MapData,
    Phase::MapUpdate,
    Phase::OwnWord,
    Phase::Done,
    Phase::FailedAt(0),
    Phase::FailedAt(1),
    Phase::FailedAt(2),
    Phase::FailedAt(3),
];
const STAGES: [Stage; 4] = [Stage::Ingestion, Stage::ImageProcessing, Stage::MapData, Stage::MapUpdate];

/// One upload over all rounds; its sequence can be read, and is in the tiles, from some round on.
#[derive(Debug, Clone)]
struct Plan {
    phases: Vec<Phase>,
    readable_from: u64,
    in_tiles_from: u64,
}

const ROUNDS: usize = 5;

fn plan() -> impl Strategy<Value = Plan> {
    let phases = proptest::collection::vec(prop::sample::select(&PHASES[..]), ROUNDS);
    (phases, 0..7_u64, 0..7_u64).prop_map(|(phases, readable_from, later)| Plan {
        phases,
        readable_from,
        in_tiles_from: readable_from.max(later),
    })
}

/// The item of a phase; keys that a phase does not set are unset, so that phases may follow in any order.
fn words(phase: Phase, image: u64) -> Value {
    const F: &str = "FINISHED";
    const P: &str = "IN_PROGRESS";
    let of = |status: &str, stages: [&str; 3], image: Option<u64>, code: &str| {
        json!({
            "status": status, "initial_processing_status": stages[0], "anonymization_status": stages[1],
            "tiler_status": stages[2], "image_id": image.map(|id| id.to_string()), "item_count": image.map(|_| 2),
            "error_code": code,
        })
    };
    match phase {
        Phase::Absent | Phase::Ingestion => of(P, ["UNSET", "UNSET", "UNSET"], None, "UNSET"),
        Phase::Processing => of(P, [P, "UNSET", "UNSET"], None, "UNSET"),
        Phase::MapData => of(P, [F, P, "UNSET"], Some(image), "UNSET"),
        Phase::MapUpdate => of(P, [F, F, P], Some(image), "UNSET"),
        Phase::OwnWord => of("ON_HOLD", [F, F, "WAITING_FOR_A_SLOT"], Some(image), "UNSET"),
        Phase::Done => of(F, [F, F, F], Some(image), "UNSET"),
        Phase::FailedAt(0) => of("FAILED", ["UNSET", "UNSET", "UNSET"], None, "INTERNAL"),
        Phase::FailedAt(1) => of(P, ["FAILED", "UNSET", "UNSET"], None, "INTERNAL"),
        Phase::FailedAt(2) => of(P, [F, "FAILED", "UNSET"], Some(image), "UNSET"),
        Phase::FailedAt(_) => of(P, [F, F, "FAILED"], Some(image), "INTERNAL"),
    }
}

/// What the tracker must say.
fn expected(plan: &Plan, round: usize, is_straight: bool) -> (State, Option<Stage>) {
    let phase = plan.phases[round];
    let has_image = words(phase, 1)["image_id"].is_string();
    let seen = match round as u64 {
        _ if !has_image => Seen::Unchecked,
        round if round >= plan.in_tiles_from => Seen::InTiles,
        round if round >= plan.readable_from => Seen::Visible,
        _ => Seen::Invisible,
    };
    match (phase, seen) {
        (Phase::Absent, _) if is_straight => (State::NotFound, None),
        (Phase::Absent, _) => (State::Unknown, None),
        (_, Seen::InTiles) => (State::InTiles, Some(Stage::InTiles)),
        (Phase::FailedAt(stage), _) => (State::Failed, Some(STAGES[stage])),
        (Phase::Ingestion, _) => (State::Processing, Some(Stage::Ingestion)),
        (Phase::Processing, _) => (State::Processing, Some(Stage::ImageProcessing)),
        (Phase::MapData, _) => (State::Published, Some(Stage::MapData)),
        (Phase::MapUpdate | Phase::OwnWord | Phase::Done, _) => (State::Published, Some(Stage::MapUpdate)),
    }
}

fn image(id: u64, key: &str, lat: f64) -> Value {
    json!({"id": id.to_string(), "sequence": key, "captured_at": 1_716_026_400_000_u64 + id,
        "geometry": {"type": "Point", "coordinates": [0.01 + id as f64 * 1e-7, lat]},
        "creator": {"id": "7", "username": "anna"}})
}

async fn walk(plans: &[Plan], cursors: &str, come_twice: bool) {
    let key = |at: usize| format!("sequence-of-upload-{at:03}");
    let first_image = |at: usize| 1_000 + 10 * at as u64;
    let mut uploads = Vec::new();
    let (mut readable, mut in_tiles) = (BTreeMap::new(), BTreeMap::new());
    for (at, plan) in plans.iter().enumerate() {
        let steps: Vec<Value> = (0..ROUNDS)
            .map(|round| {
                let phase = plan.phases[round];
                json!({"after": round, "set": words(phase, first_image(at)), "absent": phase == Phase::Absent})
            })
            .collect();
        let item = json!({"cluster_id": (at + 1).to_string(), "type": "UPLOAD", "steps": steps});
        uploads.extend(std::iter::repeat_n(item, 1 + usize::from(come_twice)));
        readable.insert(key(at), plan.readable_from);
        in_tiles.insert(key(at), plan.in_tiles_from);
    }
    let feeds = json!({"cursors": cursors, "users": [{"id": "7", "username": "anna", "uploads": uploads,
        "readable_from": readable, "in_tiles_from": in_tiles}]});
    let entities = (0..plans.len())
        .flat_map(|at| [image(first_image(at), &key(at), 0.01), image(first_image(at) + 1, &key(at), 0.01)])
        .collect();
    let settings = SimulatorSettings { feeds: Some(serde_json::from_value(feeds).unwrap()), ..Default::default() };
    let simulator = start(entities, settings).await.unwrap();
    let url = base_url(simulator.base_url()).unwrap();
    let token = |digit: &str| Some(Secret::new(format!("MLY|1|{}", digit.repeat(32))));
    let wanted: Vec<Wanted> = (1..=plans.len() as u64).map(|id| Wanted::bare(ClusterId(id))).collect();
    let feed = FeedSettings {
        graph_url: url.clone(),
        token: token("f"),
        queries: Queries::default(),
        offline: false,
        max_requests: RequestLimit::default(),
        cancel: Cancel::default(),
    };
    let settings = TrackSettings {
        user: "anna".to_owned(),
        feed: Some(feed),
        api: ApiSettings { graph_url: url.clone(), tiles_url: url, token: token("a"), ..ApiSettings::default() },
        cache_dir: None,
        wanted: wanted.clone(),
        lists_newest: false,
        known: BTreeMap::new(),
        past: LocalArchive::default(),
        not_before: None,
        most: 100,
    };
    let tracker = Tracker::open(settings, Arc::new(SystemClock::default())).unwrap();
    for round in 0..ROUNDS {
        let answer = tracker.round(Question::of(&wanted), i64::MAX).await.unwrap();
        let is_straight = cursors == "straight";
        let clusters = |wanted: &mut dyn Iterator<Item = &Wanted>| wanted.map(|of| of.cluster_id).collect::<Vec<_>>();
        let told = clusters(&mut answer.tracked.iter().map(|tracked| &tracked.wanted));
        assert_eq!(told, clusters(&mut wanted.iter()), "each upload once, in the order asked: round {round}");
        for (plan, tracked) in plans.iter().zip(&answer.tracked) {
            let told = (tracked.standing.state, tracked.standing.stage);
            assert_eq!(told, expected(plan, round, is_straight), "round {round} of {plan:?}: {tracked:?}");
        }
        assert_eq!(answer.feed_failure, None);
    }
    simulator.stop().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_time: 5_000, ..ProptestConfig::default() })]
    #[test]
    fn every_state_in_every_order_is_told_as_the_model_says(
        plans in proptest::collection::vec(plan(), 1..6),
        cursors in prop::sample::select(&["straight", "straight", "loop", "lost"][..]),
        come_twice in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            tokio::time::timeout(Duration::from_mins(1), walk(&plans, cursors, come_twice)).await.unwrap();
        });
    }
}

/// Each phase once, in the order of the web app and against it, so that none depends on chance.
#[test]
fn every_phase_is_walked_through_forwards_and_backwards() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let windows: Vec<Plan> = (0..PHASES.len())
        .map(|from| Plan {
            phases: (0..ROUNDS).map(|at| PHASES[(from + at) % PHASES.len()]).collect(),
            readable_from: 2,
            in_tiles_from: 3,
        })
        .collect();
    let backwards =
        windows.iter().map(|plan| Plan { phases: plan.phases.iter().rev().copied().collect(), ..plan.clone() });
    let all: Vec<Plan> = windows.iter().cloned().chain(backwards).collect();
    runtime.block_on(walk(&all, "straight", true));
}
