//! How Python writes floats: the shortest digits that read back, in its own layout.

use num_bigint::BigInt;

/// `repr(float)`: `1.0`, `1e+16`, `1e-05`, `nan`, `-inf`. Positional for exponents from -4 to 15, otherwise scientific
/// with at least two digits of exponent.
#[must_use]
pub fn repr(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    // Rust's `{:e}` gives the same shortest digits as David Gay's algorithm in CPython: `d.ddde-x`.
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e').expect("`{:e}` always writes an exponent");
    let exponent: i32 = exponent.parse().expect("`{:e}` writes a decimal exponent");
    if (-4..16).contains(&exponent) {
        let positional = format!("{number}");
        return if positional.contains('.') { positional } else { positional + ".0" };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// The integer that a float is exactly; `None` when it has a fraction or is no number.
#[must_use]
pub fn to_integer(number: f64) -> Option<BigInt> {
    if !number.is_finite() || number.fract() != 0.0 {
        return None;
    }
    let bits = number.to_bits();
    let exponent = i32::try_from((bits >> 52) & 0x7ff).expect("eleven bits fit");
    if exponent == 0 {
        return Some(BigInt::ZERO);
    }
    let mantissa = BigInt::from((bits & ((1 << 52) - 1)) | (1 << 52));
    let shift = exponent - 1075;
    let magnitude = if shift >= 0 { mantissa << shift } else { mantissa >> -shift };
    Some(if number < 0.0 { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::{repr, to_integer};

    #[test]
    fn whole_floats_are_exact_integers() {
        assert_eq!(to_integer(1e22).map(|big| big.to_string()).as_deref(), Some("10000000000000000000000"));
        assert_eq!(to_integer(-3.0).map(|big| big.to_string()).as_deref(), Some("-3"));
        assert_eq!(to_integer(0.5), None);
        assert_eq!(to_integer(f64::NAN), None);
    }

    #[test]
    fn the_layout_is_pythons() {
        let cases = [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (1e16, "1e+16"),
            (1.5e16, "1.5e+16"),
            (9_999_999_999_999_998.0, "9999999999999998.0"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (1.5e300, "1.5e+300"),
            (5e-324, "5e-324"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (number, expected) in cases {
            assert_eq!(repr(number), expected);
        }
    }
}
