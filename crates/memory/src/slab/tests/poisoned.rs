//! What AddressSanitizer is told about slots.

use std::alloc::Layout;
use std::process::Command;
use std::ptr::NonNull;

use allocator_api2::alloc::Allocator;

use super::Slab;
use crate::poison::is_poisoned;
use crate::slab::superblock::{RESERVED_BYTES, header_address};
use crate::{Alloc, System};

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 8).expect("small")
}

/// The bytes of a slot that may be accessed, as offsets.
fn accessible(start: NonNull<u8>, slot_bytes: usize) -> Vec<usize> {
    let start = start.addr().get();
    (0..slot_bytes).filter(|offset| !is_poisoned(start + offset)).collect()
}

#[test]
fn only_the_bytes_that_were_asked_for_are_accessible() {
    let system = System::new();
    let slab = Slab::new(Alloc::new(&system));
    let slab = &slab;
    for (size, slot_bytes) in [(1, 32), (24, 32), (33, 64), (100, 128), (129, 256), (256, 256)] {
        let block = slab.allocate(layout(size)).expect("there is memory").cast();
        assert!(accessible(block, slot_bytes).into_iter().eq(0..size), "{size}");
        // SAFETY: the block is live with this layout.
        unsafe { slab.deallocate(block, layout(size)) };
        assert_eq!(accessible(block, slot_bytes), [0; 0], "{size} was freed");
    }
}

#[test]
fn resizing_in_place_moves_the_end() {
    let system = System::new();
    let slab = Slab::new(Alloc::new(&system));
    let slab = &slab;
    let block = slab.allocate(layout(140)).expect("there is memory").cast();
    // SAFETY: the block is live with this layout, and the new one is larger.
    let grown = unsafe { slab.grow(block, layout(140), layout(250)) };
    assert_eq!(grown.expect("it is in place").cast(), block);
    assert!(accessible(block, 256).into_iter().eq(0..250));
    // SAFETY: the block is live with this layout, and the new one is smaller.
    let shrunk = unsafe { slab.shrink(block, layout(250), layout(131)) };
    assert_eq!(shrunk.expect("it is in place").cast(), block);
    assert!(accessible(block, 256).into_iter().eq(0..131));
    // SAFETY: the block is live with this layout.
    unsafe { slab.deallocate(block, layout(131)) };
}

#[test]
fn of_a_block_on_its_way_home_only_the_link_is_accessible() {
    let system = System::new();
    let slab = Slab::new(Alloc::new(&system));
    let value = slab.try_box([1_u8; 40]).expect("there is memory");
    let start = NonNull::from(&*value).cast();
    std::thread::scope(|scope| {
        scope.spawn(move || drop(value));
    });
    assert!(accessible(start, 64).into_iter().eq(0..8));
    slab.pool.collect();
    assert_eq!(accessible(start, 64), [0; 0]);
}

#[test]
fn a_superblock_without_blocks_is_its_header() {
    let system = System::new();
    let slab = Slab::new(Alloc::new(&system));
    let slab = &slab;
    let block: NonNull<u8> = slab.allocate(layout(64)).expect("there is memory").cast();
    // SAFETY: the block is live with this layout.
    unsafe { slab.deallocate(block, layout(64)) };
    let start = block.addr().get() & !0xffff;
    let header = header_address(start) - start;
    let start = NonNull::new(std::ptr::without_provenance_mut(start)).expect("a region is there");
    assert!(accessible(start, 1 << 16).into_iter().eq(header..header + RESERVED_BYTES));
}

/// Names this test's program, when it runs itself to be killed.
const FAULT: &str = "GM_TEST_SLAB_FAULT";

#[test]
fn a_use_after_free_inside_a_superblock_ends_the_program() {
    let system = System::new();
    let slab = Slab::new(Alloc::new(&system));
    let slab = &slab;
    let other = slab.allocate(layout(40)).expect("the superblock stays in use");
    let block: NonNull<u8> = slab.allocate(layout(40)).expect("there is memory").cast();
    // SAFETY: the block is live with this layout.
    unsafe { slab.deallocate(block, layout(40)) };
    if std::env::var_os(FAULT).is_some() {
        // SAFETY: none, this is the fault.
        std::hint::black_box(unsafe { block.read_volatile() });
    } else {
        let name = "slab::tests::poisoned::a_use_after_free_inside_a_superblock_ends_the_program";
        let own = std::env::current_exe().expect("a running program has a file");
        let child = Command::new(own).args(["--exact", name]).env(FAULT, "1").output();
        let child = child.expect("it can be run again");
        let said = String::from_utf8_lossy(&child.stderr);
        assert!(!child.status.success() && said.contains("use-after-poison"), "{said}");
    }
    // SAFETY: the block is live with this layout.
    unsafe { slab.deallocate(other.cast(), layout(40)) };
}
