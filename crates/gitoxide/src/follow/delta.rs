//! Applying a delta, whose instructions build an object from parts of another one
//! (`git help gitformat-pack`).

use gitmind_memory::{MemoryError, Vec};

/// Appends the object that `delta` makes of `base` to `bytes`; `false` when the delta is damaged,
/// is of another base or makes more than `bytes_max`. All instructions are checked before any
/// memory is taken.
///
/// # Errors
/// [`MemoryError`] when an allocation fails.
pub(super) fn apply<'p>(
    base: &'p [u8],
    mut delta: &'p [u8],
    bytes_max: usize,
    bytes: &mut Vec<'_, u8>,
) -> Result<bool, MemoryError> {
    let sizes = (size(&mut delta), size(&mut delta));
    let (Some(base_size), Some(result_size)) = sizes else { return Ok(false) };
    if base_size != base.len() || result_size > bytes_max {
        return Ok(false);
    }
    let (mut rest, mut total) = (delta, 0_usize);
    while !rest.is_empty() {
        let Some(part) = part(base, &mut rest) else { return Ok(false) };
        total = total.saturating_add(part.len());
    }
    if total != result_size {
        return Ok(false);
    }
    bytes.try_reserve(result_size)?;
    while let Some(part) = part(base, &mut delta) {
        bytes.try_extend_from_slice(part)?;
    }
    Ok(true)
}

/// Takes a size, seven bits a byte, the lowest first.
fn size(delta: &mut &[u8]) -> Option<usize> {
    let mut size = 0;
    for shift in (0..usize::BITS).step_by(7) {
        let byte = take(delta)?;
        let bits = usize::from(byte & 0x7f);
        size |= bits.checked_shl(shift).filter(|shifted| shifted >> shift == bits)?;
        if byte & 0x80 == 0 {
            return Some(size);
        }
    }
    None
}

/// Takes an instruction; returns the bytes that it adds to the result. `None` when it is damaged
/// or there is none.
fn part<'p>(base: &'p [u8], delta: &mut &'p [u8]) -> Option<&'p [u8]> {
    let instruction = take(delta)?;
    if instruction & 0x80 == 0 {
        // Zero is reserved.
        return match instruction {
            0 => None,
            len => delta.split_off(..usize::from(len)),
        };
    }
    let mut number = |first: u32, bytes: u32| {
        (0..bytes).try_fold(0_usize, |number, byte| {
            let is_present = instruction >> (first + byte) & 1 == 1;
            let byte_value = if is_present { usize::from(take(delta)?) } else { 0 };
            Some(number | byte_value << (8 * byte))
        })
    };
    let (offset, len) = (number(0, 4)?, number(4, 3)?);
    let len = if len == 0 { 1 << 16 } else { len };
    base.get(offset..)?.get(..len)
}

fn take(delta: &mut &[u8]) -> Option<u8> {
    delta.split_off_first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use gitmind_memory::{Alloc, System};
    use proptest::prelude::*;

    /// An instruction: a copy from the base at an offset, or bytes.
    #[derive(Clone, Debug)]
    enum Instruction {
        Copy(usize, usize),
        Insert(std::vec::Vec<u8>),
    }

    fn number(mut number: usize) -> std::vec::Vec<u8> {
        let mut bytes = vec![];
        while number > 0x7f {
            bytes.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        bytes.push(number.to_le_bytes()[0]);
        bytes
    }

    fn encoded(sizes: [usize; 2], instructions: &[Instruction]) -> std::vec::Vec<u8> {
        let mut delta = sizes.map(number).concat();
        for instruction in instructions {
            match instruction {
                Instruction::Insert(bytes) => {
                    delta.push(u8::try_from(bytes.len()).expect("at most 127"));
                    delta.extend(bytes);
                }
                Instruction::Copy(offset, len) => {
                    // A length of 64 KiB is that of no bytes.
                    let len = if *len == 1 << 16 { 0 } else { *len };
                    let numbers = [&offset.to_le_bytes()[..4], &len.to_le_bytes()[..3]].concat();
                    let present = (0..7).filter(|bit| numbers[*bit] != 0);
                    delta.push(present.clone().fold(0x80, |flags, bit| flags | 1 << bit));
                    delta.extend(present.map(|bit| numbers[bit]));
                }
            }
        }
        delta
    }

    /// What the delta makes of `base` behind other bytes; `None` when it is declined.
    fn applied(base: &[u8], delta: &[u8], bytes_max: usize) -> Option<std::vec::Vec<u8>> {
        let system = System::new();
        let mut bytes = Vec::new(Alloc::new(&system));
        bytes.try_push(7).expect("there is memory");
        let is_applied = apply(base, delta, bytes_max, &mut bytes).expect("there is memory");
        assert!(is_applied || bytes.len() == 1, "nothing is added by a delta that is declined");
        is_applied.then(|| bytes[1..].to_vec())
    }

    fn instruction() -> impl Strategy<Value = Instruction> {
        prop_oneof![
            (0..200_000_usize, prop_oneof![1..70_000_usize, Just(1 << 16)])
                .prop_map(|(offset, len)| Instruction::Copy(offset, len)),
            prop::collection::vec(any::<u8>(), 1..128).prop_map(Instruction::Insert),
        ]
    }

    proptest! {
        #[test]
        fn a_delta_makes_what_its_instructions_name_or_is_declined(
            instructions in prop::collection::vec(instruction(), 0..6),
        ) {
            let base: std::vec::Vec<u8> = (0..=250).cycle().take(140_000).collect();
            let parts = instructions.iter().map(|instruction| match instruction {
                Instruction::Copy(offset, len) => base.get(*offset..offset + len),
                Instruction::Insert(bytes) => Some(&bytes[..]),
            });
            let parts: Option<std::vec::Vec<_>> = parts.collect();
            let expected = parts.map(|parts| parts.concat());
            let len = expected.as_ref().map_or(100, std::vec::Vec::len);
            let delta = encoded([base.len(), len], &instructions);
            prop_assert!(applied(&base, &delta, len) == expected);
            prop_assert!(applied(&base[1..], &delta, len).is_none(), "of another base");
            let longer = encoded([base.len(), len + 1], &instructions);
            prop_assert!(applied(&base, &longer, len + 1).is_none(), "it makes less");
            if len > 0 {
                prop_assert!(applied(&base, &delta, len - 1).is_none(), "over the limit");
                let shorter = encoded([base.len(), len - 1], &instructions);
                prop_assert!(applied(&base, &shorter, len).is_none(), "it makes more");
                let cut = &delta[..delta.len() - 1];
                prop_assert!(applied(&base, cut, len).is_none(), "it ends early");
            }
        }

        #[test]
        fn any_bytes_are_applied_or_declined(delta in prop::collection::vec(any::<u8>(), 0..40)) {
            let made = applied(b"0123456789", &delta, 1 << 20);
            prop_assert!(made.is_none_or(|made| made.len() <= 1 << 20));
        }
    }

    #[test]
    fn sizes_that_do_not_fit_and_the_reserved_instruction_are_declined() {
        let huge = [[0xff; 9].as_slice(), &[0x01]].concat();
        for (delta, about) in [
            (&[][..], "nothing"),
            (&[0x80], "a size that does not end"),
            (&[[0xff; 9].as_slice(), &[0x02, 0]].concat(), "a size of 65 bits"),
            (&[&huge, &[0][..]].concat(), "a base of all memory"),
            (&[&[2][..], &huge].concat(), "a result of all memory"),
            (&[2, 1, 0], "the reserved instruction"),
            (&[2, 1, 1, b'x', 0], "the reserved instruction at the end"),
        ] {
            assert_eq!(applied(b"ab", delta, usize::MAX), None, "{about}");
        }
        assert_eq!(applied(b"ab", &[2, 3, 0x90, 2, 1, b'x'], 3), Some(b"abx".to_vec()));
    }
}
