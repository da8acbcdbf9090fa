//! Reports for strangers: what identifies a person or a place is hidden, what explains the match stays.
//!
//! Names (paths, sequences, users) and ids become keyed hashes, the same one everywhere, so that rows still belong together
//! and nobody can try a list of likely names without the key. An image id goes too: it opens the image's page, with its
//! place and its author. Coordinates are rounded to 0.01° (about a kilometre), altitudes to 10 m, all times are moved by one
//! secret number of milliseconds. Distances, shifts, time differences, probabilities, counts and reasons stay as they were:
//! they are computed before anything is hidden.

use crate::ReportError;
use crate::table::{Cell, ColumnInfo, Kind, TableSink};
use capture_model::{CapturedAt, LocalTime, Position, WallClock};
use std::fmt::Write;

/// Degrees to which coordinates are rounded: 1 / this.
const STEPS_PER_DEGREE: f64 = 100.0;
const ALTITUDE_STEP_M: f64 = 10.0;
/// Pseudonyms of ids have 19 digits and begin with 9, which no id of the service does.
const LEAST_ID: u64 = 9_000_000_000_000_000_000;
const DAYS_MS: i64 = 86_400_000;

/// How names, ids, places and times are hidden: a pure function of the key.
#[derive(Clone)]
pub struct Redaction {
    key: [u8; 32],
}

impl std::fmt::Debug for Redaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redaction(…)") // the key is a secret
    }
}

impl Redaction {
    /// With a key that whoever reads the report must not know.
    pub fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// With a key made of any secret bytes.
    pub fn from_secret(secret: &[u8]) -> Self {
        Self::new(blake3::derive_key("tiepoint redaction of reports, version 1", secret))
    }

    fn hash(&self, what: &str, text: &[u8]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(what.as_bytes()).update(&[0]).update(text);
        hasher.finalize().into()
    }

    fn number(&self, what: &str, text: &[u8]) -> u64 {
        let hash = self.hash(what, text);
        u64::from_le_bytes(hash[..8].try_into().expect("a hash has 32 bytes"))
    }

    /// A name in ten letters and digits.
    pub fn name(&self, name: &str) -> String {
        if name.is_empty() {
            return String::new();
        }
        let hash = self.hash("name", name.as_bytes());
        hash[..5].iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}"); // a String takes all
            text
        })
    }

    /// A path: each folder and the file by a name of its own; the ending of a photo stays.
    pub fn path(&self, path: &str) -> String {
        const ENDINGS: [&str; 11] =
            ["jpg", "jpeg", "heic", "heif", "avif", "png", "webp", "tif", "tiff", "mp4", "json"];
        let (stem, ending) = match path.rsplit_once('.') {
            Some((stem, ending)) if ENDINGS.contains(&ending.to_ascii_lowercase().as_str()) => {
                (stem, Some(ending.to_ascii_lowercase()))
            }
            _ => (path, None),
        };
        let mut hidden: String = stem
            .split('/')
            .map(|part| if matches!(part, "" | "." | "..") { part.to_owned() } else { self.name(part) })
            .collect::<Vec<_>>()
            .join("/");
        if let Some(ending) = ending {
            hidden.push('.');
            hidden.push_str(&ending);
        }
        hidden
    }

    /// The name of a local sequence: a counted one stays, anybody's own is hidden. A longer number may be a folder that is
    /// named by its day, which would give the secret number of the times away.
    pub fn local_sequence(&self, name: &str) -> String {
        let is_counted = name.len() <= 3 && !name.starts_with('0') && name.bytes().all(|byte| byte.is_ascii_digit());
        if is_counted { name.to_owned() } else { self.name(name) }
    }

    /// Whether an id is a pseudonym.
    pub fn is_pseudonym(id: u64) -> bool {
        (LEAST_ID..LEAST_ID + 1_000_000_000_000_000_000).contains(&id)
    }

    /// An id of the service.
    pub fn id(&self, id: u64) -> u64 {
        LEAST_ID + self.number("id", id.to_string().as_bytes()) % 1_000_000_000_000_000_000
    }

    /// A moment, moved like all others by up to ten years.
    pub fn time(&self, time: LocalTime) -> LocalTime {
        let ms = time.ms().saturating_add(self.time_shift_ms());
        match time {
            LocalTime::Absolute(_) => LocalTime::Absolute(CapturedAt::from_epoch_ms(ms)),
            LocalTime::Wall(_) => LocalTime::Wall(WallClock::from_ms_as_if_utc(ms)),
        }
    }

    fn time_shift_ms(&self) -> i64 {
        let most = 3_650 * DAYS_MS as u64;
        -((self.number("time", &[]) % most) as i64)
    }

    /// A longitude or latitude, rounded.
    pub fn degrees(&self, degrees: f64) -> f64 {
        (degrees * STEPS_PER_DEGREE).round() / STEPS_PER_DEGREE
    }

    /// A place, rounded.
    pub fn position(&self, place: Position) -> Position {
        Position::from_lon_lat(self.degrees(place.lon()), self.degrees(place.lat())).unwrap_or(place)
    }

    /// What a run was asked, hidden: our own words stay, paths and names do not.
    pub fn settings(&self, told: &mut serde_json::Value) {
        const OURS: [&str; 6] = ["route", "tiles", "method", "clock_offset_s", "limit", "kind"];
        match told {
            serde_json::Value::String(text) => *text = self.path(text),
            serde_json::Value::Array(items) => items.iter_mut().for_each(|item| self.settings(item)),
            serde_json::Value::Object(members) => {
                let others = members.iter_mut().filter(|(key, _)| !OURS.contains(&key.as_str()));
                others.for_each(|(_, value)| self.settings(value));
            }
            _ => {}
        }
    }

    /// One value of a table, hidden as its column asks.
    pub fn cell<'a>(&self, column: &ColumnInfo, cell: Cell<'a>) -> Cell<'a> {
        match (column.kind, &cell) {
            (_, Cell::Empty) => Cell::Empty,
            // How long ago something was, as of a moment that can be guessed, gives the secret number of the times away.
            _ if column.name == "age_hours" => Cell::Empty,
            (Kind::Coordinate, Cell::Number(degrees)) => Cell::Number(self.degrees(*degrees)),
            (Kind::Altitude, Cell::Number(m)) => Cell::Number((m / ALTITUDE_STEP_M).round() * ALTITUDE_STEP_M),
            (Kind::Time, Cell::Time(time)) => Cell::Time(self.time(*time)),
            (Kind::Id | Kind::Ids, Cell::Id(id)) => Cell::Id(self.id(*id)),
            (_, Cell::Page(_)) => Cell::Empty,
            (Kind::Ids, Cell::Text(ids)) => Cell::text(each(ids, |id| match id.parse() {
                Ok(id) => self.id(id).to_string(),
                Err(_) => self.name(id),
            })),
            (Kind::Keys, Cell::Text(keys)) => Cell::text(each(keys, |key| self.name(key))),
            (Kind::Text | Kind::Word, Cell::Text(text)) => match column.name {
                "path" => Cell::text(self.path(text)),
                "local_sequence" => Cell::text(self.local_sequence(text)),
                // Words that may name a file, a place or a person; and links and tiles, which are places.
                "note" | "url" | "tiles" | "tile" | "timezone" => Cell::Empty,
                _ => cell,
            },
            _ => cell,
        }
    }

    /// A sink that hides what goes through it.
    pub fn before<'s>(&'s self, sink: &'s mut dyn TableSink) -> impl TableSink + 's {
        Hiding { redaction: self, sink, columns: Vec::new() }
    }
}

fn each(joined: &str, hide: impl Fn(&str) -> String) -> String {
    joined.split('|').map(hide).collect::<Vec<_>>().join("|")
}

struct Hiding<'s> {
    redaction: &'s Redaction,
    sink: &'s mut dyn TableSink,
    columns: Vec<ColumnInfo>,
}

impl TableSink for Hiding<'_> {
    fn begin(&mut self, columns: &[ColumnInfo]) -> Result<(), ReportError> {
        self.columns = columns.to_vec();
        self.sink.begin(columns)
    }

    fn row(&mut self, cells: &mut dyn Iterator<Item = Cell<'_>>) -> Result<(), ReportError> {
        let redaction = self.redaction;
        self.sink.row(&mut self.columns.iter().zip(cells).map(|(column, cell)| redaction.cell(column, cell)))
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        self.sink.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_hidden_the_same_way_everywhere_and_by_the_key() {
        let (ours, theirs) = (Redaction::new([7; 32]), Redaction::new([8; 32]));
        let hidden = ours.path("home/anna/ride/IMG_0412.JPG");
        assert_eq!(hidden, ours.path("home/anna/ride/IMG_0412.JPG"));
        assert_ne!(hidden, theirs.path("home/anna/ride/IMG_0412.JPG"));
        assert!(hidden.rsplit_once('.').unwrap().1 == "jpg" && hidden.matches('/').count() == 3, "{hidden}");
        for part in ["home", "anna", "ride", "IMG", "0412"] {
            assert!(!hidden.contains(part), "{hidden}");
        }
        assert_eq!(hidden.rsplit_once('/').unwrap().0, ours.path("home/anna/ride"), "files of a folder stay together");
        assert_eq!(ours.path("/tmp/../a.tar"), format!("/{}/../{}", ours.name("tmp"), ours.name("a.tar")));
        assert_eq!(ours.local_sequence("12"), "12");
        for own in ["anna to work", "240518", "2024", "018"] {
            assert_ne!(ours.local_sequence(own), own);
        }
        assert!(Redaction::is_pseudonym(ours.id(498_763_468_214_164)) && !Redaction::is_pseudonym(498_763_468_214_164));
        assert_eq!(format!("{ours:?}"), "Redaction(…)");
    }

    #[test]
    fn cells_are_hidden_by_the_kind_of_their_column() {
        let redaction = Redaction::new([7; 32]);
        let hide = |name, kind, cell: Cell<'static>| {
            let mut text = String::new();
            redaction.cell(&ColumnInfo { name, kind, doc: "" }, cell).write_to(kind, &mut text);
            text
        };
        assert_eq!(hide("longitude", Kind::Coordinate, Cell::Number(-0.075_412_3)), "-0.0800000");
        assert_eq!(hide("altitude_m", Kind::Altitude, Cell::Number(43.21)), "40.000");
        assert_eq!(hide("shift_m", Kind::Metres, Cell::Number(1.76)), "1.76", "figures stay");
        assert_eq!(hide("url", Kind::Word, Cell::text("https://www.mapillary.com/app/?pKey=1")), "");
        assert_eq!(
            hide("age_hours", Kind::Metres, Cell::Number(71.5)),
            "",
            "it would tell how far the times were moved"
        );
        assert_eq!(hide("note", Kind::Text, Cell::text("same as anna/1.jpg")), "");
        assert_eq!(hide("status", Kind::Word, Cell::text("matched")), "matched");
        assert_eq!(hide("url", Kind::Word, Cell::Page(1)), "");
        assert_eq!(hide("candidates", Kind::Ids, Cell::Id(12)), hide("image_id", Kind::Id, Cell::Id(12)));
        let ids = hide("candidates", Kind::Ids, Cell::text("12|13"));
        assert_eq!(ids, format!("{}|{}", redaction.id(12), redaction.id(13)));
        let times = |ms| match redaction.time(LocalTime::Absolute(CapturedAt::from_epoch_ms(ms))) {
            LocalTime::Absolute(time) => time.epoch_ms(),
            LocalTime::Wall(_) => unreachable!(),
        };
        assert_eq!(times(5_000) - times(2_000), 3_000, "differences stay");
        assert_ne!(times(5_000), 5_000);
    }
}
