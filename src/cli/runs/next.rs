//! What can be done with a run whose last change nobody knows the fate of.

/// The answer to a change was lost, and nothing says what became of it.
pub fn of_uncertain(id: &str) -> String {
    format!(
        "`beadle runs resume {id}` goes on where a read or a second request can tell whether it was made.\n\
         Otherwise look at the appliance, and add `--assume applied` or `--assume not-applied`"
    )
}

/// A change was sent again after a lost answer, and refused.
pub fn of_resent(id: &str) -> String {
    format!("look whether the first one did it. If so, `beadle runs resume {id} --assume applied` goes on with it")
}
