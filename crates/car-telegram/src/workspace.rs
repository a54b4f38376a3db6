//! Which repository a topic works in, and which it may.

use std::path::{Path, PathBuf};

use car_engine::config::{CAR_DIR, CONFIG_FILE};
use car_engine::hub::Registry;
use car_engine::{EngineError, ErrorKind, Repo, blocking};

use crate::bot::Bot;
use crate::topic::Bound;

/// The repository of a topic. A root with one repository needs no binding.
pub(crate) async fn of(bot: &Bot, bound: &Bound) -> Result<PathBuf, EngineError> {
    let workspace = match &bound.workspace {
        Some(workspace) => workspace.clone(),
        None if !bot.settings.is_hub() => bot.settings.root.clone(),
        None => {
            return Err(EngineError::conflict("This topic is not bound to a repository")
                .with_hint("/bind shows those there are"));
        }
    };
    // The allowed places may have changed, and a link may have.
    allowed(bot, &workspace).await.map_err(|error| {
        EngineError::new(
            error.kind(),
            format!("The repository of this topic cannot be used: {error}"),
        )
        .with_hint("/bind chooses another one")
    })
}

/// The same, as a repository with a loop.
pub(crate) async fn repo_of(bot: &Bot, bound: &Bound) -> Result<Repo, EngineError> {
    let workspace = of(bot, bound).await?;
    blocking(move || {
        if !workspace.join(CAR_DIR).join(CONFIG_FILE).is_file() {
            let text = format!("{} is not initialised for CAR", workspace.display());
            return Err(EngineError::config(text).with_hint("run `car init` in it first"));
        }
        Repo::open(&workspace)
    })
    .await
}

/// A repository by its id in the hub, or by its path. Returns path and id.
pub(crate) async fn find(bot: &Bot, name: &str) -> Result<(PathBuf, Option<String>), EngineError> {
    let registry = registry(bot).await?;
    if bot.settings.is_hub()
        && let Ok(repo) = registry.get(name)
    {
        return Ok((allowed(bot, &repo.root).await?, Some(repo.id.clone())));
    }
    let home = bot.settings.env.var("HOME");
    let path = match (name.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => bot.settings.root.join(name),
    };
    let path = allowed(bot, &path).await?;
    if !bot.settings.is_hub() {
        return Ok((path, None));
    }
    blocking(move || {
        let known = registry.repos.iter().find(|repo| same(&repo.root, &path));
        let id = known.map(|repo| repo.id.clone());
        Ok((path, id))
    })
    .await
}

/// The repositories of the root that are there.
pub(crate) async fn registry(bot: &Bot) -> Result<Registry, EngineError> {
    let (root, config) = (bot.settings.root.clone(), bot.settings.config.clone());
    blocking(move || Registry::look(&root, &config)).await
}

/// The real path of a directory, if topics may be bound to it: a repository of the root, the root itself where it is one, or
/// below one of `telegram_bot.bind_roots`.
async fn allowed(bot: &Bot, path: &Path) -> Result<PathBuf, EngineError> {
    let registry = registry(bot).await?;
    let (root, is_hub) = (bot.settings.root.clone(), bot.settings.is_hub());
    let roots = bot.settings.bot().bind_roots.clone();
    let home = bot.settings.env.var("HOME");
    let path = path.to_path_buf();
    blocking(move || {
        let shown = path.display().to_string();
        let real = std::fs::canonicalize(&path)
            .ok()
            .filter(|real| real.is_dir())
            .ok_or_else(|| EngineError::not_found(format!("there is no directory {shown}")))?;
        let listed =
            registry.repos.iter().filter_map(|repo| std::fs::canonicalize(&repo.root).ok());
        let own = (!is_hub).then(|| std::fs::canonicalize(&root).ok()).flatten();
        let mut repos = listed.chain(own);
        let configured = roots.iter().filter_map(|dir| {
            let dir = match (dir.strip_prefix("~/"), &home) {
                (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
                _ => root.join(dir),
            };
            std::fs::canonicalize(dir).ok()
        });
        let is_allowed = repos.any(|repo| real == repo)
            || configured.into_iter().any(|dir| real.starts_with(&dir));
        if is_allowed {
            return Ok(real);
        }
        Err(EngineError::new(ErrorKind::Invalid, format!("topics may not be bound to {shown}"))
            .with_hint("the owner can allow more with telegram_bot.bind_roots"))
    })
    .await
}

fn same(a: &Path, b: &Path) -> bool {
    std::fs::canonicalize(a).is_ok_and(|a| a == b)
}
