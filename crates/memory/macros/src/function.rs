//! The function that the attribute stands on.

use proc_macro::{Delimiter, Span, TokenStream, TokenTree};

use super::Error;
use super::arguments::{Arguments, is_punct};

pub(crate) struct Function {
    attributes: TokenStream,
    item: TokenStream,
    name: String,
    is_async: bool,
    takes_handle: bool,
}

pub(crate) fn parse(function: TokenStream) -> Result<Function, Error> {
    let mut tokens = function.into_iter().peekable();
    let mut attributes = TokenStream::new();
    while let Some(hash) = tokens.next_if(|token| is_punct(token, '#')) {
        attributes.extend(std::iter::once(hash).chain(tokens.next()));
    }
    let item: Vec<TokenTree> = tokens.collect();
    let is_word = |token: &TokenTree, word: &str| match token {
        TokenTree::Ident(ident) => ident.to_string() == word,
        _ => false,
    };
    let no_function =
        || Error::new(Span::call_site(), "expected a function: the attribute makes a test of one");
    let at = item.iter().position(|token| is_word(token, "fn")).ok_or_else(no_function)?;
    let is_async = item[..at].iter().any(|token| is_word(token, "async"));
    let Some([TokenTree::Ident(name), after, ..]) = item.get(at + 1..) else {
        return Err(no_function());
    };
    let TokenTree::Group(parameters) = after else {
        return Err(Error::new(after.span(), "a test has no generic parameters"));
    };
    if parameters.delimiter() != Delimiter::Parenthesis {
        return Err(no_function());
    }
    let takes_handle = !parameters.stream().is_empty();
    let name = name.to_string();
    Ok(Function { attributes, item: item.into_iter().collect(), name, is_async, takes_handle })
}

impl Function {
    /// A test of the same name, which has the function inside and runs it.
    pub(crate) fn expand(self, arguments: &Arguments) -> TokenStream {
        let Self { attributes, item, name, is_async, takes_handle } = self;
        let Arguments { calls, krate } = arguments;
        let (parameter, run, argument) =
            if takes_handle { ("alloc", "run", "alloc") } else { ("", "run_heap", "") };
        let call = format!("{name}({argument})");
        let call = if is_async { format!("{krate}::testing::block_on({call})") } else { call };
        let run =
            format!("{krate}::testing::MemoryTest::new(){calls}.{run}(|{parameter}| {call});");
        let parse = |source: &str| -> TokenStream {
            source.parse().expect("names, calls and what was parsed are Rust")
        };
        let mut body = item;
        body.extend(parse(&run));
        let mut test = parse("#[::core::prelude::v1::test]");
        test.extend(attributes);
        test.extend(parse(&format!("fn {name}()")));
        let group = proc_macro::Group::new(Delimiter::Brace, body);
        test.extend([TokenTree::Group(group)]);
        test
    }
}
