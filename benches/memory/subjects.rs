//! What is measured: glibc through the global allocator, and stacks of ports.

use gitmind::context::operation;
use gitmind::context::{Memory, Toggles};
use gitmind::env::FixedEnvironment;
use gitmind::memory::{Alloc, Budgeted, OpStats, Port, Silent, System, Trace, Traced};
use gitmind::units::Bytes;
use std::sync::Arc;

/// A stack of ports with a name, and the account its handles are on.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    port: Box<dyn Port>,
    account: Option<OpStats>,
}

impl Subject {
    fn new(name: &'static str, port: impl Port + 'static) -> Self {
        Self { name, port: Box::new(port), account: None }
    }

    pub(crate) fn alloc(&self) -> Alloc<'_> {
        let alloc = Alloc::new(&*self.port);
        match &self.account {
            Some(account) => alloc.on_account_of(account),
            None => alloc,
        }
    }
}

/// The name of the yardstick: no port at all.
pub(crate) const GLIBC: &str = "glibc";

/// The handle on a port that adds nothing.
pub(crate) const BARE: &str = "bare handle";

/// The stack of a context with every toggle off, made by hand.
const LIMITED: &str = "budgeted";

/// The same made by the context.
pub(crate) const CONTEXT_OFF: &str = "context, tracing off";

/// The stack of a context that traces.
pub(crate) const CONTEXT_TRACED: &str = "context, tracing on";

/// The port that the kill switch leaves, made by hand.
pub(crate) const COUNTED: &str = "counted system";

pub(crate) const TRACED: &str = "traced";
pub(crate) const TRACED_BY_OP: &str = "traced, on an account";

/// Every stack but the context's, which is not a port of its own.
pub(crate) fn all() -> Vec<Subject> {
    let traced = || Traced::new(System::uncounted(), Trace::stamped());
    let by_op = Subject {
        account: Some(OpStats::new(operation::CACHE_REBUILD, 1)),
        ..Subject::new(TRACED_BY_OP, traced())
    };
    let mut subjects = vec![
        Subject::new(BARE, System::uncounted()),
        Subject::new(COUNTED, System::new()),
        Subject::new(LIMITED, limited()),
        Subject::new(TRACED, traced()),
        by_op,
    ];
    #[cfg(feature = "histogram")]
    subjects.push(Subject::new(
        "traced, histogram",
        Traced::new(System::uncounted(), Trace::stamped().histogram(true)),
    ));
    subjects.push(Subject::new(
        "traced, zeroizing",
        Traced::new(System::uncounted(), Trace::stamped().zeroizing(true)),
    ));
    subjects
}

/// The port that a context makes with every toggle off.
fn limited() -> impl Port {
    Budgeted::with_observer(System::uncounted(), Bytes::from_mib(256), Arc::new(Silent))
}

/// The variable of tracing.
pub(crate) const TRACE: &str = "GM_ALLOC_TRACE";

/// The memory of a context with every toggle off but `toggle`.
pub(crate) fn context(toggle: Option<&'static str>) -> Memory {
    let on = |toggle| FixedEnvironment::from([(toggle, "1")]);
    let env = toggle.map_or_else(FixedEnvironment::default, on);
    Memory::new(&Toggles::read(&env).expect("it is 0 or 1"), Bytes::from_mib(256))
}
