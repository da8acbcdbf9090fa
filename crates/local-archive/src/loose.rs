//! A file that was read and is not yet in its place.

use capture_model::{ClusterId, Device, DeviceIndex, FileState, Names, Observation};
use std::collections::HashSet;
use std::sync::Arc;

/// A sequence that an input names itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GivenSequence {
    /// The input that names it; equal names of two inputs are two sequences.
    pub source: Arc<str>,
    /// Its place among the sequences of that input.
    pub place: u32,
    /// The name; empty for a sequence that gets a number like any other.
    pub name: Arc<str>,
    /// Whether times and selection are those that were sent, so that nothing is replayed (descriptions, history).
    pub as_sent: bool,
}

/// One file, read.
#[derive(Debug, Clone, PartialEq)]
pub struct LooseFile {
    /// The path as reports show it.
    pub path: Box<str>,
    /// Its folder: photos of one folder and camera are grouped.
    pub folder: Arc<str>,
    /// Whether it can take part.
    pub state: FileState,
    /// What it says; the device is a number of [`LooseFiles::devices`].
    pub observation: Observation,
    /// Serial number of the camera, where known.
    pub camera: Option<Arc<str>>,
    /// The sequence that its input names; `None` groups it as the uploader does.
    pub sequence: Option<Arc<GivenSequence>>,
    /// The upload that it went with.
    pub cluster_id: Option<ClusterId>,
    /// Size of the file, bytes; 0 when unknown.
    pub bytes: u64,
    /// MD5 of the file, where an input tells it.
    pub md5: Option<Box<[u8; 16]>>,
    /// Words for the `note` column.
    pub note: Option<Box<str>>,
}

impl LooseFile {
    /// A file of which nothing is known but its path and state. Its folder is the directory part of the path.
    pub fn new(path: &str, state: FileState, texts: &mut Texts) -> Self {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        Self {
            path: path.into(),
            folder: texts.keep(folder),
            state,
            observation: Observation::default(),
            camera: None,
            sequence: None,
            cluster_id: None,
            bytes: 0,
            md5: None,
            note: None,
        }
    }

    /// Takes over what was sent; GPS time, camera time, device and orientation stay as the file says them.
    pub(crate) fn take_sent(&mut self, sent: &Observation) {
        let seen = &self.observation;
        let (gps_time, camera_time, device) = (seen.gps_time, seen.camera_time, seen.device);
        let orientation = seen.orientation.or(sent.orientation);
        if sent.position.is_some() {
            self.observation = Observation { gps_time, camera_time, device, orientation, ..sent.clone() };
        }
    }

    /// Adds words to the note.
    pub fn say(&mut self, words: &str) {
        self.note = Some(match self.note.take() {
            Some(note) => format!("{note}; {words}").into(),
            None => words.into(),
        });
    }
}

/// Texts that many files share, kept once.
#[derive(Debug, Clone, Default)]
pub struct Texts(HashSet<Arc<str>>);

impl Texts {
    /// The shared copy of a text.
    pub fn keep(&mut self, text: &str) -> Arc<str> {
        if let Some(kept) = self.0.get(text) {
            return Arc::clone(kept);
        }
        let kept: Arc<str> = text.into();
        self.0.insert(Arc::clone(&kept));
        kept
    }
}

/// Files that were read, in any order.
#[derive(Debug, Clone)]
pub struct LooseFiles {
    /// The files.
    pub files: Vec<LooseFile>,
    /// Devices by number; number 0 is the unknown device.
    pub devices: Names<Device>,
    /// Folders and serial numbers.
    pub texts: Texts,
    /// Regular files that are no photos by their ending.
    pub files_ignored: u64,
}

impl Default for LooseFiles {
    fn default() -> Self {
        let mut devices = Names::default();
        devices.number_of(&Device::default());
        Self { files: Vec::new(), devices, texts: Texts::default(), files_ignored: 0 }
    }
}

impl LooseFiles {
    /// Adds a file with its device.
    pub fn push(&mut self, mut file: LooseFile, device: &Device) {
        file.observation.device = match self.files.last().map(|last| last.observation.device) {
            Some(last) if self.devices.value(last) == device => last, // neighbours share it
            _ => self.devices.number_of(device),
        };
        self.files.push(file);
    }

    /// Adds all files of another collection behind the own ones; the other holds none then.
    pub fn append(&mut self, other: &mut Self) {
        let numbers: Vec<DeviceIndex> =
            other.devices.values().iter().map(|device| self.devices.number_of(device)).collect();
        self.files.reserve(other.files.len());
        for mut file in other.files.drain(..) {
            file.observation.device = numbers[file.observation.device as usize];
            self.files.push(file);
        }
        self.files_ignored += std::mem::take(&mut other.files_ignored);
    }
}
