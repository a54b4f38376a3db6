//! The browser's program: cargo, then wasm-bindgen as a library, then npm's wasm-opt.
//!
//! wasm-bindgen names its output `car_bg.wasm`; it becomes `car.wasm` here, because that is the name
//! `HydrationScripts` links when Leptos is compiled with `LEPTOS_OUTPUT_NAME`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Instant, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use wasm_bindgen_cli_support::Bindgen;

use super::assets;
use super::build::Files;
use crate::workspace::{Profile, Workspace};

/// cargo-leptos' flags, then what rustc's default features for this target need besides.
const WASM_OPT_FLAGS: [&str; 7] = [
    "-Oz",
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// Compiles the frontend and returns the files of `pkg/` that come from it.
pub(super) fn build(workspace: &Workspace, profile: Profile) -> Result<Files> {
    let input = compile(workspace, profile)?;
    let optimiser = wasm_opt(workspace, profile);
    let (folder, optimised) = match (profile, &optimiser) {
        (Profile::Debug, _) => ("bindgen-debug", "no"),
        (Profile::Release, Some(_)) => ("bindgen-release", "yes"),
        (Profile::Release, None) => ("bindgen-release", "no"),
    };
    let folder = workspace.front_target().join(folder);
    let stamp = folder.join("stamp");
    let wanted = format!("{} optimised={optimised}", fingerprint(&input)?);
    let pkg = folder.join("site/pkg");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) && pkg.is_dir() {
        return read(&folder.join("site"));
    }
    // The stamp goes first: an interrupted run must not pass for a finished one.
    remove(&stamp)?;
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot clear {}", folder.display()))?;
    }
    bind(&input, &pkg)?;
    if let Some(program) = &optimiser {
        optimise(program, &pkg.join("car.wasm"))?;
    }
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
    read(&folder.join("site"))
}

fn compile(workspace: &Workspace, profile: Profile) -> Result<PathBuf> {
    let target = workspace.front_target();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--package=frontend", "--lib", "--target=wasm32-unknown-unknown"])
        .arg("--target-dir")
        .arg(&target)
        .current_dir(workspace.root());
    let folder = match profile {
        Profile::Debug => "debug",
        Profile::Release => {
            command.arg("--profile=wasm-release");
            "wasm-release"
        }
    };
    println!("Compiling the frontend for the browser ({folder})");
    let status = command.status().context("cannot start cargo")?;
    ensure!(status.success(), "the frontend does not compile; cargo's messages are above");
    Ok(target.join("wasm32-unknown-unknown").join(folder).join("frontend.wasm"))
}

/// Size and time of change: cargo touches its output only when it links anew.
fn fingerprint(input: &Path) -> Result<String> {
    let describe = || -> Result<String> {
        let metadata = fs::metadata(input)?;
        let changed = metadata.modified()?.duration_since(UNIX_EPOCH)?;
        Ok(format!("{} bytes, changed {}", metadata.len(), changed.as_nanos()))
    };
    describe().with_context(|| format!("cannot read cargo's output {}", input.display()))
}

fn bind(input: &Path, pkg: &Path) -> Result<()> {
    let start = Instant::now();
    Bindgen::new()
        .input_path(input)
        .out_name("car")
        .web(true)?
        .typescript(false)
        .omit_default_module_path(false)
        .generate(pkg)
        .context("wasm-bindgen failed; do the versions of its crates in Cargo.lock agree?")?;
    let rename = |script: &Path| -> Result<()> {
        fs::rename(pkg.join("car_bg.wasm"), pkg.join("car.wasm"))?;
        let text = fs::read_to_string(script)?.replace("car_bg.wasm", "car.wasm");
        Ok(fs::write(script, text)?)
    };
    rename(&pkg.join("car.js")).context("cannot rename wasm-bindgen's output")?;
    println!("wasm-bindgen took {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

fn wasm_opt(workspace: &Workspace, profile: Profile) -> Option<PathBuf> {
    if profile == Profile::Debug {
        return None;
    }
    let program = workspace.root().join("end2end/node_modules/.bin/wasm-opt");
    if program.is_file() {
        return Some(program);
    }
    println!(
        "wasm-opt is not installed (`npm --prefix end2end ci` brings it): \
         going on without, car.wasm stays larger than it need be"
    );
    None
}

fn optimise(program: &Path, wasm: &Path) -> Result<()> {
    let start = Instant::now();
    let output = Command::new(program)
        .args(WASM_OPT_FLAGS)
        .arg(wasm)
        .arg("-o")
        .arg(wasm)
        .output()
        .with_context(|| format!("cannot start {} (is node installed?)", program.display()))?;
    if !output.status.success() {
        bail!("wasm-opt rejected car.wasm:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    println!("wasm-opt took {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

fn read(site: &Path) -> Result<Files> {
    let mut files = Files::new();
    assets::collect(site, &mut files)?;
    Ok(files)
}

fn remove(file: &Path) -> Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", file.display()))
        }
        _ => Ok(()),
    }
}
