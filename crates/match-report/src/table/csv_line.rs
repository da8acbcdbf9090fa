//! One row of CSV, cell by cell.
//!
//! Rows repeat themselves: the id of an image stands in three columns, two times are of one day and often the same moment.
//! What was written last is kept with its comma, and stored again.

use super::cell::{begins_formula, needs_guard};
use super::csv_sink::field;
use super::digits::{Room, any_decimal, date_words, decimal, moment, natural, whole};
use super::line_text::{LineText, Near, short_text};
use super::{Cell, Kind, TakesColumns};
use capture_model::LocalTime;

/// What was written last.
#[derive(Debug, Default)]
pub(super) struct Memo {
    id: Last<u64>,
    /// Days since 1970-01-01, and the words of the date.
    date: Option<(i64, [u64; 2])>,
    time: Last<LocalTime>,
    /// By the bits of the number.
    probability: Last<u64>,
}

/// What a cell was made of, the cell, and its length.
type Last<T> = Option<(T, Room, usize)>;

/// The row that is written.
pub(crate) struct Line<'t> {
    text: LineText<'t>,
    memo: &'t mut Memo,
    /// Whether text cells are guarded against spreadsheets.
    guard: bool,
}

impl<'t> Line<'t> {
    #[inline]
    pub(super) fn behind(before: &'t mut Vec<u8>, near: &'t mut Near, memo: &'t mut Memo, guard: bool) -> Self {
        Self { text: LineText::behind(before, near), memo, guard }
    }

    /// Ends the row: its last comma is one too many.
    #[inline]
    pub(crate) fn end(self) {
        self.text.end(b'\n');
    }

    /// The columns of a row, each of which is written when it is told.
    #[inline]
    pub(crate) fn of<'l, R>(&'l mut self, row: &'l R) -> LineOf<'l, 't, R> {
        LineOf { line: self, row }
    }

    /// Appends a cell and a comma.
    #[expect(clippy::inline_always, reason = "where a column is declared, its kind and that of its cell are known")]
    #[inline(always)]
    pub(super) fn put(&mut self, cell: &Cell<'_>, kind: Kind) {
        match cell {
            Cell::Empty => self.text.byte(b','),
            Cell::Text(words) => self.words(words, kind),
            Cell::Number(number) if matches!(kind, Kind::Probability | Kind::Probabilities) => {
                self.probability(*number);
            }
            Cell::Number(number) => {
                let decimals = kind.decimals_of_number();
                let n_bytes = decimal(*number, decimals, self.text.room());
                self.made_or(n_bytes, || any_decimal(*number, decimals));
            }
            Cell::Id(id) => self.id(*id),
            Cell::Page(id) => {
                const PAGE: &[u8; Cell::PAGE.len()] = Cell::PAGE.as_bytes().first_chunk().expect("as long as it is");
                *self.text.room() = *PAGE;
                self.text.add(PAGE.len());
                self.id(*id);
            }
            Cell::Time(time) => self.time(*time),
            Cell::Whole(number) => {
                let n_bytes = whole(*number, self.text.room());
                self.text.add(n_bytes + 1);
            }
            Cell::Truth(truth) => self.words(if *truth { "true" } else { "false" }, kind),
        }
    }

    /// A text of any kind.
    #[expect(clippy::inline_always, reason = "the same")]
    #[inline(always)]
    fn words(&mut self, words: &str, kind: Kind) {
        let may_run = self.guard && matches!(kind, Kind::Text | Kind::Keys) && begins_formula(words);
        match short_text(words, self.text.room()) {
            Some(n_bytes) if !may_run => self.text.add(n_bytes + 1),
            _ => {
                let guard = if may_run && needs_guard(words, kind) { "'" } else { "" };
                self.text.text(&field(words, guard));
                self.text.byte(b',');
            }
        }
    }

    #[expect(clippy::inline_always, reason = "the same")]
    #[inline(always)]
    fn id(&mut self, id: u64) {
        let n_bytes = again(&mut self.memo.id, id, self.text.room(), |room| Some(natural(id, 0, room)));
        self.made_or(n_bytes, String::new);
    }

    /// That of a match stands in two columns.
    #[expect(clippy::inline_always, reason = "the same")]
    #[inline(always)]
    fn probability(&mut self, probability: f64) {
        let decimals = Kind::Probability.decimals_of_number();
        let make = |room: &mut Room| decimal(probability, decimals, room);
        let n_bytes = again(&mut self.memo.probability, probability.to_bits(), self.text.room(), make);
        self.made_or(n_bytes, || any_decimal(probability, decimals));
    }

    #[expect(clippy::inline_always, reason = "the same")]
    #[inline(always)]
    fn time(&mut self, time: LocalTime) {
        let date = |day| match self.memo.date {
            Some((last, words)) if last == day => words,
            _ => {
                let words = date_words(day);
                self.memo.date = Some((day, words));
                words
            }
        };
        let n_bytes = again(&mut self.memo.time, time, self.text.room(), |room| moment(time, date, room));
        self.made_or(n_bytes, || time.to_string());
    }

    /// The cell that was made in the room, or another one.
    #[expect(clippy::inline_always, reason = "the same")]
    #[inline(always)]
    fn made_or(&mut self, n_bytes: Option<usize>, other: impl FnOnce() -> String) {
        let Some(n_bytes) = n_bytes else {
            self.text.text(&other());
            return self.text.byte(b',');
        };
        self.text.add(n_bytes + 1);
    }
}

/// Makes a cell in the room, again where it is the last one.
#[inline]
fn again<T: Copy + PartialEq>(
    last: &mut Last<T>,
    of: T,
    room: &mut Room,
    make: impl FnOnce(&mut Room) -> Option<usize>,
) -> Option<usize> {
    match last {
        Some((last_of, made, n_bytes)) if *last_of == of => {
            *room = *made;
            Some(*n_bytes)
        }
        _ => {
            let n_bytes = make(room)?;
            *last = Some((of, *room, n_bytes));
            Some(n_bytes)
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
    }
}
