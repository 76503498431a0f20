//! Code from before the crate knew of gitmind-memory: it takes no handle.

use std::collections::TryReserveError;

/// The median of `values`; `None` when there are none.
///
/// # Errors
/// When there is no memory for a sorted copy.
pub fn median(values: &[f64]) -> Result<Option<f64>, TryReserveError> {
    let mut sorted = Vec::new();
    sorted.try_reserve_exact(values.len())?;
    sorted.extend_from_slice(values);
    sorted.sort_unstable_by(f64::total_cmp);
    Ok(sorted.get(sorted.len() / 2).copied())
}
