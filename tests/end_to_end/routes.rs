//! What a run costs: requests counted in the simulator's log, against the budget of the tiles route (distinct tiles, plus
//! batches of at most 20 sequences and 1,500 images, plus repairs) and against the plan.

use crate::support::{Service, printed, rows, run, said, tiepoint};
use mapillary_simulator::SimulatorSettings;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::Command;

/// Photos 8 m and a second apart along streets from west to east.
struct Streets {
    rides: Vec<Ride>,
}

struct Ride {
    photos: i64,
    /// Degrees; the rides of an archive lie side by side or apart.
    start: (f64, f64),
    is_published: bool,
    /// Published places lie so many degrees further north.
    north_deg: f64,
}

impl Streets {
    fn side_by_side(n_rides: i64, photos: i64) -> Self {
        let ride =
            |k: i64| Ride { photos, start: (0.001, 0.0101 + k as f64 * 0.0018), is_published: true, north_deg: 0.0 };
        Self { rides: (0..n_rides).map(ride).collect() }
    }

    fn table(&self) -> String {
        let mut table = "path,lat,lon,altitude,captured_at\n".to_owned();
        for (number, ride) in self.rides.iter().enumerate() {
            for photo in 0..ride.photos {
                let (lon, lat) = (ride.start.0 + photo as f64 * 7.2e-5, ride.start.1);
                let time = chrono::DateTime::from_timestamp_millis(time_ms(number, photo)).unwrap();
                let time = time.format("%Y-%m-%dT%H:%M:%S%.3fZ");
                writeln!(table, "ride{number:04}/{photo:05}.jpg,{lat:.7},{lon:.7},12,{time}").unwrap();
            }
        }
        table
    }

    fn entities(&self) -> Vec<Value> {
        let mut entities = Vec::new();
        for (number, ride) in self.rides.iter().enumerate().filter(|(_, ride)| ride.is_published) {
            for photo in 0..ride.photos {
                let (lon, lat) = (ride.start.0 + photo as f64 * 7.2e-5, ride.start.1 + ride.north_deg);
                entities.push(json!({
                    "id": (400_000_000_000_000 + number as i64 * 100_000 + photo).to_string(),
                    "sequence": format!("ride-{number:04}"), "captured_at": time_ms(number, photo), "altitude": 12.0,
                    "creator": {"id": "77", "username": "anna"},
                    "geometry": {"type": "Point", "coordinates": [lon, lat]},
                }));
            }
        }
        entities
    }
}

fn time_ms(ride: usize, photo: i64) -> i64 {
    1_716_026_400_000 + ride as i64 * 7_200_000 + photo * 1_000
}

struct World {
    folder: tempfile::TempDir,
    service: Service,
}

impl World {
    fn new(streets: &Streets, faults: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("photos.csv"), streets.table()).unwrap();
        let settings = SimulatorSettings { faults: faults.parse().unwrap(), ..SimulatorSettings::default() };
        Self { folder, service: Service::with(streets.entities(), settings) }
    }

    fn command(&self, verb: &str, more: &[&str]) -> Command {
        let mut command = tiepoint(self.folder.path());
        command.args([verb, "photos.csv", "--progress", "none"]).args(more);
        self.service.serve(&mut command);
        command
    }

    /// Requests that one run sends, by endpoint.
    fn reconcile(&self, more: &[&str]) -> BTreeMap<&'static str, usize> {
        let before = self.service.n_requests();
        run(&mut self.command("reconcile", more), 0);
        let mut counts = BTreeMap::new();
        for record in &self.service.simulator().requests()[before..] {
            *counts.entry(record.endpoint).or_default() += 1;
        }
        counts
    }

    fn n_tiles(&self) -> usize {
        printed(&run(tiepoint(self.folder.path()).args(["tiles", "photos.csv"]), 0)).lines().count()
    }

    fn matches(&self) -> Vec<BTreeMap<String, String>> {
        rows(&self.folder.path().join("tiepoint-out/matches.csv"))
    }
}

#[track_caller]
fn assert_all_matched(world: &World, route: &str) {
    for row in world.matches() {
        assert_eq!((row["status"].as_str(), row["route"].as_str()), ("matched", route), "{row:?}");
    }
}

#[test]
fn five_hundred_photos_cost_their_tiles_and_one_request() {
    let world = World::new(&Streets::side_by_side(1, 500), "");
    let sent = world.reconcile(&[]);
    assert_eq!(sent, [("images_by_sequence", 1), ("tiles", world.n_tiles())].into());
    assert!((2..=4).contains(&sent.values().sum::<usize>()), "{sent:?}");
    assert_all_matched(&world, "tiles");
    assert!(world.reconcile(&[]).is_empty(), "a second run asks nothing");
    assert_eq!(world.reconcile(&["--refresh"]), sent, "unless it is told to");
}

#[test]
fn an_archive_costs_less_than_a_hundredth_of_a_request_a_photo() {
    let n_photos: i64 = std::env::var("TIEPOINT_SOAK_PHOTOS").map_or(3_000, |text| text.parse().unwrap());
    let world = World::new(&Streets::side_by_side(n_photos / 500, 500), "");
    let sent = world.reconcile(&[]);
    let batches = (n_photos as usize / 500).div_ceil(3); // three rides of 500 fill a batch
    assert_eq!(sent, [("images_by_sequence", batches), ("tiles", world.n_tiles())].into(), "tiles are shared");
    let all = sent.values().sum::<usize>();
    assert!(all as f64 <= 0.01 * n_photos as f64, "{all} requests for {n_photos} photos");
    assert!(world.matches().iter().all(|row| row["status"] == "matched"));
    assert!(world.reconcile(&[]).is_empty(), "a second run asks nothing");
    eprintln!("{all} requests for {n_photos} photos: {:.5} a photo; a second run: 0", all as f64 / n_photos as f64);
}

/// Sequence keys of each request for whole sequences, in the order asked.
fn asked_sequences(world: &World) -> Vec<Vec<String>> {
    let requests = world.service.simulator().requests();
    let of_sequences = requests.iter().filter(|request| request.endpoint == "images_by_sequence");
    let keys = |query: &str| {
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        let ids = pairs.into_iter().find(|(name, _)| name == "sequence_ids").unwrap().1.into_owned();
        ids.split(',').map(str::to_owned).collect()
    };
    of_sequences.map(|request| keys(&request.query)).collect()
}

#[test]
fn photos_that_are_added_do_not_make_anything_be_asked_again() {
    let all = Streets::side_by_side(30, 60);
    let world = World::new(&all, "");
    // Odd rides first, so that those that are added lie between them and every batch is packed anew.
    let table = all.table();
    let (header, lines) = table.split_once('\n').unwrap();
    let write = |is_there: &dyn Fn(usize) -> bool| {
        let ride_of = |line: &str| line["ride".len()..][..4].parse::<usize>().unwrap();
        let kept: Vec<&str> = lines.lines().filter(|line| is_there(ride_of(line))).collect();
        std::fs::write(world.folder.path().join("photos.csv"), format!("{header}\n{}\n", kept.join("\n"))).unwrap();
    };
    let steps: [(&dyn Fn(usize) -> bool, usize); 4] =
        [(&|ride| ride % 2 == 1, 15), (&|ride| ride % 2 == 1 || ride < 10, 5), (&|_| true, 10), (&|ride| ride > 3, 0)];
    for (is_there, n_new) in steps {
        write(is_there);
        let before = asked_sequences(&world).len();
        let sent = world.reconcile(&[]);
        let new: Vec<String> = asked_sequences(&world)[before..].concat();
        assert_eq!(new.len(), n_new, "{sent:?}");
        assert_eq!(sent.get("images_by_sequence").copied().unwrap_or(0), n_new.div_ceil(20), "{sent:?}");
        assert_all_matched(&world, "tiles");
        let plan = printed(&run(&mut world.command("plan", &[]), 0));
        assert!(plan.lines().any(|line| line.starts_with("requests in all") && line.ends_with(" 0")), "{plan}");
    }
    let mut asked = asked_sequences(&world).concat();
    asked.sort();
    let n_asked = asked.len();
    asked.dedup();
    assert_eq!((n_asked, asked.len()), (30, 30), "each sequence is asked for once");
    // The same archive in one go says the same, to the byte.
    let fresh = World::new(&all, "");
    fresh.reconcile(&[]);
    write(&|_| true);
    assert!(world.reconcile(&[]).is_empty());
    for name in ["matches.csv", "sequences.csv", "shifts.csv", "matches.geojson"] {
        let read = |world: &World| std::fs::read(world.folder.path().join("tiepoint-out").join(name)).unwrap();
        assert!(read(&world) == read(&fresh), "{name}");
    }
    // Sequences that are known by name are not asked for again either.
    let keys = ["--route", "sequence", "--sequence", "ride-0007", "--sequence", "ride-0008", "--sequence", "ride-0021"];
    assert!(world.reconcile(&keys).is_empty());
}

#[test]
fn repairs_are_one_a_question_and_only_where_something_is_missing() {
    // The third ride lies in tiles of its own where nothing is published: each is asked for once more.
    let mut streets = Streets::side_by_side(3, 60);
    streets.rides[2].start = (3.001, 0.0101);
    streets.rides[2].is_published = false;
    for habit in ["empty=204", "empty=404", "empty=200"] {
        let world = World::new(&streets, habit);
        assert_eq!(world.reconcile(&[]), [("images_by_sequence", 1), ("tiles", world.n_tiles() + 1)].into(), "{habit}");
        let lost = world.matches().into_iter().filter(|row| row["status"] != "matched");
        assert!(lost.into_iter().all(|row| row["reason"] == "no_coverage"), "{habit}");
        assert!(world.reconcile(&[]).is_empty(), "{habit}: a second run asks nothing");
    }
    // A tile that is empty by mistake shows itself the second time; deleted images are not hunted for.
    let mistaken = World::new(&Streets::side_by_side(2, 60), "404@tiles:1x");
    assert_eq!(mistaken.reconcile(&[]), [("images_by_sequence", 1), ("tiles", mistaken.n_tiles() + 1)].into());
    assert_all_matched(&mistaken, "tiles");
    let thinned = World::new(&Streets::side_by_side(2, 200), "gone=0.05,seed=3");
    assert_eq!(thinned.reconcile(&[]), [("images_by_sequence", 1), ("tiles", thinned.n_tiles())].into());
}

#[test]
fn a_service_that_hands_out_nothing_is_no_proof_that_nothing_is_published() {
    // What a client secret in the place of a token does: the tiles are full, every list is empty.
    let mut streets = Streets::side_by_side(2, 60);
    streets.rides.push(Ride { photos: 20, start: (0.001, 0.0141), is_published: false, north_deg: 0.0 });
    let world = World::new(&streets, "gone=1");
    let told = |world: &World| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        world.matches().iter().for_each(|row| *counts.entry(row["reason"].clone()).or_default() += 1);
        counts
    };
    let said = String::from_utf8(run(&mut world.command("reconcile", &[]), 16).stderr).unwrap();
    assert!(said.contains("none of the 120 images") && said.contains("`tiepoint doctor`"), "{said}");
    let counts = told(&world);
    assert_eq!(counts.get("tile_only"), Some(&120), "{counts:?}");
    assert!(!counts.keys().any(|reason| reason == "exact"), "{counts:?}");
    // Where only some are withheld, the rows say which.
    let some = World::new(&streets, "gone=0.05,seed=3");
    some.reconcile(&[]);
    let lost: Vec<_> = some.matches().into_iter().filter(|row| row["status"] == "unmatched").collect();
    let noted = lost.iter().filter(|row| row["note"].contains("the service does not hand it out")).count();
    assert_eq!(noted, lost.len() - 20, "{lost:?}");
    assert!(noted > 0);
}

#[test]
fn what_is_known_beforehand_costs_least() {
    let streets = Streets::side_by_side(2, 300);
    let by_key = World::new(&streets, "");
    let keys = ["--sequence", "ride-0000", "--sequence", "ride-0001"];
    assert_eq!(by_key.reconcile(&keys), [("images_by_sequence", 1)].into());
    assert_all_matched(&by_key, "sequence");
    let by_user = World::new(&streets, "");
    assert_eq!(by_user.reconcile(&["--user", "anna"]), [("images_by_user", 1)].into(), "their windows touch");
    assert_all_matched(&by_user, "user");
    // One key is known: the tiles answer for the other ride alone. Another's name: the tiles answer for all.
    let half = World::new(&streets, "");
    let sent = half.reconcile(&keys[..2]);
    assert_eq!(sent["images_by_sequence"], 2, "{sent:?}");
    assert!(half.matches().iter().all(|row| row["status"] == "matched"));
    let other = World::new(&streets, "");
    assert_eq!(other.reconcile(&["--user", "bertha"])["tiles"], other.n_tiles());
    assert_all_matched(&other, "tiles");
    // Known sequences alone say nothing about the rest.
    let alone = World::new(&streets, "");
    assert_eq!(
        alone.reconcile(&["--route", "sequence", "--sequence", "ride-0001"]),
        [("images_by_sequence", 1)].into()
    );
    let open = alone.matches().into_iter().filter(|row| row["status"] == "unmatched");
    assert!(open.into_iter().all(|row| row["reason"] == "outside_fetched_tiles"));
    run(&mut alone.command("reconcile", &["--route", "sequence"]), 2);
    run(&mut alone.command("reconcile", &["--route", "user"]), 2);
    let told = said(&run(&mut alone.command("reconcile", &["--route", "user", "--user", "nobody"]), 3));
    assert!(told.contains("nobody called \"nobody\""), "{told}");
    let told = said(&run(&mut alone.command("reconcile", &["--user", "nobody"]), 0));
    assert!(told.contains("nobody called \"nobody\""), "the tiles are asked, and the name is told: {told}");
}

#[test]
fn a_full_page_of_a_user_is_followed_by_the_next() {
    let world = World::new(&Streets::side_by_side(1, 4_500), "");
    let sent = world.reconcile(&["--user", "anna"]);
    assert_eq!(sent["images_by_user"], 3, "{sent:?}");
    assert!(world.matches().iter().all(|row| row["status"] == "matched"));
}

#[test]
fn a_sequence_beyond_one_answer_is_asked_for_by_its_ids_and_planned_so() {
    let mut streets = Streets::side_by_side(1, 2_300);
    streets.rides[0].start.0 += 0.001;
    let world = World::new(&streets, "");
    let n_tiles = world.reconcile(&["--max-requests", "1000", "--fail-on", "unpublished"])["tiles"];
    let world = World::new(&streets, "");
    run(&mut world.command("reconcile", &["--max-requests", &n_tiles.to_string()]), 25);
    let plan = printed(&run(&mut world.command("plan", &[]), 0));
    let has = |endpoint: &str, count: &str| {
        plan.lines().any(|line| line.contains(endpoint) && line.split_whitespace().any(|word| word == count))
    };
    assert!(has("image_ids", "1") && has("images_by_id", "12"), "{plan}");
    let sent = world.reconcile(&[]);
    assert_eq!((sent.get("images_by_sequence"), sent["image_ids"], sent["images_by_id"]), (None, 1, 12), "{sent:?}");
}

#[test]
fn a_ride_along_an_edge_looks_beyond_it_only_if_it_found_nothing() {
    // 14/8192/8191 ends at latitude 0; the photos lie 6 m from its southern edge, the published places 6 m beyond it.
    let edge = |is_published, north_deg| Streets {
        rides: vec![Ride { photos: 80, start: (0.001, 0.000_055), is_published, north_deg }],
    };
    let here = World::new(&edge(true, 0.0), "");
    assert_eq!(here.reconcile(&[])["tiles"], 1);
    let beyond = World::new(&edge(true, -0.000_11), "");
    let sent = beyond.reconcile(&[]);
    assert_eq!(sent, [("images_by_sequence", 1), ("tiles", 3)].into(), "its own tile twice, and the next");
    let found = beyond.matches().iter().filter(|row| row["status"] == "matched").count();
    assert!(found >= 70, "{found} of 80 are found in the next tile");
}

#[test]
fn the_plan_is_within_a_tenth_of_what_is_sent() {
    let mut streets = Streets::side_by_side(15, 60);
    streets.rides.iter_mut().for_each(|ride| ride.start.0 += 0.5);
    let known = ["--sequence", "ride-0003", "--route", "sequence"];
    for more in [&[][..], &["--user", "anna", "--route", "user"][..], &known[..]] {
        let world = World::new(&streets, "");
        let planned = |world: &World| {
            let plan = printed(&run(&mut world.command("plan", more), 0));
            let line = plan.lines().find(|line| line.starts_with("requests in all")).unwrap().to_owned();
            (line.split_whitespace().nth(3).unwrap().parse::<usize>().unwrap(), plan)
        };
        let (before, plan) = planned(&world);
        let sent: usize = world.reconcile(more).values().sum();
        assert!(before.abs_diff(sent) as f64 <= 0.1 * sent as f64, "planned {before}, sent {sent}\n{plan}");
        for word in ["route", "requests in all", "MB"] {
            assert!(plan.contains(word), "{word} is missing in\n{plan}");
        }
        assert_eq!(planned(&world).0, 0, "a second plan knows that all is there");
    }
    // On the real service the plan tells the share of each day's quota; nothing is asked for it.
    let world = World::new(&streets, "");
    let mut command = world.command("plan", &[]);
    let plan = printed(&run(command.env_remove("TIEPOINT_GRAPH_URL").env_remove("TIEPOINT_TILES_URL"), 0));
    assert!(plan.contains("quota: tiles") && plan.contains("of 50000 a day"), "{plan}");
}
