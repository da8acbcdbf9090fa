//! What holds a client back: pace, throttling, budgets, refusals, and being asked to stop.

use super::*;
use std::sync::atomic::Ordering;

#[tokio::test(start_paused = true)]
async fn throttling_holds_the_quota_and_costs_no_try() {
    let mut throttled = reply(429, "slow down");
    throttled.as_mut().unwrap().headers.push(("retry-after".into(), "7".into()));
    let mut replies = vec![throttled; 9];
    replies.push(reply(200, "tile"));
    let world = world(settings(), replies);
    let started = tokio::time::Instant::now();
    assert_eq!(fetch(&world, "a").await.unwrap(), "tile");
    assert_eq!(started.elapsed(), Duration::from_secs(9 * 7));
    let again = vec![reply(429, "no")];
    let stubborn = world_over(settings(), Script::of(again), Arc::default());
    assert!(matches!(fetch(&stubborn, "a").await, Err(FetchError::Throttled { times: 12, .. })));
}

#[tokio::test(start_paused = true)]
async fn the_pace_holds_over_all_workers_in_any_minute() {
    let mut settings = settings();
    settings.quotas[0].per_minute = Some(60);
    let script = Arc::new(Script { takes: Duration::from_millis(300), ..Script::default() });
    locked(&script.replies).push_back(reply(200, "tile"));
    let world = Arc::new(world_over(settings, script, Arc::default()));
    let mut workers = tokio::task::JoinSet::new();
    for number in 0..400 {
        let world = world.clone();
        workers.spawn(async move { fetch(&world, &format!("t{number}")).await.unwrap() });
    }
    while workers.join_next().await.is_some() {}
    let times: Vec<_> = locked(&world.script.asked).iter().map(|(_, at)| *at).collect();
    assert_eq!(times.len(), 400);
    for &start in &times {
        let in_minute = times.iter().filter(|&&at| at >= start && at < start + Duration::from_mins(1)).count();
        assert!(in_minute <= 60, "{in_minute} in one minute");
    }
}

#[tokio::test(start_paused = true)]
async fn good_answers_bring_the_pace_back() {
    let mut settings = settings();
    settings.quotas[0].per_minute = Some(60);
    let world = world(settings, vec![reply(429, "slow down"), reply(200, "tile")]);
    let started = tokio::time::Instant::now();
    for number in 0..200 {
        fetch(&world, &format!("t{number}")).await.unwrap();
    }
    let took = started.elapsed();
    assert!(took > Duration::from_secs(60 + 200), "{took:?}: halved, after the hold");
    assert!(took < Duration::from_mins(6), "{took:?}: at half the pace to the end it would take 460 s");
}

#[tokio::test(start_paused = true)]
async fn the_next_run_keeps_the_pace_of_the_last() {
    let mut settings = settings();
    settings.quotas[0].per_minute = Some(20);
    let script = Script::of(vec![reply(200, "tile")]);
    let store = Arc::new(MemoryStore::default());
    let mut now_ms = 1_700_000_000_000;
    for run in 0..6 {
        let started = tokio::time::Instant::now();
        let client = Client::new(settings.clone(), script.clone(), Some(store.clone()), TestClock::from_ms(now_ms));
        let world = World { client, script: script.clone(), store: store.clone() };
        for number in 0..15 {
            fetch(&world, &format!("{run}/{number}")).await.unwrap();
        }
        now_ms += i64::try_from(started.elapsed().as_millis()).unwrap();
    }
    let times: Vec<_> = locked(&script.asked).iter().map(|(_, at)| *at).collect();
    assert_eq!(times.len(), 90);
    for &start in &times {
        let in_minute = times.iter().filter(|&&at| at >= start && at < start + Duration::from_mins(1)).count();
        assert!(in_minute <= 20, "{in_minute} in one minute over several runs");
    }
}

#[tokio::test(start_paused = true)]
async fn usage_near_the_limit_lets_one_request_through_at_a_time() {
    let mut alarmed = reply(200, "tile");
    alarmed.as_mut().unwrap().headers.push(("x-app-usage".into(), "96".into()));
    let script = Arc::new(Script { takes: Duration::from_millis(300), ..Script::default() });
    locked(&script.replies).extend([reply(200, "tile"), alarmed.clone(), alarmed, reply(200, "tile")]);
    let world = Arc::new(world_over(settings(), script, Arc::default()));
    let mut workers = tokio::task::JoinSet::new();
    let started = tokio::time::Instant::now();
    for number in 0..30 {
        let world = world.clone();
        workers.spawn(async move { fetch(&world, &format!("t{number}")).await.unwrap() });
    }
    while workers.join_next().await.is_some() {}
    let after_s = |seconds| {
        locked(&world.script.asked).iter().filter(|(_, at)| *at <= started + Duration::from_secs(seconds)).count()
    };
    assert!(after_s(59) <= 16, "8 in flight and at most one more each: {}", after_s(59));
    assert_eq!(after_s(1_000), 30);
}

#[tokio::test(start_paused = true)]
async fn budgets_end_a_run_in_order() {
    let mut limited = settings();
    limited.max_requests = RequestLimit::of(3);
    let world = world(limited, vec![reply(500, "x"), reply(500, "x"), reply(200, "tile")]);
    assert_eq!(fetch(&world, "a").await.unwrap(), "tile", "tries count");
    assert_eq!(fetch(&world, "b").await.unwrap_err(), FetchError::LimitUsedUp { limit: 3 });
    assert_eq!(fetch(&world, "a").await.unwrap(), "tile", "what is stored costs nothing");

    let mut both = settings();
    both.max_requests = RequestLimit::of(1);
    both.quotas[0].per_day = Some(0);
    let none = world_over(both, Script::of(vec![reply(200, "tile")]), Arc::default());
    for _ in 0..3 {
        let end = fetch(&none, "a").await.unwrap_err();
        assert_eq!(end, FetchError::DayUsedUp { quota: "tiles", limit: 0 }, "what was not sent is not counted");
    }

    let mut daily = settings();
    daily.quotas[0].per_day = Some(2);
    let script = Script::of(vec![reply(200, "tile")]);
    let first = world_over(daily.clone(), script.clone(), Arc::default());
    fetch(&first, "a").await.unwrap();
    fetch(&first, "b").await.unwrap();
    let second = world_over(daily.clone(), script.clone(), first.store.clone());
    assert_eq!(fetch(&second, "c").await.unwrap_err(), FetchError::DayUsedUp { quota: "tiles", limit: 2 });
    assert_eq!(second.client.spent_today("tiles").unwrap(), 2, "over both runs");
    tokio::time::advance(Duration::from_hours(24)).await;
    fetch(&second, "c").await.unwrap();
    assert_eq!(script.n_asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_always_fails_is_left_alone() {
    let world = world(settings(), vec![reply(500, "down")]);
    let mut ends = std::collections::BTreeMap::<&str, u32>::new();
    for number in 0..500 {
        let end = match fetch(&world, &format!("t{number}")).await.unwrap_err() {
            FetchError::GaveUp { .. } => "gave up",
            FetchError::RetriesSpent { .. } => "spent",
            other => panic!("{other}"),
        };
        *ends.entry(end).or_default() += 1;
    }
    let sent = world.client.usage().sent();
    assert!(sent <= 500 + 100 + 32, "{sent} requests for 500 questions");
    assert!(ends["spent"] > 400, "{ends:?}");
}

#[tokio::test(start_paused = true)]
async fn stopping_finishes_what_is_in_flight_and_sends_nothing_more() {
    let script = Arc::new(Script { takes: Duration::from_secs(5), ..Script::default() });
    locked(&script.replies).push_back(reply(200, "tile"));
    let mut settings = settings();
    settings.quotas[0].at_once = 1;
    let world = world_over(settings, script, Arc::default());
    let stop = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        world.client.cancel().cancel();
    };
    let (first, second, ()) = tokio::join!(fetch(&world, "a"), fetch(&world, "b"), stop);
    assert_eq!((first.unwrap().as_str(), second.unwrap_err()), ("tile", FetchError::Stopped));
    assert_eq!(fetch(&world, "a").await.unwrap(), "tile", "the answer was kept");
    assert_eq!((world.script.n_asked(), world.client.usage().sent()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn stopping_ends_waits_at_once() {
    for faulty in [reply(500, "down"), reply(429, "slow down")] {
        let world = world(settings(), vec![faulty]);
        let stop = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            world.client.cancel().cancel();
        };
        let started = tokio::time::Instant::now();
        let (end, ()) = tokio::join!(fetch(&world, "a"), stop);
        assert_eq!((end.unwrap_err(), started.elapsed()), (FetchError::Stopped, Duration::from_millis(50)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_blocked_caller_stops_at_once_and_comes_back_slowly() {
    let mut settings = settings();
    settings.quotas[0].per_minute = Some(40);
    let blocked = world(settings.clone(), vec![reply(418, "please log in"), reply(200, "tile")]);
    for path in ["a", "b", "c"] {
        let end = fetch(&blocked, path).await.unwrap_err();
        assert!(matches!(end, FetchError::Refused { refusal: Refusal::Blocked, .. }), "{end}");
    }
    assert_eq!(blocked.script.n_asked(), 1);
    let later = world_over(settings, Script::of(vec![reply(200, "tile")]), blocked.store.clone());
    let started = tokio::time::Instant::now();
    for number in 0..5 {
        fetch(&later, &format!("t{number}")).await.unwrap();
    }
    assert!(started.elapsed() > Duration::from_secs(20), "spaced out, not at once: {:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_not_tried_again() {
    let world = world(settings(), vec![reply(200, "tile"), reply(401, "no")]);
    fetch(&world, "a").await.unwrap();
    for path in ["b", "c", "d"] {
        let end = fetch(&world, path).await.unwrap_err();
        assert!(matches!(end, FetchError::Refused { refusal: Refusal::Token, .. }), "{end}");
    }
    assert_eq!(fetch(&world, "a").await.unwrap(), "tile", "the store still answers");
    assert_eq!(world.script.n_asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn over_two_days_no_day_holds_more_than_its_budget() {
    const DAY_MS: i64 = 86_400_000;
    let mut daily = settings();
    (daily.quotas[0].per_day, daily.quotas[0].per_minute) = (Some(500), Some(60));
    let store = Arc::new(MemoryStore::default());
    let start_ms = 1_700_000_000_000; // 22:13:20 UTC
    let clock = TestClock::from_ms(start_ms);
    let script = Script::of(vec![reply(200, "tile")]);
    let (mut runs, mut ends) = (0, 0);
    let mut number = 0;
    let started = tokio::time::Instant::now();
    while started.elapsed() < Duration::from_hours(48) {
        // A new process each time, an hour after the last one gave up.
        let client = Client::new(daily.clone(), script.clone(), Some(store.clone()), clock.clone());
        let world = World { client, script: script.clone(), store: store.clone() };
        runs += 1;
        loop {
            match fetch(&world, &format!("t{number}")).await {
                Ok(_) => number += 1,
                Err(FetchError::DayUsedUp { limit: 500, .. }) => break,
                Err(other) => panic!("{other}"),
            }
        }
        ends += 1;
        tokio::time::advance(Duration::from_hours(1)).await;
    }
    let mut by_day = std::collections::BTreeMap::<i64, u64>::new();
    for (_, at) in locked(&script.asked).iter() {
        let ms = start_ms + i64::try_from(at.duration_since(started).as_millis()).unwrap();
        *by_day.entry(ms.div_euclid(DAY_MS)).or_default() += 1;
    }
    assert_eq!(
        by_day.into_values().collect::<Vec<_>>(),
        [500, 500, 500],
        "{runs} runs, {ends} of them ended by the budget"
    );
    let asked: std::collections::BTreeSet<String> = locked(&script.asked).iter().map(|(url, _)| url.clone()).collect();
    assert_eq!(asked.len(), 1_500, "nothing was asked twice");
}

#[tokio::test(start_paused = true)]
async fn processes_that_run_at_once_keep_one_pace() {
    let mut settings = settings();
    settings.quotas[0].per_minute = Some(30);
    let script = Arc::new(Script { takes: Duration::from_millis(120), ..Script::default() });
    locked(&script.replies).push_back(reply(200, "tile"));
    let (store, clock) = (Arc::new(MemoryStore::default()), TestClock::from_ms(1_700_000_012_345));
    let mut workers = tokio::task::JoinSet::new();
    for process in 0..3_u64 {
        let (settings, script, store, clock) = (settings.clone(), script.clone(), store.clone(), clock.clone());
        workers.spawn(async move {
            tokio::time::sleep(Duration::from_secs(7 * process)).await;
            let client = Client::new(settings, script.clone(), Some(store.clone()), clock);
            let world = World { client, script, store };
            for number in 0..60 {
                fetch(&world, &format!("{process}/{number}")).await.unwrap();
            }
        });
    }
    while workers.join_next().await.is_some() {}
    let times: Vec<_> = locked(&script.asked).iter().map(|(_, at)| *at).collect();
    assert_eq!(times.len(), 180);
    for &start in &times {
        let in_minute = times.iter().filter(|&&at| at >= start && at < start + Duration::from_mins(1)).count();
        assert!(in_minute <= 30, "{in_minute} in one minute over three processes");
    }
}

/// A ledger in which another process sends at the worst moment: between our look and our own request, `left` times.
struct Rival {
    kept: MemoryStore,
    left: std::sync::atomic::AtomicU64,
    sent: Mutex<Vec<tokio::time::Instant>>,
}

impl Store for Rival {
    fn get(&self, key: &StoreKey) -> Result<Option<StoredAnswer>, crate::StoreError> {
        self.kept.get(key)
    }
    fn put(&self, key: &StoreKey, answer: &StoredAnswer) -> Result<(), crate::StoreError> {
        self.kept.put(key, answer)
    }
    fn spend(&self, quota: &str, day: i64, limit: Option<u64>) -> Result<bool, crate::StoreError> {
        self.kept.spend(quota, day, limit)
    }
    fn spend_if(&self, quota: &str, period: i64, counted: [u64; 2]) -> Result<bool, crate::StoreError> {
        let some = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if some.is_ok() {
            self.kept.spend(quota, period, None)?;
            locked(&self.sent).push(tokio::time::Instant::now());
        }
        self.kept.spend_if(quota, period, counted)
    }
    fn spent(&self, quota: &str, day: i64) -> Result<u64, crate::StoreError> {
        self.kept.spent(quota, day)
    }
}

#[tokio::test(start_paused = true)]
async fn another_process_that_sends_between_look_and_request_is_counted_first() {
    let mut settings = settings();
    settings.quotas[0].per_minute = Some(10);
    let rival = Arc::new(Rival { kept: MemoryStore::default(), left: 10.into(), sent: Mutex::default() });
    let script = Script::of(vec![reply(200, "tile")]);
    let client = Client::new(settings, script.clone(), Some(rival.clone()), TestClock::from_ms(1_700_000_012_345));
    for number in 0..25 {
        client.fetch(&request(&format!("{number}")), &classify).await.unwrap();
    }
    let theirs = locked(&rival.sent).clone();
    assert_eq!(theirs.len(), 10);
    let ours = locked(&script.asked).iter().map(|(_, at)| *at).collect::<Vec<_>>();
    let mut times: Vec<_> = ours.iter().copied().chain(theirs).collect();
    times.sort_unstable();
    assert_eq!(ours.len(), 25);
    for &start in &times {
        let in_minute = times.iter().filter(|&&at| at >= start && at < start + Duration::from_mins(1)).count();
        assert!(in_minute <= 10, "{in_minute} in one minute over both");
    }
}
