//! Project automation, run as `cargo xtask <command>`.
//!
//! Everything a person or the CI does to this repository beyond plain cargo commands lives here or
//! in the Makefile: the Makefile says in which order, this crate does the work that needs code.
#![expect(clippy::print_stdout, reason = "a command-line tool speaks on standard output")]
#![expect(clippy::print_stderr, reason = "and reports its errors on standard error")]

mod arch;
mod bench;
mod site;
mod vendor;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};
use workspace::{Profile, Workspace};

const USAGE: &str = "\
Usage: cargo xtask <command>

Commands:
  site [--release]  Build what the browser loads into target/site
  arch              Check the rules of the architecture; exits 1 with findings
  vendor [--check]  Copy the scripts of others from npm's packages, or check that they are as they came
  bench             Time `car status`, `usage` and `search` of the release build
  help              Show this text";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<ExitCode> {
    match words {
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        ["site"] => site::build(&Workspace::locate()?, Profile::Debug),
        ["site", "--release"] => site::build(&Workspace::locate()?, Profile::Release),
        ["vendor"] => vendor::copy(&Workspace::locate()?),
        ["vendor", "--check"] => vendor::check(&Workspace::locate()?),
        ["arch"] => arch::check(&Workspace::locate()?),
        ["bench"] => bench::run(&Workspace::locate()?),
        [] => bail!("a command is missing\n\n{USAGE}"),
        other => bail!("`{}` is not a command of this tool\n\n{USAGE}", other.join(" ")),
    }
}
