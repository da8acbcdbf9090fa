//! Flags and environment become the settings of the API client. A token is read from a file or the environment, never
//! from a flag, and is a `Secret` from its first moment.

use crate::arguments::{Network, RouteChoice, TileChoice};
use crate::exit;
use anyhow::{Context, Result};
use mapillary_api::ApiSettings;
use polite_http::{RequestLimit, Secret};
use reconcile::{RouteRule, TileRule};
use std::path::PathBuf;

const TOKEN_VARIABLES: [&str; 2] = ["MAPILLARY_ACCESS_TOKEN", "MAPILLARY_TOKEN"];

impl Network {
    /// Settings of the client.
    pub(crate) fn api_settings(&self) -> Result<ApiSettings> {
        let defaults = ApiSettings::default();
        Ok(ApiSettings {
            graph_url: base_url(self.graph_url.as_deref(), "TIEPOINT_GRAPH_URL", "--graph-url")?
                .unwrap_or(defaults.graph_url),
            tiles_url: base_url(self.tiles_url.as_deref(), "TIEPOINT_TILES_URL", "--tiles-url")?
                .unwrap_or(defaults.tiles_url),
            token: self.token()?,
            offline: self.offline,
            refresh: self.refresh,
            max_requests: RequestLimit::of_option(self.max_requests),
            tile_rate_per_min: self.tile_rate.map(|rate| rate.0),
            cancel: exit::interrupt(),
            silence: self.silence.map(|seconds| seconds.0),
            ..ApiSettings::default()
        })
    }

    /// Where answers are kept.
    pub(crate) fn cache_dir(&self) -> Result<PathBuf> {
        if let Some(folder) = self.cache_dir.clone().or_else(|| variable_path("TIEPOINT_CACHE_DIR")) {
            return Ok(folder);
        }
        let base = if cfg!(windows) {
            variable_path("LOCALAPPDATA")
        } else if cfg!(target_os = "macos") {
            variable_path("HOME").map(|home| home.join("Library").join("Caches"))
        } else {
            variable_path("XDG_CACHE_HOME").or_else(|| variable_path("HOME").map(|home| home.join(".cache")))
        };
        base.map(|base| base.join("tiepoint"))
            .ok_or_else(|| exit::usage("no folder for the response cache is known: name one with --cache-dir DIR"))
    }

    /// How the published side is reached.
    pub(crate) fn route_rule(&self) -> RouteRule {
        match self.route {
            RouteChoice::Auto => RouteRule::Auto,
            RouteChoice::Tiles => RouteRule::Tiles,
            RouteChoice::User => RouteRule::User,
            RouteChoice::Sequence => RouteRule::Sequence,
        }
    }

    /// Which tiles are read.
    pub(crate) fn tile_rule(&self) -> TileRule {
        match self.tiles {
            TileChoice::Track => TileRule::Track,
            TileChoice::Mid => TileRule::Mid,
        }
    }

    fn token(&self) -> Result<Option<Secret>> {
        if let Some(path) = &self.token_file {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read the token file {}", path.display()))
                .map_err(|error| exit::error(exit::NOTHING_TO_READ, format!("{error:#}")))?;
            return Ok(Some(Secret::new(text.trim())));
        }
        let told =
            TOKEN_VARIABLES.iter().find_map(|name| std::env::var(name).ok().filter(|text| !text.trim().is_empty()));
        Ok(told.map(|text| Secret::new(text.trim())))
    }
}

fn variable_path(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn base_url(flag: Option<&str>, variable: &str, flag_name: &str) -> Result<Option<url::Url>> {
    let from_environment = std::env::var(variable).ok().filter(|text| !text.is_empty());
    let (text, source) = match (flag, &from_environment) {
        (Some(text), _) => (text, flag_name),
        (None, Some(text)) => (text.as_str(), variable),
        (None, None) => return Ok(None),
    };
    let url = mapillary_api::base_url(text).map_err(|error| exit::usage(format!("{source}: {error}")))?;
    Ok(Some(url))
}
