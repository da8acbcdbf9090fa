//! Lists whose length is known up to what a filter leaves out.

/// Collects items of which there are so many at most: a filter does not say how many it lets through, and a list that grows with
/// them is moved again and again.
pub(crate) fn collect_at_most<T>(most: usize, items: impl Iterator<Item = T>) -> Vec<T> {
    let mut list = Vec::with_capacity(most);
    list.extend(items);
    list
}
