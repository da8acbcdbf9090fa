//! Which column means what: names are compared without case, the first name of a list that is there wins.

/// A column that is known by several names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known(pub(crate) &'static [&'static str]);

/// The header of a table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Columns {
    names: Vec<String>,
}

impl Columns {
    pub(crate) fn new(names: &[&str]) -> Self {
        Self { names: names.iter().map(|name| name.trim().to_owned()).collect() }
    }

    /// Places of the columns that are there, in the order of the names.
    pub(crate) fn all(&self, known: Known) -> Vec<usize> {
        let place = |wanted: &&str| self.names.iter().position(|name| name.eq_ignore_ascii_case(wanted));
        known.0.iter().filter_map(place).collect()
    }

    /// Place of the first of the names that is there.
    pub(crate) fn first(&self, known: Known) -> Option<usize> {
        self.all(known).first().copied()
    }

    /// Whether a column of this very name is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|own| own.eq_ignore_ascii_case(name))
    }

    /// The name of a column as the file writes it.
    pub(crate) fn name(&self, place: usize) -> &str {
        self.names.get(place).map_or("", String::as_str)
    }
}
