//! What the official uploader would have made of a track: grouping, spreads, splits, drops, rounding, by version.
