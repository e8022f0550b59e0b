//! Every problem code has its page, and every page its code.

use std::path::Path;

use anyhow::Result;
use proc_macro2::{TokenStream, TokenTree};
use syn::visit::Visit;

use super::{Finding, Source, is_test, stems};

/// Codes without a page and pages without a code.
pub(super) fn check(sources: &[Source], root: &Path) -> Result<Vec<Finding>> {
    let mut codes = Codes::default();
    for source in sources.iter().filter(|source| !is_test(&source.path) && !source.path.starts_with("crates/xtask/")) {
        if let Ok(file) = syn::parse_file(&source.text) {
            codes.visit_file(&file);
        }
    }
    codes.found.sort();
    codes.found.dedup();
    let pages: Vec<String> = stems(&root.join("docs/problems"))?.into_iter().filter(|page| page != "README").collect();
    let lost = codes.found.iter().filter(|code| !pages.contains(code));
    let idle = pages.iter().filter(|page| !codes.found.contains(page));
    let mut findings: Vec<Finding> = lost.map(|code| format!("docs/problems/{code}.md is missing")).collect();
    findings.extend(idle.map(|page| format!("docs/problems/{page}.md is about a code that nothing gives")));
    Ok(findings)
}

/// Collects the codes that lines of `faults!` say (`Self::Away => NotFound "cat_away",`), and the texts in the bodies of functions
/// `code(..) -> &'static str`: that is where codes are said.
#[derive(Default)]
struct Codes {
    found: Vec<String>,
}

impl<'ast> Visit<'ast> for Codes {
    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if function.sig.ident == "code" {
            let mut texts = Texts { found: &mut self.found };
            texts.visit_block(&function.block);
        }
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        if mac.path.segments.last().is_some_and(|name| name.ident == "faults") {
            self.read_lines(mac.tokens.clone());
        }
    }
}

impl Codes {
    /// Finds the texts behind an arrow and a kind.
    fn read_lines(&mut self, tokens: TokenStream) {
        let trees: Vec<TokenTree> = tokens.into_iter().collect();
        for trees in trees.windows(3) {
            if let [TokenTree::Punct(end), TokenTree::Ident(_), TokenTree::Literal(code)] = trees
                && end.as_char() == '>'
                && let Ok(code) = syn::parse_str::<syn::LitStr>(&code.to_string())
            {
                self.found.push(code.value());
            }
        }
        for tree in trees {
            if let TokenTree::Group(group) = tree {
                self.read_lines(group.stream());
            }
        }
    }
}

struct Texts<'a> {
    found: &'a mut Vec<String>,
}

impl<'ast> Visit<'ast> for Texts<'_> {
    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.found.push(text.value());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<String> {
        let mut codes = Codes::default();
        codes.visit_file(&syn::parse_file(text).unwrap());
        codes.found
    }

    #[test]
    fn codes_are_read_from_the_functions_that_say_them() {
        let text = r#"impl A { fn kind(&self) -> Kind { x("no") } fn code(&self) -> &'static str { match self { A => "a_code", _ => "b_code" } } }"#;
        assert_eq!(codes(text), ["a_code", "b_code"]);
    }

    #[test]
    fn codes_are_read_from_the_lines_of_faults() {
        let text = r#"faults! { A {
            Self::B(error) if error.is("no") => Invalid "b_code" { fields: vec![("no", "never")] },
            Self::C { .. } | Self::D => NotFound "c_code",
            Self::E(error) => error,
        } }"#;
        assert_eq!(codes(text), ["b_code", "c_code"]);
    }
}
