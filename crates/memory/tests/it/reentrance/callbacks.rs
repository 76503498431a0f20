//! Where safe code is called while a container is being changed.

use std::cell::{Cell, RefCell};

use gitmind_memory::units::Bytes;
use gitmind_memory::{BudgetObserver, BudgetWarning, Budgeted, Gate, Gated, MemoryError, OpTag};

use super::subjects::Bottom;
use crate::watched::{Request, Watch, Watched};

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
pub(super) type Stack = Budgeted<Gated<Watched<Bottom, Calls>, Calls>, Calls>;

pub(super) fn stack(bottom: Bottom) -> Stack {
    let port = Watched { inner: bottom, watch: Calls };
    Budgeted::with_observer(Gated::with_gate(port, Calls), Bytes::from_mib(64), Calls)
}

impl Watch for Calls {
    const LOOKS: bool = false;

    fn request(&self, request: Request) {
        fire(match request {
            Request::Allocate => Callback::Allocate,
            Request::Deallocate => Callback::Deallocate,
            Request::Grow => Callback::Grow,
            Request::Shrink => Callback::Shrink,
            Request::Charge => Callback::Charge,
            Request::Refund => Callback::Refund,
        });
    }
}
