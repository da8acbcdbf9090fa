//! Who `me` is, remembered for a token: neither a further round nor a watch that was killed asks for it again.
//!
//! The token itself is kept nowhere. A short hash of it, salted anew in each cache folder, tells only whether the token is
//! the same as before, so that another user's token never gets the answer of this one.

use super::TrackError;
use super::tracker::Tracker;
use cluster_tracker::OwnerMemory;
use mapillary_api::Api;
use polite_http::Secret;
use std::hash::{BuildHasher, RandomState};

/// A user may change his name.
const FRESH_MS: i64 = 7 * 86_400_000;

impl Tracker {
    /// The name behind `me`; the name itself otherwise. `None` where no user is named.
    pub(super) async fn user_name(&self, api: &Api) -> Result<Option<String>, TrackError> {
        match self.settings.user.as_str() {
            "" => Ok(None),
            "me" => self.owner(api).await.map(Some),
            name => Ok(Some(name.to_owned())),
        }
    }

    async fn owner(&self, api: &Api) -> Result<String, TrackError> {
        let (token, now_ms) = (self.settings.api.token.as_ref(), self.clock.epoch_ms());
        if let Some(known) = self.memory.owner()
            && self.is_fresh(&known, now_ms)
            && self.is_same(&known, token)
        {
            return Ok(known.username);
        }
        let username = api.me().await?.ok_or(TrackError::NotAUserToken)?.username;
        let salt = format!("{:016x}", RandomState::new().hash_one(now_ms));
        let mark = token.map_or_else(String::new, |token| self.mark(token, &salt));
        self.memory.keep_owner(&OwnerMemory { salt, mark, username: username.clone(), known_ms: now_ms })?;
        Ok(username)
    }

    fn is_fresh(&self, known: &OwnerMemory, now_ms: i64) -> bool {
        let is_stale = now_ms.abs_diff(known.known_ms) >= FRESH_MS.unsigned_abs()
            || (self.settings.api.refresh && known.known_ms < self.opened_ms);
        self.settings.api.offline || !is_stale
    }

    /// Offline no token is needed, and stored answers of any age serve.
    fn is_same(&self, known: &OwnerMemory, token: Option<&Secret>) -> bool {
        match token {
            Some(token) => self.mark(token, &known.salt) == known.mark,
            None => self.settings.api.offline,
        }
    }

    fn mark(&self, token: &Secret, salt: &str) -> String {
        let mut hasher = blake3::Hasher::new_derive_key("tiepoint: is this the token of before? version 1");
        for part in [salt, self.settings.api.graph_url.as_str(), token.expose()] {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        }
        hasher.finalize().to_hex()[..16].to_owned()
    }
}
