//! A file that was read and is not yet in its place.

use capture_model::{ClusterId, CompactObservation, Device, DeviceIndex, FileState, Names, Observation, Video};
use std::collections::HashMap;
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
    /// Its folder, a number of [`LooseFiles::texts`]: photos of one folder and camera are grouped.
    pub folder: TextIndex,
    /// Whether it can take part.
    pub state: FileState,
    /// What it says; the device is a number of [`LooseFiles::devices`].
    pub observation: CompactObservation,
    /// Serial number of the camera, a number of [`LooseFiles::texts`]; that of the empty text where it is unknown.
    pub camera: TextIndex,
    /// The sequence that its input names; `None` groups it as the uploader does.
    pub sequence: Option<Arc<GivenSequence>>,
    /// The upload that it went with.
    pub cluster_id: Option<ClusterId>,
    /// Size of the file, bytes; 0 when unknown.
    pub bytes: u64,
    /// MD5 of the file, where an input tells it.
    pub md5: Option<Box<[u8; 16]>>,
    /// Words for the `note` column. Few files have any; the second box keeps the others small, so that files become rows in
    /// their own memory.
    pub note: Option<Box<String>>,
}

impl LooseFile {
    /// A file of which nothing is known but its path and state. Its folder is the directory part of the path.
    pub fn new(path: &str, state: FileState, texts: &mut Texts) -> Self {
        Self::seen(path, state, CompactObservation::default(), texts)
    }

    /// The same, with what it says.
    #[inline]
    pub(crate) fn seen(path: &str, state: FileState, observation: CompactObservation, texts: &mut Texts) -> Self {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        Self {
            path: path.into(),
            folder: texts.keep(folder),
            state,
            observation,
            camera: Texts::EMPTY,
            sequence: None,
            cluster_id: None,
            bytes: 0,
            md5: None,
            note: None,
        }
    }

    /// Takes over what was sent; GPS time, camera time, device and orientation stay as the file says them.
    pub(crate) fn take_sent(&mut self, sent: &Observation) {
        let seen = self.observation.get();
        let (gps_time, camera_time, device) = (seen.gps_time, seen.camera_time, seen.device);
        let orientation = seen.orientation.or(sent.orientation);
        if sent.position.is_some() {
            self.observation = Observation { gps_time, camera_time, device, orientation, ..sent.clone() }.into();
        }
    }

    /// Adds words to the note.
    pub fn say(&mut self, words: &str) {
        match &mut self.note {
            Some(note) => {
                note.push_str("; ");
                note.push_str(words);
            }
            None => self.note = Some(Box::new(words.to_owned())),
        }
    }
}

/// Number of a text in [`Texts`].
pub type TextIndex = u32;

/// Texts that many files share, kept once and spoken of by number.
#[derive(Debug, Clone)]
pub struct Texts {
    numbers: HashMap<Arc<str>, TextIndex>,
    kept: Vec<Arc<str>>,
    /// The number that was asked for last: files come folder by folder.
    last: TextIndex,
}

impl Default for Texts {
    fn default() -> Self {
        let empty: Arc<str> = "".into();
        Self { numbers: HashMap::from([(Arc::clone(&empty), Self::EMPTY)]), kept: vec![empty], last: Self::EMPTY }
    }
}

impl Texts {
    /// The number of the empty text.
    pub const EMPTY: TextIndex = 0;

    /// The number of a text, which is kept if it is new.
    ///
    /// # Panics
    /// When 2^32 texts are kept.
    pub fn keep(&mut self, text: &str) -> TextIndex {
        if text.is_empty() {
            return Self::EMPTY; // comparing nothing costs more than anything else of a row: its bytes have no address
        }
        if self.get(self.last) == text {
            return self.last;
        }
        if let Some(&number) = self.numbers.get(text) {
            self.last = number;
        } else {
            self.last = TextIndex::try_from(self.kept.len()).expect("fewer than 2^32 texts");
            let text: Arc<str> = text.into();
            self.kept.push(Arc::clone(&text));
            self.numbers.insert(text, self.last);
        }
        self.last
    }

    /// The text of a number that was given out.
    ///
    /// # Panics
    /// When it was not given out here.
    pub fn get(&self, number: TextIndex) -> &str {
        &self.kept[number as usize]
    }

    /// Of each text, its place in the order of bytes; the empty text has place 0.
    pub(crate) fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<TextIndex> = (0..self.kept.len() as TextIndex).collect();
        order.sort_unstable_by_key(|&number| self.get(number).as_bytes());
        let mut ranks = vec![0; order.len()];
        for (rank, &number) in (0..).zip(&order) {
            ranks[number as usize] = rank;
        }
        ranks
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
    /// Videos with their tracks, in any order.
    pub videos: Vec<Video>,
}

impl Default for LooseFiles {
    fn default() -> Self {
        let mut devices = Names::default();
        devices.number_of(&Device::default());
        Self { files: Vec::new(), devices, texts: Texts::default(), files_ignored: 0, videos: Vec::new() }
    }
}

impl LooseFiles {
    /// Adds a file with its device.
    pub fn push(&mut self, mut file: LooseFile, device: &Device) {
        file.observation.set_device(match self.files.last().map(|last| last.observation.device()) {
            Some(last) if self.devices.value(last) == device => last, // neighbours share it
            _ => self.devices.number_of(device),
        });
        self.files.push(file);
    }

    /// Adds all files of another collection behind the own ones; the other holds none then.
    pub fn append(&mut self, other: &mut Self) {
        self.files_ignored += std::mem::take(&mut other.files_ignored);
        if self.files.is_empty() && self.videos.is_empty() && self.texts.kept.len() == 1 && self.devices.len() == 1 {
            let files_ignored = self.files_ignored;
            *self = std::mem::take(other);
            self.files_ignored = files_ignored;
            return;
        }
        let devices: Vec<DeviceIndex> =
            other.devices.values().iter().map(|device| self.devices.number_of(device)).collect();
        let texts: Vec<TextIndex> = other.texts.kept.iter().map(|text| self.texts.keep(text)).collect();
        let is_same = |numbers: &[u32]| (0..).zip(numbers).all(|(own, &number)| own == number);
        if !is_same(&devices) || !is_same(&texts) {
            for file in &mut other.files {
                file.observation.set_device(devices[file.observation.device() as usize]);
                file.folder = texts[file.folder as usize];
                file.camera = texts[file.camera as usize];
            }
        }
        self.files.append(&mut other.files);
        (other.devices, other.texts) = (Self::default().devices, Texts::default()); // no file has their numbers now
    }
}
