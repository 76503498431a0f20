//! What the types of the public API do not say: which function frees a result.
//!
//! A public function that returns a raw pointer, `ManuallyDrop`, leaked or `'static` data, or a
//! handle that the caller has to release, has a section `# Ownership` that names the counterpart; a
//! name that ends in `_view` or `_borrowed` has one that says how long the result is valid. What
//! is `pub` is public: the compiler's `unreachable_pub` holds that in the check `clippy`.

use std::collections::{BTreeMap, BTreeSet};
use syn::visit::{self, Visit};

use crate::finding::{Finding, rule};
use crate::tree::{self, Tree};

/// Names of methods that release a handle.
const RELEASES: [&str; 7] =
    ["close", "deallocate", "destroy", "dispose", "free", "release", "unregister"];

/// What the rule must know of the crate to judge one file.
#[derive(Debug, Default)]
pub(crate) struct Api {
    /// Types whose values are released by a call, with the function that does it.
    handles: BTreeMap<String, String>,
    /// Types that release themselves.
    dropped: BTreeSet<String>,
    /// Every function, method and type: what documentation may name.
    known: BTreeSet<String>,
}

impl Api {
    /// Of the crate's sources.
    pub(crate) fn of(tree: &Tree) -> Self {
        let mut api = Self::default();
        let paths = tree.paths().filter(|path| tree::is_library(path) && path.ends_with(".rs"));
        for file in paths.filter_map(|path| syn::parse_file(tree.get(path)?).ok()) {
            api.visit_file(&file);
        }
        let dropped = std::mem::take(&mut api.dropped);
        api.handles.retain(|name, _| !dropped.contains(name));
        api
    }

    fn note(&mut self, owner: &str, visibility: &syn::Visibility, signature: &syn::Signature) {
        let name = signature.ident.to_string();
        if is_public(visibility) && RELEASES.contains(&name.as_str()) {
            for input in &signature.inputs {
                let syn::FnArg::Typed(input) = input else { continue };
                if let syn::Type::Path(path) = &*input.ty
                    && let Some(last) = path.path.segments.last()
                {
                    self.handles.insert(last.ident.to_string(), format!("{owner}::{name}"));
                }
            }
        }
        self.known.insert(name);
    }
}

impl<'ast> Visit<'ast> for Api {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.note("self", &item.vis, &item.sig);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.known.insert(item.ident.to_string());
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.known.insert(item.ident.to_string());
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.known.insert(item.sig.ident.to_string());
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let owner = owner(item);
        if item.trait_.as_ref().is_some_and(|(path, _)| path.is_ident("Drop")) {
            self.dropped.insert(owner.clone());
        }
        for method in &item.items {
            if let syn::ImplItem::Fn(method) = method {
                self.note(&owner, &method.vis, &method.sig);
            }
        }
    }
}

/// Public functions whose documentation does not say who owns what they return.
pub(crate) fn check(path: &str, file: &syn::File, api: &Api) -> Vec<Finding> {
    let is_test = path.split(['/', '.']).any(|part| part.ends_with("tests"));
    if !tree::is_library(path) || is_test {
        return Vec::new();
    }
    let mut functions = Functions { path, api, is_public_trait: false, findings: Vec::new() };
    functions.visit_file(file);
    functions.findings
}

struct Functions<'a> {
    path: &'a str,
    api: &'a Api,
    is_public_trait: bool,
    findings: Vec<Finding>,
}

impl Functions<'_> {
    fn judge(
        &mut self,
        attributes: &[syn::Attribute],
        signature: &syn::Signature,
        body: Option<&syn::Block>,
    ) {
        let line = signature.ident.span().start().line;
        let Some(need) = need(signature, body, self.api) else { return };
        if is_test_only(attributes) || need.is_met(&documentation(attributes), self.api) {
            return;
        }
        let what = format!(
            "`{}` {}, and its documentation does not say {}: add `/// # Ownership` and `/// {}`",
            signature.ident,
            need.because,
            if need.names_counterpart { "what frees it" } else { "how long it is valid" },
            need.sentence
        );
        self.findings.push(Finding::new(self.path, line, rule::OWNERSHIP, what));
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test_only(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if !is_test_only(&item.attrs) {
            visit::visit_item_impl(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if is_public(&item.vis) {
            self.judge(&item.attrs, &item.sig, Some(&item.block));
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if is_public(&item.vis) {
            self.judge(&item.attrs, &item.sig, Some(&item.block));
        }
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.is_public_trait = is_public(&item.vis);
        visit::visit_item_trait(self, item);
        self.is_public_trait = false;
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if self.is_public_trait {
            self.judge(&item.attrs, &item.sig, item.default.as_ref());
        }
    }
}

/// Why a function's documentation owes a section, and what would do.
struct Need {
    because: String,
    sentence: String,
    /// The section must name something of the crate, in backticks.
    names_counterpart: bool,
}

impl Need {
    fn is_met(&self, documentation: &str, api: &Api) -> bool {
        let Some((_, section)) = documentation.split_once("# Ownership\n") else { return false };
        let section = section.split("\n #").next().unwrap_or_default();
        if self.names_counterpart {
            let quoted = section.split('`').skip(1).step_by(2);
            let mut names = quoted.map(|code| code.rsplit("::").next().unwrap_or_default());
            names.any(|name| api.known.contains(name.trim_end_matches("()")))
        } else {
            let section = section.to_lowercase();
            ["valid", "as long as", "constant"].iter().any(|word| section.contains(word))
        }
    }
}

fn need(signature: &syn::Signature, body: Option<&syn::Block>, api: &Api) -> Option<Need> {
    let counterpart = |because: &str, sentence: &str| Need {
        because: because.to_owned(),
        sentence: sentence.to_owned(),
        names_counterpart: true,
    };
    let mut parts = Parts::default();
    parts.visit_return_type(&signature.output);
    if let Some(body) = body {
        parts.is_in_body = true;
        parts.visit_block(body);
    }
    let name = signature.ident.to_string();
    let handle = parts.types.iter().find_map(|name| Some((name, api.handles.get(name)?)));
    let retained = signature.inputs.iter().find_map(|input| {
        let syn::FnArg::Typed(input) = input else { return None };
        let syn::Type::Path(path) = &*input.ty else { return None };
        let name = path.path.segments.last()?.ident.to_string();
        api.handles.get_key_value(&name)
    });
    if parts.has_pointer {
        let sentence = "Freed by [`NAME`]. (or: Valid until [`NAME`].)";
        Some(counterpart("returns a raw pointer", sentence))
    } else if parts.types.contains("ManuallyDrop") {
        Some(counterpart("returns `ManuallyDrop`", "Dropped by [`NAME`]."))
    } else if parts.leaks {
        Some(counterpart("leaks what it returns", "Freed by [`NAME`]."))
    } else if let Some((name, release)) = handle {
        let because = format!("returns a `{name}`, which the caller has to release");
        Some(counterpart(&because, &format!("Released by [`{release}`].")))
    } else if let Some((name, release)) = retained.filter(|_| name == "retain") {
        let because = format!("takes one more hold on a `{name}`");
        Some(counterpart(&because, &format!("Released by [`{release}`], once for each call.")))
    } else if parts.has_static && signature.constness.is_none() {
        Some(Need {
            because: "returns `'static` data".to_owned(),
            sentence: "A constant. (or: Valid until ...)".to_owned(),
            names_counterpart: false,
        })
    } else if name.ends_with("_view") || name.ends_with("_borrowed") {
        Some(Need {
            because: "is a view".to_owned(),
            sentence: "Borrowed from `self`; valid until ...".to_owned(),
            names_counterpart: false,
        })
    } else {
        None
    }
}

/// What stands in a return type, and what the body leaks.
#[derive(Default)]
struct Parts {
    types: BTreeSet<String>,
    has_pointer: bool,
    has_static: bool,
    leaks: bool,
    is_in_body: bool,
}

impl<'ast> Visit<'ast> for Parts {
    fn visit_type_ptr(&mut self, pointer: &'ast syn::TypePtr) {
        self.has_pointer |= !self.is_in_body;
        visit::visit_type_ptr(self, pointer);
    }

    fn visit_lifetime(&mut self, lifetime: &'ast syn::Lifetime) {
        self.has_static |= !self.is_in_body && lifetime.ident == "static";
    }

    fn visit_path_segment(&mut self, segment: &'ast syn::PathSegment) {
        let name = segment.ident.to_string();
        if self.is_in_body {
            self.leaks |= matches!(name.as_str(), "leak" | "into_raw");
        } else {
            self.has_pointer |= name == "NonNull";
            self.types.insert(name);
        }
        visit::visit_path_segment(self, segment);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.leaks |= call.method == "leak" || call.method == "into_raw";
        visit::visit_expr_method_call(self, call);
    }
}

fn is_public(visibility: &syn::Visibility) -> bool {
    matches!(visibility, syn::Visibility::Public(_))
}

/// The type that an `impl` is of.
fn owner(item: &syn::ItemImpl) -> String {
    match &*item.self_ty {
        syn::Type::Path(path) => {
            path.path.segments.last().map_or(String::new(), |last| last.ident.to_string())
        }
        _ => String::new(),
    }
}

/// Whether attributes leave an item to tests: `cfg(test)`, also with more.
fn is_test_only(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else { return false };
        let condition = list.tokens.to_string();
        let is_all = condition.starts_with("all") && condition.contains("test");
        list.path.is_ident("cfg") && (condition == "test" || is_all && !condition.contains("not"))
    })
}

/// What a documented thing says: the text of its doc comments.
fn documentation(attributes: &[syn::Attribute]) -> String {
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
