//! Which watch is which: what is begun again under the same name goes on where it was.

use super::run::Run;
use super::tracker::Tracker;
use cluster_tracker::Goal;
use std::path::{Path, PathBuf};

impl Tracker {
    /// One watch, one name: of which service, whose uploads, which, what for, and whether the feed tells of them.
    pub(super) async fn name_of_watch(&self, until: Goal) -> String {
        let (of, user) = (&self.settings, self.user_of_watch().await);
        let feed = if self.feed.is_some() { "feed" } else { "no feed" };
        let clusters: Vec<String> = of.wanted.iter().map(|wanted| wanted.cluster_id.to_string()).collect();
        format!("{} {user} {feed} {until:?} {}", of.api.graph_url, clusters.join(","))
    }

    /// `me` of another token is another user. Without a cache no watch is remembered, and nobody is asked; where the service
    /// does not say who it is now, the name as typed has to do, and the round tells what is wrong.
    async fn user_of_watch(&self) -> String {
        let as_typed = || self.settings.user.clone();
        match &self.settings.cache_dir {
            Some(_) => self.user_name(&self.api).await.ok().flatten().unwrap_or_else(as_typed),
            None => as_typed(),
        }
    }
}

impl Run<'_> {
    /// One watch, one name: of which service, of which photos into which report, whose, and what for. Folders that share a
    /// cache have a watch each, wherever they are called from.
    pub(super) fn name_of_watch(&self, until: Goal) -> String {
        let paths: Vec<PathBuf> = self.settings.paths.iter().map(|path| without_detours(path)).collect();
        let (out, url) = (without_detours(&self.settings.out), &self.tracking.track.api.graph_url);
        let user = self.runtime.block_on(self.tracker.user_of_watch());
        format!("{url} {paths:?} {} {user} {until:?}", out.display())
    }
}

/// A path from the root on, links followed as far as it exists: the same before and after the rest of it is made.
fn without_detours(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let known = path.ancestors().find_map(|above| Some((above, above.canonicalize().ok()?)));
    let Some((above, canonical)) = known else { return path };
    let rest = path.strip_prefix(above).unwrap_or(Path::new(""));
    if rest.as_os_str().is_empty() { canonical } else { canonical.join(rest) }
}
