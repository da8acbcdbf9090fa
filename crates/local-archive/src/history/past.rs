//! The history as a list of uploads, for whoever asks what became of them: without any photo at hand, the values that were
//! sent stand for the photos.

use super::{History, HistoryPlace, Sent};
use crate::assemble::assemble;
use crate::errors::ScanError;
use crate::loose::{GivenSequence, LooseFile, LooseFiles};
use capture_model::{CapturedAt, ClusterId, Device, FileState, LocalArchive, Reason};
use std::sync::Arc;
use uploader_replay::Rules;

/// One upload of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastUpload {
    /// What the service called it.
    pub cluster_id: ClusterId,
    /// When it ended, where the history says so.
    pub ended: Option<CapturedAt>,
    /// Folder of its first image.
    pub folder: String,
    /// Images in it; 0 where the history does not list them (archives, videos).
    pub n_images: usize,
}

/// All uploads of a history that have a cluster id.
#[derive(Debug, Clone, Default)]
pub struct PastUploads {
    /// Uploads, by cluster id.
    pub uploads: Vec<PastUpload>,
    /// The images that were sent; each track is one upload, named by its cluster id.
    pub archive: LocalArchive,
}

/// Reads a history without looking for the photos. An absent default folder is an empty history.
pub fn read_past_uploads(place: &HistoryPlace, warn: &dyn Fn(&str)) -> Result<PastUploads, ScanError> {
    if let HistoryPlace::At(folder) = place
        && !folder.is_dir()
    {
        return Err(ScanError::NoHistory { path: folder.clone() });
    }
    let history = place.folder().map(|folder| History::read(&folder, warn)).unwrap_or_default();
    Ok(past_uploads(&history))
}

fn past_uploads(history: &History) -> PastUploads {
    let mut loose = LooseFiles::default();
    let mut uploads: Vec<PastUpload> = Vec::new();
    let mut sent_of: Vec<Vec<&Sent>> = vec![Vec::new(); history.uploads.len()];
    history.sent.iter().for_each(|sent| sent_of[sent.upload].push(sent));
    for (number, (upload, sent)) in history.uploads.iter().zip(sent_of).enumerate() {
        let Some(cluster_id) = upload.cluster_id else { continue };
        let folder = sent.first().and_then(|sent| sent.path.rsplit_once(['/', '\\'])).map_or("", |(folder, _)| folder);
        let ended_ms = (upload.ended_s * 1_000.0) as i64;
        uploads.push(PastUpload {
            cluster_id,
            ended: (ended_ms > 0).then(|| CapturedAt::from_epoch_ms(ended_ms)),
            folder: folder.to_owned(),
            n_images: sent.len(),
        });
        let sequence = GivenSequence {
            source: Arc::clone(&upload.sequence.source),
            place: number as u32,
            name: cluster_id.to_string().into(),
            as_sent: true,
        };
        let sequence = Arc::new(sequence);
        for sent in sent {
            let place = sent.observation.position.filter(|position| !position.is_null_island());
            let state = if place.is_some() { FileState::Usable } else { FileState::Out(Reason::NoPlace) };
            let mut file = LooseFile::new(&sent.path, state, &mut loose.texts);
            file.observation = sent.observation.clone();
            file.sequence = Some(Arc::clone(&sequence));
            file.cluster_id = Some(cluster_id);
            loose.push(file, &Device::default());
        }
    }
    uploads.sort_by_key(|upload| (upload.cluster_id, upload.ended));
    uploads.dedup_by_key(|upload| upload.cluster_id);
    PastUploads { uploads, archive: assemble(loose, &Rules::default()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(cluster: &str, images: &[(&str, f64)]) -> String {
        let entry = |(name, lon): &(&str, f64)| {
            format!(
                r#"{{"filename":"/rides/a/{name}","MAPLatitude":48.1,"MAPLongitude":{lon},"MAPCaptureTime":"2024_05_18_10_41_07_000","filetype":"image"}}"#
            )
        };
        let descs: Vec<String> = images.iter().map(entry).collect();
        format!(
            r#"{{"params":{{"version":"0.14.1"}},"summary":{{"cluster_id":{cluster},"upload_end_time":1700000000.5}},"descs":[{}]}}"#,
            descs.join(",")
        )
    }

    #[test]
    fn uploads_are_listed_with_what_was_sent() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            std::fs::create_dir_all(folder.path().join("ab")).unwrap();
            std::fs::write(folder.path().join("ab").join(name), text).unwrap();
        };
        write("1.json", &file("\"26858300993768842\"", &[("1.jpg", 11.5), ("2.jpg", 11.6)]));
        write("2.json", &file("\"0\"", &[("3.jpg", 11.5)])); // a dry run
        write("3.json", &file("4711", &[]));
        write("4.json", "{");
        let warned = std::cell::RefCell::new(Vec::new());
        let past = read_past_uploads(&HistoryPlace::At(folder.path().into()), &|words| {
            warned.borrow_mut().push(words.to_owned());
        })
        .unwrap();
        assert_eq!(warned.borrow().len(), 1);
        let told: Vec<_> =
            past.uploads.iter().map(|upload| (upload.cluster_id.0, upload.n_images, upload.folder.as_str())).collect();
        assert_eq!(told, [(4711, 0, ""), (26_858_300_993_768_842, 2, "/rides/a")]);
        assert_eq!(past.uploads[0].ended.unwrap().epoch_ms(), 1_700_000_000_500);
        assert_eq!(past.archive.tracks.iter().map(|track| &*track.name).collect::<Vec<_>>(), ["26858300993768842"]);
        assert!(past.archive.files.iter().all(|file| file.cluster_id() == Some(ClusterId(26_858_300_993_768_842))));
        assert_eq!(past.archive.usable_images().len(), 2);
        assert!(read_past_uploads(&HistoryPlace::At(folder.path().join("none")), &|_| {}).is_err());
        assert!(read_past_uploads(&HistoryPlace::Off, &|_| {}).unwrap().uploads.is_empty());
    }
}
