//! Functions that a screen can show, counted in lines of code.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::finding::{Finding, rule};

/// Lines of a function's body that hold code; blank lines and comments do not count.
const CODE_LINES_MAX: usize = 70;

/// Functions that are too long.
pub(crate) fn check(path: &str, text: &str, file: &syn::File) -> Vec<Finding> {
    let mut bodies = Bodies(Vec::new());
    bodies.visit_file(file);
    let is_code = |line: &&str| {
        let line = line.trim_start();
        !line.is_empty() && !line.starts_with("//")
    };
    let too_long = bodies.0.iter().filter_map(|(name, from, to)| {
        let inside = text.lines().skip(*from).take(to - from - 1);
        let lines = inside.filter(is_code).count();
        (lines > CODE_LINES_MAX).then(|| {
            let what = format!(
                "`{name}` has {lines} lines of code, the limit is {CODE_LINES_MAX}: give a step \
                 of it a name"
            );
            Finding::new(path, *from, rule::FUNCTION, what)
        })
    });
    too_long.collect()
}

/// The functions of a file that may be too long: name, first and last line of the body.
struct Bodies(Vec<(String, usize, usize)>);

impl Bodies {
    fn note(&mut self, name: &syn::Ident, block: &syn::Block) {
        let (from, to) = (block.span().start().line, block.span().end().line);
        if to - from > CODE_LINES_MAX {
            self.0.push((name.to_string(), from, to));
        }
    }
}

impl<'ast> Visit<'ast> for Bodies {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.note(&item.sig.ident, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.note(&item.sig.ident, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.note(&item.sig.ident, block);
        }
        visit::visit_trait_item_fn(self, item);
    }
}
