//! Conditions of the meaning of a query: columns, types, functions, values.

use super::conditions;

conditions! {
    UNRESOLVED_COLUMN = "UNRESOLVED_COLUMN.WITH_SUGGESTION", "42703", User, No, "A query names a column that none of its inputs has.";
    UNRESOLVED_STAR = "CANNOT_RESOLVE_STAR_EXPAND", "42704", User, No, "`x.*` names a relation that the query does not read.";
    AMBIGUOUS_REFERENCE = "AMBIGUOUS_REFERENCE", "42704", User, No, "A column name fits more than one input: qualify it with the alias of the relation.";
    UNRESOLVED_ROUTINE = "UNRESOLVED_ROUTINE", "42883", User, No, "A query calls a function that does not exist, or that Sluice does not have yet.";
    WRONG_NUM_ARGS = "WRONG_NUM_ARGS", "42605", User, No, "A function was called with a number of arguments that it does not take.";
    DATATYPE_MISMATCH = "DATATYPE_MISMATCH", "42K09", User, No, "An operator or function was given values of a type that it does not take, and Spark converts none of them by itself: write a CAST.";
    INVALID_WHERE_CONDITION = "INVALID_WHERE_CONDITION", "42903", User, No, "WHERE, ON, HAVING and QUALIFY take a BOOLEAN that fits their place: no aggregate in WHERE, for example.";
    MISSING_AGGREGATION = "MISSING_AGGREGATION", "42803", User, No, "A column stands beside aggregates but is not grouped by: add it to GROUP BY, or wrap it in any_value().";
    NESTED_AGGREGATE_FUNCTION = "NESTED_AGGREGATE_FUNCTION", "42607", User, No, "An aggregate function stands inside another: compute the inner one in a subquery.";
    GROUP_BY_POS_OUT_OF_RANGE = "GROUP_BY_POS_OUT_OF_RANGE", "42805", User, No, "`GROUP BY n` names a column of the select list by number, and there is no such number.";
    ORDER_BY_POS_OUT_OF_RANGE = "ORDER_BY_POS_OUT_OF_RANGE", "42805", User, No, "`ORDER BY n` names a column of the select list by number, and there is no such number.";
    NUM_COLUMNS_MISMATCH = "NUM_COLUMNS_MISMATCH", "42826", User, No, "The sides of a UNION, EXCEPT or INTERSECT have different numbers of columns.";
    ASSIGNMENT_ARITY_MISMATCH = "ASSIGNMENT_ARITY_MISMATCH", "42802", User, No, "A list of column aliases has another number of names than there are columns.";
    INCOMPATIBLE_COLUMN_TYPE = "INCOMPATIBLE_COLUMN_TYPE", "42825", User, No, "A column of a UNION, EXCEPT or INTERSECT has types on its sides that have no common type.";
    COLUMN_ALREADY_EXISTS = "COLUMN_ALREADY_EXISTS", "42711", User, No, "Two columns of one table have the same name (letter case does not count): give one an alias.";
    EXPRESSION_WITHOUT_ALIAS = "CREATE_VIEW_COLUMN_WITHOUT_ALIAS", "42K00", User, No, "A computed column of a table needs a name: write `AS name` behind it.";
    SCALAR_SUBQUERY_TOO_MANY_COLUMNS = "INVALID_SUBQUERY_EXPRESSION.SCALAR_SUBQUERY_RETURN_MORE_THAN_ONE_OUTPUT_COLUMN", "42823", User, No, "A subquery that stands for one value must have exactly one column.";
    SCALAR_SUBQUERY_TOO_MANY_ROWS = "SCALAR_SUBQUERY_TOO_MANY_ROWS", "21000", User, No, "A subquery that stands for one value returned more than one row.";
    UNSUPPORTED_GENERATOR = "UNSUPPORTED_GENERATOR", "42K0E", User, No, "explode and its kin stand alone in a select list, one per list, and not inside another expression.";
    UNSUPPORTED_FEATURE = "UNSUPPORTED_FEATURE", "0A000", User, No, "The SQL is understood, and Sluice does not run it (yet): nothing is computed rather than something different.";
    UNSUPPORTED_STREAMING_OPERATION = "UNSUPPORTED_STREAMING_OPERATION", "0A000", User, No, "An operation that needs state across micro-batches was asked of a stream: use a materialized view, or read the relation without STREAM.";
    INVALID_TYPED_LITERAL = "INVALID_TYPED_LITERAL", "42604", User, No, "The text of a DATE, TIMESTAMP or INTERVAL literal is not one.";
    NUMERIC_LITERAL_OUT_OF_RANGE = "INVALID_NUMERIC_LITERAL_RANGE", "22003", User, No, "A number does not fit the type that its suffix names.";
    CAST_INVALID_INPUT = "CAST_INVALID_INPUT", "22018", User, No, "A value cannot be converted to the type asked for: correct it, or use try_cast() to get NULL instead.";
    CAST_OVERFLOW = "CAST_OVERFLOW", "22003", User, No, "A number does not fit the type that it is cast to: use try_cast() to get NULL instead.";
    CAST_WITHOUT_RULE = "DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION", "42K09", User, No, "There is no conversion between these two types.";
    ARITHMETIC_OVERFLOW = "ARITHMETIC_OVERFLOW", "22003", User, No, "The result of a calculation does not fit its type: cast to a wider type, or use try_add() and its kin to get NULL.";
    NUMERIC_VALUE_OUT_OF_RANGE = "NUMERIC_VALUE_OUT_OF_RANGE", "22003", User, No, "A decimal result has more digits than its type holds.";
    DIVIDE_BY_ZERO = "DIVIDE_BY_ZERO", "22012", User, No, "Division by zero: use try_divide() or NULLIF(divisor, 0) to get NULL instead.";
    INVALID_ARRAY_INDEX = "INVALID_ARRAY_INDEX", "22003", User, No, "An index lies outside of the array: use get() to get NULL instead.";
    INVALID_EXPECTATION = "INVALID_EXPECTATION", "42K00", User, No, "An expectation must be a BOOLEAN over the output columns of its dataset: no aggregate, no subquery, no window.";
    INCOMPATIBLE_TABLE_COLUMN = "INCOMPATIBLE_DATA_FOR_TABLE.CANNOT_SAFELY_CAST", "KD000", User, No, "A column of the query has a type that cannot be cast to the type that the table declares.";
    EXTRA_COLUMN = "INCOMPATIBLE_DATA_FOR_TABLE.EXTRA_COLUMNS", "KD000", User, No, "The query has a column that the table does not declare.";
    RESOURCES_EXHAUSTED = "UNABLE_TO_ACQUIRE_MEMORY", "53200", External, Backoff, "A query needs more memory than it may use, and could not spill further to disk.";
    QUERY_EXECUTION_FAILED = "QUERY_EXECUTION_FAILED", "XX000", Internal, No, "A query failed in a way that Sluice does not know: please report it with the text of this message.";
}
