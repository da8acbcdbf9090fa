//! Indexes against looking at everything.

use super::*;
use serde_json::json;

const SEQUENCES: u64 = 6;

/// Images that wander over tile edges and the antimeridian.
fn entities(n: u64) -> Vec<Value> {
    let image = |k: u64| {
        let lon = 179.95 + 0.000_3 * k as f64;
        let lon = if lon >= 180.0 { lon - 360.0 } else { lon };
        json!({
            "id": k + 1, "sequence": format!("s{}", k % SEQUENCES), "captured_at": 1_000 * ((k * 7) % n),
            "geometry": {"type": "Point", "coordinates": [lon, 10.0 + 0.000_2 * (k % 50) as f64]},
        })
    };
    (0..n).map(image).collect()
}

#[test]
fn boxes_find_what_looking_at_everything_finds() {
    let all = entities(400);
    let world = World::new(all.clone());
    let mut n_found = 0;
    for k in 0..60 {
        let (west, south) = (179.93 + 0.001_3 * f64::from(k), 9.999 + 0.000_2 * f64::from(k));
        let bounds = [west, south, west + 0.009_9, south + 0.009_9];
        let found: Vec<u64> = world.within(bounds).iter().map(|image| image.id).collect();
        let expected: Vec<u64> = all
            .iter()
            .filter(|entity| {
                let at = &entity["geometry"]["coordinates"];
                let (lon, lat) = (at[0].as_f64().unwrap(), at[1].as_f64().unwrap());
                (bounds[0]..=bounds[2]).contains(&lon) && (bounds[1]..=bounds[3]).contains(&lat)
            })
            .map(|entity| entity["id"].as_u64().unwrap())
            .collect();
        n_found += found.len();
        assert_eq!(found, expected, "{bounds:?}");
    }
    assert!(n_found > 200, "{n_found}");
}

#[test]
fn lines_are_filed_under_every_tile_that_they_touch() {
    let world = World::new(entities(400));
    let habits = Habits::default();
    let mut n_features = 0;
    for tile in world.cells[0].keys() {
        let decoded = coverage_tile::decode(&world.tile(*tile, Places::Original, &habits), *tile).unwrap();
        n_features += decoded.sequences.sequence.len();
    }
    // What every line leaves in every tile of the neighbourhood, asked without the index.
    let numbers: BTreeSet<u32> = (0..SEQUENCES as u32).collect();
    let lines = world.lines(&numbers, Places::Original, &habits);
    let (middle, mut expected) = (tile_at(Position::from_lon_lat(180.0, 10.0).unwrap(), Zoom::COVERAGE), 0);
    for (dx, dy) in (-6..=6).flat_map(|dx| (-3..=3).map(move |dy| (dx, dy))) {
        let n = i64::from(Zoom::COVERAGE.tiles_per_side());
        let x = (i64::from(middle.x) + dx).rem_euclid(n) as u32;
        let tile = Tile { x, y: (i64::from(middle.y) + dy) as u32, ..middle };
        let bytes = encode(tile, &[], &lines, &habits.dialect);
        expected += coverage_tile::decode(&bytes, tile).unwrap().sequences.sequence.len();
    }
    assert_eq!(n_features, expected);
    assert!(expected > 20, "{expected}");
}

#[test]
fn the_last_of_several_with_one_id_stays() {
    let mut all = entities(20);
    all.push(json!({"id": "3", "sequence": "other", "captured_at": 5, "creator": {"id": 9, "username": "anna"}}));
    all.push(json!({"no": "id"}));
    let world = World::new(all);
    assert_eq!(world.len(), 20);
    assert_eq!(world.sequence("other").map(|image| image.id).collect::<Vec<_>>(), [3]);
    assert_eq!(
        world.sequence("s2").map(|image| image.id).collect::<Vec<_>>(),
        [9, 15],
        "capture order, without image 3"
    );
    assert_eq!((world.user("anna").unwrap().count(), world.name_of(9)), (1, Some("anna")));
}
