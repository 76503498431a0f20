//! Bounds of a shard, and what must hold of its parts between any two calls.

use std::collections::BTreeMap;

use super::*;
use crate::port::Port;
use crate::system::System;

fn hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(7, |hash: u32, byte| hash.wrapping_mul(31).wrapping_add((*byte).into()))
}

fn shard(system: &System) -> Shard<'_> {
    Shard::new(Alloc::new(system), Pooling::On, Zeroing::Off)
}

fn acquire(shard: &mut Shard<'_>, bytes: &[u8]) -> Result<Key, MemoryError> {
    shard.acquire(bytes, hash(bytes))
}

#[test]
fn one_hold_more_than_can_be_counted_is_an_error() {
    let system = System::new();
    let mut shard = shard(&system);
    let key = acquire(&mut shard, b"a").expect("there is memory");
    shard.store.header_mut(0).refs = u32::MAX - 1;
    assert!(shard.retain(key).is_ok());
    assert!(matches!(shard.retain(key), Err(Failure::TooManyRefs)));
    let error = acquire(&mut shard, b"a").expect_err("it is held too often");
    assert_eq!(error.kind(), ErrorKind::OverCap);
    assert_eq!(shard.store.header(0).refs, u32::MAX, "nothing has changed");
}

#[test]
fn a_string_of_16_mib_is_over_the_cap_and_one_byte_less_is_not() {
    let system = System::new();
    let mut shard = shard(&system);
    let long = vec![7; LEN_MAX + 1];
    let before = system.diagnostics();
    assert_eq!(acquire(&mut shard, &long).expect_err("long").kind(), ErrorKind::OverCap);
    assert_eq!(system.diagnostics(), before, "it asked for nothing");
    let key = acquire(&mut shard, &long[1..]).expect("there is memory");
    assert!(shard.resolve(key).is_ok_and(|bytes| bytes == &long[1..]));
}

#[test]
fn a_shard_without_an_index_left_is_over_its_cap() {
    let system = System::new();
    let mut shard = shard(&system);
    shard.base = (1 << INDEX_BITS) - 1;
    let key = acquire(&mut shard, b"a").expect("the last index");
    assert_eq!(acquire(&mut shard, b"b").expect_err("no index").kind(), ErrorKind::OverCap);
    assert!(shard.resolve(key).is_ok_and(|bytes| bytes == b"a"));
}

#[test]
fn a_slot_retires_after_255_lives_and_a_trim_goes_on_behind_it() {
    let system = System::new();
    let mut shard = shard(&system);
    let mut keys = std::collections::BTreeSet::new();
    for life in 1..=600_u32 {
        let key = acquire(&mut shard, b"a").expect("there is memory");
        assert_eq!(key, ((life - 1) / 255, (life - 1) % 255 + 1));
        assert!(keys.insert(key), "{key:?} came twice");
        assert!(shard.release(key).is_ok());
    }
    shard.trim().expect("a trim of nothing asks for nothing");
    assert_eq!(system.diagnostics().bytes_outstanding.get(), 0);
    let key = acquire(&mut shard, b"a").expect("there is memory");
    assert!(keys.insert(key), "{key:?} came twice");
}

/// Walks the index and the slots, and compares what each says of the same string.
fn check(shard: &Shard<'_>, held: &BTreeMap<Key, std::vec::Vec<u8>>) {
    assert_eq!(shard.index.len(), held.len(), "the index has the strings that are held");
    for &place in &shard.index {
        let header = shard.store.header(place);
        assert!(header.refs > 0, "a string in the index is held");
        assert_eq!(
            shard.slots[header.at as usize].place(),
            Some(place),
            "its slot knows its place"
        );
        let key = (shard.base + header.at, header.generation());
        let bytes = held.get(&key).expect("only what is held is in the index");
        assert!(shard.store.is(place, hash(bytes), bytes), "its place has its bytes");
    }
    for (key, bytes) in held {
        assert!(shard.resolve(*key).is_ok_and(|found| found == bytes), "{key:?}");
    }
}

#[test]
fn index_slots_and_headers_agree_while_holes_come_and_are_closed() {
    for pooling in [Pooling::On, Pooling::Off] {
        let system = System::new();
        let mut shard = Shard::new(Alloc::new(&system), pooling, Zeroing::Off);
        let mut held = BTreeMap::new();
        for step in 0..3000_usize {
            // More come than go, then more go than come, again and again.
            let comes = step * 7919 % 100 < if step / 300 % 2 == 0 { 80 } else { 20 };
            let victim = held.keys().nth(step * 31 % held.len().max(1)).copied();
            match victim {
                Some(key) if !comes => {
                    held.remove(&key);
                    assert!(shard.release(key).is_ok(), "{key:?} was held");
                }
                _ => {
                    let bytes = step.to_string().repeat(1 + step % 13).into_bytes();
                    let key = acquire(&mut shard, &bytes).expect("there is memory");
                    assert!(held.insert(key, bytes).is_none(), "{key:?} names two strings");
                }
            }
            if step % 500 == 499 {
                shard.trim().expect("there is memory");
            }
            if step % 10 == 0 {
                check(&shard, &held);
            }
        }
    }
}
