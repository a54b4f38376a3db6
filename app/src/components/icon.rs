//! Icons: decoration drawn by the style sheet in the colour of the text.

use leptos::prelude::*;

/// The icons in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Glyph {
    /// Back to where one came from.
    Back,
    /// A branch.
    Branch,
    /// What changed.
    Changes,
    /// Something was ticked.
    Check,
    /// Close or dismiss.
    Close,
    /// Documents.
    Docs,
    /// Files were edited.
    Edit,
    /// On to what comes after.
    Forward,
    /// A beginning.
    Flag,
    /// Earlier versions.
    History,
    /// All repositories.
    Hub,
    /// Words.
    Message,
    /// Anything else.
    More,
    /// The page of a repository.
    Overview,
    /// Stop after this run.
    Pause,
    /// Start.
    Play,
    /// One more.
    Plus,
    /// Take away.
    Remove,
    /// Again.
    Retry,
    /// Runs.
    Runs,
    /// Find.
    Search,
    /// Settings.
    Settings,
    /// Stop.
    Stop,
    /// A command.
    Terminal,
    /// Dark and light.
    Theme,
    /// Something to go with a text.
    Attach,
    /// Down.
    Down,
    /// Send.
    Send,
    /// Up.
    Up,
    /// Reasoning.
    Think,
    /// Tokens.
    Usage,
}

impl Glyph {
    const fn class(self) -> &'static str {
        match self {
            Self::Back => "icon icon--back",
            Self::Branch => "icon icon--branch",
            Self::Changes => "icon icon--changes",
            Self::Check => "icon icon--check",
            Self::Close => "icon icon--close",
            Self::Docs => "icon icon--docs",
            Self::Edit => "icon icon--edit",
            Self::Forward => "icon icon--forward",
            Self::Flag => "icon icon--flag",
            Self::History => "icon icon--history",
            Self::Hub => "icon icon--hub",
            Self::Message => "icon icon--message",
            Self::More => "icon icon--more",
            Self::Overview => "icon icon--overview",
            Self::Pause => "icon icon--pause",
            Self::Play => "icon icon--play",
            Self::Plus => "icon icon--plus",
            Self::Remove => "icon icon--remove",
            Self::Retry => "icon icon--retry",
            Self::Runs => "icon icon--runs",
            Self::Search => "icon icon--search",
            Self::Settings => "icon icon--settings",
            Self::Stop => "icon icon--stop",
            Self::Terminal => "icon icon--terminal",
            Self::Theme => "icon icon--theme",
            Self::Attach => "icon icon--attach",
            Self::Down => "icon icon--down",
            Self::Send => "icon icon--send",
            Self::Up => "icon icon--up",
            Self::Think => "icon icon--think",
            Self::Usage => "icon icon--usage",
        }
    }
}

/// An icon. Hidden from screen readers; what it stands for must be said next to it.
#[component]
pub(crate) fn Icon(
    /// Which one.
    glyph: Glyph,
) -> impl IntoView {
    view! { <span class=glyph.class() aria-hidden="true"></span> }
}
