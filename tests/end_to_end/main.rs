//! The end-to-end suite: the binary as a person runs it, against the simulator on loopback.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod annotate;
mod browser;
mod canary;
mod demo;
mod determinism;
mod endings;
mod errors;
mod gis;
mod lists;
mod local_side;
mod parquet;
mod people;
mod reasons;
mod recorded;
mod routes;
mod soak;
mod stored_answers;
mod strangers;
mod support;
mod tables;
mod track;
mod track_main_job;
mod verbs;
mod verify;
mod watching;
