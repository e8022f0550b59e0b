//! The string form of signatures, `"a, b: int -> c: list[str]"`: two Python parameter lists around an arrow.

use thiserror::Error;

use self::annotation::Annotations;
use self::token::{Token, tokenize};
use super::{Field, FieldKind, Signature};
use crate::typing::Type;

mod annotation;
mod token;

/// Why a text is no signature.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// There is not exactly one `->`.
    #[error("invalid signature format: {0:?} must contain exactly one '->'")]
    Arrow(String),
    /// A side is no Python parameter list.
    #[error("invalid syntax near {0:?}")]
    Syntax(String),
    /// A name is both an input and an output.
    #[error("input and output fields must have distinct names, but {0:?} is both")]
    Duplicate(String),
    /// A type that does not exist.
    #[error("unknown name: {0}")]
    UnknownName(String),
    /// A type that exists but does not take such arguments.
    #[error("{0} cannot be a type here")]
    BadType(String),
}

impl SignatureError {
    /// The Python exception that DSPy raises.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self {
            Self::Syntax(_) => "SyntaxError",
            Self::BadType(_) => "TypeError",
            _ => "ValueError",
        }
    }
}

/// Reads the string form; `names` adds types to those of Python and DSPy and hides equal names.
pub(super) fn signature(text: &str, names: &[(&str, Type)]) -> Result<Signature, SignatureError> {
    let mut sides = text.split("->");
    let (Some(inputs), Some(outputs), None) = (sides.next(), sides.next(), sides.next()) else {
        return Err(SignatureError::Arrow(text.to_owned()));
    };
    let inputs = parameters(inputs, FieldKind::Input, names)?;
    let outputs = parameters(outputs, FieldKind::Output, names)?;
    if let Some(twice) = outputs.iter().find(|output| inputs.iter().any(|input| input.name == output.name)) {
        return Err(SignatureError::Duplicate(twice.name.clone()));
    }
    Ok(Signature::new("StringSignature", None, [inputs, outputs].concat()))
}

/// One side of the arrow. A name that comes twice keeps its first place and its last type, as in a Python dict.
fn parameters(text: &str, kind: FieldKind, names: &[(&str, Type)]) -> Result<Vec<Field>, SignatureError> {
    let mut annotations = Annotations::new(tokenize(text)?, names);
    let mut fields: Vec<Field> = Vec::new();
    while !annotations.at_end() {
        let name = annotations.parameter_name()?;
        let ty = if annotations.eat(&Token::Punctuation(':')) { annotations.annotation()? } else { Type::Str };
        // A default is syntax that DSPy reads over; a field annotated `None` is text to it.
        annotations.skip_default()?;
        let ty = if ty == Type::None { Type::Str } else { ty };
        let field = if kind == FieldKind::Input { Field::input(name, ty) } else { Field::output(name, ty) };
        match fields.iter_mut().find(|other| other.name == field.name) {
            Some(other) => *other = field,
            None => fields.push(field),
        }
        if !annotations.at_end() {
            annotations.expect(',')?;
        }
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(text: &str) -> Vec<String> {
        signature(text, &[])
            .unwrap()
            .fields()
            .iter()
            .map(|field| format!("{}: {}", field.name, field.ty.name()))
            .collect()
    }

    #[test]
    fn annotations_are_pythons() {
        assert_eq!(
            types(
                "a, b: int | None, c: Optional[list[str]] -> d: Literal['p', \"q'\", 3], e: dict[str, Any], f: dspy.Image,"
            ),
            [
                "a: str",
                "b: Union[int, NoneType]",
                "c: Union[list[str], NoneType]",
                "d: Literal['p', \"q'\", 3]",
                "e: dict[str, Any]",
                "f: Image"
            ]
        );
        assert_eq!(types("-> x: Union[int, str | None]"), ["x: Union[int, str, NoneType]"]);
        assert_eq!(
            types("x: tuple[int, ...] -> y: datetime.date, z: None | int"),
            ["x: tuple[int, Ellipsis]", "y: date", "z: Union[NoneType, int]"]
        );
    }

    #[test]
    fn what_python_refuses_is_refused() {
        let class = |text| signature(text, &[]).unwrap_err().class();
        assert_eq!(class("a -> b -> c"), "ValueError");
        assert_eq!(class("a, b"), "ValueError");
        assert_eq!(class("a -> a"), "ValueError");
        assert_eq!(class("a: Nope -> b"), "ValueError");
        assert_eq!(class("a b -> c"), "SyntaxError");
        assert_eq!(class("class -> c"), "SyntaxError");
        assert_eq!(class("a: list[ -> c"), "SyntaxError");
        assert_eq!(class(&format!("a: {}int -> c", "list[".repeat(10_000))), "SyntaxError");
    }

    #[test]
    fn own_types_have_names() {
        let person = Type::list(Type::Int);
        let read = signature("a: Person -> b: list[Person]", &[("Person", person.clone())]).unwrap();
        assert_eq!(read.fields()[1].ty, Type::list(person));
    }
}
