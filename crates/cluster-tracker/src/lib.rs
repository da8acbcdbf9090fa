//! Plan B: what became of an upload, by its cluster id: stages, errors, sequence.
