//! Published images from several answers become one set: each image once, the better evidence kept, ordered by id.

use capture_model::{Column, Evidence, PublishedImage, PublishedImages, Route, SequenceId};
use std::collections::BTreeMap;

/// Images by id; an entity replaces what a tile said of the same image.
#[derive(Debug, Clone, Default)]
pub struct Pool {
    images: BTreeMap<u64, (PublishedImage, Route)>,
}

impl Pool {
    /// Adds one image. Of two entities the first stays: answers are added in a fixed order.
    pub fn add(&mut self, image: PublishedImage, route: Route) {
        use std::collections::btree_map::Entry;
        match self.images.entry(image.id.0) {
            Entry::Vacant(free) => {
                free.insert((image, route));
            }
            Entry::Occupied(mut taken) => {
                if image.evidence == Evidence::Entity && taken.get().0.evidence == Evidence::Tile {
                    taken.insert((image, route));
                }
            }
        }
    }

    /// Adds all images of another pool.
    pub fn absorb(&mut self, other: Self) {
        for (image, route) in other.images.into_values() {
            self.add(image, route);
        }
    }

    /// The sequences of which there is an entity.
    pub fn sequences(&self) -> impl Iterator<Item = SequenceId> {
        let entities = self.images.values().filter(|(image, _)| image.evidence == Evidence::Entity);
        entities.filter_map(|(image, _)| image.sequence.clone())
    }

    /// Whether no image is there.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// Whether an image of this id is there.
    pub fn holds(&self, id: u64) -> bool {
        self.images.contains_key(&id)
    }

    /// Columns for the matcher and the route of each row.
    pub fn into_columns(self) -> (PublishedImages, Column<Route>) {
        let mut columns = PublishedImages::default();
        let mut routes = Vec::with_capacity(self.images.len());
        for (image, route) in self.images.into_values() {
            columns.push(&image);
            routes.push(route);
        }
        (columns, routes.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use capture_model::ImageId;

    #[test]
    fn an_entity_replaces_a_tile_and_rows_are_ordered_by_id() {
        let mut pool = Pool::default();
        pool.add(PublishedImage::bare(ImageId(9), Evidence::Tile), Route::Tiles);
        pool.add(PublishedImage::bare(ImageId(3), Evidence::Tile), Route::Tiles);
        pool.add(PublishedImage::bare(ImageId(9), Evidence::Entity), Route::User);
        pool.add(PublishedImage::bare(ImageId(9), Evidence::Tile), Route::Tiles);
        assert!(pool.holds(3) && !pool.holds(4));
        let (columns, routes) = pool.into_columns();
        assert_eq!(columns.id, [3, 9]);
        assert_eq!([columns.evidence[0], columns.evidence[1]], [Evidence::Tile, Evidence::Entity]);
        assert_eq!(routes, vec![Route::Tiles, Route::User].into());
    }
}
