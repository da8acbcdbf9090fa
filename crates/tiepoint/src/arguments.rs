//! What can be typed: verbs, shared flags, and the small languages of their values.

use crate::verbs;
use capture_model::SequenceId;
use clap::{Args, Parser, Subcommand, ValueEnum};
use image_matcher::{ClockOffset, MatchSettings};
use std::path::PathBuf;
use std::str::FromStr;

/// Ties the photos on your disk to the Mapillary images that they became.
#[derive(Debug, Parser)]
#[command(name = "tiepoint", version, propagate_version = true, max_term_width = 110)]
#[command(after_help = "Examples:
  tiepoint demo                                  everything at once, offline, on a synthetic city
  tiepoint reconcile ~/rides/2026-05 --out ties   which image is my photo? (needs a token, see below)
  tiepoint scan ~/rides/2026-05 -o photos.csv     what the photos say, without any network
  tiepoint match --local photos.csv --remote images.jsonl -o matches.csv

Token: `--token-file FILE`, else the variable MAPILLARY_ACCESS_TOKEN, else MAPILLARY_TOKEN. Create a client token at
https://www.mapillary.com/dashboard/developers.

Exit codes: 0 completed, 2 usage, 3 nothing to read, 4 unreadable table, 12 connection, 13 timeout, 14 token,
16 nonsense from the server, 17 blocked, 25 quota or --max-requests used up, 130 interrupted; 12, 13, 25 and 130 resume
when the same command is run again. With --fail-on: 20 unmatched, 21 ambiguous, 22 unpublished, 23 failed, 24 moved.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) verb: Verb,
    #[command(flatten)]
    pub(crate) shared: Shared,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Reconcile(verbs::reconcile::Reconcile),
    Scan(verbs::scan::Scan),
    Tiles(verbs::tiles::Tiles),
    Coverage(verbs::coverage::Coverage),
    Plan(verbs::plan::Plan),
    Match(verbs::match_tables::Match),
    Explain(verbs::explain::Explain),
    #[command(subcommand)]
    Review(verbs::review::Review),
    Verify(verbs::verify::Verify),
    Annotate(verbs::annotate::Annotate),
    Track(Box<verbs::track::Track>),
    #[command(subcommand)]
    Simulate(verbs::simulate::Simulate),
    Demo(verbs::demo::Demo),
    #[command(subcommand)]
    Cache(verbs::cache::Cache),
    Doctor(verbs::doctor::Doctor),
    Completions(verbs::shell::Completions),
    Man(verbs::shell::Man),
}

/// Flags that every verb understands; those that a verb has no use for are ignored by it.
#[derive(Debug, Clone, Args)]
pub(crate) struct Shared {
    #[command(flatten)]
    pub(crate) network: Network,
    #[command(flatten)]
    pub(crate) matching: Matching,
    #[command(flatten)]
    pub(crate) talk: Talk,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Network")]
pub(crate) struct Network {
    /// How the published side is reached: coverage tiles, a user's images (--user), known sequences (--sequence)
    #[arg(long, global = true, value_enum, default_value_t = RouteChoice::Auto, hide_short_help = true)]
    pub(crate) route: RouteChoice,
    /// Mapillary user name of the uploader
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true)]
    pub(crate) user: Option<String>,
    /// Tiles of the whole track, or only that of each track's middle image
    #[arg(long, global = true, value_enum, default_value_t = TileChoice::Track, hide_short_help = true)]
    pub(crate) tiles: TileChoice,
    /// Answer from the cache alone; needs no token
    #[arg(long, global = true, hide_short_help = true)]
    pub(crate) offline: bool,
    /// Ask again for what the cache already holds
    #[arg(long, global = true, conflicts_with = "offline", hide_short_help = true)]
    pub(crate) refresh: bool,
    /// Folder of the response cache [env: TIEPOINT_CACHE_DIR]
    #[arg(long, global = true, value_name = "DIR", hide_short_help = true)]
    pub(crate) cache_dir: Option<PathBuf>,
    /// Send at most N HTTP requests, tries included
    #[arg(long, global = true, value_name = "N", hide_short_help = true)]
    pub(crate) max_requests: Option<u64>,
    /// Tile requests per minute, such as 60/min
    #[arg(long, global = true, value_name = "N/min", hide_short_help = true)]
    pub(crate) tile_rate: Option<TileRate>,
    /// Give up a connection that is silent for so many seconds [default: 30, on loopback 10]
    #[arg(long, global = true, value_name = "SECONDS", hide_short_help = true)]
    pub(crate) silence: Option<Seconds>,
    /// File that holds the access token
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub(crate) token_file: Option<PathBuf>,
    /// Base URL of the Graph API [env: TIEPOINT_GRAPH_URL]
    #[arg(long, global = true, value_name = "URL", hide_short_help = true)]
    pub(crate) graph_url: Option<String>,
    /// Base URL of the coverage tiles [env: TIEPOINT_TILES_URL]
    #[arg(long, global = true, value_name = "URL", hide_short_help = true)]
    pub(crate) tiles_url: Option<String>,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Matching")]
pub(crate) struct Matching {
    /// Seconds to add to every local clock; `auto` votes per folder and camera
    #[arg(long, global = true, value_name = "auto|SECONDS", default_value = "auto", allow_hyphen_values = true)]
    #[arg(hide_short_help = true)]
    pub(crate) clock_offset: ClockOffsetText,
    /// A pair at least this probable is matched
    #[arg(long, global = true, value_name = "P", default_value = "0.90", hide_short_help = true)]
    pub(crate) accept: Probability,
    /// A pair at least this probable is a candidate of an ambiguous row
    #[arg(long, global = true, value_name = "P", default_value = "0.05", hide_short_help = true)]
    pub(crate) review: Probability,
    /// Worker threads [default: one per core]
    #[arg(long, global = true, value_name = "N", hide_short_help = true)]
    pub(crate) threads: Option<usize>,
    /// End with a code of its own when there are: unmatched, ambiguous, unpublished, failed, moved (comma-separated)
    #[arg(long, global = true, value_name = "LIST", value_delimiter = ',', value_enum, hide_short_help = true)]
    pub(crate) fail_on: Vec<FailOn>,
    /// How far an image may be moved before `--fail-on moved` applies
    #[arg(long, global = true, value_name = "METRES", default_value = "1m", hide_short_help = true)]
    pub(crate) limit: Limit,
    /// Write text cells as they are, without the ' that keeps spreadsheets from running them
    #[arg(long, global = true, hide_short_help = true)]
    pub(crate) no_csv_guard: bool,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Talk")]
pub(crate) struct Talk {
    /// How progress is shown on stderr
    #[arg(long, global = true, value_enum, default_value_t = ProgressChoice::Auto, hide_short_help = true)]
    pub(crate) progress: ProgressChoice,
    /// Form of log lines on stderr
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, hide_short_help = true)]
    pub(crate) log_format: LogFormat,
    /// Say less
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more; twice: log every request
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RouteChoice {
    /// What is known beforehand (--sequence, --user), then tiles for what that leaves open
    Auto,
    /// Coverage tiles
    Tiles,
    /// The images of --user
    User,
    /// The sequences of --sequence
    Sequence,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TileChoice {
    Track,
    Mid,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressChoice {
    /// Bars on a terminal, plain lines elsewhere
    Auto,
    /// A line now and then
    Plain,
    /// A JSON object a line
    Json,
    /// Nothing
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// What may end a completed run with a code of its own, in the order of the codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum FailOn {
    Unmatched,
    Ambiguous,
    Unpublished,
    Failed,
    Moved,
}

impl FailOn {
    /// The exit code of the contract.
    pub(crate) fn exit_code(self) -> u8 {
        20 + self as u8
    }
}

/// `60/min` or `60`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TileRate(pub(crate) u32);

impl FromStr for TileRate {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_suffix("/min").unwrap_or(text);
        match number.parse() {
            Ok(rate) if rate > 0 => Ok(Self(rate)),
            _ => Err("a rate is a whole number a minute, such as 60/min".to_owned()),
        }
    }
}

/// Seconds of patience.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seconds(pub(crate) std::time::Duration);

impl FromStr for Seconds {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<f64>() {
            Ok(seconds) if (0.001..=3600.0).contains(&seconds) => Ok(Self(std::time::Duration::from_secs_f64(seconds))),
            _ => Err("a time is a number of seconds from 0.001 to 3600".to_owned()),
        }
    }
}

/// A sequence key as the service forms them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SequenceKey(pub(crate) SequenceId);

impl FromStr for SequenceKey {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let key = SequenceId::new(text);
        if key.is_url_safe() {
            return Ok(Self(key));
        }
        Err("a sequence key has only letters, digits, - and _, such as QztYSJSr-EanBuImZ1ClSw".to_owned())
    }
}

/// `6m` or `6`: a length in metres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Limit(pub(crate) f64);

impl FromStr for Limit {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim().trim_end_matches('m').trim_end().parse::<f64>() {
            Ok(metres) if metres.is_finite() && metres >= 0.0 => Ok(Self(metres)),
            _ => Err("a limit is a length in metres, such as 6m".to_owned()),
        }
    }
}

/// `auto` or seconds with up to three decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClockOffsetText(pub(crate) ClockOffset);

impl FromStr for ClockOffsetText {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self(ClockOffset::Auto));
        }
        match text.parse::<f64>() {
            Ok(seconds) if seconds.abs() < 1e10 => {
                Ok(Self(ClockOffset::Fixed { offset_ms: (seconds * 1000.0).round() as i64 }))
            }
            _ => Err("a clock offset is `auto` or a number of seconds, such as -3600".to_owned()),
        }
    }
}

/// A number from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Probability(pub(crate) f64);

impl FromStr for Probability {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<f64>() {
            Ok(value) if (0.0..=1.0).contains(&value) => Ok(Self(value)),
            _ => Err("a probability lies between 0 and 1".to_owned()),
        }
    }
}

impl Matching {
    /// The matcher's settings.
    pub(crate) fn settings(&self) -> anyhow::Result<MatchSettings> {
        let (accept, review) = (self.accept.0, self.review.0);
        if review > accept {
            return Err(crate::exit::usage(format!("--review {review} is above --accept {accept}: lower --review")));
        }
        Ok(MatchSettings { accept, review, clock_offset: self.clock_offset.0, ..MatchSettings::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_grammar_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn small_languages_are_read() {
        assert_eq!("60/min".parse::<TileRate>().unwrap().0, 60);
        assert_eq!("0.25".parse::<Seconds>().unwrap().0.as_millis(), 250);
        assert!("0".parse::<Seconds>().is_err() && "nan".parse::<Seconds>().is_err());
        assert_eq!("a-B_9".parse::<SequenceKey>().unwrap().0, SequenceId::new("a-B_9"));
        assert!("../x".parse::<SequenceKey>().is_err() && "".parse::<SequenceKey>().is_err());
        assert!("0".parse::<TileRate>().is_err() && "60/h".parse::<TileRate>().is_err());
        let offset = "-3600.25".parse::<ClockOffsetText>().unwrap().0;
        assert_eq!(offset, ClockOffset::Fixed { offset_ms: -3_600_250 });
        assert!("later".parse::<ClockOffsetText>().is_err() && "nan".parse::<ClockOffsetText>().is_err());
        let limits = ["6m", "0.5", "6 m"].map(|text| text.parse::<Limit>().unwrap().0);
        assert_eq!(limits, [6.0, 0.5, 6.0]);
        assert!(["", "m", "-1", "inf", "6km", "nan"].iter().all(|text| text.parse::<Limit>().is_err()));
        assert!("1.5".parse::<Probability>().is_err() && "nan".parse::<Probability>().is_err());
        assert_eq!([FailOn::Unmatched, FailOn::Moved].map(FailOn::exit_code), [20, 24]);
    }
}
