//! The answer that most completions give.

use unicode_normalization::UnicodeNormalization as _;

use crate::prediction::Prediction;
use crate::python::repr;
use crate::python::unicode::{is_space, is_word};
use crate::value::{Map, Value};

/// The first completion whose `field` is the most frequent after [`normalize_text`]; of equally frequent ones the one that
/// came first. `None` without completions. Without a field, the last output counts.
///
/// ```
/// use predict::{Prediction, majority, map};
///
/// let votes = ["Paris", "Lyon", "paris."].map(|city| map! {"city" => city});
/// let elected = majority(&Prediction::from_completions(votes.into()), None).expect("there are votes");
/// assert_eq!(elected.text("city"), Some("Paris"));
/// ```
#[must_use]
pub fn majority(prediction: &Prediction, field: Option<&str>) -> Option<Prediction> {
    majority_by(&prediction.completions, field, |value| {
        let normal = normalize_text(&repr::str(value));
        (!normal.is_empty()).then_some(normal)
    })
}

/// [`majority`] with another idea of when two values are the same. What `normalize` gives `None` for does not vote, unless
/// nothing else does.
#[must_use]
pub fn majority_by<K: PartialEq>(
    completions: &[Map],
    field: Option<&str>,
    normalize: impl Fn(&Value) -> Option<K>,
) -> Option<Prediction> {
    let last = completions.first()?.keys().last()?.clone();
    let field = field.unwrap_or(&last);
    let value = |completion: &Map| normalize(completion.get(field).unwrap_or(&Value::Null));
    let votes: Vec<_> = completions.iter().map(value).collect();
    let count = |vote: &Option<K>| votes.iter().filter(|other| *other == vote).count();
    let voting = votes.iter().enumerate().filter(|(_, vote)| vote.is_some());
    // `max_by_key` would give the last of equals; the first is wanted.
    let elected = voting.rev().max_by_key(|(_, vote)| count(vote)).map_or(0, |(index, _)| index);
    Some(Prediction::from_completions(vec![completions[elected].clone()]))
}

/// Normalises text for comparison: NFD, lower case, no ASCII punctuation, no English articles, single spaces (SQuAD's
/// normalisation, Rajpurkar et al., 2016).
///
/// ```
/// assert_eq!(predict::normalize_text("The,  Eiffel  Tower!"), "eiffel tower");
/// ```
#[must_use]
pub fn normalize_text(text: &str) -> String {
    let decomposed: String = text.nfd().collect();
    let bare: String = decomposed.to_lowercase().chars().filter(|c| !c.is_ascii_punctuation()).collect();
    without_articles(&bare).split(is_space).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Replaces each whole word `a`, `an` or `the` by a space.
///
/// A word ends where Python's `\b` says so. Combining marks are no word characters there, so that after NFD the letter of
/// `à` stands alone and goes as well.
fn without_articles(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (word, tail) = rest.split_at(rest.find(|c| !is_word(c)).unwrap_or(rest.len()));
        kept.push_str(if matches!(word, "a" | "an" | "the") { " " } else { word });
        let (gap, tail) = tail.split_at(tail.find(is_word).unwrap_or(tail.len()));
        kept.push_str(gap);
        rest = tail;
    }
    kept
}
