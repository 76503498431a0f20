//! The memory layer: where bytes come from and who counts them.
