//! A Rust file as the rules see it: its tree, its tokens, the names in it, and what is test code.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use proc_macro2::TokenStream;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::tokens::{self, Form, Token, Written};

/// A parsed file.
pub(crate) struct Source<'a> {
    pub(crate) path: &'a str,
    pub(crate) text: &'a str,
    pub(crate) tree: syn::File,
    pub(crate) tokens: Vec<Token>,
    names: OnceCell<Vec<Name>>,
    outline: Outline,
}

/// A name in the file, resolved by the file's own declarations.
#[derive(Debug)]
pub(crate) struct Name {
    /// With the first segment replaced by what a `use` says it is.
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
    pub(crate) form: Form,
    /// In code that only tests compile.
    pub(crate) is_test: bool,
    /// It stands in a `use` declaration.
    pub(crate) is_import: bool,
}

impl Name {
    /// The path with its colons.
    pub(crate) fn path(&self) -> String {
        self.segments.join("::")
    }

    /// Whether the path begins with these segments.
    pub(crate) fn starts_with(&self, segments: &[&str]) -> bool {
        self.segments.len() >= segments.len()
            && self.segments.iter().zip(segments).all(|(is, wanted)| is == wanted)
    }
}

impl<'a> Source<'a> {
    /// Parses a file; the error is the line and the reason.
    pub(crate) fn parse(path: &'a str, text: &'a str) -> Result<Self, (usize, String)> {
        let stream: TokenStream = text
            .parse()
            .map_err(|e: proc_macro2::LexError| (e.span().start().line, e.to_string()))?;
        let tree: syn::File =
            syn::parse2(stream.clone()).map_err(|e| (e.span().start().line, e.to_string()))?;
        let mut row = Vec::new();
        tokens::flatten(stream, &mut row);
        let mut outline = Outline::default();
        outline.visit_file(&tree);
        Ok(Self { path, text, tree, tokens: row, names: OnceCell::new(), outline })
    }

    /// Whether only tests compile this line: under `#[cfg(test)]`, or in a file called so.
    pub(crate) fn is_test(&self, line: usize) -> bool {
        let is_named_so = self.path.split(['/', '.']).any(|part| part.ends_with("tests"));
        is_named_so || self.outline.tests.iter().any(|(from, to)| (*from..=*to).contains(&line))
    }

    /// Every name in the file.
    pub(crate) fn names(&self) -> &[Name] {
        self.names.get_or_init(|| {
            let written = tokens::names(&self.tokens, &self.outline.use_starts);
            let resolved = written.into_iter().map(|written| self.resolve(written));
            let imports = self.outline.imports.iter().map(|import| Name {
                segments: import.segments.clone(),
                line: import.line,
                form: Form::Plain,
                is_test: self.is_test(import.line),
                is_import: true,
            });
            imports.chain(resolved).collect()
        })
    }

    fn resolve(&self, written: Written) -> Name {
        let Written { mut segments, line, form } = written;
        if form != Form::Method
            && let Some(full) = self.outline.aliases.get(&segments[0])
        {
            segments.splice(..1, full.iter().cloned());
        }
        Name { segments, line, form, is_test: self.is_test(line), is_import: false }
    }
}

/// What a file declares.
#[derive(Debug, Default)]
struct Outline {
    /// Lines of items that only tests compile.
    tests: Vec<(usize, usize)>,
    /// Where `use` declarations begin.
    use_starts: HashSet<(usize, usize)>,
    imports: Vec<Import>,
    /// The names that the imports bind.
    aliases: HashMap<String, Vec<String>>,
}

#[derive(Debug)]
struct Import {
    segments: Vec<String>,
    line: usize,
}

impl Outline {
    fn import(&mut self, tree: &syn::UseTree, before: &[String]) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        let line = tree.span().start().line;
        let mut bind = |alias: String, segments: Vec<String>| {
            self.aliases.insert(alias, segments.clone());
            self.imports.push(Import { segments, line });
        };
        match tree {
            syn::UseTree::Path(path) => self.import(&path.tree, &with(&path.ident)),
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|item| self.import(item, before));
            }
            syn::UseTree::Name(name) if name.ident == "self" => {
                bind(before.last().cloned().unwrap_or_default(), before.to_vec());
            }
            syn::UseTree::Name(name) => bind(name.ident.to_string(), with(&name.ident)),
            syn::UseTree::Rename(rename) if rename.ident == "self" => {
                bind(rename.rename.to_string(), before.to_vec());
            }
            syn::UseTree::Rename(rename) => bind(rename.rename.to_string(), with(&rename.ident)),
            syn::UseTree::Glob(_) => {
                self.imports.push(Import { segments: [before, &["*".to_owned()]].concat(), line });
            }
        }
    }

    fn note_test(&mut self, attributes: &[syn::Attribute], whole: &impl Spanned) {
        if attributes.iter().any(is_test_only) {
            let span = whole.span();
            self.tests.push((span.start().line, span.end().line));
        }
    }
}

impl<'ast> Visit<'ast> for Outline {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        self.note_test(attributes(item), item);
        visit::visit_item(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.note_test(&item.attrs, item);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let start = item.use_token.span.start();
        self.use_starts.insert((start.line, start.column));
        self.import(&item.tree, &[]);
    }
}

/// Whether an attribute leaves an item to tests: `cfg(test)`, also with more.
fn is_test_only(attribute: &syn::Attribute) -> bool {
    let syn::Meta::List(list) = &attribute.meta else { return false };
    let words: Vec<String> = list.tokens.clone().into_iter().map(|tree| tree.to_string()).collect();
    let is_all = words.first().is_some_and(|word| word == "all");
    list.path.is_ident("cfg")
        && (words == ["test"] || is_all && words.concat().contains("test"))
        && !words.concat().contains("not")
}

/// The attributes of an item of any kind that can be left to tests.
fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// What a documented thing says: the text of its doc comments.
pub(crate) fn documentation(attributes: &[syn::Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| {
        let syn::Meta::NameValue(pair) = &attribute.meta else { return None };
        let syn::Expr::Lit(literal) = &pair.value else { return None };
        match &literal.lit {
            syn::Lit::Str(text) if pair.path.is_ident("doc") => Some(text.value()),
            _ => None,
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}
