//! The contract suite on every adapter and every stack of two.

use super::ports;
use gitmind_memory::testing::contract;

#[test]
fn every_stack_keeps_the_contract() {
    let mut stacks = 0;
    ports::for_each_stack(|name, make| {
        stacks += 1;
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            contract::check(make);
        }));
        assert!(outcome.is_ok(), "the message above is about the stack: {name}");
    });
    let decorators = ports::DECORATORS.len();
    assert_eq!(stacks, 1 + decorators + decorators * decorators);
}
