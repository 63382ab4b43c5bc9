"""Random differences that docs/compatibility.md lists ("Known differences"), told from new ones, so that a comparison can fail by itself.

What is no answer is listed as a whole: a form that we refuse by name, two errors of which each names another first, and an error of a row
that Spark never computes, as another side is NULL there (`fuzz.py` prints these as loud).
"""

import re

NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:E-?\d+)?")
# Whose last digits depend on the order of summing, or on Java's own functions.
DIGITS = re.compile(r"\b(avg|mean|sum|stddev\w*|variance|var_\w+|std|covar_\w+|corr|skewness|kurtosis|regr_\w+|cbrt|sin|cos|tan|sinh|cosh|tanh|asinh?|acosh?|"
                    r"atan2?|atanh|sec|csc|cot|exp|expm1|ln|log\w*|power|pow|hypot|aggregate|reduce)\(")
DIGITS_APART = 1e-12
# Expressions over FLOAT, the column `f` of fuzz.py among them.
FLOATS = re.compile(r"(?i)\bFLOAT\b|\bf\b")
# Where we answer and Spark fails: a lambda that meets no item, FILTER, frames at the limits of a type, correlated subqueries, sides of set operations,
# later arguments of `count(DISTINCT a, b)`.
ACCEPTED = re.compile(r"->|count\(DISTINCT .*,|\bFILTER\b|\bRANGE\b|\bapprox_count_distinct\b|\bEXCEPT\b|\bINTERSECT\b|\bdate_add\b|\bdate_sub\b")
# Errors of rows, not of forms.
FAILED = re.compile(r"OVERFLOW|BY_ZERO|OUT_OF_RANGE|CAST_INVALID|INVALID_ARRAY_INDEX|CANNOT_PARSE|NULL_MAP_KEY|DUPLICATED_MAP_KEY")
# Two texts of one FLOAT lie this close: Java before 19 writes a digit too many for some.
SHORT_FLOAT = 2.0 ** -24
# Which of several equal or neighbouring values is taken, what is estimated, and in which order different values are summed: by partition in Spark.
ANY_VALUE = re.compile(r"\b(first|last|any_value|first_value|last_value|max_by|min_by|mode|percentile_approx|approx_percentile|median|approx_count_distinct)\("
                       r"|\b(sum|avg|mean)\(DISTINCT\b")


def is_listed(expression, theirs, ours):
    """Whether a difference between two answers is one of those that are listed."""
    if isinstance(ours, str):
        return "QUERY_EXECUTION" not in ours and "INTERNAL" not in ours
    if isinstance(theirs, str):
        # A failure without a condition is Spark's own, such as an exception of Java.
        return bool(ACCEPTED.search(expression)) or theirs.endswith("Exception")
    if ANY_VALUE.search(expression):
        return True
    # Rows that came in the same order are held against each other as they came: by their texts, neighbours in digits change places.
    return any(are_near(expression, order(theirs), order(ours)) for order in (list, sorted))


def is_loud(theirs, ours):
    """Whether we fail over a row where Spark has an answer."""
    return isinstance(ours, str) and not isinstance(theirs, str) and bool(FAILED.search(ours))


def are_near(expression, theirs, ours):
    """Whether all cells of all rows are near, one after the other."""
    theirs, ours = ([cell for row in rows for cell in row] for rows in (theirs, ours))
    return len(theirs) == len(ours) and all(is_near(expression, a, b) for a, b in zip(theirs, ours) if a != b)


def is_near(expression, theirs, ours):
    """Whether two texts differ in signs of zero only, in how a FLOAT or a DOUBLE is written, or in last digits where these depend on the order of summing."""
    if unsigned(theirs) == unsigned(ours):
        return True
    if NUMBER.sub("#", theirs) != NUMBER.sub("#", ours):
        return False
    apart = DIGITS_APART if DIGITS.search(expression) else 0.0
    apart = max(apart, SHORT_FLOAT if FLOATS.search(expression) else 0.0)
    pairs = zip(map(float, NUMBER.findall(theirs)), map(float, NUMBER.findall(ours)))
    return all(abs(a - b) <= apart * max(abs(a), abs(b), 1e-300) for a, b in pairs)


def unsigned(text):
    """A text in which no zero of a double has a sign."""
    return re.sub(r"-0\.0(?![\d])", "0.0", text)
