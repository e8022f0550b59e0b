//! Values between MySQL and WIT: which column type becomes which value, and which cannot
//! (`docs/spin.md#values-of-mysql`).

use mysql_async::consts::{ColumnFlags, ColumnType};
use mysql_async::prelude::FromValue;
use mysql_async::{Value, from_value_opt};

use crate::bindings::mysql::{Column, DbDataType, DbValue, Error, ParameterValue, Row};

pub(super) fn to_mysql(value: ParameterValue) -> Value {
    match value {
        ParameterValue::Boolean(v) => v.into(),
        ParameterValue::Int8(v) => v.into(),
        ParameterValue::Int16(v) => v.into(),
        ParameterValue::Int32(v) => v.into(),
        ParameterValue::Int64(v) => v.into(),
        ParameterValue::Uint8(v) => v.into(),
        ParameterValue::Uint16(v) => v.into(),
        ParameterValue::Uint32(v) => v.into(),
        ParameterValue::Uint64(v) => v.into(),
        ParameterValue::Floating32(v) => v.into(),
        ParameterValue::Floating64(v) => v.into(),
        ParameterValue::Str(v) => v.into(),
        ParameterValue::Binary(v) => v.into(),
        ParameterValue::DbNull => Value::NULL,
    }
}

pub(super) fn columns(columns: &[mysql_async::Column]) -> Vec<Column> {
    let column = |c: &mysql_async::Column| Column {
        name: c.name_str().into_owned(),
        data_type: data_type(c.column_type(), c.flags()),
    };
    columns.iter().map(column).collect()
}

fn data_type(column: ColumnType, flags: ColumnFlags) -> DbDataType {
    use ColumnType::*;
    let unsigned = flags.contains(ColumnFlags::UNSIGNED_FLAG);
    let binary = flags.contains(ColumnFlags::BINARY_FLAG);
    match column {
        MYSQL_TYPE_TINY if unsigned => DbDataType::Uint8,
        MYSQL_TYPE_TINY => DbDataType::Int8,
        MYSQL_TYPE_SHORT if unsigned => DbDataType::Uint16,
        MYSQL_TYPE_SHORT => DbDataType::Int16,
        MYSQL_TYPE_INT24 | MYSQL_TYPE_LONG if unsigned => DbDataType::Uint32,
        MYSQL_TYPE_INT24 | MYSQL_TYPE_LONG => DbDataType::Int32,
        MYSQL_TYPE_LONGLONG if unsigned => DbDataType::Uint64,
        MYSQL_TYPE_LONGLONG => DbDataType::Int64,
        MYSQL_TYPE_FLOAT => DbDataType::Floating32,
        MYSQL_TYPE_DOUBLE => DbDataType::Floating64,
        MYSQL_TYPE_BLOB | MYSQL_TYPE_STRING | MYSQL_TYPE_VAR_STRING if binary => DbDataType::Binary,
        MYSQL_TYPE_BLOB | MYSQL_TYPE_STRING | MYSQL_TYPE_VAR_STRING => DbDataType::Str,
        _ => DbDataType::Other,
    }
}

/// Converts a row and says how many bytes it holds, roughly.
pub(super) fn row(row: mysql_async::Row, columns: &[Column]) -> Result<(Row, usize), Error> {
    let values: Result<Row, Error> = row.unwrap().into_iter().zip(columns).map(|(v, c)| value(v, c)).collect();
    let values = values?;
    let held = |value: &DbValue| match value {
        DbValue::Str(text) => text.len(),
        DbValue::Binary(bytes) => bytes.len(),
        _ => 0,
    };
    let size = values.iter().map(|value| size_of::<DbValue>() + held(value)).sum();
    Ok((values, size))
}

fn value(value: Value, column: &Column) -> Result<DbValue, Error> {
    if value == Value::NULL {
        return Ok(DbValue::DbNull);
    }
    match column.data_type {
        DbDataType::Boolean => convert(value).map(DbValue::Boolean),
        DbDataType::Int8 => convert(value).map(DbValue::Int8),
        DbDataType::Int16 => convert(value).map(DbValue::Int16),
        DbDataType::Int32 => convert(value).map(DbValue::Int32),
        DbDataType::Int64 => convert(value).map(DbValue::Int64),
        DbDataType::Uint8 => convert(value).map(DbValue::Uint8),
        DbDataType::Uint16 => convert(value).map(DbValue::Uint16),
        DbDataType::Uint32 => convert(value).map(DbValue::Uint32),
        DbDataType::Uint64 => convert(value).map(DbValue::Uint64),
        DbDataType::Floating32 => convert(value).map(DbValue::Floating32),
        DbDataType::Floating64 => convert(value).map(DbValue::Floating64),
        DbDataType::Str => convert(value).map(DbValue::Str),
        DbDataType::Binary => convert(value).map(DbValue::Binary),
        DbDataType::Other => Err(Error::ValueConversionFailed(format!(
            "Cannot convert value {value:?} in column {} data type {:?}",
            column.name, column.data_type
        ))),
    }
}

fn convert<T: FromValue>(value: Value) -> Result<T, Error> {
    from_value_opt(value).map_err(|error| Error::ValueConversionFailed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_the_types_that_spin_gives_them() {
        use ColumnType::*;
        let (none, unsigned, binary) = (ColumnFlags::empty(), ColumnFlags::UNSIGNED_FLAG, ColumnFlags::BINARY_FLAG);
        for (column, flags, expected) in [
            (MYSQL_TYPE_TINY, none, DbDataType::Int8),
            (MYSQL_TYPE_LONGLONG, unsigned, DbDataType::Uint64),
            (MYSQL_TYPE_VAR_STRING, none, DbDataType::Str),
            (MYSQL_TYPE_VAR_STRING, binary, DbDataType::Binary),
            (MYSQL_TYPE_BLOB, none, DbDataType::Str),
            (MYSQL_TYPE_BLOB, binary, DbDataType::Binary),
            (MYSQL_TYPE_NEWDECIMAL, none, DbDataType::Other),
            (MYSQL_TYPE_DATETIME, binary, DbDataType::Other),
            (MYSQL_TYPE_YEAR, unsigned, DbDataType::Other),
        ] {
            assert!(data_type(column, flags) == expected, "{column:?} {flags:?}");
        }
    }

    #[test]
    fn a_null_is_fine_in_a_column_that_cannot_be_converted() {
        let decimal = Column { name: "total".to_owned(), data_type: DbDataType::Other };
        assert!(matches!(value(Value::NULL, &decimal), Ok(DbValue::DbNull)));
        let error = value(Value::Bytes(b"1.50".to_vec()), &decimal).unwrap_err();
        assert!(matches!(error, Error::ValueConversionFailed(text) if text.contains("total")));
    }
}
