//! Dates and times as people, cameras and uploaders write them.
//!
//! One reader serves EXIF, XMP, tables and descriptions: `2024:05:18 10:41:07.25`, `2024-05-18T10:41:07+02:00`,
//! `2021_08_28_10_06_42_000`. What is written with a zone is absolute, the rest is a wall clock.
//!
//! Stated outcomes of odd values: hour 24 is the next day, second 60 the next minute; month 13, 30 February, minute 60,
//! `0000:00:00` and blanks are no time. A fraction is cut to milliseconds; the digits written give the resolution.
//! An offset beyond ±23:59 is nonsense and leaves a wall clock, whose zone is found later.

use capture_model::{CapturedAt, LocalTime, TableNumber, TimeSource, WallClock, tail_digits};
use chrono::NaiveDate;

/// A time and the step it was written in, ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) time: LocalTime,
    pub(crate) resolution_ms: u16,
}

const MS_OF_A_DAY: i64 = 86_400_000;

/// Cuts up to `most` digits off the front.
fn digits<'a>(text: &mut &'a str, most: usize) -> Option<&'a str> {
    let n = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(n);
    *text = rest;
    (n > 0).then_some(number)
}

fn number(text: &mut &str, most: usize) -> Option<u32> {
    digits(text, most)?.parse().ok()
}

fn skip_one(text: &mut &str, of: &[char]) -> Option<()> {
    *text = text.strip_prefix(of)?;
    Some(())
}

/// Milliseconds and resolution of the digits behind a decimal point; blanks count as zeros, as the uploader has it.
pub(crate) fn fraction(text: &str) -> Option<(i64, u16)> {
    let text = text.trim_end_matches('\0');
    let digits: Vec<u8> = text.bytes().map(|byte| if byte == b' ' { b'0' } else { byte }).collect();
    let n = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let is_blank = text.bytes().all(|byte| byte == b' ');
    if n == 0 || is_blank {
        return None;
    }
    let ms = (0..3).fold(0, |sum, at| sum * 10 + i64::from(digits[..n].get(at).map_or(0, |digit| digit - b'0')));
    Some((ms, [1000, 100, 10, 1][n.min(3)]))
}

/// `+02:00`, `-0730`, `+5`, `Z`: milliseconds east of Greenwich.
pub(crate) fn offset(text: &str) -> Option<i64> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, mut rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let hours = i64::from(number(&mut rest, 2)?);
    let _ = skip_one(&mut rest, &[':']);
    let minutes = if rest.is_empty() { 0 } else { i64::from(number(&mut rest, 2)?) };
    // seconds of an offset are written by nobody, but allowed
    (rest.is_empty() || rest == ":00").then_some(())?;
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 60 + minutes) * 60_000)
}

/// Milliseconds as if UTC at the start of a date written with `:`, `-`, `_`, `/` or `.` between its parts.
pub(crate) fn date(text: &mut &str) -> Option<i64> {
    let year = digits(text, 4).filter(|year| year.len() == 4)?.parse().ok()?;
    skip_one(text, &[':', '-', '_', '/', '.'])?;
    let month = number(text, 2)?;
    skip_one(text, &[':', '-', '_', '/', '.'])?;
    let day = number(text, 2)?;
    let date = NaiveDate::from_ymd_opt(year, month, day)?;
    (year > 0).then(|| date.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis())
}

/// Hours, minutes, seconds with a fraction: milliseconds of the day, and the resolution.
fn time_of_day(text: &mut &str) -> Option<(i64, u16)> {
    let part = |text: &mut &str, highest: u32| number(text, 2).filter(|&n| n <= highest).map(i64::from);
    let hours = part(text, 24)?;
    skip_one(text, &[':', '_'])?;
    let minutes = part(text, 59)?;
    let (mut seconds, mut ms, mut resolution_ms) = (0, 0, 1000);
    if skip_one(text, &[':', '_']).is_some() {
        seconds = part(text, 60)?;
        if skip_one(text, &['.', ',', '_', ':']).is_some() {
            let written = digits(text, 12)?;
            (ms, resolution_ms) = fraction(written)?;
        }
    }
    Some((((hours * 60 + minutes) * 60 + seconds) * 1000 + ms, resolution_ms))
}

/// A date and time, with its zone if one is written.
pub(crate) fn date_time(text: &str) -> Option<Told> {
    let mut rest = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    let day = date(&mut rest)?;
    skip_one(&mut rest, &[' ', 'T', 't', '_'])?;
    rest = rest.trim_start();
    let (of_day, resolution_ms) = time_of_day(&mut rest)?;
    let wall = day + of_day;
    let rest = rest.trim_start();
    let time = if rest.is_empty() {
        LocalTime::Wall(WallClock::from_ms_as_if_utc(wall))
    } else {
        let zone = rest.strip_suffix("UTC").map_or(rest, |before| if before.is_empty() { "Z" } else { rest });
        LocalTime::Absolute(CapturedAt::from_epoch_ms(wall - offset(zone)?))
    };
    Some(Told { time, resolution_ms })
}

/// The uploader's `2021_08_28_10_06_42_000`, always read as UTC here.
pub(crate) fn uploader_time(text: &str) -> Option<Told> {
    let is_its_form = text.as_bytes().get(4) == Some(&b'_');
    let told = date_time(text).filter(|_| is_its_form)?;
    Some(Told { time: LocalTime::Absolute(CapturedAt::from_epoch_ms(told.time.ms())), ..told })
}

/// A cell of a table: any of the forms, or whole milliseconds since the epoch (0 is unknown). `Err` when it is none.
pub(crate) fn cell(text: &str) -> Result<Option<Told>, ()> {
    if let Some(ms) = tail_digits(text.as_bytes(), text.len()).and_then(|ms| i64::try_from(ms).ok()) {
        return epoch_ms(ms);
    }
    let text = text.trim();
    let is_nothing = ["nan", "null", "none", "nat"].iter().any(|word| text.eq_ignore_ascii_case(word));
    if text.is_empty() || is_nothing {
        return Ok(None);
    }
    let whole = text.strip_suffix(".0").unwrap_or(text);
    if let Ok(ms) = whole.parse::<i64>() {
        return epoch_ms(ms);
    }
    uploader_time(text).or_else(|| date_time(text)).map(Some).ok_or(())
}

/// The moment of a cell as programs write it, in milliseconds since the epoch: a whole number of them (0 is unknown, and then
/// `unknown`), or ISO 8601 in UTC with three decimals. `None` for every other cell, and for days late in a month, which need a calendar.
#[inline]
pub(crate) fn plain_ms(cell: &[u8], unknown: i64) -> Option<i64> {
    match tail_digits(cell, cell.len()) {
        Some(ms) => whole_ms(ms, unknown),
        None => iso_ms(cell.as_array()?),
    }
}

/// The same of a whole number.
#[inline]
pub(crate) fn whole_ms(ms: u64, unknown: i64) -> Option<i64> {
    let told = epoch_ms(i64::try_from(ms).ok()?).ok()?;
    Some(told.map_or(unknown, |told| told.time.ms()))
}

/// `2021-08-28T10:06:42.000Z`.
pub(crate) fn iso_ms(text: &[u8; 24]) -> Option<i64> {
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', h0, h1, b':', n0, n1, b':', s0, s1, b'.', f0, f1, f2, b'Z'] =
        *text
    else {
        return None;
    };
    let digits = [y0, y1, y2, y3, m0, m1, d0, d1, h0, h1, n0, n1, s0, s1, f0, f1, f2];
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let two = |tens: u8, ones: u8| i64::from(tens - b'0') * 10 + i64::from(ones - b'0');
    let (year, month, day) = (two(y0, y1) * 100 + two(y2, y3), two(m0, m1), two(d0, d1));
    let (hours, minutes, seconds) = (two(h0, h1), two(n0, n1), two(s0, s1));
    let is_usual = year > 0 && (1..=12).contains(&month) && (1..=28).contains(&day);
    if !(is_usual && hours < 24 && minutes < 60 && seconds < 60) {
        return None;
    }
    // years begin in March, so that the leap day is their last (Hinnant, 2013)
    let (year, month) = if month < 3 { (year - 1, month + 9) } else { (year, month - 3) };
    let day = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    let ms = i64::from(f0 - b'0') * 100 + two(f1, f2);
    Some(day * MS_OF_A_DAY + ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms)
}

/// A cell that is a number.
pub(crate) fn time_of(number: TableNumber) -> Result<Option<Told>, ()> {
    match number {
        TableNumber::Whole(ms) => epoch_ms(ms),
        other => cell(&other.to_string()),
    }
}

/// Whole milliseconds since the epoch; 0 is unknown, and what no calendar reaches is none.
fn epoch_ms(ms: i64) -> Result<Option<Told>, ()> {
    let is_sane = ms.unsigned_abs() < 300_000 * 366 * MS_OF_A_DAY.unsigned_abs();
    let time = LocalTime::Absolute(CapturedAt::from_epoch_ms(ms));
    if is_sane { Ok((ms != 0).then_some(Told { time, resolution_ms: 1 })) } else { Err(()) }
}

/// The source of a time by its word.
pub(crate) fn source_of(word: &str) -> Option<TimeSource> {
    use TimeSource::{Description, Digitized, Gps, Gpx, History, Modified, None, Original, Table, Xmp};
    [Gps, Original, Digitized, Modified, Xmp, Description, History, Gpx, Table, None]
        .into_iter()
        .find(|source| source.as_str() == word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let told = match cell(text) {
            Err(()) => "broken".to_owned(),
            Ok(None) => "unknown".to_owned(),
            Ok(Some(told)) => format!("{} {}", told.time, told.resolution_ms),
        };
        assert_eq!(told, expected, "{text:?}");
    }

    #[test]
    fn times_are_read_in_every_form_of_the_contract() {
        check("2021-08-28T10:06:42.000Z", "2021-08-28T10:06:42.000Z 1");
        check("2021-08-28 10:06:42", "2021-08-28T10:06:42.000 1000");
        check("2021-08-28T10:06", "2021-08-28T10:06:00.000 1000");
        check("2021-08-28T10:06:42+02:00", "2021-08-28T08:06:42.000Z 1000");
        check("2021-08-28T10:06:42.5-0730", "2021-08-28T17:36:42.500Z 100");
        check("2021-08-28T10:06:42+05:45", "2021-08-28T04:21:42.000Z 1000");
        check("2024:05:18 10:41:07", "2024-05-18T10:41:07.000 1000");
        check("2024:05:18 10:41:07.25", "2024-05-18T10:41:07.250 10");
        check("2018:06:26 17:46:33.847123456789", "2018-06-26T17:46:33.847 1");
        check("2021_08_28_10_06_42_000", "2021-08-28T10:06:42.000Z 1");
        check("2021_08_28_10_06_42_5", "2021-08-28T10:06:42.500Z 100");
        check("2021_08_28_10_06_42_123456", "2021-08-28T10:06:42.123Z 1");
        check("1630145202250", "2021-08-28T10:06:42.250Z 1");
        check("1630145202250.0", "2021-08-28T10:06:42.250Z 1");
        check("-1", "1969-12-31T23:59:59.999Z 1");
    }

    #[test]
    fn odd_times_have_a_stated_outcome() {
        check("", "unknown");
        check("  ", "unknown");
        check("NaN", "unknown");
        check("0", "unknown");
        check("2021:08:28 24:00:00", "2021-08-29T00:00:00.000 1000");
        check("2016:12:31 23:59:60", "2017-01-01T00:00:00.000 1000");
        check("2021:13:28 10:06:42", "broken");
        check("2021:02:30 10:06:42", "broken");
        check("2021:02:28 25:06:42", "broken");
        check("2021:02:28 10:60:42", "broken");
        check("0000:00:00 00:00:00", "broken");
        check("    :  :     :  :  ", "broken");
        check("yesterday", "broken");
        check("2021-08-28", "broken");
        check("2021-08-28T10:06:42+99:99", "broken");
        check("2021-08-28T10:06:42 o'clock", "broken");
        check("99999999999999999999", "broken");
        check("2021-08-28T10:06:42.", "broken");
    }

    #[test]
    fn fractions_and_offsets() {
        for (text, expected) in [
            ("5", Some((500, 100))),
            ("05", Some((50, 10))),
            ("847", Some((847, 1))),
            ("123456789012", Some((123, 1))),
            ("25 ", Some((250, 1))),
            (" 25", Some((25, 1))),
            ("", None),
            ("   ", None),
            ("x", None),
            ("1x", Some((100, 100))),
        ] {
            assert_eq!(fraction(text), expected, "{text:?}");
        }
        for (text, minutes) in
            [("+02:00", 120), ("-07:30", -450), ("+0545", 345), ("Z", 0), ("+5", 300), ("-09:45:00", -585)]
        {
            assert_eq!(offset(text), Some(minutes * 60_000), "{text:?}");
        }
        for text in ["", "02:00", "+99:99", "+24:00", "+", "+1x", "   :  "] {
            assert_eq!(offset(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = (cell(&text), offset(&text), fraction(&text));
        }
        #[test]
        fn plain_moments_are_read_as_any_cell(
            ms in -62_000_000_000_000_i64..200_000_000_000_000,
            odd in "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}.[0-9]{3}Z|\\PC{0,26}|[0-9]{0,20}",
        ) {
            for text in [CapturedAt::from_epoch_ms(ms).to_string(), ms.to_string(), odd] {
                if let Some(plain) = plain_ms(text.as_bytes(), i64::MIN) {
                    prop_assert_eq!(cell(&text).unwrap().map_or(i64::MIN, |told| told.time.ms()), plain, "{}", text);
                }
            }
            let is_early = !(29..=31).any(|day| CapturedAt::from_epoch_ms(ms).to_string().contains(&format!("-{day}T")));
            prop_assert_eq!(plain_ms(CapturedAt::from_epoch_ms(ms).to_string().as_bytes(), 0).is_some(), is_early);
        }
        #[test]
        fn what_is_written_is_read_again(ms in -60_000_000_000_000_i64..200_000_000_000_000) {
            let text = CapturedAt::from_epoch_ms(ms).to_string();
            let expected = (ms != 0 || text.contains('T')).then_some(ms);
            prop_assert_eq!(cell(&text).unwrap().map(|told| told.time.ms()), expected);
        }
    }
}
