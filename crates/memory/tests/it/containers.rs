//! Containers against those of std, with requests that fail on the way.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use gitmind_memory::{Alloc, Faulty, Map, Port, Schedule, Set, String, System, Trace, Traced, Vec};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};

type Memory = Faulty<Traced<System>>;

/// Runs 3000 steps with a random number each, of which about every third request fails; returns
/// how many did.
fn for_each_step(memory: &Memory, mut step: impl FnMut(u64)) -> u64 {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(22);
    let mut failed = 0;
    for _ in 0..3000 {
        let schedule = if random.next_u64() % 3 == 0 { Schedule::once(1) } else { Schedule::NEVER };
        memory.reset(schedule);
        step(random.next_u64());
        failed += memory.faults().failed;
    }
    failed
}

fn memory() -> Memory {
    Faulty::new(Traced::new(System::new(), Trace::stamped()), Schedule::NEVER)
}

#[test]
fn a_vec_is_that_of_std_whatever_fails() {
    let memory = memory();
    let alloc = Alloc::new(&memory);
    let (mut ours, mut model) = (Vec::new(alloc), std::vec::Vec::new());
    let failed = for_each_step(&memory, |random| {
        let (value, len) = (random % 5, model.len());
        let index = usize::try_from(random >> 32).expect("it has 32 bits") % (len + 1);
        match (random >> 8) % 12 {
            0..4 => {
                if ours.try_insert(index, value).is_ok() {
                    model.insert(index, value);
                }
            }
            4..6 => {
                let values = [value, index as u64, value];
                if ours.try_extend_from_slice(&values).is_ok() {
                    model.extend_from_slice(&values);
                }
            }
            6 => {
                let mut other = Vec::new(alloc);
                if other.try_push(value).is_ok() {
                    match ours.try_append(&mut other) {
                        Ok(()) => model.push(value),
                        Err(_) => assert_eq!(*other, [value], "it keeps its elements"),
                    }
                }
            }
            7 if index < len => assert_eq!(ours.remove(index), model.remove(index)),
            8 if index < len => assert_eq!(ours.swap_remove(index), model.swap_remove(index)),
            9 if random % 7 == 0 => {
                ours.retain(|held| *held != value);
                model.retain(|held| *held != value);
            }
            10 => {
                ours.dedup();
                model.dedup();
            }
            11 if random % 7 == 0 => assert!(ours.drain(index..).eq(model.drain(index..))),
            _ => assert_eq!(ours.pop(), model.pop()),
        }
        assert_eq!(*ours, *model);
    });
    assert!(failed > 2, "{failed} requests failed");
    assert!(ours.into_iter().eq(model));
}

#[test]
fn a_map_and_a_set_are_those_of_std_whatever_fails() {
    // When a table grows depends on the seeds of its hashes, which differ from run to run.
    let failed: u64 = (0..5).map(|_| compare_a_map_and_a_set(&memory())).sum();
    assert!(failed > 2, "{failed} requests failed");
}

/// Returns how many requests failed.
fn compare_a_map_and_a_set(memory: &Memory) -> u64 {
    let alloc = Alloc::new(memory);
    let (mut ours, mut model) = (Map::new(alloc), HashMap::new());
    let (mut keys, mut model_keys) = (Set::new(alloc), HashSet::new());
    let failed = for_each_step(memory, |random| {
        // The keys become more, so that tables grow at all times of the run.
        let (key, value) = ((random >> 32) % (8 + model.len() as u64 * 2), random % 100);
        match (random >> 8) % 8 {
            0..3 => match ours.try_insert(key, value) {
                Ok(before) => assert_eq!(before, model.insert(key, value)),
                Err(_) => assert!(!model.contains_key(&key), "an entry that is there needs none"),
            },
            3 => match ours.try_entry(key) {
                Ok(entry) => {
                    assert_eq!(*entry.key(), key);
                    let held = entry.and_modify(|held| *held += 1).or_insert(value);
                    assert_eq!(
                        held,
                        model.entry(key).and_modify(|held| *held += 1).or_insert(value)
                    );
                }
                Err(_) => assert!(!model.contains_key(&key), "an entry that is there needs none"),
            },
            4 => match keys.try_insert(key) {
                Ok(new) => assert_eq!(new, model_keys.insert(key)),
                Err(_) => assert!(!model_keys.contains(&key), "a value that is there needs none"),
            },
            5 if random % 5 == 0 => {
                assert_eq!(ours.remove(&key), model.remove(&key));
                assert_eq!(keys.remove(&key), model_keys.remove(&key));
            }
            6 if random % 97 == 0 => {
                ours.retain(|held, _| held % 3 != key % 3);
                model.retain(|held, _| held % 3 != key % 3);
                keys.retain(|held| held % 3 != key % 3);
                model_keys.retain(|held| held % 3 != key % 3);
            }
            _ => {
                ours.iter_mut().for_each(|(held, value)| *value += held);
                model.iter_mut().for_each(|(held, value)| *value += held);
                assert_eq!(ours.get_mut(&key), model.get_mut(&key));
            }
        }
        assert_eq!(ours.contains_key(&key), model.contains_key(&key));
        assert_eq!(keys.contains(&key), model_keys.contains(&key));
        assert_eq!((ours.len(), keys.len()), (model.len(), model_keys.len()));
        // The whole is compared at some steps: it takes a hundred times as long as a step.
        if (random >> 16) % 16 == 0 {
            assert!(ours.keys().all(|key| ours.get(key) == model.get(key)));
            assert_eq!(ours.values().sum::<u64>(), model.values().sum::<u64>());
        }
    });
    assert!(keys.iter().all(|key| model_keys.contains(key)));
    assert_eq!(keys.into_iter().collect::<HashSet<_>>(), model_keys);
    assert_eq!(ours.into_iter().collect::<HashMap<_, _>>(), model);
    failed
}

#[test]
fn what_is_there_can_be_set_in_a_full_map() {
    let memory = memory();
    let mut map = Map::new(Alloc::new(&memory));
    map.try_insert(0, 0).expect("nothing fails");
    memory.reset(Schedule::forever(1));
    let full = (1..).find(|key| map.try_insert(*key, 0).is_err()).expect("the table is bounded");
    for key in 0..full {
        assert_eq!(map.try_insert(key, 1), Ok(Some(0)));
        assert_eq!(map.try_get_or_insert_with(key, || 2), Ok(&mut 1));
        assert_eq!(map.try_entry(key).map(|entry| *entry.or_insert(2)), Ok(1));
    }
}

#[test]
fn a_string_is_that_of_std_whatever_fails() {
    let memory = memory();
    let (mut ours, mut model) = (String::new(Alloc::new(&memory)), std::string::String::new());
    let failed = for_each_step(&memory, |random| {
        let text =
            ["", "a", "\u{e9}", "\u{1f980} crab"][usize::try_from(random % 4).expect("small")];
        match (random >> 8) % 50 {
            0 => {
                ours = String::new(Alloc::new(&memory));
                model.clear();
            }
            1..13 if ours.try_push_str(text).is_ok() => model.push_str(text),
            13..25 if ours.try_push('\u{e9}').is_ok() => model.push('\u{e9}'),
            25.. if write!(ours, "{text}").is_ok() => model.push_str(text),
            _ => {}
        }
        assert_eq!(*ours, *model);
    });
    assert!(failed > 2, "{failed} requests failed");
    assert_eq!((ours.to_string(), format!("{ours:?}")), (model.clone(), format!("{model:?}")));
}

/// Unwinds when it is dropped, if it says so.
struct Loud(bool);

impl Drop for Loud {
    fn drop(&mut self) {
        assert!(!self.0, "the destructor unwinds");
    }
}

#[test]
fn containers_give_their_block_back_when_a_value_unwinds_in_its_destructor() {
    type Ending = fn(Map<'_, u8, Loud>);
    let endings: [Ending; 3] =
        [|map| drop(map), |map| drop(map.into_iter()), |map| drop(map.into_iter().nth(2))];
    for ending in endings {
        let memory = memory();
        let mut map = Map::new(Alloc::new(&memory));
        for key in 0..10 {
            map.try_insert(key, Loud(key == 5)).expect("nothing fails");
        }
        assert!(catch_unwind(AssertUnwindSafe(|| ending(map))).is_err());
        assert_eq!(memory.diagnostics().blocks_outstanding, 0);
    }
}
