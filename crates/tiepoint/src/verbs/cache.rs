//! `tiepoint cache`: what the response cache holds, whether it is sound, and how to be rid of it.

use crate::arguments::Shared;
use crate::output::print;
use anyhow::Result;
use capture_model::CapturedAt;
use clap::Subcommand;
use response_store::ResponseStore;
use std::fmt::Write;

/// The response cache
#[derive(Debug, Clone, Copy, Subcommand)]
#[command(after_help = "Examples:
  tiepoint cache info                          what it holds, by kind and age
  tiepoint cache list | grep 14/8188/5448       is this tile in it?
  tiepoint cache verify                         reads every answer and checks its seal
  tiepoint cache clear --cache-dir /data/tp     forgets every answer; the day's quotas and a pause of the feed are kept")]
pub(crate) enum Cache {
    /// What it holds, by kind and age
    #[command(after_help = "Examples:
  tiepoint cache info
  tiepoint cache info --cache-dir /data/tp")]
    Info,
    /// Every request that is answered: kind, bytes, time, URL
    #[command(after_help = "Examples:
  tiepoint cache list | grep 14/8188/5448       is this tile in it?
  tiepoint cache list | grep -c images_by_sequence")]
    List,
    /// Reads every answer and checks its seal
    #[command(after_help = "Examples:
  tiepoint cache verify && tiepoint reconcile photos/ --offline")]
    Verify,
    /// Forgets every answer, and what scans and watches remember
    #[command(after_help = "Examples:
  tiepoint cache clear                          the day's quotas and a pause of the feed are kept
  tiepoint cache clear --cache-dir /data/tp")]
    Clear,
}

impl Cache {
    pub(crate) fn run(self, shared: &Shared) -> Result<u8> {
        let folder = shared.network.cache_dir()?;
        match self {
            Self::Info => print(&told(&ResponseStore::open(&folder)?)?)?,
            Self::List => {
                let mut text = String::new();
                for answer in ResponseStore::open(&folder)?.answered()? {
                    let time = CapturedAt::from_epoch_ms(answer.fetched_at_ms);
                    let _ = writeln!(text, "{:<20} {:>9} {time} {}", answer.kind, answer.bytes, answer.request);
                }
                print(&text)?;
            }
            Self::Verify => {
                let found = ResponseStore::open(&folder)?.verify()?;
                if !found.is_sound() {
                    let faults = found.file_faults.iter().chain(&found.damaged).cloned().collect::<Vec<_>>().join("; ");
                    let text = format!(
                        "{} of {} answers are damaged: {faults}; run `tiepoint cache clear`",
                        found.n_damaged, found.answers
                    );
                    return Err(crate::exit::error(crate::exit::OTHER, text));
                }
                print(&format!("{} answers, all sound\n", found.answers))?;
            }
            Self::Clear => {
                crate::local_flags::forget_scans(&folder)?;
                reconcile::tracking::forget_watches(&folder)?;
                let forgotten = response_store::clear(&folder)?;
                let told =
                    forgotten.map_or("a damaged cache was deleted".to_owned(), |n| format!("{n} answers forgotten"));
                print(&format!("{told}: {}\n", folder.display()))?;
            }
        }
        Ok(0)
    }
}

fn told(store: &ResponseStore) -> Result<String> {
    let info = store.info()?;
    let mut text = format!("{} ({:.1} MB)\n", store.path().display(), info.file_bytes as f64 / 1e6);
    for kind in &info.kinds {
        let time = |ms| CapturedAt::from_epoch_ms(ms).to_string();
        let _ = writeln!(
            text,
            "{:<22} {:>9} answers {:>9.1} MB  {} to {}",
            kind.kind,
            kind.answers,
            kind.bytes as f64 / 1e6,
            time(kind.oldest_ms),
            time(kind.newest_ms)
        );
    }
    for spent in info.spent.iter().take(10) {
        let day = CapturedAt::from_epoch_ms(spent.day * 86_400_000).to_string();
        let _ = writeln!(text, "quota {:<16} {:>9} requests on {}", spent.quota, spent.requests, &day[..10]);
    }
    Ok(text)
}
