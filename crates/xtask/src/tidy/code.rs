//! Looking at code alone: not at comments, attributes and tests.

/// True where an item is compiled for tests, or for what tests stand on, alone.
pub(super) fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || attribute.path().is_ident("cfg")
                && matches!(&attribute.meta, syn::Meta::List(list) if names_tests(&list.tokens.to_string()))
    })
}

fn names_tests(condition: &str) -> bool {
    let words: Vec<&str> = condition.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    !words.contains(&"not") && ["test", "fake", "testing"].iter().any(|it| words.contains(it))
}

/// The methods of a [`syn::visit::Visit`] that leave out attributes (and so comments of documentation) and what only tests see.
macro_rules! skip_attributes_and_tests {
    () => {
        fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

        fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
            if !$crate::tidy::code::is_for_tests(&module.attrs) {
                syn::visit::visit_item_mod(self, module);
            }
        }

        fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
            if !$crate::tidy::code::is_for_tests(&function.attrs) {
                syn::visit::visit_item_fn(self, function);
            }
        }
    };
}
pub(super) use skip_attributes_and_tests;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_tests_see_is_told_from_the_rest() {
        for (item, expected) in [
            ("#[cfg(test)] mod tests {}", true),
            ("#[cfg(any(test, feature = \"fake\"))] mod a {}", true),
            ("#[cfg(feature = \"testing\")] mod a {}", true),
            ("#[cfg(not(test))] mod a {}", false),
            ("#[cfg(target_family = \"wasm\")] mod a {}", false),
            ("mod tests {}", false),
        ] {
            assert_eq!(is_for_tests(&syn::parse_str::<syn::ItemMod>(item).unwrap().attrs), expected, "{item}");
        }
    }
}
