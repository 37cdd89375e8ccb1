//! Moving the files of claims: into the work folder, and out of it. Whatever a crash or a full disk has left
//! undone is done when it is looked at again.

use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::bring::{Brought, bring};
use super::claims::{Claim, claims, remove, set_failed, set_state, take_out};
use super::content::{digest, remember};
use super::folder::Folder;
use super::put_away::{dispose, fail, forget};
use crate::state::{State, StateError};

/// Brings claimed files into the work folder, those of one watch or of all; answers with what went wrong.
pub(in crate::trigger) fn bring_all(state: &State, watch: Option<&str>) -> Result<Vec<String>, StateError> {
    let claimed = match watch {
        Some(name) => claims(state, "state = 'claimed' AND name = ?1", [name])?,
        // At the start of the service. After a power loss the move may be lost although the database knows it
        // as done.
        None => claims(
            state,
            "state IN ('claimed', 'taken') AND NOT EXISTS
                (SELECT 1 FROM firing WHERE firing.id = claim.firing AND outcome = 'succeeded')",
            [],
        )?,
    };
    let mut problems = Vec::new();
    let (mut taken, mut lost) = (Vec::new(), Vec::new());
    let mut open: Option<(PathBuf, io::Result<Option<Folder>>)> = None;
    for claim in claimed {
        let parent = claim.source.parent().unwrap_or(Path::new("/"));
        if open.as_ref().is_none_or(|(path, _)| path != parent) {
            problems.extend(sync(open.take()));
            open = Some((parent.to_owned(), standing(parent)));
        }
        let shown = claim.source.display();
        let name = claim.source.file_name().unwrap_or(OsStr::new(""));
        let brought = match open.as_ref().map(|(_, folder)| folder) {
            Some(Err(error)) => Err(io::Error::new(error.kind(), error.to_string())),
            Some(Ok(folder)) => bring(folder.as_ref(), name, &claim.work, &claim.identity, claim.after),
            None => bring(None, name, &claim.work, &claim.identity, claim.after),
        };
        match brought {
            Ok(Brought::Taken) => match claim.remember.filter(|_| !claim.is_taken) {
                None => taken.push((claim, None)),
                Some(length) => match digest(&claim.work) {
                    Ok(content) => taken.push((claim, Some((content, length)))),
                    Err(error) => problems.push(format!("watches.{}: {shown} cannot be read: {error}", claim.name)),
                },
            },
            Ok(Brought::Gone(why)) => {
                problems.push(format!("watches.{}: {shown} was not taken: {why}", claim.name));
                lost.push((format!("{shown} was not taken: {why}"), claim));
            }
            Err(error) => {
                problems.push(format!("watches.{}: {shown} cannot be moved into the work folder: {error}", claim.name));
            }
        }
    }
    problems.extend(sync(open));
    if taken.is_empty() && lost.is_empty() {
        return Ok(problems);
    }
    state.transaction(|transaction| {
        for (claim, content) in &taken {
            let remembered = content.map(|(content, length)| remember(transaction, claim, content, length));
            match remembered.transpose()?.flatten() {
                None => set_state(transaction, claim, "taken")?,
                Some(reason) => {
                    take_out(transaction, claim, &reason)?;
                    set_state(transaction, claim, "ended")?;
                }
            }
        }
        for (reason, claim) in &lost {
            take_out(transaction, claim, reason)?;
            remove(transaction, claim)?;
        }
        Ok(())
    })?;
    Ok(problems)
}

/// Forgets the files of failed runs that a person has dealt with.
pub(in crate::trigger) fn forget_failed(state: &State) -> Result<(), StateError> {
    let mut gone = claims(state, "state = 'failed'", [])?;
    // What cannot be looked at now is looked at again at the next start.
    gone.retain(|claim| forget(&claim.work).unwrap_or(false));
    if gone.is_empty() {
        return Ok(());
    }
    state.transaction_in_passing(|transaction| gone.iter().try_for_each(|claim| remove(transaction, claim)))
}

/// A folder, if it is still there.
fn standing(path: &Path) -> io::Result<Option<Folder>> {
    match Folder::open(path) {
        Ok(folder) => Ok(Some(folder)),
        // What stands there now is another folder, if it is one at all.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A rename is whole or not there, but only this makes it last: a file that a power loss put back after its
/// run would run again.
fn sync(open: Option<(PathBuf, io::Result<Option<Folder>>)>) -> Option<String> {
    let (path, folder) = open?;
    let error = folder.ok()??.sync().err()?;
    Some(format!("{} cannot be synced to the disk: {error}", path.display()))
}

/// Puts away the files of a watch's runs that have ended; answers with what went wrong.
pub(super) fn put_away_all(state: &State, watch: &str) -> Result<Vec<String>, StateError> {
    put_away(state, claims(state, "state = 'ended' AND name = ?1", [watch])?)
}

/// The same with the files of one firing.
pub(in crate::trigger) fn put_away_of(state: &State, firing: &str) -> Result<Vec<String>, StateError> {
    put_away(state, claims(state, "state = 'ended' AND firing = ?1", [firing])?)
}

fn put_away(state: &State, ended: Vec<Claim>) -> Result<Vec<String>, StateError> {
    let mut problems = Vec::new();
    let mut done: Vec<Claim> = Vec::new();
    for claim in ended {
        let put = match &claim.note {
            None => dispose(&claim.source, &claim.work, claim.after),
            Some(note) => fail(&claim.source, &claim.work, claim.after, note),
        };
        match put {
            Ok(()) => done.push(claim),
            Err(error) => {
                let shown = claim.work.display();
                problems.push(format!("watches.{}: {shown} cannot be put away: {error}", claim.name));
            }
        }
    }
    if done.is_empty() {
        return Ok(problems);
    }
    // What a power loss takes back here is done again, and finds nothing left to do.
    state.transaction_in_passing(|transaction| {
        done.iter().try_for_each(|claim| match claim.note {
            None => remove(transaction, claim),
            Some(_) => set_failed(transaction, claim),
        })
    })?;
    Ok(problems)
}
