//! Seeded streets, rides, cameras with faults; their photos, their published counterpart, the truth.
