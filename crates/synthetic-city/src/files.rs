//! Cities on disk: JPEG files with EXIF, the same as a table, and the truth.

use crate::camera::{PhotoKind, SyntheticPhoto};
use crate::exif_writer::tiff;
use crate::{City, SyntheticPhoto as Photo};
use capture_model::{CapturedAt, WallClock};
use jpeg_encoder::{ColorType, Encoder};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// A city that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum CityError {
    /// The disk says no.
    #[error("cannot write {}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl City {
    /// Writes every photo below a folder; returns how many files.
    pub fn write_photos(&self, folder: &Path) -> Result<usize, CityError> {
        let picture = picture();
        for photo in &self.photos {
            let path = folder.join(&photo.path);
            let failed = |source| CityError::File { path: path.clone(), source };
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).map_err(failed)?;
            }
            std::fs::write(&path, bytes_of(photo, &picture)).map_err(failed)?;
        }
        Ok(self.photos.len())
    }

    /// Writes the photos as a table that `tiepoint match --local` reads. Files that are no photos are left out.
    pub fn write_local_csv(&self, path: &Path) -> Result<(), CityError> {
        let mut table = String::from("path,latitude,longitude,altitude,captured_at,heading,make,model,width,height\n");
        for photo in self.photos.iter().filter(|photo| photo.kind == PhotoKind::Sound) {
            let number =
                |value: Option<f64>, decimals: usize| value.map_or(String::new(), |v| format!("{v:.decimals$}"));
            let lat = number(photo.position.map(capture_model::Position::lat), 7);
            let lon = number(photo.position.map(capture_model::Position::lon), 7);
            let (altitude, heading) = (number(photo.altitude_m, 3), number(photo.heading_deg, 2));
            let Photo { path, make, model, width, height, .. } = photo;
            let _ = writeln!(
                table,
                "{path},{lat},{lon},{altitude},{},{heading},{make},{model},{width},{height}",
                time_of(photo)
            );
        }
        write(path, table)
    }

    /// Writes the truth: path below the folder of photos, and the image ids, several joined by `|`.
    pub fn write_truth_csv(&self, path: &Path) -> Result<(), CityError> {
        let mut table = String::from("path,image_id\n");
        for (photo, ids) in self.photos.iter().zip(&self.truth) {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            let _ = writeln!(table, "{},{}", photo.path, ids.join("|"));
        }
        write(path, table)
    }
}

fn write(path: &Path, text: String) -> Result<(), CityError> {
    std::fs::write(path, text).map_err(|source| CityError::File { path: path.to_owned(), source })
}

/// The time that the uploader reads: GPS first, absolute where the file says its zone.
fn time_of(photo: &SyntheticPhoto) -> String {
    match (photo.gps_time_ms, photo.wall_ms, photo.offset_min) {
        (Some(gps), ..) => CapturedAt::from_epoch_ms(gps).to_string(),
        (None, Some(wall), Some(minutes)) => CapturedAt::from_epoch_ms(wall - i64::from(minutes) * 60_000).to_string(),
        (None, Some(wall), None) if photo.sub_second_digits == 0 => {
            let text = WallClock::from_ms_as_if_utc(wall).to_string();
            text.strip_suffix(".000").unwrap_or(&text).to_owned()
        }
        (None, Some(wall), None) => WallClock::from_ms_as_if_utc(wall).to_string(),
        (None, None, _) => String::new(),
    }
}

/// One small grey picture without its start marker; every photo shares it.
fn picture() -> Vec<u8> {
    let mut jpeg = Vec::new();
    let pixels: Vec<u8> = (0..64_u8).map(|k| k.wrapping_mul(3)).collect();
    Encoder::new(&mut jpeg, 60)
        .encode(&pixels, 8, 8, ColorType::Luma)
        .expect("eight by eight grey pixels can be encoded");
    jpeg.split_off(2)
}

fn bytes_of(photo: &SyntheticPhoto, picture: &[u8]) -> Vec<u8> {
    if photo.kind == PhotoKind::NotAPhoto {
        return b"Remember to charge the batteries.\n".to_vec();
    }
    let tiff = tiff(photo);
    let mut bytes = vec![0xff, 0xd8, 0xff, 0xe1];
    bytes.extend((tiff.len() as u16 + 8).to_be_bytes());
    bytes.extend(b"Exif\0\0");
    bytes.extend(tiff);
    bytes.extend(picture);
    if photo.kind == PhotoKind::Damaged {
        bytes.truncate(40);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use crate::{CitySpec, PhotoKind, Scenario, build};
    use exif::{In, Tag, Value};

    /// What an EXIF reader of others sees must be what was meant, to the last decimal that is published.
    #[test]
    fn photos_say_what_their_cameras_wrote() {
        let city = build(&CitySpec { scenario: Scenario::Demo, photos: 100, seed: 2 });
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(city.write_photos(folder.path()).unwrap(), city.photos.len());
        for photo in city.photos.iter().filter(|photo| photo.kind == PhotoKind::Sound) {
            let file = std::fs::File::open(folder.path().join(&photo.path)).unwrap();
            let read = exif::Reader::new().read_from_container(&mut std::io::BufReader::new(file)).unwrap();
            let degrees = |tag, reference| {
                let Some(Value::Rational(parts)) = read.get_field(tag, In::PRIMARY).map(|field| &field.value) else {
                    return None;
                };
                let sum = parts[0].to_f64() + parts[1].to_f64() / 60.0 + parts[2].to_f64() / 3600.0;
                let sign = read.get_field(reference, In::PRIMARY).unwrap().display_value().to_string();
                Some(((if matches!(sign.as_str(), "S" | "W") { -sum } else { sum }) * 1e7).round() / 1e7)
            };
            assert_eq!(
                degrees(Tag::GPSLatitude, Tag::GPSLatitudeRef),
                photo.position.map(capture_model::Position::lat),
                "{}",
                photo.path
            );
            assert_eq!(
                degrees(Tag::GPSLongitude, Tag::GPSLongitudeRef),
                photo.position.map(capture_model::Position::lon)
            );
            let text = |tag| read.get_field(tag, In::PRIMARY).map(|field| field.display_value().to_string());
            assert!(text(Tag::Make).unwrap().contains(&photo.make));
            let wall = chrono::DateTime::from_timestamp_millis(photo.wall_ms.unwrap()).unwrap();
            assert_eq!(text(Tag::DateTimeOriginal).unwrap(), wall.format("%Y-%m-%d %H:%M:%S").to_string());
        }
    }

    #[test]
    fn odd_files_are_as_odd_as_they_say() {
        let city = build(&CitySpec { scenario: Scenario::Demo, photos: 100, seed: 2 });
        let folder = tempfile::tempdir().unwrap();
        city.write_photos(folder.path()).unwrap();
        for photo in city.photos.iter().filter(|photo| photo.kind != PhotoKind::Sound) {
            let bytes = std::fs::read(folder.path().join(&photo.path)).unwrap();
            assert!(bytes.len() < 60, "{}", photo.path);
        }
        city.write_truth_csv(&folder.path().join("truth.csv")).unwrap();
        let truth = std::fs::read_to_string(folder.path().join("truth.csv")).unwrap();
        assert_eq!(truth.lines().count(), city.photos.len() + 1);
        assert!(truth.lines().any(|line| line.contains('|')), "a re-upload has two ids");
    }
}
