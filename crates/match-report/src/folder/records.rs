//! What one row of each table says.

use super::FolderError;
use super::rows::{Cells, Record};
use adjustment_audit::{Flag, Flags};
use capture_model::{CapturedAt, ClusterId, ImageId, LocalTime, Position, Reason, Route, SequenceId, Status};

/// A row of `matches.csv`: a local file and what became of it. Empty cells are `None`, empty texts or empty lists.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchRecord {
    /// The local file, as typed.
    pub path: String,
    /// Name of the local sequence; empty for a file of none.
    pub local_sequence: String,
    /// That of the reason.
    pub status: Status,
    /// Why.
    pub reason: Reason,
    /// The published image; only of a matched file.
    pub image_id: Option<ImageId>,
    /// Its sequence.
    pub sequence_id: Option<SequenceId>,
    /// That the match, or the best candidate, is true.
    pub probability: Option<f64>,
    /// Images that it may be, best first, with the probability of each.
    pub candidates: Vec<(ImageId, f64)>,
    /// Further images of the same photo.
    pub also_published_as: Vec<ImageId>,
    /// How the image was found.
    pub route: Option<Route>,
    /// The local time that was used.
    pub captured_at: Option<LocalTime>,
    /// Local place.
    pub position: Option<Position>,
    /// Local altitude, metres.
    pub altitude_m: Option<f64>,
    /// Published time.
    pub remote_captured_at: Option<CapturedAt>,
    /// Published original place.
    pub remote_position: Option<Position>,
    /// Published − (local + clock offset).
    pub time_delta_ms: Option<i64>,
    /// What must be added to the local clock.
    pub clock_offset_ms: Option<i64>,
    /// Local to published place, metres.
    pub distance_m: Option<f64>,
    /// Published − local, metres.
    pub altitude_delta_m: Option<f64>,
    /// Local to published heading, −180…180.
    pub heading_delta_deg: Option<f64>,
    /// Adjusted place.
    pub computed_position: Option<Position>,
    /// How far the service moved it, metres.
    pub shift_m: Option<f64>,
    /// Which way, 0…360.
    pub shift_bearing_deg: Option<f64>,
    /// The upload that it went with.
    pub cluster_id: Option<ClusterId>,
    /// The image on the web.
    pub url: String,
    /// Names and numbers behind the reason.
    pub note: String,
}

impl Record for MatchRecord {
    const NEEDED: &'static [&'static str] = &["path", "status", "reason"];

    fn of(cells: &Cells<'_>) -> Result<Self, FolderError> {
        let status = cells.needed("status", "a status", |word| Status::ALL.into_iter().find(|s| s.as_str() == word))?;
        let reason = cells.needed("reason", "a reason of the closed list", |word| {
            Reason::ALL.iter().copied().find(|reason| reason.as_str() == word)
        })?;
        if reason.status() != status {
            return Err(cells.wrong("reason", reason.as_str(), "a reason of the status beside it"));
        }
        Ok(Self {
            path: cells.text("path").to_owned(),
            local_sequence: cells.text("local_sequence").to_owned(),
            status,
            reason,
            image_id: cells.id("image_id")?,
            sequence_id: key(cells, "sequence_id"),
            probability: cells.number("probability")?,
            candidates: candidates(cells)?,
            also_published_as: cells.ids("also_published_as")?,
            route: cells.parsed("route", "a route", |word| {
                [Route::Tiles, Route::User, Route::Sequence, Route::Table].into_iter().find(|r| r.as_str() == word)
            })?,
            captured_at: cells.time("captured_at")?,
            position: cells.place("longitude", "latitude")?,
            altitude_m: cells.number("altitude_m")?,
            remote_captured_at: cells.instant("remote_captured_at")?,
            remote_position: cells.place("remote_longitude", "remote_latitude")?,
            time_delta_ms: cells.whole("time_delta_ms")?,
            clock_offset_ms: cells.whole("clock_offset_ms")?,
            distance_m: cells.number("distance_m")?,
            altitude_delta_m: cells.number("altitude_delta_m")?,
            heading_delta_deg: cells.number("heading_delta_deg")?,
            computed_position: cells.place("computed_longitude", "computed_latitude")?,
            shift_m: cells.number("shift_m")?,
            shift_bearing_deg: cells.number("shift_bearing_deg")?,
            cluster_id: cells.id("cluster_id")?,
            url: cells.text("url").to_owned(),
            note: cells.text("note").to_owned(),
        })
    }
}

fn key(cells: &Cells<'_>, name: &'static str) -> Option<SequenceId> {
    Some(cells.text(name)).filter(|text| !text.is_empty()).map(SequenceId::new)
}

fn candidates(cells: &Cells<'_>) -> Result<Vec<(ImageId, f64)>, FolderError> {
    let ids: Vec<ImageId> = cells.ids("candidates")?;
    let column = "candidate_probabilities";
    let shares: Result<Vec<f64>, FolderError> =
        cells.list(column).map(|word| word.parse().map_err(|_| cells.wrong(column, word, "a probability"))).collect();
    let shares = shares?;
    if shares.len() != ids.len() {
        return Err(cells.wrong(column, cells.text(column), "one probability for each candidate"));
    }
    Ok(ids.into_iter().zip(shares).collect())
}

/// A row of `sequences.csv`: a local sequence and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct SequenceRecord {
    /// Its name.
    pub local_sequence: String,
    /// All of its files.
    pub images: usize,
    /// Files tied to one image.
    pub matched: usize,
    /// Files with candidates, none sure.
    pub ambiguous: usize,
    /// Files without a candidate.
    pub unmatched: usize,
    /// Files that cannot have been uploaded.
    pub rejected: usize,
    /// `published`, `partly_published`, `not_found`, `undecided`; with the tracker also `processing`, `failed`.
    pub verdict: String,
    /// Published sequences that hold its images.
    pub sequence_ids: Vec<SequenceId>,
    /// What must be added to its clock.
    pub clock_offset_ms: Option<i64>,
    /// `none_needed`, `zone`, `offset`, `drift` or `unknown`.
    pub clock_kind: String,
    /// By how much its clock runs slow, parts per million.
    pub drift_ppm: Option<f64>,
    /// Its first local time.
    pub first_captured_at: Option<LocalTime>,
    /// Its last local time.
    pub last_captured_at: Option<LocalTime>,
    /// The zoom-14 tiles that it touches, as `14/x/y`.
    pub tiles: Vec<String>,
    /// How far the service moved half of its images, metres.
    pub median_shift_m: Option<f64>,
    /// How far it moved one at most, metres.
    pub max_shift_m: Option<f64>,
    /// The uploads that it went with.
    pub cluster_ids: Vec<ClusterId>,
    /// Where its upload stands, with the tracker.
    pub stage: String,
    /// What the service says of its upload, with the tracker.
    pub error_code: String,
    /// How sure the clock is.
    pub note: String,
}

impl Record for SequenceRecord {
    const NEEDED: &'static [&'static str] = &["local_sequence"];

    fn of(cells: &Cells<'_>) -> Result<Self, FolderError> {
        let text = |name| cells.text(name).to_owned();
        Ok(Self {
            local_sequence: text("local_sequence"),
            images: cells.count("images")?,
            matched: cells.count("matched")?,
            ambiguous: cells.count("ambiguous")?,
            unmatched: cells.count("unmatched")?,
            rejected: cells.count("rejected")?,
            verdict: text("verdict"),
            sequence_ids: cells.list("sequence_ids").map(SequenceId::new).collect(),
            clock_offset_ms: cells.whole("clock_offset_ms")?,
            clock_kind: text("clock_kind"),
            drift_ppm: cells.number("drift_ppm")?,
            first_captured_at: cells.time("first_captured_at")?,
            last_captured_at: cells.time("last_captured_at")?,
            tiles: cells.list("tiles").map(str::to_owned).collect(),
            median_shift_m: cells.number("median_shift_m")?,
            max_shift_m: cells.number("max_shift_m")?,
            cluster_ids: cells.ids("cluster_id")?,
            stage: text("stage"),
            error_code: text("error_code"),
            note: text("note"),
        })
    }
}

/// A row of `shifts.csv`: a published image and its move.
#[derive(Debug, Clone, PartialEq)]
pub struct ShiftRecord {
    /// The published image.
    pub image_id: ImageId,
    /// Its sequence.
    pub sequence_id: Option<SequenceId>,
    /// Its time.
    pub captured_at: Option<CapturedAt>,
    /// Original place.
    pub position: Option<Position>,
    /// Adjusted place.
    pub computed_position: Option<Position>,
    /// How far it was moved, metres.
    pub shift_m: Option<f64>,
    /// Metres east and north.
    pub vector_m: Option<[f64; 2]>,
    /// Which way, 0…360.
    pub bearing_deg: Option<f64>,
    /// Metres ahead along the track and to its right.
    pub along_across_m: Option<[f64; 2]>,
    /// How far off the move of its neighbours, metres.
    pub residual_m: Option<f64>,
    /// Original altitude, metres.
    pub altitude_m: Option<f64>,
    /// Computed altitude, which is another quantity.
    pub computed_altitude_m: Option<f64>,
    /// Original to computed compass, −180…180.
    pub compass_turn_deg: Option<f64>,
    /// What is odd about the move.
    pub flags: Flags,
}

impl Record for ShiftRecord {
    const NEEDED: &'static [&'static str] = &["image_id"];

    fn of(cells: &Cells<'_>) -> Result<Self, FolderError> {
        let pair = |first, second| Ok(cells.number(first)?.zip(cells.number(second)?).map(|(a, b)| [a, b]));
        let mut flags = Flags::default();
        for word in cells.list("flags") {
            let flag = Flag::of_word(word).ok_or_else(|| cells.wrong("flags", word, "a flag that is known"))?;
            flags.set_if(true, flag);
        }
        Ok(Self {
            image_id: cells.needed("image_id", "an id (decimal digits)", |text| text.parse().ok())?,
            sequence_id: key(cells, "sequence_id"),
            captured_at: cells.instant("captured_at")?,
            position: cells.place("longitude", "latitude")?,
            computed_position: cells.place("computed_longitude", "computed_latitude")?,
            shift_m: cells.number("shift_m")?,
            vector_m: pair("shift_east_m", "shift_north_m")?,
            bearing_deg: cells.number("shift_bearing_deg")?,
            along_across_m: pair("along_m", "across_m")?,
            residual_m: cells.number("residual_m")?,
            altitude_m: cells.number("altitude_m")?,
            computed_altitude_m: cells.number("computed_altitude_m")?,
            compass_turn_deg: cells.number("compass_turn_deg")?,
            flags,
        })
    }
}
