//! The reports of a comparison, as people read them.

use gitmind_profile::{Comparison, Recording, Tolerance};

use crate::comparison::of_sites;
use crate::model;

/// A comparison in which sites grew, shrank, came and went.
fn comparison(sites_max: usize) -> Comparison {
    let base = of_sites(&[(1, 1 << 20), (2, 4096), (3, 512), (4, 100), (7, 77)])
        .with_label("revision", "1a");
    let now = of_sites(&[(1, (1 << 20) + 4096), (2, 1024), (4, 100), (5, 70_000), (7, 78)]);
    let base = base.baseline(sites_max);
    Comparison::between(&base, &now, Tolerance::permille(15))
        .expect("they have the same conditions")
}

#[test]
fn the_text_names_each_site_with_its_line() {
    assert_eq!(
        comparison(usize::MAX).to_string(),
        "\
revision: 1a -> 1a2b
run: peak 1,053,361 B (1.0 MiB) -> 1,123,874 B (1.0 MiB), +70,513 B (+6.69 %), above the \
         tolerance of 1.5 %
  came    +70,000 B  0 B -> 70,000 B in 1 block                        kept::Of::grow at \
         crates/mine/src/f5.rs:7
  grew     +4,096 B  1,048,576 B in 1 block -> 1,052,672 B in 1 block  mine::read at \
         crates/mine/src/f1.rs:7
  shrank   -3,072 B  4,096 B in 1 block -> 1,024 B in 1 block          mine::Reader::next at \
         crates/mine/src/f2.rs:7
  went       -512 B  512 B in 1 block -> 0 B                           mine::plan::Plan::push \
         at crates/mine/src/f3.rs:7
  grew         +1 B  77 B in 1 block -> 78 B in 1 block                mine::fill by hand at \
         crates/mine/src/f7.rs:7
"
    );
}

#[test]
fn a_short_base_says_what_it_does_not_know() {
    assert_eq!(
        comparison(2).to_string(),
        "\
revision: 1a -> 1a2b
run: peak 1,053,361 B (1.0 MiB) -> 1,123,874 B (1.0 MiB), +70,513 B (+6.69 %), above the \
         tolerance of 1.5 %
  grew    >= 69,311 B  at most 689 B -> 70,000 B in 1 block              kept::Of::grow at \
         crates/mine/src/f5.rs:7
  grew       +4,096 B  1,048,576 B in 1 block -> 1,052,672 B in 1 block  mine::read at \
         crates/mine/src/f1.rs:7
  shrank     -3,072 B  4,096 B in 1 block -> 1,024 B in 1 block          mine::Reader::next at \
         crates/mine/src/f2.rs:7
  +69,489 B in call sites that the base does not list: 689 -> 70,178 B
"
    );
}

#[test]
fn a_function_without_its_path_is_named_with_its_line() {
    let base = of_sites(&[(1, 1 << 20), (2, 9000)]).baseline(1);
    let now = of_sites(&[(1, 1 << 20), (2, 9000), (4, 4096)]);
    let comparison = Comparison::between(&base, &now, Tolerance::permille(9));
    assert_eq!(
        comparison.expect("they have the same conditions").to_string(),
        "\
run: peak 1,057,576 B (1.0 MiB) -> 1,061,672 B (1.0 MiB), +4,096 B (+0.39 %)
  +4,096 B in call sites that the base does not list: 9,000 -> 13,096 B
    perhaps push at crates/mine/src/f4.rs:7, now 4,096 B in 1 block
    perhaps mine::Reader::next at crates/mine/src/f2.rs:7, now 9,000 B in 1 block
"
    );
}

#[test]
fn the_page_has_a_row_for_each_profile_and_folds_the_sites() {
    assert_eq!(
        comparison(usize::MAX).markdown(),
        "\
**Memory at the peak**: above the tolerance of 1.5 %

revision: <code>1a</code> → <code>1a2b</code>

| profile | base | now | change | |
|---|--:|--:|--:|---|
| <code>run</code> | 1,053,361 B (1.0 MiB) | 1,123,874 B (1.0 MiB) | +70,513 B (+6.69 %) | \
         **above the tolerance** |

<details><summary>Call sites of <code>run</code>: +70,513 B</summary>

| | change | base | now | call site |
|---|--:|--:|--:|---|
| came | +70,000 B | 0 B | 70,000 B in 1 block | <code>kept::Of::grow</code> \
         crates/mine/src/f5.rs:7 |
| grew | +4,096 B | 1,048,576 B in 1 block | 1,052,672 B in 1 block | <code>mine::read</code> \
         crates/mine/src/f1.rs:7 |
| shrank | -3,072 B | 4,096 B in 1 block | 1,024 B in 1 block | <code>mine::Reader::next</code> \
         crates/mine/src/f2.rs:7 |
| went | -512 B | 512 B in 1 block | 0 B | <code>mine::plan::Plan::push</code> \
         crates/mine/src/f3.rs:7 |
| grew | +1 B | 77 B in 1 block | 78 B in 1 block | <code>mine::fill by hand</code> \
         crates/mine/src/f7.rs:7 |

</details>
"
    );
}

#[test]
fn profiles_that_came_or_went_are_reported_and_exceed_nothing() {
    let [one, other] = ["one", "other"].map(|name| {
        let stack = model::Stack { functions: vec![1], site: 0, bytes: 4096, blocks: 2 };
        let profile = model::Profile { stacks: vec![stack], unattributed_bytes: 0 };
        model::recording(&[(name.to_owned(), profile)].into())
    });
    let comparison = Comparison::between(&one.baseline(9), &other, Tolerance::NONE);
    let comparison = comparison.expect("they have the same conditions");
    assert!(!comparison.exceeds() && !comparison.is_unchanged());
    assert_eq!(
        comparison.to_string(),
        "other: not in the base; now a peak of 4,096 B in 2 blocks\n\
         one: not recorded; in the base a peak of 4,096 B in 2 blocks\n"
    );
    assert!(comparison.markdown().ends_with(
        "| <code>other</code> |  | 4,096 B (4.0 KiB) | | not in the base |\n\
         | <code>one</code> | 4,096 B (4.0 KiB) |  | | not recorded |\n"
    ));
}

#[test]
fn names_from_anywhere_do_not_change_the_page() {
    let profile = model::Profile {
        stacks: vec![model::Stack { functions: vec![1], site: 0, bytes: 9, blocks: 1 }],
        unattributed_bytes: 0,
    };
    let document = model::document(&[("run".to_owned(), profile)].into());
    let document =
        document.replace("mine::read", "a|b`c<img src=x>").replace("\"run\"", "\"x|<b>\"");
    let now = Recording::from_json(document.as_bytes()).expect("the document is right");
    let base = document.replace("\"bytes\":9", "\"bytes\":8");
    let base = Recording::from_json(base.as_bytes()).expect("the document is right");
    let comparison = Comparison::between(&base.baseline(9), &now, Tolerance::NONE);
    let page = comparison.expect("they have the same conditions").markdown();
    assert!(page.contains("<code>x&#124;&lt;b&gt;</code>"), "{page}");
    assert!(page.contains("<code>a&#124;b&#96;c&lt;img src=x&gt;</code>"), "{page}");
    assert!(!page.contains("<img") && !page.contains('`'), "{page}");
}
