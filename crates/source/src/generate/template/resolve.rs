//! From the text of an expression to what it does: looks the helper up, reads its arguments, tells what is wrong with
//! them. Names of later versions of faker mean what they mean there. Must not draw a number.

use serde_json::Value;
use sluice_model::limits::SIMULATION_REPEATS_MAX;
use sluice_model::suggest::did_you_mean;

use super::super::moment::TimePattern;
use super::super::random::whole;
use super::argument::{Arguments, decimals_of, shown};
use super::catalog::{CATALOG, REFUSED, Recipe};
use super::fleet::own;
use super::helper::Helper;
use super::{Mistake, Piece, Template};

const DAY_US: i64 = 86_400_000_000;
const HEX: &[u8] = b"0123456789abcdef";
const ALPHANUMERIC: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const BASE_58: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const PASSWORD: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz";

/// Helpers that take arguments, for "did you mean".
const WITH_ARGUMENTS: &[&str] = &[
    "random",
    "timestamp",
    "seq",
    "normal",
    "walk",
    "sine",
    "anomaly",
    "device.id",
    "device.index",
    "current.timestamp",
    "date.now",
    "date.utc",
    "date.simTime",
    "date.past",
    "date.future",
    "date.recent",
    "date.soon",
    "date.between",
    "random.number",
    "random.float",
    "random.arrayElement",
    "random.weightedArrayElement",
    "random.objectElement",
    "random.uuid",
    "random.boolean",
    "random.words",
    "random.alphaNumeric",
    "random.alpha",
    "helpers.randomize",
    "helpers.arrayElement",
    "helpers.weightedArrayElement",
    "helpers.shuffle",
    "helpers.slugify",
    "helpers.replaceSymbolWithNumber",
    "helpers.replaceSymbols",
    "datatype.number",
    "datatype.float",
    "datatype.boolean",
    "datatype.uuid",
    "number.int",
    "number.float",
    "string.uuid",
    "string.alphanumeric",
    "string.numeric",
    "finance.account",
    "finance.accountNumber",
    "finance.mask",
    "finance.amount",
    "finance.bitcoinAddress",
    "commerce.price",
    "internet.ip",
    "internet.ipv4",
    "internet.ipv6",
    "internet.mac",
    "internet.color",
    "internet.password",
    "lorem.words",
    "lorem.sentence",
    "lorem.sentences",
    "lorem.paragraph",
    "lorem.paragraphs",
    "lorem.text",
    "lorem.lines",
    "phone.phoneNumber",
    "phone.phoneNumberFormat",
    "phone.number",
];

/// Reads one expression, without its braces.
pub(super) fn resolve(inner: &str, walks: &mut Vec<Option<f64>>) -> Result<Helper, Mistake> {
    let (name, arguments) = split(inner)?;
    let trimmed = name.trim();
    let start = name.len() - name.trim_start().len();
    if let Some((_, recipe)) = CATALOG.iter().find(|(known, _)| *known == trimmed) {
        return from_recipe(*recipe, walks);
    }
    let found = match trimmed.split_once('.') {
        Some(("random" | "datatype" | "number" | "string" | "helpers", method)) => {
            choose(method, trimmed, &arguments)?
        }
        Some(("date" | "current", method)) => date(method, &arguments)?,
        Some(("finance" | "commerce" | "internet" | "phone" | "lorem", method)) => {
            texts(method, trimmed, &arguments)?
        }
        _ => own(trimmed, &arguments, walks)?,
    };
    found.ok_or_else(|| unknown(trimmed, start))
}

/// The name of the helper and what stands in its brackets.
fn split(inner: &str) -> Result<(&str, Arguments<'_>), Mistake> {
    let Some(open) = inner.find('(') else {
        return Ok((inner, Arguments::parse("", 0)?));
    };
    let mistake = |message: &str| Mistake {
        start: open,
        length: inner.len() - open,
        message: message.to_owned(),
        help: None,
    };
    let close = inner
        .rfind(')')
        .filter(|close| *close > open)
        .ok_or_else(|| mistake("`(` is not closed"))?;
    if !inner[close + 1..].trim().is_empty() {
        return Err(mistake("nothing may follow the closing bracket"));
    }
    let arguments = Arguments::parse(&inner[open + 1..close], open + 1)?;
    Ok((&inner[..open], arguments))
}

fn unknown(name: &str, start: usize) -> Mistake {
    let is_refused = REFUSED.contains(&name);
    let known = CATALOG.iter().map(|(known, _)| *known);
    let nearest = known
        .chain(WITH_ARGUMENTS.iter().copied())
        .map(|known| (distance(name, known), !known.starts_with("random."), known))
        .min()
        .filter(|(distance, _, known)| *distance <= 1 + name.len().min(known.len()) / 4);
    Mistake {
        start,
        length: name.len(),
        message: match name {
            "" => "an expression names a helper, such as `{{random.number(50)}}`".to_owned(),
            _ if is_refused => format!("`{name}` of faker.js is not built here"),
            _ => format!("there is no helper `{name}`"),
        },
        help: match nearest {
            Some((.., known)) if !is_refused => Some(did_you_mean(known)),
            _ => Some("the helpers are listed in docs/guides/simulate.md".to_owned()),
        },
    }
}

/// How far names are apart; a module that was left out costs little.
fn distance(name: &str, known: &str) -> usize {
    let whole = strsim::damerau_levenshtein(&name.to_lowercase(), &known.to_lowercase());
    let method = known.split('.').next_back().unwrap_or(known);
    let bare = 1 + strsim::damerau_levenshtein(&name.to_lowercase(), &method.to_lowercase());
    if name.contains('.') {
        whole
    } else {
        whole.min(bare)
    }
}

fn from_recipe(recipe: Recipe, walks: &mut Vec<Option<f64>>) -> Result<Helper, Mistake> {
    Ok(match recipe {
        Recipe::Words(words) => Helper::Word(words),
        Recipe::Pattern(pattern) => Helper::Pattern(pattern.as_bytes().to_vec()),
        Recipe::Template(text) => Helper::Sequence(pieces(text, walks)?),
        Recipe::Address(text) => Helper::Address(pieces(text, walks)?),
    })
}

/// Pieces of a template of ours.
fn pieces(text: &str, walks: &mut Vec<Option<f64>>) -> Result<Vec<Piece>, Mistake> {
    let mut template = Template {
        pieces: vec![],
        walks: std::mem::take(walks),
    };
    let mut errors = vec![];
    template.read(text, &mut errors);
    *walks = template.walks;
    match errors.pop() {
        None => Ok(template.pieces),
        Some(error) => Err(Mistake {
            start: 0,
            length: 0,
            message: error.message,
            help: error.help,
        }),
    }
}

pub(super) fn time(arguments: &Arguments<'_>, default: TimePattern) -> Helper {
    Helper::Time {
        pattern: arguments.as_text().map_or(default, TimePattern::parse),
        moved_us: (0, 0),
    }
}

fn date(method: &str, arguments: &Arguments<'_>) -> Result<Option<Helper>, Mistake> {
    let moved = |from: i64, to: i64| Helper::Time {
        pattern: TimePattern::iso_milliseconds(),
        moved_us: (from, to),
    };
    let within = |unit_us: i64| -> Result<i64, Mistake> {
        let count = arguments.count(1, 1_000)?;
        Ok(unit_us * i64::try_from(count).unwrap_or(1))
    };
    Ok(Some(match method {
        "timestamp" | "now" | "simTime" => time(arguments, TimePattern::iso_offset()),
        "utc" => time(arguments, TimePattern::iso_utc()),
        "past" => moved(-within(365 * DAY_US)?, -1_000),
        "future" => moved(1_000, within(365 * DAY_US)?),
        "recent" => moved(-within(DAY_US)?, 0),
        "soon" => moved(0, within(DAY_US)?),
        "between" => {
            return Err(arguments.mistake(
                "`date.between` is not built here: `date.recent(days)`, `date.past(years)`, `date.soon(days)` are",
            ));
        }
        _ => return Ok(None),
    }))
}

/// Modules whose helpers choose or count.
fn choose(method: &str, name: &str, arguments: &Arguments<'_>) -> Result<Option<Helper>, Mistake> {
    let repeats = |default| arguments.count(default, SIMULATION_REPEATS_MAX);
    Ok(Some(match method {
        "number" if name == "random.number" => number(arguments)?,
        "number" | "int" => inclusive(arguments)?,
        "float" => float(arguments, 2)?,
        "uuid" => Helper::Uuid,
        "boolean" => Helper::Boolean,
        "words" => Helper::Words(super::words::LOREM, repeats(3)?, " "),
        "alphaNumeric" | "alphanumeric" => Helper::Letters(ALPHANUMERIC, repeats(1)?),
        "alpha" => Helper::Letters(LETTERS, repeats(1)?),
        "numeric" => Helper::Letters(b"0123456789", repeats(1)?),
        "hexadecimal" => Helper::Letters(HEX, repeats(1)?),
        "arrayElement" | "randomize" => match arguments.first() {
            None => Helper::Choice(vec![b"a".to_vec(), b"b".to_vec(), b"c".to_vec()]),
            Some(_) => Helper::Choice(elements(arguments)?),
        },
        "weightedArrayElement" => weighted(arguments)?,
        "objectElement" => match arguments.first() {
            Some(Value::Object(fields)) if !fields.is_empty() => {
                Helper::Choice(fields.values().map(shown).collect())
            }
            _ => return Err(arguments.mistake("expected an object: `{\"a\": 1, \"b\": 2}`")),
        },
        "shuffle" => Helper::Shuffled(elements(arguments)?),
        "slugify" => Helper::Address(vec![Piece::Literal(arguments.text.as_bytes().to_vec())]),
        "replaceSymbolWithNumber" => digits(arguments.as_text().unwrap_or("")),
        "replaceSymbols" => Helper::Pattern(arguments.as_text().unwrap_or("").as_bytes().to_vec()),
        _ => return Ok(None),
    }))
}

fn elements(arguments: &Arguments<'_>) -> Result<Vec<Vec<u8>>, Mistake> {
    match arguments.first() {
        Some(Value::Array(values)) if !values.is_empty() => Ok(values.iter().map(shown).collect()),
        _ => Err(arguments.mistake("expected an array with something in it: `[\"OK\", \"FAIL\"]`")),
    }
}

/// `random.number` as the original has it: an upper bound below zero is not reached.
fn number(arguments: &Arguments<'_>) -> Result<Helper, Mistake> {
    let (low, high, step) = match arguments.first() {
        Some(Value::Object(_)) => (
            arguments.number(&["min"], 0, 0.0)?,
            arguments.number(&["max"], 1, 99_999.0)?,
            arguments.number(&["precision"], 2, 1.0)?,
        ),
        _ => (0.0, arguments.number(&[], 0, 99_999.0)?, 1.0),
    };
    if low > high {
        return Err(arguments.mistake(format!(
            "the lower bound {low} is above the upper one {high}"
        )));
    }
    if !(1e-9..=1e15).contains(&step) {
        return Err(arguments.mistake("the precision is a number from 0.000000001 on"));
    }
    let high = if high >= 0.0 { high + step } else { high };
    Ok(Helper::Stepped { low, high, step })
}

/// A whole number with both ends.
fn inclusive(arguments: &Arguments<'_>) -> Result<Helper, Mistake> {
    let (low, high) = bounds(arguments, 99_999.0)?;
    if arguments.number(&["precision"], 9, 1.0)?.fract() != 0.0 {
        return float(arguments, 2);
    }
    Ok(Helper::Whole(
        whole(low.ceil()),
        whole(high.floor()).max(whole(low.ceil())),
    ))
}

fn float(arguments: &Arguments<'_>, usual: usize) -> Result<Helper, Mistake> {
    let (low, high) = bounds(arguments, 1.0)?;
    let digits = arguments.number(&["fractionDigits"], 9, -1.0)?;
    let step = arguments.number(&["precision", "multipleOf"], 9, 0.0)?;
    let decimals = if (0.0..=9.0).contains(&digits) {
        usize::try_from(whole(digits)).unwrap_or(usual)
    } else if step > 0.0 {
        decimals_of(step)
    } else {
        usual
    };
    Ok(Helper::Real(low, high, decimals))
}

/// `{"min": …, "max": …}`, or the upper bound alone.
fn bounds(arguments: &Arguments<'_>, usual: f64) -> Result<(f64, f64), Mistake> {
    let (low, high) = match arguments.first() {
        Some(Value::Object(_)) => (
            arguments.number(&["min"], 9, 0.0)?,
            arguments.number(&["max"], 9, usual)?,
        ),
        _ => (0.0, arguments.number(&[], 0, usual)?),
    };
    if low > high {
        return Err(arguments.mistake(format!(
            "the lower bound {low} is above the upper one {high}"
        )));
    }
    Ok((low, high))
}

fn weighted(arguments: &Arguments<'_>) -> Result<Helper, Mistake> {
    let of = |name: &str| {
        let list = arguments.first().and_then(|first| first.get(name));
        list.and_then(Value::as_array)
            .filter(|list| !list.is_empty())
    };
    let (Some(weights), Some(data)) = (of("weights"), of("data")) else {
        return Err(
            arguments.mistake("expected `{\"weights\": [0.3, 0.7], \"data\": [\"a\", \"b\"]}`")
        );
    };
    if weights.len() != data.len() {
        return Err(arguments.mistake(format!(
            "there are {} weights for {} values",
            weights.len(),
            data.len()
        )));
    }
    let mut sum = 0.0;
    let mut values = vec![];
    for (weight, value) in weights.iter().zip(data) {
        sum += weight
            .as_f64()
            .filter(|weight| *weight >= 0.0)
            .ok_or_else(|| arguments.mistake(format!("{weight} is no weight")))?;
        values.push((sum, shown(value)));
    }
    if sum <= 0.0 {
        return Err(arguments.mistake("all weights are 0"));
    }
    Ok(Helper::Weighted(values))
}

/// `#` is a digit, the rest is as it is.
fn digits(pattern: &str) -> Helper {
    let pieces = pattern.bytes().map(|byte| match byte {
        b'#' => Piece::Helper(Helper::Letters(b"0123456789", 1)),
        other => Piece::Literal(vec![other]),
    });
    Helper::Sequence(pieces.collect())
}

/// Modules whose helpers write texts.
fn texts(method: &str, name: &str, arguments: &Arguments<'_>) -> Result<Option<Helper>, Mistake> {
    let repeats = |default| arguments.count(default, SIMULATION_REPEATS_MAX);
    let sentences = |count, parts, gap| Helper::Sentences { count, parts, gap };
    Ok(Some(match method {
        "account" | "accountNumber" => Helper::Letters(b"0123456789", repeats(8)?),
        "mask" => {
            let digits = repeats(4)?;
            let digits = "#".repeat(usize::try_from(digits).unwrap_or(4));
            Helper::Pattern(format!("(...{digits})").into_bytes())
        }
        "amount" | "price" => Helper::Real(
            arguments.number(&["min"], 0, 0.0)?,
            arguments.number(&["max"], 1, 1_000.0)?,
            2,
        ),
        "bitcoinAddress" => Helper::Letters(BASE_58, 34),
        "ip" | "ipv4" => Helper::Ip,
        "ipv6" => Helper::Ipv6,
        "mac" => Helper::Mac,
        "color" if name == "internet.color" => Helper::Sequence(vec![
            Piece::Literal(b"#".to_vec()),
            Piece::Helper(Helper::Letters(HEX, 6)),
        ]),
        "password" => Helper::Letters(PASSWORD, repeats(15)?),
        "phoneNumber" | "phoneNumberFormat" | "number" => {
            let pattern = arguments.as_text().unwrap_or("###-###-####");
            digits(pattern)
        }
        "words" => Helper::Words(super::words::LOREM, repeats(3)?, " "),
        "sentence" => sentences(1, 1, " "),
        "sentences" => sentences(repeats(3)?, 1, " "),
        "paragraph" | "text" => sentences(1, repeats(3)?, " "),
        // A record is one line, so what the original parts by line breaks is parted as inside a JSON text.
        "paragraphs" => sentences(repeats(3)?, 3, "\\n \\r"),
        "lines" => sentences(repeats(3)?, 1, "\\n"),
        _ => return Ok(None),
    }))
}
