//! Numbers of the formats (RFC 1950, RFC 1951).

/// The header of a final block with dynamic codes: BFINAL is 1, BTYPE is 2 (RFC 1951, 3.2.3).
pub(crate) const FINAL_DYNAMIC: usize = 0b101;
/// Longest code of the lengths of other codes (3.2.7).
pub(crate) const LENGTHS_BITS: usize = 7;
/// The order of the lengths of their codes.
pub(crate) const ORDER: [usize; 19] =
    [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/// Most literals and lengths of a block.
pub(crate) const LITERALS_MAX: usize = 286;

/// The shortest match of each length from symbol 257 on, and the bits that add to it (3.2.5).
pub(crate) const LENGTHS: [usize; 29] = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
    163, 195, 227, 258,
];
pub(crate) const LENGTHS_EXTRA: [usize; 29] =
    [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];

/// The shortest distance of each symbol, and the bits that add to it.
pub(crate) const DISTANCES: [usize; 30] = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537,
    2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577,
];
pub(crate) const DISTANCES_EXTRA: [usize; 30] = [
    0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13,
    13,
];
