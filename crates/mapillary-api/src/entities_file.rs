//! Image entities kept in a file: JSON lines, a page `{"data":[…]}`, a list `[…]`, or several of these in a row.
//!
//! # Method
//! The first line decides. If it is whole JSON by itself, the file is read line by line: a line that is broken is a
//! problem with its number, and the next line is read as if nothing had happened. Otherwise the file is one document
//! (or several) over many lines and is streamed; broken JSON then ends the reading with an error, because what follows
//! has no known place.
//!
//! Memory: the images, plus one line. A line beyond 64 MiB is streamed if it is the first, a problem if it is later.

use crate::page::{Collector, DocumentSeed, EntityProblem, read_document};
use capture_model::PublishedImage;
use serde::de::DeserializeSeed;
use std::cell::Cell;
use std::collections::HashSet;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

/// The longest line that is held in memory.
const LONGEST_LINE: u64 = 64 << 20;

/// What a file of entities held.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entities {
    /// The images, in file order; of several with one id the first.
    pub images: Vec<PublishedImage>,
    /// The first 1,000 elements and lines that are no image.
    pub problems: Vec<EntityProblem>,
    /// How many there are in all.
    pub n_problems: u64,
    /// Elements left out because an earlier one has their id.
    pub n_repeated: u64,
}

/// A file that is not one of entities.
#[derive(Debug, thiserror::Error)]
pub enum EntitiesError {
    /// The file could not be read.
    #[error("the file cannot be read to its end (line {line})")]
    Read {
        /// Line reached.
        line: u64,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A document over several lines is broken.
    #[error("line {line}: broken JSON ({detail}); give image entities as JSON lines or as {{\"data\":[…]}}")]
    Broken {
        /// Line, from 1.
        line: u64,
        /// What the parser found.
        detail: String,
    },
    /// Not a single image, though there was text.
    #[error(
        "no image entity in the file (line {line}: {detail}); give JSON lines or {{\"data\":[…]}}, each with an id"
    )]
    NoEntity {
        /// Line of the first problem, from 1.
        line: u64,
        /// The first problem.
        detail: String,
    },
}

/// Reads image entities (fields as the API names them, any missing, `id` required).
///
/// An empty file, or an empty list, is no error: it holds no image.
///
/// ```
/// let file = "{\"id\":\"498763468214164\",\"altitude\":4294967281}\n{\"altitude\":5}\n";
/// let entities = mapillary_api::read_entities(file.as_bytes())?;
/// assert_eq!(entities.images[0].altitude_m, Some(-15.0)); // 2^32 - 15: it had wrapped
/// assert_eq!(entities.problems[0].reason, "it has no id");
/// assert_eq!(entities.problems[0].line, 2);
/// # Ok::<(), mapillary_api::EntitiesError>(())
/// ```
pub fn read_entities(mut reader: impl BufRead) -> Result<Entities, EntitiesError> {
    let line = Rc::new(Cell::new(1));
    let mut collector = Collector { line: line.clone(), ..Collector::default() };
    let mut first = Vec::new();
    let read = |source| EntitiesError::Read { line: 1, source };
    loop {
        first.clear();
        (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut first).map_err(read)?;
        if line.get() == 1 && first.starts_with(b"\xef\xbb\xbf") {
            first.drain(..3);
        }
        if first.is_empty() || !first.trim_ascii().is_empty() {
            break;
        }
        line.set(line.get() + 1);
    }
    if stands_alone(&first) {
        read_lines(reader, first, &mut collector)?;
    } else {
        read_documents(io::Cursor::new(first).chain(reader), &mut collector)?;
    }
    if collector.images.is_empty()
        && let Some(EntityProblem { line, reason }) = collector.problems.first()
    {
        return Err(EntitiesError::NoEntity { line: *line, detail: reason.clone() });
    }
    Ok(without_repetition(collector))
}

/// Whether a line is JSON by itself, or broken in a way that more lines would not mend.
fn stands_alone(line: &[u8]) -> bool {
    let mut values = serde_json::Deserializer::from_slice(line).into_iter::<serde::de::IgnoredAny>();
    let complete = !values.by_ref().any(|value| value.is_err_and(|error| error.is_eof()));
    complete && (line.len() as u64) < LONGEST_LINE
}

fn read_lines(mut reader: impl BufRead, first: Vec<u8>, collector: &mut Collector) -> Result<(), EntitiesError> {
    let mut text = first;
    while !text.is_empty() {
        let whole = text.ends_with(b"\n") || (text.len() as u64) < LONGEST_LINE;
        if !whole {
            collector.problem("the line is longer than 64 MiB");
        } else if !text.trim_ascii().is_empty() {
            read_line(&text, collector);
        }
        let number = collector.line.get();
        let failed = |source| EntitiesError::Read { line: number, source };
        if !whole {
            skip_line(&mut reader).map_err(failed)?;
        }
        collector.line.set(number + 1);
        text.clear();
        (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut text).map_err(failed)?;
    }
    Ok(())
}

fn read_line(text: &[u8], collector: &mut Collector) {
    let images_before = collector.images.len();
    match read_document(text, collector) {
        Ok(document) => {
            if let Some(error) = document.error {
                collector.problem(format!("it is an error answer: {}", error.message));
            }
        }
        Err(error) => {
            collector.images.truncate(images_before);
            collector.problem(format!("broken JSON ({})", without_position(&error.to_string())));
        }
    }
}

fn skip_line(reader: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        let end = buffer.iter().position(|&byte| byte == b'\n');
        let used = end.map_or(buffer.len(), |end| end + 1);
        reader.consume(used);
        if end.is_some() {
            return Ok(());
        }
    }
}

fn read_documents(reader: impl BufRead, collector: &mut Collector) -> Result<(), EntitiesError> {
    let line = collector.line.clone();
    let mut counted = LineCounter { reader, line: line.clone(), at_line_end: false };
    loop {
        let blank = counted.skip_blanks().map_err(|source| EntitiesError::Read { line: line.get(), source })?;
        if blank {
            return Ok(());
        }
        let mut deserializer = serde_json::Deserializer::from_reader(&mut counted);
        let document = DocumentSeed(collector).deserialize(&mut deserializer).map_err(|error| {
            let line = line.get();
            if error.is_io() {
                EntitiesError::Read { line, source: error.into() }
            } else {
                EntitiesError::Broken { line, detail: without_position(&error.to_string()) }
            }
        })?;
        if let Some(error) = document.error {
            collector.problem(format!("it is an error answer: {}", error.message));
        }
    }
}

/// serde_json ends its texts with a place of its own counting.
fn without_position(text: &str) -> String {
    text.split(" at line ").next().unwrap_or(text).to_owned()
}

/// Hands bytes on and moves the line number after each line break that was read.
struct LineCounter<R> {
    reader: R,
    line: Rc<Cell<u64>>,
    at_line_end: bool,
}

impl<R: BufRead> LineCounter<R> {
    /// Skips white space (and commas between documents are not white space); true at the end of the file.
    fn skip_blanks(&mut self) -> io::Result<bool> {
        loop {
            let Some(&byte) = self.reader.fill_buf()?.first() else { return Ok(true) };
            if !byte.is_ascii_whitespace() {
                return Ok(false);
            }
            self.reader.consume(1);
            self.count(byte);
        }
    }

    fn count(&mut self, byte: u8) {
        if std::mem::replace(&mut self.at_line_end, byte == b'\n') {
            self.line.set(self.line.get() + 1);
        }
    }
}

impl<R: BufRead> Read for LineCounter<R> {
    /// One byte at a time, which is how serde_json reads anyway, so that the line is right when an element ends.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (Some(target), Some(&byte)) = (buffer.first_mut(), self.reader.fill_buf()?.first()) else { return Ok(0) };
        *target = byte;
        self.reader.consume(1);
        self.count(byte);
        Ok(1)
    }
}

fn without_repetition(collector: Collector) -> Entities {
    let mut seen = HashSet::with_capacity(collector.images.len());
    let mut images = collector.images;
    let n_read = images.len();
    images.retain(|image| seen.insert(image.id));
    let n_repeated = (n_read - images.len()) as u64;
    Entities { images, problems: collector.problems, n_problems: collector.n_problems, n_repeated }
}

#[cfg(test)]
mod tests;
