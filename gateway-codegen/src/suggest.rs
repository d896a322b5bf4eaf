//! "Did you mean".

/// The candidate that a word was probably meant to be.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let word = word.to_lowercase();
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&word, &candidate.to_lowercase());
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
    let mut names: Vec<String> = candidates
        .into_iter()
        .map(|candidate| format!("`{candidate}`"))
        .collect();
    names.sort();
    const SHOWN: usize = 24;
    let more = names.len().saturating_sub(SHOWN);
    names.truncate(SHOWN);
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
