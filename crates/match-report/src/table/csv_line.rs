//! One row of CSV, cell by cell.
//!
//! Rows repeat themselves: the id of an image stands in three columns, two times are of one day and often the same moment.
//! What was written last is kept as words, which are stored again.

use super::cell::needs_guard;
use super::csv_sink::push_field;
use super::digits::{CellText, Words, date_words, moment_words, whole_words, write_decimal, write_whole};
use super::held::Held;
use super::{Cell, Kind, TakesColumns};
use capture_model::LocalTime;

/// What was written last.
#[derive(Debug, Default)]
pub(super) struct Memo {
    id: Option<(u64, Words)>,
    /// Days since 1970-01-01, and the words of the date.
    date: Option<(i64, [u64; 2])>,
    time: Option<(LocalTime, Words)>,
    /// The bits of a probability, its text and how long that is.
    probability: Option<(u64, u64, usize)>,
}

/// The row that is written.
pub(crate) struct Line<'t> {
    pub(super) text: &'t mut Held,
    pub(super) memo: &'t mut Memo,
    /// Whether text cells are guarded against spreadsheets.
    pub(super) guard: bool,
}

impl<'t> Line<'t> {
    /// The columns of a row, each of which is written when it is told and followed by a comma.
    #[inline]
    pub(crate) fn of<'l, R>(&'l mut self, row: &'l R) -> LineOf<'l, 't, R> {
        LineOf { line: self, row }
    }

    #[inline]
    pub(super) fn mark(&mut self, mark: u8) {
        self.text.ascii(u64::from(mark), 1);
    }

    /// The last comma was one too many.
    #[inline]
    pub(super) fn end(mut self) {
        self.text.shorten(1);
        self.mark(b'\n');
    }

    /// Appends a cell.
    #[expect(clippy::inline_always, reason = "where a column is declared, its kind and that of its cell are known")]
    #[inline(always)]
    pub(super) fn put(&mut self, cell: &Cell<'_>, kind: Kind) {
        match cell {
            Cell::Empty => {}
            Cell::Text(words) => self.words(words, kind),
            Cell::Number(number) if matches!(kind, Kind::Probability | Kind::Probabilities) => {
                self.probability(*number);
            }
            Cell::Number(number) => write_decimal(*number, kind.decimals_of_number(), self.text),
            Cell::Id(id) => self.id(*id),
            Cell::Page(id) => {
                self.text.text(Cell::PAGE);
                self.id(*id);
            }
            Cell::Time(time) => self.time(*time),
            Cell::Whole(number) => {
                if *number < 0 {
                    self.mark(b'-');
                }
                write_whole(number.unsigned_abs(), self.text);
            }
            Cell::Truth(_) => cell.put(kind, self.text), // nothing in it needs quotes
        }
    }

    #[inline]
    fn words(&mut self, words: &str, kind: Kind) {
        let is_guarded = self.guard && needs_guard(words, kind);
        push_field(words, if is_guarded { "'" } else { "" }, self.text);
    }

    fn id(&mut self, id: u64) {
        let words = match self.memo.id {
            Some((last, words)) if last == id => words,
            _ => {
                let words = whole_words(id);
                self.memo.id = Some((id, words));
                words
            }
        };
        words.put(self.text);
    }

    /// That of a match stands in two columns.
    fn probability(&mut self, probability: f64) {
        match self.memo.probability {
            Some((bits, word, length)) if bits == probability.to_bits() => self.text.ascii(word, length),
            _ => {
                let begin = self.text.len();
                write_decimal(probability, Kind::Probability.decimals_of_number(), self.text);
                let written = &self.text.bytes()[begin..];
                let mut word = [0; 8];
                if let Some(bytes) = word.get_mut(..written.len()) {
                    bytes.copy_from_slice(written);
                    self.memo.probability = Some((probability.to_bits(), u64::from_le_bytes(word), written.len()));
                }
            }
        }
    }

    fn time(&mut self, time: LocalTime) {
        match self.memo.time {
            Some((last, words)) if last == time => words.put(self.text),
            _ => self.other_time(time),
        }
    }

    fn other_time(&mut self, time: LocalTime) {
        let words = moment_words(time, |day| match self.memo.date {
            Some((last, words)) if last == day => words,
            _ => {
                let words = date_words(day);
                self.memo.date = Some((day, words));
                words
            }
        });
        match words {
            Some(words) => {
                self.memo.time = Some((time, words));
                words.put(self.text);
            }
            None => self.text.text(&time.to_string()),
        }
    }
}

/// A row and the line that it becomes.
pub(crate) struct LineOf<'l, 't, R> {
    line: &'l mut Line<'t>,
    row: &'l R,
}

impl<R> TakesColumns<R> for LineOf<'_, '_, R> {
    #[expect(clippy::inline_always, reason = "the same")]
    #[inline(always)]
    fn column(&mut self, _: &'static str, kind: Kind, _: &'static str, cell: for<'r> fn(&'r R) -> Cell<'r>) {
        self.line.put(&cell(self.row), kind);
        self.line.mark(b',');
    }
}
