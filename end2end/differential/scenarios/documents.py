"""Documents an agent writes for people: out of a specification, and about the repository."""

SECTIONS = r"say <TODO>\n- [ ] build it\n</TODO>\n<PROGRESS>\nNothing yet.\n</PROGRESS><OPINIONS>Keep it small.</OPINIONS>"
SNAPSHOT = r"say # Repo Snapshot\n\n## What this repo is\n\nSmall. The key is sk-abcdefghijklmnopqrstuvwxyz0123456789.\n"


def _empty(w):
    w.ready()
    for name in ("TODO.md", "PROGRESS.md", "OPINIONS.md"):
        w.document(name, "")


def ingest_spec(w):
    _empty(w)
    w.car("ingest-spec", agent=SECTIONS)
    w.car("status")


def ingest_spec_from_another_file(w):
    _empty(w)
    w.write("docs/plan.md", "# A plan\n")
    w.car("ingest-spec", "--spec", "docs/plan.md", agent=f"needs # A plan; {SECTIONS}")


def ingest_spec_over_existing_documents(w):
    w.ready()
    w.refused("ingest-spec", agent=SECTIONS)
    w.car("ingest-spec", "--force", agent=SECTIONS)


def ingest_spec_that_cannot_work(w):
    _empty(w)
    w.refused("ingest-spec", agent="say <TODO>- [ ] only this</TODO>", label="sections missing")
    w.refused("ingest-spec", agent="say no; exit 3", label="agent fails")
    w.refused("ingest-spec", env={"PATH": "/usr/bin:/bin"}, label="no codex")
    w.refused("ingest-spec", "--spec", "nowhere.md", agent=SECTIONS, label="no such file")
    w.document("SPEC.md", " \n")
    w.refused("ingest-spec", agent=SECTIONS, label="empty")


def snapshot(w):
    w.ready()
    w.car("snapshot", agent=SNAPSHOT)
    w.car("snapshot", agent=f"needs <PREVIOUS_SNAPSHOT>; {SNAPSHOT}", label="again")


def snapshot_that_cannot_work(w):
    w.ready()
    w.document("SNAPSHOT.md", "# Repo Snapshot\n\nOlder.\n")
    w.refused("snapshot", agent="say no; exit 3", label="agent fails")
    w.refused("snapshot", env={"PATH": "/usr/bin:/bin"}, label="no codex")


def snapshot_leaves_secrets_out(w):
    w.ready()
    w.write(".env", "PASSWORD=hunter2\n")
    w.write("README.md", "Token ghp_abcdefghijklmnopqrstuvwxyz0123456789 here.\n")
    w.git("add", "--force", ".env", "README.md")
    w.git("commit", "--quiet", "--message=Oops")
    w.car("snapshot", agent="needs gh_[REDACTED]; hates ghp_abcdef; hates hunter2; hates .env; say # Repo Snapshot")
