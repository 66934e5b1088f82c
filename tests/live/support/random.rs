//! Random numbers that a seed reproduces.

/// xorshift.
pub struct Random(u64);

impl Random {
    /// The `stream`th series of numbers of `seed`.
    pub fn new(seed: u64, stream: u64) -> Self {
        Self(
            seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
                ^ stream.wrapping_mul(0xd134_2543_de82_ef95),
        )
    }

    /// A number from 0 to below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }
}
