//! A file stays under 400 lines and a function under 60.

use syn::{spanned::Spanned, visit::Visit};

use super::{Finding, Source};

const MAX_FILE_LINES: usize = 400;
const MAX_FUNCTION_LINES: usize = 60;

/// What is too long to be read in one go.
pub(super) fn check(sources: &[Source]) -> Vec<Finding> {
    sources.iter().flat_map(check_source).collect()
}

fn check_source(source: &Source) -> Vec<Finding> {
    let lines = source.text.lines().count();
    let mut functions = Functions { path: &source.path, findings: Vec::new() };
    if lines > MAX_FILE_LINES {
        functions.findings.push(format!("{}: {lines} lines, more than {MAX_FILE_LINES}", source.path));
    }
    match syn::parse_file(&source.text) {
        Ok(file) => functions.visit_file(&file),
        Err(error) => functions.findings.push(format!("{}: {error}", source.path)),
    }
    functions.findings
}

struct Functions<'a> {
    path: &'a str,
    findings: Vec<Finding>,
}

impl Functions<'_> {
    fn measure(&mut self, name: &syn::Ident, block: &syn::Block) {
        let (first, last) = (name.span().start().line, block.span().end().line);
        let lines = last.saturating_sub(first) + 1;
        if lines > MAX_FUNCTION_LINES {
            self.findings
                .push(format!("{}:{first}: {name} has {lines} lines, more than {MAX_FUNCTION_LINES}", self.path));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.measure(&function.sig.ident, &function.block);
        syn::visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.measure(&function.sig.ident, &function.block);
        syn::visit::visit_impl_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_text(text: String) -> Vec<Finding> {
        check_source(&Source { path: "a.rs".into(), text })
    }

    #[test]
    fn a_function_may_have_sixty_lines_and_no_more() {
        let function = |lines: usize| format!("fn f() {{\n{}}}\n", "();\n".repeat(lines - 2));
        assert_eq!(check_text(function(60)), Vec::<Finding>::new());
        assert_eq!(check_text(function(61)), ["a.rs:1: f has 61 lines, more than 60"]);
    }

    #[test]
    fn a_file_may_have_four_hundred_lines_and_no_more() {
        assert_eq!(check_text("\n".repeat(400)), Vec::<Finding>::new());
        assert_eq!(check_text("\n".repeat(401)), ["a.rs: 401 lines, more than 400"]);
    }
}
