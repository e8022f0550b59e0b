//! Python's `==` between values, for which `1`, `1.0` and `True` are the same.

use num_bigint::BigInt;

use crate::value::Value;

/// `left == right`.
#[must_use]
pub fn equals(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::List(left), Value::List(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equals(left, right))
        }
        (Value::Map(left), Value::Map(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, left)| right.get(key).is_some_and(|right| equals(left, right)))
        }
        _ => match (Number::of(left), Number::of(right)) {
            (Some(left), Some(right)) => left.equals(&right),
            (None, None) => left == right,
            _ => false,
        },
    }
}

enum Number {
    Integer(BigInt),
    Float(f64),
}

impl Number {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(truth) => Some(Self::Integer(BigInt::from(u8::from(*truth)))),
            Value::Int(number) => Some(Self::Integer(BigInt::from(*number))),
            Value::BigInt(number) => Some(Self::Integer(number.clone())),
            Value::Float(number) => Some(Self::Float(*number)),
            _ => None,
        }
    }

    fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Integer(left), Self::Integer(right)) => left == right,
            (Self::Float(left), Self::Float(right)) => left == right,
            (Self::Integer(integer), Self::Float(float)) | (Self::Float(float), Self::Integer(integer)) => {
                super::float::to_integer(*float).as_ref() == Some(integer)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_truth_values_are_equal_across_types() {
        let same = [
            (Value::Int(1), Value::Float(1.0)),
            (Value::Bool(true), Value::Int(1)),
            (Value::Bool(false), Value::Float(-0.0)),
        ];
        for (left, right) in &same {
            assert!(equals(left, right) && equals(right, left));
        }
        assert!(!equals(&Value::from("1"), &Value::Int(1)));
        assert!(!equals(&Value::Null, &Value::Int(0)));
        assert!(!equals(&Value::Float(f64::NAN), &Value::Float(f64::NAN)));
    }
}
