//! Reference: a bare Rhai program. It builds an engine and prints one line.

use std::io::Write;

fn main() {
    let mut engine = rhai::Engine::new();
    engine.on_print(|text| {
        let _closed = writeln!(std::io::stdout(), "{text}");
    });
    let script = std::env::args().nth(1).unwrap_or_else(|| "print(\"first line\")".into());
    if let Err(error) = engine.run(&script) {
        let _closed = writeln!(std::io::stderr(), "{error}");
    }
}
