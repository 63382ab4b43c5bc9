//! Classes in brackets: `[a-z&&[^b]]`, read in the order of `java.util.regex.Pattern.clazz`.

use super::java::{Parser, Refusal, Result, malformed};
use super::property;
use super::symbol::{Symbol, push_literal};

/// Reads a class behind its `[` and gives what stands between the brackets in our notation.
///
/// # Errors
/// It cannot be read.
pub(super) fn read(parser: &mut Parser) -> Result<String> {
    parser.deeper()?;
    // Java looks at the symbol itself, before spaces are left out.
    let negated = parser.peek_as_it_is() == Some('^');
    if negated {
        parser.next_as_it_is();
    }
    let items = items(parser)?;
    parser.next();
    parser.depth -= 1;
    Ok(if negated { format!("^{items}") } else { items })
}

/// Reads up to the `]`, which stays.
fn items(parser: &mut Parser) -> Result<String> {
    let mut out = String::new();
    loop {
        let Some(symbol) = parser.peek() else {
            return malformed("a `]` is missing");
        };
        match symbol {
            Symbol::Plain('[') => {
                parser.next();
                let inner = read(parser)?;
                push_nested(&mut out, &inner);
            }
            Symbol::Plain(']') if !out.is_empty() => return Ok(out),
            Symbol::Plain('&') => {
                parser.next();
                if !parser.take('&') {
                    range(parser, '&', &mut out)?;
                    continue;
                }
                let right = right_side(parser)?;
                out = match (out.is_empty(), right.is_empty()) {
                    (true, true) => return malformed("`&&` joins nothing"),
                    (true, false) => right,
                    (false, true) => out,
                    (false, false) => format!("[[{out}]&&[{right}]]"),
                };
            }
            Symbol::Plain('\\') => {
                parser.next();
                escaped(parser, &mut out)?;
            }
            Symbol::Plain(symbol) | Symbol::Quoted(symbol) => {
                parser.next();
                range(parser, symbol, &mut out)?;
            }
        }
    }
}

/// What stands behind `&&`, up to the `]` or the next `&`.
fn right_side(parser: &mut Parser) -> Result<String> {
    let mut out = String::new();
    loop {
        match parser.peek() {
            None => return malformed("a `]` is missing"),
            Some(Symbol::Plain(']' | '&')) => return Ok(out),
            Some(Symbol::Plain('[')) => {
                parser.next();
                let inner = read(parser)?;
                push_nested(&mut out, &inner);
            }
            Some(_) => {
                parser.deeper()?;
                out.push_str(&items(parser)?);
                parser.depth -= 1;
            }
        }
    }
}

/// Writes a class inside of another; a colon never comes first there, for `[:` begins a named class in the engine.
fn push_nested(out: &mut String, inner: &str) {
    const COLON: &str = r"\x{3A}";
    let (first, rest) = match inner.strip_prefix(COLON) {
        Some(rest) if !rest.is_empty() && !rest.starts_with('-') => (COLON, rest),
        _ => ("", inner),
    };
    out.extend(["[", rest, first, "]"]);
}

fn escaped(parser: &mut Parser, out: &mut String) -> Result<()> {
    let Some(symbol) = parser.next_as_it_is() else {
        return malformed("it ends with a `\\`");
    };
    if let Some(class) = property::shorthand(symbol) {
        out.extend(["[", class, "]"]);
        return Ok(());
    }
    match symbol {
        'p' | 'P' => {
            let class = property::read(parser, symbol == 'P')?;
            out.extend(["[", &class, "]"]);
            Ok(())
        }
        'N' => Err(Refusal::Unsupported("an escape that only Java knows")),
        'b' | 'B' | 'A' | 'G' | 'Z' | 'z' | 'R' | 'X' | 'k' | '1'..='9' => {
            malformed(format!("`\\{symbol}` stands in a class"))
        }
        _ => {
            let first = property::character(parser, symbol)?;
            range(parser, first, out)
        }
    }
}

/// One character, or a range if a `-` follows that has an end.
fn range(parser: &mut Parser, first: char, out: &mut String) -> Result<()> {
    if parser.peek() != Some(Symbol::Plain('-')) {
        push_range(parser, first, first, out);
        return Ok(());
    }
    parser.next();
    match parser.peek() {
        None => malformed("a `]` is missing"),
        Some(Symbol::Plain(']' | '[')) => {
            push_range(parser, first, first, out);
            push_range(parser, '-', '-', out);
            Ok(())
        }
        Some(symbol) => {
            parser.next();
            let last = match symbol {
                Symbol::Plain('\\') => match parser.next_as_it_is() {
                    Some(symbol) => property::character(parser, symbol)?,
                    None => return malformed("it ends with a `\\`"),
                },
                Symbol::Plain(symbol) | Symbol::Quoted(symbol) => symbol,
            };
            if last < first {
                return malformed(format!("the range `{first}-{last}` ends below its begin"));
            }
            push_range(parser, first, last, out);
            Ok(())
        }
    }
}

fn push_range(parser: &Parser, first: char, last: char, out: &mut String) {
    let mut push = |first: char, last: char| {
        push_literal(out, first);
        if first != last {
            out.push('-');
            push_literal(out, last);
        }
    };
    push(first, last);
    if !parser.flags.any_case || parser.flags.unicode_case {
        return;
    }
    for (begin, end) in [('a', 'z'), ('A', 'Z')] {
        let (least, most) = (first.max(begin), last.min(end));
        if least <= most {
            let other = |c: char| {
                if c.is_ascii_lowercase() {
                    c.to_ascii_uppercase()
                } else {
                    c.to_ascii_lowercase()
                }
            };
            push(other(least), other(most));
        }
    }
}
