//! `tiepoint doctor`: whether a run would work: the cache, the addresses, and the token, with at most one request.

use crate::arguments::Shared;
use crate::exit;
use crate::output::print;
use anyhow::Result;
use clap::Args;
use mapillary_api::{Api, ApiSettings};
use response_store::ResponseStore;
use std::sync::Arc;

/// Checks the cache, the addresses and the token, with at most one request
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tiepoint doctor                               with the token of the environment
  tiepoint doctor --token-file token.txt         with the token of a file
  tiepoint doctor --offline                      without any request")]
pub(crate) struct Doctor {}

impl Doctor {
    #[expect(clippy::unused_self, reason = "a verb runs as all verbs do")]
    pub(crate) fn run(&self, shared: &Shared) -> Result<u8> {
        let folder = shared.network.cache_dir()?;
        let store = ResponseStore::open(&folder)?;
        print(&format!("cache   {} is usable\n", store.path().display()))?;
        let settings = shared.network.api_settings()?;
        print(&format!("graph   {}\ntiles   {}\n", settings.graph_url, settings.tiles_url))?;
        if settings.offline {
            print("token   not tried (--offline)\n")?;
            return Ok(0);
        }
        let is_real_service = settings.graph_url == ApiSettings::default().graph_url;
        let api = Api::new(settings, Some(Arc::new(store)))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let images = runtime.block_on(api.try_token())?;
        if images == 0 && is_real_service {
            let text = "the token is accepted but sees nothing: is it the client secret? Copy the client token (it begins with \
                        MLY|) from https://www.mapillary.com/dashboard/developers";
            return Err(exit::error(14, text));
        }
        print("token   works\n")?;
        Ok(0)
    }
}
