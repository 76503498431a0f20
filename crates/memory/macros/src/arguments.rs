//! What stands in the parentheses of the attribute.

use proc_macro::{Delimiter, Span, TokenStream, TokenTree};

use super::Error;

/// The calls of `MemoryTest` that the arguments mean.
pub(crate) struct Arguments {
    pub(crate) calls: String,
    pub(crate) krate: String,
}

/// A name and what follows its `=`, until the next comma.
struct Argument {
    name: String,
    at: Span,
    value: Vec<TokenTree>,
}

const KNOWN: &str = "`peak = \"64 KiB\"`, `leaks = 0`, `ignore_leaks = \"function\"`, `sweep`, \
                     `is_memory_error = path`, `crate = path`";

pub(crate) fn parse(arguments: TokenStream) -> Result<Arguments, Error> {
    let mut parsed = Arguments { calls: String::new(), krate: "::gitmind_memory".into() };
    let mut seen = Vec::new();
    let mut arguments = split(arguments)?;
    // Calls name types by the path, wherever it stands.
    arguments.sort_by_key(|argument| argument.name != "crate");
    for argument in arguments {
        let is_repeated = seen.contains(&argument.name) && argument.name != "ignore_leaks";
        if is_repeated {
            let message = format!("`{}` is given twice", argument.name);
            return Err(Error::new(argument.at, message));
        }
        argument.apply(&mut parsed)?;
        seen.push(argument.name);
    }
    Ok(parsed)
}

impl Argument {
    fn apply(&self, parsed: &mut Arguments) -> Result<(), Error> {
        let call = match self.name.as_str() {
            "peak" => {
                let bytes = self.text().and_then(|text| bytes(&text));
                let bytes = bytes.ok_or_else(|| {
                    self.wants("a size in B, KiB, MiB or GiB, such as \"64 KiB\"")
                })?;
                format!(".peak_max({}::units::Bytes::new({bytes}))", parsed.krate)
            }
            "leaks" => {
                let number = self.literal().and_then(|text| number(&text));
                let number = number.ok_or_else(|| self.wants("a number of blocks such as 0"))?;
                format!(".leaks_max({number})")
            }
            "ignore_leaks" => {
                let text = self.text().filter(|text| !text.is_empty());
                let text = text.ok_or_else(|| self.wants("a part of a function's path"))?;
                format!(".ignore_leaks({text:?})")
            }
            "sweep" if self.value.is_empty() => ".sweep()".into(),
            "sweep" => return Err(Error::new(self.at, "`sweep` stands alone, without a value")),
            "is_memory_error" if !self.value.is_empty() => {
                format!(".is_memory_error({})", self.source())
            }
            "is_memory_error" => return Err(self.wants("the path of a `fn(&E) -> bool`")),
            "crate" if !self.value.is_empty() => {
                parsed.krate = self.source();
                return Ok(());
            }
            "crate" => return Err(self.wants("a path such as `gitmind::memory`")),
            name => {
                let message = format!("`{name}` is no argument of this attribute: {KNOWN}");
                return Err(Error::new(self.at, message));
            }
        };
        parsed.calls.push_str(&call);
        Ok(())
    }

    fn wants(&self, what: &str) -> Error {
        let at = self.value.first().map_or(self.at, TokenTree::span);
        Error::new(at, format!("`{}` takes {what}", self.name))
    }

    fn source(&self) -> String {
        self.value.iter().cloned().collect::<TokenStream>().to_string()
    }

    fn literal(&self) -> Option<String> {
        match self.value.as_slice() {
            [TokenTree::Literal(literal)] => Some(literal.to_string()),
            // A fragment of a `macro_rules!` macro.
            [TokenTree::Group(group)] if group.delimiter() == Delimiter::None => {
                Some(group.stream().to_string())
            }
            _ => None,
        }
    }

    fn text(&self) -> Option<String> {
        let literal = self.literal()?;
        let text = literal.strip_prefix('"')?.strip_suffix('"')?;
        (!text.contains('\\')).then(|| text.into())
    }
}

fn split(arguments: TokenStream) -> Result<Vec<Argument>, Error> {
    let mut split: Vec<Argument> = Vec::new();
    let mut tokens = arguments.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let TokenTree::Ident(name) = &token else {
            return Err(Error::new(token.span(), format!("an argument was expected: {KNOWN}")));
        };
        let (name, at) = (name.to_string(), token.span());
        let is_end = |token: &TokenTree| is_punct(token, ',');
        let value = match tokens.next() {
            None => Vec::new(),
            Some(token) if is_end(&token) => Vec::new(),
            Some(token) if is_punct(&token, '=') => {
                let mut value = Vec::new();
                while let Some(token) = tokens.next_if(|token| !is_end(token)) {
                    value.push(token);
                }
                tokens.next();
                if value.is_empty() {
                    return Err(Error::new(at, format!("`{name}` has no value")));
                }
                value
            }
            Some(token) => return Err(Error::new(token.span(), "`=` or `,` was expected")),
        };
        split.push(Argument { name, at, value });
    }
    Ok(split)
}

pub(crate) fn is_punct(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted)
}

/// The bytes of a size with its unit.
fn bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|character: char| !character.is_ascii_digit());
    let unit = match text.strip_prefix(digits)?.trim_start() {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number(digits)?.checked_mul(unit)
}

fn number(digits: &str) -> Option<u64> {
    digits.replace('_', "").parse().ok()
}
