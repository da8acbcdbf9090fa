//! What is odd about a move.

/// One oddity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum Flag {
    /// More than 1 m.
    Moved,
    /// More than 25 m.
    MovedFar,
    /// More than 5 m off the move of its neighbours.
    Jump,
    /// One of at least three in a row that moved more than 25 m.
    BadStretch,
    /// Along the track it changed places with an image close by, by more than 2 m.
    OrderSwapped,
    /// Uploaded more than 3 m on one side of the track of its neighbours, adjusted to more than 3 m on the other.
    SideChanged,
    /// One of at least three equal uploaded places in a row while time goes on.
    FrozenReceiver,
    /// No adjusted place.
    NotComputed,
    /// Published without being reconstructed: the adjusted values are the uploaded ones, the altitude is the default 2 m.
    NotReconstructed,
    /// Less than 1 mm.
    NoMove,
    /// The published place is not the one that the local file says: it did not arrive as it was sent.
    UploadDiffers,
}

impl Flag {
    /// All flags, in the order in which reports list them.
    pub const ALL: [Self; 11] = [
        Self::Moved,
        Self::MovedFar,
        Self::Jump,
        Self::BadStretch,
        Self::OrderSwapped,
        Self::SideChanged,
        Self::FrozenReceiver,
        Self::NotComputed,
        Self::NotReconstructed,
        Self::NoMove,
        Self::UploadDiffers,
    ];

    /// The word of the `flags` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Moved => "moved",
            Self::MovedFar => "moved_far",
            Self::Jump => "jump",
            Self::BadStretch => "bad_stretch",
            Self::OrderSwapped => "order_swapped",
            Self::SideChanged => "side_changed",
            Self::FrozenReceiver => "frozen_receiver",
            Self::NotComputed => "not_computed",
            Self::NotReconstructed => "not_reconstructed",
            Self::NoMove => "no_move",
            Self::UploadDiffers => "upload_differs",
        }
    }

    /// The flag of a word of the `flags` column.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|flag| flag.as_str() == word)
    }
}

/// A set of flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags(u16);

impl Flags {
    /// Adds a flag where a test holds.
    pub fn set_if(&mut self, test: bool, flag: Flag) {
        if test {
            self.0 |= 1 << flag as u16;
        }
    }

    /// Whether a flag is in the set.
    pub fn has(self, flag: Flag) -> bool {
        self.0 & (1 << flag as u16) != 0
    }

    /// Whether no flag is in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The flags of the set, in their order.
    pub fn iter(self) -> impl Iterator<Item = Flag> {
        Flag::ALL.into_iter().filter(move |&flag| self.has(flag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_lists_its_flags_in_the_order_of_reports() {
        let mut flags = Flags::default();
        assert!(flags.is_empty());
        flags.set_if(true, Flag::UploadDiffers);
        flags.set_if(true, Flag::Moved);
        flags.set_if(false, Flag::Jump);
        assert_eq!(flags.iter().collect::<Vec<_>>(), [Flag::Moved, Flag::UploadDiffers]);
        for flag in Flag::ALL {
            assert_eq!(Flag::of_word(flag.as_str()), Some(flag));
        }
        assert_eq!(Flag::of_word("Moved"), None);
    }
}
