//! The prompt: reading lines with help, and showing what they give.

mod commands;
mod find;
mod helper;
mod history;
mod paint;
mod prompt;
mod save;
mod show;
mod voice;

pub use commands::Command;
pub use prompt::{Prompt, PromptEnd};
pub use voice::{Above, Around, Voice};
