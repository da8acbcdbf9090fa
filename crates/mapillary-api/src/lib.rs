//! The documented API v4 with types: tiles, ids of a sequence, images by id, by sequence, by user; the meaning of failures.
