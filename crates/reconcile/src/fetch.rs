//! Which routes are taken, in which order, and what each photo may conclude from them.
//!
//! What is known beforehand is asked first, because it costs least: sequences by their keys, then a user's images in the
//! time windows of the photos. On the route `auto` the tiles then answer for the tracks that this leaves open, and for all
//! where nothing was known. Rides along the edge of their tiles that found nothing look beyond it at last.

use crate::gather::{Gathered, by_tiles};
use crate::halo::tiles_beyond_edges;
use crate::pool::Pool;
use crate::{Event, ReconcileError, RouteRule, Settings, TilePlan, TileState, Watcher, sequence_route, user_route};
use capture_model::{Column, LocalImages, PublishedImages, Route, SequenceId};
use image_matcher::{Lookup, MatchOutcome, TrackVerdict, match_images};
use mapillary_api::{Api, ApiError, ErrorKind};
use std::collections::BTreeSet;

/// The published side of an archive.
#[derive(Clone)]
pub(crate) struct Published {
    pub(crate) images: PublishedImages,
    pub(crate) routes: Column<Route>,
    pub(crate) lookups: Vec<Lookup>,
    /// The first failure that left a lookup open.
    pub(crate) failure: Option<ApiError>,
    /// Sequences of these images that the tiles show.
    pub(crate) in_tiles: BTreeSet<SequenceId>,
    /// Images that the tiles show and that the service does not hand out.
    pub(crate) withheld: PublishedImages,
}

/// What is known of the published side so far.
struct State {
    pool: Pool,
    lookups: Vec<Lookup>,
    failure: Option<ApiError>,
    /// Sequences that are known whole.
    known: BTreeSet<SequenceId>,
    in_tiles: BTreeSet<SequenceId>,
    withheld: PublishedImages,
}

pub(crate) async fn fetch(
    settings: &Settings,
    api: &Api,
    images: &LocalImages,
    plan: &TilePlan,
    watch: Watcher<'_>,
) -> Result<Published, ReconcileError> {
    let user = settings.user.as_deref().filter(|_| matches!(settings.route, RouteRule::Auto | RouteRule::User));
    match settings.route {
        RouteRule::User if user.is_none() => return Err(ReconcileError::NoUser),
        RouteRule::Sequence if settings.sequences.is_empty() => return Err(ReconcileError::NoSequence),
        _ => {}
    }
    let mut state = State {
        pool: sequence_route::fetch(api, &settings.sequences, watch).await?,
        lookups: vec![Lookup::OutsideTiles; images.len()],
        failure: None,
        known: settings.sequences.iter().cloned().collect(),
        in_tiles: BTreeSet::new(),
        withheld: PublishedImages::default(),
    };
    if let Some(user) = user {
        state.ask_user(api, user, images, settings.route, watch).await?;
    }
    if matches!(settings.route, RouteRule::Auto | RouteRule::Tiles) {
        let open = state.open_tracks(settings, images, user.is_some());
        if open.contains(&true) {
            let part = if open.contains(&false) { plan.only_tracks(&open) } else { plan.clone() };
            state.read_tiles(api, images, &part, &open, watch).await?;
            state.look_beyond_edges(settings, api, images, plan, watch).await?;
        }
    }
    let (published, routes) = state.pool.into_columns();
    let State { lookups, failure, in_tiles, withheld, .. } = state;
    Ok(Published { images: published, routes, lookups, failure, in_tiles, withheld })
}

impl State {
    /// A user's images. On the route `auto` the tiles can do without them, unless the name itself is wrong.
    async fn ask_user(
        &mut self,
        api: &Api,
        user: &str,
        images: &LocalImages,
        route: RouteRule,
        watch: Watcher<'_>,
    ) -> Result<(), ApiError> {
        match user_route::fetch(api, user, images, watch).await {
            Ok(pool) => {
                // No photo's surroundings are read whole by this: the clock may be wrong by more than the window allows, or
                // the images may be somebody else's. What is not found stays outside what was fetched.
                let is_nobody = pool.is_empty() && matches!(api.an_image_of_user(user).await, Ok(None));
                self.pool.absorb(pool);
                let nobody = is_nobody.then(|| ApiError::NobodySeen { user: user.to_owned() });
                match nobody {
                    Some(error) if route == RouteRule::User => Err(error),
                    Some(error) => {
                        watch(Event::Problem(&error.to_string()));
                        Ok(())
                    }
                    None => Ok(()),
                }
            }
            Err(error) if route == RouteRule::User || error.ends_the_run() || error.kind() == ErrorKind::NotFound => {
                Err(error)
            }
            Err(error) => {
                watch(Event::Problem(&format!("{error}; the tiles are asked instead")));
                self.failure.get_or_insert(error);
                Ok(())
            }
        }
    }

    /// Of each track, whether the tiles are to be asked: all of them where nothing was known, or where they are asked for.
    fn open_tracks(&self, settings: &Settings, images: &LocalImages, has_user: bool) -> Vec<bool> {
        if settings.route == RouteRule::Tiles || (!has_user && self.known.is_empty()) {
            return vec![true; images.n_tracks()];
        }
        self.matched(settings, images).tracks.iter().map(|track| track.verdict != TrackVerdict::Published).collect()
    }

    fn matched(&self, settings: &Settings, images: &LocalImages) -> MatchOutcome {
        let (published, _) = self.pool.clone().into_columns();
        match_images(images, &published, &self.lookups, &settings.matching)
    }

    async fn read_tiles(
        &mut self,
        api: &Api,
        images: &LocalImages,
        plan: &TilePlan,
        open: &[bool],
        watch: Watcher<'_>,
    ) -> Result<(), ApiError> {
        let gathered = by_tiles(api, images, plan, &self.known, watch).await?;
        let by_tiles = gathered.lookups(plan, images);
        for (track, &is_open) in open.iter().enumerate() {
            for row in images.rows_of(track) {
                // What settled a track without the tiles settles its photos.
                self.lookups[row] = if is_open { by_tiles[row] } else { Lookup::Complete };
            }
        }
        self.take(gathered);
        Ok(())
    }

    /// Reads the next tile for rides along an edge that found nothing. Matching once more to know them is worth it only
    /// where there are such rides at all.
    async fn look_beyond_edges(
        &mut self,
        settings: &Settings,
        api: &Api,
        images: &LocalImages,
        plan: &TilePlan,
        watch: Watcher<'_>,
    ) -> Result<(), ApiError> {
        let mut beyond = tiles_beyond_edges(images, plan);
        if settings.tiles == crate::TileRule::Mid || beyond.iter().all(Vec::is_empty) {
            return Ok(());
        }
        let outcome = self.matched(settings, images);
        for (tiles, track) in beyond.iter_mut().zip(&outcome.tracks) {
            if track.verdict == TrackVerdict::Published {
                tiles.clear();
            }
        }
        let wanted: BTreeSet<_> = beyond.iter().flatten().copied().collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let halo = TilePlan { tiles: wanted.into_iter().collect(), ..TilePlan::default() };
        let known: BTreeSet<SequenceId> = self.known.iter().cloned().chain(self.pool.sequences()).collect();
        let gathered = by_tiles(api, images, &halo, &known, watch).await?;
        for (track, tiles) in beyond.iter().enumerate() {
            let has_failed =
                |tile| halo.tiles.binary_search(tile).is_ok_and(|at| gathered.tiles[at] == TileState::Failed);
            if tiles.iter().any(has_failed) || gathered.leaves_open(track) {
                self.lookups[images.rows_of(track)].fill(Lookup::Failed);
            }
        }
        self.take(gathered);
        Ok(())
    }

    fn take(&mut self, gathered: Gathered) {
        self.pool.absorb(gathered.pool);
        self.in_tiles.extend(gathered.in_tiles);
        let withheld = (0..gathered.withheld.len()).map(|row| gathered.withheld.image(row));
        withheld.for_each(|image| self.withheld.push(&image));
        self.failure = self.failure.take().or(gathered.failure);
    }
}
