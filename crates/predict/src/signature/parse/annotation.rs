//! Type annotations: names, subscripts and unions.

use super::SignatureError;
use super::token::Token;
use crate::typing::Type;
use crate::value::Value;

/// Deeper annotations are refused, so that a hostile signature cannot exhaust the stack.
const MAX_DEPTH: usize = 50;

/// Python's reserved words, which cannot name a field.
const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
    "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

/// A reader of parameters and their annotations.
pub(super) struct Annotations<'a> {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    names: &'a [(&'a str, Type)],
}

/// What stands between brackets: a type, or a value of a `Literal`.
enum Argument {
    Type(Type),
    Value(Value),
    Ellipsis,
}

impl<'a> Annotations<'a> {
    pub(super) fn new(tokens: Vec<Token>, names: &'a [(&'a str, Type)]) -> Self {
        Self { tokens, at: 0, depth: 0, names }
    }

    pub(super) fn at_end(&self) -> bool {
        self.at == self.tokens.len()
    }

    pub(super) fn eat(&mut self, token: &Token) -> bool {
        let found = self.tokens.get(self.at) == Some(token);
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, punctuation: char) -> Result<(), SignatureError> {
        if self.eat(&Token::Punctuation(punctuation)) { Ok(()) } else { self.syntax() }
    }

    fn syntax<T>(&self) -> Result<T, SignatureError> {
        Err(SignatureError::Syntax(self.tokens.get(self.at).map_or_else(String::new, |token| format!("{token:?}"))))
    }

    fn name(&mut self) -> Result<String, SignatureError> {
        match self.tokens.get(self.at) {
            Some(Token::Name(name)) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => self.syntax(),
        }
    }

    /// A field's name: no reserved word, and not private, which pydantic refuses.
    pub(super) fn parameter_name(&mut self) -> Result<String, SignatureError> {
        let name = self.name()?;
        let is_refused = KEYWORDS.contains(&name.as_str()) || name.starts_with('_');
        if is_refused { Err(SignatureError::Syntax(name)) } else { Ok(name) }
    }

    /// Reads over `= value`, the value being one of those that a `Literal` may have.
    pub(super) fn skip_default(&mut self) -> Result<(), SignatureError> {
        if self.eat(&Token::Punctuation('=')) {
            self.argument()?;
        }
        Ok(())
    }

    /// `X | Y | ...`, in the order written.
    pub(super) fn annotation(&mut self) -> Result<Type, SignatureError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.syntax();
        }
        let mut ty = self.primary()?;
        while self.eat(&Token::Punctuation('|')) {
            let right = self.primary()?;
            ty = union([ty, right]);
        }
        self.depth -= 1;
        Ok(ty)
    }

    fn primary(&mut self) -> Result<Type, SignatureError> {
        if self.eat(&Token::Punctuation('(')) {
            let ty = self.annotation()?;
            self.expect(')')?;
            return Ok(ty);
        }
        let mut name = self.name()?;
        while self.eat(&Token::Punctuation('.')) {
            name = name + "." + &self.name()?;
        }
        let arguments = if self.eat(&Token::Punctuation('[')) { Some(self.arguments()?) } else { None };
        self.resolve(&name, arguments)
    }

    fn arguments(&mut self) -> Result<Vec<Argument>, SignatureError> {
        let mut arguments = Vec::new();
        loop {
            arguments.push(self.argument()?);
            let comma = self.eat(&Token::Punctuation(','));
            if self.eat(&Token::Punctuation(']')) {
                return Ok(arguments);
            }
            if !comma {
                return self.syntax();
            }
        }
    }

    fn argument(&mut self) -> Result<Argument, SignatureError> {
        let argument = match self.tokens.get(self.at) {
            Some(Token::Text(text)) => Argument::Value(text.as_str().into()),
            Some(Token::Number(number)) => Argument::Value(number.clone()),
            Some(Token::Name(name)) if name == "True" || name == "False" => Argument::Value((name == "True").into()),
            Some(Token::Ellipsis) => Argument::Ellipsis,
            _ => return self.annotation().map(Argument::Type),
        };
        self.at += 1;
        Ok(argument)
    }

    fn resolve(&self, name: &str, arguments: Option<Vec<Argument>>) -> Result<Type, SignatureError> {
        if let Some((_, ty)) = self.names.iter().find(|(own, _)| *own == name) {
            return if arguments.is_none() { Ok(ty.clone()) } else { Err(SignatureError::BadType(name.into())) };
        }
        match arguments {
            None => plain(name).ok_or_else(|| SignatureError::UnknownName(name.to_owned())),
            Some(arguments) => generic(name, arguments),
        }
    }
}

/// A type without brackets.
fn plain(name: &str) -> Option<Type> {
    let ty = match name.strip_prefix("typing.").unwrap_or(name) {
        "str" | "Text" => Type::Str,
        "int" => Type::Int,
        "float" => Type::Float,
        "bool" => Type::Bool,
        "bytes" => Type::Bytes,
        "Any" => Type::Any,
        "None" | "NoneType" => Type::None,
        "list" | "List" => Type::List(None),
        "set" | "Set" => Type::Set(None),
        "frozenset" | "FrozenSet" => Type::FrozenSet(None),
        "tuple" | "Tuple" => Type::VariadicTuple(None),
        "dict" | "Dict" => Type::Dict(None),
        "datetime.date" => Type::Date,
        "datetime.datetime" => Type::DateTime,
        "datetime.time" => Type::Time,
        "datetime.timedelta" => Type::TimeDelta,
        "dspy.Image" => Type::Image,
        "dspy.Audio" => Type::Audio,
        "dspy.File" => Type::File,
        "dspy.History" => Type::History,
        "dspy.Tool" => Type::Tool,
        "dspy.ToolCalls" => Type::ToolCalls,
        "dspy.Code" => Type::Code(None),
        "dspy.Reasoning" => Type::Reasoning,
        _ => return None,
    };
    Some(ty)
}

/// A type with its arguments in brackets.
fn generic(name: &str, arguments: Vec<Argument>) -> Result<Type, SignatureError> {
    let bad = || SignatureError::BadType(format!("{name}[...]"));
    let short = name.strip_prefix("typing.").unwrap_or(name);
    if short == "Literal" {
        return arguments.into_iter().map(literal_value).collect::<Option<_>>().map(Type::Literal).ok_or_else(bad);
    }
    if name == "dspy.Code" {
        return match arguments.as_slice() {
            [Argument::Value(Value::Str(language))] => Ok(Type::Code(Some(language.clone()))),
            _ => Err(bad()),
        };
    }
    if let ("tuple" | "Tuple", [Argument::Type(items), Argument::Ellipsis]) = (short, arguments.as_slice()) {
        return Ok(Type::VariadicTuple(Some(Box::new(items.clone()))));
    }
    let types = arguments.into_iter().map(|argument| match argument {
        Argument::Type(ty) => Some(ty),
        _ => None,
    });
    let types: Vec<Type> = types.collect::<Option<_>>().ok_or_else(bad)?;
    match (short, <[Type; 1]>::try_from(types)) {
        ("list" | "List", Ok([items])) => Ok(Type::list(items)),
        ("set" | "Set", Ok([items])) => Ok(Type::set(items)),
        ("frozenset" | "FrozenSet", Ok([items])) => Ok(Type::FrozenSet(Some(Box::new(items)))),
        ("Optional", Ok([inner])) => Ok(union([inner, Type::None])),
        ("Union", Ok([only])) => Ok(only),
        ("tuple" | "Tuple", Ok(items)) => Ok(Type::Tuple(items.into())),
        ("Union", Err(members)) => Ok(union(members)),
        ("tuple" | "Tuple", Err(items)) => Ok(Type::Tuple(items)),
        ("dict" | "Dict", Err(pair)) => match <[Type; 2]>::try_from(pair) {
            Ok([keys, values]) => Ok(Type::dict(keys, values)),
            Err(_) => Err(bad()),
        },
        _ if plain(name).is_none() && !matches!(short, "Optional") => Err(SignatureError::UnknownName(name.to_owned())),
        _ => Err(bad()),
    }
}

fn literal_value(argument: Argument) -> Option<Value> {
    match argument {
        Argument::Value(value) => Some(value),
        Argument::Type(Type::None) => Some(Value::Null),
        _ => None,
    }
}

/// A union of types: nested unions are flat and nothing is in it twice; of one member it is that member.
fn union(members: impl IntoIterator<Item = Type>) -> Type {
    let mut flat: Vec<Type> = Vec::new();
    for member in members {
        let parts = if let Type::Union(parts) = member { parts } else { vec![member] };
        for part in parts {
            if !flat.contains(&part) {
                flat.push(part);
            }
        }
    }
    if flat.len() == 1 { flat.remove(0) } else { Type::Union(flat) }
}
