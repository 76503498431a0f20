//! Each variable: its default, a valid value, and errors for invalid ones.

use super::*;
use crate::env::FixedEnvironment;

fn read(name: &str, value: &str) -> Result<Toggles, ToggleError> {
    Toggles::read(&FixedEnvironment::from([(name, value)]))
}

fn defaults() -> Toggles {
    Toggles::read(&FixedEnvironment::default()).expect("nothing is set")
}

#[test]
fn without_variables_everything_is_off() {
    let toggles = defaults();
    assert!(!toggles.disable_custom_allocators && !toggles.histogram && !toggles.zeroize);
    assert_eq!((toggles.trace, toggles.oom), (None, Schedule::NEVER));
    assert_eq!(toggles.cache_rebuild.cap, Bytes::from_mib(256));
    assert_eq!(toggles.attr_query_cap, Bytes::from_mib(128));
    assert!(toggles.list().iter().all(|toggle| toggle.origin == Origin::Default));
}

#[test]
fn each_variable_is_read_and_listed_with_its_origin() {
    let cases = [
        ("GM_DISABLE_CUSTOM_ALLOCATORS", "1", "1"),
        ("GM_ALLOC_TRACE", "sites", "sites"),
        ("GM_ALLOC_HISTO", "1", "1"),
        ("GM_ALLOC_ZEROIZE", "0", "0"),
        ("GM_TEST_OOM_N", "7+", "7+"),
        ("GM_ARENA_HINT_CACHE_REBUILD", "64KiB", "65536"),
        ("GM_ARENA_CAP_CACHE_REBUILD", "2MiB", "2097152"),
        ("GM_ARENA_CAP_ATTR_QUERY", "1GiB", "1073741824"),
    ];
    for (index, (name, value, shown)) in cases.into_iter().enumerate() {
        let toggles = read(name, value).unwrap_or_else(|error| panic!("{error}"));
        let listed = toggles.list();
        assert_eq!((listed[index].name, &*listed[index].value), (name, shown));
        for (other, toggle) in listed.iter().enumerate() {
            let expected = if other == index { Origin::Environment } else { Origin::Default };
            assert_eq!(toggle.origin, expected, "{}", toggle.name);
        }
    }
}

#[test]
fn a_value_that_cannot_be_understood_is_named_with_what_is_accepted() {
    for name in NAMES {
        for value in ["maybe", "-1", "1 MiB", "\u{1b}[31m"] {
            let error = read(name, value).expect_err("it is no value of any").to_string();
            assert!(error.starts_with(&format!("{name} is `{value}`; it accepts ")), "{error}");
        }
    }
    let error = read("GM_ARENA_CAP_CACHE_REBUILD", "256M").expect_err("no such unit").to_string();
    assert!(error.ends_with("also with KiB, MiB or GiB as in 64KiB"), "{error}");
}

#[test]
fn an_empty_value_counts_as_unset() {
    for name in NAMES {
        assert_eq!(read(name, "").as_ref(), Ok(&defaults()), "{name}");
    }
}

#[test]
fn a_switch_accepts_the_usual_words_and_is_listed_as_a_number() {
    let switches = ["GM_DISABLE_CUSTOM_ALLOCATORS", "GM_ALLOC_TRACE", "GM_ALLOC_HISTO"];
    for name in switches.into_iter().chain(["GM_ALLOC_ZEROIZE"]) {
        for (values, shown) in
            [(["1", "true", "ON", "Yes"], "1"), (["0", "False", "off", "NO"], "0")]
        {
            for value in values {
                let list = read(name, value).unwrap_or_else(|error| panic!("{error}")).list();
                let toggle = list.iter().find(|toggle| toggle.name == name).expect("it is listed");
                assert_eq!(toggle.value, shown, "{name}={value}");
            }
        }
    }
}

#[test]
fn a_value_that_is_not_utf8_is_an_error() {
    use std::os::unix::ffi::OsStringExt as _;
    struct Raw;
    impl Environment for Raw {
        fn var(&self, name: &str) -> Option<std::ffi::OsString> {
            (name == "GM_ALLOC_TRACE").then(|| std::ffi::OsString::from_vec(vec![0xff, b'1']))
        }
    }
    let error = Toggles::read(&Raw).expect_err("it is no text");
    assert!(error.to_string().starts_with("GM_ALLOC_TRACE is `\u{fffd}1`"), "{error}");
}

#[test]
fn a_hint_above_its_cap_names_both() {
    let env = FixedEnvironment::from([
        ("GM_ARENA_HINT_CACHE_REBUILD", "2MiB"),
        ("GM_ARENA_CAP_CACHE_REBUILD", "1MiB"),
    ]);
    let error = Toggles::read(&env).expect_err("it does not fit").to_string();
    let expected = "GM_ARENA_HINT_CACHE_REBUILD is `2MiB`, above GM_ARENA_CAP_CACHE_REBUILD, \
                    which is 1048576 bytes";
    assert_eq!(error, expected);
}

#[test]
fn a_small_cap_alone_lowers_the_hint() {
    let toggles = read("GM_ARENA_CAP_CACHE_REBUILD", "4KiB").expect("it is a size");
    assert_eq!(toggles.cache_rebuild.hint, Bytes::new(4096));
}
