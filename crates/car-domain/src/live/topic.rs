//! What a client of the event stream follows.

use std::fmt;

use crate::docs::DocKind;

/// One thing to follow.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// `hub`: the row of every repository, and which repositories there are.
    Hub,
    /// `repo:<id>`: a repository's dashboard and the journal of its newest run.
    Repo(String),
    /// `run:<id>/<n>`: the journal of one run.
    Run(String, u64),
    /// `job:<id>`: a job.
    Job(String),
    /// `doc:<id>/<kind>`: the version of a document.
    Doc(String, DocKind),
    /// `terminal:<id>`: what is known about a terminal.
    Terminal(String),
    /// `notify`: notifications that were sent.
    Notify,
}

impl Topic {
    /// Reads a topic.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, TopicError> {
        let unknown = || TopicError::Unknown(text.to_owned());
        let (kind, rest) = match text.split_once(':') {
            None if text == "hub" => return Ok(Self::Hub),
            None if text == "notify" => return Ok(Self::Notify),
            None => return Err(unknown()),
            Some((_, "")) => return Err(unknown()),
            Some(parts) => parts,
        };
        let pair = || rest.rsplit_once('/').filter(|(id, _)| !id.is_empty()).ok_or_else(unknown);
        match kind {
            "repo" => Ok(Self::Repo(rest.to_owned())),
            "job" => Ok(Self::Job(rest.to_owned())),
            "terminal" => Ok(Self::Terminal(rest.to_owned())),
            "run" => {
                let (id, run) = pair()?;
                Ok(Self::Run(id.to_owned(), run.parse().map_err(|_| unknown())?))
            }
            "doc" => {
                let (id, kind) = pair()?;
                Ok(Self::Doc(id.to_owned(), DocKind::parse(kind).ok_or_else(unknown)?))
            }
            _ => Err(unknown()),
        }
    }

    /// The repository it is about, when it is about one that it names.
    pub fn repo(&self) -> Option<&str> {
        match self {
            Self::Repo(id) | Self::Run(id, _) | Self::Doc(id, _) => Some(id),
            Self::Hub | Self::Job(_) | Self::Terminal(_) | Self::Notify => None,
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hub => f.write_str("hub"),
            Self::Repo(id) => write!(f, "repo:{id}"),
            Self::Run(id, run) => write!(f, "run:{id}/{run}"),
            Self::Job(id) => write!(f, "job:{id}"),
            Self::Doc(id, kind) => write!(f, "doc:{id}/{kind}"),
            Self::Terminal(id) => write!(f, "terminal:{id}"),
            Self::Notify => f.write_str("notify"),
        }
    }
}

/// The topics of one client, each once and in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topics(Vec<Topic>);

impl Topics {
    /// Topics one client can follow.
    pub const MAX: usize = 64;

    /// Reads topics separated by commas.
    ///
    /// # Errors
    /// When there is none, too many, or one is no topic.
    pub fn parse(list: &str) -> Result<Self, TopicError> {
        let texts = list.split(',').map(str::trim).filter(|text| !text.is_empty());
        // Counted before they are read: a long list costs nothing.
        if texts.clone().count() > Self::MAX {
            return Err(TopicError::TooMany);
        }
        let topics = texts.map(Topic::parse).collect::<Result<Vec<_>, _>>()?;
        if topics.is_empty() {
            return Err(TopicError::None);
        }
        Ok(Self::new(topics))
    }

    /// These topics.
    pub fn new(mut topics: Vec<Topic>) -> Self {
        topics.sort_unstable();
        topics.dedup();
        Self(topics)
    }

    /// Whether `topic` is one of them.
    pub fn has(&self, topic: &Topic) -> bool {
        self.0.binary_search(topic).is_ok()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Topic> {
        self.0.iter()
    }
}

/// Why topics cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopicError {
    /// None is named.
    None,
    /// More than [`Topics::MAX`].
    TooMany,
    /// Not a topic.
    Unknown(String),
}

impl fmt::Display for TopicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("No topic is named."),
            Self::TooMany => {
                write!(f, "One stream follows at most {} topics.", Topics::MAX)
            }
            Self::Unknown(text) => write!(f, "There is no topic `{text}`."),
        }
    }
}

impl std::error::Error for TopicError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_read_as_they_are_written() {
        let list = "notify,hub,repo:a,run:a/3,job:0f,doc:a/todo,terminal:t-1,hub,";
        let topics = Topics::parse(list).expect("topics");
        let written: Vec<_> = topics.iter().map(ToString::to_string).collect();
        assert_eq!(
            written,
            ["hub", "repo:a", "run:a/3", "job:0f", "doc:a/todo", "terminal:t-1", "notify"]
        );
        assert_eq!(Topics::parse(&written.join(",")), Ok(topics));
    }

    #[test]
    fn what_is_no_topic_is_told() {
        for text in ["repo", "repo:", "hub:", "run:a", "run:/1", "run:a/x", "doc:a/readme", "x:1"] {
            assert_eq!(Topics::parse(text), Err(TopicError::Unknown(text.to_owned())));
        }
        assert_eq!(Topics::parse(" , "), Err(TopicError::None));
        assert_eq!(Topics::parse(&"hub,".repeat(65)), Err(TopicError::TooMany));
        assert!(Topics::parse(&"hub,".repeat(64)).is_ok());
    }
}
