//! Growth of the process's peak resident memory, from the kernel.
//!
//! Source: proc_pid_status(5), proc_pid_clear_refs(5). Resident memory counts pages: those of
//! mapped files such as packs are included, heap pages that were never written to are not, and
//! pages that malloc kept from before were resident already. So the figure is informative and no
//! gate.

use crate::units::Bytes;

/// A high-water mark that was reset at the start of an operation.
pub(super) struct Resident {
    before: Option<Bytes>,
}

impl Resident {
    /// Resets the high-water mark to the present resident memory.
    pub(super) fn begin() -> Self {
        let is_reset = std::fs::write("/proc/self/clear_refs", "5").is_ok();
        Self { before: is_reset.then(high_water_mark).flatten() }
    }

    /// How much the high-water mark has risen; `None` where the kernel does not report it.
    pub(super) fn end(self) -> Option<Bytes> {
        let (before, after) = (self.before?, high_water_mark()?);
        Some(Bytes::new(after.get().saturating_sub(before.get())))
    }
}

fn high_water_mark() -> Option<Bytes> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib = line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?;
    Some(Bytes::new(kib.checked_mul(1 << 10)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_pages_raise_the_high_water_mark_where_the_kernel_reports_it() {
        let resident = Resident::begin();
        let pages = vec![1_u8; 32 << 20];
        let grown = resident.end();
        assert_eq!(std::hint::black_box(&pages)[1], 1);
        assert!(grown.is_none_or(|grown| grown >= Bytes::from_mib(30)), "{grown:?}");
    }
}
