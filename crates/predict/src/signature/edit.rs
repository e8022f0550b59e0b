//! Signatures made from signatures.

use thiserror::Error;

use super::{Field, Signature};

/// Why an edit cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EditError {
    /// The index lies beyond the fields of its kind.
    #[error("index {index} is out of range for {len} fields")]
    OutOfRange {
        /// The index asked for.
        index: usize,
        /// How many fields of that kind there are.
        len: usize,
    },
}

impl Signature {
    /// The same signature with other instructions; an empty text stays empty, as in a saved program.
    #[must_use]
    pub fn with_instructions(mut self, instructions: impl Into<String>) -> Self {
        self.instructions = instructions.into();
        self
    }

    /// The same signature under another name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The field called `name`, to change in place.
    pub fn field_mut(&mut self, name: &str) -> Option<&mut Field> {
        self.fields.iter_mut().find(|field| field.name == name)
    }

    /// All fields, to change in place (prefixes and descriptions of a saved program go by position).
    pub fn fields_mut(&mut self) -> impl Iterator<Item = &mut Field> {
        self.fields.iter_mut()
    }

    /// Puts a field before the others of its kind. Instructions stay as they are.
    #[must_use]
    pub fn prepend(self, field: Field) -> Self {
        self.insert(0, field).expect("index 0 is within any list of fields")
    }

    /// Puts a field after the others of its kind. Instructions stay as they are.
    #[must_use]
    pub fn append(self, field: Field) -> Self {
        let len = self.fields.iter().filter(|other| other.kind == field.kind).count();
        self.insert(len, field).expect("the number of fields of a kind is an index to insert at")
    }

    /// Puts a field at `index` among those of its kind. Instructions stay as they are.
    ///
    /// A name is there once. As in DSPy, whose fields are a `dict` over inputs and outputs, of two fields of one name the
    /// later one stays, at the place of the earlier one: a signature that has `reasoning` already keeps its own when
    /// [`ChainOfThought`](crate::ChainOfThought) prepends one.
    ///
    /// # Errors
    /// When `index` is larger than the number of fields of that kind.
    pub fn insert(mut self, index: usize, field: Field) -> Result<Self, EditError> {
        let (mut inputs, mut outputs): (Vec<_>, Vec<_>) = self.fields.into_iter().partition(Field::is_input);
        let group = if field.is_input() { &mut inputs } else { &mut outputs };
        if index > group.len() {
            return Err(EditError::OutOfRange { index, len: group.len() });
        }
        group.insert(index, field);
        inputs.append(&mut outputs);
        let mut kept: Vec<Field> = Vec::with_capacity(inputs.len());
        for field in inputs {
            match kept.iter_mut().find(|earlier| earlier.name == field.name) {
                Some(earlier) => *earlier = field,
                None => kept.push(field),
            }
        }
        // One that took an input's place may be an output.
        kept.sort_by_key(|field| !field.is_input());
        self.fields = kept;
        Ok(self)
    }

    /// The same signature without the field called `name`.
    #[must_use]
    pub fn delete(mut self, name: &str) -> Self {
        self.fields.retain(|field| field.name != name);
        self
    }
}
