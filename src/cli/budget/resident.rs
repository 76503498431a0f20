//! The peak of the process's resident memory, as the kernel counts it.
//!
//! Source: proc_pid_status(5), proc_pid_clear_refs(5). Resident are pages: mapped files such as
//! packs count, heap that nobody has touched does not, and heap that malloc has kept from before
//! was resident already. So it is shown beside the accounts of the heap and gates nothing.

use crate::units::Bytes;

/// A high-water mark that was just reset.
pub(super) struct Resident {
    before: Option<Bytes>,
}

impl Resident {
    /// Resets the mark to what is resident now.
    pub(super) fn begin() -> Self {
        let is_reset = std::fs::write("/proc/self/clear_refs", "5").is_ok();
        Self { before: is_reset.then(high_water_mark).flatten() }
    }

    /// By how much the mark has risen; `None` where the kernel does not say.
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
    fn touched_pages_raise_the_mark_where_the_kernel_says() {
        let resident = Resident::begin();
        let pages = vec![1_u8; 32 << 20];
        let grown = resident.end();
        assert_eq!(std::hint::black_box(&pages)[1], 1);
        assert!(grown.is_none_or(|grown| grown >= Bytes::from_mib(30)), "{grown:?}");
    }
}
