//! Where safe code is called while a container is being changed.

use std::alloc::Layout;
use std::cell::{Cell, RefCell};
use std::ptr::NonNull;

use gitmind_memory::units::Bytes;
use gitmind_memory::{
    BudgetObserver, BudgetWarning, Budgeted, Diagnostics, Gate, Gated, MemoryError, OpTag, Port,
    PortId,
};

use super::subjects::Bottom;

/// Who calls back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Callback {
    Admit,
    Release,
    Observer,
    Allocate,
    Grow,
    Shrink,
    Deallocate,
    Charge,
    Refund,
    Destructor,
}

impl Callback {
    pub(super) const ALL: [Self; 10] = [
        Self::Admit,
        Self::Release,
        Self::Observer,
        Self::Allocate,
        Self::Grow,
        Self::Shrink,
        Self::Deallocate,
        Self::Charge,
        Self::Refund,
        Self::Destructor,
    ];
}

thread_local! {
    static ARMED: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
    /// Who is to call, after how many calls that pass.
    static WHEN: Cell<Option<(Callback, u32)>> = const { Cell::new(None) };
}

/// Has the call of `callback` after `passing` others run `run`, once.
pub(super) fn arm(callback: Callback, passing: u32, run: impl FnOnce() + 'static) {
    ARMED.with(|armed| *armed.borrow_mut() = Some(Box::new(run)));
    WHEN.set(Some((callback, passing)));
}

/// Whether what was armed has not run.
pub(super) fn disarm() -> bool {
    WHEN.set(None);
    ARMED.with(|armed| armed.borrow_mut().take()).is_some()
}

/// Called by each callback.
pub(super) fn fire(callback: Callback) {
    let Some((awaited, passing)) = WHEN.get().filter(|(awaited, _)| *awaited == callback) else {
        return;
    };
    WHEN.set(passing.checked_sub(1).map(|left| (awaited, left)));
    if passing == 0
        && let Some(run) = ARMED.with(|armed| armed.borrow_mut().take())
    {
        run();
    }
}

pub(super) struct Calls;

impl Gate for Calls {
    fn admit(&self, _: Bytes, _: OpTag<'_>) -> Result<(), MemoryError> {
        fire(Callback::Admit);
        Ok(())
    }

    fn refused(&self) -> u64 {
        0
    }

    fn release(&self, _: Bytes) {
        fire(Callback::Release);
    }
}

impl BudgetObserver for Calls {
    fn soft_limit_passed(&self, _: BudgetWarning) {
        fire(Callback::Observer);
    }
}

/// What each container takes from: everything in it calls back.
pub(super) type Stack = Budgeted<Gated<User, Calls>, Calls>;

pub(super) fn stack(bottom: Bottom) -> Stack {
    Budgeted::with_observer(Gated::with_gate(User(bottom), Calls), Bytes::from_mib(64), Calls)
}

/// A port outside.
pub(super) struct User(pub(super) Bottom);

// SAFETY: blocks are the inner port's; what a callback does has its own blocks.
unsafe impl Port for User {
    fn allocate(&self, layout: Layout, op: OpTag<'_>) -> Result<NonNull<u8>, MemoryError> {
        fire(Callback::Allocate);
        self.0.allocate(layout, op)
    }

    unsafe fn deallocate(&self, block: NonNull<u8>, layout: Layout, op: OpTag<'_>) {
        fire(Callback::Deallocate);
        // SAFETY: the caller's promises are passed on.
        unsafe { self.0.deallocate(block, layout, op) };
    }

    unsafe fn grow(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
        op: OpTag<'_>,
    ) -> Result<NonNull<u8>, MemoryError> {
        fire(Callback::Grow);
        // SAFETY: the caller's promises are passed on.
        unsafe { self.0.grow(block, old, new, op) }
    }

    unsafe fn shrink(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
        op: OpTag<'_>,
    ) -> Result<NonNull<u8>, MemoryError> {
        fire(Callback::Shrink);
        // SAFETY: the caller's promises are passed on.
        unsafe { self.0.shrink(block, old, new, op) }
    }

    fn charge(&self, bytes: Bytes, op: OpTag<'_>) -> Result<(), MemoryError> {
        fire(Callback::Charge);
        self.0.charge(bytes, op)
    }

    fn refund(&self, bytes: Bytes, op: OpTag<'_>) {
        fire(Callback::Refund);
        self.0.refund(bytes, op);
    }

    fn id(&self) -> PortId {
        self.0.id()
    }

    fn diagnostics(&self) -> Diagnostics {
        self.0.diagnostics()
    }
}
