//! What a person, or a program, sees on stderr while a run works.
//!
//! On a terminal one bar a stage; elsewhere a plain line now and then; as JSON an object a line; or nothing.

use crate::arguments::{ProgressChoice, Talk};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use reconcile::Event;
use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const BETWEEN_LINES: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Bars,
    Plain,
    Json,
    Silent,
}

/// Shows events; shared by all threads of a run.
pub(crate) struct Progress {
    mode: Mode,
    quiet: bool,
    state: Mutex<State>,
}

struct State {
    bar: ProgressBar,
    stage: &'static str,
    last_line: Option<Instant>,
}

/// How far a stage is: its name, the count so far, the total if known, and a sentence.
struct Step {
    stage: &'static str,
    done: u64,
    total: Option<u64>,
    sentence: String,
}

impl Progress {
    /// As the flags ask.
    pub(crate) fn new(talk: &Talk) -> Self {
        let mode = match talk.progress {
            _ if talk.quiet => Mode::Silent,
            ProgressChoice::None => Mode::Silent,
            ProgressChoice::Json => Mode::Json,
            ProgressChoice::Auto if std::io::stderr().is_terminal() => Mode::Bars,
            ProgressChoice::Plain | ProgressChoice::Auto => Mode::Plain,
        };
        let state = State { bar: ProgressBar::hidden(), stage: "", last_line: None };
        Self { mode, quiet: talk.quiet, state: Mutex::new(state) }
    }

    /// Shows one event.
    pub(crate) fn show(&self, event: Event<'_>) {
        if let Event::Problem(text) = event {
            return self.warn(text);
        }
        if self.mode == Mode::Silent {
            return;
        }
        let step = step_of(event);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = state.stage != step.stage;
        let is_done = step.total == Some(step.done);
        state.stage = step.stage;
        match self.mode {
            Mode::Bars => {
                if is_new {
                    state.bar.finish_and_clear();
                    state.bar = new_bar(step.total);
                }
                state.bar.set_position(step.done);
                state.bar.set_message(step.sentence);
                if is_done {
                    state.bar.tick();
                }
            }
            Mode::Plain | Mode::Json => {
                let is_due = state.last_line.is_none_or(|last| last.elapsed() >= BETWEEN_LINES);
                if is_new || is_done || is_due {
                    state.last_line = Some(Instant::now());
                    if self.mode == Mode::Json {
                        let line = serde_json::json!({"stage": step.stage, "done": step.done, "total": step.total});
                        say(&line.to_string());
                    } else {
                        say(&step.sentence);
                    }
                }
            }
            Mode::Silent => {}
        }
    }

    /// A problem that does not end the run.
    pub(crate) fn warn(&self, text: &str) {
        if self.quiet {
            return;
        }
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.bar.suspend(|| match self.mode {
            Mode::Json => say(&serde_json::json!({"warning": text}).to_string()),
            _ => say(&format!("warning: {text}")),
        });
    }

    /// Takes the bar away; call before anything else is written to the terminal.
    pub(crate) fn finish(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).bar.finish_and_clear();
    }
}

fn new_bar(total: Option<u64>) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => (ProgressBar::new(total), "{bar:30} {pos}/{len} {msg} ({eta} left)"),
        None => (ProgressBar::new_spinner(), "{spinner} {msg}"),
    };
    bar.set_draw_target(ProgressDrawTarget::stderr());
    bar.set_style(ProgressStyle::with_template(template).expect("the templates above are sound"));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn step_of(event: Event<'_>) -> Step {
    let step = |stage, done: usize, total: Option<usize>, sentence: String| Step {
        stage,
        done: done as u64,
        total: total.map(|total| total as u64),
        sentence,
    };
    match event {
        Event::Scanning { found, read } => {
            step("scan", read as usize, None, format!("scanning: {found} files found, {read} read"))
        }
        Event::Scanned { files, usable, tracks } => step(
            "scanned",
            files,
            Some(files),
            format!("{files} local files, {usable} usable photos in {tracks} sequences"),
        ),
        Event::Tiles { done, total } => step("tiles", done, Some(total), format!("tiles: {done} of {total}")),
        Event::Shortlisted { in_question, seen } => step(
            "shortlist",
            in_question,
            Some(in_question),
            format!("{in_question} of the {seen} sequences in the tiles are in question"),
        ),
        Event::Entities { done, total } => {
            step("images", done, Some(total), format!("images of sequences: {done} of {total} requests"))
        }
        Event::UserImages { images } => step("user", images, None, format!("images of the user: {images}")),
        Event::Matching { photos, images } => {
            step("match", photos, None, format!("matching {photos} photos with {images} published images"))
        }
        Event::Waiting { open, followed, seconds } => step(
            "watch",
            followed - open.min(followed),
            Some(followed),
            format!("watching: {} of {followed} are there; next look in {seconds} s", followed - open.min(followed)),
        ),
        Event::Writing => step("write", 0, None, "writing reports".to_owned()),
        Event::Problem(text) => step("problem", 0, None, text.to_owned()),
    }
}

/// A line on stderr; a closed stderr is no reason to fail.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
