//! The command line: ties the photos on your disk to the Mapillary images that they became.

fn main() {}
