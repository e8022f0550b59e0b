//! Every problem code has its page, and every page its code.

use std::path::Path;

use anyhow::Result;
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

/// Collects the texts in the bodies of all functions `code(..) -> &'static str`: that is where codes are said.
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

    #[test]
    fn codes_are_read_from_the_functions_that_say_them() {
        let file = syn::parse_file(
            r#"impl Fault for A { fn kind(&self) -> Kind { x("no") } fn code(&self) -> &'static str { match self { A => "a_code", _ => "b_code" } } }"#,
        )
        .unwrap();
        let mut codes = Codes::default();
        codes.visit_file(&file);
        assert_eq!(codes.found, ["a_code", "b_code"]);
    }
}
