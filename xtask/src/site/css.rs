//! The style sheet: `style/main.css` and what it imports, in one file.
//!
//! Written for current browsers: nesting, `oklch()`, `light-dark()` and layers stay as they are.

use std::fmt::Display;
use std::path::Path;

use anyhow::{Result, anyhow, ensure};
use lightningcss::bundler::{Bundler, FileProvider};
use lightningcss::error::ErrorLocation;
use lightningcss::stylesheet::{MinifyOptions, ParserOptions, PrinterOptions};
use lightningcss::targets::{Browsers, Targets};

use crate::workspace::{Profile, Workspace};

/// Bundles the style sheet; an error in it names the file and the line.
pub(super) fn bundle(workspace: &Workspace, profile: Profile) -> Result<Vec<u8>> {
    let entry = workspace.root().join("style/main.css");
    ensure!(entry.is_file(), "style/main.css is missing, the site has no style without it");
    let provider = FileProvider::new();
    let mut bundler = Bundler::new(&provider, None, ParserOptions::default());
    let fail = |what: &dyn Display, place| located(what, place, workspace);
    let mut sheet = bundler.bundle(&entry).map_err(|error| fail(&error.kind, error.loc))?;
    let targets = Targets::from(browsers());
    sheet
        .minify(MinifyOptions { targets, ..MinifyOptions::default() })
        .map_err(|error| fail(&error.kind, error.loc))?;
    let minify = profile == Profile::Release;
    let printed = sheet
        .to_css(PrinterOptions { minify, targets, ..PrinterOptions::default() })
        .map_err(|error| fail(&error.kind, error.loc))?;
    Ok(printed.code.into_bytes())
}

/// The first versions of early 2024 and later that know all of the modern features we write.
fn browsers() -> Browsers {
    let version = |major: u32, minor: u32| Some((major << 16) | (minor << 8));
    Browsers {
        chrome: version(125, 0),
        edge: version(125, 0),
        firefox: version(128, 0),
        safari: version(17, 5),
        ios_saf: version(17, 5),
        ..Browsers::default()
    }
}

fn located(
    what: &dyn Display,
    place: Option<ErrorLocation>,
    workspace: &Workspace,
) -> anyhow::Error {
    match place {
        Some(place) => anyhow!(
            "{}:{}:{}: {what}",
            workspace.relative(Path::new(&place.filename)).display(),
            place.line + 1, // the library counts lines from zero
            place.column
        ),
        None => anyhow!("style/main.css: {what}"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn bundled(parts: &[(&str, &str)], profile: Profile) -> Result<String> {
        let folder = tempfile::tempdir()?;
        fs::create_dir(folder.path().join("style"))?;
        for (name, text) in parts {
            fs::write(folder.path().join("style").join(name), text)?;
        }
        let workspace = Workspace::at(folder.path().to_owned(), None);
        Ok(String::from_utf8(bundle(&workspace, profile)?)?)
    }

    #[test]
    fn modern_features_are_kept() {
        let text = ".a { color: light-dark(oklch(40% .1 20), red); .b & { inset: 0 } }";
        let css = bundled(&[("main.css", text)], Profile::Release).unwrap();
        assert!(css.contains("light-dark(oklch("), "{css}");
        assert!(css.contains(".b &"), "{css}");
    }

    #[test]
    fn imports_land_in_their_layers() {
        let main = "@layer base, pages;\n@import \"base.css\" layer(base);";
        let css =
            bundled(&[("main.css", main), ("base.css", "a { top: 0 }")], Profile::Release).unwrap();
        assert_eq!(css, "@layer base{a{top:0}}@layer pages;");
    }

    #[test]
    fn an_error_names_the_file_and_the_line() {
        let parts = [("main.css", "@import \"base.css\";"), ("base.css", "a { top: 0 }\n\nb } {}")];
        let error = bundled(&parts, Profile::Debug).unwrap_err().to_string();
        assert!(error.starts_with("style/base.css:3:"), "{error}");
    }

    #[test]
    fn a_missing_import_is_an_error() {
        let error = bundled(&[("main.css", "@import \"gone.css\";")], Profile::Debug).unwrap_err();
        assert!(error.to_string().starts_with("style/main.css:1:"), "{error}");
    }
}
