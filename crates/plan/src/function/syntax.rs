//! The calls that the binder reads as syntax, without a registered function: their names, as the reference tells them.
//! What they mean stands in `bind`.

use super::FunctionEntry;

const fn call(
    family: &'static str,
    name: &'static str,
    aliases: &'static [&'static str],
    doc: &'static str,
    example: &'static str,
) -> FunctionEntry {
    FunctionEntry {
        name,
        aliases,
        family,
        doc,
        example,
    }
}

/// Whether a name is that of a call which is syntax.
pub(crate) fn is_named(name: &str) -> bool {
    CALLS
        .iter()
        .any(|entry| entry.name == name || entry.aliases.contains(&name))
}

/// All of them.
#[rustfmt::skip]
pub(super) static CALLS: &[FunctionEntry] = &[
    call("string", "concat", &[], "Joins strings, binaries or arrays; NULL if one of them is.", "concat('Spark', 'SQL')"),
    call("string", "like", &[], "As the operator LIKE; the third argument is the escape character.", "like('50%', '50/%', '/')"),
    call("string", "ilike", &[], "As the operator ILIKE.", "ilike('Spark', 's%')"),
    call("number", "mod", &[], "As the operator `%`.", "mod(7, 2)"),
    call("number", "div", &[], "As the operator DIV.", "div(7, 2)"),
    call("number", "positive", &[], "Gives the number as it is.", "positive(1)"),
    call("number", "try_add", &[], "As `+`, NULL where the answer does not fit its type.", "try_add(2147483647, 1)"),
    call("number", "try_subtract", &[], "As `-`, NULL where the answer does not fit its type.", "try_subtract(2, 1)"),
    call("number", "try_multiply", &[], "As `*`, NULL where the answer does not fit its type.", "try_multiply(2, 3)"),
    call("number", "try_divide", &[], "As `/`, NULL where it divides by zero.", "try_divide(3, 0)"),
    call("number", "try_mod", &[], "As `%`, NULL where it divides by zero.", "try_mod(3, 0)"),
    call("date and time", "current_timestamp", &["now", "getdate"], "Gives the time at which the update began.", "current_timestamp()"),
    call("date and time", "localtimestamp", &[], "Gives the time at which the update began, without a time zone.", "localtimestamp()"),
    call("date and time", "current_date", &["curdate"], "Gives the day on which the update began.", "current_date()"),
    call("date and time", "current_timezone", &[], "Gives the time zone of the session.", "current_timezone()"),
    call("date and time", "window", &[], "Gives the windows of time that a row falls into, to group by.", "window(ts, '10 minutes')"),
    call("date and time", "session_window", &[], "Gives the session that a row falls into, to group by.", "session_window(ts, '5 minutes')"),
    call("date and time", "window_time", &[], "Gives the last microsecond of a window that was grouped by.", "window_time(window)"),
    call("conditional", "coalesce", &[], "Gives the first argument that is not NULL.", "coalesce(NULL, 1)"),
    call("conditional", "nvl", &["ifnull"], "Gives the first argument, or the second where that is NULL.", "nvl(NULL, 1)"),
    call("conditional", "nvl2", &[], "Gives the second argument, or the third where the first is NULL.", "nvl2(NULL, 2, 1)"),
    call("conditional", "if", &["iff"], "Gives the second argument where the first is TRUE, else the third.", "if(1 < 2, 'a', 'b')"),
    call("conditional", "nullif", &[], "Gives NULL where both arguments are equal, else the first.", "nullif(2, 2)"),
    call("conditional", "nullifzero", &[], "Gives NULL where the number is zero, else the number.", "nullifzero(0)"),
    call("conditional", "zeroifnull", &[], "Gives zero where the number is NULL, else the number.", "zeroifnull(NULL)"),
    call("conditional", "equal_null", &[], "As the operator `<=>`.", "equal_null(NULL, 3)"),
    call("conditional", "isnull", &[], "Whether the value is NULL.", "isnull(1)"),
    call("conditional", "isnotnull", &[], "Whether the value is not NULL.", "isnotnull(1)"),
    call("conditional", "greatest", &[], "Gives the greatest argument, leaving out NULLs.", "greatest(10, 9, 2)"),
    call("conditional", "least", &[], "Gives the least argument, leaving out NULLs.", "least(10, 9, 2)"),
    call("conversion", "boolean", &[], "As CAST to BOOLEAN.", "boolean('true')"),
    call("conversion", "tinyint", &[], "As CAST to TINYINT.", "tinyint('1')"),
    call("conversion", "smallint", &[], "As CAST to SMALLINT.", "smallint('1')"),
    call("conversion", "int", &[], "As CAST to INT.", "int('1')"),
    call("conversion", "bigint", &[], "As CAST to BIGINT.", "bigint('1')"),
    call("conversion", "float", &[], "As CAST to FLOAT.", "float('1')"),
    call("conversion", "double", &[], "As CAST to DOUBLE.", "double('1')"),
    call("conversion", "decimal", &[], "As CAST to DECIMAL(10, 0).", "decimal('1')"),
    call("conversion", "string", &[], "As CAST to STRING.", "string(1)"),
    call("conversion", "binary", &[], "As CAST to BINARY.", "binary('a')"),
    call("conversion", "date", &[], "As CAST to DATE.", "date('2026-01-01')"),
    call("conversion", "to_timestamp_ntz", &[], "Reads a text, with the pattern given second if there is one, as a timestamp without a time zone.", "to_timestamp_ntz('2026-01-01 00:00:00')"),
    call("conversion", "timestamp", &[], "As CAST to TIMESTAMP.", "timestamp('2026-01-01 00:00:00')"),
    call("array", "array", &[], "Makes an array.", "array(1, 2, 3)"),
    call("struct", "struct", &[], "Makes a struct whose fields are named by the arguments, or `col1`, `col2`, ….", "struct(1, 2)"),
    call("struct", "named_struct", &[], "Makes a struct of names and values.", "named_struct('a', 1, 'b', 2)"),
    call("generator", "explode", &[], "Makes a row of each item of an array or entry of a map.", "explode(array(10, 20))"),
    call("generator", "explode_outer", &[], "As explode, with a row of NULL where there is none.", "explode_outer(array(10, 20))"),
    call("generator", "posexplode", &[], "As explode, with the place of each item from 0.", "posexplode(array(10, 20))"),
    call("generator", "posexplode_outer", &[], "As posexplode, with a row of NULL where there is none.", "posexplode_outer(array(10, 20))"),
    call("generator", "inline", &[], "Makes a row of each struct of an array.", "inline(array(struct(1, 'a'), struct(2, 'b')))"),
    call("generator", "inline_outer", &[], "As inline, with a row of NULLs where there is none.", "inline_outer(array(struct(1, 'a')))"),
    call("generator", "stack", &[], "Lays the arguments into so many rows.", "stack(2, 1, 2, 3, 4)"),
    call("generator", "json_tuple", &[], "Takes keys of a JSON text as columns.", "json_tuple('{\"a\":1,\"b\":2}', 'a', 'b')"),
    call("system", "typeof", &[], "Names the type of a value.", "typeof(1)"),
    call("system", "current_user", &["user", "session_user"], "Names the user.", "current_user()"),
    call("system", "current_catalog", &[], "Names the catalog of the pipeline.", "current_catalog()"),
    call("system", "current_schema", &["current_database"], "Names the schema of the pipeline.", "current_schema()"),
    call("aggregate", "count", &[], "Counts the rows, or those whose arguments are not NULL.", "count(x)"),
    call("aggregate", "count_if", &[], "Counts the rows for which a condition is TRUE.", "count_if(x > 1)"),
    call("aggregate", "sum", &[], "Gives the sum, leaving out NULLs.", "sum(x)"),
    call("aggregate", "grouping", &[], "Gives 1 where a column is rolled up, else 0.", "grouping(x)"),
    call("aggregate", "grouping_id", &[], "Gives the marks of all columns as the bits of a number.", "grouping_id(x)"),
    call("window", "row_number", &[], "Numbers the rows from 1.", "row_number() OVER (ORDER BY x)"),
    call("window", "rank", &[], "Gives the rank, with gaps after equals.", "rank() OVER (ORDER BY x)"),
    call("window", "dense_rank", &[], "Gives the rank, without gaps.", "dense_rank() OVER (ORDER BY x)"),
    call("window", "percent_rank", &[], "Gives the rank as a part of 1.", "percent_rank() OVER (ORDER BY x)"),
    call("window", "cume_dist", &[], "Gives the part of the rows up to this one.", "cume_dist() OVER (ORDER BY x)"),
    call("window", "ntile", &[], "Gives the number of the part of so many that the row falls into.", "ntile(2) OVER (ORDER BY x)"),
    call("window", "lag", &[], "Gives the value of an earlier row.", "lag(x, 1) OVER (ORDER BY x)"),
    call("window", "lead", &[], "Gives the value of a later row.", "lead(x, 1) OVER (ORDER BY x)"),
    call("window", "nth_value", &[], "Gives the value of the n-th row of the frame.", "nth_value(x, 2) OVER (ORDER BY x)"),
];
