//! Flags of the undocumented feed and of watching: opt-in, with a token of its own.

use crate::arguments::Shared;
use crate::exit;
use anyhow::Result;
use clap::Args;
use mapillary_api::ApiSettings;
use polite_http::{Secret, is_loopback};
use reconcile::tracking::{FeedSettings, Goal, Outcome, Queries, Schedule, WatchSettings};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

const TOKEN_VARIABLE: &str = "TIEPOINT_FEED_TOKEN";
const QUERIES_VARIABLE: &str = "TIEPOINT_FEED_QUERIES";

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Feed (undocumented, opt-in)")]
pub(crate) struct FeedFlags {
    /// File that holds a token for the web app's activity feed [env: TIEPOINT_FEED_TOKEN]; without one only documented calls
    /// are made
    #[arg(long, value_name = "FILE")]
    feed_token_file: Option<PathBuf>,
    /// Folder with other questions for the feed, NAME.graphql or NAME.doc_id [env: TIEPOINT_FEED_QUERIES]
    #[arg(long, value_name = "DIR")]
    feed_queries: Option<PathBuf>,
}

impl FeedFlags {
    /// The feed, if there is a token for it.
    pub(crate) fn settings(&self, api: &ApiSettings) -> Result<Option<FeedSettings>> {
        let Some(token) = self.token()? else { return Ok(None) };
        let from_environment = std::env::var_os(QUERIES_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
        let queries = match self.feed_queries.clone().or(from_environment) {
            Some(folder) => {
                Queries::from_folder(&folder).map_err(|error| exit::error(exit::NOTHING_TO_READ, error.to_string()))?
            }
            None => Queries::default(),
        };
        Ok(Some(FeedSettings {
            graph_url: api.graph_url.clone(),
            token: Some(token),
            queries,
            offline: api.offline,
            max_requests: api.max_requests.clone(), // one limit over both services
            cancel: api.cancel.clone(),
        }))
    }

    /// Its own token; that of the documented API is never taken.
    fn token(&self) -> Result<Option<Secret>> {
        if let Some(path) = &self.feed_token_file {
            let text = std::fs::read_to_string(path).map_err(|error| {
                let words = format!("cannot read the feed token file {}: {error}", path.display());
                exit::error(exit::NOTHING_TO_READ, words)
            })?;
            return Ok(Some(Secret::new(text.trim())));
        }
        let told = std::env::var(TOKEN_VARIABLE).ok().filter(|text| !text.trim().is_empty());
        Ok(told.map(|text| Secret::new(text.trim())))
    }
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Watch")]
pub(crate) struct WatchFlags {
    /// Look again and again, 1 to 30 minutes apart, until all is settled: ends with 0, 22 (timeout) or 23 (failed); a watch
    /// that is killed goes on where it was
    #[arg(long)]
    pub(crate) watch: bool,
    /// How far uploads must come: processed, visible or tiles
    #[arg(long, value_name = "GOAL", default_value = "tiles")]
    until: GoalText,
    /// When to give up: 90s, 30m, 72h or 3d; a bare number is seconds
    #[arg(long, value_name = "TIME", default_value = "72h")]
    timeout: TimeText,
}

impl WatchFlags {
    /// The watch, if there is to be one. A service on this machine is watched without waiting for minutes.
    pub(crate) fn settings(&self, api: &ApiSettings, shared: &Shared) -> Option<WatchSettings> {
        if !self.watch {
            return None;
        }
        let own_machine = is_loopback(&api.graph_url);
        if own_machine && !shared.talk.quiet {
            crate::progress::say("notice: the service is on this machine, so rounds are fractions of a second apart");
        }
        Some(WatchSettings {
            until: self.until.0,
            timeout: self.timeout.0,
            schedule: if own_machine { Schedule::for_loopback() } else { Schedule::default() },
            cancel: api.cancel.clone(),
        })
    }
}

/// The exit code of a watch.
pub(crate) fn code_of(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Reached => 0,
        Outcome::TimedOut => crate::arguments::FailOn::Unpublished.exit_code(),
        Outcome::Failed => crate::arguments::FailOn::Failed.exit_code(),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct GoalText(Goal);

impl FromStr for GoalText {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self)
    }
}

/// `90s`, `30m`, `72h`, `3d`, or seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeText(pub(crate) Duration);

impl FromStr for TimeText {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "a time is a number with s, m, h or d behind it, such as 72h".to_owned();
        let (number, unit) = match text.char_indices().next_back() {
            Some((at, unit)) if unit.is_ascii_alphabetic() => (&text[..at], unit),
            _ => (text, 's'),
        };
        let seconds = match unit {
            's' => 1.0,
            'm' => 60.0,
            'h' => 3_600.0,
            'd' => 86_400.0,
            _ => return Err(wrong()),
        };
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let all = number * seconds;
        (0.0..=1e9).contains(&all).then(|| Self(Duration::from_secs_f64(all))).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        for (text, seconds) in [("90s", 90), ("30m", 1_800), ("72h", 259_200), ("3d", 259_200), ("5", 5), ("0", 0)] {
            assert_eq!(text.parse::<TimeText>().unwrap().0.as_secs(), seconds, "{text}");
        }
        for text in ["", "h", "5w", "-1h", "nan", "1e99d", "٣h"] {
            assert!(text.parse::<TimeText>().is_err(), "{text}");
        }
        assert!("done".parse::<GoalText>().is_err());
    }
}
