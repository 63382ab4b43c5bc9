//! "Did you mean": the nearest known word to one that is unknown. Must not decide what is known.

use std::fmt;

/// The candidate nearest to `word`, if any is near enough to be a slip of the fingers.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// The question about the nearest word.
pub fn did_you_mean(near: impl fmt::Display) -> String {
    format!("did you mean `{near}`?")
}

/// Candidates in back-ticks, separated by commas; the first ten.
pub fn listed<'a>(candidates: impl IntoIterator<Item = &'a str>) -> String {
    let mut words: Vec<String> = vec![];
    let mut left_out = 0;
    for candidate in candidates {
        if words.len() < 10 {
            words.push(format!("`{candidate}`"));
        } else {
            left_out += 1;
        }
    }
    let words = words.join(", ");
    if left_out == 0 {
        words
    } else {
        format!("{words} and {left_out} more")
    }
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn slips_are_recognized_and_strangers_are_not() {
        for (word, expected) in [
            ("catalgo", Some("catalog")),
            ("Catalog", Some("catalog")),
            ("schma", Some("schema")),
            ("warehouse", None),
            ("x", None),
        ] {
            assert_eq!(closest(word, ["catalog", "schema"]), expected, "{word}");
        }
    }
}
