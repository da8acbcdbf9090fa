//! A round as rows of `uploads.csv`.

use super::tracker::Tracked;
use capture_model::CapturedAt;
use cluster_tracker::State;
use match_report::UploadRow;

const HOUR_MS: f64 = 3_600_000.0;

/// The rows of some uploads at a moment.
pub fn upload_rows(tracked: &[Tracked], now: CapturedAt) -> Vec<UploadRow> {
    tracked.iter().map(|tracked| row(tracked, now)).collect()
}

fn row(tracked: &Tracked, now: CapturedAt) -> UploadRow {
    let upload = tracked.upload.as_ref();
    let word = |of: fn(&cluster_tracker::Upload) -> &Option<String>| {
        upload.and_then(|upload| of(upload).clone()).unwrap_or_default()
    };
    let created_at = upload.and_then(|upload| upload.created_at).or(tracked.wanted.uploaded);
    let status = match tracked.standing.state {
        State::NotFound => "not_found".to_owned(),
        _ => word(|upload| &upload.status),
    };
    let keys: Vec<&str> = tracked.sequences.iter().map(capture_model::SequenceId::as_str).collect();
    UploadRow {
        cluster_id: Some(tracked.wanted.cluster_id),
        kind: word(|upload| &upload.kind),
        status,
        stage: tracked.standing.stage.map_or("", cluster_tracker::Stage::as_str),
        ingestion: word(|upload| &upload.ingestion),
        initial_processing: word(|upload| &upload.initial_processing),
        anonymization: word(|upload| &upload.anonymization),
        tiler: word(|upload| &upload.tiler),
        error_code: word(|upload| &upload.error_code),
        item_count: upload.and_then(|upload| upload.item_count),
        image_id: upload.and_then(|upload| upload.image_id),
        sequence_ids: keys.join("|"),
        created_at,
        captured_at: upload.and_then(|upload| upload.captured_at),
        age_hours: created_at.map(|created| (now.epoch_ms() - created.epoch_ms()) as f64 / HOUR_MS),
        timezone: word(|upload| &upload.timezone),
        local_sequence: tracked.wanted.local_sequence.clone(),
        note: tracked.standing.notes.join("; "),
    }
}
