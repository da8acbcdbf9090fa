//! One value of a table, and how the kind of its column makes it text.

use super::csv_sink::may_begin_formula;
use super::digits::{Room, any_decimal, date_words, decimal, moment, natural, whole};
use capture_model::{LocalTime, SequenceId};
use std::borrow::Cow;

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Somebody's words: guarded against spreadsheets.
    Text,
    /// Our own words, tiles, links, lists of words joined by `|`.
    Word,
    /// Sequence keys joined by `|`: guarded unless all have the service's alphabet.
    Keys,
    /// An id: text wherever numbers may be floats, because it may pass 2^53.
    Id,
    /// Ids joined by `|`.
    Ids,
    /// Probabilities joined by `|`, 4 decimals each.
    Probabilities,
    /// ISO 8601 with milliseconds: UTC with `Z`, a wall clock without.
    Time,
    /// A whole number.
    Whole,
    /// `true` or `false`.
    Truth,
    /// Degrees of a coordinate, 7 decimals.
    Coordinate,
    /// Metres, 2 decimals.
    Metres,
    /// Metres above sea level, 3 decimals.
    Altitude,
    /// Degrees of an angle, 2 decimals.
    Angle,
    /// A probability or share, 4 decimals.
    Probability,
    /// Parts per million, 2 decimals.
    PartsPerMillion,
    /// A factor, 6 decimals.
    Factor,
}

impl Kind {
    /// Decimals of a number; `None` for what is no decimal number.
    pub fn decimals(self) -> Option<usize> {
        match self {
            Self::Coordinate => Some(7),
            Self::Factor => Some(6),
            Self::Probability => Some(4),
            Self::Altitude => Some(3),
            Self::Metres | Self::Angle | Self::PartsPerMillion => Some(2),
            Self::Text
            | Self::Word
            | Self::Keys
            | Self::Id
            | Self::Ids
            | Self::Probabilities
            | Self::Time
            | Self::Whole
            | Self::Truth => None,
        }
    }

    /// Decimals of a number in a column of this kind: a list of one probability is written as one.
    pub(crate) fn decimals_of_number(self) -> usize {
        let kind = if self == Self::Probabilities { Self::Probability } else { self };
        kind.decimals().unwrap_or(2)
    }

    /// Whether values are numbers or truths, which JSON writes bare.
    pub fn is_bare(self) -> bool {
        self.decimals().is_some() || matches!(self, Self::Whole | Self::Truth)
    }
}

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// Unknown or not applicable.
    Empty,
    /// Text of any kind.
    Text(Cow<'a, str>),
    /// An id.
    Id(u64),
    /// The page of an image on the web, by the image's id.
    Page(u64),
    /// A whole number.
    Whole(i64),
    /// True or false.
    Truth(bool),
    /// A number; empty when it is none.
    Number(f64),
    /// A moment.
    Time(LocalTime),
}

impl<'a> Cell<'a> {
    /// What stands before an image's id in the address of its page.
    pub(super) const PAGE: &'static str = "https://www.mapillary.com/app/?pKey=";

    /// Text, or nothing where it is empty.
    pub(crate) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Empty } else { Self::Text(text) }
    }

    /// A value that may be missing.
    pub(crate) fn of<T>(value: Option<T>, cell: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Empty, cell)
    }

    /// Appends the value as a column of this kind writes it; nothing for what is empty or no number.
    pub fn write_to(&self, kind: Kind, out: &mut String) {
        let mut room = Room::default();
        let n_bytes = match self {
            Self::Empty => return,
            Self::Text(text) => return out.push_str(text),
            Self::Truth(truth) => return out.push_str(if *truth { "true" } else { "false" }),
            Self::Id(id) => Some(natural(*id, 0, &mut room)),
            Self::Page(id) => {
                out.push_str(Self::PAGE);
                Some(natural(*id, 0, &mut room))
            }
            Self::Whole(number) => Some(whole(*number, &mut room)),
            Self::Number(number) => decimal(*number, kind.decimals_of_number(), &mut room),
            Self::Time(time) => moment(*time, date_words, &mut room),
        };
        match (n_bytes, self) {
            (Some(n_bytes), _) => out.push_str(std::str::from_utf8(&room[..n_bytes]).expect("digits are ASCII")),
            (None, Self::Number(number)) => out.push_str(&any_decimal(*number, kind.decimals_of_number())),
            (None, Self::Time(time)) => out.push_str(&time.to_string()),
            (None, _) => {}
        }
    }
}

/// Whether a spreadsheet might take the text of a cell for a formula, so that it needs a guard.
pub(super) fn needs_guard(text: &str, kind: Kind) -> bool {
    match kind {
        Kind::Text => begins_formula(text),
        Kind::Keys => begins_formula(text) && !text.split('|').all(|key| SequenceId::new(key).is_url_safe()),
        _ => false,
    }
}

/// Whether it would, whatever kind it is of.
#[inline]
pub(super) fn begins_formula(text: &str) -> bool {
    text.as_bytes().first().is_some_and(|&first| may_begin_formula(first))
}
