//! The attribute `#[gitmind_memory::test]`.
//!
//! It reads three things of a function: whether it is `async`, its name, and whether it takes a
//! handle. That is less than a parser of Rust is needed for, so the crate depends on none.

mod arguments;
mod function;

use proc_macro::TokenStream;

/// A test whose peak, leaks and allocation failures are checked.
///
/// The function takes a handle, `Alloc<'_>`, or nothing; then the heap of its thread is observed.
/// It returns nothing or a `Result` whose error has `Display`, and may be `async`.
///
/// | argument | what it means |
/// |---|---|
/// | `peak = "64 KiB"` | it fails when more is outstanding at once; B, KiB, MiB, GiB |
/// | `leaks = 0` | it fails when more blocks are left; none is the default |
/// | `ignore_leaks = "fill"` | blocks allocated below a function with this in its path may stay |
/// | `sweep` | every request fails in turn, and each failure must come back as an error |
/// | `is_memory_error = path` | which errors are about memory: a `fn(&E) -> bool` |
/// | `crate = path` | where `gitmind_memory` is, when it is exported by another crate |
///
/// Other attributes (`#[ignore]`, `#[should_panic]`, `#[cfg]`) stay with the test.
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, function: TokenStream) -> TokenStream {
    let expanded = arguments::parse(arguments).and_then(|arguments| {
        let function = function::parse(function)?;
        Ok(function.expand(&arguments))
    });
    expanded.unwrap_or_else(Error::into_tokens)
}

/// A mistake, and where it is.
struct Error {
    message: String,
    at: proc_macro::Span,
}

impl Error {
    fn new(at: proc_macro::Span, message: impl Into<String>) -> Self {
        Self { message: message.into(), at }
    }

    fn into_tokens(self) -> TokenStream {
        let call = format!("::core::compile_error!({:?});", self.message);
        let tokens: TokenStream = call.parse().expect("a macro call with a literal is Rust");
        let placed = |mut token: proc_macro::TokenTree| {
            token.set_span(self.at);
            token
        };
        tokens.into_iter().map(placed).collect()
    }
}
