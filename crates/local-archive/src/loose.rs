//! A file that was read and is not yet in its place.

use capture_model::{
    ClusterId, Column, Device, DeviceIndex, FileState, Names, Observation, Observations, Paths, TableObservations,
    Video,
};
use std::collections::{BTreeMap, HashMap};
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
    pub observation: Observation,
    /// Serial number of the camera, a number of [`LooseFiles::texts`]; that of the empty text where it is unknown.
    pub camera: TextIndex,
    /// The sequence that its input names; `None` groups it as the uploader does.
    pub sequence: Option<Arc<GivenSequence>>,
    /// The upload that it went with.
    pub cluster_id: Option<ClusterId>,
    /// Size of the file, bytes; 0 when unknown.
    pub bytes: u64,
    /// MD5 of the file, where an input tells it.
    pub md5: Option<[u8; 16]>,
    /// Words for the `note` column.
    pub note: Option<String>,
}

impl LooseFile {
    /// A file of which nothing is known but its path and state. Its folder is the directory part of the path.
    pub fn new(path: &str, state: FileState, texts: &mut Texts) -> Self {
        Self {
            path: path.into(),
            folder: texts.keep(folder_of(path)),
            state,
            observation: Observation::default(),
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
        let seen = &self.observation;
        let (gps_time, camera_time, device) = (seen.gps_time, seen.camera_time, seen.device);
        let orientation = seen.orientation.or(sent.orientation);
        if sent.position.is_some() {
            self.observation = Observation { gps_time, camera_time, device, orientation, ..sent.clone() };
        }
    }

    /// Adds words to the note.
    pub fn say(&mut self, words: &str) {
        match &mut self.note {
            Some(note) => add_words(note, words),
            None => self.note = Some(words.to_owned()),
        }
    }
}

fn add_words(note: &mut String, words: &str) {
    note.push_str("; ");
    note.push_str(words);
}

/// The directory part of a path.
pub(crate) fn folder_of(path: &str) -> &str {
    let end = path.as_bytes().iter().rposition(|&byte| byte == b'/'); // most base names are short
    end.map_or("", |end| &path[..end])
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

/// Stands for no given sequence.
pub(crate) const NOT_GIVEN: u32 = u32::MAX;

/// Files that were read, in any order, as columns.
#[derive(Debug, Clone)]
pub struct LooseFiles {
    pub(crate) paths: Paths,
    pub(crate) folder: Column<TextIndex>,
    pub(crate) state: Column<FileState>,
    pub(crate) seen: Observations,
    pub(crate) camera: Column<TextIndex>,
    /// A number of [`Self::sequences`], or [`NOT_GIVEN`].
    pub(crate) sequence: Column<u32>,
    pub(crate) sequences: Names<Arc<GivenSequence>>,
    pub(crate) cluster_id: Column<Option<ClusterId>>,
    pub(crate) bytes: Column<u64>,
    md5: Column<Option<[u8; 16]>>,
    pub(crate) notes: BTreeMap<u32, String>,
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
        Self {
            paths: Paths::default(),
            folder: Column::same(Texts::EMPTY, 0),
            state: Column::same(FileState::Usable, 0),
            seen: Observations::default(),
            camera: Column::same(Texts::EMPTY, 0),
            sequence: Column::same(NOT_GIVEN, 0),
            sequences: Names::default(),
            cluster_id: Column::same(None, 0),
            bytes: Column::same(0, 0),
            md5: Column::same(None, 0),
            notes: BTreeMap::new(),
            devices,
            texts: Texts::default(),
            files_ignored: 0,
            videos: Vec::new(),
        }
    }
}

impl LooseFiles {
    /// How many.
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Adds a file with its device.
    pub fn push(&mut self, mut file: LooseFile, device: &Device) {
        file.observation.device = self.number_of_device(device);
        let sequence = self.number_of_sequence(file.sequence.as_ref());
        if let Some(note) = file.note {
            self.notes.insert(self.len() as u32, note);
        }
        self.paths.push(&file.path);
        self.folder.push(file.folder);
        self.state.push(file.state);
        self.seen.push(&file.observation);
        self.camera.push(file.camera);
        self.sequence.push(sequence);
        self.cluster_id.push(file.cluster_id);
        self.bytes.push(file.bytes);
        self.md5.push(file.md5);
    }

    /// Adds a usable file of which its input tells no more than this, with its device.
    pub(crate) fn push_row(
        &mut self,
        path: &str,
        seen: &Observation,
        sequence: Option<&Arc<GivenSequence>>,
        cluster_id: Option<ClusterId>,
        device: &Device,
    ) {
        let folder = self.texts.keep(folder_of(path));
        let device = self.number_of_device(device);
        let sequence = self.number_of_sequence(sequence);
        self.paths.push(path);
        self.folder.push(folder);
        self.state.push(FileState::Usable);
        self.seen.push(&Observation { device, ..seen.clone() });
        self.camera.push(Texts::EMPTY);
        self.sequence.push(sequence);
        self.cluster_id.push(cluster_id);
        self.bytes.push(0);
        self.md5.push(None);
    }

    /// Adds the rest of usable files, whose paths, folders and sequences were pushed, and of which a table tells no more than
    /// this.
    pub(crate) fn push_rows(&mut self, read: &TableObservations, n_rows: usize) {
        self.seen.push_table(read, n_rows);
        self.state.extend_with(FileState::Usable, n_rows);
        self.camera.extend_with(Texts::EMPTY, n_rows);
        self.cluster_id.extend_with(None, n_rows);
        self.bytes.extend_with(0, n_rows);
        self.md5.extend_with(None, n_rows);
    }

    /// Forgets the paths, folders and sequences of rows behind so many, which were pushed and not followed by the rest.
    pub(crate) fn take_back(&mut self, n_rows: usize) {
        self.paths.truncate(n_rows);
        self.folder.truncate(n_rows);
        self.sequence.truncate(n_rows);
    }

    fn number_of_device(&mut self, device: &Device) -> DeviceIndex {
        match self.len().checked_sub(1).map(|last| self.seen.device(last)) {
            Some(last) if self.devices.value(last) == device => last, // neighbours share it
            _ => self.devices.number_of(device),
        }
    }

    fn number_of_sequence(&mut self, sequence: Option<&Arc<GivenSequence>>) -> u32 {
        let Some(sequence) = sequence else { return NOT_GIVEN };
        let last = self.len().checked_sub(1).map(|last| self.sequence[last]).filter(|&last| last != NOT_GIVEN);
        match last {
            Some(last) if Arc::ptr_eq(self.sequences.value(last), sequence) => last,
            _ => self.sequences.number_of(sequence),
        }
    }

    /// One of the files by itself.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn get(&self, row: usize) -> LooseFile {
        LooseFile {
            path: self.paths.get(row).into(),
            folder: self.folder[row],
            state: self.state[row],
            observation: self.seen.get(row),
            camera: self.camera[row],
            sequence: self.given(row).cloned(),
            cluster_id: self.cluster_id[row],
            bytes: self.bytes[row],
            md5: self.md5[row],
            note: self.notes.get(&(row as u32)).cloned(),
        }
    }

    /// Changes one of the files.
    pub(crate) fn change(&mut self, row: usize, change: impl FnOnce(&mut LooseFile)) {
        let mut file = self.get(row);
        change(&mut file);
        self.set(row, file);
    }

    /// Puts another file in its place; its device is a number of [`Self::devices`].
    pub(crate) fn set(&mut self, row: usize, file: LooseFile) {
        let sequence = file.sequence.as_ref().map_or(NOT_GIVEN, |sequence| self.sequences.number_of(sequence));
        match file.note {
            Some(note) => self.notes.insert(row as u32, note),
            None => self.notes.remove(&(row as u32)),
        };
        self.paths.set(row, &file.path);
        self.folder.set(row, file.folder);
        self.state.set(row, file.state);
        self.seen.set(row, &file.observation);
        self.camera.set(row, file.camera);
        self.sequence.set(row, sequence);
        self.cluster_id.set(row, file.cluster_id);
        self.bytes.set(row, file.bytes);
        self.md5.set(row, file.md5);
    }

    /// Adds words to the note of a file.
    pub(crate) fn say(&mut self, row: usize, words: &str) {
        let note = self.notes.entry(row as u32);
        note.and_modify(|note| add_words(note, words)).or_insert_with(|| words.to_owned());
    }

    /// The sequence that the input of a file names.
    pub(crate) fn given(&self, row: usize) -> Option<&Arc<GivenSequence>> {
        Some(self.sequence[row]).filter(|&number| number != NOT_GIVEN).map(|number| self.sequences.value(number))
    }

    /// Leaves out the files for which it is said.
    pub(crate) fn leave_out(&mut self, is_out: &[bool]) {
        let mut notes = std::mem::take(&mut self.notes);
        let kept = (0_u32..).zip(is_out).filter(|(_, is_out)| !**is_out).map(|(row, _)| row);
        self.notes = (0..).zip(kept).filter_map(|(row, from)| Some((row, notes.remove(&from)?))).collect();
        self.paths.leave_out(is_out);
        self.folder.leave_out(is_out);
        self.state.leave_out(is_out);
        self.seen.leave_out(is_out);
        self.camera.leave_out(is_out);
        self.sequence.leave_out(is_out);
        self.cluster_id.leave_out(is_out);
        self.bytes.leave_out(is_out);
        self.md5.leave_out(is_out);
    }

    /// Adds all files of another collection behind the own ones; the other holds none then.
    pub fn append(&mut self, other: &mut Self) {
        self.files_ignored += std::mem::take(&mut other.files_ignored);
        self.videos.append(&mut other.videos);
        let n_before = self.len() as u32;
        if n_before == 0 && self.texts.kept.len() == 1 && self.devices.len() == 1 && self.sequences.is_empty() {
            let (files_ignored, videos) = (self.files_ignored, std::mem::take(&mut self.videos));
            *self = Self { files_ignored, videos, ..std::mem::take(other) };
            return;
        }
        let is_same = |numbers: &[u32]| (0..).zip(numbers).all(|(own, &number)| own == number);
        let devices: Vec<DeviceIndex> =
            other.devices.values().iter().map(|device| self.devices.number_of(device)).collect();
        if !is_same(&devices) {
            other.seen.renumber_devices(|device| devices[device as usize]);
        }
        let texts: Vec<TextIndex> = other.texts.kept.iter().map(|text| self.texts.keep(text)).collect();
        if !is_same(&texts) {
            other.folder.change(|text| texts[text as usize]);
            other.camera.change(|text| texts[text as usize]);
        }
        let sequences: Vec<u32> =
            other.sequences.values().iter().map(|sequence| self.sequences.number_of(sequence)).collect();
        if !is_same(&sequences) {
            other.sequence.change(|number| sequences.get(number as usize).copied().unwrap_or(NOT_GIVEN));
        }
        self.paths.append(&mut other.paths);
        self.folder.append(&mut other.folder);
        self.state.append(&mut other.state);
        self.seen.append(&mut other.seen);
        self.camera.append(&mut other.camera);
        self.sequence.append(&mut other.sequence);
        self.cluster_id.append(&mut other.cluster_id);
        self.bytes.append(&mut other.bytes);
        self.md5.append(&mut other.md5);
        self.notes.extend(std::mem::take(&mut other.notes).into_iter().map(|(row, note)| (row + n_before, note)));
        // no file has their numbers now
        (other.devices, other.texts, other.sequences) = (Self::default().devices, Texts::default(), Names::default());
    }

    /// Makes room for so many files more, if there is any.
    pub(crate) fn expect(&mut self, n_files: usize) {
        self.paths.expect(n_files);
        self.seen.expect(n_files);
        self.folder.expect(n_files);
        self.sequence.expect(n_files);
    }
}
