//! What took the picture.

/// Number of a [`Device`] in a table of [`crate::Names`].
pub type DeviceIndex = u32;

/// Make, model and image size as written; compare by [`Device::key`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Device {
    /// EXIF `Make`, trimmed; `None` when absent, empty or the literal `none`.
    pub make: Option<Box<str>>,
    /// EXIF `Model`, likewise.
    pub model: Option<Box<str>>,
    /// Pixels.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
}

impl Device {
    /// Trims texts and drops those that say nothing.
    pub fn new(make: Option<&str>, model: Option<&str>, width: Option<u32>, height: Option<u32>) -> Self {
        let told = |text: Option<&str>| {
            let text = text?.trim_matches(|c: char| c.is_whitespace() || c == '\0');
            (!text.is_empty() && !text.eq_ignore_ascii_case("none")).then(|| text.into())
        };
        Self {
            make: told(make),
            model: told(model),
            width: width.filter(|&w| w > 0),
            height: height.filter(|&h| h > 0),
        }
    }

    /// Whether nothing is known.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }

    /// Folded form under which two spellings of one device are equal: lower case, blanks and punctuation dropped,
    /// the make not repeated in the model, and a rotated image counted as its upright self (long side first).
    pub fn key(&self) -> Self {
        let fold = |text: &str| -> String {
            text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
        };
        let make = self.make.as_deref().map(fold);
        let model = self.model.as_deref().map(fold).map(|model| match &make {
            Some(make) => match model.strip_prefix(make.as_str()) {
                Some(rest) if !rest.is_empty() => rest.to_owned(),
                _ => model,
            },
            None => model,
        });
        let (width, height) = match (self.width, self.height) {
            (Some(w), Some(h)) => (Some(w.max(h)), Some(w.min(h))),
            other => other,
        };
        Self { make: make.map(Into::into), model: model.map(Into::into), width, height }
    }

    /// Whether two devices can be one: no field that both know differs, after folding.
    pub fn is_compatible_with(&self, other: &Self) -> bool {
        self.key().agrees_with(&other.key())
    }

    /// The same of two that are folded already ([`Device::key`]): whoever compares often folds once.
    pub fn agrees_with(&self, other: &Self) -> bool {
        fn agree<T: PartialEq>(a: Option<T>, b: Option<T>) -> bool {
            a.is_none() || b.is_none() || a == b
        }
        agree(self.make.as_deref(), other.make.as_deref())
            && agree(self.model.as_deref(), other.model.as_deref())
            && agree(self.width, other.width)
            && agree(self.height, other.height)
    }

    /// Whether one can be a scaled copy of the other's picture: one model, and another size in the same ratio (within a
    /// hundredth). Both are folded already.
    pub fn is_scaled(&self, other: &Self) -> bool {
        let is_one_model = self.model.is_some() && self.model == other.model && self.make == other.make;
        let sizes = (self.width, self.height, other.width, other.height);
        let (Some(width), Some(height), Some(other_width), Some(other_height)) = sizes else { return false };
        let (a, b) = (u64::from(width) * u64::from(other_height), u64::from(other_width) * u64::from(height));
        is_one_model && width != other_width && a.abs_diff(b) * 100 <= a.max(b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_device_fold_together() {
        let a = Device::new(Some("GoPro "), Some("GoPro Max\0"), Some(5760), Some(2880));
        let b = Device::new(Some("gopro"), Some("MAX"), Some(2880), Some(5760));
        assert_eq!(a.key(), b.key());
        assert!(a.is_compatible_with(&Device::new(None, Some("max"), None, None)));
        assert!(!a.is_compatible_with(&Device::new(Some("Apple"), None, None, None)));
        assert!(Device::new(Some("none"), Some(" "), Some(0), None).is_unknown());
        let sized = |width, height| Device::new(Some("GoPro"), Some("Max"), Some(width), Some(height)).key();
        assert!(sized(5760, 2880).is_scaled(&sized(2048, 1024)) && sized(4000, 3000).is_scaled(&sized(1024, 767)));
        assert!(!sized(5760, 2880).is_scaled(&sized(5760, 2880)) && !sized(5760, 2880).is_scaled(&sized(4000, 3000)));
    }
}
