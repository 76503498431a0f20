//! Each mistake in the attribute's arguments is named, with what is right.

use gitmind::memory::Alloc;

#[gitmind::memory::test(peek = "1 KiB", crate = gitmind::memory)]
fn an_unknown_argument(_: Alloc<'_>) {}

#[gitmind::memory::test(peak = 1024, crate = gitmind::memory)]
fn a_size_without_a_unit(_: Alloc<'_>) {}

#[gitmind::memory::test(peak = "1 kB", crate = gitmind::memory)]
fn an_unknown_unit(_: Alloc<'_>) {}

#[gitmind::memory::test(leaks = "0", crate = gitmind::memory)]
fn a_number_in_quotes(_: Alloc<'_>) {}

#[gitmind::memory::test(sweep = true, crate = gitmind::memory)]
fn a_value_too_many(_: Alloc<'_>) {}

#[gitmind::memory::test(leaks = 0, leaks = 1, crate = gitmind::memory)]
fn an_argument_twice(_: Alloc<'_>) {}

#[gitmind::memory::test(crate = gitmind::memory)]
fn generic<T>(_: Alloc<'_>) {}

#[gitmind::memory::test(crate = gitmind::memory)]
struct NotAFunction;

fn main() {}
