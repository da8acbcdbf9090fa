//! Whether images arrived as they were sent: the published original beside what the local file says.

use crate::moves::tile_rounding_m;
use crate::{Audit, Flag};
use capture_model::{Position, PublishedImages};
use geo::{Distance, Geodesic, Point};

/// EXIF writes seconds of arc in hundredths at worst, 0.3 m; anything beyond this is another place.
const SAME_PLACE_M: f64 = 0.4;

/// A published image and the place of the local file that became it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Upload {
    /// Row of the published image.
    pub row: u32,
    /// What the local file says.
    pub place: Position,
}

impl Audit {
    /// Flags images whose published original is not where the local file says, by more than 0.4 m or the grid of the
    /// tile that it was read from. Uploads of other rows than those audited, and images without a place, are passed over.
    pub fn check_uploads(&mut self, published: &PublishedImages, uploads: impl IntoIterator<Item = Upload>) {
        let mut image_of_row = vec![None; published.len()];
        for (image, shift) in self.images.iter().enumerate() {
            image_of_row[shift.row as usize] = Some(image);
        }
        for upload in uploads {
            let at = upload.row as usize;
            let Some(image) = image_of_row.get(at).copied().flatten() else { continue };
            let Some(original) = published.original(at) else { continue };
            let point = |place: Position| Point::new(place.lon(), place.lat());
            let tolerance_m = SAME_PLACE_M.max(tile_rounding_m(published.evidence[at], original));
            let differs = Geodesic.distance(point(upload.place), point(original)) > tolerance_m;
            self.images[image].flags.set_if(differs, Flag::UploadDiffers);
        }
    }
}
