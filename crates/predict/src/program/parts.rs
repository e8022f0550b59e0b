//! How a program names the modules it holds.

use indexmap::IndexMap;

use super::Module;

/// A module inside another, under the name it has there.
pub struct Part<'a> {
    /// The field's name, with an index or a key where the field is a list or a map: `steps[0]`, `routes['news']`.
    pub name: String,
    /// The module.
    pub module: &'a dyn Module,
}

/// [`Part`], to change.
pub struct PartMut<'a> {
    /// The name.
    pub name: String,
    /// The module.
    pub module: &'a mut dyn Module,
}

/// A field that holds modules: one, an optional one, a list, or a map by key. Lists and maps are looked into one level
/// deep, as in DSPy.
pub trait Parts {
    /// The modules with their names, for a field called `name`.
    fn listed(&self, name: &str) -> Vec<Part<'_>>;

    /// The same, to change.
    fn listed_mut(&mut self, name: &str) -> Vec<PartMut<'_>>;
}

impl<M: Module> Parts for M {
    fn listed(&self, name: &str) -> Vec<Part<'_>> {
        vec![Part { name: name.to_owned(), module: self }]
    }

    fn listed_mut(&mut self, name: &str) -> Vec<PartMut<'_>> {
        vec![PartMut { name: name.to_owned(), module: self }]
    }
}

impl<M: Module> Parts for Option<M> {
    fn listed(&self, name: &str) -> Vec<Part<'_>> {
        self.iter().flat_map(|module| module.listed(name)).collect()
    }

    fn listed_mut(&mut self, name: &str) -> Vec<PartMut<'_>> {
        self.iter_mut().flat_map(|module| module.listed_mut(name)).collect()
    }
}

impl<M: Module> Parts for Vec<M> {
    fn listed(&self, name: &str) -> Vec<Part<'_>> {
        let parts = self.iter().enumerate();
        parts.map(|(index, module)| Part { name: format!("{name}[{index}]"), module }).collect()
    }

    fn listed_mut(&mut self, name: &str) -> Vec<PartMut<'_>> {
        let parts = self.iter_mut().enumerate();
        parts.map(|(index, module)| PartMut { name: format!("{name}[{index}]"), module }).collect()
    }
}

impl<M: Module> Parts for IndexMap<String, M> {
    fn listed(&self, name: &str) -> Vec<Part<'_>> {
        self.iter().map(|(key, module)| Part { name: format!("{name}['{key}']"), module }).collect()
    }

    fn listed_mut(&mut self, name: &str) -> Vec<PartMut<'_>> {
        self.iter_mut().map(|(key, module)| PartMut { name: format!("{name}['{key}']"), module }).collect()
    }
}

/// Writes what a program's [`Module`] says about its parts, from the names of the fields that hold them: `parts`,
/// `parts_mut` and `clone_box`. It stands inside the `impl Module for ...` of a type that is `Clone`.
#[macro_export]
macro_rules! parts {
    ($($field:ident),* $(,)?) => {
        fn parts(&self) -> ::std::vec::Vec<$crate::program::Part<'_>> {
            let mut parts = ::std::vec::Vec::new();
            $(parts.extend($crate::program::Parts::listed(&self.$field, stringify!($field)));)*
            parts
        }

        fn parts_mut(&mut self) -> ::std::vec::Vec<$crate::program::PartMut<'_>> {
            let mut parts = ::std::vec::Vec::new();
            $(parts.extend($crate::program::Parts::listed_mut(&mut self.$field, stringify!($field)));)*
            parts
        }

        fn clone_box(&self) -> ::std::boxed::Box<dyn $crate::Module> {
            ::std::boxed::Box::new(::std::clone::Clone::clone(self))
        }
    };
}
