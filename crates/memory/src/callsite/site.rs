//! The names of frames, and whether their code is the program's or a library's.

use std::fmt;

/// Parts of the paths of std's own files.
const STD: [&str; 2] = ["/rustc/", "rustlib/src/rust/library/"];

/// A place in the source, as far as the binary's symbols tell.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Site {
    /// The function, or its address when symbols are stripped.
    pub function: String,
    /// The file, line and column, when the binary has line tables.
    pub place: Option<(String, u32, u32)>,
    /// The offset of the call from the function's start; it distinguishes calls without line
    /// tables.
    pub offset_bytes: usize,
    /// Whether it is inlined into its caller.
    pub is_inlined: bool,
}

impl Site {
    pub(super) fn unknown(address: Option<usize>) -> Self {
        let function = address.map_or_else(|| "unknown".into(), |address| format!("{address:#x}"));
        Self { function, place: None, offset_bytes: 0, is_inlined: false }
    }

    /// Whether its file has `part` in its path.
    pub(super) fn is_in(&self, part: &str) -> bool {
        self.place.as_ref().is_some_and(|(file, ..)| file.contains(part))
    }

    /// Whether its file is the program's own. A library's directory has a version in its name, or
    /// the library has no line tables, or it is not written in Rust.
    pub(crate) fn is_own(&self) -> bool {
        self.place.as_ref().is_some_and(|(file, ..)| {
            let is_of_std = STD.iter().any(|directory| file.contains(directory));
            let mut directories = file.split(['/', '\\']);
            file.ends_with(".rs") && !is_of_std && !directories.any(is_versioned)
        })
    }

    /// Whether the frame only forwards a request: this layer, containers, std.
    pub fn is_plumbing(&self) -> bool {
        const PREFIXES: [&str; 10] = [
            concat!(env!("CARGO_CRATE_NAME"), "::"),
            "allocator_api2::",
            "hashbrown::",
            "bumpalo::",
            "backtrace::",
            "core::",
            "alloc::",
            "std::",
            "__rustc::",
            "__rust_",
        ];
        const DIRECTORIES: [&str; 7] = [
            file!().split_at(file!().len() - "callsite/site.rs".len()).0,
            "/allocator-api2-",
            "/hashbrown-",
            "/bumpalo-",
            "/backtrace-",
            STD[0],
            STD[1],
        ];
        // Line tables alone name inlined functions without their paths; their files remain.
        if !without_generics(&self.function).contains("::") && self.place.is_some() {
            // `#[global_allocator]` puts the allocator's symbols into a file of the program's.
            return self.function.starts_with("__rust_")
                || DIRECTORIES.iter().any(|directory| self.is_in(directory));
        }
        let is_ours = |path: &str| PREFIXES.iter().any(|prefix| path.starts_with(prefix));
        // Types without a path (primitives, slices, tuples, pointers) are core's own.
        let is_ours_type = |of: &str| {
            let of = of.trim_start_matches("dyn ");
            of.starts_with(['[', '(', '*']) || !is_path(of) || is_ours(of)
        };
        let of = self.function.strip_prefix('<');
        let of = of.map(|of| of.trim_start_matches(['<', '&']).trim_start_matches("mut "));
        let is_ours_in = match (of, impl_trait(&self.function)) {
            // `<core::option::Option<u64> as mine::Encode>::encode` is the program's own function.
            (Some(of), Some(by)) => is_ours(by) && is_ours_type(of),
            (Some(of), None) => is_ours_type(of),
            (None, _) => is_ours(&self.function),
        };
        !self.function.contains("::tests::") && is_ours_in
    }
}

/// Whether the name of a directory ends in a version: `serde_json-1.0.1`.
fn is_versioned(directory: &str) -> bool {
    let versions = directory.match_indices('-').map(|(at, _)| &directory[at + 1..]);
    versions.into_iter().any(|version| {
        let mut numbers = version.splitn(3, '.').take(2);
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        numbers.next().is_some_and(is_number) && numbers.next().is_some_and(is_number)
    })
}

/// Whether the first name of a type has a path; a primitive has none.
fn is_path(of: &str) -> bool {
    of.trim_start_matches(|each: char| each.is_alphanumeric() || each == '_').starts_with("::")
}

/// A path without the text in angle brackets.
pub(super) fn without_generics(path: &str) -> String {
    let (mut depth, mut before) = (0_usize, ' ');
    let is_outside = |character: &char| {
        let is_arrow = std::mem::replace(&mut before, *character) == '-';
        let closes = *character == '>' && !is_arrow;
        depth += usize::from(*character == '<');
        let is_outside = depth == 0;
        depth = depth.saturating_sub(usize::from(closes));
        is_outside
    };
    path.chars().filter(is_outside).collect()
}

/// The trait in `<Type as Trait>::function`.
fn impl_trait(function: &str) -> Option<&str> {
    let mut depth = 0_usize;
    for (at, byte) in function.bytes().enumerate() {
        match byte {
            b'<' => depth += 1,
            b'>' if function[..at].ends_with('-') => {}
            b'>' => depth = depth.saturating_sub(1),
            b' ' if depth == 1
                && function.starts_with('<')
                && function[at..].starts_with(" as ") =>
            {
                return function.get(at + 4..);
            }
            _ => {}
        }
    }
    None
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some((file, line, column)) => write!(f, "{} ({file}:{line}:{column})", self.function),
            None => write!(f, "{}+{:#x}", self.function, self.offset_bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Site, is_versioned, without_generics};

    #[test]
    fn functions_of_std_and_of_this_layer_are_told_from_the_programs() {
        let is_plumbing = |function: &str| {
            Site { function: function.into(), ..Site::unknown(None) }.is_plumbing()
        };
        for passes_on in [
            "alloc::vec::Vec<mine::T>::try_reserve",
            "<alloc::vec::Vec<mine::T>>::try_reserve::<mine::U>",
            "<bool>::then::<*mut u8, mine::f::{closure#0}>",
            "<[mine::T]>::to_vec",
            "<*mut mine::T>::read",
            "<u8 as alloc::vec::spec_from_elem::SpecFromElem>::from_elem",
            "<[mine::T] as alloc::borrow::ToOwned>::to_owned",
            "<alloc::vec::Vec<T,A> as core::clone::Clone>::clone",
            "__rustc::__rust_alloc",
        ] {
            assert!(is_plumbing(passes_on), "{passes_on}");
        }
        for own in [
            "mine::f",
            "mine::f::{closure#0}",
            "<mine::T>::read",
            "<mine::T as core::clone::Clone>::clone",
            "<&mine::T as core::iter::IntoIterator>::into_iter",
            "<core::option::Option<u64> as mine::Encode>::encode",
            "<u64 as mine::Encode>::encode",
            "<dyn mine::Encode>::encode_all",
        ] {
            assert!(!is_plumbing(own), "{own}");
        }
    }

    #[test]
    fn a_function_type_between_brackets_ends_with_them() {
        let path = "call_once<fn() -> mine::Stack, ()>";
        assert_eq!(without_generics(path), "call_once");
        assert_eq!(without_generics("a::b<c::D<E>>::f"), "a::b::f");
        let place = Some(("/rustc/0/library/core/src/ops/function.rs".into(), 250, 5));
        assert!(Site { function: path.into(), place, ..Site::unknown(None) }.is_plumbing());
    }

    #[test]
    fn the_programs_own_files_are_told_from_those_of_libraries_std_and_c() {
        let is_own = |file: &str| {
            let place = Some((file.to_owned(), 1, 1));
            Site { place, ..Site::unknown(None) }.is_own()
        };
        assert!(is_own("parser/src/lib.rs") && is_own("src/main.rs"));
        for other in [
            "registry/src/index-1/serde_json-1.0.1/src/de.rs",
            "/rustc/0/library/core/src/num/f64.rs",
            "/toolchain/lib/rustlib/src/rust/library/alloc/src/vec/mod.rs",
            "./nptl/pthread_create.c",
        ] {
            assert!(!is_own(other), "{other}");
        }
        assert!(!Site::unknown(None).is_own(), "a library without line tables");
    }

    #[test]
    fn a_directory_with_a_version_is_a_librarys() {
        for versioned in ["serde_json-1.0.1", "a-b-0.12.0-alpha.1", "gix-pack-0.60.0+1"] {
            assert!(is_versioned(versioned), "{versioned}");
        }
        for own in ["src", "gitmind", "index.example-1949cf8c", "v-1", "release-2024", "-.", ""] {
            assert!(!is_versioned(own), "{own}");
        }
    }
}
