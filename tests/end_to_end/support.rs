//! Running the binary, serving entities, reading tables back.

use mapillary_simulator::{Simulator, SimulatorSettings};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A token that the simulator accepts; it is nobody's.
pub(crate) const TOKEN: &str = "MLY|1234567890|0123456789abcdef0123456789abcdef";

/// The binary in a folder of its own, with an environment of its own.
pub(crate) fn tiepoint(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tiepoint"));
    command.current_dir(folder).env_clear().env("HOME", folder).env("TIEPOINT_CACHE_DIR", folder.join("cache"));
    command
}

/// Runs to the end and checks the exit code.
#[track_caller]
pub(crate) fn run(command: &mut Command, expected_code: i32) -> Output {
    let output = command.output().expect("the binary starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(expected_code), "{command:?}\n{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    output
}

/// What the command said on stderr.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What the command printed.
pub(crate) fn printed(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("stdout is UTF-8")
}

/// A CSV file as one map a row.
pub(crate) fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    rows_of(&std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// CSV bytes as one map a row.
pub(crate) fn rows_of(bytes: &[u8]) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(bytes);
    reader.deserialize().map(|row| row.expect("a row of the table")).collect()
}

/// A simulator on a runtime of its own.
pub(crate) struct Service {
    runtime: tokio::runtime::Runtime,
    simulator: Option<Simulator>,
}

impl Service {
    /// Serves entities on a free port.
    pub(crate) fn start(entities: Vec<serde_json::Value>) -> Self {
        Self::with(entities, SimulatorSettings::default())
    }

    /// Serves entities as the settings say.
    pub(crate) fn with(entities: Vec<serde_json::Value>, settings: SimulatorSettings) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let simulator = runtime.block_on(mapillary_simulator::start(entities, settings)).unwrap();
        Self { runtime, simulator: Some(simulator) }
    }

    /// Points a command at the service.
    pub(crate) fn serve(&self, command: &mut Command) {
        let url = self.simulator().base_url();
        command.env("TIEPOINT_GRAPH_URL", url).env("TIEPOINT_TILES_URL", url).env("MAPILLARY_ACCESS_TOKEN", TOKEN);
    }

    /// Requests seen so far.
    pub(crate) fn n_requests(&self) -> usize {
        self.simulator().requests().len()
    }

    /// The simulator.
    pub(crate) fn simulator(&self) -> &Simulator {
        self.simulator.as_ref().expect("it runs until it is dropped")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(simulator) = self.simulator.take() {
            self.runtime.block_on(simulator.stop());
        }
    }
}

/// Recorded data of the service beside the repository; `None`, said aloud, where it is not at hand.
pub(crate) fn recorded(path: &str) -> Option<PathBuf> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/real").join(path);
    if place.exists() {
        return Some(place);
    }
    let _ = writeln!(std::io::stderr(), "SKIPPED: the recorded data {path} is not at hand beside the repository");
    None
}
