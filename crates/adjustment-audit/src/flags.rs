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
    /// Along the track it changed places with a neighbour by more than 2 m.
    OrderSwapped,
    /// One of at least three equal uploaded places while time goes on.
    FrozenReceiver,
    /// No adjusted place.
    NotComputed,
    /// Less than 1 mm.
    NoMove,
}

impl Flag {
    /// All flags, in the order in which reports list them.
    pub const ALL: [Self; 8] = [
        Self::Moved,
        Self::MovedFar,
        Self::Jump,
        Self::BadStretch,
        Self::OrderSwapped,
        Self::FrozenReceiver,
        Self::NotComputed,
        Self::NoMove,
    ];

    /// The word of the `flags` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Moved => "moved",
            Self::MovedFar => "moved_far",
            Self::Jump => "jump",
            Self::BadStretch => "bad_stretch",
            Self::OrderSwapped => "order_swapped",
            Self::FrozenReceiver => "frozen_receiver",
            Self::NotComputed => "not_computed",
            Self::NoMove => "no_move",
        }
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

    /// The flags of the set, in their order.
    pub fn iter(self) -> impl Iterator<Item = Flag> {
        Flag::ALL.into_iter().filter(move |&flag| self.has(flag))
    }
}
