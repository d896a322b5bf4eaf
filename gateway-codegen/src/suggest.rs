//! "Did you mean".

/// Longest word, in characters, that somebody wrote by hand.
const LONGEST: usize = 100;

/// Most candidates of a fitting length that are compared; each is work, and a hostile document has thousands for thousands of words.
const MOST: usize = 1000;

/// The candidate that a word was probably meant to be.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let word = word.to_lowercase();
    let length = word.chars().count();
    if length > LONGEST {
        return None;
    }
    let allowed = (length / 3).clamp(1, 3);
    candidates
        .into_iter()
        .filter(|candidate| {
            candidate.len() <= 4 * (LONGEST + allowed)
                && candidate.chars().count().abs_diff(length) <= allowed
        })
        .take(MOST)
        .map(|candidate| {
            let distance = strsim::osa_distance(&word, &candidate.to_lowercase());
            (distance, candidate)
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// `did you mean …`, else `one of …`.
pub fn help<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str> + Clone) -> String {
    match nearest(word, candidates.clone()) {
        Some(candidate) => format!("did you mean `{candidate}`"),
        None => one_of(candidates),
    }
}

/// `one of …`.
pub fn one_of<'c>(candidates: impl IntoIterator<Item = &'c str>) -> String {
    const SHOWN: usize = 24;
    let mut names: Vec<&str> = candidates.into_iter().collect();
    let more = names.len().saturating_sub(SHOWN);
    if more > 0 {
        names.select_nth_unstable(SHOWN);
        names.truncate(SHOWN);
    }
    names.sort_unstable();
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match (names.as_slice(), more) {
        ([], _) => String::new(),
        ([only], _) => format!("only {only} can stand here"),
        (names, 0) => format!("one of {}", names.join(", ")),
        (names, more) => format!("one of {}, and {more} more", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_of_the_finger_and_nothing_far_off() {
        let candidates = ["throttle", "timeout", "cache", "cors"];
        assert_eq!(nearest("trottle", candidates), Some("throttle"));
        assert_eq!(nearest("timeOut", candidates), Some("timeout"));
        assert_eq!(nearest("cahce", candidates), Some("cache"));
        assert_eq!(nearest("retries", candidates), None);
    }
}
