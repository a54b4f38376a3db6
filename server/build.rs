//! Makes sure that the folder of the site exists, so that a clean checkout compiles before the site was built, and embeds
//! the site anew when it changed.

fn main() -> std::io::Result<()> {
    std::fs::create_dir_all("../target/site")?;
    println!("cargo:rerun-if-changed=../target/site");
    Ok(())
}
