//! Every interleaving of threads that free blocks remotely and an owner that takes them back.
//!
//! Run with `RUSTFLAGS="--cfg gm_loom" cargo test --lib loom_tests`.

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use std::collections::BTreeSet;
use std::ptr::NonNull;
use std::sync::Mutex;

use super::{Link, RemoteFreeList};

/// A block: its link, and contents that loom watches for unordered accesses.
#[repr(C)]
struct Block {
    link: Link,
    contents: UnsafeCell<u32>,
}

/// What the owner does with a block that arrives: it counts it and uses it for something else.
fn receive(list: &RemoteFreeList) -> u32 {
    let contents = |block: NonNull<u8>| {
        // SAFETY: every block that is sent here is a `Block`, which `Shared` keeps.
        let block = unsafe { block.cast::<Block>().as_ref() };
        block.contents.with_mut(|contents| {
            // SAFETY: the block arrived, so nothing else accesses it; loom checks that.
            unsafe { std::mem::take(&mut *contents) }
        })
    };
    list.take().map(contents).sum()
}

struct Shared {
    list: RemoteFreeList,
    blocks: Vec<Box<Block>>,
}

// SAFETY: a block is accessed by the thread that sends it, and then by the one that takes it.
unsafe impl Sync for Shared {}
// SAFETY: as above.
unsafe impl Send for Shared {}

impl Shared {
    fn new(blocks: usize) -> Arc<Self> {
        let block = || Box::new(Block { link: 0, contents: UnsafeCell::new(0) });
        Arc::new(Self {
            list: RemoteFreeList::new(),
            blocks: (0..blocks).map(|_| block()).collect(),
        })
    }

    /// Writes `value` into a block, as dropping what was in it would, and frees it remotely.
    fn send(&self, block: usize, value: u32) {
        let block = &self.blocks[block];
        // SAFETY: the block has not been sent yet, so nothing else accesses it; loom checks that.
        block.contents.with_mut(|contents| unsafe { *contents = value });
        let start = NonNull::from(&**block).cast();
        // SAFETY: the block is live as long as `self`, and begins with an aligned link.
        unsafe { self.list.push(start) };
    }
}

#[test]
fn blocks_of_two_senders_arrive_once_each_and_with_their_contents() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    let arrived_early = std::sync::Arc::new(Mutex::new(BTreeSet::new()));
    let seen = std::sync::Arc::clone(&arrived_early);
    model.check(move || {
        let shared = Shared::new(3);
        let senders = [vec![(0, 1), (1, 10)], vec![(2, 100)]].map(|blocks| {
            let shared = Arc::clone(&shared);
            loom::thread::spawn(move || {
                for (block, value) in blocks {
                    shared.send(block, value);
                }
            })
        });
        // Without a yield the model has the owner look before anybody has sent.
        loom::thread::yield_now();
        let early = receive(&shared.list);
        seen.lock().expect("no holder panics").insert(early);
        senders.into_iter().for_each(|sender| sender.join().expect("the thread has no panic"));
        assert_eq!(early + receive(&shared.list), 111, "each block arrives once");
        assert_eq!(receive(&shared.list), 0, "nothing arrives twice");
    });
    let arrived_early = arrived_early.lock().expect("no holder panics");
    assert!(arrived_early.iter().eq(&[0, 1, 11, 100, 101, 111]), "{arrived_early:?}");
}

#[test]
fn a_block_that_arrived_can_be_sent_again_while_others_are_under_way() {
    loom::model(|| {
        let shared = Shared::new(2);
        shared.send(0, 1);
        let other = {
            let shared = Arc::clone(&shared);
            loom::thread::spawn(move || shared.send(1, 10))
        };
        loom::thread::yield_now();
        let first = receive(&shared.list);
        assert!(first == 1 || first == 11, "{first} arrived");
        shared.send(0, 100);
        other.join().expect("the thread has no panic");
        assert_eq!(first + receive(&shared.list), 111);
    });
}
