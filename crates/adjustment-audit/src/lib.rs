//! Adjusted coordinates verified: shift, field, rigid fit, flags, per image and per sequence.
