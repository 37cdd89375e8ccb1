//! What happens in an interpreter: it takes from itself what it does not need, and interprets one script.

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use bytes::Bytes;

use crate::catalog::Catalog;
use crate::confine::{Allowance, confine};
use crate::door::{Halt, Passage};
use crate::engine::{ContextParts, Index, Library, Output, RunContext, RunFacts, ScriptRun, Texts, run_script_then};
use crate::journal::decode_map;
use crate::run::apart::answer::encode_end;
use crate::run::apart::brief::Brief;
use crate::run::apart::frame;
use crate::run::apart::inside::Line;
use crate::run::apart::message::Kind;
use crate::run::check::premises_of;
use crate::run::functions::Here;
use crate::run::playbook::Playbook;
use crate::secret::Secret;

/// Interprets the script that comes over standard input, which is a pipe to the service. It returns when the
/// script has ended and the service knows how.
///
/// # Errors
/// Why it cannot: the process cannot be confined, or what comes is no script.
pub fn interpret(allowance: Allowance) -> Result<(), String> {
    let confinement = confine(allowance)?;
    let unusable = |error: std::io::Error| format!("the pipe to the service cannot be used: {error}");
    let pipe = std::io::stdin().as_fd().try_clone_to_owned().map_err(unusable)?;
    let mut pipe = UnixStream::from(pipe);
    frame::write(&mut pipe, &Kind::Confined.frame(0, &confinement, Bytes::new())).map_err(unusable)?;
    let frame = match frame::read(&mut pipe) {
        Ok(frame) => frame,
        // It was started to see whether that works.
        Err(frame::FrameError::Closed) => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    let brief: Brief = serde_json::from_slice(&frame.head).map_err(|error| format!("no script came: {error}"))?;
    let catalog = Catalog::with_texts(brief.catalogs.clone()).map_err(|error| error.to_string())?;
    let catalog = Arc::new(catalog);
    let writer = pipe.try_clone().map_err(unusable)?;
    let line = Arc::new(Line::new(writer, Arc::clone(&catalog)));
    let mut halt = Halt::default();
    halt.deadline = brief.left.map(|left| tokio::time::Instant::now() + left);
    let listener = {
        let (line, halt) = (Arc::clone(&line), halt.clone());
        move || line.listen(pipe, &halt)
    };
    let started = std::thread::Builder::new().name("pipe".into()).spawn(listener);
    started.map_err(|error| format!("no thread can be had for the pipe: {error}"))?;
    let stays = brief.stays;
    let script = script(brief, catalog, &line, halt)?;
    let context = Arc::clone(&script.context);
    let (ended, _) = run_script_then(script, |afterwards| {
        if stays {
            line.stay(&Here::of(afterwards, &context), &context);
        }
    });
    line.tell(&Kind::Ended.frame(0, &encode_end(&ended.result), Bytes::new()));
    Ok(())
}

fn script(brief: Brief, catalog: Arc<Catalog>, line: &Arc<Line>, halt: Halt) -> Result<ScriptRun, String> {
    let library = Arc::clone(line) as Arc<dyn Library>;
    let premises = match brief.targets {
        None => None,
        Some(targets) => {
            let playbook = Playbook::of(&brief.name, brief.text.clone(), None).map_err(|error| error.to_string())?;
            let index = Arc::new(Index::new(&catalog));
            Some(premises_of(targets, brief.channels, &index, &playbook.header, Arc::clone(&library)))
        }
    };
    let handle = |reference: &str| Secret::handle(reference);
    let facts = RunFacts {
        params: decode_map(brief.params, &handle),
        event: decode_map(brief.event, &handle),
        run: decode_map(brief.run, &handle),
    };
    let context = RunContext::new(ContextParts {
        passage: Arc::clone(line) as Arc<dyn Passage>,
        output: Arc::clone(line) as Arc<dyn Output>,
        texts: Arc::clone(line) as Arc<dyn Texts>,
        catalog,
        facts,
        halt,
        max_steps: brief.max_steps,
        max_memory: brief.max_memory,
    });
    Ok(ScriptRun { name: brief.name, text: brief.text, library, premises, context })
}
