//! Every adapter, and every stack of two of them, as boxed ports.

use gitmind_memory::units::Bytes;
use gitmind_memory::{
    Budgeted, Faulty, Port, ProcessAllocator, Reconciled, Schedule, System, Trace, Traced,
};

/// A boxed port.
pub(crate) type AnyPort = Box<dyn Port>;

/// A ledger that is not read; it is not the allocator of this process.
static LEDGER: ProcessAllocator = ProcessAllocator::new();

/// Puts an adapter on top of a port.
pub(crate) type Decorator = fn(AnyPort) -> AnyPort;

/// The decorators, with names for messages.
pub(crate) const DECORATORS: &[(&str, Decorator)] = &[
    ("traced, stamped", |inner| Box::new(Traced::new(inner, Trace::stamped()))),
    ("traced, sites", |inner| Box::new(Traced::new(inner, Trace::sites()))),
    ("traced, stamped, zeroizing", |inner| {
        Box::new(Traced::new(inner, Trace::stamped().zeroizing(true)))
    }),
    ("traced, sites, zeroizing", |inner| {
        Box::new(Traced::new(inner, Trace::sites().zeroizing(true)))
    }),
    ("budgeted", |inner| Box::new(Budgeted::new(inner, Bytes::from_mib(64)))),
    ("reconciled", |inner| Box::new(Reconciled::new(inner, &LEDGER))),
    ("faulty", |inner| Box::new(Faulty::new(inner, Schedule::NEVER))),
];

/// Calls `body` with a name and a maker for each adapter and each stack of two decorators.
pub(crate) fn for_each_stack(mut body: impl FnMut(&str, &dyn Fn() -> AnyPort)) {
    body("system", &|| Box::new(System::new()));
    for &(upper_name, upper) in DECORATORS {
        body(upper_name, &|| upper(Box::new(System::new())));
        for &(lower_name, lower) in DECORATORS {
            let name = format!("{upper_name} on {lower_name}");
            body(&name, &|| upper(lower(Box::new(System::new()))));
        }
    }
}
