//! The client: out of the store, or politely out of the service.
//!
//! The order of things for one question: a fresh answer in the store ends it. Equal questions in flight are asked once.
//! Then, for each try: the caller's limit of requests, the slot of the pacer, the ledger of the day, the wire. The
//! reply is classified by the caller, counted, and [`next_step`] says how to go on. An answer is scrubbed of the token
//! and durable in the store before anyone sees it.

use crate::counters::Counters;
use crate::in_flight::InFlight;
use crate::pacer::{Pacer, Permit};
use crate::shared_pace::SharedPace;
use crate::tried::{Tried, end, label, words};
use crate::{
    Answer, Auth, Cancel, Class, Classify, Clock, FetchError, MemoryStore, PaceState, Progress, QuotaSettings, Reading,
    Refusal, Request, RequestLimit, RetryBudget, RetryPolicy, Source, Step, Store, StoreKey, StoreUse, StoredAnswer,
    Transport, Usage, WireRequest, may_be_asked, next_step,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The kind under which the store remembers that a divisible question asked for too much, so that a later run divides
/// it at once, and an offline one at all.
const TOO_MUCH: &str = "too_much";
/// The name under which the ledger of days counts that the service has blocked this caller.
const BLOCKED: &str = "blocked";
const DAY_MS: i64 = 86_400_000;
/// A shorter pause is nothing that a person would notice.
const WORTH_TELLING: Duration = Duration::from_secs(1);

/// How a client behaves.
#[derive(Clone)]
pub struct ClientSettings {
    /// Quotas by name; requests name theirs.
    pub quotas: Vec<QuotaSettings>,
    /// Bounds of trying again.
    pub retry: RetryPolicy,
    /// How long an answer of a kind is fresh.
    pub freshness: fn(&str) -> Duration,
    /// Nothing is sent; answers of any age are taken from the store.
    pub offline: bool,
    /// Answers fetched before the client was built count as stale.
    pub refresh: bool,
    /// HTTP requests that may be sent, tries included; shared with whatever has a clone of it.
    pub max_requests: RequestLimit,
    /// The switch that stops the run.
    pub cancel: Cancel,
}

/// The client. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

type Outcome = Result<Answer, FetchError>;

struct Shared {
    settings: ClientSettings,
    transport: Arc<dyn Transport>,
    store: Option<Arc<dyn Store>>,
    /// The store, or a forgetful one.
    ledger: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    started_ms: i64,
    pacers: Vec<Pacer>,
    /// In the order of the pacers.
    joint_paces: Vec<SharedPace>,
    retries: Mutex<RetryBudget>,
    counters: Counters,
    in_flight: InFlight,
}

impl Client {
    /// A client over a transport, and a store if answers are to be kept. If the service blocked an earlier run today
    /// or yesterday, this one begins at a quarter of the pace.
    pub fn new(
        settings: ClientSettings,
        transport: Arc<dyn Transport>,
        store: Option<Arc<dyn Store>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let ledger = store.clone().unwrap_or_else(|| Arc::new(MemoryStore::default()));
        let started_ms = clock.epoch_ms();
        let today = started_ms.div_euclid(DAY_MS);
        let was_blocked = (today - 1..=today).any(|day| ledger.spent(BLOCKED, day).is_ok_and(|times| times > 0));
        let pacer = |quota: &QuotaSettings| {
            let mut state = PaceState::new(quota);
            if was_blocked {
                state.begin_slowly();
            }
            // What others sent in this minute and the last: each as late as it can have been.
            let (shared_pace, before) = SharedPace::join(quota.name, &*ledger, started_ms);
            before.into_iter().for_each(|(age, sent)| state.sent_before(age, sent));
            (Pacer::new(quota.clone(), state), shared_pace)
        };
        let (pacers, joint_paces) = settings.quotas.iter().map(pacer).unzip();
        Self(Arc::new(Shared {
            pacers,
            joint_paces,
            started_ms,
            ledger,
            settings,
            transport,
            store,
            clock,
            retries: Mutex::default(),
            counters: Counters::default(),
            in_flight: InFlight::default(),
        }))
    }

    /// Answers a question. `classify` must be the same for equal questions.
    ///
    /// # Panics
    /// When the request names a quota that the settings do not have.
    pub async fn fetch(&self, request: &Request, classify: &dyn Classify) -> Outcome {
        let shared = &*self.0;
        let key = request.key();
        if let Some(answer) = shared.stored(request, &key)? {
            return Ok(answer);
        }
        shared.may_send(request)?;
        if request.store_use == StoreUse::Bypass {
            return Box::pin(shared.ask(request, classify, &key)).await;
        }
        let question = (key, request.store_use);
        let (place, key) = (shared.in_flight.join(&question), &question.0);
        if place.is_shared {
            shared.counters.shared();
        }
        let ask = || async {
            // Between the look into the store and here an equal question may have been answered.
            match shared.stored(request, key)? {
                Some(answer) => Ok(answer),
                None => Box::pin(shared.ask(request, classify, key)).await,
            }
        };
        place.cell().get_or_init(ask).await.clone()
    }

    /// What the run has cost so far.
    pub fn usage(&self) -> Usage {
        self.0.counters.snapshot()
    }

    /// The keys of all stored answers of a kind that would serve, each with the time when it was fetched (ms since the Unix
    /// epoch): at `since_ms` or later where that is given; the newest first.
    pub fn fresh_keys(&self, kind: &str, since_ms: Option<i64>) -> Result<Vec<(StoreKey, i64)>, FetchError> {
        let Some(store) = &self.0.store else { return Ok(Vec::new()) };
        let is_stale = |at: i64| self.0.is_stale(kind, at) || since_ms.is_some_and(|since| at < since);
        let keys = store.keys_of_kind(kind)?.into_iter();
        Ok(keys.filter(|&(_, at)| self.0.settings.offline || !is_stale(at)).collect())
    }

    /// The switch that stops the run.
    pub fn cancel(&self) -> &Cancel {
        &self.0.settings.cancel
    }

    /// Requests of a quota counted today in the ledger: over all runs, or over this one when there is no store.
    pub fn spent_today(&self, quota: &str) -> Result<u64, FetchError> {
        Ok(self.0.ledger.spent(quota, self.0.today())?)
    }
}

impl Shared {
    /// An answer that is good enough for the request.
    fn stored(&self, request: &Request, key: &StoreKey) -> Result<Option<Answer>, FetchError> {
        let Some(store) = self.store.as_ref().filter(|_| request.store_use != StoreUse::Bypass) else {
            return Ok(None);
        };
        let Some(stored) = store.get(key)? else { return Ok(None) };
        let settings = &self.settings;
        if !settings.offline {
            let is_stale = self.is_stale(&stored.kind, stored.fetched_at_ms)
                || matches!(request.store_use, StoreUse::UnlessKind(kind) if kind == stored.kind)
                || matches!(request.store_use, StoreUse::Since(ms) if stored.fetched_at_ms < ms);
            if is_stale {
                return Ok(None);
            }
        }
        self.counters.stored(request.endpoint);
        if stored.kind == TOO_MUCH {
            let detail = String::from_utf8_lossy(&stored.body).into_owned();
            return Err(FetchError::TooMuch { url: request.shown(), detail });
        }
        Ok(Some(Answer {
            kind: stored.kind.into(),
            status: stored.status,
            fetched_at_ms: stored.fetched_at_ms,
            body: Arc::new(stored.body),
            source: Source::Store,
        }))
    }

    /// Whether an answer of that kind and time is no longer good enough for anybody.
    fn is_stale(&self, kind: &str, fetched_at_ms: i64) -> bool {
        let age = Duration::from_millis(self.clock.epoch_ms().abs_diff(fetched_at_ms));
        age >= (self.settings.freshness)(kind) || (self.settings.refresh && fetched_at_ms < self.started_ms)
    }

    /// What forbids any sending, before anything is waited for.
    fn may_send(&self, request: &Request) -> Result<(), FetchError> {
        let url = || request.shown();
        match () {
            () if self.settings.offline => Err(FetchError::NotStored { url: url() }),
            () if !may_be_asked(&request.url) => Err(FetchError::Forbidden { url: url() }),
            () if matches!(request.auth, Auth::Missing) => Err(FetchError::NoToken { url: url() }),
            () if self.settings.cancel.is_cancelled() => Err(FetchError::Stopped),
            () => self.pacer(request).ended.get().map_or(Ok(()), |end| Err(end.clone())),
        }
    }

    /// Asks the service until a step ends it.
    async fn ask(&self, request: &Request, classify: &dyn Classify, key: &StoreKey) -> Outcome {
        let pacer = self.pacer(request);
        let wire = request.wire();
        let mut progress = Progress { divisible: request.divisible, ..Progress::default() };
        let mut faults = BTreeMap::<&'static str, u32>::new();
        let mut unconfirmed: Option<Vec<u8>> = None;
        let policy = self.settings.retry;
        let policy = RetryPolicy { tries: policy.tries.min(request.most_tries), ..policy };
        locked(&self.retries).deposit();
        loop {
            let (mut tried, permit) = self.try_once(request, &wire, classify, pacer).await?;
            let is_answer = matches!(tried.reading.class, Class::Answer { .. });
            if is_answer && request.confirm_open_end && !tried.is_whole && unconfirmed.as_ref() != Some(&tried.body) {
                unconfirmed = Some(std::mem::take(&mut tried.body));
                tried.reading = Reading::new(Class::Transient).with_detail("a body that may have been cut short");
            }
            match tried.reading.class {
                Class::Answer { .. } => {}
                Class::Throttled { .. } => progress.throttled += 1,
                _ => {
                    let alike = faults.entry(label(&tried.reading.class)).or_default();
                    *alike += 1;
                    (progress.failed, progress.alike) = (progress.failed + 1, *alike);
                }
            }
            match next_step(progress, &tried.reading.class, &policy, self.clock.jitter()) {
                Step::Accept => return self.keep(request, key, tried),
                Step::HoldQuota(_) => {} // the pacer holds it; the next permit waits
                Step::Wait(pause) => {
                    drop(permit); // who waits leaves the place to others
                    if !locked(&self.retries).withdraw() {
                        let detail = words(request, &tried);
                        return Err(FetchError::RetriesSpent { url: request.shown(), detail });
                    }
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = self.settings.cancel.cancelled() => return Err(FetchError::Stopped),
                    }
                }
                Step::AskForLess if request.divisible => return Err(self.keep_too_much(request, key, &tried)?),
                Step::AskForLess | Step::GiveUp => {
                    let end = end(request, progress, &tried);
                    self.conclude(pacer, &tried.reading.class, &end)?;
                    return Err(end);
                }
            }
        }
    }

    /// One try: limits, slot, ledger, wire, reading, counting. The slot is the caller's until it has concluded.
    async fn try_once<'p>(
        &self,
        request: &Request,
        wire: &WireRequest,
        classify: &dyn Classify,
        pacer: &'p Pacer,
    ) -> Result<(Tried, Permit<'p>), FetchError> {
        self.may_send(request)?;
        let reserved = self.settings.max_requests.reserve().map_err(|limit| FetchError::LimitUsedUp { limit })?;
        let place = self.pacers.iter().position(|known| std::ptr::eq(known, pacer)).unwrap_or_default();
        let (shared_pace, is_paced) = (&self.joint_paces[place], pacer.settings.per_minute.is_some());
        let elsewhere = || if is_paced { shared_pace.elsewhere(&*self.ledger, self.clock.epoch_ms()) } else { 0 };
        let claim = || if is_paced { shared_pace.claim(&*self.ledger, self.clock.epoch_ms()) } else { Ok(true) };
        let permit = pacer.permit(&self.settings.cancel, elsewhere, claim).await?;
        self.may_send(request)?; // while this one waited, another may have been refused for all
        if let Some(limit) = pacer.settings.per_day
            && !self.ledger.spend(request.quota, self.today(), Some(limit))?
        {
            return Err(FetchError::DayUsedUp { quota: pacer.settings.name, limit });
        }
        reserved.keep();
        let tried = Tried::new(request, self.transport.send(wire).await, classify);
        match &tried.reading.class {
            Class::Answer { .. } => pacer.answered(&permit),
            Class::Throttled { wait } => {
                let pause = pacer.throttled(&permit, *wait);
                let (quota, pause_s) = (request.quota, pause.as_secs_f64());
                if pause >= WORTH_TELLING {
                    tracing::warn!(quota, pause_s, "the service asks for fewer requests; pausing");
                } else {
                    tracing::info!(quota, pause_s, "the service asks for fewer requests; pausing");
                }
            }
            _ => {}
        }
        if let Some(percent) = tried.reading.usage_percent {
            pacer.usage(percent);
        }
        let outcome = label(&tried.reading.class);
        self.counters.sent(request.endpoint, outcome, tried.body.len());
        let (status, bytes) = (tried.status, tried.body.len());
        tracing::debug!(endpoint = request.endpoint, url = %request.shown(), status, outcome, bytes, "asked");
        Ok((tried, permit))
    }

    /// A refusal that every further question would meet ends its quota, or, when the caller is blocked, all of them.
    fn conclude(&self, pacer: &Pacer, class: &Class, end: &FetchError) -> Result<(), FetchError> {
        // Where `set` fails, another reply has concluded the same before.
        match class {
            Class::Refused(Refusal::Token) => drop(pacer.ended.set(end.clone())),
            Class::Refused(Refusal::Blocked) => {
                self.ledger.spend(BLOCKED, self.today(), None)?;
                self.pacers.iter().for_each(|pacer| drop(pacer.ended.set(end.clone())));
            }
            _ => {}
        }
        Ok(())
    }

    fn pacer(&self, request: &Request) -> &Pacer {
        let named = |pacer: &&Pacer| pacer.settings.name == request.quota;
        self.pacers.iter().find(named).expect("requests name quotas of the settings")
    }

    /// Keeps an answer and hands it out.
    fn keep(&self, request: &Request, key: &StoreKey, tried: Tried) -> Outcome {
        let Class::Answer { kind } = tried.reading.class else { unreachable!("only an answer is accepted") };
        let stored = self.put(request, key, kind, tried.status, tried.body)?;
        Ok(Answer {
            kind: kind.into(),
            status: stored.status,
            fetched_at_ms: stored.fetched_at_ms,
            body: Arc::new(stored.body),
            source: Source::Service,
        })
    }

    fn keep_too_much(&self, request: &Request, key: &StoreKey, tried: &Tried) -> Result<FetchError, FetchError> {
        let detail = words(request, tried);
        self.put(request, key, TOO_MUCH, tried.status, detail.clone().into_bytes())?;
        Ok(FetchError::TooMuch { url: request.shown(), detail })
    }

    /// Durable first, used later.
    fn put(
        &self,
        request: &Request,
        key: &StoreKey,
        kind: &str,
        status: u16,
        body: Vec<u8>,
    ) -> Result<StoredAnswer, FetchError> {
        let stored = StoredAnswer { kind: kind.to_owned(), status, fetched_at_ms: self.clock.epoch_ms(), body };
        if let Some(store) = self.store.as_ref().filter(|_| request.store_use != StoreUse::Bypass) {
            store.put(key, &stored)?;
        }
        Ok(stored)
    }

    fn today(&self) -> i64 {
        self.clock.epoch_ms().div_euclid(DAY_MS)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
