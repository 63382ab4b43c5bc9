//! Escapes that stand for characters: `\d`, `\p{Lu}`, `\x41`. The sets are those of JDK 17 without the flag `U`.

use super::java::{Parser, Refusal, Result, malformed};

/// What stands between the brackets for `\d`, `\w`, `\s`, `\h`, `\v` and their opposites.
pub(super) fn shorthand(symbol: char) -> Option<&'static str> {
    Some(match symbol {
        'd' => "0-9",
        'D' => "^0-9",
        'w' => "a-zA-Z0-9_",
        'W' => "^a-zA-Z0-9_",
        's' => r" \t\n\x{B}\x{C}\r",
        'S' => r"^ \t\n\x{B}\x{C}\r",
        'h' => r" \t\x{A0}\x{1680}\x{180E}\x{2000}-\x{200A}\x{202F}\x{205F}\x{3000}",
        'H' => r"^ \t\x{A0}\x{1680}\x{180E}\x{2000}-\x{200A}\x{202F}\x{205F}\x{3000}",
        'v' => r"\n\x{B}\x{C}\r\x{85}\x{2028}\x{2029}",
        'V' => r"^\n\x{B}\x{C}\r\x{85}\x{2028}\x{2029}",
        _ => return None,
    })
}

/// Reads the one character that an escape stands for, behind its first symbol.
///
/// # Errors
/// There is no such escape, or its digits are missing.
pub(super) fn character(parser: &mut Parser, symbol: char) -> Result<char> {
    let code = match symbol {
        't' => 0x09,
        'n' => 0x0A,
        'r' => 0x0D,
        'f' => 0x0C,
        'a' => 0x07,
        'e' => 0x1B,
        'c' => match parser.next_as_it_is() {
            Some(key) if key.is_ascii() => u32::from(key) ^ 64,
            _ => return malformed("`\\c` needs a letter"),
        },
        '0' => octal(parser)?,
        'x' if parser.peek_as_it_is() == Some('{') => {
            parser.next_as_it_is();
            hexadecimal(&parser.until('}')?)?
        }
        'x' => hexadecimal(&taken(parser, 2))?,
        'u' => {
            let unit = hexadecimal(&taken(parser, 4))?;
            if (0xD800..0xDC00).contains(&unit) {
                return Err(Refusal::Unsupported(
                    "half a character (write `\\x{1F600}` with its whole number)",
                ));
            }
            unit
        }
        letter if letter.is_ascii_alphabetic() => {
            return malformed(format!("there is no escape `\\{letter}`"));
        }
        itself => return Ok(itself),
    };
    match char::from_u32(code) {
        Some(character) => Ok(character),
        None => malformed(format!("there is no character {code:X}")),
    }
}

fn taken(parser: &mut Parser, count: usize) -> String {
    let mut out = String::new();
    while out.len() < count
        && parser
            .peek_as_it_is()
            .is_some_and(|c| c.is_ascii_hexdigit())
    {
        out.extend(parser.next_as_it_is());
    }
    if out.len() < count {
        String::new()
    } else {
        out
    }
}

fn hexadecimal(digits: &str) -> Result<u32> {
    match u32::from_str_radix(digits, 16) {
        Ok(code) if !digits.starts_with('+') => Ok(code),
        _ => malformed("digits of base 16 are missing"),
    }
}

/// One to three digits, at most 377.
fn octal(parser: &mut Parser) -> Result<u32> {
    let (mut code, mut digits) = (0, 0);
    while let Some(digit) = parser.peek_as_it_is().and_then(|c| c.to_digit(8)) {
        if digits == 3 || code * 8 + digit > 0o377 {
            break;
        }
        parser.next_as_it_is();
        (code, digits) = (code * 8 + digit, digits + 1);
    }
    if digits == 0 {
        return malformed("digits of base 8 are missing");
    }
    Ok(code)
}

/// Reads the name behind `\p` or `\P` and gives what stands between the brackets.
///
/// # Errors
/// There is no such set, or it is one that we do not have.
pub(super) fn read(parser: &mut Parser, negated: bool) -> Result<String> {
    let name = match parser.next_as_it_is() {
        Some('{') => parser.until('}')?,
        Some(letter) => letter.to_string(),
        None => return malformed("`\\p` needs a name"),
    };
    let set = set(&name, parser.flags.any_case)?;
    Ok(if negated { format!("^{set}") } else { set })
}

/// The sets whose names Java writes in ASCII letters of fixed case.
fn named(name: &str) -> Option<&'static str> {
    Some(match name {
        "Lower" => "a-z",
        "Upper" => "A-Z",
        "ASCII" => r"\x{0}-\x{7F}",
        "Alpha" => "a-zA-Z",
        "Digit" => "0-9",
        "Alnum" => "a-zA-Z0-9",
        "Punct" => r"\x{21}-\x{2F}\x{3A}-\x{40}\x{5B}-\x{60}\x{7B}-\x{7E}",
        "Graph" => r"\x{21}-\x{7E}",
        "Print" => r"\x{20}-\x{7E}",
        "Blank" => r" \t",
        "Cntrl" => r"\x{0}-\x{1F}\x{7F}",
        "XDigit" => "0-9a-fA-F",
        "Space" => r" \t\n\x{B}\x{C}\r",
        "L1" => r"\x{0}-\x{FF}",
        "LC" => r"\p{Lu}\p{Ll}\p{Lt}",
        "LD" => r"\p{L}\p{Nd}",
        "all" => r"\x{0}-\x{10FFFF}",
        "javaLowerCase" => r"\p{Lowercase}",
        "javaUpperCase" => r"\p{Uppercase}",
        "javaTitleCase" => r"\p{Lt}",
        "javaDigit" => r"\p{Nd}",
        "javaLetter" => r"\p{L}",
        "javaAlphabetic" => r"\p{Alphabetic}",
        "javaLetterOrDigit" => r"\p{L}\p{Nd}",
        "javaSpaceChar" => r"\p{Z}",
        "javaWhitespace" => {
            r"\x{9}-\x{D}\x{1C}-\x{20}\x{1680}\x{2000}-\x{2006}\x{2008}-\x{200A}\x{2028}\x{2029}\x{205F}\x{3000}"
        }
        _ => return None,
    })
}

/// The binary properties, which follow `Is` in any case of letters.
fn property(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_uppercase().as_str() {
        "ALPHABETIC" => r"\p{Alphabetic}",
        "LETTER" => r"\p{L}",
        "IDEOGRAPHIC" => r"\p{Ideographic}",
        "LOWERCASE" => r"\p{Lowercase}",
        "UPPERCASE" => r"\p{Uppercase}",
        "TITLECASE" => r"\p{Lt}",
        "WHITE_SPACE" | "WHITESPACE" => r"\p{White_Space}",
        "CONTROL" => r"\p{Cc}",
        "PUNCTUATION" => r"\p{P}",
        "HEX_DIGIT" | "HEXDIGIT" => {
            r"\p{Nd}\x{41}-\x{46}\x{61}-\x{66}\x{FF10}-\x{FF19}\x{FF21}-\x{FF26}\x{FF41}-\x{FF46}"
        }
        "ASSIGNED" => r"\P{Cn}",
        "DIGIT" => r"\p{Nd}",
        "ALNUM" => r"\p{Alphabetic}\p{Nd}",
        "BLANK" => r"\p{Zs}\t",
        _ => return None,
    })
}

fn set(name: &str, any_case: bool) -> Result<String> {
    if any_case && let Some(both) = both_cases(name) {
        return Ok(both.to_string());
    }
    if let Some(set) = named(name) {
        return Ok(set.to_string());
    }
    if let Some((kind, value)) = name.split_once('=') {
        return match kind.to_ascii_lowercase().as_str() {
            "sc" | "script" => script(value),
            "gc" | "general_category" => category(value),
            "blk" | "block" => Err(Refusal::Unsupported("a block of Unicode")),
            _ => malformed(format!("there is no property `{name}`")),
        };
    }
    if name.starts_with("In") {
        return Err(Refusal::Unsupported("a block of Unicode"));
    }
    match name.strip_prefix("Is") {
        Some(rest) => match property(rest) {
            Some(set) => Ok(set.to_string()),
            None => category(rest).or_else(|_| script(rest)),
        },
        None => category(name),
    }
}

/// With the flag `i` a set of one case takes the others too.
fn both_cases(name: &str) -> Option<&'static str> {
    let rest = name.strip_prefix("Is").unwrap_or(name);
    Some(match rest {
        _ if matches!(name, "Lower" | "Upper") => "a-zA-Z",
        "Lu" | "Ll" | "Lt" => r"\p{Lu}\p{Ll}\p{Lt}",
        "javaLowerCase" | "javaUpperCase" | "javaTitleCase" => r"\p{Lowercase}\p{Uppercase}\p{Lt}",
        _ => match rest.to_ascii_uppercase().as_str() {
            "LOWERCASE" | "UPPERCASE" | "TITLECASE" if rest.len() < name.len() => {
                r"\p{Lowercase}\p{Uppercase}\p{Lt}"
            }
            _ => return None,
        },
    })
}

/// A general category by its short name, whose case counts.
fn category(name: &str) -> Result<String> {
    const NAMES: &[&str] = &[
        "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P", "Pc",
        "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp",
        "C", "Cc", "Cf", "Co", "Cn",
    ];
    if NAMES.contains(&name) {
        return Ok(format!(r"\p{{{name}}}"));
    }
    match name {
        "LC" => Ok(r"\p{Lu}\p{Ll}\p{Lt}".to_string()),
        "Cs" => Err(Refusal::Unsupported("the category `Cs`")),
        _ => malformed(format!("there is no set of characters `{name}`")),
    }
}

/// A script by a name that the engine knows; it refuses the others itself.
fn script(name: &str) -> Result<String> {
    let letters = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphabetic() || c == '_');
    if letters {
        Ok(format!(r"\p{{sc={name}}}"))
    } else {
        malformed(format!("there is no script `{name}`"))
    }
}
