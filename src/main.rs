//! The command line program: parses, runs, and ends with the code.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: beadle::allocator::CountingAllocator = beadle::allocator::CountingAllocator;

fn main() -> ExitCode {
    beadle::allocator::share_one_heap();
    ExitCode::from(beadle::cli::run(std::env::args_os()).code())
}
