//! `tiepoint track`: where uploads stand, by their cluster ids.

use crate::arguments::{FailOn, Shared};
use crate::exit;
use crate::feed_flags::{FeedFlags, TimeText, WatchFlags, code_of};
use crate::output::{check, print, write_table};
use crate::progress::{Progress, say};
use anyhow::Result;
use capture_model::{CapturedAt, ClusterId};
use clap::Args;
use local_archive::{HistoryPlace, PastUploads, read_cluster_table, read_past_uploads};
use match_report::{CsvStyle, OutputKind, Table, UploadRow, send_uploads};
use polite_http::{Clock, SystemClock};
use reconcile::Event;
use reconcile::tracking::{
    Outcome, Question, Round, State, TrackSettings, Tracked, Tracker, Wanted, kind_of_feed_error, upload_rows,
    watch_uploads,
};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// Where uploads stand: stages, errors and sequences, by cluster id
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tiepoint track --user anna --history ~/.local/share/mapillary_tools/upload_history
                                                      by documented calls alone: what is published, what is in the tiles
  tiepoint track --user anna --feed-token-file feed.txt            the newest uploads, with their stages, from the feed
  tiepoint track --user anna --cluster 151552211058876 -o uploads.csv --feed-token-file feed.txt
  tiepoint track --user anna --clusters mine.csv --watch --until tiles --timeout 3d     ends with 0, 22 or 23
  tiepoint track --user me --token-file user-token.txt              the owner of a user token

The activity feed is a part of the web app that is undocumented and unsupported; it is asked only if you bring a token for
it, slowly, and it never gets your access token. Without it, documented calls tell what is published and what is in the
tiles, and nothing about stages.")]
pub(crate) struct Track {
    /// Uploads in question, by cluster id
    #[arg(long = "cluster", value_name = "ID", num_args = 1.., value_delimiter = ',')]
    clusters: Vec<ClusterId>,
    /// Table of uploads: cluster_id, and path or sequence
    #[arg(long = "clusters", value_name = "FILE")]
    table: Option<PathBuf>,
    /// Upload history of mapillary_tools; `none` looks nowhere [default: where the tool keeps it]
    #[arg(long, value_name = "DIR|none")]
    history: Option<PathBuf>,
    /// Do not look for uploads older than this, such as 30d
    #[arg(long, value_name = "TIME")]
    max_age: Option<TimeText>,
    /// List at most N uploads where none is named
    #[arg(long, value_name = "N", default_value_t = 500)]
    most: usize,
    /// Write here instead of a table for people; .csv or .jsonl, `-` is CSV on stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    watching: WatchFlags,
    #[command(flatten)]
    feed: FeedFlags,
}

impl Track {
    pub(crate) fn run(&self, shared: &Shared) -> Result<u8> {
        check(self.output.as_deref(), &[OutputKind::Csv, OutputKind::JsonLines])?;
        let Some(user) = shared.network.user.clone().filter(|user| !user.is_empty()) else {
            return Err(exit::usage(
                "whose uploads? name the uploader with --user NAME, or `--user me` with a user token",
            ));
        };
        let progress = Progress::new(&shared.talk);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let settings = self.settings(user, clock.epoch_ms(), shared, &progress)?;
        let has_feed = settings.feed.is_some();
        if !has_feed {
            progress.warn("no feed token: judged by documented calls alone (published or not, in the tiles or not)");
        }
        if !has_feed && settings.wanted.is_empty() {
            progress.warn(
                "nothing to look for: name uploads with --cluster, --clusters or --history, or bring a feed token",
            );
        }
        let watching = self.watching.settings(&settings.api, shared);
        let tracker = Tracker::open(settings.clone(), Arc::clone(&clock))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let ended: Result<(Round, Option<Outcome>)> = runtime.block_on(async {
            if let Some(watching) = &watching {
                let tell = |round: &Round, n_settled: usize, wait: Option<std::time::Duration>| {
                    let (followed, seconds) = (round.tracked.len(), wait.map_or(0, |wait| wait.as_secs()));
                    progress.show(Event::Waiting { open: followed - n_settled.min(followed), followed, seconds });
                };
                let (round, outcome) = watch_uploads(&tracker, watching, &tell).await?;
                return Ok((round, Some(outcome)));
            }
            let question = Question { lists_newest: settings.lists_newest, ..Question::of(&settings.wanted) };
            Ok((tracker.round(question, clock.epoch_ms()).await?, None))
        });
        progress.finish();
        let (round, outcome) = ended?;
        round.problems.iter().for_each(|problem| progress.warn(problem));
        if let Some(error) = &round.feed_failure {
            progress.warn(&format!("status unknown: {error}"));
        }
        self.write(&round, CapturedAt::from_epoch_ms(clock.epoch_ms()), shared)?;
        if !shared.talk.quiet {
            let (sent, stored) = (tracker.requests_sent(), tracker.answered_from_store());
            say(&format!("{} uploads; {sent} requests sent, {stored} answers from the cache", round.tracked.len()));
        }
        match (outcome, round.feed_failure) {
            (Some(outcome), _) => Ok(code_of(outcome)),
            // A token that is refused is a mistake to be mended; an endpoint that broke is said above.
            (None, Some(error)) if exit::code_of_kind(kind_of_feed_error(&error)) == 14 => {
                Err(exit::error(14, error.to_string()))
            }
            (None, _) => Ok(fail_on_code(&shared.matching.fail_on, &round.tracked)),
        }
    }

    fn settings(&self, user: String, now_ms: i64, shared: &Shared, progress: &Progress) -> Result<TrackSettings> {
        let api = shared.network.api_settings()?;
        let feed = self.feed.settings(&api)?;
        let place = match &self.history {
            None => HistoryPlace::Default,
            Some(folder) if folder.as_os_str() == "none" => HistoryPlace::Off,
            Some(folder) => HistoryPlace::At(folder.clone()),
        };
        let past = read_past_uploads(&place, &|words| progress.warn(words))?;
        let mut known = known_of(&past);
        let mut wanted: Vec<ClusterId> = self.clusters.clone();
        for row in self.table.as_deref().map(read_cluster_table).transpose()?.unwrap_or_default() {
            wanted.push(row.cluster_id);
            let entry = known.entry(row.cluster_id).or_insert_with(|| Wanted::bare(row.cluster_id));
            if entry.local_sequence.is_empty() {
                entry.local_sequence = row.sequence.or(row.path).unwrap_or_default();
            }
        }
        let not_before = self.max_age.map(|age| {
            let age_ms = i64::try_from(age.0.as_millis()).unwrap_or(i64::MAX);
            CapturedAt::from_epoch_ms(now_ms.saturating_sub(age_ms))
        });
        // A history that was not named is asked about only where nothing else is.
        let is_history_named = matches!(place, HistoryPlace::At(_));
        let lists_newest = wanted.is_empty() && !is_history_named && feed.is_some();
        if is_history_named || wanted.is_empty() {
            let recent = past
                .uploads
                .iter()
                .filter(|upload| not_before.is_none_or(|limit| upload.ended.is_none_or(|ended| ended >= limit)));
            wanted.extend(recent.map(|upload| upload.cluster_id));
        }
        let mut seen = std::collections::BTreeSet::new();
        wanted.retain(|cluster| seen.insert(*cluster));
        let wanted = wanted.into_iter().map(|id| known.get(&id).cloned().unwrap_or_else(|| Wanted::bare(id))).collect();
        Ok(TrackSettings {
            user,
            feed,
            api,
            cache_dir: Some(shared.network.cache_dir()?),
            wanted,
            lists_newest,
            known,
            past: past.archive,
            not_before,
            most: self.most.max(1),
        })
    }

    fn write(&self, round: &Round, now: CapturedAt, shared: &Shared) -> Result<()> {
        let rows = upload_rows(&round.tracked, now);
        if self.output.is_none() {
            return print(&for_people(&rows));
        }
        let style = CsvStyle { guard: !shared.matching.no_csv_guard };
        write_table(self.output.as_deref(), Table::Uploads, style, |sink| send_uploads(&rows, sink))
    }
}

/// The local side of the history's uploads.
fn known_of(past: &PastUploads) -> BTreeMap<ClusterId, Wanted> {
    let wanted = past.uploads.iter().map(|upload| Wanted {
        cluster_id: upload.cluster_id,
        local_sequence: upload.folder.clone(),
        n_images: (upload.n_images > 0).then_some(upload.n_images),
        uploaded: upload.ended,
    });
    wanted.map(|wanted| (wanted.cluster_id, wanted)).collect()
}

/// The exit code that `--fail-on` asks for.
fn fail_on_code(wanted: &[FailOn], tracked: &[Tracked]) -> u8 {
    let any = |states: &[State]| tracked.iter().any(|tracked| states.contains(&tracked.standing.state));
    let applies = |cause: &&FailOn| match cause {
        FailOn::Unpublished => any(&[State::Processing, State::NotFound, State::Unknown]),
        FailOn::Failed => any(&[State::Failed]),
        _ => false,
    };
    wanted.iter().filter(applies).map(|cause| cause.exit_code()).min().unwrap_or(0)
}

/// A table for people: a line an upload, its notes below.
fn for_people(rows: &[UploadRow]) -> String {
    let mut text = format!(
        "{:<18} {:<17} {:<16} {:>6} {:>7}  {:<22}  {}\n",
        "upload", "status", "stage", "images", "age", "sequence", "local"
    );
    for row in rows {
        let id = row.cluster_id.map_or(String::new(), |id| id.to_string());
        let count = row.item_count.map_or(String::new(), |count| count.to_string());
        let age = row.age_hours.map_or(String::new(), |hours| {
            if hours < 72.0 { format!("{hours:.0} h") } else { format!("{:.0} d", hours / 24.0) }
        });
        let status = if row.status.is_empty() { "-" } else { &row.status };
        let stage = if row.stage.is_empty() { "-" } else { row.stage };
        let line = format!(
            "{id:<18} {status:<17} {stage:<16} {count:>6} {age:>7}  {:<22}  {}",
            row.sequence_ids, row.local_sequence
        );
        let _ = writeln!(text, "{}", printable(line.trim_end()));
        for note in row.note.split("; ").filter(|note| !note.is_empty()) {
            let _ = writeln!(text, "    {}", printable(note));
        }
    }
    text
}

/// Foreign words without what a terminal would obey.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_get_a_line_and_the_notes() {
        let row = UploadRow {
            cluster_id: Some(ClusterId(5)),
            status: "in_\u{1b}[31mprogress".into(),
            stage: "ingestion",
            age_hours: Some(80.0),
            note: "one; two".into(),
            ..UploadRow::default()
        };
        let text = for_people(&[row, UploadRow::default()]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].starts_with("5 ") && lines[1].contains("ingestion") && lines[1].ends_with("3 d"), "{text}");
        assert_eq!(lines[2..4], ["    one", "    two"]);
        assert!(!text.contains('\u{1b}'), "a terminal must not obey the service");
    }
}
