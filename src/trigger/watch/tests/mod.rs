//! Files through claim, work folder and archive; and what crashes, replacements and strangers leave.

mod bench;
mod failed;
mod folders;
mod groups;
mod life;
mod repeats;
mod strangers;
