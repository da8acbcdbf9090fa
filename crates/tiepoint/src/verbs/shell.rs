//! `tiepoint completions` and `tiepoint man`: what a shell and `man` want to know of the command line.

use crate::arguments::Arguments;
use crate::exit;
use anyhow::{Context, Result};
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man as Page;
use std::io::Write;
use std::path::PathBuf;

/// Completions for a shell: the script goes to stdout
#[derive(Debug, Clone, Copy, Args)]
#[command(after_help = "Examples:
  tiepoint completions bash > ~/.local/share/bash-completion/completions/tiepoint
  tiepoint completions zsh > ~/.zfunc/_tiepoint              with ~/.zfunc in fpath
  tiepoint completions fish > ~/.config/fish/completions/tiepoint.fish
  tiepoint completions powershell >> $PROFILE")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Manual pages: of one verb to stdout, or all into a folder
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  tiepoint man | man -l -                          the page of tiepoint
  tiepoint man reconcile | man -l -                the page of a verb
  tiepoint man cache clear | man -l -              the page of a verb of a verb
  tiepoint man --out ~/.local/share/man/man1       all pages, for `man tiepoint-reconcile`")]
pub(crate) struct Man {
    /// The verb; without one the page of tiepoint itself
    #[arg(value_name = "VERB")]
    verbs: Vec<String>,
    /// Write all pages into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "verbs")]
    out: Option<PathBuf>,
}

impl Completions {
    pub(crate) fn run(self) -> Result<u8> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "tiepoint", &mut script);
        std::io::stdout().write_all(&script)?;
        Ok(0)
    }
}

impl Man {
    pub(crate) fn run(&self) -> Result<u8> {
        let mut command = Arguments::command();
        if let Some(folder) = &self.out {
            let written = std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder));
            written.with_context(|| format!("{}: the manual pages cannot be written", folder.display()))?;
            return Ok(0);
        }
        command.build();
        let mut page = &command;
        for verb in &self.verbs {
            page = page
                .find_subcommand(verb)
                .ok_or_else(|| exit::usage(format!("no verb {verb:?}: `tiepoint --help` lists them")))?;
        }
        let mut text = Vec::new();
        Page::new(page.clone()).render(&mut text)?;
        std::io::stdout().write_all(&text)?;
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_ends_its_help_with_examples() {
        fn walk(command: &clap::Command, n_seen: &mut usize) {
            for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
                let help = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.starts_with("Examples:\n  "), "{}: {help}", verb.get_name());
                *n_seen += 1;
                walk(verb, n_seen);
            }
        }
        let mut n_seen = 0;
        walk(&Arguments::command(), &mut n_seen);
        assert!(n_seen > 20);
    }
}
