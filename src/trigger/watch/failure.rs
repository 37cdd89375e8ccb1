//! Why a file is in `failed/`, as the text beside it says.

use std::fmt;

use jiff::Timestamp;

/// Why the run of a file did not succeed. Secrets are masked already.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The run; none if it could not be made.
    pub run: Option<String>,
    /// How it ended, in one word.
    pub outcome: String,
    /// Why.
    pub message: String,
    /// The script or module, and the line in it.
    pub place: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(run) = &self.run {
            writeln!(f, "run:     {run}")?;
        }
        writeln!(f, "time:    {}", self.at)?;
        writeln!(f, "outcome: {}", self.outcome)?;
        if let Some(place) = &self.place {
            writeln!(f, "place:   {place}")?;
        }
        // What a stranger's file makes a script say must not look like another line of this.
        writeln!(f, "message: {}", self.message.trim_end().replace('\n', "\n         "))?;
        match &self.run {
            Some(run) => write!(
                f,
                "\n`beadle runs show {run}` tells more. `beadle runs resume {run}` goes on with it, with the file\n\
                 where it is now; put the file back into its folder to begin anew.\n"
            ),
            None => write!(f, "\nPut the file back into its folder to begin anew.\n"),
        }
    }
}
