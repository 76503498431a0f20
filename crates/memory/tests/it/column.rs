//! Columns: what they hold, what they take, and what a limit does to them.

use gitmind_memory::units::Bytes;
use gitmind_memory::{
    Alloc, Arena, ArenaColumn, Budgeted, Column, ErrorKind, Port, System, Trace, Traced,
};
use proptest::prelude::*;

proptest! {
    #[test]
    fn a_column_reads_as_the_array_that_was_pushed(
        len in 0..40_000_usize,
        at in any::<[prop::sample::Index; 3]>(),
    ) {
        let system = System::new();
        let mut column = Column::new(Alloc::new(&system));
        let model: Vec<u64> = (0..len as u64).map(|number| number * 3).collect();
        for number in &model {
            column.try_push(*number).expect("there is memory");
        }
        prop_assert_eq!((column.len(), column.is_empty()), (len, len == 0));
        let view = column.view();
        prop_assert!(view.iter().eq(&model));
        prop_assert_eq!(view.iter().len(), len);
        let [mut start, mut end, index] = at.map(|at| at.index(len + 1));
        (start, end) = (start.min(end), start.max(end));
        prop_assert!(view.range(start..end).eq(&model[start..end]));
        prop_assert_eq!(model.get(index), (index < len).then(|| view.at(index)));
        let copied = column.get_mut(index).map(|number| *number);
        prop_assert_eq!(copied, model.get(index).copied());
        drop(column);
        prop_assert_eq!(system.diagnostics().bytes_outstanding, Bytes::ZERO);
    }
}

#[test]
#[should_panic(expected = "index 3 is behind the end of 3 elements")]
fn an_index_behind_the_end_panics_and_says_so() {
    let system = System::new();
    let mut column = Column::new(Alloc::new(&system));
    (0..3_u8).for_each(|value| column.try_push(value).expect("there is memory"));
    let _ = column[3];
}

#[test]
#[should_panic(expected = "2..4 of 3 elements")]
fn a_range_behind_the_end_panics_and_says_so() {
    let system = System::new();
    let mut column = Column::new(Alloc::new(&system));
    (0..3_u8).for_each(|value| column.try_push(value).expect("there is memory"));
    let _ = column.view().range(2..4);
}

#[test]
fn growth_moves_no_element_and_takes_at_most_a_segment_too_much() {
    let system = System::new();
    let mut column = Column::new(Alloc::new(&system));
    let mut places = vec![];
    for number in 0..100_000_u32 {
        column.try_push(number).expect("there is memory");
        places.push(std::ptr::from_ref(column.view().at(number as usize)));
        let bytes = system.diagnostics().bytes_outstanding.get();
        let used = 4 * (u64::from(number) + 1);
        // The directory of the segments takes a little beside them.
        assert!(bytes <= used + used.clamp(4 << 10, 64 << 10) + 1024, "{bytes} for {used}");
    }
    for (index, place) in places.into_iter().enumerate() {
        assert_eq!(std::ptr::from_ref(column.view().at(index)), place, "element {index} moved");
    }
}

#[test]
fn one_column_can_use_99_percent_of_a_cap_of_64_mib() {
    for hint in [Bytes::ZERO, Bytes::from_mib(8)] {
        let budget = Budgeted::new(System::new(), Bytes::from_mib(65));
        let cap = Bytes::from_mib(64);
        let arena = Arena::begin(Alloc::new(&budget), hint, cap).with_large_objects_in_blocks();
        let mut column = ArenaColumn::new(&arena);
        let error = (0_u32..).find_map(|number| column.try_push(number).err()).expect("a cap");
        assert_eq!((error.kind(), error.limit()), (ErrorKind::OverCap, cap));
        let used = 4 * column.len() as u64;
        assert!(used * 100 >= cap.get() * 99, "{used} bytes with a hint of {hint}");
        assert_eq!(arena.stats().objects_dedicated, 0);
        assert!(column.view().iter().zip(0..).all(|(number, index)| *number == index));
        assert!(budget.peak() <= cap);
    }
}

#[test]
fn a_failed_push_leaves_the_column_as_it_was() {
    let budget = Budgeted::new(System::new(), Bytes::new(5000));
    let traced = Traced::new(budget, Trace::sites());
    let mut column = Column::new(Alloc::new(&traced));
    let error = (0_u32..).find_map(|number| column.try_push(number).err()).expect("a limit");
    assert_eq!(error.kind(), ErrorKind::OverBudget);
    assert_eq!(column.len(), 1024, "the first segment is a page");
    assert_eq!(column.try_push(7).expect_err("the same limit").kind(), ErrorKind::OverBudget);
    assert!(column.view().iter().copied().eq(0..1024));
}

#[cfg(feature = "testing")]
mod failures {
    use super::*;
    use gitmind_memory::testing::{assert_no_leaks, sweep};
    use gitmind_memory::{MemoryError, Pooling, Zeroing};

    /// Columns of three kinds of elements that grow together.
    fn grow_together(alloc: Alloc<'_>, pooling: Pooling) -> Result<usize, MemoryError> {
        let (hint, cap) = (Bytes::new(4096), Bytes::from_mib(4));
        let arena =
            Arena::with(alloc, hint, cap, pooling, Zeroing::On).with_large_objects_in_blocks();
        let mut on_the_handle = Column::new(alloc);
        let (mut small, mut large) = (ArenaColumn::new(&arena), ArenaColumn::new(&arena));
        for number in 0..5000_u16 {
            on_the_handle.try_push(number)?;
            small.try_push(u32::from(number))?;
            large.try_push([number; 30])?;
        }
        let is_whole = (0..5000).all(|index| {
            let number = on_the_handle[usize::from(index)];
            (number, small[usize::from(index)], large[usize::from(index)][29])
                == (index, index.into(), index)
        });
        assert!(is_whole, "each column has its own elements");
        Ok(small.len())
    }

    #[test]
    fn each_failure_is_returned_and_leaks_nothing() {
        for pooling in [Pooling::On, Pooling::Off] {
            sweep(|alloc| grow_together(alloc, pooling)).assert_propagated();
            assert_no_leaks(|alloc| grow_together(alloc, pooling)).expect("there is memory");
        }
    }
}
