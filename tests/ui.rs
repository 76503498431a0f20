//! Programs that must not compile: what the types of the memory layer rule out.
//!
//! A binary of its own, because the first run checks every dependency again.

#[test]
fn misuse_of_memory_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
