//! Coverage vector tiles become image points and sequences, under caps; and the encoder that the simulator needs.
