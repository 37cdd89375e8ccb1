//! The prompt: reading lines with help, and showing what they give.

mod helper;
mod prompt;
mod show;

pub use prompt::{Prompt, PromptEnd, Voice};
pub use show::value;
