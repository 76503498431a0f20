//! Names of functions as people write them: without generic arguments, hashes and numbers.

/// Types within types that are told apart; deeper ones lose their generic arguments only.
const DEPTH_MAX: usize = 8;

/// The short name of a demangled symbol, the same for both manglings of Rust.
///
/// A method is named by its type; by its trait, when the type is std's and the trait is not.
pub(crate) fn short(symbol: &str) -> String {
    shorten(without_hash(symbol), 0)
}

/// Whether a name is a whole path; line tables alone name functions by their last part.
pub(crate) fn is_path(name: &str) -> bool {
    name.split("::").filter(|part| !is_closure(part)).count() > 1
}

/// Whether a name says no more than that its function is a closure, or made by the compiler.
pub(crate) fn is_closure(name: &str) -> bool {
    name.starts_with('{')
}

fn shorten(name: &str, depth: usize) -> String {
    let Some((inside, rest)) = qualified(name).filter(|_| depth < DEPTH_MAX) else {
        return without_generics(name);
    };
    let (of, by) = match find_outside(inside, " as ") {
        Some(at) => (&inside[..at], Some(without_generics(&inside[at + " as ".len()..]))),
        None => (inside, None),
    };
    let of = shorten(referent(of), depth + 1);
    let owner = match by {
        Some(by) if is_of_std(&of) && !is_of_std(&by) => by,
        _ => of,
    };
    owner + &without_generics(rest)
}

/// Whether a type or trait is std's; those without a path are.
fn is_of_std(path: &str) -> bool {
    !is_path(path)
        || path.starts_with(['[', '(', '*'])
        || ["core::", "alloc::", "std::"].iter().any(|of| path.starts_with(of))
}

/// The text in the angle brackets at the start of a name, and the text behind them.
fn qualified(name: &str) -> Option<(&str, &str)> {
    let inside = name.strip_prefix('<')?;
    let end = find_outside(inside, ">")?;
    Some((&inside[..end], &inside[end + 1..]))
}

/// The position of `what` outside of all brackets.
fn find_outside(text: &str, what: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        let is_arrow = c == '>' && text[..at].ends_with('-');
        if depth == 0 && !is_arrow && text[at..].starts_with(what) {
            return Some(at);
        }
        match c {
            '<' | '(' | '[' | '{' => depth += 1,
            '>' if is_arrow => {}
            '>' | ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// The type without references and pointers, and without the further bounds of a trait object.
fn referent(of: &str) -> &str {
    let mut of = of.trim();
    while let Some(rest) =
        ["&", "mut ", "dyn ", "*const ", "*mut "].iter().find_map(|prefix| of.strip_prefix(prefix))
    {
        of = rest;
    }
    find_outside(of, "+").map_or(of, |end| of[..end].trim_end())
}

/// The name without the hash at the end of the legacy mangling, and without additions of the
/// linker.
fn without_hash(symbol: &str) -> &str {
    let name = symbol.split_once(".llvm.").map_or(symbol, |(name, _)| name);
    let is_hash =
        |hash: &str| hash.len() == 16 && hash.bytes().all(|each| each.is_ascii_hexdigit());
    match name.rsplit_once("::h") {
        Some((path, hash)) if is_hash(hash) => path,
        _ => name,
    }
}

/// A path without generic arguments, numbers of closures and hashes of crates.
fn without_generics(path: &str) -> String {
    let mut short = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        let close = match c {
            '<' => find_outside(after, ">"),
            '{' => find_outside(after, "}"),
            '[' if short.ends_with(|last: char| last.is_alphanumeric() || last == '_') => {
                after.find(']').filter(|end| after[..*end].bytes().all(|b| b.is_ascii_hexdigit()))
            }
            _ => None,
        };
        let Some(close) = close else {
            short.push(c);
            rest = after;
            continue;
        };
        if c == '<' && short.ends_with("::") {
            short.truncate(short.len() - "::".len());
        }
        if c == '{' {
            // The legacy mangling has two of them: `{{closure}}`.
            let inside = after[..close].trim_matches(['{', '}']);
            let kind = inside.split(['#', ':']).next().unwrap_or(inside);
            short = short + "{" + kind + "}";
        }
        rest = &after[close + 1..];
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Symbols that rustc 1.95 made of one program in both manglings, and the expected names.
    const SYMBOLS: [(&str, &str); 14] = [
        ("_ZN4mine4plan13Plan$LT$A$GT$4push17h2c5ac9f57c9325a8E", "mine::plan::Plan::push"),
        ("_RNvMNtCshf9a1YkpeWg_4mine4planINtB2_4PlanhE4pushB4_", "mine::plan::Plan::push"),
        (
            "_ZN58_$LT$dyn$u20$mine..plan..Encode$u2b$core..marker..Send$GT$\
             10encode_all17h6d77a5016d1f6f76E",
            "mine::plan::Encode::encode_all",
        ),
        (
            "_RNvMs2_NtCshf9a1YkpeWg_4mine4planDNtB5_6EncodeNtNtCsgEmfK2I1SDS_4core6marker4SendEL_\
             10encode_all",
            "mine::plan::Encode::encode_all",
        ),
        (
            "_ZN68_$LT$core..option..Option$LT$T$GT$$u20$as$u20$mine..plan..Encode$GT$\
             6encode17ha9f756c01dd97e1bE",
            "mine::plan::Encode::encode",
        ),
        (
            "_RNvXs0_NtCshf9a1YkpeWg_4mine4planINtNtCsgEmfK2I1SDS_4core6option6OptionhE\
             NtB5_6Encode6encodeB7_",
            "mine::plan::Encode::encode",
        ),
        ("_RNvXs_NtCshf9a1YkpeWg_4mine4planhNtB4_6Encode6encode", "mine::plan::Encode::encode"),
        (
            "_ZN90_$LT$mine..plan..Plan$LT$$RF$str$GT$$u20$as$u20$core..iter..traits..iterator..\
             Iterator$GT$4next28_$u7b$$u7b$closure$u7d$$u7d$17hdef8c2e46a69e364E",
            "mine::plan::Plan::next::{closure}",
        ),
        (
            "_RNCNvXs1_NtCshf9a1YkpeWg_4mine4planINtB7_4PlanReE\
             NtNtNtNtCsgEmfK2I1SDS_4core4iter6traits8iterator8Iterator4next0B9_",
            "mine::plan::Plan::next::{closure}",
        ),
        ("_ZN4mine2go28_$u7b$$u7b$closure$u7d$$u7d$17h01d1c7f6fe727e8aE", "mine::go::{closure}"),
        ("_RNCNvCshf9a1YkpeWg_4mine2gos0_0B3_", "mine::go::{closure}"),
        ("_RINvCshf9a1YkpeWg_4mine4eachNCNvB2_2go0Kj4_EB2_", "mine::each"),
        (
            "_RNvYNCNvCshf9a1YkpeWg_4mine2gos0_0\
             INtNtNtCsgEmfK2I1SDS_4core3ops8function6FnOnceThEE9call_onceB6_",
            "mine::go::{closure}::call_once",
        ),
        (
            "_ZN4core3ops8function6FnOnce9call_once17h98da62ff3e0e5fddE",
            "core::ops::function::FnOnce::call_once",
        ),
    ];

    #[test]
    fn both_manglings_of_a_function_have_one_short_name() {
        for (symbol, expected) in SYMBOLS {
            let demangled = rustc_demangle::demangle(symbol);
            for printed in [format!("{demangled:#}"), demangled.to_string()] {
                assert_eq!(short(&printed), expected, "{printed}");
            }
        }
    }

    #[test]
    fn names_that_are_rare_are_short_too() {
        for (name, expected) in [
            ("alloc::slice::<impl [mine::T]>::to_vec", "alloc::slice::to_vec"),
            ("mine::each::<fn(u8) -> core::option::Option<u8>, 4_usize>::call", "mine::each::call"),
            ("<<mine::Outer<T> as mine::Has>::Inner as mine::Go>::go", "mine::Outer::Inner::go"),
            ("<(u8, mine::T) as mine::Go>::go", "mine::Go::go"),
            ("<alloc::vec::Vec<T,A> as core::clone::Clone>::clone", "alloc::vec::Vec::clone"),
            ("mine::f::{shim:vtable#0}", "mine::f::{shim}"),
            ("core::FnOnce::call_once{{vtable.shim}}", "core::FnOnce::call_once{vtable.shim}"),
            ("mine::f.llvm.1234567890", "mine::f"),
            ("push<u8>", "push"),
            ("main", "main"),
            ("<unclosed", "<unclosed"),
            ("{{", "{{"),
        ] {
            assert_eq!(short(name), expected);
        }
    }

    proptest! {
        #[test]
        fn any_text_has_a_short_name(text in "[<>{}()\\[\\]a:# é-]{0,60}|.{0,40}") {
            let is_short = short(&text).len() <= text.len();
            prop_assert!(is_short);
        }
    }
}
