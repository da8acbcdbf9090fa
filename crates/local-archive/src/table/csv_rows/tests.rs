//! The reader against the csv crate, over tables of every shape and cuts of every size.

use super::*;
use crate::table::{BadCell, MissingColumn};
use proptest::prelude::*;

/// Keeps cells as they are, with their lines.
#[derive(Default, Debug, PartialEq)]
struct Plain {
    header: Vec<String>,
    rows: Vec<(u64, Vec<String>)>,
}

impl RowReader for Plain {
    fn header(&mut self, names: &[&str]) -> Result<(), MissingColumn> {
        self.header = names.iter().map(ToString::to_string).collect();
        if names.is_empty() { Err(MissingColumn { missing: "any".to_owned() }) } else { Ok(()) }
    }
    fn row(&mut self, row: &Row<'_>, bad: &mut BadCells) {
        self.rows.push((row.line, (0..row.n_cells()).map(|at| row.raw(at).to_owned()).collect()));
        if row.raw(0) == "bad" {
            bad.add(row.line, "a", row.raw(0));
        }
    }
}

impl PartReader for Plain {
    fn part(&self) -> Self {
        Self { header: self.header.clone(), rows: Vec::new() }
    }
    fn append(&mut self, part: &mut Self) {
        self.rows.append(&mut part.rows);
    }
}

fn read(bytes: &[u8], batch: usize, piece: usize) -> (Result<Plain, RowsError>, Vec<BadCell>) {
    let (mut plain, mut bad) = (Plain::default(), BadCells::default());
    let result = read_pieces(Pieces::of_size(bytes, batch, piece), bytes.len() as u64, &mut plain, &mut bad);
    (result.map(|()| plain), bad.first)
}

/// The same by the csv crate alone; lines are those on which rows begin.
fn expected(bytes: &[u8]) -> Plain {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut table = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let mut plain = Plain::default();
    let mut record = csv::StringRecord::new();
    loop {
        let before = table.position().byte() as usize;
        if !table.read_record(&mut record).unwrap() {
            return plain;
        }
        let begin = before + bytes[before..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let line = 1 + memchr_iter(b'\n', &bytes[..begin]).count() as u64;
        let cells: Vec<String> = record.iter().map(str::to_owned).collect();
        if plain.header.is_empty() { plain.header = cells } else { plain.rows.push((line, cells)) }
    }
}

#[test]
fn rows_and_lines_are_those_of_the_csv_crate() {
    for text in [
        "a,b\n1,2\n\n3,4",
        "a,b\r\n1,2\r\n\r\n3\r\n4,5,6\r\n",
        "a,b\r1,2\r\r3,4\r",
        "\u{feff}\"a\",\"b,\nc\"\n1,\"2\"\"3\"\n\"x\ny\",\n,\nz",
        "\n\n\na\n\"\"\n \n5\" pipe,\"q\"\r\nü,é",
        "a\n",
        "a",
        "\r\n\r\na,b\n1",
    ] {
        for (batch, piece) in [(1, 1), (3, 1), (7, 3), (16, 5), (1 << 20, 4), (1 << 20, 1 << 20)] {
            let found = read(text.as_bytes(), batch, piece).0.unwrap_or_else(|error| panic!("{text:?}: {error:?}"));
            assert_eq!(found, expected(text.as_bytes()), "{text:?} in batches of {batch} and pieces of {piece}");
        }
    }
}

#[test]
fn faults_are_told_alike_however_the_table_is_cut() {
    let told = |bytes: &[u8], batch, piece| match read(bytes, batch, piece).0 {
        Err(RowsError::Broken { line, column, detail }) => format!("{line} {column} {detail}"),
        other => format!("{other:?}"),
    };
    for (batch, piece) in [(1, 1), (7, 3), (1 << 20, 4), (1 << 20, 1 << 20)] {
        let cut = format!("{batch} {piece}");
        let text = b"a,b\n1,2\n3,\"4\n5,6\n";
        assert_eq!(told(text, batch, piece), "3 3 a quote is opened and never closed", "{cut}");
        assert_eq!(told(b"a,b\n1,2\n\"3\"4,5", batch, piece), "3 4 text follows a closing quote", "{cut}");
        assert_eq!(told(b"a,b\n1,2\n3,\xff\n", batch, piece), "3 b \"\u{fffd}\" is not UTF-8", "{cut}");
        assert!(told(b"", batch, piece).contains("the file is empty"), "{cut}");
        assert!(told(b"\n\r\n\n", batch, piece).contains("the file is empty"), "{cut}");
        let many = format!("a\n{}", "ok\nbad\n".repeat(30));
        let bad = read(many.as_bytes(), batch, piece).1;
        assert_eq!((bad.len(), &bad[0], &bad[9]), (10, &BadCell::new(3, "a", "bad"), &BadCell::new(21, "a", "bad")));
    }
}

#[test]
fn bytes_that_are_no_text_are_told_wherever_they_are() {
    let rows = |n: usize| "1,2\n".repeat(n).into_bytes();
    let long = vec![b'x'; 3 * MARKED];
    let told = |parts: &[&[u8]]| match read(&parts.concat(), 1 << 20, 1 << 20).0 {
        Err(RowsError::Broken { line, column, .. }) => format!("{line} {column}"),
        Ok(plain) => format!("{} rows", plain.rows.len()),
        other => format!("{other:?}"),
    };
    let (few, many) = (rows(3), rows(MARKED));
    assert_eq!(told(&[b"a,b\n", &few, &long, b"\xff,1\n", &few]), "5 a");
    assert_eq!(told(&[b"a,b\n", &many, b"1,\xff\n", &few]), "16386 b");
    assert_eq!(told(&[b"a,b\n1,\xc3\xa9\n", &many, &long, b",\xff\n"]), "16387 b");
    assert_eq!(told(&[b"a,b\n", &many, b"1,\xc3\xa9\n", &long, b"\xc3\xa9\n", &many]), "32770 rows");
    assert_eq!(told(&[b"a,b\n", &many, b"1,\xff"]), "16386 b");
}

proptest! {
    #[test]
    fn any_table_is_read_as_the_csv_crate_reads_it(
        text in "(\u{feff})?([a,\"\r\n é]|a\"|\"b\"|\"\"|\"[a,\n\r]{0,3}\"|\r\n){0,40}",
        batch in 1_usize..64,
        piece in 1_usize..64,
    ) {
        // (where quoting is broken there is nothing to compare: the csv crate forgives it)
        match read(text.as_bytes(), batch, piece).0 {
            Ok(found) => prop_assert_eq!(found, expected(text.as_bytes())),
            Err(RowsError::Missing { .. }) => prop_assert!(expected(text.as_bytes()).header.is_empty()),
            Err(RowsError::Broken { detail, .. }) => prop_assert!(detail.contains("quote"), "{}", detail),
            Err(RowsError::Io(error)) => panic!("{error}"),
        }
    }
}
