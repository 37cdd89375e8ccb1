//! The nearest right name, for messages about a wrong one.
//!
//! A suggestion is made only within a threshold: a far-fetched one is worse than none.

/// The candidate nearest to `wrong`, if it is near enough to be what was meant.
///
/// Near enough is an edit distance of at most a third of the longer name (at least one, at most
/// four), or the same words in another order.
pub fn nearest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = wrong.to_lowercase();
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let name = candidate.to_lowercase();
        let limit = (wanted.chars().count().max(name.chars().count()) / 3).clamp(1, 4);
        let distance = if same_words(&wanted, &name) { 1 } else { strsim::damerau_levenshtein(&wanted, &name) };
        if distance <= limit && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// A sentence to append to a message: ` Did you mean 'x'?`, or nothing.
pub fn did_you_mean<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(wrong, candidates).map_or_else(String::new, |name| format!(" Did you mean '{name}'?"))
}

fn same_words(a: &str, b: &str) -> bool {
    let words = |text: &str| {
        let mut words: Vec<String> = text.split(['_', '-', '.']).map(str::to_owned).collect();
        words.sort();
        words
    };
    a.len() == b.len() && words(a) == words(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_slip_finds_its_name() {
        assert_eq!(nearest("groop_members", ["group_members", "groups"]), Some("group_members"));
    }

    #[test]
    fn words_in_another_order_find_their_name() {
        assert_eq!(nearest("member_group_add", ["group_member_add", "groups"]), Some("group_member_add"));
    }

    #[test]
    fn a_far_name_is_not_suggested() {
        assert_eq!(nearest("reboot", ["groups", "servers"]), None);
    }
}
